// SPDX-License-Identifier: Apache-2.0
/* notable.c: see notable.h. A metric has no mark in the ledger that tells what it is for, and MLflow's protocol has no
 * room for one; its name has to do. */
#include "app/cli/notable.h"

#include <string.h>

#include "core/base/map.h"
#include "core/base/vec.h"

enum { UNKNOWN_PLACE = 2, PLACES = 5, KINDS = 3 };

/* Words of names, the longest lists that are of one mind. */
static const char *const places[PLACES][8] = {
    {"test", "testing", "exam", "holdout"},
    {"val", "valid", "validation", "eval", "evaluation", "dev"},
    {NULL}, /* UNKNOWN_PLACE */
    {"train", "training"},
    {"lr", "learning", "epoch", "step", "gradient", "grad", "samples"},
};
static const char *const kinds[KINDS - 1][12] = {
    {"loss", "mae", "mse", "rmse", "mape", "smape", "mase", "error", "err", "nll", "crps", "perplexity"},
    {"accuracy", "acc", "f1", "auc", "precision", "recall", "r2", "score", "iou", "map", "ndcg", "bleu"},
};

static bool among(ag_str word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count && words[i]; i++)
        if (ag_str_equal_nocase(word, ag_str_of(words[i]))) return true;
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "val_mae_mm", "eval/loss", "test-accuracy": words end at anything that is no letter or digit. */
static bool next_word(ag_str *rest, ag_str *word)
{
    size_t size = 0;
    while (rest->size && !is_letter(rest->data[0])) *rest = ag_str_slice(*rest, 1, SIZE_MAX);
    while (size < rest->size && is_letter(rest->data[size])) size++;
    *word = ag_str_slice(*rest, 0, size);
    *rest = ag_str_slice(*rest, size, SIZE_MAX);
    return size > 0;
}

int ag_notable_rank(const char *key)
{
    ag_str rest = ag_str_of(key), word;
    int place = UNKNOWN_PLACE, kind = KINDS - 1;
    if (ag_str_starts(rest, AG_STR("system/"))) return AG_NOTABLE_MACHINE;
    while (next_word(&rest, &word)) {
        for (int i = 0; i < PLACES && place == UNKNOWN_PLACE; i++)
            if (among(word, places[i], sizeof places[i] / sizeof *places[i])) place = i;
        for (int i = 0; i < kind; i++)
            if (among(word, kinds[i], sizeof kinds[i] / sizeof *kinds[i])) kind = i;
    }
    return place * KINDS + kind;
}

static int compare(const void *a, const void *b)
{
    const ag_notable *x = *(const ag_notable *const *)a, *y = *(const ag_notable *const *)b;
    if (x->rank != y->rank) return x->rank - y->rank;
    if (x->runs != y->runs) return x->runs > y->runs ? -1 : 1;
    return strcmp(x->key, y->key);
}

static int add(ag_map *known, ag_vec *all, const ag_metric *metric, ag_arena *arena, ag_err *err)
{
    ag_notable *n = ag_map_get(known, ag_str_of(metric->key));
    if (!n) {
        if (!(n = ag_arena_alloc(arena, sizeof *n))) return ag_fail_memory(err, sizeof *n);
        *n = (ag_notable){.key = metric->key, .rank = ag_notable_rank(metric->key), .metric = metric};
        int rc = ag_map_put(known, ag_str_of(metric->key), n, NULL, err);
        if (rc >= 0) rc = ag_vec_push(all, &n, err);
        if (rc < 0) return rc;
    }
    n->runs++;
    n->course = n->course || metric->step > 0;
    return 0;
}

static int copy_sorted(ag_vec *all, ag_arena *arena, const ag_notable **out, size_t *out_count, ag_err *err)
{
    ag_vec_sort(all, compare);
    ag_notable *copy = ag_arena_array(arena, all->count + 1, sizeof *copy);
    if (!copy) return ag_fail_memory(err, all->count * sizeof *copy);
    for (size_t i = 0; i < all->count; i++) copy[i] = **(ag_notable *const *)ag_vec_at(all, i);
    *out = copy;
    *out_count = all->count;
    return 0;
}

int ag_notable_metrics(const ag_run *runs, size_t count, ag_arena *arena, const ag_notable **out, size_t *out_count,
                       ag_err *err)
{
    ag_vec all; /* ag_notable * */
    ag_map *known = ag_map_new();
    int rc = known ? 0 : ag_fail_memory(err, 64);
    ag_vec_init(&all, sizeof(ag_notable *));
    for (size_t i = 0; i < count && rc >= 0; i++)
        for (size_t m = 0; m < runs[i].metric_count && rc >= 0; m++)
            rc = add(known, &all, &runs[i].metrics[m], arena, err);
    if (rc >= 0) rc = copy_sorted(&all, arena, out, out_count, err);
    ag_vec_deinit(&all);
    ag_map_free(known);
    return rc;
}

/* ---- of a comparison ---- */

bool ag_notable_dull(const ag_compare_row *row)
{
    return !row->differs || (row->kind == AG_COMPARE_METRIC && ag_notable_rank(row->key) == AG_NOTABLE_MACHINE);
}

typedef struct ranked {
    ag_notable notable; /* first: compare() takes it for one */
    ag_compare_row row;
} ranked;

static size_t columns_with(const ag_compare_row *row, size_t columns)
{
    size_t count = 0;
    for (size_t i = 0; i < columns; i++) count += row->values[i] != NULL;
    return count;
}

int ag_notable_rows(ag_comparison *found, ag_arena *arena, ag_err *err)
{
    ag_vec metrics; /* ranked * */
    size_t at = 0;
    ag_compare_row *rows = ag_arena_array(arena, found->row_count + 1, sizeof *rows);
    ranked *all = ag_arena_array(arena, found->row_count + 1, sizeof *all);
    int rc = rows && all ? 0 : ag_fail_memory(err, found->row_count * sizeof *all);
    ag_vec_init(&metrics, sizeof(ranked *));
    for (size_t i = 0; i < found->row_count && rc >= 0; i++) {
        const ag_compare_row *row = &found->rows[i];
        ranked *one = &all[i];
        rows[i] = *row;
        if (row->kind != AG_COMPARE_METRIC) continue;
        *one = (ranked){.notable = {.key = row->key,
                                    .rank = ag_notable_rank(row->key),
                                    .runs = columns_with(row, found->column_count)},
                        .row = *row};
        rc = ag_vec_push(&metrics, &one, err);
    }
    ag_vec_sort(&metrics, compare);
    for (size_t i = 0; i < found->row_count && rc >= 0; i++)
        if (rows[i].kind == AG_COMPARE_METRIC) rows[i] = (*(ranked *const *)ag_vec_at(&metrics, at++))->row;
    if (rc >= 0) found->rows = rows;
    ag_vec_deinit(&metrics);
    return rc;
}
