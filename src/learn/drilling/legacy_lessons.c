// SPDX-License-Identifier: Apache-2.0
/* legacy_lessons.c: holes are read once. Their traces are kept while it is found out which can be learned from, who
 * trains and who validates, and what the columns of the training holes are scaled by; only then tables are made. */
#include "learn/drilling/legacy_lessons.h"

#include <math.h>

#include "core/base/rng.h"
#include "learn/drilling/examples.h"

enum { SIZE = AG_LEGACY_WINDOW * AG_LEGACY_CHANNELS, PAST = 0, FUTURE = 1 };

/* ---- what can be learned from ---- */

typedef struct candidate {
    size_t hole; /* of the set */
    ag_legacy_trace trace;
    uint32_t part;
} candidate;

typedef struct making {
    const ag_legacy_course *course;
    ag_legacy_settings *settings;
    ag_arena *arena;  /* of what is made */
    ag_arena *traces; /* of what is needed meanwhile */
    candidate *items;
    size_t count;
    ag_legacy_lessons lessons;
} making;

/* The row where the position reaches the exit, between rows; NaN: not in step 2, or where no window looks. */
static double row_of(const ag_legacy_table *table, double exit)
{
    size_t first = AG_LEGACY_PAD + 2, end = AG_LEGACY_PAD + table->samples; /* two rows of delay have no position */
    size_t begin = ag_legacy_window(table, 0), over = ag_legacy_window(table, AG_LEGACY_WINDOWS - 1) + AG_LEGACY_WINDOW;
    for (size_t row = first + 1; row < end; row++) {
        double before = (double)table->x[row - 1], here = (double)table->x[row];
        if (here < exit || before > exit) continue;
        bool seen = row > begin && row < over;
        return seen ? (double)(row - 1) + (here > before ? (exit - before) / (here - before) : 0.0) : (double)NAN;
    }
    return NAN;
}

/* `fits` stays false where the old program would have thrown. */
static int make_table(const making *m, const candidate *c, ag_arena *arena, ag_legacy_lesson *out, bool *fits,
                      ag_err *err)
{
    const ag_known_hole *hole = &m->course->set->holes[c->hole];
    ag_err why = {0};
    *out = (ag_legacy_lesson){.hole = hole};
    int rc = ag_legacy_table_of(&c->trace, m->settings, arena, &out->table, &why);
    *fits = false;
    if (rc == AG_ENOTFOUND) return AG_OK;
    if (rc < 0) {
        if (err) *err = why;
        return rc;
    }
    out->exit = row_of(&out->table, hole->known.mm[AG_POINT_EXIT]);
    *fits = !isnan(out->exit);
    return AG_OK;
}

static int look_at(making *m, size_t hole, ag_err *err)
{
    const ag_legacy_course *course = m->course;
    candidate *c = &m->items[m->count];
    ag_hole *samples = NULL;
    ag_legacy_lesson unused;
    ag_err why = {0};
    bool fits = false;
    ag_arena *scratch = ag_arena_new(0);
    int rc = scratch ? ag_known_samples(course->set, &course->set->holes[hole], scratch, &samples, err)
                     : ag_fail_memory(err, 1);
    if (rc == AG_OK) {
        c->hole = hole;
        rc = ag_legacy_trace_of(samples, m->traces, &c->trace, &why);
        if (rc < 0 && rc != AG_ENOTFOUND && err) *err = why;
        if (rc == AG_OK) rc = make_table(m, c, scratch, &unused, &fits, err);
        if (rc == AG_ENOTFOUND) rc = AG_OK;
    }
    ag_arena_free(scratch);
    m->count += rc == AG_OK && fits;
    m->lessons.left_out += rc == AG_OK && !fits;
    return rc;
}

static int look_at_all(making *m, ag_err *err)
{
    const ag_known_set *set = m->course->set;
    int rc = AG_OK;
    m->items = ag_arena_array(m->traces, set->count + 1, sizeof *m->items);
    if (!m->items) return ag_fail_memory(err, set->count * sizeof *m->items);
    for (size_t i = 0; rc == AG_OK && i < set->count; i++) {
        if (set->holes[i].known.outcome != AG_LABEL_FOUND) continue;
        rc = ag_cancel_check(m->course->cancel, err);
        if (rc == AG_OK) rc = look_at(m, i, err);
    }
    return rc;
}

/* ---- who trains and who validates ---- */

/* As the other strategies part holes: by their rows of holes.csv alone. */
static int part_them(making *m, ag_err *err)
{
    const ag_known_set *set = m->course->set;
    const ag_drilling_data grouping = {.group_by = m->course->data->group_by};
    const uint32_t shares[] = {(uint32_t)lround(1000 * (1 - m->course->share)),
                               (uint32_t)lround(1000 * m->course->share)};
    uint32_t *part = NULL;
    if (shares[1] == 0 || m->count < 2) return AG_OK;
    ag_example_set rows = {.items = ag_arena_array(m->traces, set->count + 1, sizeof *rows.items), .count = set->count};
    size_t *chosen = ag_arena_array(m->traces, m->count, sizeof *chosen);
    if (!rows.items || !chosen) return ag_fail_memory(err, set->count * sizeof *rows.items);
    for (size_t i = 0; i < set->count; i++) rows.items[i].hole = set->holes[i].record;
    for (size_t i = 0; i < m->count; i++) chosen[i] = m->items[i].hole;
    int rc = ag_examples_split(&rows, &grouping, chosen, m->count, shares, 2, m->course->seed, m->traces, &part, err);
    for (size_t i = 0; rc >= 0 && i < m->count; i++) m->items[i].part = part[i];
    return rc < 0 ? rc : AG_OK;
}

