// SPDX-License-Identifier: Apache-2.0
/* labels.c: a table of labels in memory, found by path and by content. A row that names another content than the hole's
 * is not its label: the file has changed since. The first of several rows for one path or content counts; of twins with
 * one content each takes the row of its own path first. Threads: none. */
#include "data/dataset/labels.h"

#include <math.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/io/csv.h"
#include "data/dataset/add_parts.h"

typedef struct label_row {
    const char *sha256; /* empty: any content */
    ag_dataset_label label;
    bool used;
} label_row;

struct ag_dataset_labels {
    ag_arena *arena;
    ag_map *by_path, *by_content; /* label_row */
    uint64_t count, used;
};

enum {
    PATH,
    CONTENT,
    OUTCOME,
    ENTRY,
    TRANSITION,
    TRANSITIONS,
    EXIT,
    FULL_EXIT,
    CONFIDENCE,
    CATEGORY,
    SOURCE,
    AUTHOR,
    AT,
    COLUMNS
};
static const char *const column_names[COLUMNS] = {
    "path",    "sha256",       "label_outcome", "entry_mm", "transition_mm", "transitions_mm",
    "exit_mm", "full_exit_mm", "confidence",    "category", "label_source",  "author",
    "at",
};

typedef struct label_table {
    ag_dataset_labels *labels;
    const char *file;
    ag_csv *csv;
    size_t at[COLUMNS];
    const ag_str *cells;
} label_table;

static ag_str cell(const label_table *t, int column)
{
    return t->at[column] == SIZE_MAX ? AG_STR("") : ag_str_trim(t->cells[t->at[column]]);
}

/* A depth or NaN for an empty cell. */
static int read_number(const label_table *t, int column, double *out, ag_err *err)
{
    ag_str text = cell(t, column);
    *out = NAN;
    if (text.size == 0) return AG_OK;
    *out = add_number(text);
    if (isfinite(*out)) return AG_OK;
    uint32_t line, place;
    ag_csv_place(t->csv, t->at[column], &line, &place);
    return ag_fail_at(err, AG_EPARSE, t->file, line, place, "'%.*s' in column %s is no number",
                      AG_STR_ARG(ag_str_slice(text, 0, 40)), column_names[column]);
}

static int read_transitions(const label_table *t, ag_dataset_label *label, ag_err *err)
{
    bool many = cell(t, TRANSITIONS).size > 0;
    ag_str rest = cell(t, many ? TRANSITIONS : TRANSITION), part;
    char separator = ag_str_find_char(rest, '|', 0) != SIZE_MAX ? '|' : ';';
    while (rest.size && ag_str_next(&rest, separator, &part)) {
        double value = add_number(ag_str_trim(part));
        uint32_t line, place;
        ag_csv_place(t->csv, t->at[many ? TRANSITIONS : TRANSITION], &line, &place);
        if (!isfinite(value))
            return ag_fail_at(err, AG_EPARSE, t->file, line, place, "'%.*s' is no list of depths",
                              AG_STR_ARG(ag_str_slice(part, 0, 40)));
        if (label->transition_count == AG_LABEL_TRANSITIONS)
            return ag_fail_at(err, AG_ELIMIT, t->file, line, place, "a hole has at most %d transitions",
                              AG_LABEL_TRANSITIONS);
        label->transition[label->transition_count++] = value;
    }
    return AG_OK;
}

static int read_text(const label_table *t, int column, const char **out, ag_err *err)
{
    ag_str text = cell(t, column);
    if (!ag_utf8_valid(text) || memchr(text.data, 0, text.size)) {
        uint32_t line, place;
        ag_csv_place(t->csv, t->at[column], &line, &place);
        return ag_fail_at(err, AG_EPARSE, t->file, line, place, "column %s is not valid UTF-8", column_names[column]);
    }
    *out = ag_arena_strndup(t->labels->arena, text.data, text.size);
    return *out ? AG_OK : ag_fail_memory(err, text.size + 1);
}

/* What a table that does not say so means. */
static const char *outcome_of(const ag_dataset_label *label)
{
    if (!isnan(label->entry) && !isnan(label->exit)) return "found";
    return isnan(label->entry) && isnan(label->exit) ? "empty" : "no exit";
}

