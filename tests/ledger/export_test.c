// SPDX-License-Identifier: Apache-2.0
/* Exports: MLflow's directory there and back; the other formats are read by their own programs in tests/peers. */
#include "ledger/both.h"

#include <math.h>

#include "core/hash/hash.h"
#include "core/io/file.h"
#include "ledger/artifact.h"
#include "ledger/exchange/export.h"
#include "ledger/exchange/mlflow.h"

static uint64_t skips;
static void count_skip(void *context, const char *what, const char *why)
{
    (void)context;
    assert_non_null(what);
    assert_true(*why);
    skips++;
}

static ag_ledger *open_at(const char *home)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_ledger_options options = {.home = home, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    return ledger;
}

static void put_file(ag_ledger *ledger, ag_arena *arena, const char *uri, const char *path)
{
    ag_err err = {0};
    ag_artifact_place place;
    ag_reader *reader = NULL;
    AG_EXPECT_OK(ag_artifact_resolve(ledger, uri, ag_str_of(path), arena, &place, &err));
    AG_EXPECT_OK(ag_reader_of_memory("bytes", 5, &reader, &err));
    AG_EXPECT_OK(ag_tree_put(place.tree, place.path, reader, NULL, &err));
    ag_reader_close(reader);
}

static const char *fill(ag_ledger *ledger, ag_arena *arena)
{
    ag_err err = {0};
    ag_registered_model model;
    ag_version version;
    ag_logged_model logged;
    const char *experiment = new_experiment(ledger, arena, "yes: 'no' \"1e5\"");
    ag_run run = new_run(ledger, arena, experiment);
    ag_metric points[] = {{.key = "loss", .value = 0.1, .at = 1000, .step = 1},
                          {.key = "loss", .value = NAN, .at = 2000, .step = 2},
                          {.key = "deep/er key", .value = -INFINITY, .at = 2000, .step = -2}};
    ag_pair params[] = {pair_of("lr", "0.1"), pair_of("lines", "a\nb"), pair_of("empty", "")};
    ag_run_batch batch = {.metrics = points, .metric_count = 3, .params = {params, 3}};
    ag_run_input input = {.name = "holes", .digest = "12e45", .source_type = "local", .source = "{\"a\": \"b\"}"};
    ag_logged_model_new new_model = {
        .experiment_id = ag_str_of(experiment), .name = AG_STR("net"), .run_id = ag_str_of(run.id)};
    AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(run.id), &batch, &err));
    AG_EXPECT_OK(ag_run_log_inputs(ledger, ag_str_of(run.id), &input, 1, NULL, 0, &err));
    AG_EXPECT_OK(ag_logged_model_create(ledger, NULL, &new_model, arena, &logged, &err));
    ag_run_model edge = {logged.id, 3};
    AG_EXPECT_OK(ag_run_log_outputs(ledger, ag_str_of(run.id), &edge, 1, &err));
    put_file(ledger, arena, run.artifact_uri, "model/w");
    put_file(ledger, arena, logged.artifact_uri, "w");
    AG_EXPECT_OK(ag_model_create(ledger, NULL, AG_STR("depth"), AG_STR(""), (ag_pairs){0}, arena, &model, &err));
    ag_str source = ag_str_of(ag_arena_printf(arena, "runs:/%s/model", run.id));
    ag_version_new new_version = {.model = AG_STR("depth"), .source = source, .run_id = ag_str_of(run.id)};
    AG_EXPECT_OK(ag_version_create(ledger, NULL, &new_version, arena, &version, &err));
    AG_EXPECT_OK(ag_alias_set(ledger, NULL, AG_STR("depth"), AG_STR("champion"), 1, &err));
    return run.id;
}

static void make_paths(char home[600], char target[700])
{
    static int round;
    ag_format(home, 600, "%s/home-%d", ag_test_dir(), ++round);
    ag_format(target, 700, "%s-out", home);
}

