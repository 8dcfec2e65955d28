// SPDX-License-Identifier: Apache-2.0
/* arena.c: chunks that grow, pieces cut from the front.
 * Owns its chunks, newest first; a piece never moves. Chunks double up to a megabyte; a piece larger than a quarter of
 * the next chunk gets one of its own, so that it does not waste the rest of the current one. With AG_ARENA_MALLOC every
 * piece is such a chunk, and AddressSanitizer sees its edges. */
#include "core/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/fault.h"
#include "core/base/mem.h"

enum { FIRST_CHUNK = 4096, LARGEST_CHUNK = 1 << 20, PIECE_ALIGNMENT = 16 };

typedef struct chunk {
    struct chunk *next;
    size_t size; /* of the memory behind the header */
    size_t used;
} chunk;

struct ag_arena {
    chunk *current; /* pieces are cut here; `next` leads to the older ones */
    size_t next_size;
    size_t used;
    size_t max;
};

#define HEADER_SIZE ((sizeof(chunk) + PIECE_ALIGNMENT - 1) / PIECE_ALIGNMENT * PIECE_ALIGNMENT)

static char *memory_of(chunk *c)
{
    return (char *)c + HEADER_SIZE;
}

ag_arena *ag_arena_new(size_t max_bytes)
{
    ag_arena *arena = ag_calloc(1, sizeof(*arena));
    if (!arena) return NULL;
    arena->next_size = FIRST_CHUNK;
    arena->max = max_bytes ? max_bytes : SIZE_MAX;
    return arena;
}

static void free_chunks(chunk *c)
{
    while (c) {
        chunk *next = c->next;
        ag_free(c);
        c = next;
    }
}

void ag_arena_free(ag_arena *arena)
{
    if (!arena) return;
    free_chunks(arena->current);
    ag_free(arena);
}

void ag_arena_reset(ag_arena *arena)
{
    chunk *kept = NULL;
#ifndef AG_ARENA_MALLOC
    for (chunk *c = arena->current; c; c = c->next) {
        if (c->size <= LARGEST_CHUNK && (!kept || c->size > kept->size)) kept = c;
    }
#endif
    for (chunk *c = arena->current, *next; c; c = next) {
        next = c->next;
        if (c != kept) ag_free(c);
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
    }
    arena->current = kept;
    arena->used = 0;
}

static chunk *new_chunk(size_t size)
{
    if (size > SIZE_MAX - HEADER_SIZE) return NULL;
    chunk *c = ag_alloc(HEADER_SIZE + size);
    if (c) *c = (chunk){.size = size};
    return c;
}

/* A piece in a chunk of its own, linked behind the current one so that cutting goes on there. */
static void *alone(ag_arena *arena, size_t size)
{
    chunk *c = new_chunk(size);
    if (!c) return NULL;
    c->used = size;
    if (arena->current) {
        c->next = arena->current->next;
        arena->current->next = c;
    } else {
        arena->current = c;
    }
    return memory_of(c);
}

static void *cut(ag_arena *arena, size_t size)
{
    chunk *c = arena->current;
    size_t at = c ? (c->used + PIECE_ALIGNMENT - 1) / PIECE_ALIGNMENT * PIECE_ALIGNMENT : 0;
    if (!c || at > c->size || size > c->size - at) {
        if (size > arena->next_size / 4) return alone(arena, size);
        c = new_chunk(arena->next_size);
        if (!c) return NULL;
        c->next = arena->current;
        arena->current = c;
        if (arena->next_size < LARGEST_CHUNK) arena->next_size *= 2;
        at = 0;
    }
    c->used = at + size;
    return memory_of(c) + at;
}

void *ag_arena_alloc(ag_arena *arena, size_t size)
{
    if (size == 0) size = 1;
    if (size > arena->max - arena->used || ag_fault(AG_FAULT_ALLOC)) return NULL;
#ifdef AG_ARENA_MALLOC
    (void)cut;
    void *piece = alone(arena, size);
#else
    void *piece = cut(arena, size);
#endif
    if (!piece) return NULL;
    arena->used += size;
    return memset(piece, 0, size);
}

void *ag_arena_array(ag_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    return ag_arena_alloc(arena, bytes);
}

void *ag_arena_aligned(ag_arena *arena, size_t alignment, size_t size)
{
    if (alignment <= PIECE_ALIGNMENT) return ag_arena_alloc(arena, size);
    if (size > SIZE_MAX - alignment) return NULL;
    char *piece = ag_arena_alloc(arena, size + alignment - 1);
    if (!piece) return NULL;
    return piece + (alignment - (uintptr_t)piece % alignment) % alignment;
}

char *ag_arena_strdup(ag_arena *arena, const char *text)
{
    return text ? ag_arena_strndup(arena, text, strlen(text)) : NULL;
}

char *ag_arena_strndup(ag_arena *arena, const char *text, size_t size)
{
    if (size == SIZE_MAX) return NULL;
    char *copy = ag_arena_alloc(arena, size + 1);
    if (copy && size) memcpy(copy, text, size);
    return copy;
}

char *ag_arena_printf(ag_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0) return NULL;
    char *text = ag_arena_alloc(arena, (size_t)size + 1);
    if (!text) return NULL;
    va_start(arguments, format);
    vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}

size_t ag_arena_used(const ag_arena *arena)
{
    return arena->used;
}
