// SPDX-License-Identifier: Apache-2.0
/* Lineage, comparison, deployments, artifacts, removal for ever and verification, on SQLite and on PostgreSQL. */
#include "ledger/both.h"

#include <math.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "ledger/artifact.h"
#include "ledger/audit.h"
#include "ledger/compare.h"
#include "ledger/deployment.h"
#include "ledger/gc.h"
#include "ledger/lineage.h"
#include "ledger/logged_model.h"
#include "ledger/model.h"
#include "ledger/verify.h"

typedef struct life { /* data -> run -> logged model -> version -> target */
    ag_run run;
    ag_logged_model logged;
} life;

static life make_life(ag_ledger *ledger, ag_arena *arena, const char *experiment, const char *model)
{
    ag_err err = {0};
    life l = {.run = new_run(ledger, arena, experiment)};
    ag_str run = ag_str_of(l.run.id);
    ag_run_input input = {.name = "holes", .digest = "d1", .source_type = "local", .source = "/data"};
    AG_EXPECT_OK(ag_run_log_inputs(ledger, run, &input, 1, NULL, 0, &err));
    ag_metric metric = {.key = "loss", .value = 0.25, .at = 1000, .step = 1};
    ag_pair param = pair_of("lr", model);
    ag_run_batch batch = {.metrics = &metric, .metric_count = 1, .params = {&param, 1}};
    AG_EXPECT_OK(ag_run_log(ledger, run, &batch, &err));
    ag_logged_model_new logged = {.experiment_id = ag_str_of(experiment), .run_id = run};
    AG_EXPECT_OK(ag_logged_model_create(ledger, NULL, &logged, arena, &l.logged, &err));
    if (!model) return l;
    ag_registered_model found;
    ag_version version;
    if (ag_model_get(ledger, ag_str_of(model), arena, &found, &err) < 0) {
        AG_EXPECT_OK(ag_model_create(ledger, NULL, ag_str_of(model), AG_STR(""), (ag_pairs){0}, arena, &found, &err));
    }
    const char *source = ag_arena_printf(arena, "models:/%s", l.logged.id);
    ag_version_new wanted = {
        .model = ag_str_of(model), .source = ag_str_of(source), .run_id = run, .model_id = ag_str_of(l.logged.id)};
    AG_EXPECT_OK(ag_version_create(ledger, NULL, &wanted, arena, &version, &err));
    return l;
}

static void put_file(ag_ledger *ledger, ag_arena *arena, const char *uri, const char *path)
{
    ag_err err = {0};
    ag_artifact_place place;
    ag_reader *content = NULL;
    AG_EXPECT_OK(ag_artifact_resolve(ledger, uri, ag_str_of(path), arena, &place, &err));
    AG_EXPECT_OK(ag_reader_of_memory("content", 7, &content, &err));
    AG_EXPECT_OK(ag_tree_put(place.tree, place.path, content, NULL, &err));
    ag_reader_close(content);
}

static bool has_file(ag_ledger *ledger, ag_arena *arena, const char *uri, const char *path)
{
    ag_err err = {0};
    ag_artifact_place place;
    ag_tree_entry entry;
    AG_EXPECT_OK(ag_artifact_resolve(ledger, uri, ag_str_of(path), arena, &place, &err));
    return ag_tree_stat(place.tree, place.path, &entry, &err) >= 0;
}

/* ---- lineage ---- */

static bool has_node(const ag_lineage *lineage, ag_lineage_kind kind, const char *id)
{
    for (size_t i = 0; i < lineage->node_count; i++) {
        if (lineage->nodes[i].kind == kind && strcmp(lineage->nodes[i].id, id) == 0) return true;
    }
    return false;
}

