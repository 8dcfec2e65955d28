// SPDX-License-Identifier: Apache-2.0
#pragma once
/* cache.h: the prepared statements of one connection, found by their text; the least recently used one makes room. A
 * statement that is taken is not found again (two cursors of one text need two statements) and not dropped. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

#define AG_CACHE_SIZE 128

typedef struct ag_cache_entry {
    uint64_t hash;
    char *key;
    size_t key_size;
    uint64_t used; /* the tick of its last use */
    bool taken;
    void *item;
} ag_cache_entry;

typedef struct ag_cache {
    ag_cache_entry entries[AG_CACHE_SIZE];
    size_t count;
    uint64_t tick;
    void (*drop)(void *context, void *item);
    void *context;
} ag_cache;

void ag_cache_init(ag_cache *cache, void (*drop)(void *context, void *item), void *context);
void ag_cache_deinit(ag_cache *cache); /* drops everything */
/* Marks it taken. NULL when absent. */
void *ag_cache_take(ag_cache *cache, ag_str key);
/* Takes over a new item, taken. False when it could not be kept (all taken, out of memory): the caller drops it after
 * use. */
bool ag_cache_add(ag_cache *cache, ag_str key, void *item);
/* True when it went back; false for an item that was not kept. */
bool ag_cache_give(ag_cache *cache, void *item);
/* Drops a kept item, taken or not. */
void ag_cache_forget(ag_cache *cache, void *item);
