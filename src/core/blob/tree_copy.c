// SPDX-License-Identifier: Apache-2.0
/* tree_copy.c: copying between trees, file by file in constant memory. Directories wait in a list instead of on the
 * stack, so that no depth of folders can end the program. Each file arrives whole or not at all (ag_tree_put). */
#include "core/blob/tree_copy.h"

#include <string.h>

typedef struct walk {
    ag_tree_copy *copy;
    ag_tree *from, *to;
    const char *from_base, *to_base;
    ag_arena *arena;
    ag_vec waiting; /* of const char *: directories below the base, "" is the base itself */
} walk;

static const char *below(ag_arena *arena, const char *base, const char *path)
{
    return ag_arena_printf(arena, "%s%s%s", base, *base && *path ? "/" : "", path);
}

static bool is_same(ag_tree *to, const char *path, const ag_tree_entry *entry)
{
    ag_tree_entry there;
    ag_err ignored;
    if (ag_tree_stat(to, path, &there, &ignored) < 0 || there.is_directory) return false;
    return there.size == entry->size && there.modified >= entry->modified;
}

static int copy_file(walk *w, const char *path, const ag_tree_entry *entry, ag_err *err)
{
    ag_reader *reader = NULL;
    uint64_t size = entry->size;
    const char *source = below(w->arena, w->from_base, path), *target = below(w->arena, w->to_base, path);
    if (!source || !target) return ag_fail_memory(err, strlen(path));
    int rc = ag_cancel_check(w->copy->cancel, err);
    if (rc < 0) return rc;
    if (is_same(w->to, target, entry)) {
        w->copy->kept++;
        ag_progress_add(w->copy->progress, 1, 0);
        return AG_OK;
    }
    if (!w->copy->dry_run) {
        rc = ag_tree_get(w->from, source, 0, UINT64_MAX, &reader, err);
        if (rc >= 0) rc = ag_tree_put(w->to, target, reader, &size, err);
        ag_reader_close(reader);
        if (rc < 0) return rc;
    }
    w->copy->files++;
    w->copy->bytes += size;
    ag_progress_add(w->copy->progress, 1, size);
    return AG_OK;
}

static int copy_directory(walk *w, const char *path, ag_err *err)
{
    ag_vec entries;
    const char *source = below(w->arena, w->from_base, path);
    if (!source) return ag_fail_memory(err, strlen(path));
    ag_vec_init(&entries, sizeof(ag_tree_entry));
    int rc = ag_tree_list(w->from, source, w->arena, &entries, err);
    for (size_t i = 0; i < entries.count && rc >= 0; i++) {
        const ag_tree_entry *entry = ag_vec_at(&entries, i);
        const char *one = below(w->arena, path, entry->name);
        if (!one)
            rc = ag_fail_memory(err, strlen(path));
        else
            rc = entry->is_directory ? ag_vec_push(&w->waiting, &one, err) : copy_file(w, one, entry, err);
    }
    ag_vec_deinit(&entries);
    return rc;
}

int ag_tree_copy_all(ag_tree_copy *copy, ag_tree *from, const char *from_path, ag_tree *to, const char *to_path,
                     ag_err *err)
{
    walk w = {.copy = copy, .from = from, .to = to, .from_base = from_path, .to_base = to_path};
    ag_tree_entry entry;
    const char *top = "";
    w.arena = ag_arena_new(0);
    if (!w.arena) return ag_fail_memory(err, 1);
    ag_vec_init(&w.waiting, sizeof(const char *));
    int rc = *from_path ? ag_tree_stat(from, from_path, &entry, err) : AG_OK;
    if (rc >= 0 && *from_path && !entry.is_directory) {
        rc = copy_file(&w, "", &entry, err);
    } else if (rc >= 0) {
        rc = ag_vec_push(&w.waiting, &top, err);
    }
    while (rc >= 0 && w.waiting.count) {
        const char *next = *(const char **)ag_vec_at(&w.waiting, w.waiting.count - 1);
        ag_vec_remove(&w.waiting, w.waiting.count - 1);
        rc = copy_directory(&w, next, err);
    }
    ag_vec_deinit(&w.waiting);
    ag_arena_free(w.arena);
    return rc < 0 ? rc : AG_OK;
}
