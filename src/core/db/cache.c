// SPDX-License-Identifier: Apache-2.0
/* cache.c: an array that is searched by hash. With at most 128 entries that beats a map: no nodes, no allocation but
 * the key. Not thread-safe; a connection has one user at a time. */
#include "core/db/cache.h"

#include "core/base/mem.h"
#include "core/hash/hash.h"

void ag_cache_init(ag_cache *cache, void (*drop)(void *context, void *item), void *context)
{
    cache->count = 0;
    cache->tick = 0;
    cache->drop = drop;
    cache->context = context;
}

static void remove_entry(ag_cache *cache, size_t index)
{
    cache->drop(cache->context, cache->entries[index].item);
    ag_free(cache->entries[index].key);
    cache->entries[index] = cache->entries[--cache->count];
}

void ag_cache_deinit(ag_cache *cache)
{
    while (cache->count > 0) remove_entry(cache, cache->count - 1);
}

void *ag_cache_take(ag_cache *cache, ag_str key)
{
    uint64_t hash = ag_hash_fast(key.data, key.size, 0);
    for (size_t i = 0; i < cache->count; i++) {
        ag_cache_entry *entry = &cache->entries[i];
        if (entry->hash != hash || entry->taken || entry->key_size != key.size) continue;
        if (memcmp(entry->key, key.data, key.size) != 0) continue;
        entry->taken = true;
        entry->used = ++cache->tick;
        return entry->item;
    }
    return NULL;
}

/* The entry to reuse: a new one, or the least recently used that nobody has taken; cache->count when there is none. */
static bool make_room(ag_cache *cache)
{
    if (cache->count < AG_CACHE_SIZE) return true;
    size_t oldest = AG_CACHE_SIZE;
    for (size_t i = 0; i < cache->count; i++) {
        if (cache->entries[i].taken) continue;
        if (oldest == AG_CACHE_SIZE || cache->entries[i].used < cache->entries[oldest].used) oldest = i;
    }
    if (oldest == AG_CACHE_SIZE) return false;
    remove_entry(cache, oldest);
    return true;
}

bool ag_cache_add(ag_cache *cache, ag_str key, void *item)
{
    char *copy = ag_strndup(key.data, key.size);
    if (!copy || !make_room(cache)) {
        ag_free(copy);
        return false;
    }
    cache->entries[cache->count++] = (ag_cache_entry){
        .hash = ag_hash_fast(key.data, key.size, 0),
        .key = copy,
        .key_size = key.size,
        .used = ++cache->tick,
        .taken = true,
        .item = item,
    };
    return true;
}

bool ag_cache_give(ag_cache *cache, void *item)
{
    for (size_t i = 0; i < cache->count; i++) {
        if (cache->entries[i].item != item) continue;
        cache->entries[i].taken = false;
        return true;
    }
    return false;
}

void ag_cache_forget(ag_cache *cache, void *item)
{
    for (size_t i = 0; i < cache->count; i++) {
        if (cache->entries[i].item != item) continue;
        remove_entry(cache, i);
        return;
    }
}
