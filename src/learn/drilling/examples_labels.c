// SPDX-License-Identifier: Apache-2.0
/* examples_labels.c: what is known of a hole, and what belongs together. A table of truth is found by the paths of its
 * rows: the simulator writes it beside the files that were prepared, so the name of a hole's file and its last folder
 * tell it, wherever the table lies now. */
#include <math.h>
#include <string.h>

#include "core/base/map.h"
#include "core/io/csv.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/drilling/examples_parts.h"

static const double full = 1.0;

typedef struct truth { /* a row of a table of depths */
    ag_label_outcome outcome;
    double mm[AG_POINTS];
} truth;

typedef struct truths {
    ag_map *by_path;
    const char *file; /* NULL: there is none */
} truths;

/* ---- the table ---- */

typedef struct truth_columns {
    size_t path, entry, transition, exit; /* SIZE_MAX: absent */
} truth_columns;

static ag_str cell_of(const ag_str *cells, size_t count, size_t column)
{
    return column < count ? ag_str_trim(cells[column]) : (ag_str){"", 0};
}

/* Empty: there is none. Of several, separated by ';' or '|', the first. */
static bool depth_of(ag_str text, double *out)
{
    size_t end = 0;
    while (end < text.size && text.data[end] != ';' && text.data[end] != '|') end++;
    *out = NAN;
    return end == 0 || (ag_str_to_double(ag_str_slice(text, 0, end), out) && isfinite(*out) && *out > 0);
}

static ag_label_outcome outcome_of(const double mm[AG_POINTS])
{
    if (isnan(mm[AG_POINT_ENTRY])) return AG_LABEL_EMPTY;
    return isnan(mm[AG_POINT_EXIT]) ? AG_LABEL_NO_EXIT : AG_LABEL_FOUND;
}

static int take_truth(ag_csv *csv, const truth_columns *c, const ag_str *cells, size_t count, const char *file,
                      ag_arena *arena, truths *into, ag_err *err)
{
    ag_str path = cell_of(cells, count, c->path);
    truth *t = ag_arena_alloc(arena, sizeof *t);
    char *key = ag_arena_strndup(arena, path.data, path.size);
    if (!t || !key) return ag_fail_memory(err, sizeof *t);
    const size_t columns[AG_POINTS] = {c->entry, c->transition, c->exit};
    for (int k = 0; k < AG_POINTS; k++) {
        uint32_t line, column;
        ag_str text = cell_of(cells, count, columns[k]);
        if (depth_of(text, &t->mm[k])) continue;
        ag_csv_place(csv, columns[k], &line, &column);
        return ag_fail_at(err, AG_EPARSE, file, line, column, "'%.*s' is no depth",
                          AG_STR_ARG(ag_str_slice(text, 0, 60)));
    }
    t->outcome = outcome_of(t->mm);
    return path.size ? ag_map_put(into->by_path, ag_str_of(key), t, NULL, err) : 0;
}

static int read_truth(const char *file, ag_arena *arena, truths *into, ag_err *err)
{
    ag_csv *csv = NULL;
    const ag_str *cells;
    size_t count;
    ag_csv_options options = {.delimiter = ',', .header = true};
    int more = 0, rc = ag_csv_open_file(file, &options, &csv, err);
    if (rc < 0) return rc;
    truth_columns c = {ag_csv_column(csv, "path"), ag_csv_column(csv, "entry_mm"), ag_csv_column(csv, "transition_mm"),
                       ag_csv_column(csv, "exit_mm")};
    if (c.path == SIZE_MAX || c.entry == SIZE_MAX || c.exit == SIZE_MAX) {
        ag_fail_at(err, AG_EPARSE, file, 1, 0, "a table of depths needs the columns path, entry_mm and exit_mm");
        rc = ag_err_hint(err, "transition_mm may be there too; depths are in millimetres");
    }
    while (rc >= 0 && (more = ag_csv_next(csv, &cells, &count, err)) > 0)
        rc = take_truth(csv, &c, cells, count, file, arena, into, err);
    ag_csv_free(csv);
    return rc < 0 ? rc : more;
}

/* data_config.labels, else truth.csv in the data or beside them, or in the folder that was prepared. */
static int find_table(const char *dir, const ag_drilling_data *data, ag_arena *arena, const char **out, ag_err *err)
{
    static const char *const places[] = {"truth.csv", "../truth.csv", "../holes/truth.csv", "../files/truth.csv"};
    *out = NULL;
    if (data->labels) {
        const char *inside = ag_path_join(arena, dir, data->labels);
        if (!inside) return ag_fail_memory(err, strlen(data->labels));
        *out = ag_file_exists(data->labels) ? data->labels : inside;
        if (ag_file_exists(*out)) return 0;
        ag_fail(err, AG_ENOTFOUND, "there is no table '%s' (data_config.labels)", data->labels);
        return ag_err_hint(err, "name a CSV file with path, entry_mm and exit_mm, from here or below %s", dir);
    }
    for (size_t i = 0; i < sizeof places / sizeof *places && !*out; i++) {
        const char *path = ag_path_join(arena, dir, places[i]);
        if (!path) return ag_fail_memory(err, strlen(dir));
        if (ag_file_exists(path)) *out = path;
    }
    return 0;
}

