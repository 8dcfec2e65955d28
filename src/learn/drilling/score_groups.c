// SPDX-License-Identifier: Apache-2.0
/* score_groups.c: cases by an attribute. Texts are groups by themselves; ages of tools are cut at their quartiles, so
 * that each group has about as many holes, and equal ages stay together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/drilling/score_parts.h"

enum { AGE_GROUPS = 4 };
static const char *const not_known = "not known";

const char *const ag_score_attribute_names[AG_SCORE_ATTRIBUTES + 1] = {"regime",  "material", "program",
                                                                       "machine", "tool_age", NULL};

typedef struct keyed {
    const ag_score_case *item;
    const char *key;
    size_t order; /* of the group before the key: of tool ages; "not known" last */
    size_t place;
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    if (x->order != y->order) return x->order < y->order ? -1 : 1;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static void key_texts(keyed *items, size_t count, ag_score_attribute attribute)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = items[i].item->text[attribute];
        bool known = text && *text;
        items[i].key = known ? text : not_known;
        items[i].order = !known;
    }
}

/* The lowest and the highest age of each group, from the sorted ages. */
static size_t cut_ages(const double *sorted, size_t count, double low[AGE_GROUPS], double high[AGE_GROUPS])
{
    size_t groups = 0, begin = 0;
    for (size_t g = 1; g <= AGE_GROUPS && begin < count; g++) {
        size_t end = count * g / AGE_GROUPS;
        if (end <= begin) continue;
        while (end < count && !(sorted[end] > sorted[end - 1])) end++;
        low[groups] = sorted[begin];
        high[groups++] = sorted[end - 1];
        begin = end;
    }
    return groups;
}

static int key_ages(keyed *items, size_t count, ag_arena *arena, ag_err *err)
{
    double low[AGE_GROUPS], high[AGE_GROUPS];
    const char *names[AGE_GROUPS];
    size_t known = 0;
    double *ages = ag_arena_array(arena, count + 1, sizeof *ages);
    if (!ages) return ag_fail_memory(err, count * sizeof *ages);
    for (size_t i = 0; i < count; i++)
        if (!isnan(items[i].item->tool_age)) ages[known++] = items[i].item->tool_age;
    ag_score_sort(ages, known);
    size_t groups = cut_ages(ages, known, low, high);
    for (size_t g = 0; g < groups; g++) {
        names[g] = high[g] > low[g] ? ag_arena_printf(arena, "%g to %g", low[g], high[g])
                                    : ag_arena_printf(arena, "%g", low[g]);
        if (!names[g]) return ag_fail_memory(err, 32);
    }
    for (size_t i = 0; i < count; i++) {
        size_t g = 0;
        while (g < groups && !(items[i].item->tool_age <= high[g])) g++;
        items[i].order = g;
        items[i].key = g < groups ? names[g] : not_known;
    }
    return AG_OK;
}

static int cut(const keyed *items, size_t count, ag_arena *arena, ag_score_group **out, size_t *out_count, ag_err *err)
{
    size_t groups = 0;
    ag_score_group *all = ag_arena_array(arena, count + 1, sizeof *all);
    const ag_score_case **cases = ag_arena_array(arena, count + 1, sizeof *cases);
    if (!all || !cases) return ag_fail_memory(err, count * sizeof *all);
    for (size_t i = 0; i < count; i++) {
        cases[i] = items[i].item;
        if (i == 0 || strcmp(items[i].key, items[i - 1].key) != 0)
            all[groups++] = (ag_score_group){.name = items[i].key, .cases = &cases[i]};
        all[groups - 1].count++;
    }
    *out = all;
    *out_count = groups;
    return AG_OK;
}

int ag_score_groups(const ag_score_case *const *cases, size_t count, ag_score_attribute attribute, ag_arena *arena,
                    ag_score_group **out, size_t *out_count, ag_err *err)
{
    int rc = AG_OK;
    keyed *items = ag_arena_array(arena, count + 1, sizeof *items);
    if (!items) return ag_fail_memory(err, count * sizeof *items);
    for (size_t i = 0; i < count; i++) items[i] = (keyed){.item = cases[i], .place = i};
    if (attribute == AG_SCORE_BY_TOOL_AGE)
        rc = key_ages(items, count, arena, err);
    else
        key_texts(items, count, attribute);
    if (rc < 0) return rc;
    if (count > 1) qsort(items, count, sizeof *items, by_key);
    return cut(items, count, arena, out, out_count, err);
}
