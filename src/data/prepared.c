// SPDX-License-Identifier: Apache-2.0
/* prepared.c: what prepare.c wrote, read back. Cells are bound by the names of the columns, by the table that wrote
 * them; the samples of a hole are copied out of their part, so that no map stays open. */
#include "data/prepared.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/io/csv.h"
#include "core/io/npy.h"
#include "core/io/path.h"
#include "data/names.h"
#include "data/prepare_parts.h"

enum { MOST_COLUMNS = 256, MOST_ROWS = 1 << 28 };

static int read_choice(const ag_field *field, ag_str cell, void *at)
{
    int value = 0;
    while (field->choices[value] && !ag_str_is(cell, field->choices[value])) value++;
    if (!field->choices[value]) return AG_EPARSE;
    memcpy(at, &value, sizeof(value));
    return AG_OK;
}

static int read_cell(const ag_field *field, ag_str cell, void *record, ag_arena *arena)
{
    char *at = (char *)record + field->offset;
    int64_t integer = 0;
    double real = 0;
    switch (field->type) {
    case AG_FIELD_INT:
        if (!ag_str_to_int(cell, &integer)) return AG_EPARSE;
        memcpy(at, &integer, sizeof(integer));
        return AG_OK;
    case AG_FIELD_REAL:
        if (!ag_str_to_double(cell, &real)) return AG_EPARSE;
        memcpy(at, &real, sizeof(real));
        return AG_OK;
    case AG_FIELD_BOOL: *(bool *)(void *)at = ag_str_is(cell, "1"); return AG_OK;
    case AG_FIELD_CHOICE: return read_choice(field, cell, at);
    default: break;
    }
    const char *text = ag_arena_strndup(arena, cell.data, cell.size);
    memcpy(at, (const void *)&text, sizeof(text));
    return text ? AG_OK : AG_ENOMEM;
}

/* Which field each column is; NULL: none that is known. */
static int bind_columns(ag_csv *csv, const char *path, const ag_field **fields, size_t *count, ag_err *err)
{
    const ag_str *names;
    *count = ag_csv_header(csv, &names);
    if (*count > MOST_COLUMNS) return ag_fail_at(err, AG_EPARSE, path, 1, 0, "more than %d columns", MOST_COLUMNS);
    bool has_path = false;
    for (size_t i = 0; i < *count; i++) {
        fields[i] = NULL;
        for (size_t f = 0; f < ag_prepared_description.count; f++)
            if (ag_str_is(names[i], ag_prepared_description.fields[f].name))
                fields[i] = &ag_prepared_description.fields[f];
        has_path |= ag_str_is(names[i], "path");
    }
    return has_path ? AG_OK : ag_fail_at(err, AG_EPARSE, path, 1, 0, "there is no column 'path'");
}

static int read_rows(ag_csv *csv, const char *path, ag_arena *arena, ag_vec *rows, ag_err *err)
{
    const ag_field *fields[MOST_COLUMNS];
    const ag_str *cells;
    size_t columns, count;
    int rc = bind_columns(csv, path, fields, &columns, err), more = 0;
    while (rc == AG_OK && (more = ag_csv_next(csv, &cells, &count, err)) > 0) {
        ag_prepared record;
        rc = ag_describe_defaults(&ag_prepared_description, arena, &record, err);
        for (size_t i = 0; rc == AG_OK && i < count && i < columns; i++) {
            uint32_t line, column;
            if (!fields[i]) continue;
            rc = read_cell(fields[i], cells[i], &record, arena);
            ag_csv_place(csv, i, &line, &column);
            if (rc == AG_ENOMEM)
                ag_fail_memory(err, cells[i].size);
            else if (rc < 0)
                ag_fail_at(err, AG_EPARSE, path, line, column, "'%.*s' is no value of the column '%s'",
                           AG_STR_ARG(ag_str_slice(cells[i], 0, 60)), fields[i]->name);
        }
        if (rc == AG_OK && rows->count == MOST_ROWS) rc = ag_fail(err, AG_ELIMIT, "'%s' has too many rows", path);
        if (rc == AG_OK) rc = ag_vec_push(rows, &record, err);
    }
    return rc < 0 ? rc : more;
}

/* A word of a command as a shell takes it. */
static const char *quoted(ag_arena *arena, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+=:,@%-";
    ag_buf text;
    if (*word && *word != '-' && strspn(word, plain) == strlen(word)) return word;
    ag_buf_init(&text, 1 << 16);
    ag_buf_add_text(&text, *word == '-' ? "./'" : "'");
    for (; *word; word++) ag_buf_add_text(&text, *word == '\'' ? "'\\''" : (char[]){*word, '\0'});
    ag_buf_add_char(&text, '\'');
    const char *copy = text.failed ? NULL : ag_arena_strndup(arena, text.data, text.size);
    ag_buf_deinit(&text);
    return copy;
}

