// SPDX-License-Identifier: Apache-2.0
/* store.c: opening a content-addressed store, putting one object, asking about one.
 * Invariants: a key is written once with content that its id fixes, so two writers of the same key cannot disagree; a
 * manifest is written after all its chunks; whatever a put finds to be there already is made young first, so that no
 * sweep takes it away under the put. A put holds one buffer of 4 MiB and one encoded chunk, whatever the size.
 * Threads: any; see store.h for the lock. */
#include "core/blob/store.h"

#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/net/http.h"
#include "core/sys/clock.h"

#define YOUNG (10 * 60 * AG_SECOND) /* without touch: a piece younger than this is not written again */
#define PACKS_AGE AG_SECOND         /* how old the knowledge of packs may be when it only saves a second copy */

int64_t store_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * AG_SECOND + now.tv_nsec / 1000;
}

void key_of(const char *folder, const ag_sha256 *id, char out[KEY_SIZE])
{
    char hex[65];
    ag_sha256_format(id, hex);
    ag_format(out, KEY_SIZE, "%s/%.2s/%s", folder, hex, hex + 2);
}

bool id_of_key(const char *key, ag_sha256 *out)
{
    ag_str text = ag_str_of(key);
    size_t slash = ag_str_find_char(text, '/', 0);
    if (slash == SIZE_MAX || text.size != slash + 1 + 2 + 1 + 62 || key[slash + 3] != '/') return false;
    char hex[64];
    memcpy(hex, key + slash + 1, 2);
    memcpy(hex + 2, key + slash + 4, 62);
    return ag_sha256_parse((ag_str){hex, 64}, out);
}

static int add_used(void *context, const char *key, const ag_piece_info *info, ag_err *err)
{
    ag_blob *store = context;
    (void)key;
    (void)err;
    atomic_fetch_add(&store->used, info->size);
    return 0;
}

static int measure_quota(ag_blob *store, ag_err *err)
{
    static const char *const folders[] = {"objects", "chunks", "packs"};
    int rc = 0;
    for (size_t i = 0; i < 3 && rc >= 0 && store->quota; i++) {
        rc = store->backend->walk(store->state, folders[i], add_used, store, err);
    }
    return rc;
}

int ag_blob_open(const char *address, const ag_blob_options *options, ag_blob **out, ag_err *err)
{
    char shown[256];
    ag_http_show_url(address, shown, sizeof(shown));
    ag_blob *store = ag_calloc(1, sizeof(*store));
    if (!store) return ag_fail_memory(err, sizeof(*store));
    pthread_mutex_init(&store->lock, NULL);
    ag_vec_init(&store->packs, sizeof(pack *));
    ag_buf_init(&store->cached, PIECE_RAW_MAX);
    chunk_gear(store->gear);
    if (options) {
        store->quota = options->quota;
        store->read_only = options->read_only;
        store->cancel = options->cancel;
    }
    int rc = ag_blob_backend_find(address, &store->backend, err);
    if (rc < 0) goto out;
    if (!(store->address = ag_strdup(shown)) || !(store->state = ag_calloc(1, store->backend->state_size))) {
        rc = ag_fail_memory(err, store->backend->state_size);
        goto out;
    }
    if ((rc = store->backend->open(store->state, address, store->read_only, store->cancel, err)) < 0) goto out;
    if ((rc = measure_quota(store, err)) < 0) goto out;
    *out = store;
    return 0;
out:
    ag_blob_close(store);
    return rc;
}

void ag_blob_close(ag_blob *store)
{
    if (!store) return;
    if (store->state) store->backend->close(store->state);
    ag_free(store->state);
    for (size_t i = 0; i < store->packs.count; i++) pack_free(*(pack **)ag_vec_at(&store->packs, i));
    ag_vec_deinit(&store->packs);
    ag_buf_deinit(&store->cached);
    ag_free(store->address);
    pthread_mutex_destroy(&store->lock);
    ag_free(store);
}

int store_writable(const ag_blob *store, ag_err *err)
{
    return store->read_only ? ag_fail(err, AG_EDENIED, "the blob store '%s' was opened for reading", store->address)
                            : 0;
}

int piece_put(ag_blob *store, const char *key, ag_str record, ag_err *err)
{
    int rc = ag_cancel_check(store->cancel, err);
    if (rc < 0) return rc;
    uint64_t used = atomic_fetch_add(&store->used, record.size);
    if (store->quota && used + record.size > store->quota) {
        rc = ag_fail(err, AG_EFULL, "the blob store '%s' has used its quota of %llu bytes", store->address,
                     (unsigned long long)store->quota);
        ag_err_hint(err, "Collect garbage, remove objects or raise the quota.");
    }
    if (rc == 0) rc = store->backend->write(store->state, key, record, err);
    if (rc < 0) atomic_fetch_sub(&store->used, record.size);
    return rc;
}

