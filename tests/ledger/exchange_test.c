// SPDX-License-Identifier: Apache-2.0
/* Taking over MLflow's stores: the file store and the database, made by hand; tests/peers does it with the real ones.
 */
#include "ledger/both.h"

#include <math.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "ledger/exchange/mlflow.h"
#include "ledger/exchange/mlruns.h"

static char root[600];

static void write_file(const char *path, const char *text)
{
    ag_err err = {0};
    char whole[900], folder[900];
    ag_format(whole, sizeof(whole), "%s/%s", root, path);
    ag_str parent = ag_path_parent(ag_str_of(whole));
    ag_format(folder, sizeof(folder), "%.*s", AG_STR_ARG(parent));
    AG_EXPECT_OK(ag_dir_make(folder, &err));
    AG_EXPECT_OK(ag_file_replace(whole, text, strlen(text), &err));
}

#define RUN "0123456789abcdef0123456789abcdef"
#define MODEL "m-0123456789abcdef0123456789abcdef"

/* A store that was moved: its meta.yaml names a place that is no more. */
static void make_store(void)
{
    static int stores;
    ag_format(root, sizeof(root), "%s/mlruns-%d", ag_test_dir(), ++stores);
    write_file("7/meta.yaml", "experiment_id: '7'\nname: drill\nartifact_location: file:///gone/7\n"
                              "lifecycle_stage: active\ncreation_time: 1000\nlast_update_time: 2000\n");
    write_file("7/tags/team", "lab");
    write_file("7/" RUN "/meta.yaml",
               "run_id: " RUN "\nrun_uuid: " RUN "\nrun_name: first\nexperiment_id: '7'\nstatus: 3\nuser_id: ada\n"
               "start_time: 1500\nend_time: 1700\nlifecycle_stage: active\nartifact_uri: file:///gone/7/" RUN
               "/artifacts\n");
    write_file("7/" RUN "/params/lr", "0.1");
    write_file("7/" RUN "/params/deep/er", "two\nlines");
    write_file("7/" RUN "/tags/mlflow.runName", "first");
    write_file("7/" RUN "/metrics/loss", "1 0.5 0\n2 nan 1\n3 -inf 2\n3 -inf 2\nnot a point\n4 0.25 7\n");
    write_file("7/" RUN "/metrics/old", "5 1.5\n");
    write_file("7/" RUN "/artifacts/model/MLmodel", "flavors: {}\n");
    write_file("7/" RUN "/inputs/aa/meta.yaml", "source_id: dd\nsource_type: DATASET\ndestination_type: RUN\n"
                                                "tags:\n  mlflow.data.context: training\n");
    write_file("7/" RUN "/outputs/" MODEL "/meta.yaml", "destination_id: " MODEL "\ndestination_type: MODEL_OUTPUT\n"
                                                        "source_type: RUN_OUTPUT\nstep: 4\ntags: {}\n");
    write_file("7/datasets/dd/meta.yaml", "name: holes\ndigest: 12e45\nsource_type: local\nsource: '{}'\n");
    write_file("7/models/" MODEL "/meta.yaml",
               "model_id: " MODEL "\nexperiment_id: '7'\nname: net\nstatus: 2\nsource_run_id: " RUN
               "\ncreation_timestamp: 1600\nlast_updated_timestamp: 1601\nartifact_location: file:///gone/m\n");
    write_file("7/models/" MODEL "/metrics/loss", "4 0.25 7 " RUN " holes 12e45\n");
    write_file("7/models/" MODEL "/artifacts/w", "9");
    write_file("7/broken/meta.yaml", "run_id: [1, 2\n");
    write_file(".trash/8/meta.yaml", "experiment_id: '8'\nname: gone\nlifecycle_stage: deleted\n");
    write_file(".trash/8/fedcba98765432100123456789abcdef/meta.yaml",
               "run_id: fedcba98765432100123456789abcdef\nexperiment_id: '8'\nstatus: FAILED\n");
    write_file("models/depth/meta.yaml", "name: depth\ndescription: how deep\ncreation_timestamp: 1800\n");
    write_file("models/depth/version-1/meta.yaml", "name: depth\nversion: 1\ncurrent_stage: Staging\nrun_id: " RUN
                                                   "\nsource: file:///gone/7/" RUN "/artifacts/model\n");
    write_file("models/depth/version-2/meta.yaml", "name: depth\nversion: '2'\nsource: models:/" MODEL "\n");
    write_file("models/depth/version-9/meta.yaml", "name: depth\nversion: 9\ncurrent_stage: Deleted_Internal\n");
    write_file("models/depth/aliases/champion", "2");
    write_file("models/depth/tags/owner", "ada");
}

static void expect_pair(const ag_pairs *pairs, const char *key, const char *value)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (!ag_str_is(pairs->items[i].key, key)) continue;
        assert_true(ag_str_is(pairs->items[i].value, value));
        return;
    }
    fail_msg("no '%s'", key);
}

