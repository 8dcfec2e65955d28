// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tree.h: plain files under a root, by path, as MLflow's artifacts lie: what is put can be found with other tools.
 * Paths are clean relative ones (core/io/path.h), checked here for every backend. Streams both ways in constant memory.
 * A tree may be used by any number of threads and processes. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/vec.h"
#include "core/io/stream.h"
#include "core/sys/cancel.h"

typedef struct ag_tree ag_tree;

/* "DIRECTORY", "file:///DIRECTORY" or "s3://BUCKET/PREFIX?..." (core/blob/s3.h); makes what is missing. `cancel` (may
 * be NULL) is borrowed. */
int ag_tree_open(const char *address, ag_cancel *cancel, ag_tree **out, ag_err *err);
void ag_tree_close(ag_tree *tree);

typedef struct ag_tree_entry {
    const char *name; /* in its directory */
    uint64_t size;    /* 0 for directories */
    int64_t modified; /* microseconds since 1970, 0 when not known */
    bool is_directory;
} ag_tree_entry;

/* Whole or not there: an older file stays until the new one is durable. *size (may be NULL) counts. */
int ag_tree_put(ag_tree *tree, const char *path, ag_reader *content, uint64_t *size, ag_err *err);
/* `size` bytes (UINT64_MAX: all) from `offset`; fewer at the end. A file that is replaced meanwhile gives the old bytes
 * or fails with AG_ECONFLICT, never a mixture. Close the reader before the tree. */
int ag_tree_get(ag_tree *tree, const char *path, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err);
/* `path` "" is the root. Entries sorted by name, text in the arena. AG_ENOTFOUND for what is not there, AG_EINVAL for a
 * file. An empty directory may not exist (S3 has none). */
int ag_tree_list(ag_tree *tree, const char *path, ag_arena *arena, ag_vec *entries, ag_err *err);
/* `name` of the result is NULL. */
int ag_tree_stat(ag_tree *tree, const char *path, ag_tree_entry *out, ag_err *err);
int ag_tree_remove(ag_tree *tree, const char *path, ag_err *err); /* a file; AG_ENOTFOUND when absent */
/* A directory and all below it; absent is fine. The root itself is refused. */
int ag_tree_remove_all(ag_tree *tree, const char *path, ag_err *err);
/* Removes what crashes left that is older than `grace` microseconds; *count (may be NULL) of leftovers. */
int ag_tree_sweep(ag_tree *tree, int64_t grace, uint64_t *count, ag_err *err);

/* Where the files lie. One file with one const struct and one line in tree.c. Paths are checked before they come here.
 */
typedef struct ag_tree_backend {
    const char *scheme; /* "file" also serves plain paths */
    size_t state_size;
    int (*open)(void *state, const char *address, ag_cancel *cancel, ag_err *err); /* all are required */
    void (*close)(void *state);                                                    /* safe after a failed open */
    int (*put)(void *state, const char *path, ag_reader *content, uint64_t *size, ag_err *err);
    int (*get)(void *state, const char *path, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err);
    int (*list)(void *state, const char *path, ag_arena *arena, ag_vec *entries, ag_err *err); /* in any order */
    int (*stat)(void *state, const char *path, ag_tree_entry *out, ag_err *err);
    int (*remove)(void *state, const char *path, ag_err *err);
    int (*remove_all)(void *state, const char *path, ag_err *err);
    int (*sweep)(void *state, int64_t before, uint64_t *count, ag_err *err);
} ag_tree_backend;

extern const ag_tree_backend ag_tree_backend_local;
extern const ag_tree_backend ag_tree_backend_s3;