int piece_refresh(ag_blob *store, const char *key, ag_err *err)
{
    ag_piece_info info;
    int rc = store->backend->touch ? store->backend->touch(store->state, key, err)
                                   : store->backend->stat(store->state, key, &info, err);
    if (rc == AG_ENOTFOUND) return 0;
    if (rc < 0) return rc;
    return store->backend->touch || store_now() - info.modified < YOUNG;
}

int piece_get(ag_blob *store, const char *key, ag_buf *record, piece_kind *kind, uint64_t *size, ag_str *payload,
              ag_err *err)
{
    int rc = ag_cancel_check(store->cancel, err);
    if (rc < 0) return rc;
    if ((rc = store->backend->read(store->state, key, 0, UINT64_MAX, record, err)) < 0) return rc;
    if (piece_open(ag_buf_str(record), kind, size, payload, err) < 0) return ag_err_prefix(err, "%s", key);
    if (*kind == PIECE_MANIFEST && piece_check_manifest(*payload, *size, err) < 0) return ag_err_prefix(err, "%s", key);
    return 0;
}

int check_sha(ag_str content, const ag_sha256 *id, ag_err *err)
{
    ag_sha256 found;
    int rc = ag_sha256_of(content.data, content.size, &found, err);
    if (rc < 0 || ag_sha256_equal(&found, id)) return rc;
    return ag_fail(err, AG_ECORRUPT, "its bytes do not have the SHA-256 under which they are stored");
}

int piece_get_content(ag_blob *store, const char *key, const ag_sha256 *id, ag_buf *out, ag_err *err)
{
    ag_buf record;
    ag_buf_init(&record, AG_PIECE_MAX);
    size_t before = out->size;
    int rc = store->backend->read(store->state, key, 0, UINT64_MAX, &record, err);
    if (rc >= 0) {
        rc = piece_decode(ag_buf_str(&record), out, err);
        if (rc >= 0) rc = check_sha((ag_str){out->data ? out->data + before : "", out->size - before}, id, err);
        if (rc < 0) ag_err_prefix(err, "%s", key);
    }
    ag_buf_deinit(&record);
    return rc;
}

/* Writes `content` under folder/id unless it is there. */
static int put_piece(ag_blob *store, const char *folder, ag_str content, const ag_sha256 *id, ag_err *err)
{
    char key[KEY_SIZE];
    key_of(folder, id, key);
    int rc = piece_refresh(store, key, err);
    if (rc != 0) return rc < 0 ? rc : 0;
    ag_buf record;
    ag_buf_init(&record, AG_PIECE_MAX);
    rc = piece_encode(content, &record, err);
    if (rc >= 0) rc = piece_put(store, key, ag_buf_str(&record), err);
    ag_buf_deinit(&record);
    return rc;
}

/* 1: the object lies in a pack, which is young now. */
static int in_pack(ag_blob *store, const ag_sha256 *id, ag_err *err)
{
    pack_entry entry;
    char key[KEY_SIZE];
    int rc = packs_find(store, id, PACKS_AGE, &entry, key, err);
    return rc > 0 ? piece_refresh(store, key, err) : rc;
}

static int put_small(ag_blob *store, ag_str content, ag_blob_ref *out, ag_err *err)
{
    ag_blob_ref ref = {.size = content.size};
    int rc = ag_sha256_of(content.data, content.size, &ref.sha256, err);
    if (rc < 0 || (rc = in_pack(store, &ref.sha256, err)) < 0) return rc;
    if (rc == 0 && (rc = put_piece(store, "objects", content, &ref.sha256, err)) < 0) return rc;
    *out = ref;
    return 0;
}

typedef struct large_put {
    ag_blob *store;
    ag_hasher *whole;
    ag_vec entries; /* of piece_entry */
    uint64_t size;
} large_put;

static int put_chunk(large_put *put, ag_str chunk, ag_err *err)
{
    piece_entry entry = {.size = chunk.size};
    int rc = ag_sha256_of(chunk.data, chunk.size, &entry.sha256, err);
    if (rc < 0 || (rc = ag_hasher_add(put->whole, chunk.data, chunk.size, err)) < 0) return rc;
    if ((rc = put_piece(put->store, "chunks", chunk, &entry.sha256, err)) < 0) return rc;
    put->size += chunk.size;
    return ag_vec_push(&put->entries, &entry, err);
}

static int put_manifest(large_put *put, ag_blob_ref *out, ag_err *err)
{
    char key[KEY_SIZE];
    ag_blob_ref ref = {.size = put->size};
    int rc = ag_hasher_finish(put->whole, &ref.sha256, err);
    if (rc < 0) return rc;
    key_of("objects", &ref.sha256, key);
    rc = piece_refresh(put->store, key, err);
    if (rc == 0) {
        ag_buf record;
        ag_buf_init(&record, AG_PIECE_MAX);
        rc = piece_encode_manifest(put->entries.items, put->entries.count, &record, err);
        if (rc >= 0) rc = piece_put(put->store, key, ag_buf_str(&record), err);
        ag_buf_deinit(&record);
    }
    if (rc < 0) return rc;
    *out = ref;
    return 0;
}

