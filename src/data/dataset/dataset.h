// SPDX-License-Identifier: Apache-2.0
#pragma once
/* dataset.h: versions of data sets: immutable, by the hash of what is in them, for drilling holes and for any files and
 * tables. Bytes lie in a blob store, once and compressed; the manifest (manifest.h) is a blob too, and its SHA-256 is
 * the version; names and what came from what stand in the ledger (ledger/dataset.h). Everything here streams: memory
 * does not grow with the bytes of a data set. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/vec.h"
#include "core/blob/blob.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "data/dataset/manifest.h"
#include "ledger/dataset.h"

/* Where data sets live. Everything is borrowed; `home` is a directory for locks and files under way. */
typedef struct ag_dataset_place {
    ag_ledger *ledger;
    ag_blob *blobs;
    const char *home;
    const ag_actor *actor;
    ag_cancel *cancel;     /* may be NULL */
    ag_progress *progress; /* may be NULL */
} ag_dataset_place;

/* ---- adding ---- */

typedef enum ag_dataset_kind {
    AG_DATASET_AUTO,  /* drilling files are holes, text tables are tables, the rest are files */
    AG_DATASET_FILES, /* everything is just a file */
} ag_dataset_kind;

typedef struct ag_dataset_add_options {
    const char *name;
    const char *const *paths; /* one directory: what is in it; else each under its own last name */
    size_t path_count;
    const char *labels; /* a table of labels, kept as labels.csv (and labels.jsonl beside it); NULL: those of a prepared
                           directory, or a labels.csv at the top of the one directory */
    const char *message, *author, *tag; /* may be NULL */
    ag_dataset_kind kind;
    unsigned jobs; /* 0: all processors */
} ag_dataset_add_options;

typedef struct ag_dataset_added {
    ag_dataset_version version;
    bool is_new;               /* false: this very content was a version already */
    uint64_t labels_unmatched; /* rows of the labels that belong to no hole here */
    size_t links_left_out;     /* that lead nowhere */
    const char *first_left_out;
} ag_dataset_added;

/* Files whose names begin with '.' are passed over. What was stored by a call that was killed is not stored again; the
 * same files give the same version, whatever the order, the number of threads or the time. */
int ag_dataset_add_paths(const ag_dataset_place *place, const ag_dataset_add_options *options, ag_arena *arena,
                         ag_dataset_added *out, ag_err *err);

/* ---- reading ---- */

/* The manifest of a version. Close it before the blob store. */
int ag_dataset_open(const ag_dataset_place *place, const ag_dataset_version *version, ag_manifest **out, ag_err *err);

/* ---- verifying ---- */

typedef struct ag_dataset_damage {
    const ag_dataset_version *version; /* NULL: a stored piece that no version is known to need */
    const char *path;                  /* of the file; NULL: the manifest, or a stored piece */
    const char *blob;                  /* id, or the stored file's name */
    const char *holes;                 /* names of the first holes whose samples lie in it; "" when none do */
    const ag_err *why;
} ag_dataset_damage;

typedef struct ag_dataset_verified {
    uint64_t versions, files, bytes, damaged;
} ag_dataset_verified;

/* Reads every byte of the version, or of everything in the store (`version` NULL), and compares hashes; `report` (may
 * be NULL) gets each damage. AG_ECORRUPT with the first when there was any. */
typedef void (*ag_dataset_damage_fn)(void *context, const ag_dataset_damage *damage);
int ag_dataset_verify(const ag_dataset_place *place, const ag_dataset_version *version, ag_dataset_damage_fn report,
                      void *context, ag_dataset_verified *out, ag_err *err);

/* ---- getting it back ---- */

typedef struct ag_dataset_checked_out {
    uint64_t written, kept; /* files; kept: they were there already, byte for byte */
    uint64_t bytes;         /* written */
} ag_dataset_checked_out;

/* Every file of the version below `directory`, byte for byte. A file that is there and differs is left alone and
 * refuses the whole call before anything is written (AG_EEXISTS). Called again it goes on where it was. */
int ag_dataset_checkout(const ag_dataset_place *place, const ag_dataset_version *version, const char *directory,
                        ag_dataset_checked_out *out, ag_err *err);

/* ---- collecting garbage ---- */

typedef struct ag_dataset_garbage {
    uint64_t objects, bytes; /* that nothing needs; gone unless dry */
    uint64_t kept;           /* objects that are needed */
    uint64_t freed;          /* stored bytes that came back */
    uint64_t adds;           /* under way, whose objects were spared */
} ag_dataset_garbage;

/* Removes objects of the blob store that no version and no split needs and that are older than `grace` microseconds and
 * than every add under way from this home. The store is taken to hold data sets alone. Dry: only counts. */
int ag_dataset_gc(const ag_dataset_place *place, bool dry, int64_t grace, ag_dataset_garbage *out, ag_err *err);

/* ---- keeping a second copy ---- */

typedef struct ag_dataset_copied {
    uint64_t versions;
    uint64_t objects, bytes; /* copied */
    uint64_t kept;           /* objects that the target had already */
    uint64_t damaged;        /* told and left out */
} ag_dataset_copied;

/* Every object that versions and splits of the ledger need, into another store, while others add. Each is compared with
 * its SHA-256; `report` (may be NULL) gets what is damaged or missing, which does not fail the call. */
int ag_dataset_backup(const ag_dataset_place *place, ag_blob *to, ag_dataset_damage_fn report, void *context,
                      ag_dataset_copied *out, ag_err *err);
/* All that lies in `from`; AG_ECORRUPT names the first object that is not what it was. */
int ag_dataset_restore(ag_blob *from, ag_blob *to, ag_dataset_copied *out, ag_err *err);
