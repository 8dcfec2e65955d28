// SPDX-License-Identifier: Apache-2.0
/* Registered models, versions, stages and aliases, on SQLite and on PostgreSQL. */
#include "ledger/both.h"

#include <pthread.h>

#include "ledger/audit.h"
#include "ledger/logged_model.h"
#include "ledger/model.h"

static ag_registered_model new_model(ag_ledger *ledger, ag_arena *arena, const char *name)
{
    ag_err err = {0};
    ag_registered_model model = {0};
    AG_EXPECT_OK(ag_model_create(ledger, NULL, ag_str_of(name), AG_STR(""), (ag_pairs){0}, arena, &model, &err));
    return model;
}

static ag_version new_version(ag_ledger *ledger, ag_arena *arena, const char *model)
{
    ag_err err = {0};
    ag_version version = {0};
    ag_version_new wanted = {.model = ag_str_of(model), .source = AG_STR("mlflow-artifacts:/1/abc/artifacts/model")};
    AG_EXPECT_OK(ag_version_create(ledger, NULL, &wanted, arena, &version, &err));
    return version;
}

ON_BOTH(a_model_is_made_found_renamed_and_deleted)
{
    ag_err err = {0};
    ag_registered_model model;
    const ag_pair tags[] = {pair_of("team", "drilling"), pair_of("b", "2")};
    ag_actor ada = {"ada", "r-1"};
    AG_EXPECT_OK(ag_model_create(ledger, &ada, AG_STR("depth"), AG_STR("finds depth"), (ag_pairs){tags, 2}, arena,
                                 &model, &err));
    assert_string_equal(model.description, "finds depth");
    assert_string_equal(model.user_id, "ada");
    assert_int_equal(model.tags.count, 2);
    assert_int_equal(model.latest_count, 0);
    AG_EXPECT_ERROR(ag_model_create(ledger, NULL, AG_STR("depth"), AG_STR(""), (ag_pairs){0}, arena, &model, &err),
                    AG_EEXISTS, "Registered Model (name=depth) already exists.");
    new_version(ledger, arena, "depth");
    AG_EXPECT_OK(ag_alias_set(ledger, NULL, AG_STR("depth"), AG_STR("best"), 1, &err));
    new_model(ledger, arena, "other");
    AG_EXPECT_ERROR(ag_model_rename(ledger, NULL, AG_STR("depth"), AG_STR("other"), arena, &model, &err), AG_EEXISTS,
                    "Registered Model (name=other) already exists.");
    AG_EXPECT_OK(ag_model_rename(ledger, NULL, AG_STR("depth"), AG_STR("tiefe"), arena, &model, &err));
    assert_string_equal(model.name, "tiefe");
    assert_int_equal(model.tags.count, 2);
    assert_int_equal(model.latest_count, 1);
    assert_string_equal(model.latest[0].model, "tiefe");
    assert_int_equal(model.alias_count, 1);
    assert_string_equal(model.aliases[0].name, "best");
    AG_EXPECT_ERROR(ag_model_get(ledger, AG_STR("depth"), arena, &model, &err), AG_ENOTFOUND,
                    "Registered Model with name=depth not found");
    AG_EXPECT_OK(ag_model_describe(ledger, NULL, AG_STR("tiefe"), AG_STR("neu"), arena, &model, &err));
    assert_string_equal(model.description, "neu");
    AG_EXPECT_OK(ag_model_delete_tag(ledger, NULL, AG_STR("tiefe"), AG_STR("b"), &err));
    AG_EXPECT_OK(ag_model_set_tag(ledger, NULL, AG_STR("tiefe"), pair_of("team", "x"), &err));
    AG_EXPECT_OK(ag_model_get(ledger, AG_STR("tiefe"), arena, &model, &err));
    assert_int_equal(model.tags.count, 1);
    assert_true(ag_str_is(model.tags.items[0].value, "x"));
    AG_EXPECT_OK(ag_model_delete(ledger, NULL, AG_STR("tiefe"), &err));
    AG_EXPECT_ERROR(ag_model_delete(ledger, NULL, AG_STR("tiefe"), &err), AG_ENOTFOUND, "name=tiefe not found");
    AG_EXPECT_OK(ag_audit_verify(ledger, NULL, &err));
}

