// SPDX-License-Identifier: Apache-2.0
/* tree_s3.c: an artifact tree below a prefix of an S3 bucket. Content of up to one part is one PUT, larger content a
 * multi-part upload, which becomes visible as a whole. Reading asks for 8 MiB at a time and names the object's version
 * with each (If-Match), so a cut connection costs one window and a file that is replaced meanwhile is noticed.
 * Memory: one part or one window. Threads: any. */
#include <string.h>

#include "core/base/mem.h"
#include "core/blob/s3.h"
#include "core/blob/tree.h"
#include "core/io/path.h"

#define WINDOW ((uint64_t)8 << 20)

typedef struct tree_s3 {
    s3 *client;
    ag_cancel *cancel;
} tree_s3;

static int open_tree(void *state, const char *address, ag_cancel *cancel, ag_err *err)
{
    tree_s3 *self = state;
    self->cancel = cancel;
    return s3_open(address, cancel, &self->client, err);
}

static void close_tree(void *state)
{
    tree_s3 *self = state;
    s3_close(self->client);
    self->client = NULL;
}

/* `part` holds a full part already. */
static int put_parts(tree_s3 *self, const char *path, ag_reader *content, char *part, uint64_t *size, ag_err *err)
{
    s3_upload *upload = NULL;
    ptrdiff_t have = (ptrdiff_t)S3_PART_SIZE;
    int rc = s3_upload_begin(self->client, path, &upload, err);
    while (rc >= 0 && have > 0) {
        if ((rc = s3_upload_part(upload, (ag_str){part, (size_t)have}, err)) < 0) break;
        *size += (uint64_t)have;
        if ((have = ag_read_full(content, part, S3_PART_SIZE, err)) < 0) rc = (int)have;
    }
    if (rc >= 0) rc = s3_upload_finish(upload, err);
    s3_upload_free(upload);
    return rc;
}

static int put_tree(void *state, const char *path, ag_reader *content, uint64_t *size, ag_err *err)
{
    tree_s3 *self = state;
    int rc = ag_cancel_check(self->cancel, err);
    if (rc < 0) return rc;
    char *part = ag_alloc(S3_PART_SIZE);
    if (!part) return ag_fail_memory(err, S3_PART_SIZE);
    ptrdiff_t have = ag_read_full(content, part, S3_PART_SIZE, err);
    if (have < 0) {
        rc = (int)have;
    } else if ((size_t)have < S3_PART_SIZE) {
        rc = s3_put(self->client, path, (ag_str){part, (size_t)have}, err);
        *size = (uint64_t)have;
    } else {
        rc = put_parts(self, path, content, part, size, err);
    }
    ag_free(part);
    return rc;
}

typedef struct window_reader {
    ag_reader base;
    s3 *client;
    char *path;
    s3_info info;
    uint64_t next, end; /* what is still to be asked for */
    ag_buf window;
    size_t at;
} window_reader;

static int next_window(window_reader *self, ag_err *err)
{
    uint64_t wanted = self->end - self->next < WINDOW ? self->end - self->next : WINDOW;
    ag_buf_clear(&self->window);
    self->at = 0;
    int rc = s3_get(self->client, self->path, self->next, wanted, self->info.etag, &self->window, err);
    if (rc == AG_ENOTFOUND || rc == AG_ECONFLICT)
        return ag_fail(err, AG_ECONFLICT, "'%s' was replaced while it was read", self->path);
    if (rc < 0) return rc;
    if (self->window.size != wanted)
        return ag_fail(err, AG_ECORRUPT, "the S3 server gave less of '%s' than it has", self->path);
    self->next += wanted;
    return 0;
}

static ptrdiff_t window_read(ag_reader *base, void *into, size_t size, ag_err *err)
{
    window_reader *self = (window_reader *)base;
    int rc;
    if (self->at == self->window.size) {
        if (self->next == self->end) return 0;
        if ((rc = next_window(self, err)) < 0) return rc;
    }
    size_t part = self->window.size - self->at < size ? self->window.size - self->at : size;
    memcpy(into, self->window.data + self->at, part);
    self->at += part;
    return (ptrdiff_t)part;
}

static void window_close(ag_reader *base)
{
    window_reader *self = (window_reader *)base;
    ag_buf_deinit(&self->window);
    ag_free(self->path);
    ag_free(self);
}

