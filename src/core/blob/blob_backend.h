// SPDX-License-Identifier: Apache-2.0
#pragma once
/* blob_backend.h: where a content-addressed store keeps its pieces. A piece is at most AG_PIECE_MAX bytes under a clean
 * relative key ("objects/ab/cdef..."), written once and never changed, so a backend needs no streams, no append and no
 * locks of its own beyond what is said here. Adding a backend: one file with one const struct, one line in
 * blob_backends.c. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/sys/cancel.h"

#define AG_PIECE_MAX ((size_t)64 << 20)

typedef struct ag_piece_info {
    uint64_t size;
    int64_t modified; /* microseconds since 1970 */
} ag_piece_info;

typedef int (*ag_piece_visit_fn)(void *context, const char *key, const ag_piece_info *info, ag_err *err);

typedef struct ag_blob_backend {
    const char *scheme; /* "s3": what stands before ://; "file" also serves plain paths */
    size_t state_size;  /* the core allocates it, zeroed */
    int (*open)(void *state, const char *address, bool read_only, ag_cancel *cancel, ag_err *err); /* required */
    void (*close)(void *state); /* required, safe after a failed open */
    /* Required: atomic and durable; replaces. */
    int (*write)(void *state, const char *key, ag_str bytes, ag_err *err);
    /* Required: up to `size` bytes from `offset`, appended to `out`; AG_ENOTFOUND when absent. */
    int (*read)(void *state, const char *key, uint64_t offset, uint64_t size, ag_buf *out, ag_err *err);
    int (*stat)(void *state, const char *key, ag_piece_info *out, ag_err *err); /* required; AG_ENOTFOUND */
    /* Optional: makes the piece young, or AG_ENOTFOUND; after success a sweep that began earlier leaves it. NULL: the
     * core writes an old piece again. */
    int (*touch)(void *state, const char *key, ag_err *err);
    /* Required: removes the piece unless it is younger than `before` by now (1: gone, 0: stays). */
    int (*remove)(void *state, const char *key, int64_t before, ag_err *err);
    /* Required: every piece below a folder key ("objects"), sorted by key. */
    int (*walk)(void *state, const char *folder, ag_piece_visit_fn visit, void *context, ag_err *err);
    /* Optional: removes what crashes left (temporary files, unfinished uploads) older than `before`; adds to *bytes. */
    int (*sweep)(void *state, int64_t before, uint64_t *bytes, ag_err *err);
} ag_blob_backend;

extern const ag_blob_backend ag_blob_backend_local;
extern const ag_blob_backend ag_blob_backend_s3;

/* The backend for an address; AG_EUNSUPPORTED names the known ones. */
int ag_blob_backend_find(const char *address, const ag_blob_backend **out, ag_err *err);
