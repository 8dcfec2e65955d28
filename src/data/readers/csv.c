// SPDX-License-Identifier: Apache-2.0
/* csv.c: a hole from any table of text: a line of names, then samples. Which column is what is told by the options,
 * else by the names (canonical ones, or any spelling of a drilling file). A table has no header and no program; a
 * missing column of steps means one step. Numbers become thousandths by their digits, so that three decimals stay
 * exact; more are rounded. */
#include "core/io/csv.h"

#include <math.h>
#include <string.h>

#include "data/reader.h"

enum { TRUSTED = 7, GROWTH = 4096 };

typedef struct column {
    size_t cell;
    ag_channel_id id;
    double scale;
    int32_t *values;
} column;

typedef struct table {
    ag_hole_source *source;
    ag_hole *hole;
    ag_csv *csv;
    column *columns;
    size_t count;    /* of columns that are kept */
    size_t fields;   /* cells of the first row that are filled */
    size_t capacity; /* rows */
    bool rounded;
} table;

static ag_channel_id find_channel(ag_str name)
{
    name = ag_str_trim(name);
    for (int id = 0; id < AG_CHANNEL_COUNT; id++)
        if (ag_str_equal_nocase(name, ag_str_of(ag_channel_names[id].id)) || ag_name_is(&ag_channel_names[id], name))
            return (ag_channel_id)id;
    return AG_CHANNEL_OTHER;
}

static bool is_used(const table *t, ag_channel_id id)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->columns[i].id == id) return true;
    return false;
}

static void add_column(table *t, size_t cell, ag_channel_id id, double scale)
{
    if (id == AG_CHANNEL_OTHER || is_used(t, id)) return;
    t->columns[t->count++] = (column){.cell = cell, .id = id, .scale = scale};
}

/* "#3" is the third column. */
static size_t find_column(const ag_str *names, size_t count, ag_str wanted)
{
    uint64_t number;
    if (ag_str_starts(wanted, AG_STR("#")) && ag_str_to_uint(ag_str_slice(wanted, 1, wanted.size), &number))
        return number >= 1 && number <= count ? (size_t)number - 1 : SIZE_MAX;
    for (size_t i = 0; i < count; i++)
        if (ag_str_equal(ag_str_trim(names[i]), ag_str_trim(wanted))) return i;
    return SIZE_MAX;
}

static int bind_by_map(table *t, const ag_str *names, size_t count, const ag_list *map, ag_err *err)
{
    const ag_column_map *rows = map->items;
    for (size_t i = 0; i < map->count; i++) {
        size_t cell = find_column(names, count, ag_str_of(rows[i].column));
        ag_channel_id id = find_channel(ag_str_of(rows[i].channel));
        if (id == AG_CHANNEL_OTHER)
            return ag_fail(err, AG_EINVAL, "the column map names channel '%s', which there is not", rows[i].channel);
        if (cell == SIZE_MAX)
            return ag_fail_at(err, AG_EPARSE, t->source->name, 1, 0, "there is no column '%s' for %s", rows[i].column,
                              rows[i].channel);
        add_column(t, cell, id, rows[i].scale);
    }
    return AG_OK;
}

/* More names than cells: those behind the first ones cannot be trusted. */
static int bind_by_names(table *t, const ag_str *names, size_t count, ag_err *err)
{
    size_t trusted = count == t->fields ? count : TRUSTED;
    for (size_t i = 0; i < count && i < trusted; i++) add_column(t, i, find_channel(names[i]), 1);
    if (count == t->fields) return AG_OK;
    ag_flaw flaw = {.rule = "F5", .line = 1, .row = SIZE_MAX};
    return ag_flaw_add(&t->hole->flaws, t->hole->arena, &flaw, err, "%zu column names, but %zu cells in a row", count,
                       t->fields);
}

static bool comma_to_thousandths(ag_str text, double scale, int32_t *out)
{
    char copy[64];
    double number;
    if (text.size >= sizeof(copy)) return false;
    for (size_t i = 0; i < text.size; i++) copy[i] = (char)(text.data[i] == ',' ? '.' : text.data[i]);
    if (!ag_str_to_double((ag_str){copy, text.size}, &number) || !(fabs(number * scale) < 2e6)) return false;
    *out = (int32_t)lround(number * scale * 1000);
    return true;
}