ON_BOTH(lineage_leads_from_data_to_where_it_serves_and_back)
{
    ag_err err = {0};
    ag_lineage lineage;
    life l = make_life(ledger, arena, "0", "depth");
    ag_deployment_new deployment = {
        .target = AG_STR("line-3"), .model = AG_STR("depth"), .mode = AG_STR("replace"), .version = 1, .percent = 100};
    AG_EXPECT_OK(ag_deployment_start(ledger, NULL, &deployment, NULL, &err));
    AG_EXPECT_OK(
        ag_lineage_of(ledger, AG_LINEAGE_DATASET, AG_STR("holes@d1"), AG_LINEAGE_DOWN, 0, arena, &lineage, &err));
    assert_int_equal(lineage.node_count, 5);
    assert_int_equal(lineage.edge_count, 4);
    assert_true(has_node(&lineage, AG_LINEAGE_RUN, l.run.id));
    assert_true(has_node(&lineage, AG_LINEAGE_VERSION, "depth/1"));
    assert_true(has_node(&lineage, AG_LINEAGE_DEPLOYMENT, "line-3"));
    for (size_t i = 0; i < lineage.edge_count; i++) {
        assert_true(lineage.edges[i].from < lineage.node_count && lineage.edges[i].to < lineage.node_count);
        assert_true(lineage.nodes[lineage.edges[i].from].kind < lineage.nodes[lineage.edges[i].to].kind);
    }
    AG_EXPECT_OK(
        ag_lineage_of(ledger, AG_LINEAGE_DEPLOYMENT, AG_STR("line-3"), AG_LINEAGE_UP, 0, arena, &lineage, &err));
    assert_int_equal(lineage.node_count, 5);
    assert_true(has_node(&lineage, AG_LINEAGE_DATASET, "holes@d1"));
    AG_EXPECT_OK(ag_lineage_of(ledger, AG_LINEAGE_RUN, ag_str_of(l.run.id), AG_LINEAGE_BOTH, 0, arena, &lineage, &err));
    assert_int_equal(lineage.node_count, 5);
    assert_int_equal(lineage.edge_count, 4);
    assert_false(lineage.cut);
    AG_EXPECT_OK(
        ag_lineage_of(ledger, AG_LINEAGE_VERSION, AG_STR("depth/1"), AG_LINEAGE_BOTH, 2, arena, &lineage, &err));
    assert_int_equal(lineage.node_count, 2);
    assert_true(lineage.cut);
    static const char *const absent[] = {"", "x", "depth/2", "depth/x", "/", "@", "holes@", "'; --"};
    for (int kind = 0; kind <= AG_LINEAGE_DEPLOYMENT; kind++) {
        for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
            AG_EXPECT_ERROR(ag_lineage_of(ledger, (ag_lineage_kind)kind, ag_str_of(absent[i]), AG_LINEAGE_BOTH, 0,
                                          arena, &lineage, &err),
                            AG_ENOTFOUND, "holds nothing");
        }
    }
}

ON_BOTH(lineage_of_runs_that_nest_and_read_models_ends)
{
    ag_err err = {0};
    ag_lineage lineage;
    life l = make_life(ledger, arena, "0", NULL);
    ag_run child = new_run(ledger, arena, "0");
    ag_pair parent = {AG_STR("mlflow.parentRunId"), ag_str_of(l.run.id)};
    ag_run_batch batch = {.tags = {&parent, 1}};
    AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(child.id), &batch, &err));
    ag_run_model read = {l.logged.id, 0};
    AG_EXPECT_OK(ag_run_log_inputs(ledger, ag_str_of(child.id), NULL, 0, &read, 1, &err));
    AG_EXPECT_OK(ag_run_log_outputs(ledger, ag_str_of(l.run.id), &read, 1, &err));
    /* A circle: the parent reads what the child's data comes from. */
    AG_EXPECT_OK(ag_run_log_inputs(ledger, ag_str_of(l.run.id), NULL, 0, &read, 1, &err));
    AG_EXPECT_OK(ag_lineage_of(ledger, AG_LINEAGE_RUN, ag_str_of(child.id), AG_LINEAGE_BOTH, 0, arena, &lineage, &err));
    assert_int_equal(lineage.node_count, 4);
    assert_true(has_node(&lineage, AG_LINEAGE_LOGGED_MODEL, l.logged.id));
    assert_int_equal(lineage.edge_count, 5);
}

