// SPDX-License-Identifier: Apache-2.0
/* exchange_csv.c: labels as a table: one row per hole and source. Reading takes the same columns, and also those of
 * labels.csv and of the simulator's truth.csv: only path (or sha256) and depths are needed. Rows whose source is not a
 * person are passed over. */
#include <math.h>
#include <string.h>

#include "core/io/csv.h"
#include "core/sys/clock.h"
#include "data/label/exchange.h"

typedef enum column {
    PATH,
    SHA256,
    SOURCE,
    AUTHOR,
    TIME,
    OUTCOME,
    ENTRY,
    TRANSITIONS,
    EXIT,
    FULL_EXIT,
    CONFIDENCE,
    COMMENT,
    COLUMNS
} column;
/* The name that is written first, then others that are read. */
static const char *const names[COLUMNS][3] = {
    [PATH] = {"path"},
    [SHA256] = {"sha256"},
    [SOURCE] = {"source", "label_source"},
    [AUTHOR] = {"author"},
    [TIME] = {"time", "labelled_at"},
    [OUTCOME] = {"outcome", "label_outcome"},
    [ENTRY] = {"entry_mm"},
    [TRANSITIONS] = {"transitions_mm", "transition_mm"},
    [EXIT] = {"exit_mm"},
    [FULL_EXIT] = {"full_exit_mm"},
    [CONFIDENCE] = {"confidence"},
    [COMMENT] = {"comment"},
};

/* ---- writing ---- */

static int add_depth(ag_csv_writer *csv, double depth, int digits, ag_err *err)
{
    char text[40] = "";
    if (!isnan(depth)) ag_format(text, sizeof(text), "%.*f", digits, depth);
    return ag_csv_add(csv, ag_str_of(text), err);
}

static int write_event(ag_csv_writer *csv, const ag_labelled *item, const ag_label_event *event, ag_arena *arena,
                       ag_err *err)
{
    char time[40] = "";
    const char *transitions = ag_label_transitions_text(arena, event);
    if (!transitions) return ag_fail_memory(err, 64);
    if (event->time) ag_instant_format(event->time, 6, time);
    const char *texts[] = {item->hole->path,
                           item->hole->sha256,
                           ag_label_kind_names[event->kind],
                           event->author,
                           time,
                           ag_label_outcome_name(event->outcome)};
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < 6; i++) rc = ag_csv_add(csv, ag_str_of(texts[i]), err);
    if (rc == AG_OK) rc = add_depth(csv, event->entry, 3, err);
    if (rc == AG_OK) rc = ag_csv_add(csv, ag_str_of(transitions), err);
    if (rc == AG_OK) rc = add_depth(csv, event->exit, 3, err);
    if (rc == AG_OK) rc = add_depth(csv, event->full_exit, 3, err);
    if (rc == AG_OK) rc = add_depth(csv, event->confidence, 4, err);
    if (rc == AG_OK) rc = ag_csv_add(csv, ag_str_of(event->comment), err);
    return rc == AG_OK ? ag_csv_end_row(csv, err) : rc;
}

static int write_hole(ag_csv_writer *csv, const ag_labelled *item, bool people, ag_arena *arena, ag_err *err)
{
    int rc = AG_OK;
    if (item->automatic.outcome != AG_LABEL_NONE) rc = write_event(csv, item, &item->automatic, arena, err);
    for (size_t i = 0; people && rc == AG_OK && i < item->expert_count; i++)
        if (ag_labelled_of(item, item->experts[i]->author) == item->experts[i])
            rc = write_event(csv, item, item->experts[i], arena, err);
    return rc;
}

