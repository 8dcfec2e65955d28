// SPDX-License-Identifier: Apache-2.0
/* A training that is recorded on a server: what arrives while it runs and at its end, when the server is away, when the
 * training is stopped and goes on, and what the server refuses. The server is Auger's own, in this process, on a home
 * that the tests look into; MLflow's is tests/peers/test_mlflow3_training.py. */
#include "learn/tracker.h"

#include "app/server/server.h"
#include "auger/training.h"
#include "core/doc/json.h"
#include "frame/port.h"
#include "ledger/client/with_client.h"
#include "ledger/model.h"
#include "ledger/run.h"

static const char forecast[] = "strategy: forecast\n"
                               "model_config: {architecture: nlinear}\n"
                               "data_config: {context_length: 8, horizon: 2}\n"
                               "training_config: {epochs: 4, batch_size: 32}\n"
                               "experiment_name: waves\n";

#define EXPECT(call) expect_fine((call), error, #call, __LINE__)

typedef struct bench {
    char home[512], spool[600], data[600], output[600], address[64];
    ag_ledger *ledger;
    ag_server *server;
    uint16_t port;
    auger_builder *builder;
    auger_result *result;
    bool looks; /* into the home, behind the second epoch */
    int epochs, stop_after, seen_points;
    char remark[1500], remarks[8000]; /* the last; all of a training */
} bench;

static void start_server(bench *b)
{
    ag_err err = {0};
    const ag_ledger_options place = {.home = b->home, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_open(&place, &b->ledger, &err));
    const ag_server_options options = {
        .ledger = b->ledger, .port = b->port, .groups = ag_route_groups_all(), .serve_artifacts = true};
    AG_EXPECT_OK(ag_server_start(&options, &b->server, &err));
    ag_format(b->address, sizeof b->address, "http://127.0.0.1:%u", b->port);
}

static void stop_server(bench *b)
{
    ag_server_free(b->server);
    ag_ledger_close(b->ledger);
    b->server = NULL;
    b->ledger = NULL;
}

static void open_bench(bench *b)
{
    ag_err err = {0};
    ag_buf text;
    *b = (bench){0};
    new_home(b->home);
    ag_format(b->spool, sizeof b->spool, "%s-spool", b->home);
    ag_format(b->output, sizeof b->output, "%s-out", b->home);
    ag_format(b->data, sizeof b->data, "%s-series.csv", b->home);
    ag_buf_init(&text, 1 << 16);
    ag_buf_add_text(&text, "x\n");
    for (int i = 0; i < 200; i++) ag_buf_addf(&text, "%.4f\n", sin(i * 0.5));
    AG_EXPECT_OK(ag_file_replace(b->data, text.data, text.size, &err));
    ag_buf_deinit(&text);
    b->port = ag_test_reserve_port();
    start_server(b);
}

static void close_bench(bench *b)
{
    auger_result_free(b->result);
    auger_builder_free(b->builder);
    stop_server(b);
}

static bool remarked(const bench *b, const char *part)
{
    return strstr(b->remarks, part) != NULL;
}

/* A text of OUTPUT/run.json; "" when it is not there. */
static const char *known(const bench *b, const char *member, char out[300])
{
    ag_buf text;
    ag_str found = {0};
    char path[700];
    const ag_value *value = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_buf_init(&text, 1 << 16);
    ag_format(path, sizeof path, "%s/run.json", b->output);
    if (ag_file_read(path, 1 << 16, &text, NULL) >= 0)
        (void)ag_json_parse(arena, ag_buf_str(&text), NULL, &value, NULL);
    (void)ag_value_string(ag_value_get(value, member), &found);
    ag_format(out, 300, "%.*s", AG_STR_ARG(found));
    ag_buf_deinit(&text);
    ag_arena_free(arena);
    return out;
}

/* Points of a curve that are there while the run is RUNNING. */
static int points_now(const bench *b)
{
    ag_run run;
    char id[300];
    int count = 0;
    look at = look_into(b->home);
    if (ag_run_get(at.ledger, ag_str_of(known(b, "run_id", id)), at.arena, &run, NULL) >= 0 &&
        run.status == AG_RUN_RUNNING)
        count = (int)history(&at, id, "val_loss").count;
    look_away(&at);
    return count;
}

