// SPDX-License-Identifier: Apache-2.0
/* pack.c: see pack.h. The hash finds what broke by chance; everything else is checked because anybody can make a hash.
 */
#include "learn/pack.h"

#include <string.h>

#include "core/hash/hash.h"
#include "core/io/file.h"
#include "core/io/path.h"

enum { MAGIC = 8, DIGEST = 32, COUNT_AT = MAGIC + DIGEST, HEAD = COUNT_AT + 4, FILE_HEAD = 10, MAX_FILES = 4096 };

static const char magic[MAGIC + 1] = "AUGERPK1";

/* ---- writing ---- */

static void put_number(char *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) out[i] = (char)(uint8_t)(value >> (8 * i));
}

int ag_pack_begin(ag_buf *out, ag_err *err)
{
    ag_buf_clear(out);
    (void)ag_buf_add(out, magic, MAGIC);
    (void)ag_buf_add_fill(out, '\0', DIGEST + 4);
    return ag_buf_check(out, "the packed model", err);
}

int ag_pack_add(ag_buf *out, const char *path, const char *file, ag_err *err)
{
    char head[FILE_HEAD];
    size_t length = strlen(path), at = out->size;
    int rc = ag_path_check(ag_str_of(path), err);
    if (rc < 0) return rc;
    (void)ag_buf_add_fill(out, '\0', FILE_HEAD);
    (void)ag_buf_add(out, path, length);
    if ((rc = ag_buf_check(out, "the packed model", err)) < 0) return rc;
    size_t before = out->size;
    if ((rc = ag_file_read(file, out->max - out->size, out, err)) < 0) return rc;
    put_number(head, length, 2);
    put_number(head + 2, out->size - before, 8);
    memcpy(out->data + at, head, sizeof head);
    return 0;
}

int ag_pack_end(ag_buf *out, uint32_t count, ag_err *err)
{
    ag_sha256 digest;
    put_number(out->data + COUNT_AT, count, 4);
    int rc = ag_sha256_of(out->data + COUNT_AT, out->size - COUNT_AT, &digest, err);
    if (rc >= 0) memcpy(out->data + MAGIC, digest.bytes, DIGEST);
    return rc;
}

/* ---- reading ---- */

static uint64_t get_number(const char *from, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--) value = value << 8 | (uint8_t)from[i];
    return value;
}

static int check_head(ag_str bytes, ag_err *err)
{
    ag_sha256 found, said;
    if (bytes.size < HEAD || memcmp(bytes.data, magic, MAGIC) != 0)
        return ag_fail(err, AG_ECORRUPT, "these bytes are no packed model");
    memcpy(said.bytes, bytes.data + MAGIC, DIGEST);
    int rc = ag_sha256_of(bytes.data + COUNT_AT, bytes.size - COUNT_AT, &found, err);
    if (rc < 0) return rc;
    return ag_sha256_equal(&found, &said) ? 0
                                          : ag_fail(err, AG_ECORRUPT, "the packed model is damaged: its hash differs");
}

static int check_twice(const ag_vec *files, const char *path, ag_err *err)
{
    size_t size = strlen(path);
    for (size_t i = 0; i < files->count; i++) {
        const char *other = ((const ag_pack_file *)ag_vec_at(files, i))->path;
        size_t length = strlen(other), shorter = size < length ? size : length;
        if (memcmp(other, path, shorter) != 0) continue;
        char behind = size < length ? other[size] : path[length];
        if (size == length || behind == '/') return ag_fail(err, AG_ECORRUPT, "the packed model names %s twice", path);
    }
    return 0;
}

static int take_file(ag_str *rest, ag_arena *arena, ag_vec *files, ag_err *err)
{
    if (rest->size < FILE_HEAD) return ag_fail(err, AG_ECORRUPT, "the packed model ends inside of a file");
    uint64_t length = get_number(rest->data, 2), size = get_number(rest->data + 2, 8);
    *rest = ag_str_slice(*rest, FILE_HEAD, SIZE_MAX);
    if (length > rest->size || size > rest->size - length)
        return ag_fail(err, AG_ECORRUPT, "the packed model ends inside of a file");
    ag_str path = ag_str_slice(*rest, 0, (size_t)length);
    int rc = ag_path_check(path, err);
    if (rc < 0) return ag_err_prefix(err, "the packed model");
    ag_pack_file file = {.path = ag_arena_strndup(arena, path.data, path.size),
                         .bytes = ag_str_slice(*rest, (size_t)length, (size_t)size)};
    if (!file.path) return ag_fail_memory(err, path.size);
    *rest = ag_str_slice(*rest, (size_t)(length + size), SIZE_MAX);
    rc = check_twice(files, file.path, err);
    return rc < 0 ? rc : ag_vec_push(files, &file, err);
}

int ag_pack_parse(ag_str bytes, ag_arena *arena, ag_vec *files, ag_err *err)
{
    int rc = check_head(bytes, err);
    if (rc < 0) return rc;
    uint64_t count = get_number(bytes.data + COUNT_AT, 4);
    ag_str rest = ag_str_slice(bytes, HEAD, SIZE_MAX);
    if (count > MAX_FILES || count * FILE_HEAD > rest.size)
        return ag_fail(err, AG_ECORRUPT, "the packed model says that it has %llu files", (unsigned long long)count);
    for (uint64_t i = 0; i < count && rc >= 0; i++) rc = take_file(&rest, arena, files, err);
    if (rc >= 0 && rest.size) rc = ag_fail(err, AG_ECORRUPT, "something stands behind the packed model");
    return rc;
}

int ag_pack_write(const ag_vec *files, const char *directory, ag_arena *arena, ag_err *err)
{
    int rc = ag_dir_make(directory, err);
    for (size_t i = 0; i < files->count && rc >= 0; i++) {
        const ag_pack_file *file = ag_vec_at(files, i);
        char *path = NULL;
        ag_str parent = ag_path_parent(ag_str_of(file->path));
        const char *folder = ag_arena_printf(arena, "%s/%.*s", directory, AG_STR_ARG(parent));
        rc = folder ? ag_dir_make(folder, err) : ag_fail_memory(err, parent.size);
        if (rc >= 0) rc = ag_path_under(arena, directory, ag_str_of(file->path), &path, err);
        if (rc >= 0) rc = ag_file_replace(path, file->bytes.data, file->bytes.size, err);
    }
    return rc;
}
