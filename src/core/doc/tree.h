// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tree.h: what the JSON and the YAML reader share: building arrays and objects whose length is not known before their
 * end. Children wait on two stacks of the heap and move into the arena, side by side, when their container closes. */
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/doc/value.h"

/* No document may be deeper, whatever its options say: readers, writers and comparisons recurse, and the JSON writer
 * keeps a bit per level. */
#define AG_TREE_DEPTH_MAX 256

typedef struct ag_tree {
    ag_arena *arena;
    ag_value *values;
    size_t value_count, value_capacity;
    ag_member *members;
    size_t member_count, member_capacity;
} ag_tree;

void ag_tree_init(ag_tree *tree, ag_arena *arena);
void ag_tree_deinit(ag_tree *tree);

/* Room for one more on the stack: the slow part of the pushes. */
int ag_tree_grow_values(ag_tree *tree, ag_err *err);
int ag_tree_grow_members(ag_tree *tree, ag_err *err);

static inline int ag_tree_push_value(ag_tree *tree, const ag_value *value, ag_err *err)
{
    if (tree->value_count == tree->value_capacity) {
        int rc = ag_tree_grow_values(tree, err);
        if (rc < 0) return rc;
    }
    tree->values[tree->value_count++] = *value;
    return AG_OK;
}

static inline int ag_tree_push_member(ag_tree *tree, const ag_member *member, ag_err *err)
{
    if (tree->member_count == tree->member_capacity) {
        int rc = ag_tree_grow_members(tree, err);
        if (rc < 0) return rc;
    }
    tree->members[tree->member_count++] = *member;
    return AG_OK;
}

/* Moves what was pushed since `base` into the arena and makes *out (whose place is kept) an array or object of it. */
int ag_tree_take_array(ag_tree *tree, size_t base, ag_value *out, ag_err *err);
int ag_tree_take_object(ag_tree *tree, size_t base, ag_value *out, ag_err *err);

/* The first member whose name occurred before it: its index in *second and the earlier one's in *first. Returns 1 when
 * there is one, 0 when all names differ. O(n log n) at worst, linear for the usual small objects. */
int ag_tree_duplicate(const ag_member *members, size_t count, size_t *first, size_t *second, ag_err *err);
/* Keeps only the last of the members of one name; returns the new count. */
int ag_tree_keep_last(ag_member *members, size_t *count, ag_err *err);