ON_BOTH(names_of_models_are_checked)
{
    static const char *const bad[] = {"", "  ", "a/b", "a:b", "\xff\xfe"};
    ag_err err = {0};
    ag_registered_model model;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int rc = ag_model_create(ledger, NULL, ag_str_of(bad[i]), AG_STR(""), (ag_pairs){0}, arena, &model, &err);
        if (rc != AG_EINVAL) fail_msg("'%s' gave %d", bad[i], rc);
    }
}

ON_BOTH(a_version_number_is_never_used_twice)
{
    ag_err err = {0};
    ag_version version;
    new_model(ledger, arena, "m");
    for (int i = 1; i <= 3; i++) assert_int_equal(new_version(ledger, arena, "m").number, i);
    AG_EXPECT_OK(ag_version_delete(ledger, NULL, AG_STR("m"), 3, &err));
    AG_EXPECT_ERROR(ag_version_get(ledger, AG_STR("m"), 3, arena, &version, &err), AG_ENOTFOUND,
                    "Model Version (name=m, version=3) not found");
    AG_EXPECT_ERROR(ag_version_delete(ledger, NULL, AG_STR("m"), 3, &err), AG_ENOTFOUND, "version=3");
    assert_int_equal(new_version(ledger, arena, "m").number, 4);
    ag_version_new imported = {
        .model = AG_STR("m"), .source = AG_STR("s3://b/m"), .number = 9, .stage = AG_STAGE_PRODUCTION};
    AG_EXPECT_OK(ag_version_create(ledger, NULL, &imported, arena, &version, &err));
    assert_int_equal(version.number, 9);
    assert_int_equal(version.stage, AG_STAGE_PRODUCTION);
    imported.number = 7;
    AG_EXPECT_ERROR(ag_version_create(ledger, NULL, &imported, arena, &version, &err), AG_EEXISTS, "version=7");
    assert_int_equal(new_version(ledger, arena, "m").number, 10);
    ag_version_new orphan = {.model = AG_STR("none"), .source = AG_STR("s3://b/m")};
    AG_EXPECT_ERROR(ag_version_create(ledger, NULL, &orphan, arena, &version, &err), AG_ENOTFOUND,
                    "Registered Model with name=none not found");
}

ON_BOTH(stages_move_and_archive_the_others)
{
    ag_err err = {0};
    ag_version version;
    ag_registered_model model;
    ag_versions latest;
    ag_stage stage;
    assert_true(ag_stage_parse(AG_STR("pRoduction"), &stage));
    assert_int_equal(stage, AG_STAGE_PRODUCTION);
    assert_false(ag_stage_parse(AG_STR("live"), &stage));
    new_model(ledger, arena, "m");
    for (int i = 0; i < 4; i++) new_version(ledger, arena, "m");
    AG_EXPECT_OK(ag_version_stage(ledger, NULL, AG_STR("m"), 1, AG_STAGE_PRODUCTION, false, arena, &version, &err));
    AG_EXPECT_OK(ag_version_stage(ledger, NULL, AG_STR("m"), 2, AG_STAGE_PRODUCTION, false, arena, &version, &err));
    AG_EXPECT_OK(ag_version_stage(ledger, NULL, AG_STR("m"), 3, AG_STAGE_PRODUCTION, true, arena, &version, &err));
    assert_int_equal(version.stage, AG_STAGE_PRODUCTION);
    AG_EXPECT_OK(ag_version_get(ledger, AG_STR("m"), 1, arena, &version, &err));
    assert_int_equal(version.stage, AG_STAGE_ARCHIVED);
    AG_EXPECT_ERROR(ag_version_stage(ledger, NULL, AG_STR("m"), 1, AG_STAGE_NONE, true, arena, &version, &err),
                    AG_EINVAL, "cannot archive existing model versions because 'None' is not an Active stage");
    AG_EXPECT_OK(ag_model_get(ledger, AG_STR("m"), arena, &model, &err));
    assert_int_equal(model.latest_count, 3); /* archived 2, production 3, none 4 */
    assert_int_equal(model.latest[0].number, 2);
    assert_int_equal(model.latest[2].number, 4);
    const ag_stage wanted[] = {AG_STAGE_PRODUCTION, AG_STAGE_STAGING};
    AG_EXPECT_OK(ag_model_latest(ledger, AG_STR("m"), wanted, 2, arena, &latest, &err));
    assert_int_equal(latest.count, 1);
    assert_int_equal(latest.items[0].number, 3);
}

