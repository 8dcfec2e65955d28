// SPDX-License-Identifier: Apache-2.0
#pragma once
/* safetensors.h: files of named tensors: eight bytes with the header's length, a JSON header, the numbers. Nothing in
 * such a file is trusted: what is opened has passed every check that the format knows, so that its tensors can be read
 * without asking again. */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/doc/value.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "learn/nn/checkpoint/dtype.h"
#include "learn/nn/shape.h"

#define AG_SAFETENSORS_MAX_HEADER ((size_t)100 * 1000 * 1000) /* as Hugging Face's reader */
#define AG_SAFETENSORS_MAX_VALUES ((size_t)4 << 20)           /* of the header's JSON */

/* A tensor as it lies in the file. */
typedef struct ag_tensor {
    const char *name; /* valid UTF-8 without NUL */
    ag_dtype dtype;
    ag_shape shape;
    int64_t count;       /* of numbers */
    uint64_t from;       /* bytes behind the header */
    const uint8_t *data; /* count * size of dtype; not aligned */
} ag_tensor;

typedef struct ag_safetensors {
    const ag_tensor *tensors; /* in the order of their places */
    size_t count;
    const ag_value *metadata; /* an object of strings, or NULL */
    uint64_t data_size;
    /* private */
    ag_arena *arena;
    const ag_tensor **by_name;
    ag_mapping mapping;
    struct ag_safetensors **shards; /* the files that a whole was joined from */
    size_t shard_count;
} ag_safetensors;

/* `bytes` is a whole file and outlives the result. `file` (may be NULL) is for messages. */
int ag_safetensors_parse(ag_str bytes, const char *file, ag_safetensors **out, ag_err *err);
/* The same over a map of the file. Nobody may shorten the file until it is freed. */
int ag_safetensors_open(const char *path, ag_safetensors **out, ag_err *err);
/* Tensors in several files: `path` is the index (model.safetensors.index.json) that lies beside them. */
int ag_safetensors_open_index(const char *path, ag_safetensors **out, ag_err *err);
void ag_safetensors_free(ag_safetensors *file);
const ag_tensor *ag_safetensors_find(const ag_safetensors *file, const char *name); /* NULL when absent */
const char *ag_safetensors_metadata(const ag_safetensors *file, const char *name);  /* NULL when absent */

/* A tensor to write. */
typedef struct ag_tensor_source {
    const char *name;
    ag_dtype dtype; /* F32, F64 or I64 */
    ag_shape shape;
    const ag_real *values;
} ag_tensor_source;

typedef struct ag_safetensors_writing {
    const ag_tensor_source *tensors; /* in any order; names differ */
    size_t count;
    const char *const *metadata; /* name, value, name, value, ...; ended by NULL; may be NULL */
    ag_sha256 *digest;           /* of the whole file, and its size; may be NULL */
    uint64_t *size;
} ag_safetensors_writing;

/* Atomic replace. The same tensors give the same bytes, those that Hugging Face's writer makes. */
int ag_safetensors_write(const char *path, const ag_safetensors_writing *writing, ag_err *err);
