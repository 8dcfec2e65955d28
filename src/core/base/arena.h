// SPDX-License-Identifier: Apache-2.0
#pragma once
/* arena.h: many small pieces that die together (one request, one command, one parsed document). In the asan and debug
 * profiles each piece is a malloc of its own, so that AddressSanitizer sees its edges. Not thread-safe. */
#include <stddef.h>

#include "core/base/err.h"

typedef struct ag_arena ag_arena;

/* `max_bytes` bounds all that the arena will ever hold (0: no bound). NULL when out of memory. */
ag_arena *ag_arena_new(size_t max_bytes);
void ag_arena_free(ag_arena *arena);
/* Frees every piece; the arena can be used again and keeps its largest chunk. */
void ag_arena_reset(ag_arena *arena);

/* Zeroed, aligned for any type. NULL when out of memory or over the bound. */
void *ag_arena_alloc(ag_arena *arena, size_t size);
void *ag_arena_array(ag_arena *arena, size_t count, size_t size); /* NULL also when count * size overflows */
void *ag_arena_aligned(ag_arena *arena, size_t alignment, size_t size);
char *ag_arena_strdup(ag_arena *arena, const char *text);
char *ag_arena_strndup(ag_arena *arena, const char *text, size_t size);
char *ag_arena_printf(ag_arena *arena, const char *format, ...) AG_PRINTF(2, 3);

/* Bytes handed out since the last reset. */
size_t ag_arena_used(const ag_arena *arena);
