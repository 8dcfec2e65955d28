// SPDX-License-Identifier: Apache-2.0
/* Experiments, runs and metrics, on SQLite and on PostgreSQL: every test runs on both. */
#include "frame/test.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash/encode.h"
#include "frame/postgres.h"
#include "ledger/audit.h"
#include "ledger/experiment.h"
#include "ledger/ledger.h"
#include "ledger/metric.h"
#include "ledger/run.h"

static ag_ledger *open_ledger(const char *database)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_ledger_options options = {.home = ag_test_dir(), .database = database};
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    return ledger;
}

#define ON_BOTH(name)                                                                                                  \
    static void name(ag_ledger *ledger, ag_arena *arena);                                                              \
    AG_TEST(test_sqlite__##name)                                                                                       \
    {                                                                                                                  \
        run_on(NULL, name);                                                                                            \
    }                                                                                                                  \
    AG_TEST(test_postgres__##name)                                                                                     \
    {                                                                                                                  \
        run_on(ag_test_postgres_database(), name);                                                                     \
    }                                                                                                                  \
    static void name(ag_ledger *ledger, ag_arena *arena)

static void run_on(const char *database, void (*body)(ag_ledger *, ag_arena *))
{
    ag_ledger *ledger = open_ledger(database);
    ag_arena *arena = ag_arena_new(0);
    body(ledger, arena);
    ag_arena_free(arena);
    ag_ledger_close(ledger);
}

static const ag_pairs no_pairs = {0};

static const char *new_experiment(ag_ledger *ledger, ag_arena *arena, const char *name)
{
    ag_err err = {0};
    const char *id = NULL;
    AG_EXPECT_OK(ag_experiment_create(ledger, NULL, ag_str_of(name), AG_STR(""), no_pairs, arena, &id, &err));
    return id;
}

static ag_str new_run(ag_ledger *ledger, ag_arena *arena, const char *experiment)
{
    ag_err err = {0};
    ag_run run;
    ag_run_new wanted = {.experiment_id = ag_str_of(experiment)};
    AG_EXPECT_OK(ag_run_create(ledger, &wanted, arena, &run, &err));
    return ag_str_of(run.id);
}

ON_BOTH(a_fresh_ledger_has_the_default_experiment)
{
    ag_err err = {0};
    ag_experiment experiment;
    AG_EXPECT_OK(ag_experiment_get(ledger, AG_STR("0"), arena, &experiment, &err));
    assert_string_equal(experiment.name, "Default");
    assert_false(experiment.deleted);
    assert_int_equal(experiment.artifact_location[0], '/');
    AG_EXPECT_ERROR(ag_experiment_get(ledger, AG_STR("77"), arena, &experiment, &err), AG_ENOTFOUND,
                    "No Experiment with id=77 exists");
    AG_EXPECT_ERROR(ag_experiment_get(ledger, AG_STR("x'y"), arena, &experiment, &err), AG_EINVAL,
                    "Invalid experiment ID 'x'y'");
    AG_EXPECT_ERROR(ag_experiment_by_name(ledger, AG_STR("nope"), arena, &experiment, &err), AG_ENOTFOUND,
                    "Could not find experiment with name 'nope'");
}

ON_BOTH(a_name_belongs_to_one_experiment_even_when_deleted)
{
    ag_err err = {0};
    ag_experiment found;
    const char *id = new_experiment(ledger, arena, "drill");
    const char *other = NULL;
    AG_EXPECT_ERROR(ag_experiment_create(ledger, NULL, AG_STR("drill"), AG_STR(""), no_pairs, arena, &other, &err),
                    AG_EEXISTS, "Experiment(name=drill) already exists.");
    AG_EXPECT_OK(ag_experiment_delete(ledger, NULL, ag_str_of(id), &err));
    AG_EXPECT_ERROR(ag_experiment_create(ledger, NULL, AG_STR("drill"), AG_STR(""), no_pairs, arena, &other, &err),
                    AG_EEXISTS, "already exists");
    AG_EXPECT_OK(ag_experiment_by_name(ledger, AG_STR("drill"), arena, &found, &err));
    assert_true(found.deleted);
    AG_EXPECT_ERROR(ag_experiment_rename(ledger, NULL, ag_str_of(id), AG_STR("x"), &err), AG_ECONFLICT,
                    "Cannot rename a non-active experiment.");
    AG_EXPECT_ERROR(ag_experiment_ensure(ledger, NULL, AG_STR("drill"), arena, &other, &err), AG_ECONFLICT, "deleted");
    AG_EXPECT_OK(ag_experiment_restore(ledger, NULL, ag_str_of(id), &err));
    AG_EXPECT_OK(ag_experiment_rename(ledger, NULL, ag_str_of(id), AG_STR("mill"), &err));
    AG_EXPECT_OK(ag_experiment_ensure(ledger, NULL, AG_STR("mill"), arena, &other, &err));
    assert_string_equal(other, id);
    AG_EXPECT_ERROR(ag_experiment_rename(ledger, NULL, ag_str_of(id), AG_STR("Default"), &err), AG_EEXISTS, "Default");
    AG_EXPECT_ERROR(ag_experiment_create(ledger, NULL, AG_STR("  "), AG_STR(""), no_pairs, arena, &other, &err),
                    AG_EINVAL, "must not be empty");
}

ON_BOTH(artifact_locations_are_checked)
{
    static const char *const bad[] = {"../x", "/a/../b",   "file:///a/%2e%2e/b", "runs:/abc", "s3://b/a?x=1",
                                      "/a#b", "ftp://h/x", "file:///a%2",        "a\\..\\b"};
    ag_err err = {0};
    const char *id;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "e%zu", i);
        int rc = ag_experiment_create(ledger, NULL, ag_str_of(name), ag_str_of(bad[i]), no_pairs, arena, &id, &err);
        if (rc != AG_EINVAL) fail_msg("'%s' gave %d", bad[i], rc);
    }
    ag_experiment found;
    AG_EXPECT_OK(
        ag_experiment_create(ledger, NULL, AG_STR("good"), AG_STR("s3://bucket/deep"), no_pairs, arena, &id, &err));
    AG_EXPECT_OK(ag_experiment_get(ledger, ag_str_of(id), arena, &found, &err));
    assert_string_equal(found.artifact_location, "s3://bucket/deep");
}

