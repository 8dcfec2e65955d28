// SPDX-License-Identifier: Apache-2.0
/* vec.c: a growing array. Invariant: count <= capacity; items is NULL exactly when capacity is 0. */
#include "core/base/vec.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/mem.h"

enum { FIRST_CAPACITY = 8 };

void ag_vec_init(ag_vec *vec, size_t item_size)
{
    *vec = (ag_vec){.item_size = item_size};
}

void ag_vec_deinit(ag_vec *vec)
{
    ag_free(vec->items);
    *vec = (ag_vec){.item_size = vec->item_size};
}

void ag_vec_clear(ag_vec *vec)
{
    vec->count = 0;
}

static char *item_at(const ag_vec *vec, size_t index)
{
    return (char *)vec->items + index * vec->item_size;
}

int ag_vec_reserve(ag_vec *vec, size_t count, ag_err *err)
{
    if (count <= vec->capacity) return AG_OK;
    size_t capacity = vec->capacity ? vec->capacity : FIRST_CAPACITY;
    while (capacity < count) {
        if (capacity > SIZE_MAX / 2) return ag_fail_memory(err, SIZE_MAX);
        capacity *= 2;
    }
    void *items = ag_realloc_array(vec->items, capacity, vec->item_size);
    if (!items) return ag_fail_memory(err, capacity * vec->item_size);
    vec->items = items;
    vec->capacity = capacity;
    return AG_OK;
}

void *ag_vec_add(ag_vec *vec)
{
    if (vec->count == vec->capacity && ag_vec_reserve(vec, vec->count + 1, NULL) < 0) return NULL;
    return memset(item_at(vec, vec->count++), 0, vec->item_size);
}

int ag_vec_push(ag_vec *vec, const void *item, ag_err *err)
{
    int rc = ag_vec_reserve(vec, vec->count + 1, err);
    if (rc < 0) return rc;
    memcpy(item_at(vec, vec->count++), item, vec->item_size);
    return AG_OK;
}

void *ag_vec_at(const ag_vec *vec, size_t index)
{
    return index < vec->count ? item_at(vec, index) : NULL;
}

void ag_vec_remove(ag_vec *vec, size_t index)
{
    if (index >= vec->count) return;
    memmove(item_at(vec, index), item_at(vec, index + 1), (vec->count - index - 1) * vec->item_size);
    vec->count--;
}

static void swap_items(char *a, char *b, size_t size)
{
    char piece[64];
    while (size) {
        size_t n = size < sizeof(piece) ? size : sizeof(piece);
        memcpy(piece, a, n);
        memcpy(a, b, n);
        memcpy(b, piece, n);
        a += n, b += n, size -= n;
    }
}

static void reverse(const ag_vec *vec, size_t from, size_t to)
{
    for (; to - from > 1; from++, to--) swap_items(item_at(vec, from), item_at(vec, to - 1), vec->item_size);
}

/* The first place in the sorted [from, to) whose item is not less than `key` (or, with `after`, is greater). */
static size_t bound(const ag_vec *vec, size_t from, size_t to, size_t key, bool after,
                    int (*compare)(const void *, const void *))
{
    while (from < to) {
        size_t probe = from + (to - from) / 2;
        bool go_right = after ? compare(item_at(vec, key), item_at(vec, probe)) >= 0
                              : compare(item_at(vec, probe), item_at(vec, key)) < 0;
        if (go_right)
            from = probe + 1;
        else
            to = probe;
    }
    return from;
}

/* Merges the sorted [from, middle) and [middle, to) in place by rotation: no memory, so that a sort cannot fail. The
 * longer side is cut in two; the item at the cut reaches its final place, so each round leaves less to do. */
static void merge(const ag_vec *vec, size_t from, size_t middle, size_t to, int (*compare)(const void *, const void *))
{
    while (from < middle && middle < to) {
        bool cut_left = middle - from >= to - middle;
        size_t left, right; /* [left, middle) and [middle, right) change places */
        if (cut_left) {
            left = from + (middle - from) / 2;
            right = bound(vec, middle, to, left, false, compare);
        } else {
            size_t pivot = middle + (to - middle) / 2;
            left = bound(vec, from, middle, pivot, true, compare);
            right = pivot + 1;
        }
        reverse(vec, left, middle);
        reverse(vec, middle, right);
        reverse(vec, left, right);
        size_t split = left + (right - middle);
        merge(vec, from, left, cut_left ? split : split - 1, compare);
        from = cut_left ? split + 1 : split;
        middle = right;
    }
}

static void sort_range(const ag_vec *vec, size_t from, size_t to, int (*compare)(const void *, const void *))
{
    if (to - from < 2) return;
    if (to - from <= 12) {
        for (size_t i = from + 1; i < to; i++) {
            for (size_t j = i; j > from && compare(item_at(vec, j), item_at(vec, j - 1)) < 0; j--) {
                swap_items(item_at(vec, j), item_at(vec, j - 1), vec->item_size);
            }
        }
        return;
    }
    size_t middle = from + (to - from) / 2;
    sort_range(vec, from, middle, compare);
    sort_range(vec, middle, to, compare);
    merge(vec, from, middle, to, compare);
}

void ag_vec_sort(ag_vec *vec, int (*compare)(const void *, const void *))
{
    sort_range(vec, 0, vec->count, compare);
}