ON_BOTH(deployments_replace_and_end)
{
    ag_err err = {0};
    const ag_deployment *list;
    size_t count;
    int64_t first, second;
    make_life(ledger, arena, "0", "m");
    make_life(ledger, arena, "0", "m");
    ag_deployment_new d = {
        .target = AG_STR("t"), .model = AG_STR("m"), .mode = AG_STR("replace"), .version = 1, .percent = 100};
    AG_EXPECT_OK(ag_deployment_start(ledger, NULL, &d, &first, &err));
    d.version = 2;
    AG_EXPECT_OK(ag_deployment_start(ledger, NULL, &d, &second, &err));
    d.mode = AG_STR("shadow");
    d.version = 1;
    AG_EXPECT_OK(ag_deployment_start(ledger, NULL, &d, NULL, &err));
    AG_EXPECT_OK(ag_deployment_list(ledger, AG_STR("t"), true, arena, &list, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(list[1].id, second);
    AG_EXPECT_OK(ag_deployment_end(ledger, NULL, second, &err));
    AG_EXPECT_OK(ag_deployment_end(ledger, NULL, second, &err));
    AG_EXPECT_OK(ag_deployment_list(ledger, AG_STR(""), false, arena, &list, &count, &err));
    assert_int_equal(count, 3);
    assert_true(list[2].ended_at > 0);
    AG_EXPECT_ERROR(ag_deployment_end(ledger, NULL, 99, &err), AG_ENOTFOUND, "no deployment 99");
    d.version = 9;
    AG_EXPECT_ERROR(ag_deployment_start(ledger, NULL, &d, NULL, &err), AG_ENOTFOUND, "version=9");
    d.mode = AG_STR("other");
    AG_EXPECT_ERROR(ag_deployment_start(ledger, NULL, &d, NULL, &err), AG_EINVAL, "mode");
    AG_EXPECT_OK(ag_audit_verify(ledger, NULL, &err));
}

/* ---- comparison ---- */

static const ag_compare_row *row_of(const ag_comparison *c, ag_compare_kind kind, const char *key)
{
    for (size_t i = 0; i < c->row_count; i++) {
        if (c->rows[i].kind == kind && strcmp(c->rows[i].key, key) == 0) return &c->rows[i];
    }
    fail_msg("no row '%s'", key);
    return NULL;
}

ON_BOTH(runs_stand_side_by_side)
{
    ag_err err = {0};
    ag_comparison c;
    life a = make_life(ledger, arena, "0", "a"), b = make_life(ledger, arena, "0", "b");
    ag_metric more = {.key = "extra", .value = NAN, .at = 1};
    ag_run_batch batch = {.metrics = &more, .metric_count = 1};
    AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(b.run.id), &batch, &err));
    ag_str ids[] = {ag_str_of(a.run.id), ag_str_of(b.run.id)};
    AG_EXPECT_OK(ag_compare_runs(ledger, ids, 2, arena, &c, &err));
    assert_int_equal(c.column_count, 2);
    assert_string_equal(c.columns[1], b.run.id);
    assert_false(row_of(&c, AG_COMPARE_METRIC, "loss")->differs);
    assert_string_equal(row_of(&c, AG_COMPARE_METRIC, "loss")->values[0], "0.25");
    assert_true(row_of(&c, AG_COMPARE_METRIC, "extra")->differs);
    assert_null(row_of(&c, AG_COMPARE_METRIC, "extra")->values[0]);
    assert_true(isnan(row_of(&c, AG_COMPARE_METRIC, "extra")->numbers[0]));
    assert_true(row_of(&c, AG_COMPARE_PARAM, "lr")->differs);
    assert_string_equal(row_of(&c, AG_COMPARE_PARAM, "lr")->values[1], "b");
    assert_string_equal(row_of(&c, AG_COMPARE_FACT, "data sets")->values[0], "holes@d1");
    assert_string_equal(c.rows[0].key, "name");
    ids[1] = ids[0];
    AG_EXPECT_ERROR(ag_compare_runs(ledger, ids, 2, arena, &c, &err), AG_EINVAL, "given twice");
    ids[1] = AG_STR("nope");
    AG_EXPECT_ERROR(ag_compare_runs(ledger, ids, 2, arena, &c, &err), AG_ENOTFOUND, "nope");
    AG_EXPECT_ERROR(ag_compare_runs(ledger, ids, 0, arena, &c, &err), AG_EINVAL, "1 to 100");
}

