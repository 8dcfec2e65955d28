// SPDX-License-Identifier: Apache-2.0
/* ledger_test.c: clients write to a ledger through the server while it is stopped: what was acknowledged is there. */
#include <pthread.h>

#include "app/server/wire.h"
#include "ledger/experiment.h"
#include "ledger/run.h"

static int log_point(ag_request *request, ag_response *response, ag_err *err)
{
    ag_metric metric = {.key = "loss", .value = 1, .at = 1000};
    ag_str run_id = {0};
    ag_value_string(ag_value_get(request->json, "run_id"), &run_id);
    ag_value_int(ag_value_get(request->json, "step"), &metric.step);
    ag_run_batch batch = {.metrics = &metric, .metric_count = 1};
    int rc = ag_run_log(request->ledger, run_id, &batch, err);
    return rc < 0 ? rc : ag_response_text(response, 200, err, "{}");
}

static const ag_route routes[] = {{.method = AG_METHOD_POST,
                                   .path = "/log",
                                   .rule = AG_PUBLIC,
                                   .body = AG_BODY_JSON,
                                   .summary = "Log",
                                   .handle = log_point}};
static const ag_route_group group = {.name = "Log", .doc = "For tests.", .routes = routes, .count = 1};
static const ag_route_group *const list[] = {&group};

enum { WRITERS = 16, ENOUGH = 20 };
static uint16_t port;
static const char *run_id;

typedef struct writer {
    pthread_t thread;
    int64_t base;          /* its steps begin here */
    atomic_llong accepted; /* how many were acknowledged */
} writer;

static void *write_on(void *context)
{
    writer *one = context;
    int fd = wire_open(port);
    for (int64_t i = 0;; i++) {
        char body[128], request[512];
        ag_format(body, sizeof(body), "{\"run_id\":\"%s\",\"step\":%lld}", run_id, (long long)one->base + (long long)i);
        ag_format(request, sizeof(request),
                  "POST /log HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                  strlen(body), body);
        if (!wire_say(fd, request)) break;
        char *answer = wire_answer(fd);
        bool good = wire_status(answer) == 200, last = strstr(answer, "Connection: close") != NULL;
        ag_free(answer);
        if (good) atomic_fetch_add(&one->accepted, 1);
        if (!good || last) break;
    }
    close(fd);
    return NULL;
}

AG_TEST(test_stop__loses_no_acknowledged_write)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_run run;
    const char *home = ag_test_dir();
    AG_EXPECT_OK(ag_ledger_open(&(ag_ledger_options){.home = home}, &ledger, &err));
    ag_run_new new_run = {.experiment_id = AG_STR("0")};
    AG_EXPECT_OK(ag_run_create(ledger, &new_run, arena, &run, &err));
    run_id = run.id;
    ag_server_options options = wire_options();
    options.groups = (ag_route_groups){list, 1};
    options.ledger = ledger;
    ag_server *server = wire_start(&options);
    port = ag_server_port(server);
    writer writers[WRITERS] = {0};
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i].base = (int64_t)i * 10000000;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) /* until all of them are in the middle of it */
        for (int tries = 0; atomic_load(&writers[i].accepted) < ENOUGH; tries++) {
            assert_true(tries < 300000);
            ag_sleep(1000);
        }
    AG_EXPECT_OK(ag_server_stop(server, &err));
    for (size_t i = 0; i < WRITERS; i++) pthread_join(writers[i].thread, NULL);
    ag_server_free(server);
    ag_ledger_close(ledger);
    AG_EXPECT_OK(ag_ledger_open(&(ag_ledger_options){.home = home}, &ledger, &err));
    ag_points points;
    AG_EXPECT_OK(ag_metric_history(ledger, ag_str_of(run_id), AG_STR("loss"), 0, (ag_str){0}, arena, &points, &err));
    int64_t accepted = 0;
    for (size_t i = 0; i < WRITERS; i++) {
        int64_t there = 0; /* steps of this writer, which must be the first ones without a gap */
        for (size_t k = 0; k < points.count; k++)
            if (points.items[k].step / 10000000 == (int64_t)i && points.items[k].step % 10000000 < writers[i].accepted)
                there++;
        assert_int_equal(there, writers[i].accepted);
        accepted += there;
    }
    assert_true(accepted >= (int64_t)WRITERS * ENOUGH);
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}
