// SPDX-License-Identifier: Apache-2.0
/* split.c: see split.h. Three steps: rows that share a key are tied (union-find over sorted keys); groups go, from the
 * largest to the smallest and among equals in an order drawn from the seed, each to the part where it hurts least; then
 * groups move from the part with most too much to the one with most too little, until these differ by no more than the
 * largest group. Hurt is the chi-square distance of the counts of strata and of all rows from what the shares want.
 *
 * Order of rows: everything is decided by ids and keys; the array's order only says where the answer goes. Machines:
 * the arithmetic is that of plain doubles on integers below 2^53, without contraction (the project is built as ISO C).
 * Threads: any. */
#include "data/split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash/hash.h"

typedef struct keyed { /* a row by one of its keys */
    ag_str key, id;
    size_t row;
} keyed;

typedef struct tied { /* rows that stay together */
    size_t first;     /* in `members` */
    size_t count;
    size_t cells, cell_count; /* in `counts` */
    uint64_t draw;
    uint32_t number;
    uint32_t part;
} tied;

typedef struct cell { /* rows of one stratum in one group */
    uint32_t stratum;
    uint32_t rows;
} cell;

typedef struct work {
    const ag_split_row *rows;
    size_t count;
    const ag_split_options *options;
    ag_arena *arena;
    ag_split *split;
    keyed *keys;   /* scratch, one per row */
    size_t *above; /* union-find by row */
    size_t *rank;  /* of a row among the sorted ids */
    size_t *members;
    uint32_t *stratum; /* of each row */
    size_t *in_all;    /* rows of each stratum */
    cell *counts;
    tied *groups;
    double all_shares;
} work;

static int compare_keyed(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    int order = ag_str_compare(x->key, y->key);
    return order ? order : ag_str_compare(x->id, y->id);
}

/* Larger ones first, then by the draw. */
static int compare_tied(const void *a, const void *b)
{
    const tied *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    if (x->draw != y->draw) return x->draw < y->draw ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void *take(const work *w, size_t count, size_t size)
{
    return ag_arena_array(w->arena, count ? count : 1, size);
}

static int allocate(work *w, ag_err *err)
{
    size_t n = w->count;
    w->keys = take(w, n, sizeof(*w->keys));
    w->above = take(w, n, sizeof(*w->above));
    w->rank = take(w, n, sizeof(*w->rank));
    w->members = take(w, n, sizeof(*w->members));
    w->stratum = take(w, n, sizeof(*w->stratum));
    w->counts = take(w, n, sizeof(*w->counts));
    w->split->part = take(w, n, sizeof(*w->split->part));
    w->split->group = take(w, n, sizeof(*w->split->group));
    bool whole =
        w->keys && w->above && w->rank && w->members && w->stratum && w->counts && w->split->part && w->split->group;
    return whole ? AG_OK : ag_fail_memory(err, n * sizeof(keyed));
}

static void sort_keys(work *w)
{
    if (w->count) qsort(w->keys, w->count, sizeof(*w->keys), compare_keyed);
}

/* ---- what stays together ---- */

static size_t root_of(size_t *above, size_t row)
{
    while (above[row] != row) {
        above[row] = above[above[row]];
        row = above[row];
    }
    return row;
}

/* The root is the row with the smallest id. */
static void tie(work *w, size_t a, size_t b)
{
    a = root_of(w->above, a);
    b = root_of(w->above, b);
    if (w->rank[a] < w->rank[b])
        w->above[b] = a;
    else
        w->above[a] = b;
}

static int rank_rows(work *w, ag_err *err)
{
    for (size_t i = 0; i < w->count; i++) w->keys[i] = (keyed){w->rows[i].id, w->rows[i].id, i};
    sort_keys(w);
    for (size_t i = 0; i < w->count; i++) {
        if (i && ag_str_equal(w->keys[i].key, w->keys[i - 1].key))
            return ag_fail(err, AG_EINVAL, "two rows to be split are called '%.*s'", AG_STR_ARG(w->keys[i].key));
        w->rank[w->keys[i].row] = i;
        w->members[i] = w->keys[i].row; /* for now in the order of ids */
        w->above[i] = i;
    }
    return AG_OK;
}

static ag_str key_of(const ag_split_row *row, size_t which)
{
    return which == 0 ? row->group : row->twins[which - 1];
}

static void tie_rows(work *w)
{
    for (size_t which = 0; which <= AG_SPLIT_TWINS; which++) {
        for (size_t i = 0; i < w->count; i++) w->keys[i] = (keyed){key_of(&w->rows[i], which), w->rows[i].id, i};
        sort_keys(w);
        for (size_t i = 1; i < w->count; i++) {
            if (w->keys[i].key.size && ag_str_equal(w->keys[i].key, w->keys[i - 1].key))
                tie(w, w->keys[i].row, w->keys[i - 1].row);
        }
    }
}

static int number_groups(work *w, ag_err *err)
{
    size_t count = 0;
    uint32_t *group = w->split->group;
    for (size_t i = 0; i < w->count; i++) { /* a root comes before its members in the order of ids */
        size_t row = w->members[i], root = root_of(w->above, row);
        group[row] = root == row ? (uint32_t)count++ : group[root];
    }
    w->split->group_count = count;
    w->groups = take(w, count, sizeof(*w->groups));
    if (!w->groups) return ag_fail_memory(err, count * sizeof(*w->groups));
    for (size_t i = 0; i < w->count; i++) {
        size_t row = w->members[i];
        tied *g = &w->groups[group[row]];
        if (g->count++ == 0) {
            g->number = group[row];
            g->draw = ag_hash_fast(w->rows[row].id.data, w->rows[row].id.size, w->options->seed);
        }
        if (g->count > w->split->largest_group) w->split->largest_group = g->count;
    }
    return AG_OK;
}

/* ---- strata ---- */

static int number_strata(work *w, ag_err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < w->count; i++) w->keys[i] = (keyed){w->rows[i].stratum, w->rows[i].id, i};
    sort_keys(w);
    for (size_t i = 0; i < w->count; i++) {
        count += i == 0 || !ag_str_equal(w->keys[i].key, w->keys[i - 1].key);
        w->stratum[w->keys[i].row] = (uint32_t)count - 1;
    }
    ag_str *names = take(w, count, sizeof(*names));
    w->in_all = take(w, count, sizeof(*w->in_all));
    if (!names || !w->in_all) return ag_fail_memory(err, count * sizeof(*names));
    for (size_t i = 0; i < w->count; i++) {
        names[w->stratum[i]] = w->rows[i].stratum;
        w->in_all[w->stratum[i]]++;
    }
    w->split->strata = names;
    w->split->stratum_count = count;
    return AG_OK;
}