static void expect_run(ag_ledger *ledger, ag_arena *arena)
{
    ag_err err = {0};
    ag_run run;
    ag_points points;
    AG_EXPECT_OK(ag_run_get(ledger, AG_STR(RUN), arena, &run, &err));
    assert_string_equal(run.name, "first");
    assert_string_equal(run.experiment_id, "7");
    assert_string_equal(run.user_id, "ada");
    assert_int_equal(run.status, AG_RUN_FINISHED);
    assert_int_equal(run.started_at, 1500000);
    assert_int_equal(run.ended_at, 1700000);
    expect_pair(&run.params, "lr", "0.1");
    expect_pair(&run.params, "deep/er", "two\nlines");
    assert_int_equal(run.input_count, 1);
    assert_string_equal(run.inputs[0].name, "holes");
    expect_pair(&run.inputs[0].tags, "mlflow.data.context", "training");
    assert_int_equal(run.model_output_count, 1);
    assert_int_equal(run.model_outputs[0].step, 4);
    AG_EXPECT_OK(ag_metric_history(ledger, AG_STR(RUN), AG_STR("loss"), 0, AG_STR(""), arena, &points, &err));
    assert_int_equal(points.count, 4);
    assert_true(isnan(points.items[1].value));
    assert_true(isinf(points.items[2].value));
    assert_int_equal(points.items[3].step, 7);
}

static void expect_models(ag_ledger *ledger, ag_arena *arena)
{
    ag_err err = {0};
    ag_registered_model model;
    ag_version version;
    ag_logged_model logged;
    AG_EXPECT_OK(ag_logged_model_get(ledger, AG_STR(MODEL), arena, &logged, &err));
    assert_int_equal(logged.status, AG_LOGGED_READY);
    assert_int_equal(logged.created_at, 1600000);
    assert_int_equal(logged.metric_count, 1);
    assert_string_equal(logged.metrics[0].dataset_name, "holes");
    AG_EXPECT_OK(ag_model_get(ledger, AG_STR("depth"), arena, &model, &err));
    assert_string_equal(model.description, "how deep");
    assert_int_equal(model.created_at, 1800000);
    AG_EXPECT_OK(ag_alias_get(ledger, AG_STR("depth"), AG_STR("champion"), arena, &version, &err));
    assert_int_equal(version.number, 2);
    assert_string_equal(version.storage, logged.artifact_uri);
    AG_EXPECT_OK(ag_version_get(ledger, AG_STR("depth"), 1, arena, &version, &err));
    assert_int_equal(version.stage, AG_STAGE_STAGING);
    assert_non_null(strstr(version.storage, "/7/" RUN "/artifacts/model"));
    assert_null(strstr(version.storage, "gone"));
    ag_version_new next = {.model = AG_STR("depth"), .source = AG_STR("models:/" MODEL)};
    AG_EXPECT_OK(ag_version_create(ledger, NULL, &next, arena, &version, &err));
    assert_int_equal(version.number, 10); /* 9 was used, and deleted */
}

static uint64_t skips;
static void count_skip(void *context, const char *what, const char *why)
{
    (void)context;
    assert_non_null(what);
    assert_true(*why);
    skips++;
}

ON_BOTH(a_directory_comes_over_once)
{
    ag_err err = {0};
    ag_intake_result result;
    ag_run run;
    ag_intake_options options = {.skipped = count_skip, .dry_run = true};
    make_store();
    skips = 0;
    AG_EXPECT_OK(ag_mlflow_import(ledger, NULL, root, &options, arena, NULL, &result, &err));
    assert_int_equal(result.runs.added, 2);
    AG_EXPECT_ERROR(ag_run_get(ledger, AG_STR(RUN), arena, &run, &err), AG_ENOTFOUND, "not found");
    options.dry_run = false;
    skips = 0;
    AG_EXPECT_OK(ag_mlflow_import(ledger, NULL, root, &options, arena, NULL, &result, &err));
    assert_int_equal(result.experiments.added, 2);
    assert_int_equal(result.runs.added, 2);
    assert_int_equal(result.points.added, 5);
    assert_int_equal(result.files, 2);
    assert_int_equal(skips, 3); /* the broken run, twice looked at, and the line that is no point */
    expect_run(ledger, arena);
    AG_EXPECT_OK(ag_mlflow_import(ledger, NULL, root, &options, arena, NULL, &result, &err));
    assert_int_equal(result.experiments.added + result.runs.added + result.points.added + result.files +
                         result.logged_models.added + result.models.added + result.versions.added,
                     0);
    assert_int_equal(result.files_there, 2);
    expect_run(ledger, arena);
    expect_models(ledger, arena);
    AG_EXPECT_OK(ag_experiment_restore(ledger, NULL, AG_STR("8"), &err));
    AG_EXPECT_OK(ag_run_get(ledger, AG_STR("fedcba98765432100123456789abcdef"), arena, &run, &err));
    assert_false(run.deleted);
    assert_int_equal(run.status, AG_RUN_FAILED);
    assert_string_equal(new_experiment(ledger, arena, "next"), "9");
}