/* "holes/" -> "holes-prepared"; a place without a name of its own has it inside, where prepare does not look. */
static const char *beside(ag_arena *arena, const char *dir)
{
    ag_str path = ag_str_of(dir);
    while (path.size > 1 && path.data[path.size - 1] == '/') path.size--;
    ag_str name = ag_path_name(path);
    bool named = name.size > 0 && !ag_str_is(name, "/") && !ag_str_is(name, ".") && !ag_str_is(name, "..");
    return ag_arena_printf(arena, "%.*s%s", AG_STR_ARG(path), named ? "-prepared" : "/prepared");
}

/* What is missing, and a command that makes it: of this folder, when it is one of files. A command that was cut off
 * would be none. */
static int not_prepared(const char *dir, ag_arena *arena, ag_err *err)
{
    static const char format[] = "auger prepare --input-dir %s --output-dir %s --validate --auto-label makes one%s";
    ag_file_info info;
    const char *table = ag_path_join(arena, dir, "holes.csv");
    int rc = ag_fail_broken_link(err, dir);
    if (rc >= 0 && table) rc = ag_fail_broken_link(err, table);
    if (rc < 0) return rc;
    if (ag_file_stat(dir, &info, NULL) >= 0 && !info.is_directory) {
        ag_fail(err, AG_EINVAL, "'%s' is a file, and a prepared dataset is a folder", dir);
        return ag_err_hint(err,
                           "make one of the folder that holds your drilling files: auger prepare --input-dir FILES "
                           "--output-dir PREPARED; a table of numbers over time is for 'strategy: forecast'");
    }
    bool there = ag_file_exists(dir);
    const char *to = there ? beside(arena, dir) : dir;
    const char *input = there ? quoted(arena, dir) : "FILES", *output = to ? quoted(arena, to) : NULL;
    ag_fail(err, AG_ENOTFOUND, "there is no prepared dataset in '%s': %s", dir,
            there ? "it has no holes.csv" : "there is no such directory");
    if (!input || !output || strlen(format) + strlen(input) + strlen(output) > sizeof err->hint)
        return ag_err_hint(err, format, "FILES", "PREPARED", "");
    return ag_err_hint(err, format, input, output, there ? " there" : "");
}

int ag_prepared_load(const char *dir, ag_arena *arena, ag_prepared_set *out, ag_err *err)
{
    ag_csv *csv = NULL;
    ag_vec rows;
    ag_vec_init(&rows, sizeof(ag_prepared));
    char *path = ag_path_join(arena, dir, "holes.csv"), *copy = ag_arena_strdup(arena, dir);
    ag_csv_options options = {.delimiter = ',', .header = true};
    int rc = path && copy ? AG_OK : ag_fail_memory(err, strlen(dir));
    if (rc == AG_OK && !ag_file_exists(path)) rc = not_prepared(dir, arena, err);
    if (rc == AG_OK) rc = ag_csv_open_file(path, &options, &csv, err);
    if (rc == AG_OK) rc = read_rows(csv, path, arena, &rows, err);
    ag_prepared *holes = rc == AG_OK ? ag_arena_array(arena, rows.count + 1, sizeof(*holes)) : NULL;
    if (rc == AG_OK && !holes) rc = ag_fail_memory(err, rows.count * sizeof(*holes));
    if (rc == AG_OK) {
        if (rows.count > 0) memcpy(holes, rows.items, rows.count * sizeof(*holes));
        *out = (ag_prepared_set){.dir = copy, .holes = holes, .count = rows.count};
    }
    ag_vec_deinit(&rows);
    ag_csv_free(csv);
    return rc;
}

/* ---- samples ---- */

/* From rows of all canonical channels to one column per channel that the file had. */
static int take_channels(const int32_t *rows, size_t count, ag_hole *hole, ag_err *err)
{
    ag_signal *signal = &hole->signal;
    signal->rows = count;
    signal->channels = ag_arena_array(hole->arena, AG_CHANNEL_COUNT, sizeof(*signal->channels));
    if (!signal->channels) return ag_fail_memory(err, AG_CHANNEL_COUNT * sizeof(*signal->channels));
    for (size_t c = 0; c < AG_CHANNEL_COUNT; c++) {
        size_t told = 0;
        for (size_t i = 0; i < count; i++) told += rows[i * AG_CHANNEL_COUNT + c] != AG_SAMPLE_ABSENT;
        if (told == 0) continue;
        int32_t *values = ag_arena_array(hole->arena, count, sizeof(*values));
        if (!values) return ag_fail_memory(err, count * sizeof(*values));
        for (size_t i = 0; i < count; i++) values[i] = rows[i * AG_CHANNEL_COUNT + c];
        signal->channels[signal->count++] =
            (ag_channel){.id = (ag_channel_id)c, .name = ag_str_of(ag_channel_names[c].id), .values = values};
    }
    return AG_OK;
}