ON_BOTH(versions_stand_side_by_side)
{
    ag_err err = {0};
    ag_comparison c;
    ag_version version;
    make_life(ledger, arena, "0", "m");
    life l = make_life(ledger, arena, "0", "n");
    ag_version_new of_run = {.model = AG_STR("m"), .source = AG_STR("s3://b/x"), .run_id = ag_str_of(l.run.id)};
    AG_EXPECT_OK(ag_version_create(ledger, NULL, &of_run, arena, &version, &err));
    AG_EXPECT_OK(ag_version_stage(ledger, NULL, AG_STR("m"), 2, AG_STAGE_STAGING, false, arena, &version, &err));
    const ag_version_id ids[] = {{AG_STR("m"), 1}, {AG_STR("m"), 2}};
    AG_EXPECT_OK(ag_compare_versions(ledger, ids, 2, arena, &c, &err));
    assert_string_equal(c.columns[0], "m/1");
    assert_true(row_of(&c, AG_COMPARE_FACT, "stage")->differs);
    assert_string_equal(row_of(&c, AG_COMPARE_FACT, "stage")->values[1], "Staging");
    assert_string_equal(row_of(&c, AG_COMPARE_PARAM, "lr")->values[1], "n"); /* of the run */
    const ag_version_id wrong = {AG_STR("m"), 7};
    AG_EXPECT_ERROR(ag_compare_versions(ledger, &wrong, 1, arena, &c, &err), AG_ENOTFOUND, "version=7");
}

/* ---- artifacts ---- */

ON_BOTH(artifacts_lie_below_the_roots_only)
{
    static const char *const bad[] = {"..",         "a/../b", "/etc", "a//b",  "./a",      "a\\b", "%2e%2e/x",
                                      "a%2f..%2fb", "C:/x",   "a\nb", "..%5c", "a/%2e%2e", "\xff"};
    ag_err err = {0};
    ag_artifact_place place;
    ag_run run = new_run(ledger, arena, "0");
    put_file(ledger, arena, run.artifact_uri, "model/weights.bin");
    assert_true(has_file(ledger, arena, run.artifact_uri, "model/weights.bin"));
    assert_true(has_file(ledger, arena, ag_arena_printf(arena, "file://%s", run.artifact_uri), "model/weights.bin"));
    assert_true(has_file(ledger, arena, ag_arena_printf(arena, "mlflow-artifacts:/0/%s/artifacts", run.id), "model"));
    assert_true(has_file(
        ledger, arena,
        ag_arena_printf(arena, "http://h:1/api/2.0/mlflow-artifacts/artifacts/0/%s/artifacts/model", run.id), ""));
    AG_EXPECT_OK(ag_artifact_resolve(ledger, run.artifact_uri, AG_STR("model/"), arena, &place, &err));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AG_EXPECT_ERROR(ag_artifact_resolve(ledger, run.artifact_uri, ag_str_of(bad[i]), arena, &place, &err),
                        AG_EINVAL, "Invalid path");
    }
    static const char *const foreign[] = {"/etc",
                                          "file:///etc",
                                          "relative/path",
                                          "file://host/x",
                                          "s3://bucket/x",
                                          "ftp://h/x",
                                          "http://h/x",
                                          "runs:/a/b",
                                          "models:/m/1",
                                          "mlflow-artifacts:/../x",
                                          "mlflow-artifacts:/%2e%2e/x",
                                          "mlflow-artifacts:/a%2f..%2fb",
                                          "",
                                          "file:",
                                          "s3://",
                                          "s3:///x",
                                          "\xff",
                                          "mlflow-artifacts:/a\\..\\b",
                                          "http://h/api/2.0/mlflow-artifacts/artifacts/../x"};
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        int rc = ag_artifact_resolve(ledger, foreign[i], AG_STR(""), arena, &place, &err);
        if (rc != AG_EDENIED && rc != AG_EINVAL) fail_msg("'%s' gave %d", foreign[i], rc);
    }
    const char *beside = ag_arena_printf(arena, "%s-secret/x", ag_ledger_artifact_root(ledger));
    AG_EXPECT_ERROR(ag_artifact_resolve(ledger, beside, AG_STR(""), arena, &place, &err), AG_EDENIED, "outside");
}

