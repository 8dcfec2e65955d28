// SPDX-License-Identifier: Apache-2.0
/* gather.c: columns under way. Of a number an even sample is kept (Vitter's algorithm R, drawn from the column's name,
 * so that the same rows give the same sample); of a text up to a thousand different values are counted. A column of a
 * table is a number when nine of ten filled cells are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/median.h"
#include "core/base/mem.h"
#include "core/io/csv.h"
#include "data/dataset/stats_parts.h"

enum { FIRST_SAMPLE = 256, VALUE_MAX = 200, COLUMNS_MAX = 10000, CANCEL_EVERY = 4096 };

int gathering_init(gathering *g, ag_arena *arena, ag_err *err)
{
    *g = (gathering){.arena = arena, .tables = ag_map_new()};
    ag_vec_init(&g->columns, sizeof(gathered *));
    return g->tables ? AG_OK : ag_fail_memory(err, 4096);
}

void gathering_deinit(gathering *g)
{
    for (size_t i = 0; i < g->columns.count; i++) {
        gathered *column = *(gathered **)ag_vec_at(&g->columns, i);
        ag_map_free(column->values);
        ag_free(column->sample);
    }
    ag_vec_deinit(&g->columns);
    ag_map_free(g->tables);
}

int gathering_column(gathering *g, const char *table, ag_str name, gathered **out, ag_err *err)
{
    if (g->columns.count >= COLUMNS_MAX)
        return ag_fail(err, AG_ELIMIT, "the tables have more than %d columns", COLUMNS_MAX);
    gathered *column = ag_arena_alloc(g->arena, sizeof(*column));
    if (!column) return ag_fail_memory(err, sizeof(*column));
    ag_str part = ag_str_slice(name, 0, ag_utf8_cut(name, VALUE_MAX));
    column->name = ag_arena_strndup(g->arena, part.data, part.size);
    column->table = table;
    column->values = ag_map_new();
    int rc = column->name && column->values ? ag_vec_push(&g->columns, &column, err) : ag_fail_memory(err, 4096);
    if (rc < 0) {
        ag_map_free(column->values);
        return rc;
    }
    column->rng = ag_rng_stream(0, column->name);
    *out = column;
    return AG_OK;
}

int gather_text(gathering *g, gathered *column, ag_str text, ag_err *err)
{
    text = ag_str_slice(text, 0, ag_utf8_cut(text, VALUE_MAX));
    column->texts++;
    uint64_t *count = ag_map_get(column->values, text);
    if (count) {
        ++*count;
        return AG_OK;
    }
    if (ag_map_count(column->values) >= AG_DISTINCT_MOST) {
        column->others++;
        return AG_OK;
    }
    if (!(count = ag_arena_alloc(g->arena, sizeof(*count)))) return ag_fail_memory(err, sizeof(*count));
    *count = 1;
    return ag_map_put(column->values, text, count, NULL, err);
}

static int grow_sample(gathered *column, ag_err *err)
{
    size_t wanted = column->capacity ? 2 * column->capacity : FIRST_SAMPLE;
    double *grown = ag_realloc_array(column->sample, wanted, sizeof(*grown));
    if (!grown) return ag_fail_memory(err, wanted * sizeof(*grown));
    column->sample = grown;
    column->capacity = wanted;
    return AG_OK;
}

int gather_number(gathered *column, double value, ag_err *err)
{
    if (!isfinite(value)) {
        column->missing++;
        return AG_OK;
    }
    if (column->count == 0 || value < column->least) column->least = value;
    if (column->count == 0 || value > column->most) column->most = value;
    column->sum += value;
    column->count++;
    if (column->kept == AG_SAMPLE_MOST) {
        uint64_t place = ag_rng_below(&column->rng, column->count);
        if (place < AG_SAMPLE_MOST) column->sample[place] = value;
        return AG_OK;
    }
    int rc = column->kept == column->capacity ? grow_sample(column, err) : AG_OK;
    if (rc >= 0) column->sample[column->kept++] = value;
    return rc;
}

/* ---- tables ---- */

static int name_columns(gathering *g, const char *path, const ag_csv *csv, size_t *first, size_t *count, ag_err *err)
{
    const ag_str *names;
    ag_buf line;
    gathered *column;
    *count = ag_csv_header(csv, &names);
    ag_buf_init(&line, (size_t)16 << 20);
    for (size_t i = 0; i < *count; i++) {
        ag_buf_add_str(&line, names[i]);
        ag_buf_add_char(&line, '\0');
    }
    int rc = ag_buf_check(&line, "names of columns", err);
    uintptr_t known = rc < 0 ? 0 : (uintptr_t)ag_map_get(g->tables, ag_buf_str(&line));
    *first = known - 1;
    if (rc >= 0 && !known) {
        *first = g->columns.count;
        g->table_kinds++;
        const char *table = ag_arena_strdup(g->arena, path);
        rc = table ? ag_map_put(g->tables, ag_buf_str(&line), (void *)(uintptr_t)(*first + 1), NULL, err)
                   : ag_fail_memory(err, strlen(path));
        for (size_t i = 0; rc >= 0 && i < *count; i++) rc = gathering_column(g, table, names[i], &column, err);
    }
    ag_buf_deinit(&line);
    return rc;
}

