// SPDX-License-Identifier: Apache-2.0
/* legacy_table.c: what the old model saw. The samples of step 2 are taken by threes; row k holds the 15 samples around
 * 3 (k - 2) + 1 as columns torque1 to torque15 (phase c and delay q give column 3 q + c), so torque8 is the middle one
 * and its position is the row's. Columns are standardised over this hole and the reference table together. 400 rows
 * before and behind are padding: torque -1, the rest as in row 0, whose position is 0. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/csv.h"
#include "learn/drilling/legacy.h"

enum { PHASES = 3, DELAYS = 5, MIDDLE = 7, BEFORE_PEAK = 330 };
static const float padding = -1.0F, silent = -1.0F;

/* ---- the reference ---- */

static void note(ag_legacy_rows *rows, int column, double value) /* Welford's sums; rows->rows counts it already */
{
    double away = value - rows->mean[column];
    rows->mean[column] += away / (double)rows->rows;
    rows->square[column] += away * (value - rows->mean[column]);
}

ag_legacy_reference ag_legacy_rows_reference(const ag_legacy_rows *rows)
{
    ag_legacy_reference r = {.rows = rows->rows};
    for (int c = 0; c < AG_LEGACY_TORQUES && r.rows > 0; c++) {
        r.mean[c] = rows->mean[c];
        r.deviation[c] = sqrt(rows->square[c] / (double)rows->rows);
    }
    return r;
}

int ag_legacy_reference_read(const char *path, ag_legacy_reference *out, ag_err *err)
{
    ag_legacy_rows rows = {0};
    double value;
    size_t columns[AG_LEGACY_TORQUES], count;
    const ag_str *cells;
    ag_csv *csv = NULL;
    int more = 0;
    ag_csv_options options = {.header = true, .name = path};
    int rc = ag_csv_open_file(path, &options, &csv, err);
    for (int c = 0; rc == AG_OK && c < AG_LEGACY_TORQUES; c++) {
        char name[16];
        ag_format(name, sizeof name, "torque%d", c + 1);
        columns[c] = ag_csv_column(csv, name);
        if (columns[c] == SIZE_MAX) rc = ag_fail_at(err, AG_EPARSE, path, 1, 0, "there is no column '%s'", name);
    }
    while (rc == AG_OK && (more = ag_csv_next(csv, &cells, &count, err)) > 0) {
        rows.rows++;
        for (int c = 0; rc == AG_OK && c < AG_LEGACY_TORQUES; c++) {
            if ((rc = ag_csv_double(csv, columns[c], &value, err)) < 0) break;
            if (!isfinite(value)) rc = ag_fail_at(err, AG_EPARSE, path, 0, 0, "torque%d is not finite", c + 1);
            note(&rows, c, value);
        }
    }
    ag_csv_free(csv);
    if (rc == AG_OK) rc = more;
    if (rc == AG_OK && rows.rows == 0) rc = ag_fail_at(err, AG_EPARSE, path, 0, 0, "the table has no rows");
    if (rc < 0) return rc;
    *out = ag_legacy_rows_reference(&rows);
    return AG_OK;
}

/* ---- columns ---- */

typedef struct step_two { /* the samples of step 2 */
    size_t count;
    float *torque, *x;
} step_two;

static int take_step(const ag_legacy_trace *trace, ag_arena *arena, step_two *out, ag_err *err)
{
    *out = (step_two){.torque = ag_arena_array(arena, trace->rows + 1, sizeof(float)),
                      .x = ag_arena_array(arena, trace->rows + 1, sizeof(float))};
    if (!out->torque || !out->x) return ag_fail_memory(err, trace->rows * sizeof(float));
    for (size_t i = 0; i < trace->rows; i++) {
        if (trace->step[i] != 2) continue;
        out->torque[out->count] = trace->torque[i];
        out->x[out->count++] = trace->x[i];
    }
    return out->count >= PHASES ? AG_OK : ag_fail(err, AG_ENOTFOUND, "step 2 has %zu samples", out->count);
}

static double raw_torque(const step_two *s, size_t k, size_t column)
{
    size_t delay = column / PHASES, phase = column % PHASES;
    return k >= delay ? (double)s->torque[phase + PHASES * (k - delay)] : 0.0;
}

