// SPDX-License-Identifier: Apache-2.0
#include "learn/registration.h"

#include <string.h>

#include "frame/test.h"
#include "learn/record.h"
#include "ledger/lineage.h"
#include "ledger/model.h"

static void configure(ag_arena *arena, const char *set, ag_settings *out)
{
    ag_err err = {0};
    const ag_str sets[] = {ag_str_of(set)};
    AG_EXPECT_OK(ag_settings_read(arena, NULL, sets, 1, out, &err));
}

AG_TEST(test_registration__what_cannot_be_is_refused_before_training)
{
    ag_err err = {0};
    ag_settings settings;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_settings_read(arena, NULL, NULL, 0, &settings, &err));
    AG_EXPECT_OK(ag_registration_check(&settings, NULL, &err));
    configure(arena, "register=depth", &settings);
    assert_string_equal(settings.registration.name, "depth");
    AG_EXPECT_ERROR(ag_registration_check(&settings, NULL, &err), AG_EINVAL, "model 'depth' cannot be registered");
    assert_non_null(strstr(err.hint, "--home"));
    configure(arena, "register={alias: best}", &settings);
    AG_EXPECT_ERROR(ag_registration_check(&settings, NULL, &err), AG_EINVAL, "says no name");
    configure(arena, "register=depth/best", &settings);
    AG_EXPECT_ERROR(ag_registration_check(&settings, NULL, &err), AG_EINVAL,
                    "register: Invalid model name 'depth/best'");
    configure(arena, "register={name: depth, alias: latest}", &settings);
    AG_EXPECT_ERROR(ag_registration_check(&settings, NULL, &err), AG_EINVAL, "register: 'latest' alias name");
    ag_arena_free(arena);
}

AG_TEST(test_registration__a_run_makes_one_version_with_stage_alias_and_lineage)
{
    ag_err err = {0};
    ag_settings settings;
    ag_ledger *ledger = NULL;
    ag_record *record = NULL;
    ag_arena *arena = ag_arena_new(0);
    const ag_ledger_options how = {.home = ag_test_dir(), .artifact_root = "mlflow-artifacts:/"};
    const ag_record_options options = {.experiment = "drilling", .entry = "test"};
    AG_EXPECT_OK(ag_ledger_open(&how, &ledger, &err));
    AG_EXPECT_OK(ag_record_open(&(ag_tracker){.ledger = ledger}, &options, &record, &err));
    configure(arena, "register={name: depth, alias: best, stage: Staging, description: of June}", &settings);
    AG_EXPECT_OK(ag_registration_check(&settings, &(ag_tracker){.ledger = ledger}, &err));
    for (int i = 0; i < 2; i++) { /* again, as a training that is resumed after its end does */
        const char *name = NULL;
        AG_EXPECT_OK(ag_registration_make(ledger, &settings, ag_record_run(record), arena, &name, &err));
        assert_string_equal(name, "depth/1");
    }
    ag_version version;
    AG_EXPECT_OK(ag_alias_get(ledger, AG_STR("depth"), AG_STR("best"), arena, &version, &err));
    assert_true(version.number == 1 && version.stage == AG_STAGE_STAGING);
    assert_string_equal(version.description, "of June");
    assert_string_equal(version.run_id, ag_record_run(record));
    assert_non_null(strstr(version.source, "/model"));
    ag_lineage lineage;
    AG_EXPECT_OK(ag_lineage_of(ledger, AG_LINEAGE_VERSION, AG_STR("depth/1"), AG_LINEAGE_UP, 0, arena, &lineage, &err));
    assert_int_equal(lineage.node_count, 2);
    /* Another model of the same run is a version of its own. */
    const char *name = NULL;
    configure(arena, "register=other", &settings);
    AG_EXPECT_OK(ag_registration_make(ledger, &settings, ag_record_run(record), arena, &name, &err));
    assert_string_equal(name, "other/1");
    ag_record_free(record);
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}
