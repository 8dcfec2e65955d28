// SPDX-License-Identifier: Apache-2.0
/* npy_write.c: writing .npy, version 1.0, in this machine's byte order and C order, the data at a multiple of 64 bytes
 * as NumPy does. A header whose row count is not known yet is padded for the largest count, so that the real one fits
 * in the same bytes at commit. Threads: one writer belongs to one thread. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/npy.h"

#define PREAMBLE 10
#define ALIGNMENT 64
#define HEADER_SIZE 1024 /* 32 dimensions of 20 digits and the rest of the dictionary fit */

struct ag_npy_writer {
    ag_replace *replace;
    char *path;
    ag_npy_type type;
    size_t dimensions;                     /* with the rows */
    uint64_t shape[AG_NPY_MAX_DIMENSIONS]; /* shape[0]: rows so far */
    size_t row_bytes;
    size_t header_size;
    bool failed; /* some rows may be there in part */
};

static char code_of(ag_npy_type type)
{
    if (type == AG_NPY_BOOL) return 'b';
    if (type >= AG_NPY_FLOAT16) return 'f';
    return type >= AG_NPY_UINT8 ? 'u' : 'i';
}

/* The whole header into `out`, padded to `size` bytes (0: to the next multiple of the alignment). Its size. */
static size_t format_header(char out[HEADER_SIZE], ag_npy_type type, const uint64_t *shape, size_t dimensions,
                            size_t size)
{
    char order = ag_npy_type_size(type) == 1 ? '|' : __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>';
    size_t at = PREAMBLE;
    at += (size_t)snprintf(out + at, HEADER_SIZE - at, "{'descr': '%c%c%zu', 'fortran_order': False, 'shape': (", order,
                           code_of(type), ag_npy_type_size(type));
    for (size_t i = 0; i < dimensions; i++)
        at += (size_t)snprintf(out + at, HEADER_SIZE - at, "%s%llu%s", i ? " " : "", (unsigned long long)shape[i],
                               i + 1 < dimensions || dimensions == 1 ? "," : "");
    at += (size_t)snprintf(out + at, HEADER_SIZE - at, "), }");
    if (size == 0) size = (at + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memset(out + at, ' ', size - at);
    out[size - 1] = '\n';
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)((size - PREAMBLE) & 255);
    out[9] = (char)((size - PREAMBLE) >> 8);
    return size;
}

/* Bytes of all items; AG_ELIMIT when they do not fit. */
static int size_of(ag_npy_type type, const uint64_t *shape, size_t dimensions, size_t *out, ag_err *err)
{
    size_t bytes = ag_npy_type_size(type);
    bool fits = dimensions <= AG_NPY_MAX_DIMENSIONS, none = false;
    for (size_t i = 0; i < dimensions && fits; i++) none |= shape[i] == 0;
    for (size_t i = 0; i < dimensions && fits && !none; i++) fits = !__builtin_mul_overflow(bytes, shape[i], &bytes);
    if (!fits || bytes > PTRDIFF_MAX) return ag_fail(err, AG_ELIMIT, "the shape of the array to write is too large");
    *out = none ? 0 : bytes;
    return AG_OK;
}

int ag_npy_write_to(ag_writer *sink, ag_npy_type type, const uint64_t *shape, size_t dimensions, const void *data,
                    ag_err *err)
{
    char header[HEADER_SIZE];
    size_t bytes = 0;
    int rc = size_of(type, shape, dimensions, &bytes, err);
    if (rc < 0) return rc;
    rc = ag_write(sink, header, format_header(header, type, shape, dimensions, 0), err);
    return rc < 0 ? rc : ag_write(sink, data, bytes, err);
}

int ag_npy_write(const char *path, ag_npy_type type, const uint64_t *shape, size_t dimensions, const void *data,
                 ag_err *err)
{
    ag_writer *sink = NULL;
    int rc = ag_writer_to_file(path, &sink, err);
    if (rc >= 0) rc = ag_npy_write_to(sink, type, shape, dimensions, data, err);
    if (rc >= 0) rc = ag_finish(sink, err);
    ag_writer_close(sink);
    return rc;
}

static int start(ag_npy_writer *writer, ag_err *err)
{
    char header[HEADER_SIZE];
    writer->shape[0] = UINT64_MAX; /* the longest it can become */
    writer->header_size = format_header(header, writer->type, writer->shape, writer->dimensions, 0);
    writer->shape[0] = 0;
    return ag_replace_write(writer->replace, header, writer->header_size, err);
}

int ag_npy_writer_open(const char *path, ag_npy_type type, const uint64_t *row_shape, size_t row_dimensions,
                       ag_npy_writer **out, ag_err *err)
{
    size_t row_bytes = 0;
    if (row_dimensions >= AG_NPY_MAX_DIMENSIONS)
        return ag_fail(err, AG_ELIMIT, "an array has at most %d dimensions", AG_NPY_MAX_DIMENSIONS);
    int rc = size_of(type, row_shape, row_dimensions, &row_bytes, err);
    if (rc < 0) return rc;
    ag_npy_writer *writer = ag_calloc(1, sizeof(*writer));
    if (!writer) return ag_fail_memory(err, sizeof(*writer));
    writer->type = type;
    writer->row_bytes = row_bytes;
    writer->dimensions = row_dimensions + 1;
    for (size_t i = 0; i < row_dimensions; i++) writer->shape[i + 1] = row_shape[i];
    rc = (writer->path = ag_strdup(path)) ? AG_OK : ag_fail_memory(err, strlen(path) + 1);
    if (rc >= 0) rc = ag_replace_open(path, &writer->replace, err);
    if (rc >= 0) rc = start(writer, err);
    if (rc < 0) {
        ag_npy_writer_free(writer);
        return rc;
    }
    *out = writer;
    return AG_OK;
}

int ag_npy_writer_add(ag_npy_writer *writer, const void *rows, uint64_t count, ag_err *err)
{
    size_t bytes;
    uint64_t after;
    if (__builtin_mul_overflow(writer->row_bytes, count, &bytes) ||
        __builtin_add_overflow(writer->shape[0], count, &after))
        return ag_fail(err, AG_ELIMIT, "'%s' would become too large", writer->path);
    int rc = ag_replace_write(writer->replace, rows, bytes, err);
    if (rc < 0)
        writer->failed = true;
    else
        writer->shape[0] = after;
    return rc;
}

int ag_npy_writer_commit(ag_npy_writer *writer, ag_err *err)
{
    char header[HEADER_SIZE];
    if (writer->failed) return ag_fail(err, AG_ECONFLICT, "'%s' could not be written whole", writer->path);
    format_header(header, writer->type, writer->shape, writer->dimensions, writer->header_size);
    int rc = ag_replace_write_at(writer->replace, 0, header, writer->header_size, err);
    return rc < 0 ? rc : ag_replace_commit(writer->replace, err);
}

void ag_npy_writer_free(ag_npy_writer *writer)
{
    if (!writer) return;
    ag_replace_free(writer->replace);
    ag_free(writer->path);
    ag_free(writer);
}
