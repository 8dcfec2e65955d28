// SPDX-License-Identifier: Apache-2.0
/* agreement.c: two columns of depths against each other. The automatic label that is compared is the one that an expert
 * saw (kept in the history), so that a labeller that was changed since is not praised for what it was told. */
#include "data/label/agreement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/median.h"
#include "core/base/mem.h"

const char *const ag_agree_names[AG_AGREE_COUNT] = {"entry", "transition", "exit", "thickness"};
const double ag_agree_limits[3] = {0.1, 0.25, 0.5};

/* Of pairs: mean squares between holes, between the two, and the rest. */
static double icc_of(const double *a, const double *b, size_t count)
{
    double mean_a = 0, mean_b = 0, rows = 0, rest = 0, n = (double)count;
    for (size_t i = 0; i < count; i++) {
        mean_a += a[i] / n;
        mean_b += b[i] / n;
    }
    double grand = 0.5 * (mean_a + mean_b);
    for (size_t i = 0; i < count; i++) {
        double middle = 0.5 * (a[i] + b[i]), left = a[i] - middle - mean_a + grand,
               right = b[i] - middle - mean_b + grand;
        rows += 2 * (middle - grand) * (middle - grand);
        rest += left * left + right * right;
    }
    double columns = n * ((mean_a - grand) * (mean_a - grand) + (mean_b - grand) * (mean_b - grand));
    double ms_rows = rows / (n - 1), ms_rest = rest / (n - 1);
    double below = ms_rows + ms_rest + 2 * (columns - ms_rest) / n;
    return below > 0 ? (ms_rows - ms_rest) / below : (double)NAN;
}

int ag_agree_measure(const double *a, const double *b, size_t count, ag_agree_stats *out, ag_err *err)
{
    double none = (double)NAN, n = (double)count, squares = 0;
    *out = (ag_agree_stats){count, none, none, none, none, {none, none, none}, none, none, none};
    if (count == 0) return AG_OK;
    double *away = ag_alloc_array(count, sizeof(*away));
    if (!away) return ag_fail_memory(err, count * sizeof(*away));
    out->bias = out->mae = out->within[0] = out->within[1] = out->within[2] = 0;
    for (size_t i = 0; i < count; i++) {
        out->bias += (b[i] - a[i]) / n;
        away[i] = fabs(b[i] - a[i]);
        out->mae += away[i] / n;
        for (size_t k = 0; k < 3; k++) out->within[k] += (away[i] <= ag_agree_limits[k] + 1e-9) / n;
    }
    for (size_t i = 0; i < count; i++) squares += (b[i] - a[i] - out->bias) * (b[i] - a[i] - out->bias);
    qsort(away, count, sizeof(*away), ag_by_size);
    out->most = away[count - 1];
    out->p95 = ag_percentile(away, count, 0.95);
    if (count > 1) {
        double deviation = sqrt(squares / (n - 1));
        out->low = out->bias - 1.96 * deviation;
        out->high = out->bias + 1.96 * deviation;
        out->icc = icc_of(a, b, count);
    }
    ag_free(away);
    return AG_OK;
}

/* ---- who says what ---- */

/* The automatic label that the hole's first expert saw. */
static const ag_label_event *seen_automatic(const ag_labelled_set *set, const ag_labelled *item)
{
    for (size_t i = 0; ag_labelled_by_expert(item) && i < set->history.count; i++) {
        const ag_label_event *event = &set->history.events[i];
        if (event->kind == AG_LABEL_AUTO && strcmp(event->sha256, item->hole->sha256) == 0) return event;
    }
    return &item->automatic;
}

static const ag_label_event *word_of(const ag_labelled_set *set, const ag_labelled *item, const char *who)
{
    if (strcmp(who, AG_AGREE_EXPERT) == 0) return ag_labelled_by_expert(item) ? item->present : NULL;
    if (strcmp(who, AG_AGREE_AUTOMATIC) != 0) return ag_labelled_of(item, who);
    const ag_label_event *event = seen_automatic(set, item);
    return event->outcome == AG_LABEL_NONE ? NULL : event;
}

typedef struct columns {
    double *a[AG_AGREE_COUNT], *b[AG_AGREE_COUNT];
    size_t count[AG_AGREE_COUNT];
    ag_agree_worst *worst;
    size_t worst_count;
} columns;

static void add_worst(columns *c, const ag_labelled *hole, const char *what, double a, double b, double away)
{
    c->worst[c->worst_count++] = (ag_agree_worst){hole, what, a, b, away};
}

static void add_depth(columns *c, const ag_labelled *hole, ag_agree_depth depth, double a, double b)
{
    if (isnan(a) || isnan(b)) return;
    c->a[depth][c->count[depth]] = a;
    c->b[depth][c->count[depth]++] = b;
    if (depth != AG_AGREE_THICKNESS) add_worst(c, hole, ag_agree_names[depth], a, b, fabs(b - a));
}

