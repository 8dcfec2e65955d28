// SPDX-License-Identifier: Apache-2.0
#pragma once
/* map.h: from text (any bytes) to a pointer. Keys are copied, values are borrowed. Iteration follows the order of
 * insertion, so that nothing that is printed depends on the hash; the hash is keyed per process, so that no input can
 * choose its collisions. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/str.h"

typedef struct ag_map ag_map;

ag_map *ag_map_new(void); /* NULL when out of memory */
void ag_map_free(ag_map *map);
/* Adds or replaces; the old value, if any, goes to *old (may be NULL). */
int ag_map_put(ag_map *map, ag_str key, void *value, void **old, ag_err *err);
void *ag_map_get(const ag_map *map, ag_str key); /* NULL when absent */
bool ag_map_has(const ag_map *map, ag_str key);
void *ag_map_remove(ag_map *map, ag_str key); /* the value, NULL when absent */
size_t ag_map_count(const ag_map *map);
/* *at starts at 0. False at the end. The map must not be changed on the way, except by removing the current key. */
bool ag_map_next(const ag_map *map, size_t *at, ag_str *key, void **value);
