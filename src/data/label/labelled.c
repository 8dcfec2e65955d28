// SPDX-License-Identifier: Apache-2.0
/* labelled.c: joins holes.csv and labels.jsonl by the digest of the file, so that labels stay with a hole when it is
 * renamed or prepared again. The history is the truth; labels.csv follows it and may be behind after a kill, until the
 * next change or the next `prepare`. */
#include "data/label/labelled.h"

#include <math.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/vec.h"
#include "core/io/csv.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "data/prepare_parts.h"

/* ---- joining ---- */

static void take_automatic(const ag_prepared *hole, ag_label_event *out)
{
    ag_label label;
    ag_prepare_label_of(hole, &label);
    *out = (ag_label_event){.sha256 = hole->sha256,
                            .path = hole->path,
                            .kind = AG_LABEL_AUTO,
                            .author = hole->label_source && *hole->label_source ? hole->label_source : "none",
                            .outcome = label.outcome,
                            .entry = label.entry,
                            .exit = label.exit,
                            .full_exit = label.full_exit,
                            .transition_count = label.transition_count,
                            .confidence = label.confidence,
                            .comment = ""};
    memcpy(out->transition, label.transition, sizeof(out->transition));
}

typedef struct chain { /* the events of one file */
    ag_vec events;     /* const ag_label_event * */
    struct chain *next;
} chain;

/* An undo takes back the latest of its author that stands. */
static void undo(ag_vec *events, const char *author)
{
    const ag_label_event **items = events->items;
    for (size_t i = events->count; i-- > 0;)
        if (strcmp(items[i]->author, author) == 0) {
            ag_vec_remove(events, i);
            return;
        }
}

static int add_event(ag_map *chains, chain **all, ag_arena *arena, const ag_label_event *event, ag_err *err)
{
    chain *c = ag_map_get(chains, ag_str_of(event->sha256));
    if (!c) {
        if (!(c = ag_arena_alloc(arena, sizeof(*c)))) return ag_fail_memory(err, sizeof(*c));
        ag_vec_init(&c->events, sizeof(const ag_label_event *));
        c->next = *all;
        *all = c;
        int rc = ag_map_put(chains, ag_str_of(event->sha256), c, NULL, err);
        if (rc < 0) return rc;
    }
    if (event->kind == AG_LABEL_EXPERT) return ag_vec_push(&c->events, (const void *)&event, err);
    if (event->kind == AG_LABEL_UNDO) undo(&c->events, event->author);
    return AG_OK;
}

static int take_experts(const ag_map *chains, ag_arena *arena, ag_labelled *item, ag_err *err)
{
    const chain *c = item->hole->sha256 ? ag_map_get(chains, ag_str_of(item->hole->sha256)) : NULL;
    item->present = &item->automatic;
    if (!c || c->events.count == 0) return AG_OK;
    item->experts = ag_arena_array(arena, c->events.count, sizeof(*item->experts));
    if (!item->experts) return ag_fail_memory(err, c->events.count * sizeof(*item->experts));
    memcpy((void *)item->experts, c->events.items, c->events.count * sizeof(*item->experts));
    item->expert_count = c->events.count;
    item->present = item->experts[item->expert_count - 1];
    return AG_OK;
}

static int join(ag_labelled_set *set, ag_arena *arena, ag_err *err)
{
    ag_map *chains = ag_map_new();
    chain *all = NULL;
    int rc = chains ? AG_OK : ag_fail_memory(err, 64);
    for (size_t i = 0; rc == AG_OK && i < set->history.count; i++)
        rc = add_event(chains, &all, arena, &set->history.events[i], err);
    for (size_t i = 0; rc == AG_OK && i < set->prepared.count; i++) {
        set->items[i].hole = &set->prepared.holes[i];
        take_automatic(set->items[i].hole, &set->items[i].automatic);
        rc = take_experts(chains, arena, &set->items[i], err);
    }
    for (; all; all = all->next) ag_vec_deinit(&all->events);
    ag_map_free(chains);
    return rc;
}

int ag_labelled_make(const ag_prepared_set *prepared, ag_arena *arena, ag_labelled_set *out, ag_err *err)
{
    ag_labelled_set set = {.prepared = *prepared};
    set.items = ag_arena_array(arena, prepared->count + 1, sizeof(*set.items));
    if (!set.items) return ag_fail_memory(err, prepared->count * sizeof(*set.items));
    int rc = ag_label_history_load(prepared->dir, arena, &set.history, err);
    if (rc == AG_OK) rc = join(&set, arena, err);
    if (rc == AG_OK) *out = set;
    return rc;
}

int ag_labelled_load(const char *dir, ag_arena *arena, ag_labelled_set *out, ag_err *err)
{
    ag_prepared_set prepared;
    int rc = ag_prepared_load(dir, arena, &prepared, err);
    return rc == AG_OK ? ag_labelled_make(&prepared, arena, out, err) : rc;
}

