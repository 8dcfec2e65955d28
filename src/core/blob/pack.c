// SPDX-License-Identifier: Apache-2.0
/* pack.c: reading packs. A pack is a row of records (piece.h), each a block of many small objects, then a record with
 * the index (64 bytes an object, sorted by id), then a footer: "AGp1", four zero bytes, where the index begins, how
 * long its record is, fast hash of these 24 bytes. Indexes of all packs are kept in memory (64 bytes an object) and
 * looked at again when something is not found, because another process may have added or rewritten packs. The last
 * block that was decoded is kept: objects put together are read together. Threads: store->lock guards list and block;
 * input and output happen outside of it, except when the list is refreshed. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/blob/columns.h"
#include "core/blob/store.h"
#include "core/sys/clock.h"

#define FOOTER 32

void pack_free(pack *p)
{
    if (!p) return;
    ag_free(p->entries);
    ag_free(p);
}

static int compare_entries(const void *a, const void *b)
{
    return memcmp(((const pack_entry *)a)->sha256.bytes, ((const pack_entry *)b)->sha256.bytes, 32);
}

int pack_write_index(ag_buf *out, pack_entry *entries, size_t count, ag_err *err)
{
    uint64_t start = out->size;
    ag_buf index;
    ag_buf_init(&index, PIECE_RAW_MAX);
    qsort(entries, count, sizeof(*entries), compare_entries);
    for (size_t i = 0; i < count; i++) {
        char bytes[PACK_ENTRY_SIZE] = {0};
        memcpy(bytes, entries[i].sha256.bytes, 32);
        piece_store64(bytes + 32, entries[i].block);
        piece_store32(bytes + 40, entries[i].block_size);
        piece_store32(bytes + 44, entries[i].offset);
        piece_store32(bytes + 48, entries[i].stored);
        piece_store32(bytes + 52, entries[i].size);
        piece_store32(bytes + 56, entries[i].turned);
        ag_buf_add(&index, bytes, sizeof(bytes));
    }
    int rc = ag_buf_check(&index, "the index of a pack", err);
    if (rc >= 0) rc = piece_encode_packed(ag_buf_str(&index), out, err);
    ag_buf_deinit(&index);
    if (rc < 0) return rc;
    char footer[FOOTER] = {'A', 'G', 'p', '1'};
    piece_store64(footer + 8, start);
    piece_store64(footer + 16, out->size - start);
    piece_store64(footer + 24, ag_hash_fast(footer, 24, 0));
    ag_buf_add(out, footer, sizeof(footer));
    return ag_buf_check(out, "a pack", err);
}

static int parse_index(pack *p, ag_str bytes, ag_err *err)
{
    p->count = bytes.size / PACK_ENTRY_SIZE;
    if (bytes.size % PACK_ENTRY_SIZE) return ag_fail(err, AG_ECORRUPT, "the index is cut");
    if (!(p->entries = ag_alloc_array(p->count, sizeof(*p->entries)))) return ag_fail_memory(err, bytes.size);
    for (size_t i = 0; i < p->count; i++) {
        const char *at = bytes.data + i * PACK_ENTRY_SIZE;
        pack_entry *e = &p->entries[i];
        *e = (pack_entry){.block = piece_load64(at + 32),
                          .block_size = piece_load32(at + 40),
                          .offset = piece_load32(at + 44),
                          .stored = piece_load32(at + 48),
                          .size = piece_load32(at + 52),
                          .turned = piece_load32(at + 56)};
        memcpy(e->sha256.bytes, at, 32);
        bool inside = e->block <= p->index && e->block_size <= p->index - e->block && e->turned <= 1;
        if (!inside || (i && compare_entries(e - 1, e) >= 0))
            return ag_fail(err, AG_ECORRUPT, "the index is not in order");
    }
    return 0;
}

/* The footer of the pack of `size` bytes: where the index lies. */
static int read_footer(ag_blob *store, const char *key, uint64_t size, uint64_t *index, uint64_t *index_size,
                       ag_err *err)
{
    ag_buf footer;
    ag_buf_init(&footer, FOOTER);
    if (size < FOOTER) return ag_fail(err, AG_ECORRUPT, "the pack ends early");
    int rc = store->backend->read(store->state, key, size - FOOTER, FOOTER, &footer, err);
    if (rc >= 0) {
        const char *f = footer.data;
        bool right = footer.size == FOOTER && memcmp(f, "AGp1\0\0\0\0", 8) == 0 &&
                     piece_load64(f + 24) == ag_hash_fast(f, 24, 0);
        if (right) {
            *index = piece_load64(f + 8);
            *index_size = piece_load64(f + 16);
            right = *index <= size && *index_size == size - FOOTER - *index;
        }
        rc = right ? 0 : ag_fail(err, AG_ECORRUPT, "the end of the pack is not what was written");
    }
    ag_buf_deinit(&footer);
    return rc;
}

