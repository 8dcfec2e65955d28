// SPDX-License-Identifier: Apache-2.0
/* auger import and export. */
#include "app/cli/calls.h"

#include "core/io/file.h"
#include "ledger/run.h"

static void make_runs(void)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_ledger_options options = {.home = home, .artifact_root = "mlflow-artifacts:/"};
    begin();
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    for (int i = 0; i < 2; i++) {
        ag_run run;
        ag_run_new wanted = {.experiment_id = AG_STR("0"), .name = i ? AG_STR("second") : AG_STR("first")};
        ag_metric point = {.key = "loss", .value = 0.5 + i, .at = 1000, .step = 1};
        ag_run_batch batch = {.metrics = &point, .metric_count = 1};
        AG_EXPECT_OK(ag_run_create(ledger, &wanted, arena, &run, &err));
        AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(run.id), &batch, &err));
    }
    ag_ledger_close(ledger);
}

AG_TEST(test_export__and_import_by_command)
{
    char target[700], other[700];
    make_runs();
    ag_format(target, sizeof(target), "%s-mlruns", home);
    ag_format(other, sizeof(other), "%s-other", home);
    assert_int_equal(AUGER("export", "mlflow", target, "--filter", "metrics.loss <"), 2);
    expect_remark("^");
    assert_int_equal(AUGER("export", "mlflow", target), 0);
    expect_printed(target);
    assert_int_equal(AUGER("export", "mlflow", target), 1);
    expect_remark("there already");
    ag_format(home, sizeof(home), "%s", other);
    assert_int_equal(AUGER("import", "mlflow", "--from", target, "--dry-run"), 0);
    assert_int_equal(AUGER("runs", "list", "--csv"), 0);
    assert_false(printed("first"));
    assert_int_equal(AUGER("import", "mlflow", "--from", target, "--json"), 0);
    expect_printed("{\"import\":{\"store\":\"directory\"");
    expect_printed("\"runs\":{\"added\":2,\"there\":0}");
    assert_int_equal(AUGER("import", "mlflow", "--from", target), 0);
    expect_printed("metric points");
    assert_int_equal(AUGER("runs", "list", "--csv"), 0);
    expect_printed("second");
    assert_int_equal(AUGER("import", "mlflow", "--from", "/nowhere/at/all"), 1);
    assert_int_equal(AUGER("import", "mlflow", "--from", "mysql://a/b"), 1);
    end();
}

AG_TEST(test_export__some_runs_for_other_programs)
{
    char target[700];
    make_runs();
    ag_format(target, sizeof(target), "%s-tensorboard", home);
    assert_int_equal(AUGER("export", "tensorboard", target, "--filter", "run_name = 'first'", "--json"), 0);
    expect_printed("{\"export\":{\"experiments\":1,\"runs\":1,\"points\":1");
    ag_format(target, sizeof(target), "%s-wandb", home);
    assert_int_equal(AUGER("export", "wandb", target, "--project", "p", "--experiment", "Default"), 0);
    expect_remark("2 runs with 2 points");
    assert_int_equal(AUGER("export", "wandb", target, "--experiment", "none"), 1);
    end();
}