ON_BOTH(deleting_an_experiment_takes_its_active_runs_along)
{
    ag_err err = {0};
    ag_run run;
    ag_str experiment = ag_str_of(new_experiment(ledger, arena, "with runs"));
    ag_str one = new_run(ledger, arena, experiment.data), two = new_run(ledger, arena, experiment.data);
    AG_EXPECT_OK(ag_run_delete(ledger, NULL, one, &err));
    AG_EXPECT_OK(ag_run_delete(ledger, NULL, one, &err)); /* again: fine */
    AG_EXPECT_OK(ag_experiment_delete(ledger, NULL, experiment, &err));
    AG_EXPECT_OK(ag_run_get(ledger, two, arena, &run, &err));
    assert_true(run.deleted);
    ag_run_new wanted = {.experiment_id = experiment};
    AG_EXPECT_ERROR(ag_run_create(ledger, &wanted, arena, &run, &err), AG_EINVAL, "must be in the 'active' state");
    AG_EXPECT_OK(ag_experiment_restore(ledger, NULL, experiment, &err));
    AG_EXPECT_OK(ag_run_get(ledger, two, arena, &run, &err));
    assert_false(run.deleted);
    AG_EXPECT_OK(ag_run_get(ledger, one, arena, &run, &err)); /* was deleted before: stays so */
    assert_true(run.deleted);
    ag_pair tag = {AG_STR("a"), AG_STR("b")};
    ag_run_batch batch = {.tags = {&tag, 1}};
    AG_EXPECT_ERROR(ag_run_log(ledger, one, &batch, &err), AG_EINVAL, "Current state is deleted.");
    AG_EXPECT_OK(ag_run_restore(ledger, NULL, one, &err));
    AG_EXPECT_OK(ag_run_log(ledger, one, &batch, &err));
}

