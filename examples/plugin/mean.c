// SPDX-License-Identifier: Apache-2.0
/* mean.c: a strategy as a shared object: the model is the mean of one column of holes.csv, found by gradient descent.
 *
 *     cc -shared -fPIC -O2 mean.c -o libmean.so $(pkg-config --cflags auger)
 *     auger prepare --input-dir FILES --output-dir prepared --auto-label
 *     auger train --config mean.yaml --strategy ./libmean.so --data-dir prepared --output-dir out
 *     auger evaluate --model-dir out/model --strategy ./libmean.so --test-data prepared
 *
 * It shows every function of a plug-in: keys, refusing what is wrong, epochs and metrics, stopping and going on. */
#define AUGER_PLUGIN_BUILD
#include <auger/plugin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 1 << 20, MAX_LINE = 1 << 16 };

typedef struct mean {
    double *rows;
    size_t count;
    double value;   /* the model */
    int64_t epochs; /* behind it */
    char checkpoint[4096];
} mean;

/* The number in column `index` of a line without quotes. */
static int number_at(const char *line, int index, double *out)
{
    char *end;
    for (; index > 0; index--) {
        line = strchr(line, ',');
        if (!line) return 0;
        line++;
    }
    *out = strtod(line, &end);
    return end != line;
}

static int column_of(char *header, const char *name)
{
    int index = 0;
    header[strcspn(header, "\r\n")] = '\0';
    for (char *at = header; at; index++) {
        size_t size = strcspn(at, ",");
        if (strlen(name) == size && strncmp(at, name, size) == 0) return index;
        at = at[size] ? at + size + 1 : NULL;
    }
    return -1;
}

static int read_rows(auger_job *job, const auger_host *host, const char *name, double **rows, size_t *count)
{
    static char line[MAX_LINE];
    char path[4096], text[512];
    snprintf(path, sizeof path, "%s/holes.csv", host->data_dir(job));
    FILE *file = fopen(path, "r");
    if (!file) return host->fail(job, AUGER_ENOTFOUND, "there is no holes.csv", "auger prepare makes one");
    int index = fgets(line, sizeof line, file) ? column_of(line, name) : -1;
    *rows = index < 0 ? NULL : malloc(MAX_ROWS * sizeof **rows);
    *count = 0;
    while (*rows && *count < MAX_ROWS && fgets(line, sizeof line, file))
        if (number_at(line, index, &(*rows)[*count])) ++*count;
    fclose(file);
    if (*rows && *count) return 0;
    snprintf(text, sizeof text, "holes.csv has no numbers in a column '%s'", name);
    return host->fail(job, AUGER_EINVAL, text, "name another one: data_config.column");
}

static int prepare(auger_job *job, const auger_host *host, void **state)
{
    mean *m = calloc(1, sizeof *m);
    if (!m) return host->fail(job, AUGER_ENOMEM, "out of memory", NULL);
    *state = m; /* from here on close() frees it */
    return read_rows(job, host, host->text(job, "column"), &m->rows, &m->count);
}

/* What an earlier process had reached. */
static void go_on(auger_job *job, const auger_host *host, mean *m)
{
    char text[128];
    long long epochs;
    FILE *file = host->resume(job) ? fopen(m->checkpoint, "r") : NULL;
    if (!file) return;
    if (fgets(text, sizeof text, file) && sscanf(text, "%lld %la", &epochs, &m->value) == 2) m->epochs = epochs;
    fclose(file);
    snprintf(text, sizeof text, "goes on behind epoch %lld", (long long)m->epochs);
    host->remark(job, text);
}

static void keep(const mean *m)
{
    FILE *file = *m->checkpoint ? fopen(m->checkpoint, "w") : NULL;
    if (!file) return;
    fprintf(file, "%lld %la\n", (long long)m->epochs, m->value);
    fclose(file);
}

static int train(auger_job *job, const auger_host *host, void *state)
{
    mean *m = state;
    double rate = host->number(job, "rate");
    const char *directory = host->checkpoint_dir(job);
    if (directory) snprintf(m->checkpoint, sizeof m->checkpoint, "%s/mean.txt", directory);
    go_on(job, host, m);
    while (m->epochs < host->epochs(job)) {
        double slope = 0.0, loss = 0.0;
        if (host->cancelled(job)) return AUGER_ECANCELLED;
        for (size_t i = 0; i < m->count; i++) {
            double off = m->value - m->rows[i];
            slope += 2.0 * off / (double)m->count;
            loss += off * off / (double)m->count;
        }
        m->value -= rate * slope;
        m->epochs++;
        auger_epoch epoch = {sizeof epoch, m->epochs, m->epochs, loss, NAN, rate, fabs(slope)};
        int rc = host->epoch(job, &epoch);
        if (rc < 0) return rc;
        host->progress(job, (double)m->epochs / (double)host->epochs(job));
        keep(m);
    }
    return 0;
}

static int tell_error(auger_job *job, const auger_host *host, double value, const double *rows, size_t count)
{
    double off = 0.0;
    for (size_t i = 0; i < count; i++) off += fabs(value - rows[i]) / (double)count;
    return host->metric(job, "mae", off, 0);
}

static int validate(auger_job *job, const auger_host *host, void *state)
{
    const mean *m = state;
    return tell_error(job, host, m->value, m->rows, m->count);
}

static int export_model(auger_job *job, const auger_host *host, void *state, const char *directory)
{
    const mean *m = state;
    char path[4096];
    snprintf(path, sizeof path, "%s/mean.txt", directory);
    FILE *file = fopen(path, "w");
    int wrote = file ? fprintf(file, "%s %.17g\n", host->text(job, "column"), m->value) : -1;
    if (file && fclose(file) != 0) wrote = -1;
    return wrote > 0 ? 0 : host->fail(job, AUGER_EIO, "the model cannot be written", NULL);
}

static void close_all(void *state)
{
    mean *m = state;
    if (m) free(m->rows);
    free(m);
}

static int evaluate(auger_job *job, const auger_host *host)
{
    char path[4096], column[256];
    double value = 0.0, *rows = NULL;
    size_t count = 0;
    snprintf(path, sizeof path, "%s/mean.txt", host->model_dir(job));
    FILE *file = fopen(path, "r");
    int got = file ? fscanf(file, "%255s %lf", column, &value) : 0;
    if (file) fclose(file);
    if (got != 2) return host->fail(job, AUGER_ECORRUPT, "mean.txt is no model of this plug-in", NULL);
    int rc = read_rows(job, host, column, &rows, &count);
    if (rc >= 0) rc = tell_error(job, host, value, rows, count);
    free(rows);
    return rc;
}

static const auger_key keys[] = {
    {"column", AUGER_KEY_TEXT, "exit_mm", 0, 0, 0, "Whose mean is learned."},
    {"rate", AUGER_KEY_REAL, "0.1", 0, 1e-6, 1, "Of the descent."},
};

static const auger_plugin plugin = {.size = sizeof plugin,
                                    .abi = AUGER_PLUGIN_ABI,
                                    .key_size = sizeof *keys,
                                    .name = "mean",
                                    .version = "1.0",
                                    .doc = "the mean of a column",
                                    .keys = keys,
                                    .key_count = sizeof keys / sizeof *keys,
                                    .prepare = prepare,
                                    .train = train,
                                    .validate = validate,
                                    .export_model = export_model,
                                    .close = close_all,
                                    .evaluate = evaluate};

const auger_plugin *auger_plugin_entry(void)
{
    return &plugin;
}
