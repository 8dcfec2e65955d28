// SPDX-License-Identifier: Apache-2.0
/* client_bench.c: logging through the C API of the ledger: what a call costs the program that makes it, and how quickly
 * points are delivered to a ledger on this machine and to a server of another process.
 * Usage: bench-client [POINTS]. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/server/server.h"
#include "auger/ledger.h"
#include "core/base/mem.h"
#include "core/io/file.h"

enum { THREADS = 4, BATCH = 1000 };

static auger_error error;

static void stop_if(int rc)
{
    if (rc >= 0) return;
    fprintf(stderr, "bench-client: %s\n", error.text);
    exit(1);
}

static double nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static auger_ledger *open_at(const char *where, const char *spool)
{
    auger_ledger *ledger = NULL;
    /* Room for all of it, so that what is measured is the call and not the waiting for room. */
    auger_ledger_options options = {.spool = spool, .spool_bytes = 4ll << 30, .block_ms = 60000};
    stop_if(auger_ledger_open(where, &options, &ledger, &error));
    return ledger;
}

typedef struct caller {
    auger_ledger_run *run;
    long points;
    char key[32];
} caller;

static void *log_points(void *context)
{
    const caller *self = context;
    for (long i = 0; i < self->points; i++)
        if (auger_log_metric(self->run, self->key, (double)i, i, NULL) < 0) exit(1);
    return NULL;
}

/* One call after the other in each thread; what the slowest took. */
static double log_with(auger_ledger_run *run, long points, unsigned threads)
{
    pthread_t started[THREADS];
    caller callers[THREADS];
    double begin = nanoseconds();
    for (unsigned i = 0; i < threads; i++) {
        callers[i] = (caller){.run = run, .points = points / threads};
        snprintf(callers[i].key, sizeof(callers[i].key), "loss-%u", i);
        if (pthread_create(&started[i], NULL, log_points, &callers[i]) != 0) exit(1);
    }
    for (unsigned i = 0; i < threads; i++) pthread_join(started[i], NULL);
    return nanoseconds() - begin;
}

static void measure(const char *what, const char *where, const char *spool, long points, unsigned threads)
{
    auger_ledger *ledger = open_at(where, spool);
    auger_ledger_run *run = NULL;
    stop_if(auger_run_start(ledger, NULL, &run, &error));
    stop_if(auger_ledger_sync(ledger, -1, &error));
    double begin = nanoseconds(), spent = log_with(run, points, threads);
    stop_if(auger_ledger_sync(ledger, -1, &error));
    printf("%-34s %u thread%s %8.0f ns per call, %9.0f points/s delivered\n", what, threads, threads > 1 ? "s" : " ",
           spent / (double)(points / threads), (double)points / (nanoseconds() - begin) * 1e9);
    auger_run_free(run);
    stop_if(auger_ledger_close(ledger, -1, &error));
}

/* The caller's side alone: no server is there, so nothing else happens beside it. */
static void measure_calls(const char *spool, long points, unsigned threads)
{
    auger_ledger *ledger = open_at("http://127.0.0.1:1", spool);
    auger_ledger_run *run = NULL;
    stop_if(auger_run_start(ledger, NULL, &run, &error));
    double spent = log_with(run, points, threads);
    printf("%-34s %u thread%s %8.0f ns per call\n", "log_metric, server away", threads, threads > 1 ? "s" : " ",
           spent / (double)(points / threads));
    auger_run_free(run);
    (void)auger_ledger_close(ledger, 0, NULL);
}

/* Calls of 1000 points. */
static void measure_batches(const char *what, const char *where, const char *spool, long points)
{
    static auger_metric batch[BATCH];
    auger_ledger *ledger = open_at(where, spool);
    auger_ledger_run *run = NULL;
    stop_if(auger_run_start(ledger, NULL, &run, &error));
    stop_if(auger_ledger_sync(ledger, -1, &error));
    double begin = nanoseconds();
    for (long i = 0; i < points; i += BATCH) {
        for (int k = 0; k < BATCH; k++) batch[k] = (auger_metric){.key = "loss", .value = (double)i, .step = i + k};
        stop_if(auger_log_metrics(run, batch, BATCH, &error));
    }
    double logged = nanoseconds();
    stop_if(auger_ledger_sync(ledger, -1, &error));
    printf("%-34s 1 thread  %8.0f ns per point, %8.0f points/s delivered\n", what, (logged - begin) / (double)points,
           (double)points / (nanoseconds() - begin) * 1e9);
    auger_run_free(run);
    stop_if(auger_ledger_close(ledger, -1, &error));
}

static _Noreturn void be_server(const char *home, int pipe)
{
    ag_err err = {0};
    ag_server *server = NULL;
    ag_ledger *ledger = NULL;
    signal(SIGPIPE, SIG_IGN);
    ag_ledger_options place = {.home = home, .artifact_root = "mlflow-artifacts:/"};
    ag_server_options options = {.groups = ag_route_groups_all(), .serve_artifacts = true};
    if (ag_ledger_open(&place, &ledger, &err) < 0) _exit(1);
    options.ledger = ledger;
    if (ag_server_start(&options, &server, &err) < 0) _exit(1);
    uint16_t port = ag_server_port(server);
    if (write(pipe, &port, sizeof(port)) != (ssize_t)sizeof(port)) _exit(1);
    for (;;) pause();
}

static pid_t start_server(const char *home, char address[64])
{
    int ends[2];
    uint16_t port = 0;
    if (pipe(ends) != 0) exit(1);
    pid_t child = fork();
    if (child == 0) be_server(home, ends[1]);
    close(ends[1]);
    if (read(ends[0], &port, sizeof(port)) != (ssize_t)sizeof(port)) exit(1);
    close(ends[0]);
    snprintf(address, 64, "http://127.0.0.1:%u", port);
    return child;
}

int main(int argc, char **argv)
{
    long points = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
    char *scratch = NULL, local[512], server_home[512], spool[512], address[64];
    ag_err err = {0};
    if (points < BATCH || ag_dir_temporary("auger-bench-", &scratch, &err) < 0) return 1;
    snprintf(local, sizeof(local), "%s/local", scratch);
    snprintf(server_home, sizeof(server_home), "%s/server", scratch);
    snprintf(spool, sizeof(spool), "%s/spool", scratch);
    pid_t server = start_server(server_home, address);
    printf("%ld points\n", points);
    measure_calls(spool, points, 1);
    measure_calls(spool, points, THREADS);
    measure("log_metric, local", local, spool, points, 1);
    measure("log_metric, local", local, spool, points, THREADS);
    measure_batches("log_metrics of 1000, local", local, spool, points);
    measure("log_metric, server", address, spool, points, 1);
    measure("log_metric, server", address, spool, points, THREADS);
    measure_batches("log_metrics of 1000, server", address, spool, points);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    int rc = ag_dir_remove(scratch, &err);
    ag_free(scratch);
    return rc < 0;
}