ON_BOTH(experiment_tags_come_and_go)
{
    ag_err err = {0};
    ag_experiment found;
    ag_str id = ag_str_of(new_experiment(ledger, arena, "tagged"));
    AG_EXPECT_OK(ag_experiment_set_tag(ledger, NULL, id, (ag_pair){AG_STR("b"), AG_STR("1")}, &err));
    AG_EXPECT_OK(ag_experiment_set_tag(ledger, NULL, id, (ag_pair){AG_STR("a"), AG_STR("")}, &err));
    AG_EXPECT_OK(ag_experiment_set_tag(ledger, NULL, id, (ag_pair){AG_STR("b"), AG_STR("2")}, &err));
    AG_EXPECT_OK(ag_experiment_get(ledger, id, arena, &found, &err));
    assert_int_equal(found.tags.count, 2);
    assert_true(ag_str_is(found.tags.items[0].key, "a") && ag_str_is(found.tags.items[1].value, "2"));
    AG_EXPECT_OK(ag_experiment_delete_tag(ledger, NULL, id, AG_STR("a"), &err));
    AG_EXPECT_ERROR(ag_experiment_delete_tag(ledger, NULL, id, AG_STR("a"), &err), AG_ENOTFOUND, "No tag with name: a");
    AG_EXPECT_ERROR(ag_experiment_set_tag(ledger, NULL, id, (ag_pair){AG_STR("../x"), AG_STR("1")}, &err), AG_EINVAL,
                    "must not resolve to other names");
}

ON_BOTH(a_run_may_bring_its_id_and_is_made_once)
{
    ag_err err = {0};
    ag_run run;
    ag_run_new wanted = {.experiment_id = AG_STR("0"), .id = AG_STR("00112233445566778899aabbccddeeff")};
    AG_EXPECT_OK(ag_run_create(ledger, &wanted, arena, &run, &err));
    assert_string_equal(run.id, "00112233445566778899aabbccddeeff");
    assert_non_null(strstr(run.artifact_uri, run.id));
    AG_EXPECT_ERROR(ag_run_create(ledger, &wanted, arena, &run, &err), AG_EEXISTS, "exists already");
    static const char *const wrong[] = {"1", "00112233445566778899AABBCCDDEEFF", "../112233445566778899aabbccddeef",
                                        "00112233445566778899aabbccddeeff0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        wanted.id = ag_str_of(wrong[i]);
        AG_EXPECT_ERROR(ag_run_create(ledger, &wanted, arena, &run, &err), AG_EINVAL, "32 lower-case hex digits");
    }
}

ON_BOTH(a_run_has_a_name_and_a_place)
{
    ag_err err = {0};
    ag_run run;
    ag_pair tags[] = {{AG_STR("mlflow.runName"), AG_STR("first")}, {AG_STR("k"), AG_STR("v")}};
    ag_run_new wanted = {.experiment_id = AG_STR("0"), .user_id = AG_STR("ada"), .started_at = 5000, .tags = {tags, 2}};
    AG_EXPECT_OK(ag_run_create(ledger, &wanted, arena, &run, &err));
    assert_string_equal(run.name, "first");
    assert_int_equal(strlen(run.id), 32);
    assert_true(ag_str_ends(ag_str_of(run.artifact_uri), AG_STR("/artifacts")));
    assert_non_null(strstr(run.artifact_uri, run.id));
    assert_int_equal(run.status, AG_RUN_RUNNING);
    assert_int_equal(run.started_at, 5000);
    assert_int_equal(run.ended_at, 0);
    assert_int_equal(run.tags.count, 2);
    wanted.name = AG_STR("other");
    AG_EXPECT_ERROR(ag_run_create(ledger, &wanted, arena, &run, &err), AG_EINVAL, "with different values");
    wanted = (ag_run_new){.experiment_id = AG_STR("0")};
    AG_EXPECT_OK(ag_run_create(ledger, &wanted, arena, &run, &err));
    assert_true(strlen(run.name) > 3);
    wanted.experiment_id = AG_STR("999");
    AG_EXPECT_ERROR(ag_run_create(ledger, &wanted, arena, &run, &err), AG_ENOTFOUND, "No Experiment with id=999");
    AG_EXPECT_ERROR(ag_run_get(ledger, AG_STR("feed"), arena, &run, &err), AG_ENOTFOUND, "Run with id=feed not found");
}

