// SPDX-License-Identifier: Apache-2.0
/* log_training.c: a training that records itself in a ledger: on this machine, on `auger serve`, or on any MLflow
 * server.
 *
 *     cc log_training.c -o log_training $(pkg-config --cflags --libs auger) -lm
 *     ./log_training http://127.0.0.1:5000      or     ./log_training DIRECTORY
 *
 * With CMake:
 *
 *     find_package(PkgConfig REQUIRED)
 *     pkg_check_modules(AUGER REQUIRED IMPORTED_TARGET auger)
 *     target_link_libraries(log_training PRIVATE PkgConfig::AUGER m)
 *
 * Fits a line to noisy points by gradient descent, once per learning rate: a parent run with three children, each with
 * its parameters, a curve of its loss, its result as a file, and the best one registered as a version of a model. The
 * training goes on, and nothing is lost, while the server is away. A token is taken from $AUGER_TOKEN. */
#include <auger/ledger.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 200, STEPS = 300 };

typedef struct line {
    double slope, offset;
} line;

static int complain(const auger_error *error)
{
    fprintf(stderr, "%s\n%s%s", error->text, error->hint, *error->hint ? "\n" : "");
    return -1;
}

/* One step of descent; the mean squared error before it. */
static double descend(line *fit, const double *x, const double *y, double rate)
{
    double loss = 0, slope = 0, offset = 0;
    for (int i = 0; i < POINTS; i++) {
        double miss = fit->slope * x[i] + fit->offset - y[i];
        loss += miss * miss / POINTS;
        slope += 2 * miss * x[i] / POINTS;
        offset += 2 * miss / POINTS;
    }
    fit->slope -= rate * slope;
    fit->offset -= rate * offset;
    return loss;
}

/* What is logged on the way is not looked at one by one: a call that fails (a full spool) need not end a training. */
static double train(auger_ledger_run *run, const double *x, const double *y, double rate)
{
    char text[64];
    auger_error error;
    line fit = {0, 0};
    double loss = 0;
    snprintf(text, sizeof(text), "%g", rate);
    if (auger_log_param(run, "learning_rate", text, &error) < 0) complain(&error);
    for (int step = 0; step < STEPS; step++) {
        loss = descend(&fit, x, y, rate);
        if (auger_log_metric(run, "loss", loss, step, &error) < 0) complain(&error);
    }
    snprintf(text, sizeof(text), "{\"slope\": %.6f, \"offset\": %.6f}\n", fit.slope, fit.offset);
    if (auger_log_bytes(run, text, strlen(text), "model/line.json", &error) < 0) complain(&error);
    if (auger_run_finish(run, isfinite(loss) ? AUGER_RUN_FINISHED : AUGER_RUN_FAILED, &error) < 0) complain(&error);
    return isfinite(loss) ? loss : HUGE_VAL;
}

static void make_points(double *x, double *y)
{
    unsigned state = 1; /* the same points every time */
    for (int i = 0; i < POINTS; i++) {
        state = state * 1103515245u + 12345u;
        x[i] = (double)i / POINTS;
        y[i] = 2 * x[i] + 1 + ((double)(state >> 16 & 0x7fff) / 32768 - 0.5) * 0.2;
    }
}

/* A child run per rate; the best is registered. */
static int search(auger_ledger *ledger, auger_ledger_run *parent, const double *x, const double *y)
{
    /* The last is too large: its loss grows to infinity, which a ledger keeps too. */
    static const double rates[] = {0.03, 0.3, 3.0};
    auger_ledger_run *best = NULL;
    auger_error error;
    double least = HUGE_VAL;
    int64_t version;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "rate %g", rates[i]);
        auger_run_options options = {.name = name, .parent = parent};
        auger_ledger_run *run = NULL;
        if (auger_run_start(ledger, &options, &run, &error) < 0) {
            auger_run_free(best);
            return complain(&error);
        }
        double loss = train(run, x, y, rates[i]);
        auger_ledger_run *worse = loss < least ? best : run;
        if (loss < least) {
            least = loss;
            best = run;
        }
        auger_run_free(worse);
    }
    int rc = auger_log_metric(parent, "best loss", least, 0, &error);
    if (rc >= 0 && best) rc = auger_register_model(best, "a line", "model", 60000, &version, &error);
    if (rc >= 0 && best && version) printf("registered version %lld of 'a line'\n", (long long)version);
    if (rc >= 0 && best && !version) printf("the registration waits for the ledger to come back\n");
    auger_run_free(best);
    return rc < 0 ? complain(&error) : 0;
}

int main(int argc, char **argv)
{
    double x[POINTS], y[POINTS];
    auger_error error;
    auger_ledger *ledger = NULL;
    auger_ledger_run *parent = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: log_training ADDRESS|DIRECTORY\n");
        return 2;
    }
    make_points(x, y);
    auger_ledger_options options = {.experiment = "a line through points", .token = getenv("AUGER_TOKEN")};
    if (auger_ledger_open(argv[1], &options, &ledger, &error) < 0) return -complain(&error);
    auger_run_options named = {.name = "three learning rates"};
    int rc = auger_run_start(ledger, &named, &parent, &error);
    if (rc < 0) {
        complain(&error);
    } else {
        auger_dataset points = {.name = "noisy points", .digest = "seed-1", .context = "training"};
        if (auger_log_input(parent, &points, &error) < 0) complain(&error);
        rc = search(ledger, parent, x, y);
        if (auger_run_finish(parent, rc < 0 ? AUGER_RUN_FAILED : AUGER_RUN_FINISHED, &error) < 0) complain(&error);
        printf("run %s\n", auger_run_id(parent));
        auger_run_free(parent);
    }
    /* What cannot be delivered in a minute stays in the spool, and the next program that opens the ledger brings it.
     */
    if (auger_ledger_close(ledger, 60000, &error) < 0) rc = complain(&error);
    return rc < 0 ? 1 : 0;
}
