// SPDX-License-Identifier: Apache-2.0
/* batch.c: writing packs. Objects collect in a block; a full block is compressed (outside the lock, so that threads
 * that put do not wait for each other's zstd) and joins the pack; a full pack is written whole, with one fsync.
 * Invariant: an object is in `entries` exactly when its block's record is in `pack`; `waiting` are those of the block
 * that is still open. An object that is in the store, in this batch's open pack or block is not taken again.
 * Threads: any may put; commit and free belong to one. */
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/blob/columns.h"
#include "core/blob/store.h"
#include "core/hash/encode.h"
#include "core/sys/clock.h"

#define OBJECT_MAX ((size_t)1 << 20) /* larger ones go the ordinary way */
#define BLOCK_MAX ((size_t)2 << 20)
#define PACK_MAX ((size_t)16 << 20)

struct ag_blob_batch {
    ag_blob *store;
    bool anew; /* objects that the store has are taken too: a pack is being rewritten */
    pthread_mutex_t lock;
    ag_map *taken; /* ids of this batch that are not in the store yet */
    ag_buf block;
    ag_vec waiting; /* of pack_entry */
    ag_buf pack;
    ag_vec entries; /* of pack_entry */
};

int ag_blob_batch_open(ag_blob *store, ag_blob_batch **out, ag_err *err)
{
    int rc = store_writable(store, err);
    if (rc < 0) return rc;
    ag_blob_batch *batch = ag_calloc(1, sizeof(*batch));
    if (!batch) return ag_fail_memory(err, sizeof(*batch));
    batch->store = store;
    pthread_mutex_init(&batch->lock, NULL);
    ag_buf_init(&batch->block, 2 * BLOCK_MAX + 4 * OBJECT_MAX);
    ag_buf_init(&batch->pack, AG_PIECE_MAX);
    ag_vec_init(&batch->waiting, sizeof(pack_entry));
    ag_vec_init(&batch->entries, sizeof(pack_entry));
    if (!(batch->taken = ag_map_new())) {
        ag_blob_batch_free(batch);
        return ag_fail_memory(err, sizeof(*batch));
    }
    *out = batch;
    return 0;
}

void ag_blob_batch_free(ag_blob_batch *batch)
{
    if (!batch) return;
    ag_buf_deinit(&batch->block);
    ag_buf_deinit(&batch->pack);
    ag_vec_deinit(&batch->waiting);
    ag_vec_deinit(&batch->entries);
    ag_map_free(batch->taken);
    pthread_mutex_destroy(&batch->lock);
    ag_free(batch);
}

/* With the lock held: the pack becomes a piece of the store. */
static int flush_pack(ag_blob_batch *batch, ag_err *err)
{
    char id[33], key[KEY_SIZE];
    size_t blocks = batch->pack.size;
    if (batch->entries.count == 0) return 0;
    int rc = ag_id_new(id, err);
    if (rc < 0) return rc;
    ag_format(key, sizeof(key), "packs/%s", id);
    rc = pack_write_index(&batch->pack, batch->entries.items, batch->entries.count, err);
    if (rc >= 0) rc = piece_put(batch->store, key, ag_buf_str(&batch->pack), err);
    if (rc < 0) { /* a later commit may try again */
        batch->pack.size = blocks;
        batch->pack.failed = AG_OK;
        return rc;
    }
    for (size_t i = 0; i < batch->entries.count; i++) {
        const pack_entry *e = ag_vec_at(&batch->entries, i);
        ag_map_remove(batch->taken, (ag_str){(const char *)e->sha256.bytes, 32});
    }
    ag_buf_clear(&batch->pack);
    ag_vec_clear(&batch->entries);
    return packs_look(batch->store, 0, err);
}