ON_BOTH(files_can_stay_where_they_are)
{
    ag_err err = {0};
    ag_intake_result result;
    ag_run run;
    ag_intake_options options = {.keep_artifacts = true};
    make_store();
    AG_EXPECT_OK(ag_mlflow_import(ledger, NULL, root, &options, arena, NULL, &result, &err));
    assert_int_equal(result.files, 0);
    AG_EXPECT_OK(ag_run_get(ledger, AG_STR(RUN), arena, &run, &err));
    assert_string_equal(run.artifact_uri, "file:///gone/7/" RUN "/artifacts");
}

/* As much of the schema of MLflow 2 as is read. */
static const char schema[] =
    "CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT,"
    " lifecycle_stage TEXT, creation_time BIGINT, last_update_time BIGINT);"
    "CREATE TABLE experiment_tags (key TEXT, value TEXT, experiment_id INTEGER);"
    "CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, user_id TEXT, status TEXT, start_time BIGINT,"
    " end_time BIGINT, lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);"
    "CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);"
    "CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);"
    "CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);"
    "CREATE TABLE registered_models (name TEXT, creation_time BIGINT, last_updated_time BIGINT, description TEXT);"
    "CREATE TABLE registered_model_tags (key TEXT, value TEXT, name TEXT);"
    "CREATE TABLE model_versions (name TEXT, version INTEGER, creation_time BIGINT, last_updated_time BIGINT,"
    " description TEXT, user_id TEXT, current_stage TEXT, source TEXT, run_id TEXT, status TEXT, run_link TEXT);"
    "CREATE TABLE model_version_tags (key TEXT, value TEXT, name TEXT, version INTEGER);"
    "CREATE TABLE trace_info (request_id TEXT);"
    "INSERT INTO trace_info VALUES ('t');"
    "INSERT INTO experiments VALUES (0, 'Default', 'mlflow-artifacts:/0', 'active', 1, 2);"
    "INSERT INTO experiments VALUES (3, 'drill', 'mlflow-artifacts:/3', 'active', 1, 2);"
    "INSERT INTO experiment_tags VALUES ('team', 'lab', 3);"
    "INSERT INTO runs VALUES ('" RUN "', 'first', 'ada', 'FINISHED', 5, 6, 'active', 'mlflow-artifacts:/3/r', 3);"
    "INSERT INTO runs VALUES ('r2', 'lost', NULL, 'FAILED', NULL, NULL, 'deleted', 'gs://bucket/r2', 0);"
    "INSERT INTO params VALUES ('lr', '0.1', '" RUN "');"
    "INSERT INTO params VALUES ('../bad', '0.1', '" RUN "');"
    "INSERT INTO tags VALUES ('t', NULL, '" RUN "');"
    "INSERT INTO metrics VALUES ('loss', 0.5, 10, '" RUN "', 1, 0);"
    "INSERT INTO metrics VALUES ('loss', 0, 11, '" RUN "', 2, 1);"
    "INSERT INTO metrics VALUES ('../bad', 0, 11, '" RUN "', 2, 0);"
    "INSERT INTO registered_models VALUES ('depth', 3, 4, NULL);"
    "INSERT INTO model_versions VALUES ('depth', 2, 3, 4, 'd', NULL, 'Production', 'mlflow-artifacts:/3/r/m', '" RUN
    "', 'READY', NULL);"
    "INSERT INTO model_version_tags VALUES ('k', 'v', 'depth', 2);";

static int run_script(ag_tx *tx, void *context, ag_err *err)
{
    return ag_tx_script(tx, context, err);
}

static const char *make_database(const char *name)
{
    static char path[700];
    ag_err err = {0};
    ag_db *db = NULL;
    ag_format(path, sizeof(path), "%s/%s.db", ag_test_dir(), name);
    AG_EXPECT_OK(ag_db_open(path, NULL, &db, &err));
    AG_EXPECT_OK(ag_db_write(db, run_script, (void *)(uintptr_t)schema, &err));
    ag_db_close(db);
    ag_format(root, sizeof(root), "%s/%s-store", ag_test_dir(), name);
    write_file("3/r/m/w", "12");
    return path;
}

