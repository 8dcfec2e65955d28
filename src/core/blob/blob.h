// SPDX-License-Identifier: Apache-2.0
#pragma once
/* blob.h: a content-addressed store: bytes go in, their SHA-256 comes out, and nothing comes out again that was not put
 * in. Small objects are compressed, objects of one batch share packs, large ones are cut into chunks by their content
 * so that equal parts are stored once. Where it lies (a directory, an S3 bucket) is the business of a backend
 * (blob_backend.h). A store may be used by any number of threads and processes at once. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/hash/hash.h"
#include "core/io/stream.h"
#include "core/sys/cancel.h"

typedef struct ag_blob ag_blob;

typedef struct ag_blob_options { /* zeros: the defaults in brackets */
    uint64_t quota;              /* stored bytes, AG_EFULL beyond [none] */
    bool read_only;              /* nothing is written, not even the directory */
    ag_cancel *cancel;           /* borrowed; asked by everything that takes long [none] */
} ag_blob_options;

/* "DIRECTORY", "file:///DIRECTORY" or "s3://BUCKET/PREFIX?endpoint=URL&region=NAME"; makes what is missing. */
int ag_blob_open(const char *address, const ag_blob_options *options, ag_blob **out, ag_err *err);
void ag_blob_close(ag_blob *store);

typedef struct ag_blob_ref {
    ag_sha256 sha256;
    uint64_t size;
} ag_blob_ref;

/* Stores all that the reader gives. After success it is durable; after a failure nothing of it is visible. Content that
 * is there already is not written again. */
int ag_blob_put(ag_blob *store, ag_reader *content, ag_blob_ref *out, ag_err *err);
int ag_blob_put_bytes(ag_blob *store, const void *bytes, size_t size, ag_blob_ref *out, ag_err *err);

/* Many objects at once: those of up to 1 MiB share packs, compressed together, with one fsync per pack. Any thread may
 * put; what was put can be read after the commit, at the latest. Dropped without a commit, objects that were already
 * flushed stay until the garbage collection. */
typedef struct ag_blob_batch ag_blob_batch;
int ag_blob_batch_open(ag_blob *store, ag_blob_batch **out, ag_err *err);
int ag_blob_batch_put(ag_blob_batch *batch, ag_reader *content, ag_blob_ref *out, ag_err *err);
int ag_blob_batch_commit(ag_blob_batch *batch, ag_err *err); /* it can be used on */
void ag_blob_batch_free(ag_blob_batch *batch);

/* A whole object: the end is reported only after its SHA-256 was found right (AG_ECORRUPT otherwise). The reader must
 * be closed before the store. AG_ENOTFOUND when there is none. */
int ag_blob_get(ag_blob *store, const ag_sha256 *id, ag_reader **out, ag_err *err);
/* `size` bytes from `offset`, fewer at the end, none beyond it. Every chunk that is touched is verified whole. */
int ag_blob_get_range(ag_blob *store, const ag_sha256 *id, uint64_t offset, uint64_t size, ag_reader **out,
                      ag_err *err);
int ag_blob_get_bytes(ag_blob *store, const ag_sha256 *id, ag_buf *out, ag_err *err); /* bounded by out->max */

int ag_blob_stat(ag_blob *store, const ag_sha256 *id, uint64_t *size, ag_err *err); /* AG_ENOTFOUND when absent */
/* 1 there, 0 not. */
int ag_blob_has(ag_blob *store, const ag_sha256 *id, ag_err *err);
/* AG_ENOTFOUND when absent. Space of chunks comes back with the next garbage collection. */
int ag_blob_remove(ag_blob *store, const ag_sha256 *id, ag_err *err);
/* Every object once, in the order of ids within a form of storage. < 0 from `visit` stops with that code. */
typedef int (*ag_blob_visit_fn)(void *context, const ag_sha256 *id, ag_err *err);
int ag_blob_list(ag_blob *store, ag_blob_visit_fn visit, void *context, ag_err *err);

typedef struct ag_blob_check {
    uint64_t objects, bytes; /* looked at, as they were put in */
    uint64_t damaged;        /* reported */
} ag_blob_check;
/* Reads everything (or the object `only`, if not NULL) and compares every hash. `report` (may be NULL) gets each
 * damage: `name` is the object's id or, when that cannot be told, the stored file. AG_ECORRUPT with the first damage in
 * the text when there was any. */
typedef void (*ag_blob_report_fn)(void *context, const char *name, const ag_err *why);
int ag_blob_verify(ag_blob *store, const ag_sha256 *only, ag_blob_report_fn report, void *context, ag_blob_check *out,
                   ag_err *err);

/* Mark and sweep. `mark` calls ag_blob_mark() for every object that is needed; after that, what is not marked and was
 * put (or put again) more than `grace` microseconds ago goes, with crash leftovers of that age. A put that is under way
 * during the collection is safe when it takes less than the grace period. */
typedef struct ag_blob_marks ag_blob_marks;
int ag_blob_mark(ag_blob_marks *marks, const ag_sha256 *id, ag_err *err);
typedef int (*ag_blob_mark_fn)(void *context, ag_blob_marks *marks, ag_err *err);
typedef struct ag_blob_swept {
    uint64_t objects; /* gone */
    uint64_t chunks;
    uint64_t bytes; /* stored bytes that came back */
    uint64_t kept;  /* objects */
} ag_blob_swept;
int ag_blob_gc(ag_blob *store, int64_t grace, ag_blob_mark_fn mark, void *context, ag_blob_swept *out, ag_err *err);

typedef struct ag_blob_usage {
    uint64_t objects, chunks, packs;
    uint64_t stored; /* bytes in the backend */
} ag_blob_usage;
int ag_blob_measure(ag_blob *store, ag_blob_usage *out, ag_err *err);
