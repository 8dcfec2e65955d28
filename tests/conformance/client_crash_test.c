// SPDX-License-Identifier: Apache-2.0
/* A program that logs through the C API is killed with SIGKILL, again and again, on a local ledger and beside a server
 * that is itself killed now and then: after the next open every call that had returned is in the ledger, exactly once.
 */
#include "ledger/client/with_client.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/server/server.h"
#include "core/base/rng.h"
#include "ledger/artifact.h"
#include "ledger/model.h"

enum { LOGGERS = 2, EVERY_TAG = 25, EVERY_FILE = 300, EVERY_VERSION = 450 };

typedef struct told { /* what has returned, in memory that the two processes share through a pipe */
    char run[33];
    int64_t logger, step;
} told;

typedef struct victim {
    auger_ledger *ledger;
    int64_t logger;
    int pipe;
} victim;

static int log_step(auger_ledger_run *run, int64_t step)
{
    char text[64];
    ag_format(text, sizeof(text), "%lld", (long long)step);
    if (auger_log_metric(run, "m", (double)step, step, NULL) < 0) return -1;
    if (step % EVERY_TAG == 0) {
        char key[64];
        ag_format(key, sizeof(key), "p%lld", (long long)step);
        if (auger_log_param(run, key, text, NULL) < 0) return -1;
    }
    if (step % EVERY_FILE == 0) {
        char path[64];
        ag_format(path, sizeof(path), "files/%lld", (long long)step);
        if (auger_log_bytes(run, text, strlen(text), path, NULL) < 0) return -1;
    }
    if (step % EVERY_VERSION == 0 && auger_register_model(run, auger_run_id(run), "files", 0, NULL, NULL) < 0)
        return -1;
    return 0;
}

static void *log_until_killed(void *context)
{
    victim *self = context;
    auger_ledger_run *run = NULL;
    told now = {.logger = self->logger};
    if (auger_run_start(self->ledger, NULL, &run, NULL) < 0) _exit(3);
    ag_format(now.run, sizeof(now.run), "%s", auger_run_id(run));
    for (now.step = 0;; now.step++) {
        if (log_step(run, now.step) < 0) _exit(4);
        if (write(self->pipe, &now, sizeof(now)) != (ssize_t)sizeof(now)) _exit(5);
    }
    return NULL;
}

static _Noreturn void be_victim(const char *where, const auger_ledger_options *options, int pipe)
{
    static victim each[LOGGERS];
    pthread_t threads[LOGGERS];
    auger_ledger *ledger = NULL;
    if (auger_ledger_open(where, options, &ledger, NULL) < 0) _exit(2);
    for (int i = 0; i < LOGGERS; i++) {
        each[i] = (victim){ledger, i, pipe};
        if (pthread_create(&threads[i], NULL, log_until_killed, &each[i]) != 0) _exit(6);
    }
    for (int i = 0; i < LOGGERS; i++) pthread_join(threads[i], NULL);
    _exit(7);
}

static void run_victim(const char *where, const auger_ledger_options *options, told last[LOGGERS])
{
    int ends[2], status;
    uint32_t chance = 0;
    ag_err err = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) be_victim(where, options, ends[1]);
    close(ends[1]);
    AG_EXPECT_OK(ag_random_bytes(&chance, sizeof(chance), &err));
    int64_t until = 0;
    told now;
    memset(last, 0, LOGGERS * sizeof(*last));
    while (read(ends[0], &now, sizeof(now)) == (ssize_t)sizeof(now)) {
        last[now.logger] = now;
        if (!until) until = ag_monotonic() + chance % 30000;
        if (ag_monotonic() >= until) kill(child, SIGKILL);
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status)) fail_msg("the program ended by itself with %d", WEXITSTATUS(status));
}