static int compare_members(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* The strata of each group, counted: rows sorted by group and stratum. */
static void count_cells(work *w)
{
    size_t strata = w->split->stratum_count, used = 0;
    for (size_t i = 0; i < w->count; i++)
        w->keys[i] = (keyed){.row = (size_t)w->split->group[i] * strata + w->stratum[i]};
    if (w->count) qsort(w->keys, w->count, sizeof(*w->keys), compare_members);
    for (size_t i = 0; i < w->count; i++) {
        size_t at = w->keys[i].row;
        tied *g = &w->groups[at / strata];
        if (i == 0 || w->keys[i - 1].row != at) {
            if (g->cell_count++ == 0) g->cells = used;
            w->counts[used++] = (cell){(uint32_t)(at % strata), 0};
        }
        w->counts[used - 1].rows++;
    }
}

/* ---- parts ---- */

static double wanted(const work *w, size_t part, size_t rows)
{
    return (double)w->options->shares[part] * (double)rows / w->all_shares;
}

/* By how much the chi-square of one count grows when `more` rows come to (sign 1) or go from (-1) `have`. */
static double growth(double have, double want, double more)
{
    double before = have - want, after = before + more;
    return (after * after - before * before) / want;
}

static double hurt(const work *w, const tied *g, size_t part, double sign)
{
    const ag_split *s = w->split;
    /* All rows weigh as much as all strata together: a part of the right size is worth more than one rare stratum. */
    double sum = growth((double)s->rows[part], wanted(w, part, w->count), sign * (double)g->count);
    for (size_t i = 0; i < g->cell_count; i++) {
        const cell *c = &w->counts[g->cells + i];
        double have = (double)s->cells[part * s->stratum_count + c->stratum];
        sum += growth(have, wanted(w, part, w->in_all[c->stratum]), sign * c->rows);
    }
    return sum;
}

static void shift(work *w, const tied *g, size_t part, bool come)
{
    ag_split *s = w->split;
    s->rows[part] = come ? s->rows[part] + g->count : s->rows[part] - g->count;
    s->groups[part] = come ? s->groups[part] + 1 : s->groups[part] - 1;
    for (size_t i = 0; i < g->cell_count; i++) {
        const cell *c = &w->counts[g->cells + i];
        size_t *have = &s->cells[part * s->stratum_count + c->stratum];
        *have = come ? *have + c->rows : *have - c->rows;
    }
}

static double surplus(const work *w, size_t part)
{
    return (double)w->split->rows[part] - wanted(w, part, w->count);
}

/* The part that a group goes to: where it hurts least among those that stay within their share and the largest group;
 * when there are only as many groups left as empty parts, an empty one. */
static size_t best_part(const work *w, const tied *g, size_t left)
{
    const ag_split *s = w->split;
    size_t empty = 0, best = SIZE_MAX;
    double least = 0;
    for (size_t p = 0; p < s->parts; p++) empty += s->groups[p] == 0;
    for (size_t p = 0; p < s->parts; p++) {
        if (left <= empty && s->groups[p] != 0) continue;
        if (surplus(w, p) + (double)g->count > (double)s->largest_group) continue;
        double cost = hurt(w, g, p, 1);
        if (best != SIZE_MAX && cost >= least) continue;
        best = p;
        least = cost;
    }
    return best;
}

static void deal_groups(work *w)
{
    size_t count = w->split->group_count;
    for (size_t i = 0; i < count; i++) {
        tied *g = &w->groups[i];
        g->part = (uint32_t)best_part(w, g, count - i);
        shift(w, g, g->part, true);
    }
}

/* The group whose move from one part to the other hurts the strata least, NULL when none brings the two nearer. */
static tied *best_move(const work *w, size_t from, size_t to, double apart)
{
    tied *best = NULL;
    double least = 0;
    for (size_t i = 0; i < w->split->group_count; i++) {
        tied *g = &w->groups[i];
        if (g->part != from || (double)g->count >= apart) continue;
        double cost = hurt(w, g, from, -1) + hurt(w, g, to, 1);
        if (best && cost >= least) continue;
        best = g;
        least = cost;
    }
    return best;
}

/* Each move lessens the sum of the squared surpluses, so this ends. */
static void even_out(work *w)
{
    for (;;) {
        size_t most = SIZE_MAX, least = 0;
        for (size_t p = 0; p < w->split->parts; p++) {
            if (w->split->groups[p] > 1 && (most == SIZE_MAX || surplus(w, p) > surplus(w, most))) most = p;
            if (surplus(w, p) < surplus(w, least)) least = p;
        }
        if (most == SIZE_MAX) return;
        double apart = surplus(w, most) - surplus(w, least);
        tied *g = apart > (double)w->split->largest_group ? best_move(w, most, least, apart) : NULL;
        if (!g) return;
        shift(w, g, most, false);
        shift(w, g, least, true);
        g->part = (uint32_t)least;
    }
}

/* ---- how well it went ---- */

static void measure(work *w)
{
    ag_split *s = w->split;
    for (size_t p = 0; p < s->parts; p++) {
        double error = fabs(surplus(w, p)) / (double)w->count;
        if (error > s->size_error) s->size_error = error;
        for (size_t k = 0; k < s->stratum_count; k++) {
            double share = (double)s->cells[p * s->stratum_count + k] / (double)s->rows[p];
            error = fabs(share - (double)w->in_all[k] / (double)w->count);
            if (error > s->stratum_error) s->stratum_error = error;
        }
    }
}

static void tell_rows(work *w)
{
    for (size_t i = 0; i < w->split->group_count; i++) w->members[w->groups[i].number] = w->groups[i].part;
    for (size_t i = 0; i < w->count; i++) w->split->part[i] = (uint32_t)w->members[w->split->group[i]];
}

static int check_options(work *w, ag_err *err)
{
    const ag_split_options *options = w->options;
    if (options->parts < 2 || options->parts > AG_SPLIT_PARTS_MAX)
        return ag_fail(err, AG_EINVAL, "rows are split into 2 to %d parts, not %zu", AG_SPLIT_PARTS_MAX,
                       options->parts);
    for (size_t p = 0; p < options->parts; p++) {
        if (options->shares[p] == 0) return ag_fail(err, AG_EINVAL, "part %zu of the split has no share", p);
        w->all_shares += options->shares[p];
    }
    if (w->count >= UINT32_MAX) return ag_fail(err, AG_ELIMIT, "%zu rows are too many for one split", w->count);
    return AG_OK;
}

static int make_parts(work *w, ag_err *err)
{
    ag_split *s = w->split;
    s->parts = w->options->parts;
    s->rows = take(w, s->parts, sizeof(*s->rows));
    s->groups = take(w, s->parts, sizeof(*s->groups));
    s->cells = take(w, s->parts * s->stratum_count, sizeof(*s->cells));
    if (!s->rows || !s->groups || !s->cells) return ag_fail_memory(err, s->parts * s->stratum_count * sizeof(size_t));
    qsort(w->groups, s->group_count, sizeof(*w->groups), compare_tied);
    deal_groups(w);
    even_out(w);
    measure(w);
    tell_rows(w);
    return AG_OK;
}

int ag_split_make(const ag_split_row *rows, size_t count, const ag_split_options *options, ag_arena *arena,
                  ag_split *out, ag_err *err)
{
    ag_split split = {0};
    work w = {.rows = rows, .count = count, .options = options, .arena = arena, .split = &split};
    int rc = check_options(&w, err);
    if (rc >= 0) rc = allocate(&w, err);
    if (rc >= 0) rc = rank_rows(&w, err);
    if (rc < 0) return rc;
    tie_rows(&w);
    if ((rc = number_groups(&w, err)) < 0) return rc;
    if (split.group_count < options->parts) {
        ag_fail(err, AG_EINVAL, "%zu parts need as many groups, and %zu rows make only %zu", options->parts, count,
                split.group_count);
        return ag_err_hint(err, "ask for fewer parts, or group by less");
    }
    if ((rc = number_strata(&w, err)) < 0) return rc;
    count_cells(&w);
    if ((rc = make_parts(&w, err)) < 0) return rc;
    *out = split;
    return AG_OK;
}
