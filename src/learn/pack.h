// SPDX-License-Identifier: Apache-2.0
#pragma once
/* pack.h: a directory as one piece of bytes, with a hash over all.
 *
 *     8  "AUGERPK1"
 *     32 SHA-256 of all that follows
 *     4  count of files; of each: 2 length of the path, 8 size, the path, the bytes
 *
 * Numbers are little-endian. Bytes may come from anywhere: sizes, paths and repetitions are checked before anything is
 * written, and nothing is written outside of the directory. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/base/vec.h"

typedef struct ag_pack_file {
    const char *path; /* clean and relative */
    ag_str bytes;     /* borrowed from what was parsed */
} ag_pack_file;

/* Files are added one by one; ag_pack_end() writes count and hash. */
int ag_pack_begin(ag_buf *out, ag_err *err);
int ag_pack_add(ag_buf *out, const char *path, const char *file, ag_err *err);
int ag_pack_end(ag_buf *out, uint32_t count, ag_err *err);

/* A vector of ag_pack_file. AG_ECORRUPT: it is none, was cut, or another hash. */
int ag_pack_parse(ag_str bytes, ag_arena *arena, ag_vec *files, ag_err *err);
int ag_pack_write(const ag_vec *files, const char *directory, ag_arena *arena, ag_err *err);