ON_BOTH(what_bumps_the_model_and_what_does_not)
{
    ag_err err = {0};
    ag_version version;
    ag_registered_model before, after;
    new_model(ledger, arena, "m");
    new_version(ledger, arena, "m");
    AG_EXPECT_OK(ag_model_get(ledger, AG_STR("m"), arena, &before, &err));
    AG_EXPECT_OK(ag_version_describe(ledger, NULL, AG_STR("m"), 1, AG_STR("text"), arena, &version, &err));
    assert_string_equal(version.description, "text");
    AG_EXPECT_OK(ag_model_get(ledger, AG_STR("m"), arena, &after, &err));
    assert_true(after.updated_at == before.updated_at);
    AG_EXPECT_OK(ag_version_stage(ledger, NULL, AG_STR("m"), 1, AG_STAGE_STAGING, false, arena, &version, &err));
    AG_EXPECT_OK(ag_model_get(ledger, AG_STR("m"), arena, &before, &err));
    assert_true(before.updated_at > after.updated_at);
    AG_EXPECT_OK(ag_version_delete(ledger, NULL, AG_STR("m"), 1, &err));
    AG_EXPECT_OK(ag_model_get(ledger, AG_STR("m"), arena, &after, &err));
    assert_true(after.updated_at > before.updated_at);
}

ON_BOTH(aliases_move_and_go_with_their_version)
{
    ag_err err = {0};
    ag_version version;
    new_model(ledger, arena, "m");
    new_version(ledger, arena, "m");
    new_version(ledger, arena, "m");
    AG_EXPECT_OK(ag_alias_set(ledger, NULL, AG_STR("m"), AG_STR("champion"), 1, &err));
    AG_EXPECT_OK(ag_alias_set(ledger, NULL, AG_STR("m"), AG_STR("second"), 1, &err));
    AG_EXPECT_OK(ag_alias_get(ledger, AG_STR("m"), AG_STR("champion"), arena, &version, &err));
    assert_int_equal(version.number, 1);
    assert_int_equal(version.alias_count, 2);
    AG_EXPECT_OK(ag_alias_set(ledger, NULL, AG_STR("m"), AG_STR("champion"), 2, &err));
    AG_EXPECT_OK(ag_alias_get(ledger, AG_STR("m"), AG_STR("champion"), arena, &version, &err));
    assert_int_equal(version.number, 2);
    AG_EXPECT_OK(ag_version_delete(ledger, NULL, AG_STR("m"), 2, &err));
    AG_EXPECT_ERROR(ag_alias_get(ledger, AG_STR("m"), AG_STR("champion"), arena, &version, &err), AG_EINVAL,
                    "Registered model alias champion not found");
    AG_EXPECT_OK(ag_alias_delete(ledger, NULL, AG_STR("m"), AG_STR("second"), &err));
    AG_EXPECT_OK(ag_alias_delete(ledger, NULL, AG_STR("m"), AG_STR("second"), &err));
    AG_EXPECT_ERROR(ag_alias_set(ledger, NULL, AG_STR("m"), AG_STR("a"), 77, &err), AG_ENOTFOUND, "version=77");
    static const char *const bad[] = {"", "latest", "LATEST", "v1", "V22", "a b", "a/b", "a@b", "\xff"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int rc = ag_alias_set(ledger, NULL, AG_STR("m"), ag_str_of(bad[i]), 1, &err);
        if (rc != AG_EINVAL) fail_msg("alias '%s' gave %d", bad[i], rc);
    }
    AG_EXPECT_OK(ag_alias_set(ledger, NULL, AG_STR("m"), AG_STR("v1x"), 1, &err));
}