int pack_load(ag_blob *store, const char *key, pack **out, ag_err *err)
{
    ag_piece_info info;
    uint64_t index_size = 0;
    ag_buf record, index;
    ag_buf_init(&record, AG_PIECE_MAX);
    ag_buf_init(&index, PIECE_RAW_MAX);
    pack *p = ag_calloc(1, sizeof(*p));
    int rc = p ? store->backend->stat(store->state, key, &info, err) : ag_fail_memory(err, sizeof(*p));
    if (rc < 0) goto out;
    ag_format(p->key, sizeof(p->key), "%s", key);
    if ((rc = read_footer(store, key, info.size, &p->index, &index_size, err)) < 0) goto out;
    if ((rc = store->backend->read(store->state, key, p->index, index_size, &record, err)) < 0) goto out;
    if ((rc = piece_decode(ag_buf_str(&record), &index, err)) < 0) goto out;
    if ((rc = parse_index(p, ag_buf_str(&index), err)) < 0) goto out;
    *out = p;
    p = NULL;
out:
    if (rc == AG_ECORRUPT) ag_err_prefix(err, "%s", key);
    pack_free(p);
    ag_buf_deinit(&record);
    ag_buf_deinit(&index);
    return rc;
}

static int look_at(void *context, const char *key, const ag_piece_info *info, ag_err *err)
{
    ag_blob *store = context;
    (void)info;
    for (size_t i = 0; i < store->packs.count; i++) {
        pack *known = *(pack **)ag_vec_at(&store->packs, i);
        if (strcmp(known->key, key) == 0) {
            known->seen = true;
            return 0;
        }
    }
    pack *p = NULL;
    int rc = pack_load(store, key, &p, err);
    /* gone meanwhile, or damaged: one bad pack must not hide the others; verify names it */
    if (rc == AG_ENOTFOUND || rc == AG_ECORRUPT) return 0;
    if (rc < 0) return rc;
    p->seen = true;
    if ((rc = ag_vec_push(&store->packs, &p, err)) < 0) pack_free(p);
    return rc;
}

int packs_look(ag_blob *store, int64_t max_age, ag_err *err)
{
    pthread_mutex_lock(&store->lock);
    int64_t now = ag_monotonic();
    int rc = 0;
    if (store->looked_at == 0 || now - store->looked_at >= max_age) {
        for (size_t i = 0; i < store->packs.count; i++) (*(pack **)ag_vec_at(&store->packs, i))->seen = false;
        rc = store->backend->walk(store->state, "packs", look_at, store, err);
        for (size_t i = store->packs.count; rc >= 0 && i > 0; i--) {
            pack *p = *(pack **)ag_vec_at(&store->packs, i - 1);
            if (p->seen) continue;
            ag_vec_remove(&store->packs, i - 1);
            pack_free(p);
        }
        if (rc >= 0) store->looked_at = now;
    }
    pthread_mutex_unlock(&store->lock);
    return rc < 0 ? rc : 0;
}