static void add_hole(columns *c, const ag_labelled *hole, const ag_label_event *a, const ag_label_event *b,
                     ag_agreement *out)
{
    out->holes++;
    out->table[a->outcome - AG_LABEL_FOUND][b->outcome - AG_LABEL_FOUND]++;
    if (a->outcome != b->outcome) add_worst(c, hole, "outcome", NAN, NAN, INFINITY);
    add_depth(c, hole, AG_AGREE_ENTRY, a->entry, b->entry);
    add_depth(c, hole, AG_AGREE_EXIT, a->exit, b->exit);
    add_depth(c, hole, AG_AGREE_THICKNESS, a->exit - a->entry, b->exit - b->entry);
    if (a->transition_count == b->transition_count) {
        for (size_t i = 0; i < a->transition_count; i++)
            add_depth(c, hole, AG_AGREE_TRANSITION, a->transition[i], b->transition[i]);
    } else if (a->outcome == b->outcome) {
        out->unlike_transitions++;
        add_worst(c, hole, "transitions", (double)a->transition_count, (double)b->transition_count, INFINITY);
    }
}

static int make_columns(columns *c, size_t holes, ag_arena *arena, ag_err *err)
{
    for (size_t d = 0; d < AG_AGREE_COUNT; d++) {
        c->a[d] = ag_arena_array(arena, holes + 1, AG_LABEL_TRANSITIONS * sizeof(double));
        c->b[d] = ag_arena_array(arena, holes + 1, AG_LABEL_TRANSITIONS * sizeof(double));
        if (!c->a[d] || !c->b[d]) return ag_fail_memory(err, holes * AG_LABEL_TRANSITIONS * sizeof(double));
    }
    c->worst = ag_arena_array(arena, holes + 1, (AG_LABEL_TRANSITIONS + 4) * sizeof(*c->worst));
    return c->worst ? AG_OK : ag_fail_memory(err, holes * sizeof(*c->worst));
}

static int by_distance(const void *a, const void *b)
{
    const ag_agree_worst *x = a, *y = b;
    if (x->away != y->away) return x->away < y->away ? 1 : -1;
    int order = strcmp(x->hole->hole->path, y->hole->hole->path);
    return order ? order : strcmp(x->what, y->what);
}

static double kappa_of(const size_t table[3][3], size_t count)
{
    double n = (double)count, same = 0, chance = 0;
    if (count == 0) return NAN;
    for (size_t i = 0; i < 3; i++) {
        double row = 0, column = 0;
        for (size_t k = 0; k < 3; k++) {
            row += (double)table[i][k] / n;
            column += (double)table[k][i] / n;
        }
        same += (double)table[i][i] / n;
        chance += row * column;
    }
    return chance < 1 ? (same - chance) / (1 - chance) : (double)NAN;
}

int ag_agree(const ag_labelled_set *set, const char *a, const char *b, size_t worst, ag_arena *arena, ag_agreement *out,
             ag_err *err)
{
    columns c = {.worst_count = 0};
    ag_agreement result = {.a = a, .b = b};
    int rc = make_columns(&c, set->prepared.count, arena, err);
    for (size_t i = 0; rc == AG_OK && i < set->prepared.count; i++) {
        const ag_labelled *item = &set->items[i];
        if (item->hole->duplicate_of && *item->hole->duplicate_of) continue;
        const ag_label_event *left = word_of(set, item, a), *right = word_of(set, item, b);
        if (left && right) add_hole(&c, item, left, right, &result);
    }
    for (size_t d = 0; rc == AG_OK && d < AG_AGREE_COUNT; d++)
        rc = ag_agree_measure(c.a[d], c.b[d], c.count[d], &result.depth[d], err);
    if (rc < 0) return rc;
    if (c.worst_count > 1) qsort(c.worst, c.worst_count, sizeof(*c.worst), by_distance);
    result.worst = c.worst;
    while (result.worst_count < c.worst_count && result.worst_count < worst && c.worst[result.worst_count].away > 0)
        result.worst_count++;
    result.kappa = kappa_of((const size_t(*)[3])result.table, result.holes);
    *out = result;
    return AG_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int ag_agree_authors(const ag_labelled_set *set, ag_arena *arena, const char ***out, size_t *count, ag_err *err)
{
    ag_map *seen = ag_map_new();
    int rc = seen ? AG_OK : ag_fail_memory(err, 64);
    for (size_t i = 0; rc == AG_OK && i < set->prepared.count; i++)
        for (size_t k = 0; rc == AG_OK && k < set->items[i].expert_count; k++) {
            const char *author = set->items[i].experts[k]->author;
            rc = ag_map_put(seen, ag_str_of(author), (void *)(uintptr_t)author, NULL, err);
        }
    const char **names = rc == AG_OK ? ag_arena_array(arena, ag_map_count(seen) + 1, sizeof(*names)) : NULL;
    if (rc == AG_OK && !names) rc = ag_fail_memory(err, 64);
    size_t at = 0, used = 0;
    void *value;
    while (rc == AG_OK && ag_map_next(seen, &at, NULL, &value)) names[used++] = value;
    if (used > 1) qsort((void *)names, used, sizeof(*names), by_name);
    ag_map_free(seen);
    if (rc < 0) return rc;
    *out = names;
    *count = used;
    return AG_OK;
}