static size_t count_models(ag_ledger *ledger, ag_arena *arena, const char *filter)
{
    ag_err err = {0};
    ag_models found = {0};
    ag_page_request page = {.filter = ag_str_of(filter)};
    AG_EXPECT_OK(ag_model_search(ledger, &page, arena, &found, &err));
    return found.count;
}

static size_t count_versions(ag_ledger *ledger, ag_arena *arena, const char *filter)
{
    ag_err err = {0};
    ag_versions found = {0};
    ag_page_request page = {.filter = ag_str_of(filter)};
    AG_EXPECT_OK(ag_version_search(ledger, &page, arena, &found, &err));
    return found.count;
}

ON_BOTH(searches_leave_prompts_out_unless_asked)
{
    ag_err err = {0};
    ag_registered_model model;
    ag_version version;
    const ag_pair prompt = pair_of("mlflow.prompt.is_prompt", "true");
    new_model(ledger, arena, "plain");
    AG_EXPECT_OK(
        ag_model_create(ledger, NULL, AG_STR("prompt"), AG_STR(""), (ag_pairs){&prompt, 1}, arena, &model, &err));
    new_version(ledger, arena, "plain");
    ag_version_new wanted = {.model = AG_STR("prompt"), .source = AG_STR("s3://b/p"), .tags = {&prompt, 1}};
    AG_EXPECT_OK(ag_version_create(ledger, NULL, &wanted, arena, &version, &err));
    assert_int_equal(count_models(ledger, arena, ""), 1);
    assert_int_equal(count_models(ledger, arena, "name LIKE 'p%'"), 1);
    assert_int_equal(count_models(ledger, arena, "tags.`mlflow.prompt.is_prompt` = 'true'"), 1);
    assert_int_equal(count_models(ledger, arena, "tags.`mlflow.prompt.is_prompt` = 'false'"), 1);
    assert_int_equal(count_models(ledger, arena, "tags.`mlflow.prompt.is_prompt` != 'true'"), 1);
    assert_int_equal(count_models(ledger, arena, "name = 'prompt' AND tags.`mlflow.prompt.is_prompt` = 'false'"), 0);
    assert_int_equal(count_versions(ledger, arena, ""), 1);
    assert_int_equal(count_versions(ledger, arena, "name = 'prompt'"), 0);
    assert_int_equal(count_versions(ledger, arena, "tags.`mlflow.prompt.is_prompt` = 'true'"), 1);
    assert_int_equal(count_versions(ledger, arena, "tags.`mlflow.prompt.is_prompt` != 'true'"), 1);
}

ON_BOTH(versions_are_searched_and_paged)
{
    ag_err err = {0};
    ag_versions found;
    new_model(ledger, arena, "a");
    new_model(ledger, arena, "b");
    for (int i = 0; i < 5; i++) new_version(ledger, arena, i % 2 ? "a" : "b");
    AG_EXPECT_OK(ag_version_set_tag(ledger, NULL, AG_STR("a"), 2, pair_of("k", "v"), &err));
    assert_int_equal(count_versions(ledger, arena, "name = 'b'"), 3);
    assert_int_equal(count_versions(ledger, arena, "tags.k = 'v'"), 1);
    AG_EXPECT_OK(ag_version_delete_tag(ledger, NULL, AG_STR("a"), 2, AG_STR("k"), &err));
    assert_int_equal(count_versions(ledger, arena, "tags.k = 'v'"), 0);
    assert_int_equal(count_versions(ledger, arena, "version_number > 1 OR name = 'a'"), 4);
    const ag_str order[] = {AG_STR("name ASC"), AG_STR("version_number DESC")};
    ag_page_request page = {.max_results = 2, .order_by = order, .order_count = 2};
    size_t seen = 0;
    do {
        AG_EXPECT_OK(ag_version_search(ledger, &page, arena, &found, &err));
        if (seen == 0) assert_string_equal(found.items[0].model, "a");
        if (seen == 0) assert_int_equal(found.items[0].number, 2);
        seen += found.count;
        page.token = ag_str_of(found.next);
    } while (found.next);
    assert_int_equal(seen, 5);
    ag_page_request wrong = {.max_results = 200001};
    AG_EXPECT_ERROR(ag_version_search(ledger, &wrong, arena, &found, &err), AG_EINVAL, "200000");
    ag_models models;
    wrong.max_results = 1001;
    AG_EXPECT_ERROR(ag_model_search(ledger, &wrong, arena, &models, &err), AG_EINVAL, "1000");
}

