// SPDX-License-Identifier: Apache-2.0
/* map.c: open addressing over a dense array of entries.
 * `entries` holds key, value and hash in order of insertion (removed ones stay as holes until the next growth), `slots`
 * holds entry numbers + 1. Linear probing, at most two thirds full; a removed slot is a tombstone. The hash is SipHash
 * with a key drawn once per process. Not thread-safe, like every plain structure here. */
#include "core/base/map.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/hash/hash.h"

enum { SMALLEST_TABLE = 16 };
static const uint32_t TOMBSTONE = UINT32_MAX; /* 0: never used; else the number of an entry, from 1 */

typedef struct entry {
    char *key; /* NULL: removed */
    size_t size;
    uint64_t hash;
    void *value;
} entry;

struct ag_map {
    entry *entries;
    size_t used;  /* entries in use, holes included */
    size_t count; /* live ones */
    uint32_t *slots;
    size_t table; /* number of slots, a power of two, or 0 */
};

static uint64_t process_key[2];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void draw_key(void)
{
    ag_err err;
    if (ag_random_bytes(process_key, sizeof(process_key), &err) < 0) {
        process_key[0] = (uint64_t)(uintptr_t)&process_key; /* address randomisation is better than nothing */
        process_key[1] = (uint64_t)(uintptr_t)&draw_key;
    }
}

static uint64_t hash_of(ag_str key)
{
    pthread_once(&key_once, draw_key);
    return ag_hash_keyed(key.data, key.size, process_key[0], process_key[1]);
}

ag_map *ag_map_new(void)
{
    return ag_calloc(1, sizeof(ag_map));
}

void ag_map_free(ag_map *map)
{
    if (!map) return;
    for (size_t i = 0; i < map->used; i++) ag_free(map->entries[i].key);
    ag_free(map->entries);
    ag_free(map->slots);
    ag_free(map);
}

/* The slot that holds `key`, or SIZE_MAX. */
static size_t find_slot(const ag_map *map, ag_str key, uint64_t hash)
{
    if (!map->table) return SIZE_MAX;
    for (size_t at = hash & (map->table - 1);; at = (at + 1) & (map->table - 1)) {
        uint32_t slot = map->slots[at];
        if (slot == 0) return SIZE_MAX;
        if (slot == TOMBSTONE) continue;
        const entry *e = &map->entries[slot - 1];
        if (e->hash == hash && e->size == key.size && (key.size == 0 || memcmp(e->key, key.data, key.size) == 0)) {
            return at;
        }
    }
}

static void place(uint32_t *slots, size_t table, uint64_t hash, uint32_t number)
{
    size_t at = hash & (table - 1);
    while (slots[at] != 0) at = (at + 1) & (table - 1);
    slots[at] = number;
}

/* Makes room for one more entry: a new table without holes and tombstones. */
static int grow(ag_map *map, ag_err *err)
{
    size_t table = SMALLEST_TABLE;
    while (table / 3 * 2 < (map->count + 1) * 2) table *= 2;
    if (table >= TOMBSTONE) return ag_fail(err, AG_ELIMIT, "a map holds at most %u entries", (unsigned)(TOMBSTONE / 3));
    uint32_t *slots = ag_calloc(table, sizeof(*slots));
    entry *entries = ag_alloc_array(table / 3 * 2 + 1, sizeof(*entries));
    if (!slots || !entries) {
        ag_free(slots);
        ag_free(entries);
        return ag_fail_memory(err, table * sizeof(*entries));
    }
    size_t used = 0;
    for (size_t i = 0; i < map->used; i++) {
        if (!map->entries[i].key) continue;
        entries[used++] = map->entries[i];
        place(slots, table, map->entries[i].hash, (uint32_t)used);
    }
    ag_free(map->slots);
    ag_free(map->entries);
    map->slots = slots;
    map->entries = entries;
    map->table = table;
    map->used = used;
    return AG_OK;
}

int ag_map_put(ag_map *map, ag_str key, void *value, void **old, ag_err *err)
{
    if (old) *old = NULL;
    uint64_t hash = hash_of(key);
    size_t at = find_slot(map, key, hash);
    if (at != SIZE_MAX) {
        entry *e = &map->entries[map->slots[at] - 1];
        if (old) *old = e->value;
        e->value = value;
        return AG_OK;
    }
    if (map->used + 1 > map->table / 3 * 2) {
        int rc = grow(map, err);
        if (rc < 0) return rc;
    }
    char *copy = ag_strndup(key.data, key.size);
    if (!copy) return ag_fail_memory(err, key.size + 1);
    map->entries[map->used++] = (entry){copy, key.size, hash, value};
    place(map->slots, map->table, hash, (uint32_t)map->used);
    map->count++;
    return AG_OK;
}

void *ag_map_get(const ag_map *map, ag_str key)
{
    size_t at = find_slot(map, key, hash_of(key));
    return at == SIZE_MAX ? NULL : map->entries[map->slots[at] - 1].value;
}

bool ag_map_has(const ag_map *map, ag_str key)
{
    return find_slot(map, key, hash_of(key)) != SIZE_MAX;
}

void *ag_map_remove(ag_map *map, ag_str key)
{
    size_t at = find_slot(map, key, hash_of(key));
    if (at == SIZE_MAX) return NULL;
    entry *e = &map->entries[map->slots[at] - 1];
    void *value = e->value;
    ag_free(e->key);
    *e = (entry){0};
    map->slots[at] = TOMBSTONE;
    map->count--;
    return value;
}

size_t ag_map_count(const ag_map *map)
{
    return map->count;
}

bool ag_map_next(const ag_map *map, size_t *at, ag_str *key, void **value)
{
    while (*at < map->used && !map->entries[*at].key) (*at)++;
    if (*at >= map->used) return false;
    const entry *e = &map->entries[(*at)++];
    if (key) *key = (ag_str){e->key, e->size};
    if (value) *value = e->value;
    return true;
}
