// SPDX-License-Identifier: Apache-2.0
#pragma once
/* folder.h: a directory (or one file) as data that are only passed on: what it holds, as one hash; a copy of it. */
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/vec.h"
#include "core/hash/hash.h"
#include "core/sys/cancel.h"

typedef struct ag_folder_file {
    const char *path; /* below the folder; the name, when the folder is one file */
    uint64_t size;
    ag_sha256 digest;
} ag_folder_file;

/* Every regular file below `path`, sorted; a vector of ag_folder_file whose texts lie in the arena. The digest is that
 * of the list "sha256  path\n"; of one file its own. Either may be NULL. Nothing in it is AG_ENOTFOUND. */
int ag_folder_read(const char *path, ag_cancel *cancel, ag_arena *arena, ag_vec *files, ag_sha256 *digest, ag_err *err);
/* Every file again below `to`, which is made; they cannot be written to. */
int ag_folder_copy(const char *from, const char *to, ag_cancel *cancel, ag_err *err);
