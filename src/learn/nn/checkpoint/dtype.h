// SPDX-License-Identifier: Apache-2.0
#pragma once
/* dtype.h: the number formats of stored tensors, and turning them into the engine's reals and back. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "learn/nn/real.h"

/* In the order in which Hugging Face's writer ranks them: its files hold the highest ones first. */
typedef enum ag_dtype {
    AG_DTYPE_BOOL,
    AG_DTYPE_U8,
    AG_DTYPE_I8,
    AG_DTYPE_I16,
    AG_DTYPE_U16,
    AG_DTYPE_F16,
    AG_DTYPE_BF16,
    AG_DTYPE_I32,
    AG_DTYPE_U32,
    AG_DTYPE_F32,
    AG_DTYPE_F64,
    AG_DTYPE_I64,
    AG_DTYPE_U64,
} ag_dtype;

const char *ag_dtype_name(ag_dtype dtype); /* "BF16" */
size_t ag_dtype_size(ag_dtype dtype);      /* bytes of one number */
bool ag_dtype_is_float(ag_dtype dtype);
/* AG_EUNSUPPORTED, naming it, for what the format knows and we do not read; AG_EPARSE for what it does not know. */
int ag_dtype_find(ag_str name, ag_dtype *out, ag_err *err);

/* `count` numbers that lie in little-endian order at `from`, which need not be aligned, rounded to nearest where the
 * engine's real cannot hold them. */
void ag_dtype_decode(ag_dtype dtype, const void *from, int64_t count, ag_real *out);
/* Into F32, F64 or I64 (a real is truncated); other types are never written. */
void ag_dtype_encode(ag_dtype dtype, const ag_real *from, int64_t count, void *out);