/* Puts a block's record and its entries behind the pack. */
static int join_pack(ag_blob_batch *batch, ag_str record, const ag_vec *waiting, ag_err *err)
{
    int rc = ag_vec_reserve(&batch->entries, batch->entries.count + waiting->count, err);
    if (rc < 0) return rc;
    size_t start = batch->pack.size;
    if (ag_buf_add_str(&batch->pack, record) < 0) {
        rc = ag_buf_check(&batch->pack, "a pack", err);
        batch->pack.failed = AG_OK;
        return rc;
    }
    for (size_t i = 0; i < waiting->count; i++) {
        pack_entry *e = ag_vec_at(waiting, i);
        e->block = start;
        e->block_size = (uint32_t)record.size;
        if ((rc = ag_vec_push(&batch->entries, e, err)) < 0) return rc;
    }
    return batch->pack.size >= PACK_MAX ? flush_pack(batch, err) : 0;
}

/* With the lock held; lets it go while it compresses. On failure the objects of the block are forgotten by the batch.
 */
static int flush_block(ag_blob_batch *batch, ag_err *err)
{
    ag_buf record, block = batch->block;
    ag_vec waiting = batch->waiting;
    if (waiting.count == 0) return 0;
    ag_buf_init(&batch->block, block.max);
    ag_vec_init(&batch->waiting, sizeof(pack_entry));
    ag_buf_init(&record, AG_PIECE_MAX);
    pthread_mutex_unlock(&batch->lock);
    int rc = piece_encode_packed(ag_buf_str(&block), &record, err);
    pthread_mutex_lock(&batch->lock);
    if (rc >= 0) rc = join_pack(batch, ag_buf_str(&record), &waiting, err);
    for (size_t i = 0; rc < 0 && i < waiting.count; i++) {
        const pack_entry *e = ag_vec_at(&waiting, i);
        ag_map_remove(batch->taken, (ag_str){(const char *)e->sha256.bytes, 32});
    }
    ag_buf_deinit(&record);
    ag_buf_deinit(&block);
    ag_vec_deinit(&waiting);
    return rc;
}

/* With the lock held. */
static int add_object(ag_blob_batch *batch, const ag_blob_ref *ref, ag_str stored, bool turned, ag_err *err)
{
    ag_str id = {(const char *)ref->sha256.bytes, 32};
    if (ag_map_has(batch->taken, id)) return 0;
    pack_entry entry = {.sha256 = ref->sha256,
                        .offset = (uint32_t)batch->block.size,
                        .stored = (uint32_t)stored.size,
                        .size = (uint32_t)ref->size,
                        .turned = turned};
    int rc = ag_map_put(batch->taken, id, batch, NULL, err);
    if (rc < 0) return rc;
    if (ag_buf_add_str(&batch->block, stored) < 0)
        rc = ag_buf_check(&batch->block, "a block", err);
    else
        rc = ag_vec_push(&batch->waiting, &entry, err);
    if (rc < 0) {
        batch->block.size = entry.offset;
        batch->block.failed = AG_OK;
        ag_map_remove(batch->taken, id);
        return rc;
    }
    return batch->block.size >= BLOCK_MAX ? flush_block(batch, err) : 0;
}

/* 1: the store has it, and it is young now. */
static int store_has(ag_blob *store, const ag_sha256 *id, ag_err *err)
{
    char key[KEY_SIZE];
    pack_entry entry;
    key_of("objects", id, key);
    int rc = piece_refresh(store, key, err);
    if (rc != 0) return rc;
    rc = packs_find(store, id, AG_SECOND, &entry, key, err);
    return rc > 0 ? piece_refresh(store, key, err) : rc;
}

static int put_bytes(ag_blob_batch *batch, ag_str content, ag_blob_ref *out, ag_err *err)
{
    ag_blob_ref ref = {.size = content.size};
    ag_buf turned;
    ag_buf_init(&turned, 4 * OBJECT_MAX);
    int rc = ag_sha256_of(content.data, content.size, &ref.sha256, err);
    if (rc >= 0) rc = batch->anew ? 0 : store_has(batch->store, &ref.sha256, err);
    if (rc == 0 && (rc = ag_columns_turn(content, &turned, err)) >= 0) {
        pthread_mutex_lock(&batch->lock);
        rc = add_object(batch, &ref, rc ? ag_buf_str(&turned) : content, rc > 0, err);
        pthread_mutex_unlock(&batch->lock);
    }
    ag_buf_deinit(&turned);
    if (rc < 0) return rc;
    *out = ref;
    return 0;
}

