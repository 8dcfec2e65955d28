// SPDX-License-Identifier: Apache-2.0
/* get.c: reading objects. A reader holds one decoded chunk. Each chunk is checked against its SHA-256 before a byte of
 * it is given out; a whole object's own SHA-256 is compared before its end is reported. An object in a single piece is
 * checked before the reader exists, so opening it can already say that it is damaged. */
#include <string.h>

#include "core/base/mem.h"
#include "core/blob/store.h"

typedef struct get_reader {
    ag_reader base;
    ag_blob *store;
    ag_sha256 id;
    ag_buf record;  /* of the manifest, which `payload` borrows */
    ag_str payload; /* empty: the object is in `content` already */
    size_t next;    /* chunk */
    ag_buf content;
    size_t at;        /* in content */
    uint64_t left;    /* bytes to give */
    ag_hasher *whole; /* NULL: a range, or checked already */
} get_reader;

static int damaged(get_reader *self, ag_err *err)
{
    char hex[65];
    ag_sha256_format(&self->id, hex);
    return ag_err_prefix(err, "object %s is damaged", hex);
}

static int next_chunk(get_reader *self, ag_err *err)
{
    piece_entry entry;
    char key[KEY_SIZE];
    int rc = ag_cancel_check(self->store->cancel, err);
    if (rc < 0 || (rc = piece_entry_at(self->payload, self->next, &entry, err)) < 0) return rc;
    ag_buf_clear(&self->content);
    self->at = 0;
    key_of("chunks", &entry.sha256, key);
    rc = piece_get_content(self->store, key, &entry.sha256, &self->content, err);
    if (rc == AG_ENOTFOUND) rc = ag_fail(err, AG_ECORRUPT, "its chunk %s is missing", key);
    if (rc == AG_ECORRUPT) return damaged(self, err);
    if (rc < 0) return rc;
    if (self->content.size != entry.size) {
        ag_fail(err, AG_ECORRUPT, "%s has another size than the list of chunks says", key);
        return damaged(self, err);
    }
    self->next++;
    return self->whole ? ag_hasher_add(self->whole, self->content.data, self->content.size, err) : 0;
}

/* The end of a whole object: its own hash is right, or it is no end. */
static int check_whole(get_reader *self, ag_err *err)
{
    ag_sha256 found;
    if (!self->whole) return 0;
    int rc = ag_hasher_finish(self->whole, &found, err);
    ag_hasher_free(self->whole);
    self->whole = NULL;
    if (rc < 0 || ag_sha256_equal(&found, &self->id)) return rc;
    ag_fail(err, AG_ECORRUPT, "its chunks together do not have its SHA-256");
    return damaged(self, err);
}

static ptrdiff_t get_read(ag_reader *base, void *into, size_t size, ag_err *err)
{
    get_reader *self = (get_reader *)base;
    int rc;
    if (self->left == 0) return check_whole(self, err);
    while (self->at == self->content.size) {
        if ((rc = next_chunk(self, err)) < 0) return rc;
    }
    size_t part = self->content.size - self->at;
    if (part > size) part = size;
    if (part > self->left) part = (size_t)self->left;
    memcpy(into, self->content.data + self->at, part);
    self->at += part;
    self->left -= part;
    return (ptrdiff_t)part;
}

static void get_close(ag_reader *base)
{
    get_reader *self = (get_reader *)base;
    ag_buf_deinit(&self->record);
    ag_buf_deinit(&self->content);
    ag_hasher_free(self->whole);
    ag_free(self);
}

static int load_packed(get_reader *self, uint64_t *size, ag_err *err)
{
    pack_entry entry;
    char key[KEY_SIZE], hex[65];
    for (int attempt = 0;; attempt++) { /* a pack may have been rewritten since we looked */
        int rc = packs_find(self->store, &self->id, 0, &entry, key, err);
        if (rc < 0) return rc;
        if (rc == 0) {
            ag_sha256_format(&self->id, hex);
            return ag_fail(err, AG_ENOTFOUND, "no object %s in the blob store '%s'", hex, self->store->address);
        }
        rc = pack_read(self->store, key, &entry, &self->content, err);
        *size = entry.size;
        if (rc == AG_ECORRUPT) return damaged(self, err);
        if (rc != AG_ENOTFOUND || attempt == 3) return rc;
    }
}

static int load(get_reader *self, uint64_t *size, ag_err *err)
{
    char key[KEY_SIZE];
    piece_kind kind;
    ag_str payload;
    key_of("objects", &self->id, key);
    int rc = piece_get(self->store, key, &self->record, &kind, size, &payload, err);
    if (rc == AG_ENOTFOUND) return load_packed(self, size, err);
    if (rc == AG_ECORRUPT) return damaged(self, err);
    if (rc < 0) return rc;
    if (kind == PIECE_MANIFEST) {
        self->payload = payload;
        return 0;
    }
    rc = piece_decode(ag_buf_str(&self->record), &self->content, err);
    if (rc >= 0) rc = check_sha(ag_buf_str(&self->content), &self->id, err);
    ag_buf_deinit(&self->record);
    return rc == AG_ECORRUPT ? damaged(self, err) : rc;
}

/* Skips whole chunks before the range, and bytes of the one where it begins. */
static int seek(get_reader *self, uint64_t offset, ag_err *err)
{
    piece_entry entry;
    for (; self->payload.size; self->next++) {
        int rc = piece_entry_at(self->payload, self->next, &entry, err);
        if (rc < 0) return rc;
        if (offset < entry.size) {
            if ((rc = next_chunk(self, err)) < 0) return rc;
            break;
        }
        offset -= entry.size;
    }
    self->at = (size_t)offset;
    return 0;
}

int ag_blob_get_range(ag_blob *store, const ag_sha256 *id, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err)
{
    uint64_t whole = 0;
    get_reader *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    self->base = (ag_reader){get_read, get_close};
    self->store = store;
    self->id = *id;
    ag_buf_init(&self->record, AG_PIECE_MAX);
    ag_buf_init(&self->content, PIECE_RAW_MAX);
    int rc = load(self, &whole, err);
    if (rc < 0) goto out;
    self->left = offset < whole ? whole - offset : 0;
    if (self->left > size) self->left = size;
    if (self->payload.size && offset == 0 && self->left == whole)
        rc = ag_hasher_new(&self->whole, err);
    else if (self->left)
        rc = seek(self, offset, err);
    if (rc < 0) goto out;
    *out = &self->base;
    return 0;
out:
    get_close(&self->base);
    return rc;
}

int ag_blob_get(ag_blob *store, const ag_sha256 *id, ag_reader **out, ag_err *err)
{
    return ag_blob_get_range(store, id, 0, UINT64_MAX, out, err);
}

int ag_blob_get_bytes(ag_blob *store, const ag_sha256 *id, ag_buf *out, ag_err *err)
{
    ag_reader *reader = NULL;
    int rc = ag_blob_get(store, id, &reader, err);
    if (rc < 0) return rc;
    rc = ag_read_all(reader, out, err);
    ag_reader_close(reader);
    return rc;
}
