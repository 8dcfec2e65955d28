// SPDX-License-Identifier: Apache-2.0
/* safetensors_write.c: the writer. Follows Hugging Face's serialiser to the byte: the metadata first, tensors by
 * falling rank of their dtype and then by name, no blanks in the JSON, the header padded with blanks to a multiple of
 * eight, the numbers side by side in the same order. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/json.h"
#include "learn/nn/checkpoint/safetensors.h"

typedef struct sink {
    ag_replace *file;
    ag_hasher *hasher;
    uint64_t size;
} sink;

static int by_rank(const void *a, const void *b)
{
    const ag_tensor_source *const *x = a, *const *y = b;
    if ((*x)->dtype != (*y)->dtype) return (*x)->dtype > (*y)->dtype ? -1 : 1;
    return strcmp((*x)->name, (*y)->name);
}

static int put(sink *to, const void *bytes, size_t size, ag_err *err)
{
    int rc = ag_replace_write(to->file, bytes, size, err);
    to->size += size;
    return rc < 0 || !to->hasher ? rc : ag_hasher_add(to->hasher, bytes, size, err);
}

static void write_metadata(ag_json *json, const char *const *pairs)
{
    if (!pairs || !*pairs) return;
    ag_json_name(json, "__metadata__");
    ag_json_begin_object(json);
    for (; *pairs; pairs += 2) ag_json_put_text(json, pairs[0], pairs[1]);
    ag_json_end_object(json);
}

static uint64_t write_entry(ag_json *json, const ag_tensor_source *tensor, uint64_t from)
{
    uint64_t to = from + (uint64_t)ag_shape_size(&tensor->shape) * ag_dtype_size(tensor->dtype);
    ag_json_name(json, tensor->name);
    ag_json_begin_object(json);
    ag_json_put_text(json, "dtype", ag_dtype_name(tensor->dtype));
    ag_json_name(json, "shape");
    ag_json_begin_array(json);
    for (int i = 0; i < tensor->shape.axes; i++) ag_json_int(json, tensor->shape.at[i]);
    ag_json_end_array(json);
    ag_json_name(json, "data_offsets");
    ag_json_begin_array(json);
    ag_json_uint(json, from);
    ag_json_uint(json, to);
    ag_json_end_array(json);
    ag_json_end_object(json);
    return to;
}

static int put_header(sink *to, const ag_tensor_source *const *order, const ag_safetensors_writing *writing,
                      ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, AG_SAFETENSORS_MAX_HEADER);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    uint64_t offset = 0;
    ag_json_begin_object(&json);
    write_metadata(&json, writing->metadata);
    for (size_t i = 0; i < writing->count; i++) offset = write_entry(&json, order[i], offset);
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, err);
    if (rc < 0) goto out;
    ag_buf_add_fill(&buf, ' ', (8 - buf.size % 8) % 8);
    if ((rc = ag_buf_check(&buf, "header", err)) < 0) goto out;
    uint64_t size = buf.size;
    if ((rc = put(to, &size, sizeof size, err)) < 0) goto out;
    rc = put(to, buf.data, buf.size, err);
out:
    ag_buf_deinit(&buf);
    return rc;
}

static int put_values(sink *to, const ag_tensor_source *tensor, ag_err *err)
{
    enum { PIECE = 1024 };
    uint8_t piece[PIECE * 8];
    int64_t count = ag_shape_size(&tensor->shape);
    if (tensor->dtype == AG_DTYPE_F32 && !AG_REAL_IS_DOUBLE)
        return put(to, tensor->values, (size_t)count * sizeof(ag_real), err);
    for (int64_t i = 0; i < count; i += PIECE) {
        int64_t now = count - i < PIECE ? count - i : PIECE;
        ag_dtype_encode(tensor->dtype, tensor->values + i, now, piece);
        int rc = put(to, piece, (size_t)now * ag_dtype_size(tensor->dtype), err);
        if (rc < 0) return rc;
    }
    return 0;
}

static int check_order(const ag_tensor_source *const *order, size_t count, ag_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (ag_shape_size(&order[i]->shape) < 0)
            return ag_fail(err, AG_ELIMIT, "tensor '%s' is too large", order[i]->name);
        if (i && strcmp(order[i]->name, order[i - 1]->name) == 0)
            return ag_fail(err, AG_EINVAL, "two tensors are named '%s'", order[i]->name);
    }
    return 0;
}

int ag_safetensors_write(const char *path, const ag_safetensors_writing *writing, ag_err *err)
{
    int rc = 0;
    sink to = {0};
    const ag_tensor_source **order = ag_alloc_array(writing->count, sizeof *order);
    if (!order) return ag_fail_memory(err, writing->count * sizeof *order);
    for (size_t i = 0; i < writing->count; i++) order[i] = &writing->tensors[i];
    if (writing->count) qsort(order, writing->count, sizeof *order, by_rank);
    if ((rc = check_order(order, writing->count, err)) < 0) goto out;
    if (writing->digest && (rc = ag_hasher_new(&to.hasher, err)) < 0) goto out;
    if ((rc = ag_replace_open(path, &to.file, err)) < 0) goto out;
    if ((rc = put_header(&to, order, writing, err)) < 0) goto out;
    for (size_t i = 0; i < writing->count && rc >= 0; i++) rc = put_values(&to, order[i], err);
    if (rc < 0 || (rc = ag_replace_commit(to.file, err)) < 0) goto out;
    if (writing->digest) rc = ag_hasher_finish(to.hasher, writing->digest, err);
    if (writing->size) *writing->size = to.size;
out:
    ag_replace_free(to.file);
    ag_hasher_free(to.hasher);
    ag_free(order);
    return rc;
}