/* Thousandths of "-12.3456" times `scale`. False when it is no number, or too large. */
static bool to_thousandths(table *t, ag_str text, double scale, int32_t *out)
{
    text = ag_str_trim(text);
    bool negative = text.size > 0 && text.data[0] == '-', fraction = false, exact = true;
    int64_t value = 0;
    size_t decimals = 0, digits = 0, at = negative;
    for (; at < text.size && value < INT64_C(100000000000); at++) {
        char c = text.data[at];
        if ((c == '.' || c == ',') && !fraction) {
            fraction = true;
            continue;
        }
        if (c < '0' || c > '9') break;
        digits++;
        if (fraction && decimals == 3) {
            exact &= c == '0';
            continue;
        }
        value = value * 10 + (c - '0');
        decimals += fraction;
    }
    double number;
    t->rounded |= !exact;
    if (at == text.size && digits > 0 && exact && scale == 1) {
        for (; decimals < 3; decimals++) value *= 10;
        if (value > INT32_MAX) return false;
        *out = (int32_t)(negative ? -value : value);
        return true;
    }
    if (fraction && ag_str_find_char(text, ',', 0) != SIZE_MAX) return comma_to_thousandths(text, scale, out);
    if (!ag_str_to_double(text, &number) || !(fabs(number * scale) < 2e6)) return false;
    *out = (int32_t)lround(number * scale * 1000);
    return true;
}

static int grow(table *t, ag_err *err)
{
    size_t capacity = t->capacity ? t->capacity * 2 : GROWTH;
    for (size_t i = 0; i < t->count; i++) {
        int32_t *values = ag_arena_array(t->hole->arena, capacity, sizeof(*values));
        if (!values) return ag_fail_memory(err, capacity * sizeof(*values));
        if (t->capacity) memcpy(values, t->columns[i].values, t->capacity * sizeof(*values));
        t->columns[i].values = values;
    }
    t->capacity = capacity;
    return AG_OK;
}

static int add_row(table *t, const ag_str *cells, size_t count, ag_err *err)
{
    size_t row = t->hole->signal.rows;
    int64_t limit = t->source->options ? t->source->options->max_rows : 10000000;
    if (row >= (uint64_t)limit)
        return ag_fail_at(err, AG_ELIMIT, t->source->name, 0, 0, "more than the %lld rows allowed", (long long)limit);
    if (row == t->capacity) {
        int rc = grow(t, err);
        if (rc < 0) return rc;
    }
    for (size_t i = 0; i < t->count; i++) {
        const column *c = &t->columns[i];
        if (c->cell < count && to_thousandths(t, cells[c->cell], c->scale, &c->values[row])) continue;
        uint32_t line = 0, place = 0;
        ag_csv_place(t->csv, c->cell, &line, &place);
        t->source->rule = "F6";
        ag_str cell = c->cell < count ? ag_str_slice(cells[c->cell], 0, 40) : AG_STR("");
        return ag_fail_at(err, AG_EPARSE, t->source->name, line, place, "F6: %s of row %zu is '%.*s', no number",
                          ag_channel_names[c->id].id, row + 1, AG_STR_ARG(cell));
    }
    t->hole->signal.rows++;
    return AG_OK;
}

static int add_steps(table *t, ag_signal *signal, ag_err *err)
{
    if (is_used(t, AG_CHANNEL_STEP)) return AG_OK;
    int32_t *values = ag_arena_array(t->hole->arena, signal->rows + 1, sizeof(*values)); /* zeroed: step 0 */
    if (!values) return ag_fail_memory(err, (signal->rows + 1) * sizeof(*values));
    signal->channels[signal->count++] = (ag_channel){.id = AG_CHANNEL_STEP, .name = AG_STR("step"), .values = values};
    return AG_OK;
}

/* A table whose columns have other names than ours is the first thing that somebody tries. */
static int name_columns(const table *t, int rc, ag_err *err)
{
    const ag_str *names;
    char list[200] = "";
    const size_t count = ag_csv_header(t->csv, &names);
    if (rc != AG_EPARSE || !err || *err->hint) return rc;
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(list);
        (void)ag_format(list + used, sizeof list - used, "%s%.*s", i ? ", " : "", AG_STR_ARG(ag_str_trim(names[i])));
    }
    (void)ag_err_prefix(err, "the columns are %s", list);
    return ag_err_hint(err, "call them position, torque and thrust, or bind them: reader.columns, "
                            "docs/drilling-files.md");
}