static void check_run(const look *at, const told *last)
{
    ag_err err = {0};
    ag_run run = run_of(at, last->run);
    ag_points points = history(at, last->run, "m");
    assert_true((int64_t)points.count > last->step);
    for (int64_t i = 0; i < (int64_t)points.count; i++) assert_int_equal(points.items[i].step, i);
    for (int64_t i = 0; i <= last->step; i++) {
        char text[64];
        ag_artifact_place place;
        ag_tree_entry entry;
        ag_format(text, sizeof(text), "p%lld", (long long)i);
        if (i % EVERY_TAG == 0 && !value_of(run.params, text)) fail_msg("the parameter %s is missing", text);
        if (i % EVERY_FILE) continue;
        ag_format(text, sizeof(text), "files/%lld", (long long)i);
        AG_EXPECT_OK(ag_artifact_resolve(at->ledger, run.artifact_uri, ag_str_of(text), at->arena, &place, &err));
        AG_EXPECT_OK(ag_tree_stat(place.tree, place.path, &entry, &err));
    }
    int64_t wanted = last->step / EVERY_VERSION + 1;
    ag_version version;
    AG_EXPECT_OK(ag_version_get(at->ledger, ag_str_of(last->run), wanted, at->arena, &version, &err));
    /* One more at most: the call that the kill has cut short. */
    assert_int_equal(ag_version_get(at->ledger, ag_str_of(last->run), wanted + 2, at->arena, &version, &err),
                     AG_ENOTFOUND);
}

static void check_round(const char *home, const told last[LOGGERS])
{
    look at = look_into(home);
    for (int i = 0; i < LOGGERS; i++) {
        if (*last[i].run) check_run(&at, &last[i]);
    }
    look_away(&at);
}

/* Opens the same spool again and waits. */
static void deliver_rest(const char *where, const auger_ledger_options *options, const char *spool)
{
    auger_error error;
    auger_ledger *ledger = open_client(where, options);
    FINE(auger_ledger_close(ledger, PATIENCE, &error));
    assert_int_equal(names_in(spool, "queue-"), 0);
    assert_int_equal(names_in(spool, "failed"), 0);
}

AG_TEST(test_client__killed_at_random_beside_a_local_ledger)
{
    char home[512], spool[600];
    told last[LOGGERS];
    new_home(home);
    ag_format(spool, sizeof(spool), "%s/spool", home);
    auger_ledger_options options = {.flush_ms = 1};
    for (size_t round = 0; round < ag_test_rounds(5, 100); round++) {
        run_victim(home, &options, last);
        if (round % 3 == 0) run_victim(home, &options, last); /* two leave something */
        deliver_rest(home, &options, spool);
        check_round(home, last);
    }
}

/* ---- with a server ---- */

static _Noreturn void be_server(const char *home, uint16_t port, int pipe)
{
    ag_server *server = NULL;
    ag_ledger *ledger = NULL;
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server behind */
    ag_ledger_options place = {.home = home, .artifact_root = "mlflow-artifacts:/"};
    if (ag_ledger_open(&place, &ledger, NULL) < 0) _exit(2);
    ag_server_options options = {
        .ledger = ledger, .port = port, .groups = ag_route_groups_all(), .serve_artifacts = true};
    int rc = -1;
    for (int i = 0; i < 30000 && (rc = ag_server_start(&options, &server, NULL)) < 0; i++) ag_sleep(10000);
    if (rc < 0) _exit(3);
    port = ag_server_port(server);
    if (write(pipe, &port, sizeof(port)) != (ssize_t)sizeof(port)) _exit(4);
    for (;;) pause();
}

static pid_t start_server(const char *home, uint16_t *port)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) be_server(home, *port, ends[1]);
    close(ends[1]);
    assert_int_equal(read(ends[0], port, sizeof(*port)), sizeof(*port));
    close(ends[0]);
    return child;
}

static void kill_server(pid_t server)
{
    kill(server, SIGKILL);
    assert_int_equal(waitpid(server, NULL, 0), server);
}

AG_TEST(test_client__killed_at_random_beside_a_server_that_is_killed_too)
{
    char home[512], spool[600], address[64];
    told last[LOGGERS];
    uint16_t port = 0;
    new_home(home);
    ag_format(spool, sizeof(spool), "%s-spool", home);
    pid_t server = start_server(home, &port);
    ag_format(address, sizeof(address), "http://127.0.0.1:%u", port);
    auger_ledger_options options = {.flush_ms = 1, .spool = spool};
    for (size_t round = 0; round < ag_test_rounds(4, 100); round++) {
        if (round % 4 == 1) kill_server(server); /* it is away all the time */
        run_victim(address, &options, last);
        if (round % 4 == 3) kill_server(server); /* it goes afterwards */
        if (round % 4 == 1 || round % 4 == 3) server = start_server(home, &port);
        deliver_rest(address, &options, spool);
        check_round(home, last);
    }
    kill_server(server);
}