ON_BOTH(a_database_comes_over_once)
{
    ag_err err = {0};
    ag_intake_result result;
    ag_mlflow_source source;
    ag_run run;
    ag_version version;
    ag_points points;
    ag_intake_options options = {.skipped = count_skip, .artifacts_from = root};
    const char *path = make_database("mlflow");
    skips = 0;
    for (int round = 0; round < 2; round++) {
        AG_EXPECT_OK(ag_mlflow_import(ledger, NULL, path, &options, arena, &source, &result, &err));
        assert_string_equal(source.kind, "database");
        assert_int_equal(result.runs.added, round ? 0 : 2);
        assert_int_equal(result.files, round ? 0 : 1);
        AG_EXPECT_OK(ag_run_get(ledger, AG_STR(RUN), arena, &run, &err));
        assert_int_equal(run.params.count, 1);
        expect_pair(&run.tags, "t", "");
        AG_EXPECT_OK(ag_metric_history(ledger, AG_STR(RUN), AG_STR("loss"), 0, AG_STR(""), arena, &points, &err));
        assert_int_equal(points.count, 2);
        assert_true(isnan(points.items[1].value));
        assert_int_equal(points.items[0].at, 10000);
    }
    assert_true(skips >= 4); /* traces, two keys, an address that cannot be read */
    AG_EXPECT_OK(ag_run_get(ledger, AG_STR("r2"), arena, &run, &err));
    assert_true(run.deleted);
    assert_string_equal(run.artifact_uri, "gs://bucket/r2");
    AG_EXPECT_OK(ag_version_get(ledger, AG_STR("depth"), 2, arena, &version, &err));
    assert_int_equal(version.stage, AG_STAGE_PRODUCTION);
    assert_non_null(strstr(version.storage, "/3/" RUN "/artifacts/m"));
    expect_pair(&version.tags, "k", "v");
}

AG_TEST(test_exchange__what_is_no_store_is_refused)
{
    ag_err err = {0};
    ag_intake_result result;
    ag_intake_options options = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_ledger *ledger = open_with(NULL, NULL);
    ag_format(root, sizeof(root), "%s/nothing", ag_test_dir());
    AG_EXPECT_ERROR(ag_mlflow_import(ledger, NULL, root, &options, arena, NULL, &result, &err), AG_ENOTFOUND,
                    "nothing");
    write_file("file.db", "this is no database, but long enough to be asked whether it is one");
    AG_EXPECT_ERROR(ag_mlflow_import(ledger, NULL, root, &options, arena, NULL, &result, &err), AG_ENOTFOUND,
                    "no experiment");
    ag_format(root + strlen(root), 20, "/file.db");
    AG_EXPECT_ERROR(ag_mlflow_import(ledger, NULL, root, &options, arena, NULL, &result, &err), AG_ECORRUPT, "");
    AG_EXPECT_ERROR(ag_mlflow_import(ledger, NULL, "mysql://a/b", &options, arena, NULL, &result, &err),
                    AG_EUNSUPPORTED, "cannot be read");
    ag_format(root, sizeof(root), "%s", ag_db_label(ag_ledger_db(ledger)));
    AG_EXPECT_ERROR(ag_mlflow_import(ledger, NULL, root, &options, arena, NULL, &result, &err), AG_EUNSUPPORTED,
                    "not the database of an MLflow");
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}

typedef struct trial {
    const char *path;
    ag_ledger *ledger;
    ag_arena *arena;
} trial;

static int operate(void *context, ag_err *err)
{
    trial *t = context;
    ag_intake_result result;
    ag_intake_options options = {.artifacts_from = root};
    return ag_mlflow_import(t->ledger, NULL, t->path, &options, t->arena, NULL, &result, err);
}

AG_TEST(test_exchange__a_failure_at_any_database_call_leaves_what_can_be_taken_up)
{
    ag_err err = {0};
    ag_run run;
    trial t = {make_database("failing"), open_with(NULL, NULL), ag_arena_new(0)};
    ag_test_fail_at_n(AG_FAULT_SQL, operate, NULL, &t);
    AG_EXPECT_OK(ag_run_get(t.ledger, AG_STR(RUN), t.arena, &run, &err));
    assert_int_equal(run.metric_count, 1);
    ag_ledger_close(t.ledger);
    ag_arena_free(t.arena);
}

AG_TEST(test_mlruns__lines_of_metrics)
{
    ag_metric point;
    ag_str more;
    assert_true(ag_mlruns_point(AG_STR("17 0.5 3 run holes 12"), &point, &more));
    assert_int_equal(point.at, 17000);
    assert_int_equal(point.step, 3);
    assert_true(ag_str_is(more, "run holes 12"));
    assert_true(ag_mlruns_point(AG_STR(" 17 1e-5\r"), &point, &more));
    assert_true(point.value == 1e-5);
    static const char *const bad[] = {"", "17", "x 1 2", "-1 1 2", "1 y 2", "1 2 z", "9223372036854775807 1 1", "1  2"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ag_mlruns_point(ag_str_of(bad[i]), &point, &more));
}