int ag_labelled_find(const ag_labelled_set *set, const char *words, const ag_labelled **out, ag_err *err)
{
    const ag_prepared *hole;
    int rc = ag_prepared_find(&set->prepared, words, &hole, err);
    if (rc == AG_OK) *out = &set->items[hole - set->prepared.holes];
    return rc;
}

const ag_label_event *ag_labelled_of(const ag_labelled *item, const char *author)
{
    for (size_t i = item->expert_count; i-- > 0;)
        if (strcmp(item->experts[i]->author, author) == 0) return item->experts[i];
    return NULL;
}

/* ---- labels.csv ---- */

static const char *const columns[] = {
    "path",           "sha256",      "entry_mm",     "transition_mm", "exit_mm",        "full_exit_mm",
    "confidence",     "category",    "label_source", "label_outcome", "uncertainty_mm", "clarity",
    "signal_quality", "consistency", "author",       "labelled_at",   "comment"};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static const char *depth_text(ag_arena *arena, double depth)
{
    return isnan(depth) ? "" : ag_arena_printf(arena, "%.3f", depth);
}

const char *ag_label_transitions_text(ag_arena *arena, const ag_label_event *event)
{
    const char *text = "";
    for (size_t i = 0; text && i < event->transition_count; i++)
        text = ag_arena_printf(arena, "%s%s%.3f", text, i ? "|" : "", event->transition[i]);
    return text;
}

/* An expert's word is taken as it is: its confidence is 1, and the factors of a machine say nothing. */
static void expert_cells(const ag_labelled *item, ag_arena *arena, char time[40], const char *cells[COLUMNS])
{
    const ag_label_event *event = item->present;
    ag_instant_format(event->time, 6, time);
    const char *row[COLUMNS] = {item->hole->path,
                                item->hole->sha256,
                                depth_text(arena, event->entry),
                                ag_label_transitions_text(arena, event),
                                depth_text(arena, event->exit),
                                depth_text(arena, event->full_exit),
                                "1.0000",
                                event->outcome == AG_LABEL_EMPTY ? "empty" : "high",
                                "expert",
                                ag_label_outcome_name(event->outcome),
                                "",
                                "",
                                "",
                                "",
                                event->author,
                                time,
                                event->comment};
    memcpy((void *)cells, (const void *)row, sizeof(row));
}

static void automatic_cells(const ag_prepared *hole, const char *cells[COLUMNS])
{
    const char *row[COLUMNS] = {hole->path,
                                hole->sha256,
                                hole->entry_mm,
                                hole->transition_mm,
                                hole->exit_mm,
                                hole->full_exit_mm,
                                hole->confidence,
                                hole->category,
                                hole->label_source,
                                hole->label_outcome,
                                hole->uncertainty_mm,
                                hole->clarity,
                                hole->signal_quality,
                                hole->consistency,
                                "",
                                "",
                                ""};
    memcpy((void *)cells, (const void *)row, sizeof(row));
}

static int write_row(ag_csv_writer *csv, const ag_labelled *item, ag_err *err)
{
    const char *cells[COLUMNS];
    char time[40];
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? AG_OK : ag_fail_memory(err, 1);
    if (rc == AG_OK && ag_labelled_by_expert(item))
        expert_cells(item, arena, time, cells);
    else if (rc == AG_OK)
        automatic_cells(item->hole, cells);
    for (size_t i = 0; rc == AG_OK && i < COLUMNS; i++) rc = ag_csv_add(csv, ag_str_of(cells[i]), err);
    ag_arena_free(arena);
    return rc == AG_OK ? ag_csv_end_row(csv, err) : rc;
}

int ag_labelled_write_table(const ag_labelled_set *set, const char *path, ag_err *err)
{
    ag_writer *file = NULL;
    ag_csv_writer *csv = NULL;
    int rc = ag_writer_to_file(path, &file, err);
    if (rc == AG_OK) rc = ag_csv_writer_new(file, NULL, &csv, err);
    for (size_t i = 0; rc == AG_OK && i < COLUMNS; i++) rc = ag_csv_add(csv, ag_str_of(columns[i]), err);
    if (rc == AG_OK) rc = ag_csv_end_row(csv, err);
    for (size_t i = 0; rc == AG_OK && i < set->prepared.count; i++) {
        const ag_labelled *item = &set->items[i];
        bool asked = item->hole->label_outcome && *item->hole->label_outcome;
        if (asked || ag_labelled_by_expert(item)) rc = write_row(csv, item, err);
    }
    if (rc == AG_OK) rc = ag_csv_flush(csv, err);
    if (rc == AG_OK) rc = ag_finish(file, err);
    ag_csv_writer_free(csv);
    ag_writer_close(file);
    return rc;
}

/* ---- adding ---- */

typedef struct addition {
    const ag_labelled_set *set;
    ag_arena *arena;
    ag_map *first;  /* digest -> ag_labelled, of holes that nobody had labelled */
    ag_map *latest; /* author and digest -> the last event of this call */
    ag_vec events;  /* ag_label_event: what will be appended */
    size_t added;
} addition;

