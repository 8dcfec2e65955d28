// SPDX-License-Identifier: Apache-2.0
/* The commands on the ledger: experiments and runs. */
#include "frame/test.h"

#include <string.h>

#include "app/cli/calls.h"
#include "ledger/experiment.h"
#include "ledger/run.h"

/* Two runs in the default experiment that differ in a parameter and a metric. */
static void make_runs(const char *ids[2])
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    AG_EXPECT_OK(ag_ledger_open(&(ag_ledger_options){.home = home}, &ledger, &err));
    for (int i = 0; i < 2; i++) {
        ag_run run;
        ag_metric metrics[20];
        ag_run_new wanted = {.experiment_id = AG_STR("0"), .name = i ? AG_STR("second") : AG_STR("first")};
        ag_pair params[] = {{AG_STR("lr"), i ? AG_STR("0.1") : AG_STR("0.01")}, {AG_STR("same"), AG_STR("s, \"t\"")}};
        for (int step = 0; step < 20; step++)
            metrics[step] = (ag_metric){.key = "loss", .value = (i + 1) * 10.0 / (step + 1), .at = 1000, .step = step};
        ag_run_batch batch = {.metrics = metrics, .metric_count = 20, .params = {params, 2}};
        AG_EXPECT_OK(ag_run_create(ledger, &wanted, arena, &run, &err));
        AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(run.id), &batch, &err));
        ids[i] = run.id;
    }
    ag_ledger_close(ledger);
}

AG_TEST(test_experiments__a_life)
{
    begin();
    assert_int_equal(AUGER("experiments", "list"), 1);
    expect_remark("there is no ledger in");
    assert_int_equal(AUGER("experiments", "create", "drill", "--tag", "team=lab"), 0);
    expect_printed("1\n");
    assert_int_equal(AUGER("experiments", "create", "drill"), 1);
    expect_remark("already exists");
    assert_int_equal(AUGER("experiments", "rename", "drill", "press"), 0);
    assert_int_equal(AUGER("experiments", "delete", "press"), 0);
    assert_int_equal(AUGER("experiments", "list"), 0);
    assert_false(printed("press"));
    assert_int_equal(AUGER("experiments", "list", "--view", "deleted"), 0);
    expect_printed("press");
    assert_int_equal(AUGER("experiments", "restore", "1"), 0);
    assert_int_equal(AUGER("experiments", "list", "--json", "--filter", "tags.team = 'lab'"), 0);
    expect_printed("{\"experiments\":[{\"experiment_id\":\"1\",\"name\":\"press\"");
    assert_int_equal(AUGER("experiments", "list", "--csv", "--order-by", "name"), 0);
    expect_printed("id,name,state,created,artifacts");
    assert_int_equal(AUGER("experiments", "delete", "none"), 1);
    expect_remark("there is no experiment 'none'");
    end();
}

AG_TEST(test_runs__are_listed)
{
    const char *ids[2];
    begin();
    make_runs(ids);
    assert_int_equal(AUGER("runs", "list"), 0);
    expect_printed("second");
    expect_printed("loss");
    expect_printed("course");
    expect_printed("\xe2\x96"); /* a character of the drawn course */
    assert_int_equal(
        AUGER("runs", "list", "--filter", "metrics.loss < 0.6 OR run_name = 'none'", "--show", "params.lr"), 0);
    expect_printed("0.01");
    assert_false(printed("second"));
    assert_int_equal(AUGER("runs", "list", "--csv", "--show", "params.same", "--show", "metrics.loss", "--order-by",
                           "metrics.loss DESC", "--experiment", "Default"),
                     0);
    expect_printed("run,name,experiment,status,started,took,params.same,metrics.loss");
    expect_printed("\"s, \"\"t\"\"\",1\n");
    assert_int_equal(AUGER("runs", "list", "--json", "--limit", "1"), 0);
    expect_printed("{\"runs\":[{\"info\":{\"run_id\":");
    expect_remark("there are more");
    assert_int_equal(AUGER("runs", "list", "--show", "nonsense"), 2);
    expect_remark("'nonsense' is not a column");
    assert_int_equal(AUGER("runs", "list", "--experiment", "none"), 1);
    end();
}

/* A run with metrics of every kind; `more` is added to their values. */
static void log_kinds(double more, ag_run *run)
{
    static const char *const names[] = {"a_note",   "gradient_norm", "learning_rate", "system/cpu",
                                        "test_mae", "train_loss",    "val_loss",      "val_mae_mm_entry"};
    enum { NAMES = sizeof names / sizeof *names };
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_metric metrics[2 * NAMES];
    AG_EXPECT_OK(ag_ledger_open(&(ag_ledger_options){.home = home}, &ledger, &err));
    for (int i = 0; i < 2 * NAMES; i++)
        metrics[i] = (ag_metric){.key = names[i % NAMES], .value = i + more, .at = 1000, .step = i / NAMES};
    const ag_run_batch batch = {.metrics = metrics, .metric_count = 2 * NAMES};
    AG_EXPECT_OK(ag_run_create(ledger, &(ag_run_new){.experiment_id = AG_STR("0")}, arena, run, &err));
    AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(run->id), &batch, &err));
    ag_ledger_close(ledger);
}

