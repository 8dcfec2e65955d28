// SPDX-License-Identifier: Apache-2.0
#pragma once
/* store.h: shared by the files of the content-addressed store; what each owns stands at its top.
 * Keys: objects/ab/REST a whole object or a manifest, chunks/ab/REST a chunk of a large one, packs/NAME many small
 * ones. */
#include <pthread.h>
#include <stdatomic.h>

#include "core/base/buf.h"
#include "core/base/vec.h"
#include "core/blob/blob.h"
#include "core/blob/blob_backend.h"
#include "core/blob/piece.h"

#define CHUNK_MIN ((size_t)256 << 10)
#define CHUNK_NORMAL_BITS 20
#define CHUNK_MAX ((size_t)4 << 20) /* objects up to here are one piece */
#define KEY_SIZE 80

typedef struct pack_entry { /* an object in a pack; 64 bytes when stored */
    ag_sha256 sha256;
    uint64_t block; /* where its block's record begins */
    uint32_t block_size;
    uint32_t offset; /* in the block's content */
    uint32_t stored; /* bytes there */
    uint32_t size;   /* of the object */
    uint32_t turned; /* 1: stored as columns */
} pack_entry;
#define PACK_ENTRY_SIZE 64

typedef struct pack {
    char key[KEY_SIZE];
    pack_entry *entries; /* sorted by sha256 */
    size_t count;
    uint64_t index; /* where the blocks end */
    bool seen;      /* in the last look at the backend */
} pack;

struct ag_blob {
    const ag_blob_backend *backend;
    void *state;
    char *address; /* for messages, secrets masked */
    bool read_only;
    uint64_t quota;
    ag_cancel *cancel;
    uint64_t gear[256];
    _Atomic uint64_t used; /* stored bytes, kept while there is a quota */

    pthread_mutex_t lock; /* of all below */
    ag_vec packs;         /* of pack * */
    int64_t looked_at;    /* monotonic, 0: never */
    char cached_key[KEY_SIZE];
    uint64_t cached_block;
    ag_buf cached;
};

void key_of(const char *folder, const ag_sha256 *id, char out[KEY_SIZE]);
/* The id of a key below objects/ or chunks/; false when it is no such key. */
bool id_of_key(const char *key, ag_sha256 *out);

/* Through the backend; check the quota and count. */
int piece_put(ag_blob *store, const char *key, ag_str record, ag_err *err);
/* 1: it is there and young now; 0: it must be written. */
int piece_refresh(ag_blob *store, const char *key, ag_err *err);
/* Reads and opens the record under `key`; AG_ECORRUPT names it. */
int piece_get(ag_blob *store, const char *key, ag_buf *record, piece_kind *kind, uint64_t *size, ag_str *payload,
              ag_err *err);
/* The content under `key`, whose SHA-256 must be `id`. */
int piece_get_content(ag_blob *store, const char *key, const ag_sha256 *id, ag_buf *out, ag_err *err);
int check_sha(ag_str content, const ag_sha256 *id, ag_err *err);
/* The time as it is: ages of files do not follow a pinned clock. */
int64_t store_now(void);
int store_writable(const ag_blob *store, ag_err *err);

/* Where the next chunk of `bytes` ends; `last` tells that nothing follows. */
size_t chunk_cut(const uint64_t gear[256], ag_str bytes);
void chunk_gear(uint64_t gear[256]);

/* pack.c. A look that is younger than `max_age` microseconds is not repeated. */
int packs_look(ag_blob *store, int64_t max_age, ag_err *err);
/* 1: found; copies entry and key. */
int packs_find(ag_blob *store, const ag_sha256 *id, int64_t max_age, pack_entry *entry, char key[KEY_SIZE],
               ag_err *err);
/* Appends the content of an entry, verified. */
int pack_read(ag_blob *store, const char *key, const pack_entry *entry, ag_buf *out, ag_err *err);
int pack_load(ag_blob *store, const char *key, pack **out, ag_err *err);
void pack_free(pack *p);
int pack_write_index(ag_buf *out, pack_entry *entries, size_t count, ag_err *err); /* sorts them */
/* Writes the entries for which `keep` says 1 to a new pack and removes the old one unless it is younger than `before`.
 * 1: done, 0: it stays as it is. */
typedef int (*pack_keep_fn)(void *context, const ag_sha256 *id);
int pack_rewrite(ag_blob *store, const char *key, pack_keep_fn keep, void *context, int64_t before, ag_err *err);
