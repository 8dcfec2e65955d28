// SPDX-License-Identifier: Apache-2.0
/* tree.c: the port of artifact trees: finds the backend, checks every path, sorts. Threads: any; nothing changes after
 * the opening. */
#include "core/blob/tree.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/blob/s3.h"
#include "core/io/path.h"

static const ag_tree_backend *const backends[] = {
    &ag_tree_backend_local,
    &ag_tree_backend_s3,
};

struct ag_tree {
    const ag_tree_backend *backend;
    void *state;
};

static bool is_complete(const ag_tree_backend *b)
{
    return b->scheme && b->state_size && b->open && b->close && b->put && b->get && b->list && b->stat && b->remove &&
           b->remove_all && b->sweep;
}

static int find_backend(const char *address, const ag_tree_backend **out, ag_err *err)
{
    ag_str text = ag_str_of(address);
    size_t colon = ag_str_find(text, AG_STR("://"), 0);
    ag_str scheme = colon == SIZE_MAX ? AG_STR("file") : ag_str_slice(text, 0, colon);
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (!ag_str_is(scheme, backends[i]->scheme)) continue;
        if (!is_complete(backends[i]))
            return ag_fail(err, AG_EINTERNAL, "the tree backend '%s' lacks a function", backends[i]->scheme);
        *out = backends[i];
        return 0;
    }
    ag_fail(err, AG_EUNSUPPORTED, "no artifact store for '%.*s://'", AG_STR_ARG(scheme));
    return ag_err_hint(err, "Known are a directory, file:// and s3://.");
}

int ag_tree_open(const char *address, ag_cancel *cancel, ag_tree **out, ag_err *err)
{
    ag_tree *tree = ag_calloc(1, sizeof(*tree));
    if (!tree) return ag_fail_memory(err, sizeof(*tree));
    int rc = find_backend(address, &tree->backend, err);
    if (rc >= 0 && !(tree->state = ag_calloc(1, tree->backend->state_size)))
        rc = ag_fail_memory(err, tree->backend->state_size);
    if (rc >= 0) rc = tree->backend->open(tree->state, address, cancel, err);
    if (rc < 0)
        ag_tree_close(tree);
    else
        *out = tree;
    return rc;
}

void ag_tree_close(ag_tree *tree)
{
    if (!tree) return;
    if (tree->state) tree->backend->close(tree->state);
    ag_free(tree->state);
    ag_free(tree);
}

int ag_tree_put(ag_tree *tree, const char *path, ag_reader *content, uint64_t *size, ag_err *err)
{
    uint64_t count = 0;
    int rc = ag_path_check(ag_str_of(path), err);
    if (rc >= 0) rc = tree->backend->put(tree->state, path, content, &count, err);
    if (rc >= 0 && size) *size = count;
    return rc;
}

int ag_tree_get(ag_tree *tree, const char *path, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err)
{
    int rc = ag_path_check(ag_str_of(path), err);
    return rc < 0 ? rc : tree->backend->get(tree->state, path, offset, size, out, err);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const ag_tree_entry *)a)->name, ((const ag_tree_entry *)b)->name);
}

int ag_tree_list(ag_tree *tree, const char *path, ag_arena *arena, ag_vec *entries, ag_err *err)
{
    int rc = path[0] ? ag_path_check(ag_str_of(path), err) : 0;
    if (rc >= 0) rc = tree->backend->list(tree->state, path, arena, entries, err);
    if (rc >= 0) ag_vec_sort(entries, compare_entries);
    return rc;
}

int ag_tree_stat(ag_tree *tree, const char *path, ag_tree_entry *out, ag_err *err)
{
    ag_tree_entry entry = {0};
    int rc = ag_path_check(ag_str_of(path), err);
    if (rc >= 0) rc = tree->backend->stat(tree->state, path, &entry, err);
    if (rc < 0) return rc;
    entry.name = NULL;
    *out = entry;
    return 0;
}

int ag_tree_remove(ag_tree *tree, const char *path, ag_err *err)
{
    int rc = ag_path_check(ag_str_of(path), err);
    return rc < 0 ? rc : tree->backend->remove(tree->state, path, err);
}

int ag_tree_remove_all(ag_tree *tree, const char *path, ag_err *err)
{
    int rc = ag_path_check(ag_str_of(path), err);
    return rc < 0 ? rc : tree->backend->remove_all(tree->state, path, err);
}

int ag_tree_sweep(ag_tree *tree, int64_t grace, uint64_t *count, ag_err *err)
{
    uint64_t swept = 0;
    int rc = tree->backend->sweep(tree->state, s3_now() - grace, &swept, err);
    if (rc >= 0 && count) *count = swept;
    return rc;
}