static int get_tree(void *state, const char *path, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err)
{
    window_reader *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    self->base = (ag_reader){window_read, window_close};
    self->client = ((tree_s3 *)state)->client;
    ag_buf_init(&self->window, WINDOW);
    int rc = (self->path = ag_strdup(path)) ? s3_head(self->client, path, &self->info, err)
                                            : ag_fail_memory(err, strlen(path));
    if (rc < 0) {
        window_close(&self->base);
        return rc;
    }
    self->next = offset < self->info.size ? offset : self->info.size;
    self->end = size < self->info.size - self->next ? self->next + size : self->info.size;
    *out = &self->base;
    return 0;
}

typedef struct listing {
    ag_arena *arena;
    ag_vec *entries;
    size_t skip; /* of the directory and its '/' */
    unsigned seen;
} listing;

static int list_entry(void *context, const s3_entry *found, ag_err *err)
{
    listing *l = context;
    const char *name = found->key + l->skip;
    size_t size = strlen(name);
    l->seen++;
    if (found->is_prefix && size && name[size - 1] == '/') size--;
    /* an object "DIR/" that other tools make to show an empty directory, or a name that no path may have */
    if (size == 0 || ag_path_check((ag_str){name, size}, NULL) < 0) return 0;
    ag_tree_entry entry = {ag_arena_strndup(l->arena, name, size), found->size, found->modified, found->is_prefix};
    return entry.name ? ag_vec_push(l->entries, &entry, err) : ag_fail_memory(err, size);
}

static int list_tree(void *state, const char *path, ag_arena *arena, ag_vec *entries, ag_err *err)
{
    tree_s3 *self = state;
    s3_info info;
    listing l = {arena, entries, path[0] ? strlen(path) + 1 : 0, 0};
    const char *prefix = path[0] ? ag_arena_printf(arena, "%s/", path) : "";
    if (!prefix) return ag_fail_memory(err, strlen(path));
    int rc = s3_list(self->client, prefix, true, 0, list_entry, &l, err);
    if (rc < 0 || l.seen || !path[0]) return rc;
    if (s3_head(self->client, path, &info, NULL) >= 0)
        return ag_fail(err, AG_EINVAL, "'%s' is a file, no directory", path);
    return ag_fail(err, AG_ENOTFOUND, "no directory '%s' in the artifact store", path);
}

static int count_entry(void *context, const s3_entry *entry, ag_err *err)
{
    (void)entry;
    (void)err;
    ++*(unsigned *)context;
    return 0;
}

static int is_directory(tree_s3 *self, const char *path, ag_err *err)
{
    char prefix[4200];
    unsigned count = 0;
    ag_format(prefix, sizeof(prefix), "%s/", path);
    int rc = s3_list(self->client, prefix, false, 1, count_entry, &count, err);
    return rc < 0 ? rc : count > 0;
}

static int stat_tree(void *state, const char *path, ag_tree_entry *out, ag_err *err)
{
    tree_s3 *self = state;
    s3_info info;
    int rc = s3_head(self->client, path, &info, err);
    if (rc >= 0) *out = (ag_tree_entry){NULL, info.size, info.modified, false};
    if (rc != AG_ENOTFOUND) return rc;
    ag_err other = {0};
    int found = is_directory(self, path, &other);
    if (found < 0 && err) *err = other;
    if (found <= 0) return found < 0 ? found : rc;
    *out = (ag_tree_entry){.is_directory = true};
    return 0;
}

static int remove_tree_file(void *state, const char *path, ag_err *err)
{
    ag_tree_entry entry;
    int rc = stat_tree(state, path, &entry, err);
    if (rc < 0) return rc;
    if (entry.is_directory) return ag_fail(err, AG_EINVAL, "'%s' is no file", path);
    return s3_delete(((tree_s3 *)state)->client, path, err);
}

static int delete_entry(void *context, const s3_entry *entry, ag_err *err)
{
    return s3_delete(context, entry->key, err);
}

static int remove_all_tree(void *state, const char *path, ag_err *err)
{
    tree_s3 *self = state;
    char prefix[4200];
    ag_format(prefix, sizeof(prefix), "%s/", path);
    return s3_list(self->client, prefix, false, 0, delete_entry, self->client, err);
}

static int sweep_tree(void *state, int64_t before, uint64_t *count, ag_err *err)
{
    return s3_upload_sweep(((tree_s3 *)state)->client, before, count, err);
}

const ag_tree_backend ag_tree_backend_s3 = {
    .scheme = "s3",
    .state_size = sizeof(tree_s3),
    .open = open_tree,
    .close = close_tree,
    .put = put_tree,
    .get = get_tree,
    .list = list_tree,
    .stat = stat_tree,
    .remove = remove_tree_file,
    .remove_all = remove_all_tree,
    .sweep = sweep_tree,
};
