// SPDX-License-Identifier: Apache-2.0
/* mem.c: the only place that calls malloc. Every allocation asks the fault injector first; zero bytes are one byte, so
 * NULL has one meaning. */
#include "core/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/fault.h"

void *ag_alloc(size_t size)
{
    if (ag_fault(AG_FAULT_ALLOC)) return NULL;
    return malloc(size ? size : 1);
}

void *ag_calloc(size_t count, size_t size)
{
    if (ag_fault(AG_FAULT_ALLOC)) return NULL;
    return calloc(count && size ? count : 1, count && size ? size : 1);
}

void *ag_alloc_array(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    return ag_alloc(bytes);
}

void *ag_realloc_array(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || ag_fault(AG_FAULT_ALLOC)) return NULL;
    return realloc(old, bytes ? bytes : 1);
}

void *ag_alloc_aligned(size_t alignment, size_t size)
{
    if (ag_fault(AG_FAULT_ALLOC)) return NULL;
    void *memory = NULL;
    if (alignment < sizeof(void *)) alignment = sizeof(void *);
    return posix_memalign(&memory, alignment, size ? size : 1) == 0 ? memory : NULL;
}

void *ag_alloc_large(size_t size)
{
    enum { HUGE_PAGE = 2 << 20, LINE = 64 };
    if (size < HUGE_PAGE) return ag_alloc_aligned(LINE, size);
    void *memory = ag_alloc_aligned(HUGE_PAGE, size);
#ifdef MADV_HUGEPAGE
    if (memory) (void)madvise(memory, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* only a wish */
#endif
    return memory;
}

char *ag_strdup(const char *text)
{
    return text ? ag_strndup(text, strlen(text)) : NULL;
}

char *ag_strndup(const char *text, size_t size)
{
    if (size == SIZE_MAX) return NULL;
    char *copy = ag_alloc(size + 1);
    if (!copy) return NULL;
    if (size) memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

void ag_free(void *memory)
{
    free(memory);
}

void ag_wipe(void *memory, size_t size)
{
    if (!memory) return;
    memset(memory, 0, size);
    __asm__ __volatile__("" : : "r"(memory) : "memory"); /* the stores are observed, so they stay */
}