static int write(const ag_labelled_set *set, const ag_exchange_options *options, ag_writer *sink, ag_err *err)
{
    ag_csv_writer *csv = NULL;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_csv_writer_new(sink, NULL, &csv, err) : ag_fail_memory(err, 1);
    size_t count = options->holes ? options->hole_count : set->prepared.count;
    for (size_t i = 0; rc == AG_OK && i < COLUMNS; i++) rc = ag_csv_add(csv, ag_str_of(names[i][0]), err);
    if (rc == AG_OK) rc = ag_csv_end_row(csv, err);
    for (size_t i = 0; rc == AG_OK && i < count; i++) {
        const ag_labelled *item = options->holes ? options->holes[i] : &set->items[i];
        ag_arena_reset(arena);
        if (options->holes || !item->hole->duplicate_of || !*item->hole->duplicate_of)
            rc = write_hole(csv, item, !options->leave_people_out, arena, err);
    }
    if (rc == AG_OK) rc = ag_csv_flush(csv, err);
    ag_csv_writer_free(csv);
    ag_arena_free(arena);
    return rc;
}

/* ---- reading ---- */

typedef struct table {
    ag_csv *csv;
    const char *name;
    const ag_exchange_options *options;
    ag_arena *arena;
    size_t at[COLUMNS]; /* SIZE_MAX: not there */
} table;

static ag_str cell_of(const table *t, column c, const ag_str *cells, size_t count)
{
    return t->at[c] < count ? ag_str_trim(cells[t->at[c]]) : AG_STR("");
}

static int fail_cell(const table *t, column c, ag_str cell, const char *what, ag_err *err)
{
    uint32_t line, place;
    ag_csv_place(t->csv, t->at[c], &line, &place);
    return ag_fail_at(err, AG_EPARSE, t->name, line, place, "'%.*s' is no %s", AG_STR_ARG(ag_str_slice(cell, 0, 60)),
                      what);
}

static int read_depth(const table *t, column c, ag_str cell, double *out, ag_err *err)
{
    *out = NAN;
    if (cell.size == 0 || (ag_str_to_double(cell, out) && isfinite(*out))) return AG_OK;
    return fail_cell(t, c, cell, "depth", err);
}