ON_BOTH(updating_a_run_changes_only_what_is_said)
{
    ag_err err = {0};
    ag_run run;
    ag_str id = new_run(ledger, arena, "0");
    ag_run_status finished = AG_RUN_FINISHED;
    int64_t end = 9000;
    ag_str name = AG_STR("renamed");
    AG_EXPECT_OK(ag_run_update(ledger, id, &(ag_run_change){.status = &finished, .ended_at = &end}, arena, &run, &err));
    assert_int_equal(run.status, AG_RUN_FINISHED);
    assert_int_equal(run.ended_at, 9000);
    AG_EXPECT_OK(ag_run_update(ledger, id, &(ag_run_change){.name = &name}, arena, &run, &err));
    assert_string_equal(run.name, "renamed");
    assert_int_equal(run.status, AG_RUN_FINISHED);
    AG_EXPECT_OK(ag_run_get(ledger, id, arena, &run, &err));
    assert_true(ag_str_is(run.tags.items[0].value, "renamed")); /* mlflow.runName follows */
    ag_pair tag = {AG_STR("mlflow.runName"), AG_STR("by tag")};
    AG_EXPECT_OK(ag_run_log(ledger, id, &(ag_run_batch){.tags = {&tag, 1}}, &err));
    AG_EXPECT_OK(ag_run_get(ledger, id, arena, &run, &err));
    assert_string_equal(run.name, "by tag");
}

ON_BOTH(parameters_do_not_change)
{
    ag_err err = {0};
    ag_run run;
    ag_str id = new_run(ledger, arena, "0");
    AG_EXPECT_OK(ag_run_log_param(ledger, id, (ag_pair){AG_STR("lr"), AG_STR("0.1")}, &err));
    AG_EXPECT_OK(ag_run_log_param(ledger, id, (ag_pair){AG_STR("lr"), AG_STR("0.1")}, &err));
    AG_EXPECT_ERROR(ag_run_log_param(ledger, id, (ag_pair){AG_STR("lr"), AG_STR("0.2")}, &err), AG_EINVAL,
                    "Param with key='lr' was already logged with value='0.1'");
    ag_pair two[] = {{AG_STR("new"), AG_STR("1")}, {AG_STR("lr"), AG_STR("0.3")}};
    ag_pair tag = {AG_STR("t"), AG_STR("1")};
    ag_run_batch batch = {.params = {two, 2}, .tags = {&tag, 1}};
    AG_EXPECT_ERROR(ag_run_log(ledger, id, &batch, &err), AG_EINVAL, "Params were already logged=");
    AG_EXPECT_OK(ag_run_get(ledger, id, arena, &run, &err));
    assert_int_equal(run.params.count, 1); /* all of a batch or nothing */
    assert_int_equal(run.tags.count, 1);
    ag_pair twice[] = {{AG_STR("k"), AG_STR("1")}, {AG_STR("k"), AG_STR("1")}};
    batch = (ag_run_batch){.params = {twice, 2}};
    AG_EXPECT_ERROR(ag_run_log(ledger, id, &batch, &err), AG_EINVAL, "Duplicate parameter keys");
    AG_EXPECT_ERROR(ag_run_log_param(ledger, id, (ag_pair){AG_STR("bad!"), AG_STR("1")}, &err), AG_EINVAL,
                    "for parameter 'key' supplied: Names");
    AG_EXPECT_ERROR(ag_run_log_param(ledger, AG_STR("none"), (ag_pair){AG_STR("a"), AG_STR("1")}, &err), AG_ENOTFOUND,
                    "Run with id=none not found");
}

static int log_point(ag_ledger *ledger, ag_str run, const char *key, double value, int64_t at, int64_t step,
                     ag_err *err)
{
    ag_metric metric = {.key = key, .value = value, .at = at, .step = step};
    return ag_run_log(ledger, run, &(ag_run_batch){.metrics = &metric, .metric_count = 1}, err);
}