static const ag_labelled *item_of(const ag_labelled_set *set, const char *sha256)
{
    for (size_t i = 0; i < set->prepared.count; i++)
        if (set->items[i].hole->sha256 && strcmp(set->items[i].hole->sha256, sha256) == 0) return &set->items[i];
    return NULL;
}

static bool was_seen(const ag_labelled_set *set, const char *sha256)
{
    for (size_t i = 0; i < set->history.count; i++)
        if (strcmp(set->history.events[i].sha256, sha256) == 0) return true;
    return false;
}

static int add_automatic(addition *a, const ag_labelled *item, int64_t time, ag_err *err)
{
    ag_str key = ag_str_of(item->hole->sha256);
    if (item->automatic.outcome == AG_LABEL_NONE || ag_map_has(a->first, key) || was_seen(a->set, item->hole->sha256))
        return AG_OK;
    ag_label_event event = item->automatic;
    event.time = time;
    int rc = ag_map_put(a->first, key, a, NULL, err);
    return rc == AG_OK ? ag_vec_push(&a->events, &event, err) : rc;
}

/* What this author has said of this hole, in this call or before. */
static const ag_label_event *said_before(const addition *a, const ag_labelled *item, ag_str key, const char *author)
{
    const ag_label_event *event = ag_map_get(a->latest, key);
    return event ? event : ag_labelled_of(item, author);
}

static int add_one(addition *a, ag_label_event *event, ag_err *err)
{
    const ag_labelled *item = item_of(a->set, event->sha256);
    if (!item) return ag_fail(err, AG_ENOTFOUND, "no hole of '%s' is '%s'", a->set->prepared.dir, event->path);
    double deepest = item->hole->max_depth_mm > 0 ? item->hole->max_depth_mm : INFINITY;
    char *text = ag_arena_printf(a->arena, "%s %s", event->sha256, event->author);
    if (!text) return ag_fail_memory(err, 256);
    const ag_label_event *before = said_before(a, item, ag_str_of(text), event->author);
    int rc = event->kind == AG_LABEL_EXPERT ? ag_label_event_check(event, deepest, err) : AG_OK;
    if (rc < 0) return ag_err_prefix(err, "%s", event->path);
    if (event->kind == AG_LABEL_UNDO && !before) {
        ag_fail(err, AG_ECONFLICT, "%s has no label of '%s' to take back", item->hole->path, event->author);
        return ag_err_hint(err, "auger label show tells who labelled it; --author names another");
    }
    if (event->kind == AG_LABEL_EXPERT && before && ag_label_event_same(before, event) &&
        strcmp(before->comment, event->comment) == 0)
        return AG_OK;
    event->path = item->hole->path;
    rc = add_automatic(a, item, event->time, err);
    if (rc == AG_OK) rc = ag_vec_push(&a->events, event, err);
    if (rc == AG_OK && event->kind == AG_LABEL_EXPERT) rc = ag_map_put(a->latest, ag_str_of(text), event, NULL, err);
    a->added += rc == AG_OK;
    return rc;
}

static int write_outputs(const char *dir, ag_arena *arena, ag_err *err)
{
    ag_labelled_set set;
    char *path = ag_path_join(arena, dir, "labels.csv");
    int rc = path ? ag_labelled_load(dir, arena, &set, err) : ag_fail_memory(err, strlen(dir));
    if (rc == AG_OK) rc = ag_labelled_write_table(&set, path, err);
    return rc == AG_OK ? ag_prepare_refresh_manifest(dir, err) : rc;
}

int ag_labelled_add(const char *dir, ag_label_event *events, size_t count, bool dry, size_t *added, ag_err *err)
{
    ag_labelled_set set;
    ag_lock *lock = NULL;
    addition a = {.set = &set, .arena = ag_arena_new(0), .first = ag_map_new(), .latest = ag_map_new()};
    ag_vec_init(&a.events, sizeof(ag_label_event));
    int rc = a.arena && a.first && a.latest ? AG_OK : ag_fail_memory(err, 1024);
    if (rc == AG_OK && !dry && !ag_file_exists(dir)) rc = ag_fail(err, AG_ENOTFOUND, "there is no directory '%s'", dir);
    if (rc == AG_OK && !dry) rc = ag_label_lock(dir, &lock, err);
    if (rc == AG_OK) rc = ag_labelled_load(dir, a.arena, &set, err);
    for (size_t i = 0; rc == AG_OK && i < count; i++) rc = add_one(&a, &events[i], err);
    if (rc == AG_OK && !dry) rc = ag_label_history_append(dir, a.events.items, a.events.count, err);
    if (rc == AG_OK && !dry && (rc = write_outputs(dir, a.arena, err)) < 0)
        ag_err_prefix(err, "the labels are kept in labels.jsonl, but labels.csv is behind until the next one");
    if (rc == AG_OK && added) *added = a.added;
    ag_lock_release(lock);
    ag_vec_deinit(&a.events);
    ag_map_free(a.first);
    ag_map_free(a.latest);
    ag_arena_free(a.arena);
    return rc;
}