ON_BOTH(links_do_not_lead_out_of_a_root)
{
    ag_err err = {0};
    ag_artifact_place place;
    ag_reader *reader = NULL;
    ag_run run = new_run(ledger, arena, "0");
    put_file(ledger, arena, run.artifact_uri, "a");
    assert_int_equal(symlink("/etc", ag_arena_printf(arena, "%s/link", run.artifact_uri)), 0);
    AG_EXPECT_OK(ag_artifact_resolve(ledger, run.artifact_uri, AG_STR("link/passwd"), arena, &place, &err));
    AG_EXPECT_ERROR(ag_tree_get(place.tree, place.path, 0, UINT64_MAX, &reader, &err), AG_EDENIED, "");
}

AG_TEST(test_artifact__more_roots_are_served_when_named)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_artifact_place place;
    ag_arena *arena = ag_arena_new(0);
    char *other = NULL;
    AG_EXPECT_OK(ag_dir_temporary("more", &other, &err));
    const char *more[] = {other, NULL};
    ag_ledger_options options = {.home = ag_test_dir(), .artifact_root = "mlflow-artifacts:/", .artifact_more = more};
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    assert_string_equal(ag_ledger_artifact_root(ledger), "mlflow-artifacts:/");
    ag_run run = new_run(ledger, arena, "0");
    assert_true(ag_str_starts(ag_str_of(run.artifact_uri), AG_STR("mlflow-artifacts:/0/")));
    put_file(ledger, arena, run.artifact_uri, "x");
    AG_EXPECT_OK(
        ag_artifact_resolve(ledger, ag_arena_printf(arena, "%s/a/b", other), AG_STR("c"), arena, &place, &err));
    assert_string_equal(place.path, "a/b/c");
    ag_ledger_close(ledger);
    ag_dir_remove(other, &err);
    ag_free(other);
    ag_arena_free(arena);
}

/* ---- removal ---- */

static ag_gc_result collect(ag_ledger *ledger, const ag_gc_options *options)
{
    ag_err err = {0};
    ag_gc_result result = {0};
    AG_EXPECT_OK(ag_ledger_gc(ledger, NULL, options, &result, &err));
    return result;
}

ON_BOTH(what_was_deleted_goes_for_ever_with_its_files)
{
    ag_err err = {0};
    ag_run run;
    ag_gc_options all = {0}, dry = {.dry_run = true}, old = {.older_than = 3600 * AG_SECOND};
    life kept = make_life(ledger, arena, "0", NULL), gone = make_life(ledger, arena, "0", NULL);
    put_file(ledger, arena, kept.run.artifact_uri, "a");
    put_file(ledger, arena, gone.run.artifact_uri, "a");
    put_file(ledger, arena, gone.logged.artifact_uri, "m");
    ag_str id = ag_str_of(gone.run.id);
    assert_int_equal(collect(ledger, &all).runs, 0);
    AG_EXPECT_OK(ag_run_delete(ledger, NULL, id, &err));
    AG_EXPECT_OK(ag_logged_model_delete(ledger, NULL, ag_str_of(gone.logged.id), &err));
    assert_int_equal(collect(ledger, &old).runs, 0);
    assert_int_equal(collect(ledger, &dry).runs, 1);
    AG_EXPECT_OK(ag_run_get(ledger, id, arena, &run, &err));
    ag_gc_result result = collect(ledger, &all);
    assert_int_equal(result.runs, 1);
    assert_int_equal(result.logged_models, 1);
    assert_int_equal(result.failed, 0);
    AG_EXPECT_ERROR(ag_run_get(ledger, id, arena, &run, &err), AG_ENOTFOUND, "not found");
    AG_EXPECT_ERROR(ag_run_restore(ledger, NULL, id, &err), AG_ENOTFOUND, "not found");
    assert_false(has_file(ledger, arena, gone.run.artifact_uri, "a"));
    assert_false(has_file(ledger, arena, gone.logged.artifact_uri, "m"));
    assert_true(has_file(ledger, arena, kept.run.artifact_uri, "a"));
    AG_EXPECT_OK(ag_run_get(ledger, ag_str_of(kept.run.id), arena, &run, &err));
    assert_int_equal(run.metric_count, 1);
    assert_int_equal(collect(ledger, &all).runs, 0);
    AG_EXPECT_OK(ag_audit_verify(ledger, NULL, &err));
}