int ag_legacy_rows_add(ag_legacy_rows *rows, const ag_legacy_trace *trace, ag_arena *scratch, ag_err *err)
{
    step_two s;
    int rc = take_step(trace, scratch, &s, err);
    for (size_t k = 0; rc == AG_OK && k < s.count / PHASES; k++) {
        rows->rows++;
        for (int c = 0; c < AG_LEGACY_TORQUES; c++) note(rows, c, raw_torque(&s, k, (size_t)c));
    }
    return rc;
}

/* Mean and deviation of the hole's rows and the reference's together. */
static void scale_of(const step_two *s, size_t rows, size_t column, const ag_legacy_reference *r, double *mean,
                     double *deviation)
{
    double n = (double)rows, m = (double)r->rows, sum = 0, square = 0;
    for (size_t k = 0; k < rows; k++) sum += raw_torque(s, k, column);
    *mean = (sum + m * r->mean[column]) / (n + m);
    for (size_t k = 0; k < rows; k++) {
        double away = raw_torque(s, k, column) - *mean;
        square += away * away;
    }
    double away = r->mean[column] - *mean;
    square += m * (r->deviation[column] * r->deviation[column] + away * away);
    *deviation = sqrt(square / (n + m));
    if (!(*deviation > 0)) *deviation = 1.0; /* as its scaler did */
}

static void fill_torque(const step_two *s, const ag_legacy_settings *settings, ag_legacy_table *t)
{
    for (size_t c = 0; c < AG_LEGACY_TORQUES; c++) {
        double mean, deviation;
        scale_of(s, t->samples, c, &settings->reference, &mean, &deviation);
        for (size_t row = 0; row < t->rows; row++) {
            bool inside = row >= AG_LEGACY_PAD && row < AG_LEGACY_PAD + t->samples;
            t->values[row * AG_LEGACY_CHANNELS + c] =
                inside ? (float)((raw_torque(s, row - AG_LEGACY_PAD, c) - mean) / deviation) : padding;
        }
    }
}

int ag_legacy_table_of(const ag_legacy_trace *trace, const ag_legacy_settings *settings, ag_arena *arena,
                       ag_legacy_table *out, ag_err *err)
{
    step_two s;
    int rc = take_step(trace, arena, &s, err);
    if (rc < 0) return rc;
    ag_legacy_table t = {.samples = s.count / PHASES, .columns = AG_LEGACY_CHANNELS};
    t.rows = t.samples + 2 * (size_t)AG_LEGACY_PAD;
    t.values = ag_arena_array(arena, t.rows * AG_LEGACY_CHANNELS, sizeof(float));
    t.x = ag_arena_array(arena, t.rows, sizeof(float));
    if (!t.values || !t.x) return ag_fail_memory(err, t.rows * AG_LEGACY_CHANNELS * sizeof(float));
    fill_torque(&s, settings, &t);
    for (size_t row = 0; row < t.rows; row++) {
        t.values[row * AG_LEGACY_CHANNELS + 15] = (float)(0.034 * settings->local - 1.7);
        t.values[row * AG_LEGACY_CHANNELS + 16] = settings->predrilled ? 0.69F : -1.45F;
    }
    for (size_t k = 2; k < t.samples; k++) t.x[AG_LEGACY_PAD + k] = s.x[1 + PHASES * (k - 2)];
    for (size_t row = 1; row < t.rows; row++)
        if (t.values[row * AG_LEGACY_CHANNELS + MIDDLE] > t.values[t.peak * AG_LEGACY_CHANNELS + MIDDLE]) t.peak = row;
    if (t.peak < AG_LEGACY_PAD || t.peak >= AG_LEGACY_PAD + t.samples)
        return ag_fail(err, AG_ENOTFOUND, "the torque of step 2 lies below its padding");
    *out = t;
    return AG_OK;
}

/* ---- windows ---- */

size_t ag_legacy_window(const ag_legacy_table *table, size_t number)
{
    return table->peak - BEFORE_PEAK + number * AG_LEGACY_STRIDE;
}

double ag_legacy_peak(const ag_legacy_table *table, size_t number, const float *heat, size_t channels)
{
    size_t best = 0;
    double most = -INFINITY;
    for (size_t row = 0; row < AG_LEGACY_WINDOW; row++) {
        double sum = 0;
        for (size_t c = 0; c < AG_LEGACY_TORQUES; c++) {
            float value = heat[row * channels + c];
            if (!(value < silent)) sum += (double)value;
        }
        if (!(sum > most)) continue;
        most = sum;
        best = row;
    }
    return (double)table->x[ag_legacy_window(table, number) + best];
}