static int on_event(void *context, const auger_event *event)
{
    bench *b = context;
    if (event->kind == AUGER_EVENT_REMARK) {
        size_t used = strlen(b->remarks);
        ag_format(b->remark, sizeof b->remark, "%s", event->text);
        ag_format(b->remarks + used, sizeof b->remarks - used, "%s\n", event->text);
    }
    if (event->kind != AUGER_EVENT_EPOCH) return 0;
    /* Epochs that have ended are seen while the next one is under way. */
    if (++b->epochs == 3 && b->looks) {
        for (int i = 0; i < 30000 && (b->seen_points = points_now(b)) < 2; i++) ag_sleep(10000);
    }
    return b->stop_after && b->epochs >= b->stop_after;
}

static int build(bench *b, int resume, auger_error *error)
{
    const auger_ledger_options how = {.spool = b->spool, .flush_ms = 1};
    auger_result_free(b->result);
    auger_builder_free(b->builder);
    b->result = NULL;
    b->builder = NULL;
    b->epochs = 0;
    *b->remarks = '\0';
    EXPECT(auger_builder_new(&b->builder, error));
    EXPECT(auger_builder_settings_text(b->builder, forecast, error));
    EXPECT(auger_builder_data(b->builder, b->data, error));
    EXPECT(auger_builder_output(b->builder, b->output, error));
    EXPECT(auger_builder_threads(b->builder, 1, error));
    EXPECT(auger_builder_server(b->builder, b->address, &how, error));
    EXPECT(auger_builder_registry(b->builder, "waves", "best", error));
    EXPECT(auger_builder_set(b->builder, "register.stage=Staging", error));
    EXPECT(auger_builder_set(b->builder, "register.description=of June", error));
    EXPECT(auger_builder_checkpoints(b->builder, 100, resume, error));
    EXPECT(auger_builder_monitor(b->builder, on_event, b, error));
    return auger_builder_build(b->builder, &b->result, error);
}

static void expect_recorded(const bench *b, const char *id, int epochs)
{
    ag_err err = {0};
    ag_version version;
    look at = look_into(b->home);
    ag_run run = run_of(&at, id);
    assert_int_equal(run.status, AG_RUN_FINISHED);
    assert_true(run.ended_at >= run.started_at);
    assert_string_equal(value_of(run.params, "training_config.epochs"), "4");
    assert_string_equal(value_of(run.tags, "auger.strategy"), "forecast");
    assert_string_equal(value_of(run.tags, "mlflow.source.name"), "libauger");
    assert_int_equal(history(&at, id, "val_loss").count, epochs);
    assert_true(history(&at, id, "loss").count > (size_t)epochs);
    AG_EXPECT_OK(ag_alias_get(at.ledger, AG_STR("waves"), AG_STR("best"), at.arena, &version, &err));
    assert_true(version.number == 1 && version.stage == AG_STAGE_STAGING);
    assert_string_equal(version.run_id, id);
    assert_string_equal(version.description, "of June");
    assert_string_equal(value_of(version.tags, "auger.strategy"), "forecast");
    assert_true(strstr(version.source, "/model") != NULL);
    AG_EXPECT_ERROR(ag_version_get(at.ledger, AG_STR("waves"), 2, at.arena, &version, &err), AG_ENOTFOUND, "");
    char path[1200];
    const char *below = strstr(run.artifact_uri, ":/") + 2;
    ag_format(path, sizeof path, "%s/artifacts/%s/model/auger.json", b->home, below);
    assert_true(ag_file_exists(path));
    look_away(&at);
}

AG_TEST(test_tracker__a_training_is_seen_on_a_server_while_it_runs_and_whole_at_its_end)
{
    bench b;
    auger_error error;
    open_bench(&b);
    b.looks = true;
    FINE(build(&b, 0, &error));
    assert_true(b.seen_points >= 2);
    assert_string_equal(auger_result_model_version(b.result), "waves/1");
    expect_recorded(&b, auger_result_run(b.result), 4);
    look at = look_into(b.home);
    assert_string_equal(value_of(run_of(&at, auger_result_run(b.result)).tags, "auger.model.version"), "waves/1");
    look_away(&at);
    assert_int_equal(names_in(b.spool, "queue-"), 0);
    assert_int_equal(names_in(b.spool, "failed"), 0);
    close_bench(&b);
}

