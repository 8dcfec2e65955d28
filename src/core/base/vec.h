// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vec.h: a growing array of items of one size. Pointers into it are valid until the next addition. */
#include <stddef.h>

#include "core/base/err.h"

typedef struct ag_vec {
    void *items;
    size_t count;
    size_t capacity;
    size_t item_size;
} ag_vec;

void ag_vec_init(ag_vec *vec, size_t item_size);            /* allocates nothing */
void ag_vec_deinit(ag_vec *vec);                            /* safe on zeroed memory and twice */
void ag_vec_clear(ag_vec *vec);                             /* keeps the memory */
int ag_vec_reserve(ag_vec *vec, size_t count, ag_err *err); /* room for `count` items in all */
void *ag_vec_add(ag_vec *vec);                              /* a new zeroed item at the end; NULL when out of memory */
int ag_vec_push(ag_vec *vec, const void *item, ag_err *err);
void *ag_vec_at(const ag_vec *vec, size_t index);                          /* NULL when out of range */
void ag_vec_remove(ag_vec *vec, size_t index);                             /* keeps the order */
void ag_vec_sort(ag_vec *vec, int (*compare)(const void *, const void *)); /* stable */