/* What a training was for stands first; how it went and the machine are asked for by name. */
AG_TEST(test_runs__are_listed_and_shown_with_their_results_first)
{
    ag_run run;
    begin();
    log_kinds(0, &run);
    assert_int_equal(AUGER("runs", "list", "--csv"), 0);
    expect_printed("took,test_mae,val_loss,val_mae_mm_entry\n");
    assert_int_equal(AUGER("runs", "show", run.id), 0);
    const char *text = ag_buf_str(&out.buf).data;
    assert_true(strstr(text, "test_mae") < strstr(text, "val_loss"));
    assert_true(strstr(text, "val_loss") < strstr(text, "a_note"));
    assert_true(strstr(text, "a_note") < strstr(text, "train_loss"));
    assert_true(strstr(text, "learning_rate") < strstr(text, "system/cpu"));
    end();
}

AG_TEST(test_runs__are_compared_with_their_results_first_and_without_the_machine)
{
    static const char first[] = "metrics.test_mae,", then[] = "metrics.val_loss,", later[] = "metrics.a_note,",
                      last[] = "metrics.learning_rate,", machine[] = "metrics.system/cpu";
    ag_run runs[2];
    begin();
    log_kinds(0, &runs[0]);
    log_kinds(1, &runs[1]);
    assert_int_equal(AUGER("runs", "compare", "--csv", runs[0].id, runs[1].id), 0);
    const char *text = ag_buf_str(&out.buf).data;
    assert_non_null(strstr(text, first));
    assert_true(strstr(text, first) < strstr(text, then));
    assert_true(strstr(text, then) < strstr(text, later));
    assert_true(strstr(text, later) < strstr(text, last));
    assert_false(printed(machine));
    assert_int_equal(AUGER("runs", "compare", "--csv", "--all", runs[0].id, runs[1].id), 0);
    text = ag_buf_str(&out.buf).data;
    assert_true(strstr(text, last) < strstr(text, machine));
    assert_int_equal(AUGER("runs", "compare", "--json", runs[0].id, runs[1].id), 0); /* programs get all that differs */
    expect_printed(machine);
    assert_int_equal(AUGER("compare", runs[0].id, runs[1].id), 0);
    text = ag_buf_str(&out.buf).data;
    assert_true(strstr(text, "test_mae") < strstr(text, "a_note"));
    assert_true(strstr(text, "a_note") < strstr(text, "gradient_norm"));
    assert_false(printed("system/"));
    end();
}

AG_TEST(test_runs__a_mistake_in_a_filter_is_pointed_at)
{
    const char *ids[2];
    begin();
    make_runs(ids);
    assert_int_equal(AUGER("runs", "list", "--filter", "metrics.loss < 'x'"), 2);
    expect_remark("metrics.loss < 'x'\n               ^\n");
    end();
}

AG_TEST(test_runs__are_shown_compared_and_deleted)
{
    const char *ids[2];
    char some[9];
    begin();
    make_runs(ids);
    ag_format(some, sizeof(some), "%.8s", ids[0]);
    assert_int_equal(AUGER("runs", "show", some), 0);
    expect_printed(ids[0]);
    expect_printed("\xe2\x96\x88"); /* a full block of the picture */
    expect_printed("lr");
    assert_int_equal(AUGER("runs", "show", "--json", ids[1]), 0);
    expect_printed("{\"run\":{\"info\"");
    assert_int_equal(AUGER("runs", "compare", ids[0], ids[1]), 0);
    expect_printed("params.lr");
    assert_false(printed("params.same"));
    assert_int_equal(AUGER("runs", "compare", "--all", "--csv", ids[0], ids[1]), 0);
    expect_printed("params.same");
    assert_int_equal(AUGER("runs", "compare", "--json", ids[0], ids[1]), 0);
    expect_printed("{\"what\":\"params.lr\",\"differs\":true,\"values\":[\"0.01\",\"0.1\"]}");
    assert_int_equal(AUGER("runs", "delete", some), 0);
    assert_int_equal(AUGER("runs", "list"), 0);
    assert_false(printed("first"));
    assert_int_equal(AUGER("runs", "delete", "--restore", some), 0);
    assert_int_equal(AUGER("runs", "list"), 0);
    expect_printed("first");
    assert_int_equal(AUGER("runs", "show", "ffff"), 1);
    expect_remark("there is no run 'ffff'");
    end();
}
