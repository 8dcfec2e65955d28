// SPDX-License-Identifier: Apache-2.0
/* safetensors.c: the reader. Checks in this order, so that no size is used before it is known to be possible: length of
 * the header against the file and the limit, JSON against its limits, each entry alone (dtype, shape whose product
 * fits, offsets in order and of the right size), then all together: sorted by place they must lie side by side from the
 * first to the last byte. That rules out overlaps, gaps, and bytes that belong to nobody. The JSON reader refuses names
 * that occur twice. Padding is not asked for: files of old writers have none, and tensors are read by memcpy. */
#include "learn/nn/checkpoint/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/json.h"

static int by_place(const void *a, const void *b)
{
    const ag_tensor *x = a, *y = b;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    if (x->count != y->count) return x->count < y->count ? -1 : 1; /* an empty one lies before its neighbour */
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    const ag_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int refuse(ag_err *err, const ag_tensor *tensor, const char *why)
{
    return ag_fail(err, AG_EPARSE, "tensor '%.200s': %s", tensor->name, why);
}

static int read_shape(const ag_value *list, ag_tensor *tensor, ag_err *err)
{
    if (!list || list->kind != AG_ARRAY) return refuse(err, tensor, "its shape is not a list");
    if (list->array.count > AG_MAX_AXES)
        return ag_fail(err, AG_EUNSUPPORTED, "tensor '%.200s' has %zu axes; at most %d are read here", tensor->name,
                       list->array.count, AG_MAX_AXES);
    tensor->shape.axes = (int)list->array.count;
    for (size_t i = 0; i < list->array.count; i++) {
        const ag_value *item = &list->array.items[i];
        if (item->kind != AG_INT || item->integer < 0) return refuse(err, tensor, "its shape is not of whole numbers");
        tensor->shape.at[i] = item->integer;
    }
    if ((tensor->count = ag_shape_size(&tensor->shape)) < 0)
        return ag_fail(err, AG_ELIMIT, "tensor '%.200s' is larger than anything that could be read", tensor->name);
    return 0;
}

static int read_place(const ag_value *list, ag_str data, ag_tensor *tensor, ag_err *err)
{
    const ag_value *from = list ? ag_value_item(list, 0) : NULL, *to = list ? ag_value_item(list, 1) : NULL;
    if (!to || list->array.count != 2 || from->kind != AG_INT || to->kind != AG_INT)
        return refuse(err, tensor, "its data_offsets are not two whole numbers");
    if (from->integer < 0 || to->integer < from->integer || (uint64_t)to->integer > data.size)
        return ag_fail(err, AG_EPARSE, "tensor '%.200s': its data_offsets [%lld, %lld] leave the %zu bytes of data",
                       tensor->name, (long long)from->integer, (long long)to->integer, data.size);
    uint64_t size = (uint64_t)(to->integer - from->integer);
    if (size != (uint64_t)tensor->count * ag_dtype_size(tensor->dtype)) {
        char shape[AG_SHAPE_TEXT];
        return ag_fail(err, AG_EPARSE, "tensor '%.200s': %llu bytes do not hold %s of shape %s", tensor->name,
                       (unsigned long long)size, ag_dtype_name(tensor->dtype), ag_shape_format(&tensor->shape, shape));
    }
    tensor->from = (uint64_t)from->integer;
    tensor->data = (const uint8_t *)data.data + from->integer;
    return 0;
}

static int read_entry(const ag_member *member, ag_str data, ag_arena *arena, ag_tensor *tensor, ag_err *err)
{
    if (memchr(member->name.data, 0, member->name.size))
        return ag_fail(err, AG_EPARSE, "the name of a tensor has a NUL byte in it");
    if (!(tensor->name = ag_arena_strndup(arena, member->name.data, member->name.size)))
        return ag_fail_memory(err, member->name.size);
    const ag_value *entry = &member->value;
    ag_str dtype;
    if (entry->kind != AG_OBJECT) return refuse(err, tensor, "its description is not an object");
    if (!ag_value_string(ag_value_get(entry, "dtype"), &dtype)) return refuse(err, tensor, "it has no dtype");
    if (entry->object.count != 3) return refuse(err, tensor, "it must have dtype, shape and data_offsets, no more");
    int rc = ag_dtype_find(dtype, &tensor->dtype, err);
    if (rc < 0) return ag_err_prefix(err, "tensor '%.200s'", tensor->name);
    if ((rc = read_shape(ag_value_get(entry, "shape"), tensor, err)) < 0) return rc;
    return read_place(ag_value_get(entry, "data_offsets"), data, tensor, err);
}

static int read_metadata(const ag_value *value, ag_err *err)
{
    bool good = value->kind == AG_OBJECT;
    for (size_t i = 0; good && i < value->object.count; i++) good = value->object.members[i].value.kind == AG_STRING;
    return good ? 0 : ag_fail(err, AG_EPARSE, "__metadata__ is not an object of strings");
}

static int check_places(const ag_tensor *tensors, size_t count, uint64_t data_size, ag_err *err)
{
    uint64_t end = 0;
    for (size_t i = 0; i < count; i++) {
        if (tensors[i].from != end)
            return ag_fail(err, AG_EPARSE,
                           "tensor '%.200s' begins at byte %llu of the data, but the one before it ends at %llu",
                           tensors[i].name, (unsigned long long)tensors[i].from, (unsigned long long)end);
        end += (uint64_t)tensors[i].count * ag_dtype_size(tensors[i].dtype);
    }
    if (end == data_size) return 0;
    return ag_fail(err, AG_EPARSE, "the tensors take %llu bytes, but the file has %llu bytes of data",
                   (unsigned long long)end, (unsigned long long)data_size);
}

static int read_entries(ag_safetensors *file, const ag_value *header, ag_str data, ag_err *err)
{
    int rc = 0;
    size_t members = header->object.count, count = 0;
    ag_tensor *tensors = ag_arena_array(file->arena, members, sizeof *tensors);
    file->by_name = ag_arena_array(file->arena, members, sizeof(ag_tensor *));
    if (members && (!tensors || !file->by_name)) return ag_fail_memory(err, members * sizeof *tensors);
    for (size_t i = 0; i < members && rc >= 0; i++) {
        const ag_member *member = &header->object.members[i];
        if (!ag_str_is(member->name, "__metadata__")) {
            rc = read_entry(member, data, file->arena, &tensors[count++], err);
        } else if ((rc = read_metadata(&member->value, err)) >= 0) {
            file->metadata = &member->value;
        }
    }
    if (rc < 0) return rc;
    if (count) qsort(tensors, count, sizeof *tensors, by_place);
    for (size_t i = 0; i < count; i++) file->by_name[i] = &tensors[i];
    if (count) qsort(file->by_name, count, sizeof(ag_tensor *), by_name);
    file->tensors = tensors;
    file->count = count;
    file->data_size = data.size;
    return check_places(tensors, count, data.size, err);
}

static int read_header(ag_str bytes, const char *name, ag_str *header, ag_err *err)
{
    uint64_t size = 0;
    (void)name;
    if (bytes.size < 8)
        return ag_fail(err, AG_EPARSE, "a safetensors file has at least 8 bytes, this one %zu", bytes.size);
    memcpy(&size, bytes.data, sizeof size);
    if (size > AG_SAFETENSORS_MAX_HEADER)
        return ag_fail(err, AG_ELIMIT, "the header would be %llu bytes long; this is no safetensors file",
                       (unsigned long long)size);
    if (size > bytes.size - 8)
        return ag_fail(err, AG_EPARSE, "the header would be %llu bytes long, but the file ends after %zu",
                       (unsigned long long)size, bytes.size);
    *header = (ag_str){bytes.data + 8, (size_t)size};
    if (!size || header->data[0] != '{') return ag_fail(err, AG_EPARSE, "the header does not begin with '{'");
    return 0;
}

int ag_safetensors_parse(ag_str bytes, const char *name, ag_safetensors **out, ag_err *err)
{
    ag_safetensors *file = ag_calloc(1, sizeof *file);
    if (!file) return ag_fail_memory(err, sizeof *file);
    const ag_value *tree = NULL;
    ag_str header;
    ag_json_options options = {
        .file = name, .max_bytes = AG_SAFETENSORS_MAX_HEADER, .max_depth = 4, .max_values = AG_SAFETENSORS_MAX_VALUES};
    int rc = read_header(bytes, name, &header, err);
    if (rc < 0) goto out;
    if (!(file->arena = ag_arena_new(0))) {
        rc = ag_fail_memory(err, 64);
        goto out;
    }
    if ((rc = ag_json_parse(file->arena, header, &options, &tree, err)) < 0) {
        ag_err_prefix(err, "header");
        goto out;
    }
    ag_str data = {bytes.data + 8 + header.size, bytes.size - 8 - header.size};
    if ((rc = read_entries(file, tree, data, err)) < 0) goto out;
    *out = file;
    file = NULL;
out:
    if (rc < 0 && name && err && !*err->file) ag_err_place(err, name, 0, 0);
    ag_safetensors_free(file);
    return rc;
}

int ag_safetensors_open(const char *path, ag_safetensors **out, ag_err *err)
{
    ag_mapping mapping = {0};
    int rc = ag_map_file(path, &mapping, err);
    if (rc < 0) return rc;
    if ((rc = ag_safetensors_parse((ag_str){mapping.data, mapping.size}, path, out, err)) < 0)
        ag_unmap_file(&mapping);
    else
        (*out)->mapping = mapping;
    return rc;
}

void ag_safetensors_free(ag_safetensors *file)
{
    if (!file) return;
    for (size_t i = 0; i < file->shard_count; i++) ag_safetensors_free(file->shards[i]);
    ag_arena_free(file->arena);
    if (file->mapping.data) ag_unmap_file(&file->mapping);
    ag_free(file);
}

const ag_tensor *ag_safetensors_find(const ag_safetensors *file, const char *name)
{
    ag_tensor key = {.name = name};
    const ag_tensor *wanted = &key;
    const ag_tensor *const *found =
        file->count ? bsearch(&wanted, file->by_name, file->count, sizeof(ag_tensor *), by_name) : NULL;
    return found ? *found : NULL;
}

const char *ag_safetensors_metadata(const ag_safetensors *file, const char *name)
{
    ag_str text;
    if (!file->metadata || !ag_value_string(ag_value_get(file->metadata, name), &text)) return NULL;
    return memchr(text.data, 0, text.size) ? NULL : ag_arena_strndup(file->arena, text.data, text.size);
}
