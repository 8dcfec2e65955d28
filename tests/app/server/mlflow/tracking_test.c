// SPDX-License-Identifier: Apache-2.0
/* tracking_test.c: experiments, runs and histories over HTTP, as MLflow's protocol has them. */
#include "app/server/events.h"
#include "app/server/mlflow/talk.h"
#include "core/sys/clock.h"

AG_TEST(test_experiments__a_life)
{
    talk_begin();
    post("experiments/create", "{\"name\":\"e\",\"tags\":[{\"key\":\"a\",\"value\":\"b\"}]}", 200,
         "{\"experiment_id\":\"1\"}");
    post("experiments/create", "{\"name\":\"e\"}", 400,
         "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\",\"message\":\"Experiment(name=e) already exists.");
    get("experiments/get-by-name?experiment_name=e", 200, "\"tags\":[{\"key\":\"a\",\"value\":\"b\"}]");
    get("experiments/get-by-name?experiment_name=absent", 404,
        "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"Could not find experiment with name 'absent'");
    get("experiments/get?experiment_id=77", 404, "No Experiment with id=77 exists");
    get("experiments/get?experiment_id=abc", 400,
        "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.");
    post("experiments/set-experiment-tag", "{\"experiment_id\":\"1\",\"key\":\"k\",\"value\":\"v\"}", 200, "{}");
    post("experiments/delete-experiment-tag", "{\"experiment_id\":\"1\",\"key\":\"k\"}", 200, "{}");
    post("experiments/delete-experiment-tag", "{\"experiment_id\":\"1\",\"key\":\"k\"}", 404, "No tag with name: k");
    post("experiments/update", "{\"experiment_id\":\"1\",\"new_name\":\"f\"}", 200, "{}");
    post("experiments/delete", "{\"experiment_id\":\"1\"}", 200, "{}");
    post("experiments/update", "{\"experiment_id\":\"1\",\"new_name\":\"g\"}", 500,
         "{\"error_code\":\"INVALID_STATE\",\"message\":\"Cannot rename a non-active experiment.");
    get("experiments/get-by-name?experiment_name=f", 200, "\"lifecycle_stage\":\"deleted\"");
    post("runs/create", "{\"experiment_id\":\"1\"}", 400, "must be in the 'active' state");
    post("experiments/search", "{\"view_type\":\"DELETED_ONLY\"}", 200, "{\"experiments\":[{\"experiment_id\":\"1\"");
    post("experiments/restore", "{\"experiment_id\":\"1\"}", 200, "{}");
    talk_end();
}

AG_TEST(test_runs__a_life)
{
    talk_begin();
    const char *run = new_run(), *id = text("{\"run_id\":\"%s\"}", run);
    get(text("runs/get?run_id=%s", run), 200, text("\"artifact_uri\":\"mlflow-artifacts:/0/%s/artifacts\"", run));
    assert_null(strstr(ask("GET", text(API "runs/get?run_id=%s", run), NULL), "end_time"));
    post("runs/update", text("{\"run_id\":\"%s\",\"status\":\"FINISHED\",\"end_time\":1700000000123}", run), 200,
         "\"end_time\":1700000000123");
    post("runs/delete", id, 200, "{}");
    post("runs/delete", id, 200, "{}");
    post("runs/set-tag", text("{\"run_id\":\"%s\",\"key\":\"a\",\"value\":\"b\"}", run), 400,
         text("The run %s must be in the 'active' state. Current state is deleted.", run));
    post("runs/restore", id, 200, "{}");
    post("runs/set-tag", text("{\"run_id\":\"%s\",\"key\":\"a\"}", run), 200, "{}");
    get(text("runs/get?run_id=%s", run), 200, "{\"key\":\"a\",\"value\":\"\"}");
    post("runs/delete-tag", text("{\"run_id\":\"%s\",\"key\":\"a\"}", run), 200, "{}");
    post("runs/delete-tag", text("{\"run_id\":\"%s\",\"key\":\"a\"}", run), 404,
         text("No tag with name: a in run with id %s", run));
    get("runs/get?run_id=00000000000000000000000000000000", 404,
        "Run with id=00000000000000000000000000000000 not found");
    post("runs/create", "{}", 200, "\"experiment_id\":\"0\"");
    post("runs/create", "{\"experiment_id\":\"99\"}", 404, "No Experiment with id=99 exists");
    talk_end();
}

AG_TEST(test_metrics__numbers_survive)
{
    talk_begin();
    const char *run = new_run();
    static const char *const values[] = {"\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "0.1",
                                         "1e300",   "NaN",          "-Infinity"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        post("runs/log-metric",
             text("{\"run_id\":\"%s\",\"key\":\"m\",\"value\":%s,\"timestamp\":%zu,\"step\":-9007199254740993}", run,
                  values[i], i + 1),
             200, "{}");
    }
    const char *history = ask("GET", text(API "metrics/get-history?run_id=%s&metric_key=m", run), NULL);
    static const char *const parts[] = {"\"NaN\"", "\"Infinity\"", "\"-Infinity\"", ":0.1,", ":1e+300,"};
    for (size_t i = 0; i < 4; i++) {
        if (!strstr(history, parts[i])) fail_msg("no %s in %s", parts[i], history);
    }
    assert_non_null(strstr(history, "\"step\":-9007199254740993"));
    const char *page = ask("GET", text(API "metrics/get-history?run_id=%s&metric_key=m&max_results=3", run), NULL);
    const char *token = text_at(page, "next_page_token");
    get(text("metrics/get-history?run_id=%s&metric_key=m&max_results=100&page_token=%s", run, token), 200,
        "\"timestamp\":4");
    get(text("metrics/get-history?run_id=%s&metric_key=m&max_results=0", run), 400, "positive integer");
    get(text("metrics/get-history?run_id=%s&metric_key=absent", run), 200, "{}");
    get("metrics/get-history?run_id=00000000000000000000000000000000&metric_key=m", 200, "{}");
    get(text("metrics/get-history-bulk?run_id=%s&metric_key=m&max_results=2", run), 200, "\"run_id\"");
    get("metrics/get-history-bulk?metric_key=m", 400, "must specify at least one run_id.");
    get(text("metrics/get-history-bulk?run_id=%s", run), 400, "must specify a metric_key.");
    talk_end();
}

AG_TEST(test_metrics__intervals)
{
    talk_begin();
    const char *run = new_run();
    for (int step = 0; step < 10; step++) {
        post("runs/log-metric",
             text("{\"run_id\":\"%s\",\"key\":\"m\",\"value\":%d,\"timestamp\":1,\"step\":%d}", run, step, step), 200,
             "{}");
    }
    const char *base = text("metrics/get-history-bulk-interval?run_ids=%s&metric_key=m", run);
    get(text("%s&start_step=3&end_step=4", base), 200, "\"step\":3");
    get(text("%s&max_results=2", base), 200, "\"step\":9");
    get(text("%s&start_step=3", base), 400, "both must be specified");
    get(text("%s&start_step=5&end_step=4", base), 400, "end_step must be greater than start_step");
    get(text("%s&max_results=2501", base), 400, "max_results must be between 1 and 2500.");
    get(text("%s&max_results=0", base), 400, "max_results must be between 1 and 2500.");
    get("metrics/get-history-bulk-interval?metric_key=m", 400, "'run_ids'");
    talk_end();
}

/* A batch with this many of each. */
static const char *batch(const char *run, int metrics, int params, int tags)
{
    ag_buf body;
    ag_buf_init(&body, 8 << 20);
    ag_buf_addf(&body, "{\"run_id\":\"%s\",\"metrics\":[", run);
    for (int i = 0; i < metrics; i++)
        ag_buf_addf(&body, "%s{\"key\":\"m\",\"value\":%d,\"timestamp\":%d}", i ? "," : "", i, i);
    ag_buf_addf(&body, "],\"params\":[");
    for (int i = 0; i < params; i++) ag_buf_addf(&body, "%s{\"key\":\"p%d\",\"value\":\"v\"}", i ? "," : "", i);
    ag_buf_addf(&body, "],\"tags\":[");
    for (int i = 0; i < tags; i++) ag_buf_addf(&body, "%s{\"key\":\"t%d\",\"value\":\"v\"}", i ? "," : "", i);
    ag_buf_addf(&body, "]}");
    const char *kept = ag_arena_strdup(talk_arena, body.data);
    ag_buf_deinit(&body);
    return kept;
}

AG_TEST(test_batch__limits)
{
    talk_begin();
    const char *run = new_run();
    post("runs/log-batch", batch(run, 800, 100, 100), 200, "{}");
    post("runs/log-batch", batch(run, 1001, 0, 0), 400, "can contain at most 1000 metrics. Got 1001 metrics.");
    post("runs/log-batch", batch(run, 0, 101, 0), 400, "can contain at most 100 params. Got 101 params.");
    post("runs/log-batch", batch(run, 0, 0, 101), 400, "can contain at most 100 tags. Got 101 tags.");
    post("runs/log-batch", batch(run, 900, 100, 100), 400, "at most 1000 metrics, params, and tags. Got 1100");
    char *long_text = ag_arena_alloc(talk_arena, 1000001);
    memset(long_text, 'x', 1000000);
    post("runs/log-batch", text("{\"run_id\":\"%s\",\"tags\":[{\"key\":\"k\",\"value\":\"%s\"}]}", run, long_text), 400,
         "must be at most 1000000 bytes");
    long_text[6500] = '\0';
    post("runs/log-parameter", text("{\"run_id\":\"%s\",\"key\":\"long\",\"value\":\"%s\"}", run, long_text), 200,
         "{}");
    post("runs/log-parameter", text("{\"run_id\":\"%s\",\"key\":\"p0\",\"value\":\"w\"}", run), 400,
         text("Changing param values is not allowed. Param with key='p0' was already logged with value='v' for run "
              "ID='%s'. Attempted logging new value 'w'.",
              run));
    post("runs/log-batch",
         text("{\"run_id\":\"%s\",\"params\":[{\"key\":\"d\",\"value\":\"1\"},{\"key\":\"d\",\"value\":\"1\"}]}", run),
         400, "Duplicate parameter keys have been submitted");
    talk_end();
}

AG_TEST(test_search__pages_whole_runs)
{
    talk_begin();
    for (int i = 0; i < 5; i++) {
        const char *run = new_run();
        post("runs/log-batch", batch(run, i + 1, 2, 1), 200, "{}");
    }
    const char *first = ask("POST", API "runs/search",
                            "{\"experiment_ids\":[\"0\"],\"max_results\":2,\"order_by\":[\"metrics.m "
                            "DESC\"],\"filter\":\"params.p1='v'\"}");
    assert_non_null(strstr(first, "\"value\":4.0"));
    assert_non_null(strstr(first, "\"params\":[{\"key\":\"p0\""));
    const char *token = text_at(first, "next_page_token");
    post("runs/search",
         text("{\"experiment_ids\":[\"0\"],\"max_results\":2,\"order_by\":[\"metrics.m DESC\"],\"page_token\":\"%s\"}",
              token),
         200, "\"value\":2.0");
    post("runs/search", "{\"experiment_ids\":[\"0\"],\"filter\":\"metrics.m >\"}", 400, "INVALID_PARAMETER_VALUE");
    post("runs/search", "{\"experiment_ids\":[\"0\"],\"run_view_type\":\"DELETED_ONLY\"}", 200, "{}");
    post("runs/search", "{\"experiment_ids\":[]}", 200, "{}");
    talk_end();
}

AG_TEST(test_inputs__are_kept_once)
{
    talk_begin();
    const char *run = new_run();
    const char *body =
        text("{\"run_id\":\"%s\",\"datasets\":[{\"tags\":[{\"key\":\"mlflow.data.context\",\"value\":\"train\"}],"
             "\"dataset\":{\"name\":\"d\",\"digest\":\"1\",\"source_type\":\"local\",\"source\":\"{}\"}}]}",
             run);
    post("runs/log-inputs", body, 200, "{}");
    post("runs/log-inputs", body, 200, "{}");
    get(text("runs/get?run_id=%s", run), 200,
        "\"inputs\":{\"dataset_inputs\":[{\"tags\":[{\"key\":\"mlflow.data.context\",\"value\":\"train\"}],\"dataset\":"
        "{\"name\":\"d\",\"digest\":\"1\",\"source_type\":\"local\",\"source\":\"{}\"}}]}");
    post("experiments/search-datasets", "{\"experiment_ids\":[\"0\"]}", 200,
         "{\"dataset_summaries\":[{\"experiment_id\":\"0\",\"name\":\"d\",\"digest\":\"1\",\"context\":\"train\"}]}");
    talk_end();
}

AG_TEST(test_log_model__keeps_what_fits)
{
    talk_begin();
    const char *run = new_run();
    char *filler = ag_arena_alloc(talk_arena, 3001);
    memset(filler, 'x', 3000);
    for (int i = 0; i < 5; i++) {
        const char *model =
            text("{\\\"artifact_path\\\":\\\"m%d\\\",\\\"flavors\\\":{\\\"f\\\":\\\"%s\\\"},"
                 "\\\"utc_time_created\\\":\\\"t\\\",\\\"run_id\\\":\\\"r\\\",\\\"signature\\\":\\\"s\\\"}",
                 i, filler);
        post("runs/log-model", text("{\"run_id\":\"%s\",\"model_json\":\"%s\"}", run, model), 200, "{}");
    }
    const char *found = ask("GET", text(API "runs/get?run_id=%s", run), NULL);
    assert_null(strstr(found, "m0"));
    assert_non_null(strstr(found, "\\\"artifact_path\\\":\\\"m3\\\""));
    assert_non_null(strstr(found, "\\\"artifact_path\\\":\\\"m4\\\""));
    assert_null(strstr(found, "signature"));
    talk_end();
}

AG_TEST(test_server__says_what_it_can)
{
    talk_begin();
    expect("GET", "/api/3.0/mlflow/server-info", NULL, 200,
           "{\"store_type\":\"SqlStore\",\"workspaces_enabled\":false}");
    expect("GET", "/ajax-api/3.0/mlflow/server-info", NULL, 200, "SqlStore");
    expect("GET", API "users/current", NULL, 404, NULL); /* nobody is asked for a name */
    expect("GET", API "nothing", NULL, 404, NULL);
    talk_end();
}

static void put_umlaut(char *out, int at)
{
    memcpy(out + 2 * (size_t)at, "\xc3\xa4", 3);
}

AG_TEST(test_limits__count_characters)
{
    char key[600] = "", value[512] = "";
    talk_begin();
    const char *run = new_run();
    for (int i = 0; i < 250; i++) put_umlaut(key, i);
    post("runs/set-tag", text("{\"run_id\":\"%s\",\"key\":\"%s\",\"value\":\"v\"}", run, key), 200, "{}");
    put_umlaut(key, 250);
    post("runs/set-tag", text("{\"run_id\":\"%s\",\"key\":\"%s\",\"value\":\"v\"}", run, key), 400,
         "exceeds the maximum length of 250 characters");
    for (int i = 0; i < 200; i++) put_umlaut(value, i);
    post("experiments/create", text("{\"name\":\"%s\"}", value), 200, "experiment_id");
    talk_end();
}

AG_TEST(test_events__handlers_tell_what_they_did)
{
    talk_begin();
    uint16_t port = ag_server_port(talk_server);
    int fd = wire_open(port);
    char head[4096];
    wire_say(fd, "GET /api/auger/v1/events HTTP/1.1\r\n" HOST "\r\n");
    assert_true(recv(fd, head, sizeof(head), 0) > 0);
    while (!ag_events_wanted(ag_server_events(talk_server))) ag_sleep(1000);
    const char *run = new_run();
    post("runs/log-metric", text("{\"run_id\":\"%s\",\"key\":\"m\",\"value\":1,\"timestamp\":5,\"step\":3}", run), 200,
         "{}");
    expect("PUT", text("/api/2.0/mlflow-artifacts/artifacts/0/%s/artifacts/a/b", run), "x", 200, "{}");
    post("runs/delete", text("{\"run_id\":\"%s\"}", run), 200, "{}");
    post("registered-models/create", "{\"name\":\"m\"}", 200, NULL);
    post("model-versions/create", "{\"name\":\"m\",\"source\":\"s3://b/m\"}", 200, NULL);
    post("registered-models/alias", "{\"name\":\"m\",\"alias\":\"a\",\"version\":\"1\"}", 200, "{}");
    ag_server_stop(talk_server, NULL);
    char *heard = wire_rest(fd, NULL);
    const char *wanted[] = {
        text("event: run.created\ndata: {\"experiment_id\":\"0\",\"run_id\":\"%s\",\"status\":\"RUNNING\"}\n\n", run),
        text("event: metric\ndata: {\"experiment_id\":\"0\",\"run_id\":\"%s\",\"key\":\"m\",\"value\":1", run),
        text("event: artifact\ndata: {\"experiment_id\":\"0\",\"run_id\":\"%s\",\"path\":\"a/b\"}", run),
        "event: run.deleted\n",
        "event: model\ndata: {\"model\":\"m\",\"what\":\"created\"}",
        "event: version\ndata: {\"model\":\"m\",\"version\":\"1\",\"what\":\"created\"}",
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!strstr(heard, wanted[i])) fail_msg("no %s in\n%s", wanted[i], heard);
    ag_free(heard);
    close(fd);
    talk_end();
}