static int gather_cell(gathering *g, gathered *column, ag_str cell, ag_err *err)
{
    cell = ag_str_trim(cell);
    if (cell.size == 0) {
        column->missing++;
        return AG_OK;
    }
    double value;
    if (ag_str_to_double(cell, &value) && isfinite(value)) {
        int rc = gather_number(column, value, err);
        if (rc < 0) return rc;
    }
    return gather_text(g, column, cell, err);
}

int gather_table(gathering *g, const char *path, ag_reader *source, ag_cancel *cancel, ag_err *err)
{
    const ag_csv_options options = {.header = true, .name = path};
    const ag_str *cells;
    ag_csv *csv = NULL;
    size_t first, columns, count, row = 0;
    int rc = ag_csv_open(source, &options, &csv, err);
    if (rc >= 0) rc = name_columns(g, path, csv, &first, &columns, err);
    while (rc >= 0 && (rc = ag_csv_next(csv, &cells, &count, err)) > 0) {
        if (row++ % CANCEL_EVERY == 0) rc = ag_cancel_check(cancel, err);
        for (size_t i = 0; rc >= 0 && i < count && i < columns; i++)
            rc = gather_cell(g, *(gathered **)ag_vec_at(&g->columns, first + i), cells[i], err);
    }
    ag_csv_free(csv);
    return rc;
}

/* ---- the end ---- */

static int compare_tallies(const void *a, const void *b)
{
    const ag_tally *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return strcmp(x->value, y->value);
}

static bool is_number(const gathered *column)
{
    if (column->number_only) return true;
    return !column->text_only && column->count > 0 && column->count * 10 >= column->texts * 9;
}

static const char *full_name(const gathering *g, const gathered *column)
{
    if (!column->table || g->table_kinds < 2) return column->name;
    return ag_arena_printf(g->arena, "%s: %s", column->table, column->name);
}

static int finish_number(const gathering *g, const gathered *column, ag_spread *out, ag_err *err)
{
    double *sample = ag_arena_array(g->arena, column->kept + 1, sizeof(*sample));
    if (!sample) return ag_fail_memory(err, column->kept * sizeof(*sample));
    if (column->kept) memcpy(sample, column->sample, column->kept * sizeof(*sample));
    qsort(sample, column->kept, sizeof(*sample), ag_by_size);
    *out = (ag_spread){.name = full_name(g, column),
                       .count = column->count,
                       .missing = column->missing,
                       .mean = column->count ? column->sum / (double)column->count : NAN,
                       .least = column->count ? column->least : NAN,
                       .most = column->count ? column->most : NAN,
                       .sample = sample,
                       .sample_count = column->kept};
    return out->name ? AG_OK : ag_fail_memory(err, 4096);
}

static int finish_text(const gathering *g, const gathered *column, ag_tallies *out, ag_err *err)
{
    size_t count = ag_map_count(column->values), at = 0, used = 0;
    ag_tally *items = ag_arena_array(g->arena, count + 1, sizeof(*items));
    ag_str key;
    void *value;
    if (!items) return ag_fail_memory(err, count * sizeof(*items));
    while (ag_map_next(column->values, &at, &key, &value)) {
        items[used].value = ag_arena_strndup(g->arena, key.data, key.size);
        items[used].count = *(const uint64_t *)value;
        if (!items[used++].value) return ag_fail_memory(err, key.size);
    }
    if (used) qsort(items, used, sizeof(*items), compare_tallies);
    *out = (ag_tallies){.name = full_name(g, column), .items = items, .count = used, .others = column->others};
    return out->name ? AG_OK : ag_fail_memory(err, 4096);
}

int gathering_finish(gathering *g, ag_dataset_stats *out, ag_err *err)
{
    size_t count = g->columns.count;
    ag_spread *spreads = ag_arena_array(g->arena, count + 1, sizeof(*spreads));
    ag_tallies *tallies = ag_arena_array(g->arena, count + 1, sizeof(*tallies));
    if (!spreads || !tallies) return ag_fail_memory(err, count * sizeof(*tallies));
    for (size_t i = 0; i < count; i++) {
        const gathered *column = *(gathered **)ag_vec_at(&g->columns, i);
        if (column->count == 0 && column->texts == 0) continue;
        int rc = is_number(column) ? finish_number(g, column, &spreads[out->spread_count++], err)
                                   : finish_text(g, column, &tallies[out->tally_count++], err);
        if (rc < 0) return rc;
    }
    out->spreads = spreads;
    out->tallies = tallies;
    return AG_OK;
}