static int read_part(const ag_npy_file *file, const ag_prepared *record, ag_hole *hole, ag_err *err)
{
    const ag_npy *array = &file->array;
    uint64_t rows = (uint64_t)record->rows, first = (uint64_t)record->first_row;
    bool fits = array->type == AG_NPY_INT32 && array->dimensions == 2 && array->shape[1] == AG_CHANNEL_COUNT &&
                record->first_row >= 0 && record->rows > 0 && first <= array->shape[0] &&
                rows <= array->shape[0] - first;
    if (!fits)
        return ag_fail(err, AG_ECORRUPT, "part %lld does not hold the samples of '%s'", (long long)record->part,
                       record->path);
    int32_t *samples = ag_alloc_array(rows * AG_CHANNEL_COUNT, sizeof(*samples));
    if (!samples) return ag_fail_memory(err, rows * AG_CHANNEL_COUNT * sizeof(*samples));
    int rc = ag_npy_copy(array, first * AG_CHANNEL_COUNT, rows * AG_CHANNEL_COUNT, samples, err);
    if (rc == AG_OK) rc = take_channels(samples, rows, hole, err);
    ag_free(samples);
    return rc;
}

int ag_prepared_samples(const ag_prepared_set *set, const ag_prepared *record, ag_arena *arena, ag_hole **out,
                        ag_err *err)
{
    char name[40];
    ag_npy_file file = {0};
    if (record->part < 0 || record->rows <= 0)
        return ag_fail(err, AG_ENOTFOUND, "'%s' has no samples: %s", record->path,
                       record->reason && *record->reason ? record->reason : "it could not be read");
    ag_prepare_part_name((size_t)record->part, name);
    char *path = ag_path_join(arena, set->dir, name);
    ag_hole *hole = ag_arena_alloc(arena, sizeof(*hole));
    if (!path || !hole) return ag_fail_memory(err, sizeof(*hole));
    *hole = (ag_hole){.arena = arena, .reader = "prepared", .file = record->path};
    int rc = ag_npy_open(path, &file, err);
    if (rc < 0) return rc;
    rc = read_part(&file, record, hole, err);
    ag_npy_close(&file);
    hole->signal.rate = record->sample_rate_hz;
    if (rc == AG_OK) rc = ag_hole_finish(hole, err);
    if (rc == AG_OK) *out = hole;
    return rc;
}

/* ---- by name ---- */

/* 3: the path itself; 2: its end, behind a '/'; 1: the digest's beginning; 0: another hole. */
static int fit_of(const ag_prepared *record, ag_str words)
{
    ag_str path = ag_str_of(record->path);
    if (ag_str_equal(path, words)) return 3;
    if (path.size > words.size && ag_str_ends(path, words) && path.data[path.size - words.size - 1] == '/') return 2;
    return words.size >= 8 && ag_str_starts(ag_str_of(record->sha256), words) ? 1 : 0;
}

static bool same_bytes(const ag_prepared *a, const ag_prepared *b)
{
    return a->sha256 && b->sha256 && strcmp(a->sha256, b->sha256) == 0;
}

int ag_prepared_find(const ag_prepared_set *set, const char *words, const ag_prepared **out, ag_err *err)
{
    const ag_prepared *best = NULL, *other = NULL;
    int most = 0;
    for (size_t i = 0; i < set->count; i++) {
        int fit = fit_of(&set->holes[i], ag_str_of(words));
        if (fit == 0 || fit < most) continue;
        if (fit > most) {
            best = &set->holes[i];
            other = NULL;
            most = fit;
        } else if (!same_bytes(best, &set->holes[i])) {
            other = &set->holes[i];
        }
    }
    if (!best) {
        ag_fail(err, AG_ENOTFOUND, "no hole of '%s' is called '%s'", set->dir, words);
        return ag_err_hint(err, "give its path in holes.csv, the end of that, or the first 8 digits of its sha256");
    }
    if (other) {
        ag_fail(err, AG_EINVAL, "'%s' may be '%s' or '%s'", words, best->path, other->path);
        return ag_err_hint(err, "give more of the path");
    }
    *out = best;
    return AG_OK;
}
