// SPDX-License-Identifier: Apache-2.0
/* logging.c: logs something of everything through the C API: what test_mlflow3_logging.py runs beside MLflow's server.
 * Usage: peer-logging ADDRESS SPOOL STEPS WAIT_MS. Prints "run ID", "version N" and, at the end, "delivered" or what is
 * left. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auger/ledger.h"

static auger_error error;

static void stop_if(int rc, const char *what)
{
    if (rc >= 0) return;
    fprintf(stderr, "peer-logging: %s: %s\n", what, error.text);
    exit(1);
}

static void log_all(auger_ledger *ledger, auger_ledger_run *run, long steps, int64_t wait)
{
    int64_t version = 0;
    auger_ledger_run *child = NULL;
    auger_pair params[] = {{"a", "1"}, {"b", "two"}};
    auger_metric odd[] = {{"odd", NAN, 0, 1000}, {"odd", INFINITY, 1, 2000}};
    auger_dataset set = {.name = "holes", .digest = "abc", .context = "training"};
    stop_if(auger_log_params(run, params, 2, &error), "params");
    stop_if(auger_log_param(run, "a", "other", &error), "a parameter again"); /* the server refuses it */
    stop_if(auger_set_tag(run, "colour", "blue", &error), "tag");
    for (long step = 0; step < steps; step++)
        stop_if(auger_log_metric(run, "loss", 1.0 / (double)(step + 1), step, &error), "metric");
    stop_if(auger_log_metrics(run, odd, 2, &error), "metrics");
    stop_if(auger_log_bytes(run, "weights", 7, "model/the weights.bin", &error), "bytes");
    stop_if(auger_log_input(run, &set, &error), "input");
    auger_run_options nested = {.name = "inner", .parent = run};
    stop_if(auger_run_start(ledger, &nested, &child, &error), "child");
    stop_if(auger_log_metric(child, "loss", 0, 0, &error), "metric of the child");
    stop_if(auger_run_finish(child, AUGER_RUN_FAILED, &error), "finish of the child");
    auger_run_free(child);
    stop_if(auger_register_model(run, "drill", "model", wait, &version, &error), "version");
    stop_if(auger_run_finish(run, AUGER_RUN_FINISHED, &error), "finish");
    printf("version %lld\n", (long long)version);
}

int main(int argc, char **argv)
{
    auger_ledger *ledger = NULL;
    auger_ledger_run *run = NULL;
    if (argc != 5) return 2;
    int64_t wait = strtoll(argv[4], NULL, 10);
    auger_ledger_options options = {.spool = argv[2], .experiment = "from C", .flush_ms = 20};
    stop_if(auger_ledger_open(argv[1], &options, &ledger, &error), "open");
    long steps = strtol(argv[3], NULL, 10);
    if (steps) {
        auger_run_options named = {.name = "outer"};
        stop_if(auger_run_start(ledger, &named, &run, &error), "start");
        printf("run %s\n", auger_run_id(run));
        log_all(ledger, run, steps, wait);
        auger_run_free(run);
    }
    if (auger_ledger_close(ledger, wait, &error) < 0)
        printf("left: %s\n", error.text);
    else
        printf("delivered\n");
    return 0;
}