ON_BOTH(a_version_marks_its_logged_model)
{
    ag_err err = {0};
    ag_logged_model logged;
    ag_version version;
    ag_logged_model_new wanted = {.experiment_id = AG_STR("0"), .name = AG_STR("net")};
    AG_EXPECT_OK(ag_logged_model_create(ledger, NULL, &wanted, arena, &logged, &err));
    new_model(ledger, arena, "m");
    const char *source = ag_arena_printf(arena, "models:/%s", logged.id);
    ag_version_new of = {.model = AG_STR("m"), .source = ag_str_of(source), .model_id = ag_str_of(logged.id)};
    AG_EXPECT_OK(ag_version_create(ledger, NULL, &of, arena, &version, &err));
    AG_EXPECT_OK(ag_version_create(ledger, NULL, &of, arena, &version, &err));
    assert_string_equal(version.source, source);
    assert_string_equal(version.storage, logged.artifact_uri);
    assert_string_equal(version.model_id, logged.id);
    AG_EXPECT_OK(ag_logged_model_get(ledger, ag_str_of(logged.id), arena, &logged, &err));
    assert_int_equal(logged.tags.count, 1);
    assert_true(ag_str_is(logged.tags.items[0].key, "mlflow.modelVersions"));
    assert_non_null(strstr(logged.tags.items[0].value.data, "\"version\":1"));
    assert_non_null(strstr(logged.tags.items[0].value.data, "\"version\":2"));
    of.model_id = AG_STR("m-nope");
    AG_EXPECT_ERROR(ag_version_create(ledger, NULL, &of, arena, &version, &err), AG_ENOTFOUND, "m-nope");
    assert_int_equal(count_versions(ledger, arena, ""), 2);
}

/* ---- failing, and all at once ---- */

typedef struct attempt {
    ag_ledger *ledger;
    int which;
    int64_t entries; /* of the audit log before */
    bool done;       /* a failure may be got over: the change is then whole */
} attempt;

static int change_registry(void *context, ag_err *err)
{
    attempt *at = context;
    if (at->done) return AG_OK;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_registered_model model;
    ag_version version;
    const ag_pair tag = pair_of("k", "v");
    ag_version_new wanted = {.model = AG_STR("m"), .source = AG_STR("s3://b/m"), .tags = {&tag, 1}};
    int rc = AG_OK;
    switch (at->which) {
    case 0: rc = ag_version_create(at->ledger, NULL, &wanted, arena, &version, err); break;
    case 1:
        rc = ag_version_stage(at->ledger, NULL, AG_STR("m"), 1, AG_STAGE_STAGING, true, arena, &version, err);
        break;
    case 2: rc = ag_alias_set(at->ledger, NULL, AG_STR("m"), AG_STR("a"), 1, err); break;
    case 3: rc = ag_model_set_tag(at->ledger, NULL, AG_STR("m"), tag, err); break;
    case 4: rc = ag_version_set_tag(at->ledger, NULL, AG_STR("m"), 1, tag, err); break;
    case 5: rc = ag_model_describe(at->ledger, NULL, AG_STR("m"), AG_STR("d"), arena, &model, err); break;
    case 6: rc = ag_version_delete(at->ledger, NULL, AG_STR("m"), 1, err); break;
    case 7: rc = ag_model_rename(at->ledger, NULL, AG_STR("m"), AG_STR("n"), arena, &model, err); break;
    case 8: rc = ag_model_delete(at->ledger, NULL, AG_STR("n"), err); break;
    default: rc = ag_model_create(at->ledger, NULL, AG_STR("z"), AG_STR(""), (ag_pairs){&tag, 1}, arena, &model, err);
    }
    ag_arena_free(arena);
    at->done = rc >= 0;
    return rc;
}

