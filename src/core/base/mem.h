// SPDX-License-Identifier: Apache-2.0
#pragma once
/* mem.h: the heap, with fault injection. Every allocation of the project outside an arena goes through here, NULL on
 * failure; the caller reports it with ag_fail_memory(). Sizes of zero are allocated as one byte, so that NULL always
 * means failure. */
#include <stddef.h>
#include <stdint.h>

void *ag_alloc(size_t size);                                  /* not zeroed */
void *ag_calloc(size_t count, size_t size);                   /* zeroed; NULL when count * size overflows */
void *ag_alloc_array(size_t count, size_t size);              /* not zeroed; NULL when count * size overflows */
void *ag_realloc_array(void *old, size_t count, size_t size); /* old stays valid on failure */
void *ag_alloc_aligned(size_t alignment, size_t size);        /* a power of two; freed with ag_free() */
void *ag_alloc_large(
    size_t size); /* likewise, at least 64-aligned: for arrays of megabytes that are walked again and again */
char *ag_strdup(const char *text);               /* NULL gives NULL */
char *ag_strndup(const char *text, size_t size); /* always NUL-terminated */
void ag_free(void *memory);                      /* NULL is fine */

/* Overwrites memory that held a secret; the compiler cannot drop it. */
void ag_wipe(void *memory, size_t size);