static bool find_known(ag_blob *store, const ag_sha256 *id, pack_entry *entry, char key[KEY_SIZE])
{
    bool found = false;
    pack_entry wanted = {.sha256 = *id};
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->packs.count && !found; i++) {
        const pack *p = *(pack **)ag_vec_at(&store->packs, i);
        const pack_entry *e = bsearch(&wanted, p->entries, p->count, sizeof(wanted), compare_entries);
        if (!e) continue;
        *entry = *e;
        memcpy(key, p->key, KEY_SIZE);
        found = true;
    }
    pthread_mutex_unlock(&store->lock);
    return found;
}

int packs_find(ag_blob *store, const ag_sha256 *id, int64_t max_age, pack_entry *entry, char key[KEY_SIZE], ag_err *err)
{
    ag_piece_info info;
    if (find_known(store, id, entry, key)) {
        if (max_age) return 1; /* the caller finds out itself when the pack is gone */
        int rc = store->backend->stat(store->state, key, &info, err);
        if (rc != AG_ENOTFOUND) return rc < 0 ? rc : 1;
    }
    int rc = packs_look(store, max_age, err);
    return rc < 0 ? rc : find_known(store, id, entry, key);
}

/* Appends the part of a decoded block that is the object. */
static int take_object(ag_str block, const pack_entry *entry, ag_buf *out, ag_err *err)
{
    size_t before = out->size;
    if (entry->offset > block.size || entry->stored > block.size - entry->offset) {
        return ag_fail(err, AG_ECORRUPT, "the object lies outside its block");
    }
    ag_str part = ag_str_slice(block, entry->offset, entry->stored);
    int rc = 0;
    if (entry->turned) {
        ag_buf restored;
        ag_buf_init(&restored, (size_t)entry->size + 1);
        rc = ag_columns_restore(part, &restored, err);
        if (rc >= 0 && ag_buf_add_str(out, ag_buf_str(&restored)) < 0) rc = ag_buf_check(out, "an object", err);
        ag_buf_deinit(&restored);
    } else if (ag_buf_add_str(out, part) < 0) {
        rc = ag_buf_check(out, "an object", err);
    }
    if (rc < 0) return rc;
    if (out->size - before != entry->size)
        return ag_fail(err, AG_ECORRUPT, "the object has another size than its index says");
    return check_sha((ag_str){out->data ? out->data + before : "", entry->size}, &entry->sha256, err);
}

static bool take_cached(ag_blob *store, const char *key, const pack_entry *entry, ag_buf *out, int *rc, ag_err *err)
{
    pthread_mutex_lock(&store->lock);
    bool hit = store->cached.size && store->cached_block == entry->block && strcmp(store->cached_key, key) == 0;
    if (hit) *rc = take_object(ag_buf_str(&store->cached), entry, out, err);
    pthread_mutex_unlock(&store->lock);
    return hit;
}

static void keep_block(ag_blob *store, const char *key, uint64_t block, ag_buf *content)
{
    pthread_mutex_lock(&store->lock);
    ag_buf old = store->cached;
    store->cached = *content;
    *content = old;
    store->cached_block = block;
    ag_format(store->cached_key, sizeof(store->cached_key), "%s", key);
    pthread_mutex_unlock(&store->lock);
}

int pack_read(ag_blob *store, const char *key, const pack_entry *entry, ag_buf *out, ag_err *err)
{
    int rc = 0;
    if (take_cached(store, key, entry, out, &rc, err)) return rc;
    ag_buf record, content;
    ag_buf_init(&record, AG_PIECE_MAX);
    ag_buf_init(&content, PIECE_RAW_MAX);
    rc = store->backend->read(store->state, key, entry->block, entry->block_size, &record, err);
    if (rc >= 0) rc = piece_decode(ag_buf_str(&record), &content, err);
    if (rc >= 0) rc = take_object(ag_buf_str(&content), entry, out, err);
    if (rc == AG_ECORRUPT) ag_err_prefix(err, "%s at byte %llu", key, (unsigned long long)entry->block);
    if (rc >= 0) keep_block(store, key, entry->block, &content);
    ag_buf_deinit(&record);
    ag_buf_deinit(&content);
    return rc;
}
