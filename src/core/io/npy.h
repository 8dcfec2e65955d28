// SPDX-License-Identifier: Apache-2.0
#pragma once
/* npy.h: NumPy's .npy files, versions 1.0 to 3.0. Plain numbers and booleans in both byte orders, C and Fortran order.
 * Other types (complex, long double, text, objects, records) are refused by name; nothing is ever unpickled. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/io/file.h"
#include "core/io/stream.h"

#define AG_NPY_MAX_DIMENSIONS 32

typedef enum ag_npy_type {
    AG_NPY_BOOL,
    AG_NPY_INT8,
    AG_NPY_INT16,
    AG_NPY_INT32,
    AG_NPY_INT64,
    AG_NPY_UINT8,
    AG_NPY_UINT16,
    AG_NPY_UINT32,
    AG_NPY_UINT64,
    AG_NPY_FLOAT16, /* copied as its 16 bits: there is no such type in C */
    AG_NPY_FLOAT32,
    AG_NPY_FLOAT64,
} ag_npy_type;

/* An array as it lies in the file. */
typedef struct ag_npy {
    ag_npy_type type;
    bool swapped;      /* the bytes of an item are in the other order than this machine's */
    bool fortran;      /* the first index runs fastest */
    size_t dimensions; /* 0: one item */
    uint64_t shape[AG_NPY_MAX_DIMENSIONS];
    size_t count;     /* of items; count * item_size does not overflow */
    size_t item_size; /* bytes */
    const void *data; /* count * item_size bytes, not necessarily aligned */
} ag_npy;

/* A view into `bytes`, which must be a whole file: cut data is AG_ECORRUPT, bytes behind it too. `name` (may be NULL)
 * is for messages. */
int ag_npy_parse(ag_str bytes, const char *name, ag_npy *out, ag_err *err);

/* The same over a map of the file, which nobody may shorten meanwhile. Close it also when the array is not needed to
 * its end. */
typedef struct ag_npy_file {
    ag_npy array;
    ag_mapping mapping;
} ag_npy_file;
int ag_npy_open(const char *path, ag_npy_file *out, ag_err *err);
void ag_npy_close(ag_npy_file *file);
/* Items [from, from + count) in C order were read and hardly will be again: they need no memory any more. */
void ag_npy_passed(const ag_npy_file *file, size_t from, size_t count);

/* Items [from, from + count) in C order and this machine's byte order, whatever the file has: as they are, or converted
 * (rounded to nearest where the type cannot hold them; booleans give 0 and 1). AG_EINVAL beyond the end. */
int ag_npy_copy(const ag_npy *array, size_t from, size_t count, void *out, ag_err *err);
int ag_npy_to_float(const ag_npy *array, size_t from, size_t count, float *out, ag_err *err);
int ag_npy_to_double(const ag_npy *array, size_t from, size_t count, double *out, ag_err *err);

const char *ag_npy_type_name(ag_npy_type type); /* "float32" */
size_t ag_npy_type_size(ag_npy_type type);

/* A whole array from memory, C order; atomic replace of the file. */
int ag_npy_write(const char *path, ag_npy_type type, const uint64_t *shape, size_t dimensions, const void *data,
                 ag_err *err);
int ag_npy_write_to(ag_writer *sink, ag_npy_type type, const uint64_t *shape, size_t dimensions, const void *data,
                    ag_err *err);

/* An array whose first dimension is known only at the end: rows of the given shape are added, the header is corrected
 * at commit. Until then nothing is visible under `path`. */
typedef struct ag_npy_writer ag_npy_writer;
int ag_npy_writer_open(const char *path, ag_npy_type type, const uint64_t *row_shape, size_t row_dimensions,
                       ag_npy_writer **out, ag_err *err);
int ag_npy_writer_add(ag_npy_writer *writer, const void *rows, uint64_t count, ag_err *err);
int ag_npy_writer_commit(ag_npy_writer *writer, ag_err *err); /* may fail; free it in any case */
void ag_npy_writer_free(ag_npy_writer *writer);