static int make_reference(making *m, ag_err *err)
{
    const ag_legacy_reference_keys *said = &m->course->data->reference;
    ag_legacy_rows rows = {0};
    int rc = AG_OK;
    if (said->file || said->rows > 0 || !said->training_rows) return AG_OK;
    for (size_t i = 0; rc == AG_OK && i < m->count; i++)
        if (m->items[i].part == AG_LEGACY_TRAINING) rc = ag_legacy_rows_add(&rows, &m->items[i].trace, m->traces, err);
    if (rc == AG_OK) m->settings->reference = ag_legacy_rows_reference(&rows);
    return rc;
}

static int make_tables(making *m, ag_err *err)
{
    ag_legacy_lessons *l = &m->lessons;
    int rc = AG_OK;
    for (int k = 0; k < AG_LEGACY_PARTS; k++)
        if (!(l->items[k] = ag_arena_array(m->arena, m->count + 1, sizeof *l->items[k])))
            return ag_fail_memory(err, m->count * sizeof *l->items[k]);
    for (size_t i = 0; rc == AG_OK && i < m->count; i++) {
        uint32_t k = m->items[i].part;
        bool fits = false;
        if ((rc = ag_cancel_check(m->course->cancel, err)) < 0) break;
        rc = make_table(m, &m->items[i], m->arena, &l->items[k][l->counts[k]], &fits, err);
        l->counts[k] += rc == AG_OK && fits;
        l->left_out += rc == AG_OK && !fits; /* beside the others its torque lies below the padding */
    }
    return rc;
}

int ag_legacy_lessons_make(const ag_legacy_course *course, ag_legacy_settings *settings, ag_arena *arena,
                           ag_legacy_lessons *out, ag_err *err)
{
    const ag_legacy_data *data = course->data;
    making m = {
        .course = course,
        .settings = settings,
        .arena = arena,
        .traces = ag_arena_new(0),
        .lessons = {.target_height = data->target_height, .target_rows = data->target_rows, .windows = data->windows}};
    int rc = m.traces ? look_at_all(&m, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = part_them(&m, err);
    if (rc == AG_OK) rc = make_reference(&m, err);
    if (rc == AG_OK) rc = make_tables(&m, err);
    ag_arena_free(m.traces);
    if (rc == AG_OK) *out = m.lessons;
    return rc;
}

/* ---- samples ---- */

typedef struct part { /* what samples are made of */
    const ag_legacy_lessons *lessons;
    const ag_legacy_lesson *items;
} part;

void ag_legacy_target(const ag_legacy_lessons *lessons, const ag_legacy_lesson *lesson, size_t first, ag_real *into)
{
    const float *from = lesson->table.values + first * AG_LEGACY_CHANNELS;
    for (size_t row = 0; row < AG_LEGACY_WINDOW; row++) {
        double away = ((double)(first + row) - lesson->exit) / lessons->target_rows;
        double heat = lessons->target_height * exp(-0.5 * away * away);
        for (size_t c = 0; c < AG_LEGACY_CHANNELS; c++)
            into[row * AG_LEGACY_CHANNELS + c] =
                c < AG_LEGACY_TORQUES ? (ag_real)heat : (ag_real)from[row * AG_LEGACY_CHANNELS + c];
    }
}

/* The forty are dealt into as many stretches as a hole has windows; in training any of a stretch, else its first. */
static size_t window_of(const ag_legacy_lessons *l, const ag_batch *batch, int64_t index)
{
    int64_t slot = index % l->windows, begin = slot * AG_LEGACY_WINDOWS / l->windows;
    int64_t end = (slot + 1) * AG_LEGACY_WINDOWS / l->windows;
    if (!batch->training) return (size_t)begin;
    ag_rng rng = ag_rng_stream(batch->seed, "windows of the old pipeline");
    rng = ag_rng_child(&rng, (uint64_t)batch->epoch);
    rng = ag_rng_child(&rng, (uint64_t)index);
    return (size_t)begin + (size_t)ag_rng_below(&rng, (uint64_t)(end - begin));
}

static int fill(const void *state, const ag_batch *batch, ag_err *err)
{
    const part *p = state;
    const ag_legacy_lessons *l = p->lessons;
    ag_real *past = batch->into[PAST], *future = batch->into[FUTURE];
    (void)err;
    for (int64_t i = 0; i < batch->count; i++) {
        const ag_legacy_lesson *lesson = &p->items[batch->index[i] / l->windows];
        size_t first = ag_legacy_window(&lesson->table, window_of(l, batch, batch->index[i]));
        const float *from = lesson->table.values + first * AG_LEGACY_CHANNELS;
        for (size_t k = 0; past && k < SIZE; k++) past[(size_t)i * SIZE + k] = (ag_real)from[k];
        if (future) ag_legacy_target(l, lesson, first, future + (size_t)i * SIZE);
    }
    return AG_OK;
}

int ag_legacy_samples(const ag_legacy_lessons *lessons, ag_legacy_part which, const char *digest, ag_arena *arena,
                      ag_samples *out, ag_err *err)
{
    static const ag_samples_port ports[] = {{"past_values", SIZE}, {"future_values", SIZE}};
    static const char *const names[] = {"the training holes", "the validation holes"};
    part *p = ag_arena_alloc(arena, sizeof *p);
    if (!p) return ag_fail_memory(err, sizeof *p);
    *p = (part){lessons, lessons->items[which]};
    *out = (ag_samples){.name = names[which],
                        .ports = ports,
                        .ports_count = 2,
                        .count = (int64_t)lessons->counts[which] * lessons->windows,
                        .fill = fill,
                        .state = p,
                        .digest = digest};
    return AG_OK;
}