/* `buffer` holds `have` bytes of a content that is longer than CHUNK_MAX, or exactly so long. */
static int put_large(ag_blob *store, ag_reader *content, char *buffer, size_t have, ag_blob_ref *out, ag_err *err)
{
    large_put put = {.store = store};
    ag_vec_init(&put.entries, sizeof(piece_entry));
    int rc = ag_hasher_new(&put.whole, err);
    while (rc >= 0 && have) {
        size_t cut = chunk_cut(store->gear, (ag_str){buffer, have});
        if ((rc = put_chunk(&put, (ag_str){buffer, cut}, err)) < 0) break;
        memmove(buffer, buffer + cut, have - cut);
        have -= cut;
        ptrdiff_t got = ag_read_full(content, buffer + have, CHUNK_MAX - have, err);
        if (got < 0)
            rc = (int)got;
        else
            have += (size_t)got;
    }
    if (rc >= 0) rc = put_manifest(&put, out, err);
    ag_hasher_free(put.whole);
    ag_vec_deinit(&put.entries);
    return rc;
}

int ag_blob_put(ag_blob *store, ag_reader *content, ag_blob_ref *out, ag_err *err)
{
    int rc = store_writable(store, err);
    if (rc < 0) return rc;
    char *buffer = ag_alloc(CHUNK_MAX);
    if (!buffer) return ag_fail_memory(err, CHUNK_MAX);
    ptrdiff_t got = ag_read_full(content, buffer, CHUNK_MAX, err);
    if (got < 0)
        rc = (int)got;
    else if ((size_t)got < CHUNK_MAX)
        rc = put_small(store, (ag_str){buffer, (size_t)got}, out, err);
    else
        rc = put_large(store, content, buffer, (size_t)got, out, err);
    ag_free(buffer);
    return rc;
}

int ag_blob_put_bytes(ag_blob *store, const void *bytes, size_t size, ag_blob_ref *out, ag_err *err)
{
    int rc = store_writable(store, err);
    if (rc < 0) return rc;
    if (size < CHUNK_MAX) return put_small(store, (ag_str){bytes, size}, out, err);
    ag_reader *reader = NULL;
    if ((rc = ag_reader_of_memory(bytes, size, &reader, err)) < 0) return rc;
    rc = ag_blob_put(store, reader, out, err);
    ag_reader_close(reader);
    return rc;
}

static int not_here(const ag_blob *store, const ag_sha256 *id, ag_err *err)
{
    char hex[65];
    ag_sha256_format(id, hex);
    return ag_fail(err, AG_ENOTFOUND, "no object %s in the blob store '%s'", hex, store->address);
}

int ag_blob_stat(ag_blob *store, const ag_sha256 *id, uint64_t *size, ag_err *err)
{
    char key[KEY_SIZE];
    pack_entry entry;
    ag_buf head;
    ag_buf_init(&head, PIECE_HEAD);
    key_of("objects", id, key);
    int rc = store->backend->read(store->state, key, 0, PIECE_HEAD, &head, err);
    if (rc >= 0 && (head.size < PIECE_HEAD || memcmp(head.data, "AGb1", 4) != 0)) {
        rc = ag_fail(err, AG_ECORRUPT, "%s: the stored bytes are no piece of this version", key);
    } else if (rc >= 0) {
        *size = piece_load64(head.data + 8);
    }
    ag_buf_deinit(&head);
    if (rc != AG_ENOTFOUND) return rc;
    if ((rc = packs_find(store, id, 0, &entry, key, err)) < 0) return rc;
    if (rc == 0) return not_here(store, id, err);
    *size = entry.size;
    return 0;
}

int ag_blob_has(ag_blob *store, const ag_sha256 *id, ag_err *err)
{
    char key[KEY_SIZE];
    pack_entry entry;
    ag_piece_info info;
    key_of("objects", id, key);
    int rc = store->backend->stat(store->state, key, &info, err);
    if (rc != AG_ENOTFOUND) return rc < 0 ? rc : 1;
    return packs_find(store, id, 0, &entry, key, err);
}

static int is_other(void *context, const ag_sha256 *id)
{
    return !ag_sha256_equal(context, id);
}

int ag_blob_remove(ag_blob *store, const ag_sha256 *id, ag_err *err)
{
    char key[KEY_SIZE];
    pack_entry entry;
    int rc = store_writable(store, err), gone = 0;
    if (rc < 0) return rc;
    key_of("objects", id, key);
    rc = store->backend->remove(store->state, key, INT64_MAX, err);
    if (rc < 0 && rc != AG_ENOTFOUND) return rc;
    gone += rc > 0;
    while ((rc = packs_find(store, id, 0, &entry, key, err)) > 0) {
        ag_sha256 copy = *id;
        if ((rc = pack_rewrite(store, key, is_other, &copy, INT64_MAX, err)) < 0) return rc;
        gone++;
    }
    return rc < 0 ? rc : gone ? 0 : not_here(store, id, err);
}