static int finish(table *t, ag_err *err)
{
    ag_hole *hole = t->hole;
    ag_signal *signal = &hole->signal;
    signal->channels = ag_arena_array(hole->arena, t->count + 1, sizeof(*signal->channels));
    if (!signal->channels) return ag_fail_memory(err, (t->count + 1) * sizeof(*signal->channels));
    for (size_t i = 0; i < t->count; i++)
        signal->channels[signal->count++] = (ag_channel){.id = t->columns[i].id,
                                                         .name = ag_str_of(ag_channel_names[t->columns[i].id].id),
                                                         .values = t->columns[i].values};
    signal->rate = t->source->options && t->source->options->sample_rate > 0 ? t->source->options->sample_rate : 100;
    int rc = add_steps(t, signal, err);
    ag_flaw flaw = {.rule = "F22", .row = SIZE_MAX};
    if (rc == AG_OK && t->rounded)
        rc = ag_flaw_add(&hole->flaws, hole->arena, &flaw, err, "numbers with more than three decimals are rounded");
    return rc == AG_OK ? name_columns(t, ag_hole_finish(hole, err), err) : rc;
}

/* Which mark do the decimals of the second line have? */
static bool has_decimal_commas(ag_str bytes)
{
    size_t first = ag_str_find_char(bytes, '\n', 0);
    ag_str line = ag_str_slice(bytes, first == SIZE_MAX ? bytes.size : first + 1, bytes.size);
    line = ag_str_slice(line, 0, ag_str_find_char(line, '\n', 0));
    bool separated = ag_str_find_char(line, ';', 0) != SIZE_MAX || ag_str_find_char(line, '\t', 0) != SIZE_MAX;
    return separated && ag_str_find_char(line, ',', 0) != SIZE_MAX && ag_str_find_char(line, '.', 0) == SIZE_MAX;
}

static int bind(table *t, const ag_str *cells, size_t count, ag_err *err)
{
    const ag_str *names;
    size_t name_count = ag_csv_header(t->csv, &names);
    const ag_reader_options *options = t->source->options;
    t->fields = count;
    while (t->fields > 0 && ag_str_trim(cells[t->fields - 1]).size == 0) t->fields--;
    t->columns = ag_arena_array(t->hole->arena, name_count + AG_CHANNEL_COUNT, sizeof(*t->columns));
    if (!t->columns) return ag_fail_memory(err, name_count * sizeof(*t->columns));
    return options && options->columns.count > 0 ? bind_by_map(t, names, name_count, &options->columns, err)
                                                 : bind_by_names(t, names, name_count, err);
}

static int read_table(ag_hole_source *source, ag_hole *hole, ag_err *err)
{
    table t = {.source = source, .hole = hole};
    ag_csv_options options = {.name = source->name,
                              .header = true,
                              .ragged = AG_CSV_PAD,
                              .decimal_comma = has_decimal_commas(source->bytes),
                              .max_columns = source->options ? (size_t)source->options->max_columns : 64};
    const ag_str *cells;
    size_t count;
    int rc = ag_csv_open_memory(source->bytes, &options, &t.csv, err);
    while (rc >= 0 && (rc = ag_csv_next(t.csv, &cells, &count, err)) > 0) {
        rc = t.columns ? AG_OK : bind(&t, cells, count, err);
        if (rc == AG_OK) rc = add_row(&t, cells, count, err);
    }
    if (rc == AG_OK && hole->signal.rows == 0) {
        source->rule = "F11";
        rc = ag_fail_at(err, AG_EPARSE, source->name, 2, 0, "F11: there is no sample");
    }
    if (rc == AG_OK) rc = finish(&t, err);
    ag_csv_free(t.csv);
    return rc;
}

static int sniff(ag_str beginning)
{
    ag_str line = ag_str_slice(beginning, 0, ag_str_find_char(beginning, '\n', 0));
    for (const char *at = "\t;,|"; *at; at++) {
        ag_str rest = line, cell;
        bool position = false, torque = false;
        while (ag_str_next(&rest, *at, &cell)) {
            ag_channel_id id = find_channel(cell);
            position |= id == AG_CHANNEL_POSITION;
            torque |= id == AG_CHANNEL_TORQUE;
        }
        if (position && torque) return 2;
    }
    return 0;
}

static const char *const endings[] = {".csv", ".tsv", ".txt", NULL};

const ag_hole_reader ag_hole_reader_csv = {
    .name = "csv",
    .doc = "Tables of text with a line of column names, bound by the names or by a column map",
    .endings = endings,
    .sniff = sniff,
    .read = read_table,
};
