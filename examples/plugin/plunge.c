// SPDX-License-Identifier: Apache-2.0
/* plunge.c: a strategy as a shared object that answers for holes: the tool enters where the thrust first passes a share
 * of its maximum, and leaves where it has gone the thickness that was learned from the labels of holes.csv.
 *
 *     cc -shared -fPIC -O2 plunge.c -o libplunge.so $(pkg-config --cflags auger)
 *     auger prepare --input-dir FILES --output-dir prepared --auto-label
 *     auger train --config plunge.yaml --strategy ./libplunge.so --data-dir prepared --output-dir out
 *     auger predict --model out --strategy ./libplunge.so FILES
 *     auger evaluate --model-dir out --strategy ./libplunge.so --test-data prepared --truth FILES/truth.csv
 *
 * mean.c shows the rest: epochs, checkpoints, stopping. */
#define AUGER_PLUGIN_BUILD
#include <auger/plugin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 1 << 16 };

typedef struct plunge { /* the model */
    double share, thickness, spread;
} plunge;

/* ---- training ---- */

static int column_of(const char *header, const char *name)
{
    int index = 0;
    for (const char *at = header; at; index++) {
        size_t size = strcspn(at, ",\r\n");
        if (strlen(name) == size && strncmp(at, name, size) == 0) return index;
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    return -1;
}

static double number_at(const char *line, int index)
{
    char *end;
    for (; index > 0 && line; index--) {
        line = strchr(line, ',');
        if (line) line++;
    }
    double value = line ? strtod(line, &end) : NAN;
    return line && end != line ? value : NAN;
}

static int prepare(auger_job *job, const auger_host *host, void **state)
{
    static char line[MAX_LINE];
    char path[4096];
    double sum = 0.0, squares = 0.0;
    int count = 0;
    snprintf(path, sizeof path, "%s/holes.csv", host->data_dir(job));
    FILE *file = fopen(path, "r");
    if (!file) return host->fail(job, AUGER_ENOTFOUND, "there is no holes.csv", "auger prepare makes one");
    int entry = -1, leaving = -1;
    if (fgets(line, sizeof line, file)) {
        entry = column_of(line, "entry_mm");
        leaving = column_of(line, "exit_mm");
    }
    while (entry >= 0 && leaving >= 0 && fgets(line, sizeof line, file)) {
        double thickness = number_at(line, leaving) - number_at(line, entry);
        if (isnan(thickness)) continue;
        sum += thickness;
        squares += thickness * thickness;
        count++;
    }
    fclose(file);
    if (!count) return host->fail(job, AUGER_EINVAL, "no hole has an entry and an exit", "auger prepare --auto-label");
    plunge *p = calloc(1, sizeof *p);
    if (!p) return host->fail(job, AUGER_ENOMEM, "out of memory", NULL);
    p->share = host->number(job, "share");
    p->thickness = sum / count;
    p->spread = sqrt(fmax(squares / count - p->thickness * p->thickness, 0.0));
    *state = p;
    return 0;
}

static int train(auger_job *job, const auger_host *host, void *state)
{
    const plunge *p = state;
    return host->metric(job, "thickness_mm", p->thickness, 0);
}

static int export_model(auger_job *job, const auger_host *host, void *state, const char *directory)
{
    const plunge *p = state;
    char path[4096];
    snprintf(path, sizeof path, "%s/plunge.txt", directory);
    FILE *file = fopen(path, "w");
    int wrote = file ? fprintf(file, "%.17g %.17g %.17g\n", p->share, p->thickness, p->spread) : -1;
    if (file && fclose(file) != 0) wrote = -1;
    return wrote > 0 ? 0 : host->fail(job, AUGER_EIO, "the model cannot be written", NULL);
}

/* ---- answering ---- */

static int load(auger_job *job, const auger_host *host, void **model)
{
    char path[4096];
    plunge *p = calloc(1, sizeof *p);
    *model = p; /* from here on unload() frees it */
    snprintf(path, sizeof path, "%s/plunge.txt", host->model_dir(job));
    FILE *file = p ? fopen(path, "r") : NULL;
    int got = file ? fscanf(file, "%lf %lf %lf", &p->share, &p->thickness, &p->spread) : 0;
    if (file) fclose(file);
    return got == 3 ? 0 : host->fail(job, AUGER_ECORRUPT, "plunge.txt is no model of this plug-in", NULL);
}

static int predict(auger_job *job, const auger_host *host, void *model, const auger_plugin_hole *hole,
                   auger_plugin_answer *answer)
{
    const plunge *p = model;
    double most = 0.0;
    size_t at = 0;
    (void)job;
    (void)host;
    for (size_t i = 0; hole->thrust && i < hole->count; i++)
        if (hole->thrust[i] > most) most = hole->thrust[i]; /* NaN is not */
    while (most > 0.0 && at < hole->count && !(hole->thrust[at] > p->share * most)) at++;
    if (!hole->depth || most <= 0.0 || isnan(hole->depth[at])) {
        snprintf(answer->reason, sizeof answer->reason, "it has no depth or no thrust");
        return 0; /* AUGER_HOLE_UNKNOWN, as it came */
    }
    double entry = hole->depth[at], leaving = entry + p->thickness, wide = 1.65 * p->spread;
    answer->outcome = AUGER_HOLE_FOUND;
    answer->entry = (auger_plugin_point){entry, entry - 1.0, entry + 1.0, 0.5};
    answer->exit = (auger_plugin_point){leaving, leaving - 1.0 - wide, leaving + 1.0 + wide, 0.3};
    return 0;
}

static const auger_key keys[] = {
    {"share", AUGER_KEY_REAL, "0.3", 0, 0.01, 0.99, "Of the largest thrust: the tool has entered."},
};

static const auger_plugin plugin = {.size = sizeof plugin,
                                    .abi = AUGER_PLUGIN_ABI,
                                    .key_size = sizeof *keys,
                                    .name = "plunge",
                                    .version = "1.0",
                                    .doc = "entry by thrust, exit by the mean thickness",
                                    .keys = keys,
                                    .key_count = sizeof keys / sizeof *keys,
                                    .prepare = prepare,
                                    .train = train,
                                    .export_model = export_model,
                                    .close = free,
                                    .load = load,
                                    .predict = predict,
                                    .unload = free};

const auger_plugin *auger_plugin_entry(void)
{
    return &plugin;
}