typedef struct behind { /* what was read ahead, then the rest */
    ag_reader base;
    ag_str ahead;
    ag_reader *rest;
} behind;

static ptrdiff_t behind_read(ag_reader *base, void *into, size_t size, ag_err *err)
{
    behind *self = (behind *)base;
    if (self->ahead.size == 0) return ag_read(self->rest, into, size, err);
    ag_str part = ag_str_slice(self->ahead, 0, size);
    memcpy(into, part.data, part.size);
    self->ahead = ag_str_slice(self->ahead, part.size, SIZE_MAX);
    return (ptrdiff_t)part.size;
}

int ag_blob_batch_put(ag_blob_batch *batch, ag_reader *content, ag_blob_ref *out, ag_err *err)
{
    int rc = ag_cancel_check(batch->store->cancel, err);
    if (rc < 0) return rc;
    char *buffer = ag_alloc(OBJECT_MAX);
    if (!buffer) return ag_fail_memory(err, OBJECT_MAX);
    ptrdiff_t got = ag_read_full(content, buffer, OBJECT_MAX, err);
    if (got < 0) {
        rc = (int)got;
    } else if ((size_t)got < OBJECT_MAX) {
        rc = put_bytes(batch, (ag_str){buffer, (size_t)got}, out, err);
    } else {
        behind reader = {{behind_read, NULL}, {buffer, OBJECT_MAX}, content};
        rc = ag_blob_put(batch->store, &reader.base, out, err);
    }
    ag_free(buffer);
    return rc;
}

int ag_blob_batch_commit(ag_blob_batch *batch, ag_err *err)
{
    pthread_mutex_lock(&batch->lock);
    int rc = flush_block(batch, err);
    if (rc >= 0) rc = flush_pack(batch, err);
    pthread_mutex_unlock(&batch->lock);
    return rc;
}

/* Copies what is kept. 1: nothing was left out, so that the old pack may stay. */
static int copy_kept(ag_blob *store, const pack *p, pack_keep_fn keep, void *context, ag_blob_batch *batch, ag_err *err)
{
    ag_buf content;
    ag_buf_init(&content, PIECE_RAW_MAX);
    bool all = true;
    int rc = 0;
    for (size_t i = 0; i < p->count && rc >= 0; i++) {
        if (!keep(context, &p->entries[i].sha256)) {
            all = false;
            continue;
        }
        ag_blob_ref ref;
        ag_buf_clear(&content);
        rc = pack_read(store, p->key, &p->entries[i], &content, err);
        if (rc >= 0) rc = put_bytes(batch, ag_buf_str(&content), &ref, err);
    }
    ag_buf_deinit(&content);
    return rc < 0 ? rc : all;
}

int pack_rewrite(ag_blob *store, const char *key, pack_keep_fn keep, void *context, int64_t before, ag_err *err)
{
    pack *p = NULL;
    ag_blob_batch *batch = NULL;
    int rc = pack_load(store, key, &p, err);
    if (rc < 0 || (rc = ag_blob_batch_open(store, &batch, err)) < 0) goto out;
    batch->anew = true;
    rc = copy_kept(store, p, keep, context, batch, err);
    if (rc != 0) {
        if (rc > 0) rc = 0;
        goto out;
    }
    if ((rc = ag_blob_batch_commit(batch, err)) < 0) goto out;
    if ((rc = store->backend->remove(store->state, key, before, err)) == AG_ENOTFOUND) rc = 1; /* by another process */
    if (rc > 0) {
        int looked = packs_look(store, 0, err);
        if (looked < 0) rc = looked;
    }
out:
    pack_free(p);
    ag_blob_batch_free(batch);
    return rc;
}