ON_BOTH(the_latest_metric_is_the_largest_not_the_last_written)
{
    ag_err err = {0};
    ag_run run;
    ag_str id = new_run(ledger, arena, "0");
    AG_EXPECT_OK(log_point(ledger, id, "m", 1, 100, 5, &err));
    AG_EXPECT_OK(log_point(ledger, id, "m", 2, 900, 4, &err)); /* an earlier step, later in time */
    AG_EXPECT_OK(log_point(ledger, id, "m", 3, 50, 5, &err));  /* the same step, earlier in time */
    AG_EXPECT_OK(log_point(ledger, id, "m", 7, 100, 5, &err)); /* the same moment, a larger value */
    AG_EXPECT_OK(log_point(ledger, id, "m", 6, 100, 5, &err));
    AG_EXPECT_OK(ag_run_get(ledger, id, arena, &run, &err));
    assert_int_equal(run.metric_count, 1);
    assert_true(run.metrics[0].value == 7 && run.metrics[0].step == 5 && run.metrics[0].at == 100);
    AG_EXPECT_OK(log_point(ledger, id, "m", -INFINITY, 101, 5, &err));
    AG_EXPECT_OK(ag_run_get(ledger, id, arena, &run, &err));
    assert_true(run.metrics[0].value == -INFINITY && run.metrics[0].at == 101);
    AG_EXPECT_OK(log_point(ledger, id, "m", NAN, 0, 6, &err));
    AG_EXPECT_OK(ag_run_get(ledger, id, arena, &run, &err));
    assert_true(isnan(run.metrics[0].value));
    AG_EXPECT_ERROR(log_point(ledger, id, "m", 1, -1000, 6, &err), AG_EINVAL, "nonnegative");
}

ON_BOTH(histories_keep_every_point_once_in_order)
{
    ag_err err = {0};
    ag_points points;
    ag_str id = new_run(ledger, arena, "0");
    ag_metric batch[] = {
        {.key = "m", .value = 3, .at = 3000, .step = -1},  {.key = "m", .value = 1, .at = 1000, .step = 0},
        {.key = "m", .value = NAN, .at = 2000, .step = 1}, {.key = "m", .value = INFINITY, .at = 2000},
        {.key = "m", .value = 1, .at = 1000, .step = 0},   {.key = "n", .value = 9, .at = 1}};
    AG_EXPECT_OK(ag_run_log(ledger, id, &(ag_run_batch){.metrics = batch, .metric_count = 6}, &err));
    AG_EXPECT_OK(ag_run_log(ledger, id, &(ag_run_batch){.metrics = batch, .metric_count = 6}, &err));
    AG_EXPECT_OK(ag_metric_history(ledger, id, AG_STR("m"), 0, AG_STR(""), arena, &points, &err));
    assert_int_equal(points.count, 4);
    assert_null(points.next);
    assert_true(points.items[0].value == 1 && points.items[1].value == INFINITY && isnan(points.items[2].value));
    assert_true(points.items[3].value == 3 && points.items[3].step == -1);
    AG_EXPECT_OK(ag_metric_history(ledger, id, AG_STR("m"), 3, AG_STR(""), arena, &points, &err));
    assert_int_equal(points.count, 3);
    AG_EXPECT_OK(ag_metric_history(ledger, id, AG_STR("m"), 3, ag_str_of(points.next), arena, &points, &err));
    assert_int_equal(points.count, 1);
    assert_null(points.next);
    AG_EXPECT_ERROR(ag_metric_history(ledger, id, AG_STR("m"), 3, AG_STR("garbage!"), arena, &points, &err), AG_EINVAL,
                    "page token");
    AG_EXPECT_ERROR(ag_metric_history(ledger, AG_STR("x"), AG_STR("m"), 0, AG_STR(""), arena, &points, &err),
                    AG_ENOTFOUND, "Run with id=x");
}