static int read_label(const label_table *t, label_row *row, ag_err *err)
{
    ag_dataset_label *label = &row->label;
    const struct {
        int column;
        double *into;
    } numbers[] = {
        {ENTRY, &label->entry}, {EXIT, &label->exit}, {FULL_EXIT, &label->full_exit}, {CONFIDENCE, &label->confidence}};
    const struct {
        int column;
        const char **into;
    } texts[] = {{CONTENT, &row->sha256},  {OUTCOME, &label->outcome}, {CATEGORY, &label->category},
                 {SOURCE, &label->source}, {AUTHOR, &label->author},   {AT, &label->at}};
    int rc = read_transitions(t, label, err);
    for (size_t i = 0; rc >= 0 && i < 4; i++) rc = read_number(t, numbers[i].column, numbers[i].into, err);
    for (size_t i = 0; rc >= 0 && i < 6; i++) rc = read_text(t, texts[i].column, texts[i].into, err);
    if (rc >= 0 && !*label->outcome) label->outcome = outcome_of(label);
    return rc;
}

static int keep_row(const label_table *t, ag_err *err)
{
    ag_dataset_labels *labels = t->labels;
    label_row *row = ag_arena_alloc(labels->arena, sizeof(*row));
    if (!row) return ag_fail_memory(err, sizeof(*row));
    int rc = read_label(t, row, err);
    if (rc < 0) return rc;
    ag_str path = cell(t, PATH), content = ag_str_of(row->sha256);
    labels->count++;
    if (path.size && !ag_map_has(labels->by_path, path)) rc = ag_map_put(labels->by_path, path, row, NULL, err);
    if (rc >= 0 && content.size && !ag_map_has(labels->by_content, content))
        rc = ag_map_put(labels->by_content, content, row, NULL, err);
    return rc;
}

static int read_rows(label_table *t, ag_err *err)
{
    size_t count;
    int rc;
    for (int i = 0; i < COLUMNS; i++) t->at[i] = ag_csv_column(t->csv, column_names[i]);
    if (t->at[PATH] == SIZE_MAX && t->at[CONTENT] == SIZE_MAX) {
        ag_fail_at(err, AG_EINVAL, t->file, 1, 0, "a table of labels needs a column 'path' or 'sha256'");
        return ag_err_hint(err, "and entry_mm, transition_mm, exit_mm, as auger prepare --auto-label writes them");
    }
    while ((rc = ag_csv_next(t->csv, &t->cells, &count, err)) > 0)
        if ((rc = keep_row(t, err)) < 0) return rc;
    return rc;
}

int ag_dataset_labels_read(const char *table, ag_dataset_labels **out, ag_err *err)
{
    static const ag_csv_options options = {.header = true, .ragged = AG_CSV_PAD};
    ag_csv_options named = options;
    ag_reader *source = NULL;
    ag_dataset_labels *labels = ag_calloc(1, sizeof(*labels));
    if (!labels) return ag_fail_memory(err, sizeof(*labels));
    label_table t = {.labels = labels, .file = table};
    labels->arena = ag_arena_new(0);
    labels->by_path = ag_map_new();
    labels->by_content = ag_map_new();
    named.name = table;
    int rc = labels->arena && labels->by_path && labels->by_content ? AG_OK : ag_fail_memory(err, 4096);
    if (rc >= 0) rc = ag_reader_of_file(table, &source, err);
    if (rc >= 0) rc = ag_csv_open(source, &named, &t.csv, err);
    if (rc >= 0) rc = read_rows(&t, err);
    ag_csv_free(t.csv);
    ag_reader_close(source);
    if (rc < 0) {
        ag_dataset_labels_free(labels);
        return rc;
    }
    *out = labels;
    return AG_OK;
}

void ag_dataset_labels_free(ag_dataset_labels *labels)
{
    if (!labels) return;
    ag_map_free(labels->by_path);
    ag_map_free(labels->by_content);
    ag_arena_free(labels->arena);
    ag_free(labels);
}

static label_row *find_row(const ag_dataset_labels *labels, const ag_dataset_hole *hole)
{
    ag_str path = ag_str_of(hole->path);
    /* A hole of one of several directories was labelled under its path inside that one. */
    size_t inside = ag_str_find_char(path, '/', 0);
    label_row *row = ag_map_get(labels->by_path, path);
    if (!row && inside != SIZE_MAX) row = ag_map_get(labels->by_path, ag_str_slice(path, inside + 1, path.size));
    bool other = row && *row->sha256 && strcmp(row->sha256, hole->sha256) != 0;
    return row && !other ? row : ag_map_get(labels->by_content, ag_str_of(hole->sha256));
}

void ag_dataset_labels_give(ag_dataset_labels *labels, ag_dataset_hole *hole)
{
    label_row *row = find_row(labels, hole);
    if (!row) return;
    labels->used += !row->used;
    row->used = true;
    if (strcmp(row->label.outcome, "none") == 0) return; /* asked, and no answer */
    hole->labelled = true;
    hole->label = row->label;
}

uint64_t ag_dataset_labels_unmatched(const ag_dataset_labels *labels)
{
    return labels ? labels->count - labels->used : 0;
}