static int read_transitions(const table *t, ag_str cell, ag_label_event *event, ag_err *err)
{
    ag_str rest = cell, part;
    char mark = ag_str_find_char(cell, ';', 0) != SIZE_MAX ? ';' : '|';
    while (cell.size > 0 && rest.data && ag_str_next(&rest, mark, &part)) {
        if (event->transition_count == AG_LABEL_TRANSITIONS)
            return fail_cell(t, TRANSITIONS, cell, "list of depths", err);
        int rc = read_depth(t, TRANSITIONS, ag_str_trim(part), &event->transition[event->transition_count++], err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int read_outcome(const table *t, ag_str cell, ag_label_event *event, ag_err *err)
{
    event->outcome = ag_label_outcome_of(event);
    if (cell.size == 0) return AG_OK;
    for (int i = AG_LABEL_FOUND; i <= AG_LABEL_EMPTY; i++)
        if (ag_str_is(cell, ag_label_outcome_name((ag_label_outcome)i))) {
            event->outcome = (ag_label_outcome)i;
            return AG_OK;
        }
    return fail_cell(t, OUTCOME, cell, "outcome; found, no exit or empty", err);
}

static bool keep(const table *t, ag_str text, const char **out)
{
    *out = ag_arena_strndup(t->arena, text.data ? text.data : "", text.size);
    return *out != NULL;
}

static int read_author(const table *t, ag_str author, uint32_t line, ag_label_event *event, ag_err *err)
{
    if (author.size > 0) {
        if (!keep(t, author, &event->author)) return ag_fail_memory(err, author.size);
        event->author = ag_annotator_author(t->options, event->author);
        return AG_OK;
    }
    if ((event->author = t->options->author)) return AG_OK;
    ag_fail_at(err, AG_EPARSE, t->name, line, 0, "nobody is named as the author of this label");
    return ag_err_hint(err, "say whose they are: --author NAME, or a column author");
}

static int read_row(const table *t, const ag_str *cells, size_t count, ag_exchange_row *row, ag_err *err)
{
    ag_label_event *event = &row->event;
    *row = (ag_exchange_row){.event = {.kind = AG_LABEL_EXPERT, .time = t->options->time, .confidence = NAN}};
    ag_csv_place(t->csv, 0, &row->line, &(uint32_t){0});
    ag_str time = cell_of(t, TIME, cells, count);
    bool kept = keep(t, cell_of(t, PATH, cells, count), &event->path) &&
                keep(t, cell_of(t, SHA256, cells, count), &event->sha256) &&
                keep(t, cell_of(t, COMMENT, cells, count), &event->comment);
    int rc = kept ? AG_OK : ag_fail_memory(err, 256);
    if (rc == AG_OK) rc = read_author(t, cell_of(t, AUTHOR, cells, count), row->line, event, err);
    if (rc == AG_OK) rc = read_depth(t, ENTRY, cell_of(t, ENTRY, cells, count), &event->entry, err);
    if (rc == AG_OK) rc = read_depth(t, EXIT, cell_of(t, EXIT, cells, count), &event->exit, err);
    if (rc == AG_OK) rc = read_depth(t, FULL_EXIT, cell_of(t, FULL_EXIT, cells, count), &event->full_exit, err);
    if (rc == AG_OK) rc = read_transitions(t, cell_of(t, TRANSITIONS, cells, count), event, err);
    if (rc == AG_OK) rc = read_outcome(t, cell_of(t, OUTCOME, cells, count), event, err);
    if (rc == AG_OK && time.size > 0 && ag_instant_parse(time, &event->time, NULL) < 0)
        rc = fail_cell(t, TIME, time, "time", err);
    if (rc == AG_OK && (rc = ag_label_event_check(event, INFINITY, err)) < 0) ag_err_place(err, t->name, row->line, 0);
    return rc;
}

static int bind_columns(table *t, ag_err *err)
{
    for (size_t c = 0; c < COLUMNS; c++) {
        t->at[c] = SIZE_MAX;
        for (size_t k = 0; k < 3 && names[c][k] && t->at[c] == SIZE_MAX; k++)
            t->at[c] = ag_csv_column(t->csv, names[c][k]);
    }
    if (t->at[PATH] == SIZE_MAX && t->at[SHA256] == SIZE_MAX)
        return ag_fail_at(err, AG_EPARSE, t->name, 1, 0, "there is no column 'path' or 'sha256'");
    if (t->at[ENTRY] == SIZE_MAX && t->at[OUTCOME] == SIZE_MAX)
        return ag_fail_at(err, AG_EPARSE, t->name, 1, 0, "there is no column 'entry_mm' or 'outcome'");
    return AG_OK;
}

static int read(ag_str text, const char *name, const ag_exchange_options *options, ag_arena *arena,
                ag_exchange_rows *out, ag_err *err)
{
    table t = {.name = name, .options = options, .arena = arena};
    ag_csv_options csv = {.name = name, .header = true};
    const ag_str *cells;
    size_t count;
    int more = 0, rc = ag_csv_open_memory(text, &csv, &t.csv, err);
    if (rc == AG_OK) rc = bind_columns(&t, err);
    while (rc == AG_OK && (more = ag_csv_next(t.csv, &cells, &count, err)) > 0) {
        ag_exchange_row row;
        ag_str source = cell_of(&t, SOURCE, cells, count);
        if (t.at[SOURCE] != SIZE_MAX && !ag_str_is(source, ag_label_kind_names[AG_LABEL_EXPERT])) {
            out->skipped++;
            continue;
        }
        rc = read_row(&t, cells, count, &row, err);
        if (rc == AG_OK) rc = ag_vec_push(&out->rows, &row, err);
    }
    ag_csv_free(t.csv);
    return rc < 0 ? rc : more;
}

const ag_label_format ag_label_format_csv = {
    .name = "csv", .doc = "A table with a row per hole and author", .write = write, .read = read};
