// SPDX-License-Identifier: Apache-2.0
/* npy_fuzz.c: whatever is taken can be copied and converted whole, and written again to an array that reads the same.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void check_again(const ag_npy *array, const void *items)
{
    ag_buf buf;
    ag_writer *sink;
    ag_npy again;
    ag_err err;
    ag_buf_init(&buf, SIZE_MAX / 2);
    check(ag_writer_to_buf(&buf, &sink, &err) >= 0);
    check(ag_npy_write_to(sink, array->type, array->shape, array->dimensions, items, &err) >= 0);
    check(ag_npy_parse(ag_buf_str(&buf), "again", &again, &err) >= 0);
    check(again.type == array->type && again.count == array->count && again.dimensions == array->dimensions);
    check(((uintptr_t)again.data - (uintptr_t)buf.data) % 64 == 0);
    check(again.count == 0 || memcmp(again.data, items, again.count * again.item_size) == 0);
    ag_writer_close(sink);
    ag_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_npy array;
    ag_err err = {0};
    if (ag_npy_parse((ag_str){(const char *)data, size}, "fuzz", &array, &err) < 0) {
        check(err.code < 0 && err.text[0]);
        return 0;
    }
    check(array.count * array.item_size <= size);
    void *items = ag_alloc(array.count * array.item_size);
    float *floats = ag_alloc_array(array.count, sizeof(float));
    double *doubles = ag_alloc_array(array.count, sizeof(double));
    check(items && floats && doubles);
    check(ag_npy_copy(&array, 0, array.count, items, &err) >= 0);
    check(ag_npy_to_float(&array, 0, array.count, floats, &err) >= 0);
    check(ag_npy_to_double(&array, 0, array.count, doubles, &err) >= 0);
    check(ag_npy_copy(&array, array.count, 1, items, &err) == AG_EINVAL);
    check_again(&array, items);
    ag_free(items);
    ag_free(floats);
    ag_free(doubles);
    return 0;
}