ON_BOTH(thinned_histories_keep_ends_and_extremes)
{
    enum { POINTS = 5000 };
    ag_err err = {0};
    ag_str id = new_run(ledger, arena, "0");
    ag_metric *batch = ag_arena_array(arena, POINTS, sizeof(*batch));
    for (int i = 0; i < POINTS; i++) {
        batch[i] = (ag_metric){.key = "m", .value = i == 3210 ? 1e9 : i == 77 ? NAN : sin(i), .at = i, .step = i};
    }
    AG_EXPECT_OK(ag_run_log(ledger, id, &(ag_run_batch){.metrics = batch, .metric_count = POINTS}, &err));
    ag_points points;
    AG_EXPECT_OK(ag_metric_sample(ledger, id, AG_STR("m"), 100, arena, &points, &err));
    assert_in_range(points.count, 50, 160);
    assert_int_equal(points.items[0].step, 0);
    assert_int_equal(points.items[points.count - 1].step, POINTS - 1);
    bool spike = false, gap = false;
    for (size_t i = 0; i < points.count; i++) {
        spike |= points.items[i].value == 1e9;
        gap |= isnan(points.items[i].value);
        if (i) assert_true(points.items[i].step >= points.items[i - 1].step);
    }
    assert_true(spike && gap);
    ag_run_points *runs;
    size_t count;
    AG_EXPECT_OK(ag_metric_history_interval(ledger, &id, 1, AG_STR("m"), NULL, NULL, 10, arena, &runs, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(runs[0].count, 11);
    assert_int_equal(runs[0].items[10].step, POINTS - 1);
    int64_t from = 10, to = 12;
    AG_EXPECT_OK(ag_metric_history_interval(ledger, &id, 1, AG_STR("m"), &from, &to, 10, arena, &runs, &count, &err));
    assert_int_equal(runs[0].count, 3);
    AG_EXPECT_ERROR(ag_metric_history_interval(ledger, &id, 1, AG_STR("m"), &to, &from, 10, arena, &runs, &count, &err),
                    AG_EINVAL, "end_step must be greater");
    AG_EXPECT_OK(ag_metric_history_bulk(ledger, &id, 1, AG_STR("m"), 7, arena, &runs, &count, &err));
    assert_int_equal(runs[0].count, 7);
}

ON_BOTH(inputs_are_kept_once_and_keep_their_first_tags)
{
    ag_err err = {0};
    ag_run run;
    ag_str id = new_run(ledger, arena, "0");
    ag_pair train = {AG_STR("mlflow.data.context"), AG_STR("train")},
            test = {AG_STR("mlflow.data.context"), AG_STR("test")};
    ag_run_input input = {
        .name = "holes", .digest = "abc", .source_type = "local", .source = "{}", .tags = {&train, 1}};
    AG_EXPECT_OK(ag_run_log_inputs(ledger, id, &input, 1, NULL, 0, &err));
    input.tags.items = &test;
    AG_EXPECT_OK(ag_run_log_inputs(ledger, id, &input, 1, NULL, 0, &err));
    AG_EXPECT_OK(ag_run_get(ledger, id, arena, &run, &err));
    assert_int_equal(run.input_count, 1);
    assert_string_equal(run.inputs[0].name, "holes");
    assert_null(run.inputs[0].schema);
    assert_true(ag_str_is(run.inputs[0].tags.items[0].value, "train"));
    const ag_dataset_summary *summaries;
    size_t count;
    ag_str zero = AG_STR("0");
    AG_EXPECT_OK(ag_run_search_datasets(ledger, &zero, 1, arena, &summaries, &count, &err));
    assert_true(count >= 1);
    ag_run_model model = {.model_id = "m-none"};
    AG_EXPECT_ERROR(ag_run_log_inputs(ledger, id, NULL, 0, &model, 1, &err), AG_ENOTFOUND, "Logged model with ID");
    input.digest = "";
    AG_EXPECT_ERROR(ag_run_log_inputs(ledger, id, &input, 1, NULL, 0, &err), AG_EINVAL, "'digest'");
}

/* Ids of the found runs, as one text "2 0 1" by their number in `runs`. */
static void expect_found(ag_ledger *ledger, ag_arena *arena, const char *experiment, const ag_str *runs,
                         size_t run_count, const char *filter, const char *order, const char *wanted)
{
    ag_err err = {0};
    ag_runs found;
    ag_str id = ag_str_of(experiment), order_by = ag_str_of(order);
    ag_page_request page = {.filter = ag_str_of(filter), .order_by = &order_by, .order_count = order ? 1 : 0};
    AG_EXPECT_OK(ag_run_search(ledger, &id, 1, AG_VIEW_ACTIVE, &page, arena, &found, &err));
    ag_buf text;
    ag_buf_init(&text, 1000);
    for (size_t i = 0; i < found.count; i++) {
        for (size_t r = 0; r < run_count; r++) {
            if (ag_str_is(runs[r], found.items[i].id)) ag_buf_addf(&text, "%s%zu", i ? " " : "", r);
        }
    }
    if (!ag_str_is(ag_buf_str(&text), wanted)) {
        fail_msg("'%s' by '%s' gave '%.*s', not '%s'", filter, order ? order : "", AG_STR_ARG(ag_buf_str(&text)),
                 wanted);
    }
    ag_buf_deinit(&text);
}

ON_BOTH(runs_are_found_by_what_they_logged)
{
    ag_err err = {0};
    const char *experiment = new_experiment(ledger, arena, "searched");
    ag_str runs[4];
    for (int i = 0; i < 4; i++) {
        ag_run run;
        ag_run_new wanted = {.experiment_id = ag_str_of(experiment), .started_at = 1000000 * (i + 1)};
        AG_EXPECT_OK(ag_run_create(ledger, &wanted, arena, &run, &err));
        runs[i] = ag_str_of(run.id);
    }
    AG_EXPECT_OK(log_point(ledger, runs[0], "loss", 0.5, 1, 0, &err));
    AG_EXPECT_OK(log_point(ledger, runs[1], "loss", 0.1, 1, 0, &err));
    AG_EXPECT_OK(log_point(ledger, runs[2], "loss", NAN, 1, 0, &err));
    AG_EXPECT_OK(ag_run_log_param(ledger, runs[0], (ag_pair){AG_STR("model"), AG_STR("Mixer")}, &err));
    AG_EXPECT_OK(ag_run_log_param(ledger, runs[1], (ag_pair){AG_STR("model"), AG_STR("mixer")}, &err));
    const char *e = experiment;
    expect_found(ledger, arena, e, runs, 4, "", NULL, "3 2 1 0");
    expect_found(ledger, arena, e, runs, 4, "", "start_time ASC", "0 1 2 3");
    expect_found(ledger, arena, e, runs, 4, "metrics.loss < 0.4", NULL, "1");
    expect_found(ledger, arena, e, runs, 4, "metrics.loss != 0.5", NULL, "1");
    expect_found(ledger, arena, e, runs, 4, "metrics.loss > 0", NULL, "1 0");
    expect_found(ledger, arena, e, runs, 4, "metrics.loss IS NULL", NULL, "3");
    expect_found(ledger, arena, e, runs, 4, "", "metrics.loss DESC", "0 1 2 3"); /* NaN, then what is not there */
    expect_found(ledger, arena, e, runs, 4, "", "metrics.loss ASC", "1 0 2 3");
    expect_found(ledger, arena, e, runs, 4, "params.model LIKE 'm%'", NULL, "1");
    expect_found(ledger, arena, e, runs, 4, "params.model ILIKE 'm%'", NULL, "1 0");
    expect_found(ledger, arena, e, runs, 4, "params.model != 'mixer'", NULL, "0");
    expect_found(ledger, arena, e, runs, 4, "params.model = 'mixer' OR metrics.loss = 0.5", NULL, "1 0");
    expect_found(ledger, arena, e, runs, 4, "NOT (params.model = 'mixer' OR metrics.loss = 0.5)", NULL, "3 2");
    expect_found(ledger, arena, e, runs, 4, "NOT end_time > 5", NULL, "3 2 1 0");
    expect_found(ledger, arena, e, runs, 4, "start_time > 2500", NULL, "3 2");
    expect_found(ledger, arena, e, runs, 4, "status = 'RUNNING' AND start_time <= 1000", NULL, "0");
}

ON_BOTH(pages_join_without_gaps)
{
    ag_err err = {0};
    ag_str experiment = ag_str_of(new_experiment(ledger, arena, "paged"));
    for (int i = 0; i < 7; i++) new_run(ledger, arena, experiment.data);
    size_t seen = 0, pages = 0;
    ag_page_request page = {.max_results = 3};
    ag_runs found;
    do {
        AG_EXPECT_OK(ag_run_search(ledger, &experiment, 1, AG_VIEW_ALL, &page, arena, &found, &err));
        seen += found.count;
        pages++;
        page.token = ag_str_of(found.next);
    } while (found.next);
    assert_int_equal(seen, 7);
    assert_int_equal(pages, 3);
    page = (ag_page_request){.max_results = 50001};
    AG_EXPECT_ERROR(ag_run_search(ledger, &experiment, 1, AG_VIEW_ALL, &page, arena, &found, &err), AG_EINVAL, "50000");
    ag_experiments experiments;
    page = (ag_page_request){.filter = AG_STR("name = 'paged'")};
    AG_EXPECT_OK(ag_experiment_search(ledger, AG_VIEW_ACTIVE, &page, arena, &experiments, &err));
    assert_int_equal(experiments.count, 1);
    page.filter = AG_STR("name = 'paged");
    AG_EXPECT_ERROR(ag_experiment_search(ledger, AG_VIEW_ACTIVE, &page, arena, &experiments, &err), AG_EINVAL, "quote");
}

ON_BOTH(the_audit_chain_finds_an_altered_row)
{
    ag_err err = {0};
    ag_actor ada = {.name = "ada", .request = "r1"};
    uint64_t entries = 0;
    const char *id;
    AG_EXPECT_OK(ag_experiment_create(ledger, &ada, AG_STR("audited"), AG_STR(""), no_pairs, arena, &id, &err));
    AG_EXPECT_OK(ag_experiment_rename(ledger, &ada, ag_str_of(id), AG_STR("audited 2"), &err));
    AG_EXPECT_OK(ag_experiment_delete(ledger, NULL, ag_str_of(id), &err));
    AG_EXPECT_OK(ag_audit_verify(ledger, &entries, &err));
    assert_int_equal(entries, 3);
    const ag_audit_entry *list;
    size_t count;
    AG_EXPECT_OK(ag_audit_list(ledger, 1, 10, arena, &list, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].what, "experiment.rename");
    assert_string_equal(list[0].actor, "ada");
    assert_null(list[1].actor);
}

/* ---- many at once ---- */

typedef struct worker {
    ag_ledger *ledger;
    const char *experiment;
    int failures;
} worker;

static void *ensure_and_log(void *context)
{
    worker *w = context;
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *id = NULL;
    if (ag_experiment_ensure(w->ledger, NULL, AG_STR("shared"), arena, &id, &err) < 0) w->failures++;
    w->experiment = id ? strdup(id) : NULL;
    ag_run run;
    ag_run_new wanted = {.experiment_id = ag_str_of(id)};
    if (id && ag_run_create(w->ledger, &wanted, arena, &run, &err) < 0) w->failures++;
    for (int i = 0; i < 20 && w->failures == 0; i++) {
        if (log_point(w->ledger, ag_str_of(run.id), "m", i, i, i, &err) < 0) w->failures++;
    }
    if (w->failures) fprintf(stderr, "# %s\n", err.text);
    ag_arena_free(arena);
    return NULL;
}

ON_BOTH(many_writers_get_one_experiment_and_no_lock_error)
{
    enum { WORKERS = 12 };
    (void)arena;
    pthread_t threads[WORKERS];
    worker workers[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (worker){.ledger = ledger};
        assert_int_equal(pthread_create(&threads[i], NULL, ensure_and_log, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].failures, 0);
        assert_string_equal(workers[i].experiment, workers[0].experiment);
    }
    for (int i = 0; i < WORKERS; i++) free((char *)(uintptr_t)workers[i].experiment);
}

/* ---- failures ---- */

typedef struct failing {
    ag_ledger *ledger;
    ag_str run;
} failing;

static int log_everything(void *context, ag_err *err)
{
    failing *f = context;
    ag_metric metrics[] = {{.key = "a", .value = 1, .step = 1}, {.key = "b", .value = NAN, .step = 2}};
    ag_pair param = {AG_STR("p"), AG_STR("1")}, tag = {AG_STR("t"), AG_STR("2")};
    ag_run_batch batch = {.metrics = metrics, .metric_count = 2, .params = {&param, 1}, .tags = {&tag, 1}};
    return ag_run_log(f->ledger, f->run, &batch, err);
}

static void expect_all_or_nothing(void *context)
{
    failing *f = context;
    ag_err err = {0};
    ag_run run;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_run_get(f->ledger, f->run, arena, &run, &err));
    bool whole = run.metric_count == 2 && run.params.count == 1 && run.tags.count == 2;
    bool nothing = run.metric_count == 0 && run.params.count == 0 && run.tags.count == 1;
    if (!whole && !nothing) fail_msg("half a batch is there");
    ag_arena_free(arena);
}

AG_TEST(test_sqlite__a_batch_that_fails_anywhere_leaves_nothing)
{
    ag_arena *arena = ag_arena_new(0);
    failing f = {.ledger = open_ledger(NULL)};
    f.run = new_run(f.ledger, arena, "0");
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_SQL, log_everything, expect_all_or_nothing, &f);
    ag_arena_free(arena);
    ag_ledger_close(f.ledger);
}