ON_BOTH(an_experiment_goes_with_all_in_it_and_frees_its_name)
{
    ag_err err = {0};
    ag_gc_options all = {0};
    const char *id = new_experiment(ledger, arena, "old");
    life l = make_life(ledger, arena, id, NULL);
    make_life(ledger, arena, id, NULL);
    put_file(ledger, arena, l.run.artifact_uri, "a");
    AG_EXPECT_OK(ag_experiment_delete(ledger, NULL, ag_str_of(id), &err));
    AG_EXPECT_OK(ag_run_restore(ledger, NULL, ag_str_of(l.run.id), &err));
    ag_gc_result result = collect(ledger, &all);
    assert_int_equal(result.experiments, 0);
    assert_int_equal(result.failed, 1); /* the restored run keeps it */
    AG_EXPECT_OK(ag_run_delete(ledger, NULL, ag_str_of(l.run.id), &err));
    result = collect(ledger, &all);
    assert_int_equal(result.experiments, 1);
    assert_int_equal(result.failed, 0);
    ag_experiment found;
    AG_EXPECT_ERROR(ag_experiment_get(ledger, ag_str_of(id), arena, &found, &err), AG_ENOTFOUND, "exists");
    assert_string_not_equal(new_experiment(ledger, arena, "old"), id); /* an id is not given twice */
}

ON_BOTH(the_files_of_a_registered_version_stay)
{
    ag_err err = {0};
    ag_gc_options all = {0};
    life l = make_life(ledger, arena, "0", "m");
    put_file(ledger, arena, l.logged.artifact_uri, "m");
    AG_EXPECT_OK(ag_logged_model_delete(ledger, NULL, ag_str_of(l.logged.id), &err));
    ag_gc_result result = collect(ledger, &all);
    assert_int_equal(result.logged_models, 0);
    assert_int_equal(result.failed, 1);
    assert_true(has_file(ledger, arena, l.logged.artifact_uri, "m"));
    AG_EXPECT_OK(ag_version_delete(ledger, NULL, AG_STR("m"), 1, &err));
    assert_int_equal(collect(ledger, &all).logged_models, 1);
}

ON_BOTH(only_what_is_named_goes_and_only_when_deleted)
{
    ag_err err = {0};
    ag_gc_result result;
    ag_run a = new_run(ledger, arena, "0"), b = new_run(ledger, arena, "0");
    ag_str ids[] = {ag_str_of(a.id)};
    ag_gc_options one = {.run_ids = ids, .run_count = 1};
    AG_EXPECT_ERROR(ag_ledger_gc(ledger, NULL, &one, &result, &err), AG_ECONFLICT, "is not deleted");
    AG_EXPECT_OK(ag_run_delete(ledger, NULL, ids[0], &err));
    AG_EXPECT_OK(ag_run_delete(ledger, NULL, ag_str_of(b.id), &err));
    assert_int_equal(collect(ledger, &one).runs, 1);
    AG_EXPECT_OK(ag_run_restore(ledger, NULL, ag_str_of(b.id), &err));
    AG_EXPECT_ERROR(ag_ledger_gc(ledger, NULL, &one, &result, &err), AG_ENOTFOUND, "no run");
    ag_str experiments[] = {AG_STR("0")};
    ag_gc_options live = {.experiment_ids = experiments, .experiment_count = 1};
    AG_EXPECT_ERROR(ag_ledger_gc(ledger, NULL, &live, &result, &err), AG_ECONFLICT, "is not deleted");
}

typedef struct gc_attempt {
    ag_ledger *ledger;
    ag_run *run;
} gc_attempt;

static int try_gc(void *context, ag_err *err)
{
    const gc_attempt *at = context;
    ag_gc_options all = {0};
    ag_gc_result result;
    int rc = ag_ledger_gc(at->ledger, NULL, &all, &result, err);
    if (rc >= 0 && result.failed) rc = ag_fail(err, AG_EIO, "something was kept");
    return rc;
}

static void is_gone_or_going(void *context)
{
    const gc_attempt *at = context;
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_run run;
    int rc = ag_run_get(at->ledger, ag_str_of(at->run->id), arena, &run, &err);
    assert_true(rc == AG_ENOTFOUND || (rc >= 0 && run.deleted));
    AG_EXPECT_OK(ag_audit_verify(at->ledger, NULL, &err));
    ag_arena_free(arena);
}

