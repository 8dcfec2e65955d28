// SPDX-License-Identifier: Apache-2.0
#pragma once
/* every_table.h: what the tests of kernels share: a test of each table that this processor can use, and numbers. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "learn/nn/check.h"

typedef void each_table(const ag_kernels *kernels);

static inline void with_every_table(each_table *test)
{
    size_t count = 0;
    const ag_kernels *const *tables = ag_kernels_all(&count);
    for (size_t i = 0; i < count; i++)
        if (tables[i]->usable()) test(tables[i]);
}

/* Drawing is slower than what is tested: each stream is drawn once, as far as it is needed. */
typedef struct drawn {
    const char *name;
    ag_rng rng;
    ag_real *values;
    int64_t count;
} drawn;

static inline drawn *stream_of(const char *name)
{
    static drawn streams[64];
    size_t i = 0;
    while (i < 64 && streams[i].name && strcmp(streams[i].name, name) != 0) i++;
    assert_true(i < 64);
    if (!streams[i].name) streams[i] = (drawn){.name = name, .rng = ag_rng_stream(1, name)};
    return &streams[i];
}

/* The caller frees them; the same for the same name. */
static inline ag_real *numbers(int64_t count, const char *name)
{
    drawn *stream = stream_of(name);
    if (count > stream->count) {
        stream->values = ag_realloc_array(stream->values, (size_t)count, sizeof *stream->values);
        assert_non_null(stream->values);
    }
    for (; stream->count < count; stream->count++) stream->values[stream->count] = (ag_real)ag_rng_normal(&stream->rng);
    ag_real *x = ag_alloc_array((size_t)count + 1, sizeof *x);
    assert_non_null(x);
    if (count) memcpy(x, stream->values, (size_t)count * sizeof *x);
    return x;
}
