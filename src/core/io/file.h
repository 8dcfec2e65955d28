// SPDX-License-Identifier: Apache-2.0
#pragma once
/* file.h: files that are whole or not there. Every call passes the fault injector (AG_FAULT_FILE). Errors name the
 * path.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/vec.h"

/* Reads a whole file, refusing more than `max` bytes (AG_ELIMIT). Appends to `out`. Any file that can be read, pipes
 * too. */
int ag_file_read(const char *path, size_t max, ag_buf *out, ag_err *err);

/* Atomic replace: after success the new bytes are durable under `path`; after a failure or crash the old file is as it
 * was. Temporary file in the same directory, fsync, rename, fsync of the directory. (If that last step alone fails, the
 * new file is there, whole, and the failure says that it may not survive a power failure.) */
int ag_file_replace(const char *path, const void *bytes, size_t size, ag_err *err);

/* The same for content that comes in pieces. Until ag_replace_commit() nothing is visible. */
typedef struct ag_replace ag_replace;
int ag_replace_open(const char *path, ag_replace **out, ag_err *err);
int ag_replace_write(ag_replace *replace, const void *bytes, size_t size, ag_err *err);
/* Writes over bytes that were written before (a header that learns a count); the next write goes to the end again. */
int ag_replace_write_at(ag_replace *replace, uint64_t offset, const void *bytes, size_t size, ag_err *err);
int ag_replace_commit(ag_replace *replace, ag_err *err); /* may fail; free it in any case */
void ag_replace_free(ag_replace *replace);               /* drops the temporary file unless committed */
/* Whether a file could be put there now (its directory is there and may be written, the name is no directory or
 * device), for asking before the long work whose result it will hold. Leaves nothing. */
int ag_replace_check(const char *path, ag_err *err);

/* True for the name of a temporary file of this kind, which a killed process leaves behind; ag_dir_walk() passes over
 * them, whoever owns a directory may remove old ones. */
bool ag_file_is_temporary(const char *name);

/* A read-only map of a whole file. An empty file gives data "" and size 0. */
typedef struct ag_mapping {
    const char *data;
    size_t size;
} ag_mapping;
int ag_map_file(const char *path, ag_mapping *out, ag_err *err);
void ag_unmap_file(ag_mapping *mapping);
/* Bytes [from, to) were read, and hardly will be again: whole pages of them count as this process's memory no longer.
 * They are still there for whoever looks. */
void ag_mapping_passed(const ag_mapping *mapping, size_t from, size_t to);

/* An advisory lock on a file (made if absent), held until released or the process ends. With `wait` 0 a lock held
 * elsewhere is AG_ECONFLICT at once; else waits that many microseconds (then AG_ECONFLICT). */
typedef struct ag_lock ag_lock;
int ag_lock_take(const char *path, int64_t wait, ag_lock **out, ag_err *err);
/* The same on a directory itself, without a file in it, at once or AG_ECONFLICT. Where directories cannot be locked
 * (NFS) everybody gets the lock. */
int ag_lock_directory(const char *path, ag_lock **out, ag_err *err);
void ag_lock_release(ag_lock *lock);

typedef struct ag_file_info {
    uint64_t size;
    int64_t modified; /* microseconds since 1970 */
    bool is_directory;
    bool is_regular;
    bool is_link;   /* the path itself is a symbolic link (the rest tells of its target) */
    bool is_broken; /* of a walk of inputs: a link that leads nowhere; the rest says nothing */
} ag_file_info;
/* Of a file that was to be read: "cannot open ...", and of a link that leads nowhere that it does, and where to. */
int ag_fail_open(ag_err *err, int error_number, const char *path);
/* Before it is said that nothing is there: AG_ENOTFOUND, told likewise, of a link that leads nowhere, which is
 * something; else 0. */
int ag_fail_broken_link(ag_err *err, const char *path);
int ag_file_stat(const char *path, ag_file_info *out, ag_err *err); /* AG_ENOTFOUND when absent */
/* False where nothing is. True also where one may not look (no permission, a circle of links, a failing disk): whoever
 * opens it then learns why, instead of believing that nothing is there. */
bool ag_file_exists(const char *path);

int ag_dir_make(const char *path, ag_err *err);                    /* with parents; fine if it exists */
int ag_dir_sync(const char *path, ag_err *err);                    /* fsync of the directory */
int ag_file_remove(const char *path, ag_err *err);                 /* absent is AG_ENOTFOUND */
int ag_file_rename(const char *from, const char *to, ag_err *err); /* and syncs both directories */
/* Removes a directory and all below it; never follows a symbolic link. Absent is fine. */
int ag_dir_remove(const char *path, ag_err *err);

/* Names in a directory, sorted by bytes, without "." and ".."; strings from the arena in a vector of const char *. */
int ag_dir_list(const char *path, ag_arena *arena, ag_vec *names, ag_err *err);
/* Every regular file below `root`, as paths relative to it with '/', sorted; symbolic links to directories are not
 * entered. `visit` returning < 0 stops the walk with that code. */
typedef int (*ag_walk_fn)(void *context, const char *relative, const ag_file_info *info, ag_err *err);
int ag_dir_walk(const char *root, ag_walk_fn visit, void *context, ag_err *err);
/* The same for what a user names as input: links to directories are entered, once, unless they lead to what is walked
 * anyhow; directories that this user may not enter (lost+found of a disk), and links to what holds the walk itself, do
 * not end it. Each of these is visited like a file, with info->is_directory, so that it can be told; links
 * that lead nowhere with info->is_broken. */
int ag_dir_walk_inputs(const char *root, ag_walk_fn visit, void *context, ag_err *err);
/* What is said of these links where they are counted: how many there are (size_t), and the first. */
#define AG_DIR_BROKEN_LINKS "links that lead nowhere were passed over, %zu in all, first %s: mend or remove them"
/* Of such a directory, where nothing may be left out. */
int ag_dir_fail_to_enter(const char *root, const char *relative, const ag_file_info *info, ag_err *err);

/* A new empty directory under $TMPDIR or /tmp, mode 0700; the path from ag_alloc. */
int ag_dir_temporary(const char *prefix, char **out, ag_err *err);

/* Free bytes for this user where `path` lies. */
int ag_disk_free(const char *path, uint64_t *out, ag_err *err);