AG_TEST(test_gc__a_removal_that_is_cut_short_is_finished_by_the_next)
{
    ag_err err = {0};
    ag_ledger *ledger = open_with(NULL, NULL);
    ag_arena *arena = ag_arena_new(0);
    ag_run run = new_run(ledger, arena, "0");
    put_file(ledger, arena, run.artifact_uri, "a/b");
    AG_EXPECT_OK(ag_run_delete(ledger, NULL, ag_str_of(run.id), &err));
    gc_attempt at = {ledger, &run};
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_SQL | AG_FAULT_FILE, try_gc, is_gone_or_going, &at);
    ag_run found;
    AG_EXPECT_ERROR(ag_run_get(ledger, ag_str_of(run.id), arena, &found, &err), AG_ENOTFOUND, "not found");
    assert_false(has_file(ledger, arena, run.artifact_uri, "a/b"));
    ag_arena_free(arena);
    ag_ledger_close(ledger);
}

/* ---- verification ---- */

static int run_text(ag_tx *tx, void *context, ag_err *err)
{
    ag_sql sql = ag_sql_text("behind", context);
    return ag_tx_run(tx, &sql, AG_NO_BINDS, NULL, err);
}

/* As somebody would who has a plain connection. */
static void behind_its_back(ag_ledger *ledger, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_db_write(ag_ledger_db(ledger), run_text, (void *)(uintptr_t)text, &err));
}

typedef struct findings {
    size_t count;
    char checks[256];
} findings;

static void note(void *context, const ag_verify_finding *finding)
{
    findings *f = context;
    f->count++;
    if (!strstr(f->checks, finding->check)) {
        size_t used = strlen(f->checks);
        snprintf(f->checks + used, sizeof(f->checks) - used, "%s ", finding->check);
    }
}

static findings verify(ag_ledger *ledger)
{
    ag_err err = {0};
    findings f = {0};
    ag_verify_result result;
    ag_verify_options options = {.artifacts = true, .finding = note, .context = &f};
    AG_EXPECT_OK(ag_ledger_verify(ledger, &options, &result, &err));
    assert_int_equal(result.findings, f.count);
    return f;
}

ON_BOTH(verification_finds_what_was_changed_behind_its_back)
{
    ag_err err = {0};
    life l = make_life(ledger, arena, "0", "m");
    put_file(ledger, arena, l.logged.artifact_uri, "m");
    AG_EXPECT_OK(ag_logged_model_finish(ledger, NULL, ag_str_of(l.logged.id), AG_LOGGED_READY, arena, &l.logged, &err));
    findings f = verify(ledger);
    if (f.count) fail_msg("a sound ledger has findings: %s", f.checks);
    behind_its_back(ledger, "UPDATE audit SET actor = 'mallory' WHERE id = 1");
    assert_string_equal(verify(ledger).checks, "audit ");
    behind_its_back(ledger, "UPDATE audit SET actor = NULL WHERE id = 1");
    assert_int_equal(verify(ledger).count, 0);
    behind_its_back(ledger, "UPDATE metric_series SET last_step = 7");
    assert_string_equal(verify(ledger).checks, "metrics ");
    behind_its_back(ledger, "UPDATE metric_series SET last_step = 1");
    behind_its_back(ledger, "UPDATE runs SET status = 'DREAMING'");
    assert_string_equal(verify(ledger).checks, "rows ");
    behind_its_back(ledger, "UPDATE runs SET status = 'FINISHED'");
    behind_its_back(ledger, "UPDATE models SET last_version = 0");
    assert_string_equal(verify(ledger).checks, "rows ");
    behind_its_back(ledger, "UPDATE models SET last_version = 1");
    ag_artifact_place place;
    AG_EXPECT_OK(ag_artifact_resolve(ledger, l.logged.artifact_uri, AG_STR("m"), arena, &place, &err));
    AG_EXPECT_OK(ag_tree_remove(place.tree, place.path, &err));
    f = verify(ledger);
    assert_string_equal(f.checks, "artifacts ");
    assert_int_equal(f.count, 2); /* of the logged model, and of the version that it is */
    behind_its_back(ledger, "DELETE FROM audit WHERE id = 1");
    assert_string_equal(verify(ledger).checks, "audit artifacts ");
}
