// SPDX-License-Identifier: Apache-2.0
/* tree.c: the stacks and the search for duplicate names behind both readers.
 * A stack only grows while one document is read; containers nest, so the children of the innermost open one are always
 * on top. Duplicates: up to SMALL names a 64-bit filter says "new" for nearly all of them and only the rest are
 * compared; beyond, pointers are sorted, because a hostile object of a million members must not cost a million squared,
 * and a hash table would need a secret key for the same promise. */
#include "core/doc/tree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#define SMALL 32

void ag_tree_init(ag_tree *tree, ag_arena *arena)
{
    *tree = (ag_tree){.arena = arena};
}

void ag_tree_deinit(ag_tree *tree)
{
    ag_free(tree->values);
    ag_free(tree->members);
    *tree = (ag_tree){0};
}

static int grow(void **items, size_t *capacity, size_t item_size, ag_err *err)
{
    size_t wanted = *capacity ? *capacity * 2 : 64;
    void *grown = wanted > *capacity ? ag_realloc_array(*items, wanted, item_size) : NULL;
    if (!grown) return ag_fail_memory(err, wanted * item_size);
    *items = grown;
    *capacity = wanted;
    return AG_OK;
}

int ag_tree_grow_values(ag_tree *tree, ag_err *err)
{
    void *items = tree->values;
    int rc = grow(&items, &tree->value_capacity, sizeof *tree->values, err);
    tree->values = items;
    return rc;
}

int ag_tree_grow_members(ag_tree *tree, ag_err *err)
{
    void *items = tree->members;
    int rc = grow(&items, &tree->member_capacity, sizeof *tree->members, err);
    tree->members = items;
    return rc;
}

int ag_tree_take_array(ag_tree *tree, size_t base, ag_value *out, ag_err *err)
{
    size_t count = tree->value_count - base;
    ag_value *items = NULL;
    if (count) {
        if (!(items = ag_arena_array(tree->arena, count, sizeof *items)))
            return ag_fail_memory(err, count * sizeof *items);
        memcpy(items, tree->values + base, count * sizeof *items);
    }
    tree->value_count = base;
    out->kind = AG_ARRAY;
    out->array.items = items;
    out->array.count = count;
    return AG_OK;
}

int ag_tree_take_object(ag_tree *tree, size_t base, ag_value *out, ag_err *err)
{
    size_t count = tree->member_count - base;
    ag_member *members = NULL;
    if (count) {
        if (!(members = ag_arena_array(tree->arena, count, sizeof *members)))
            return ag_fail_memory(err, count * sizeof *members);
        memcpy(members, tree->members + base, count * sizeof *members);
    }
    tree->member_count = base;
    out->kind = AG_OBJECT;
    out->object.members = members;
    out->object.count = count;
    return AG_OK;
}

static bool same_name(const ag_member *a, const ag_member *b)
{
    return a->name.size == b->name.size && (a->name.size == 0 || memcmp(a->name.data, b->name.data, a->name.size) == 0);
}

static uint64_t filter_bit(ag_str name)
{
    uint64_t head = 0;
    memcpy(&head, name.data, name.size < 8 ? name.size : 8);
    if (name.size > 8) {
        uint64_t tail;
        memcpy(&tail, name.data + name.size - 8, 8);
        head ^= tail * 0x9E3779B97F4A7C15u;
    }
    return UINT64_C(1) << (((head + name.size) * 0xD6E8FEB86659FD93u) >> 58);
}

static int duplicate_of_few(const ag_member *members, size_t count, size_t *first, size_t *second)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bit = members[i].name.size ? filter_bit(members[i].name) : 1;
        if (seen & bit) {
            for (size_t j = 0; j < i; j++) {
                if (!same_name(&members[i], &members[j])) continue;
                *first = j;
                *second = i;
                return 1;
            }
        }
        seen |= bit;
    }
    return 0;
}

/* By name, then by place in the text. */
static int by_name(const void *a, const void *b)
{
    const ag_member *left = *(const ag_member *const *)a, *right = *(const ag_member *const *)b;
    size_t shared = left->name.size < right->name.size ? left->name.size : right->name.size;
    int order = shared ? memcmp(left->name.data, right->name.data, shared) : 0;
    if (order) return order;
    if (left->name.size != right->name.size) return left->name.size < right->name.size ? -1 : 1;
    return left < right ? -1 : left > right;
}

static const ag_member **sorted(const ag_member *members, size_t count, ag_err *err)
{
    const ag_member **order = ag_alloc_array(count, sizeof(*order));
    if (!order) {
        ag_fail_memory(err, count * sizeof *order);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) order[i] = &members[i];
    qsort(order, count, sizeof *order, by_name);
    return order;
}

int ag_tree_duplicate(const ag_member *members, size_t count, size_t *first, size_t *second, ag_err *err)
{
    if (count <= SMALL) return duplicate_of_few(members, count, first, second);
    const ag_member **order = sorted(members, count, err);
    if (!order) return AG_ENOMEM;
    int found = 0;
    for (size_t i = 1; i < count; i++) {
        if (!same_name(order[i - 1], order[i])) continue;
        size_t at = (size_t)(order[i] - members);
        if (found && at > *second) continue;
        found = 1;
        *first = (size_t)(order[i - 1] - members);
        *second = at;
    }
    ag_free(order);
    return found;
}

int ag_tree_keep_last(ag_member *members, size_t *count, ag_err *err)
{
    size_t first, second;
    int rc = ag_tree_duplicate(members, *count, &first, &second, err);
    if (rc <= 0) return rc;
    const ag_member **order = sorted(members, *count, err);
    if (!order) return AG_ENOMEM;
    /* Line 0 marks the dropped: everything that was read has a line. */
    for (size_t i = 1; i < *count; i++)
        if (same_name(order[i - 1], order[i])) members[order[i - 1] - members].line = 0;
    ag_free(order);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (members[i].line) members[kept++] = members[i];
    *count = kept;
    return AG_OK;
}