AG_TEST(test_export__mlflow_comes_back_the_same)
{
    ag_err err = {0};
    char home[600], target[700], other[700];
    ag_export_result result;
    ag_intake_result taken;
    ag_run run;
    ag_points points;
    ag_version version;
    ag_artifact_place place;
    ag_tree_entry entry;
    ag_export_options options = {.skipped = count_skip};
    ag_intake_options wanted = {.skipped = count_skip};
    ag_arena *arena = ag_arena_new(0);
    make_paths(home, target);
    ag_ledger *ledger = open_at(home);
    const char *id = fill(ledger, arena);
    skips = 0;
    AG_EXPECT_OK(ag_export_mlflow(ledger, target, &options, &result, &err));
    AG_EXPECT_ERROR(ag_export_mlflow(ledger, target, &options, &result, &err), AG_EEXISTS, "there already");
    ag_ledger_close(ledger);
    ag_format(other, sizeof(other), "%s-again", home);
    ledger = open_at(other);
    AG_EXPECT_OK(ag_mlflow_import(ledger, NULL, target, &wanted, arena, NULL, &taken, &err));
    assert_int_equal(skips, 0);
    assert_int_equal(taken.points.added, 3);
    assert_int_equal(taken.files, 2);
    AG_EXPECT_OK(ag_run_get(ledger, ag_str_of(id), arena, &run, &err));
    assert_int_equal(run.params.count, 3);
    assert_true(ag_str_is(run.params.items[1].value, "a\nb"));
    assert_string_equal(run.inputs[0].digest, "12e45");
    assert_string_equal(run.inputs[0].source, "{\"a\": \"b\"}");
    assert_int_equal(run.model_outputs[0].step, 3);
    AG_EXPECT_OK(ag_metric_history(ledger, ag_str_of(id), AG_STR("loss"), 0, AG_STR(""), arena, &points, &err));
    assert_true(points.items[0].value == 0.1 && isnan(points.items[1].value));
    AG_EXPECT_OK(ag_alias_get(ledger, AG_STR("depth"), AG_STR("champion"), arena, &version, &err));
    AG_EXPECT_OK(ag_artifact_resolve(ledger, version.storage, AG_STR("w"), arena, &place, &err));
    AG_EXPECT_OK(ag_tree_stat(place.tree, place.path, &entry, &err));
    ag_experiment experiment;
    AG_EXPECT_OK(ag_experiment_by_name(ledger, AG_STR("yes: 'no' \"1e5\""), arena, &experiment, &err));
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}

AG_TEST(test_export__some_runs_and_no_files)
{
    ag_err err = {0};
    char home[600], target[700];
    ag_export_result result;
    ag_arena *arena = ag_arena_new(0);
    make_paths(home, target);
    ag_ledger *ledger = open_at(home);
    fill(ledger, arena);
    ag_str experiment = AG_STR("1");
    ag_export_options options = {
        .experiments = &experiment, .experiment_count = 1, .filter = AG_STR("params.lr = '7'"), .no_artifacts = true};
    AG_EXPECT_OK(ag_export_tensorboard(ledger, target, &options, &result, &err));
    assert_int_equal(result.runs, 0);
    options.filter = AG_STR("params.lr = '0.1'");
    ag_format(target, sizeof(target), "%s-wandb", home);
    AG_EXPECT_OK(ag_export_wandb(ledger, target, &options, &result, &err));
    assert_int_equal(result.runs, 1);
    assert_int_equal(result.files, 0);
    ag_format(target, sizeof(target), "%s-bad", home);
    options.filter = AG_STR("params.lr =");
    AG_EXPECT_ERROR(ag_export_mlflow(ledger, target, &options, &result, &err), AG_EINVAL, "");
    assert_false(ag_file_exists(target));
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}

AG_TEST(test_export__a_key_that_is_a_folder_too_is_told)
{
    ag_err err = {0};
    char home[600], target[700];
    ag_export_result result;
    ag_arena *arena = ag_arena_new(0);
    make_paths(home, target);
    ag_ledger *ledger = open_at(home);
    ag_run run = new_run(ledger, arena, "0");
    ag_metric points[] = {{.key = "a", .value = 1, .at = 1, .step = 1}, {.key = "a/b", .value = 1, .at = 1, .step = 1}};
    ag_pair params[] = {pair_of("p", "1"), pair_of("p/q", "2")};
    ag_run_batch batch = {.metrics = points, .metric_count = 2, .params = {params, 2}};
    AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(run.id), &batch, &err));
    ag_export_options options = {.skipped = count_skip};
    skips = 0;
    AG_EXPECT_OK(ag_export_mlflow(ledger, target, &options, &result, &err));
    assert_int_equal(skips, 2);
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}

typedef struct trial {
    ag_ledger *ledger;
    const char *target;
    int (*run)(ag_ledger *, const char *, const ag_export_options *, ag_export_result *, ag_err *);
} trial;

static int operate(void *context, ag_err *err)
{
    trial *t = context;
    ag_export_result result;
    ag_export_options options = {0};
    return t->run(t->ledger, t->target, &options, &result, err);
}

static void nothing_is_visible(void *context)
{
    assert_false(ag_file_exists(((trial *)context)->target));
}

AG_TEST(test_export__a_failure_leaves_nothing_under_the_name)
{
    char home[600], target[700];
    ag_arena *arena = ag_arena_new(0);
    make_paths(home, target);
    ag_ledger *ledger = open_at(home);
    fill(ledger, arena);
    trial t = {ledger, target, ag_export_tensorboard};
    ag_test_fail_at_n(AG_FAULT_SQL, operate, nothing_is_visible, &t);
    ag_format(target, sizeof(target), "%s-wandb", home);
    t.run = ag_export_wandb;
    ag_test_fail_at_n(AG_FAULT_SQL, operate, nothing_is_visible, &t);
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}