static void nothing_half_done(void *context)
{
    attempt *at = context;
    ag_err err = {0};
    uint64_t entries = 0;
    AG_EXPECT_OK(ag_audit_verify(at->ledger, &entries, &err));
    bool audited = at->which != 3 && at->which != 4 && at->which != 5;
    if ((int64_t)entries != at->entries + (at->done && audited)) fail_msg("%d is half done", at->which);
    ag_arena *arena = ag_arena_new(0);
    ag_version version;
    if (at->which == 0) {
        int rc = ag_version_get(at->ledger, AG_STR("m"), 2, arena, &version, &err);
        assert_int_equal(rc, at->done ? AG_OK : AG_ENOTFOUND);
        if (at->done) assert_int_equal(version.tags.count, 1);
    }
    ag_arena_free(arena);
}

AG_TEST(test_sqlite__a_change_that_fails_anywhere_leaves_nothing)
{
    ag_err err = {0};
    uint64_t entries = 0;
    ag_ledger *ledger = open_with(NULL, NULL);
    ag_arena *arena = ag_arena_new(0);
    new_model(ledger, arena, "m");
    new_version(ledger, arena, "m");
    for (int which = 0; which <= 9; which++) {
        AG_EXPECT_OK(ag_audit_verify(ledger, &entries, &err));
        attempt at = {ledger, which, (int64_t)entries, false};
        ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_SQL, change_registry, nothing_half_done, &at);
    }
    ag_arena_free(arena);
    ag_ledger_close(ledger);
}

typedef struct crowd {
    ag_ledger *ledger;
    int failures;
    pthread_mutex_t lock;
} crowd;

static void *register_many(void *context)
{
    crowd *c = context;
    for (int i = 0; i < 5; i++) {
        ag_err err = {0};
        ag_arena *arena = ag_arena_new(0);
        ag_version version;
        ag_version_new wanted = {.model = AG_STR("m"), .source = AG_STR("s3://b/m")};
        int rc = ag_version_create(c->ledger, NULL, &wanted, arena, &version, &err);
        if (rc >= 0) {
            rc = ag_version_stage(c->ledger, NULL, AG_STR("m"), version.number, AG_STAGE_PRODUCTION, true, arena,
                                  &version, &err);
        }
        if (rc < 0) {
            pthread_mutex_lock(&c->lock);
            c->failures++;
            print_error("%s\n", err.text);
            pthread_mutex_unlock(&c->lock);
        }
        ag_arena_free(arena);
    }
    return NULL;
}

ON_BOTH(many_who_register_get_different_numbers_and_one_is_in_production)
{
    enum { THREADS = 16 };
    ag_err err = {0};
    pthread_t threads[THREADS];
    crowd c = {.ledger = ledger};
    pthread_mutex_init(&c.lock, NULL);
    new_model(ledger, arena, "m");
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, register_many, &c), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(c.failures, 0);
    ag_versions all;
    ag_page_request page = {.max_results = 1000};
    AG_EXPECT_OK(ag_version_search(ledger, &page, arena, &all, &err));
    assert_int_equal(all.count, THREADS * 5);
    size_t live = 0;
    for (size_t i = 0; i < all.count; i++) live += all.items[i].stage == AG_STAGE_PRODUCTION;
    assert_int_equal(live, 1);
    AG_EXPECT_OK(ag_audit_verify(ledger, NULL, &err));
    pthread_mutex_destroy(&c.lock);
}