static const truth *truth_of(const truths *all, const char *path)
{
    ag_str whole = ag_str_of(path);
    if (!all->file) return NULL;
    for (;;) {
        const truth *found = ag_map_get(all->by_path, whole);
        size_t slash = ag_str_find_char(whole, '/', 0);
        if (found || slash == SIZE_MAX) return found;
        whole = ag_str_slice(whole, slash + 1, whole.size);
    }
}

/* ---- what counts ---- */

static void know(ag_known *known, const char *source, double weight, ag_label_outcome outcome, const double *mm)
{
    *known = (ag_known){.outcome = outcome, .source = source, .weight = weight};
    memcpy(known->mm, mm, sizeof known->mm);
}

static void know_event(ag_known *known, const char *source, double weight, const ag_label_event *event)
{
    double mm[AG_POINTS] = {event->entry, event->transition_count ? event->transition[0] : (double)NAN, event->exit};
    know(known, source, event->outcome == AG_LABEL_NONE ? 0 : weight, event->outcome, mm);
}

static bool try_source(const char *source, const ag_labelled *labelled, const truth *t, double min_confidence,
                       ag_known *known)
{
    if (strcmp(source, "expert") == 0) {
        if (labelled->expert_count == 0) return false;
        know_event(known, "expert", full, labelled->present);
    } else if (strcmp(source, "truth") == 0) {
        if (!t) return false;
        know(known, "truth", full, t->outcome, t->mm);
    } else {
        const ag_label_event *a = &labelled->automatic;
        if (a->outcome == AG_LABEL_NONE) return false;
        double confidence = isnan(a->confidence) ? 0 : a->confidence;
        if (a->outcome == AG_LABEL_EMPTY && !(confidence > 0)) confidence = full;
        know_event(known, a->author, confidence >= min_confidence ? confidence : 0, a);
    }
    return known->outcome != AG_LABEL_NONE;
}

/* Depths that lie outside the recording, or in the wrong order, teach nothing. */
static bool makes_sense(const ag_example *e)
{
    double last = 0;
    for (int k = 0; k < AG_POINTS; k++) {
        double mm = e->known.mm[k];
        if (isnan(mm)) continue;
        if (!(mm > last) || mm > e->drilled.track.end + 1) return false;
        last = mm;
    }
    return true;
}

int ag_examples_label(ag_example_set *set, const ag_labelled_set *labelled, const ag_drilling_data *data,
                      ag_arena *arena, ag_err *err)
{
    const char *const *sources = data->label_sources.items;
    const double nothing[AG_POINTS] = {NAN, NAN, NAN};
    truths all = {.by_path = ag_map_new()};
    int rc = all.by_path ? find_table(set->dir, data, arena, &all.file, err) : ag_fail_memory(err, 1);
    if (rc >= 0 && all.file) rc = read_truth(all.file, arena, &all, err);
    for (size_t i = 0; i < set->count && rc >= 0; i++) {
        ag_example *e = &set->items[i];
        const ag_labelled *l = &labelled->items[e->hole - labelled->prepared.holes];
        know(&e->known, NULL, 0, AG_LABEL_NONE, nothing);
        for (size_t k = 0; k < data->label_sources.count; k++)
            if (try_source(sources[k], l, truth_of(&all, e->hole->path), data->min_confidence, &e->known)) break;
        if (e->known.weight > 0 && !makes_sense(e)) e->known.weight = 0;
        set->known += e->known.outcome != AG_LABEL_NONE;
        set->trained += e->known.weight > 0;
    }
    ag_map_free(all.by_path);
    return rc;
}

/* ---- what belongs together ---- */

static ag_str group_of(const ag_prepared *hole, int group_by)
{
    switch (group_by) {
    case AG_GROUP_HEAD: return ag_str_of(hole->head);
    case AG_GROUP_MACHINE: return ag_str_of(hole->machine);
    case AG_GROUP_PROGRAM: return ag_str_of(hole->program);
    case AG_GROUP_FOLDER: return ag_path_parent(ag_str_of(hole->path));
    default: return (ag_str){"", 0};
    }
}

int ag_examples_split(const ag_example_set *set, const ag_drilling_data *data, const size_t *chosen, size_t count,
                      const uint32_t *shares, size_t parts, uint64_t seed, ag_arena *arena, uint32_t **part,
                      ag_err *err)
{
    ag_split split;
    ag_split_options options = {.seed = seed, .shares = shares, .parts = parts};
    ag_split_row *rows = ag_arena_array(arena, count + 1, sizeof *rows);
    if (!rows) return ag_fail_memory(err, count * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        const ag_prepared *hole = set->items[chosen[i]].hole;
        const char *stratum = ag_arena_printf(arena, "%s %s", hole->program ? hole->program : "",
                                              hole->class_name ? hole->class_name : "");
        if (!stratum) return ag_fail_memory(err, 64);
        rows[i] = (ag_split_row){.id = ag_str_of(hole->path),
                                 .group = group_of(hole, data->group_by),
                                 .twins = {ag_str_of(hole->sha256), ag_str_of(hole->trace_sha256)},
                                 .stratum = ag_str_of(stratum)};
    }
    int rc = ag_split_make(rows, count, &options, arena, &split, err);
    if (rc < 0) return ag_err_hint(err, "fewer parts, or more holes that differ, would do");
    *part = split.part;
    return 0;
}