AG_TEST(test_tracker__a_server_that_is_away_gets_it_later)
{
    bench b;
    char run[64];
    auger_error error;
    open_bench(&b);
    stop_server(&b);
    FINE(build(&b, 0, &error)); /* trained all the same */
    assert_null(auger_result_model_version(b.result));
    assert_true(strstr(b.remark, "calls wait in") && strstr(b.remark, "is away"));
    ag_format(run, sizeof run, "%s", auger_result_run(b.result));
    start_server(&b);
    const auger_ledger_options how = {.spool = b.spool};
    auger_ledger *later = open_client(b.address, &how); /* as the next training would */
    FINE(auger_ledger_close(later, PATIENCE, &error));
    expect_recorded(&b, run, 4);
    FINE(build(&b, 1, &error)); /* once more: the same run and version */
    assert_string_equal(auger_result_run(b.result), run);
    expect_recorded(&b, run, 4);
    close_bench(&b);
}

AG_TEST(test_tracker__what_was_stopped_goes_on_in_the_same_run)
{
    bench b;
    auger_error error;
    char run[300], tracker[300];
    open_bench(&b);
    b.stop_after = 2;
    REFUSED(build(&b, 1, &error), AUGER_ECANCELLED, "");
    assert_int_equal(strlen(known(&b, "run_id", run)), 32);
    assert_string_equal(known(&b, "tracker", tracker), b.address);
    look at = look_into(b.home);
    assert_int_equal(run_of(&at, run).status, AG_RUN_KILLED);
    look_away(&at);
    b.stop_after = 0;
    FINE(build(&b, 1, &error));
    assert_string_equal(auger_result_run(b.result), run);
    assert_string_equal(auger_result_model_version(b.result), "waves/1");
    FINE(build(&b, 1, &error)); /* all was done: no second version */
    assert_string_equal(auger_result_model_version(b.result), "waves/1");
    expect_recorded(&b, run, 4);
    close_bench(&b);
}

AG_TEST(test_tracker__what_a_server_refuses_is_told)
{
    bench b;
    ag_err err = {0};
    const char *id = NULL;
    auger_error error;
    open_bench(&b);
    look at = look_into(b.home);
    AG_EXPECT_OK(ag_experiment_ensure(at.ledger, NULL, AG_STR("waves"), at.arena, &id, &err));
    AG_EXPECT_OK(ag_experiment_delete(at.ledger, NULL, ag_str_of(id), &err));
    FINE(build(&b, 0, &error)); /* the model is whole */
    assert_null(auger_result_model_version(b.result));
    assert_true(remarked(&b, "not registered as 'waves'") && remarked(&b, "is deleted") && remarked(&b, "--resume"));
    assert_true(remarked(&b, "has refused") && remarked(&b, "failed.jsonl"));
    AG_EXPECT_OK(ag_experiment_restore(at.ledger, NULL, ag_str_of(id), &err));
    FINE(build(&b, 1, &error)); /* another run, since the server has nothing of that one; nothing is trained */
    assert_int_equal(b.epochs, 0);
    assert_string_equal(auger_result_model_version(b.result), "waves/1");
    look_away(&at);
    close_bench(&b);
}

AG_TEST(test_tracker__addresses_are_checked)
{
    ag_err err = {0};
    ag_tracker tracker = {0};
    AG_EXPECT_ERROR(ag_tracker_open("postgresql://x", NULL, &tracker, &err), AG_EINVAL, "no address of a server");
    AG_EXPECT_ERROR(ag_tracker_open("http://", NULL, &tracker, &err), AG_EINVAL, "like http://host:5000");
    ag_tracker_close(&tracker);
    assert_false(ag_tracker_is_open(&tracker));
    assert_true(ag_tracker_is_address("https://a") && !ag_tracker_is_address("http") && !ag_tracker_is_address("a/b"));
}
