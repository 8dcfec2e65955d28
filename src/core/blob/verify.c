// SPDX-License-Identifier: Apache-2.0
/* verify.c: comparing every stored byte with its hashes. Chunks are looked at once each, then manifests are held
 * against what was found. One damage never hides another: everything is looked at, everything wrong is reported, only a
 * failure of the backend itself stops. Threads: any; a collection at the same time may take pieces away, which is no
 * damage unless something still names them. */
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/blob/store.h"

typedef struct verifier {
    ag_blob *store;
    ag_blob_report_fn report;
    void *context;
    ag_blob_check *out;
    ag_map *good; /* chunks by id */
    char first[200];
    ag_err first_why;
} verifier;

static void damage(verifier *v, const char *name, const ag_err *why)
{
    if (v->out->damaged++ == 0) {
        ag_format(v->first, sizeof(v->first), "%s", name);
        v->first_why = *why;
    }
    if (v->report) v->report(v->context, name, why);
}

/* Damage is reported and gone; anything else goes on up. */
static int settle(verifier *v, const char *name, int rc, const ag_err *why, ag_err *err)
{
    if (rc >= 0 || rc == AG_ENOTFOUND) return 0;
    if (rc == AG_ECORRUPT) {
        damage(v, name, why);
        return 0;
    }
    if (err) *err = *why;
    return rc;
}

static int verify_chunk(void *context, const char *key, const ag_piece_info *info, ag_err *err)
{
    verifier *v = context;
    ag_sha256 id;
    ag_err why = {0};
    ag_buf content;
    (void)info;
    int rc = ag_cancel_check(v->store->cancel, err);
    if (rc < 0) return rc;
    ag_buf_init(&content, PIECE_RAW_MAX);
    if (!id_of_key(key, &id))
        rc = ag_fail(&why, AG_ECORRUPT, "%s: a file that does not belong here", key);
    else
        rc = piece_get_content(v->store, key, &id, &content, &why);
    ag_buf_deinit(&content);
    if (rc < 0) return settle(v, key, rc, &why, err);
    return ag_map_put(v->good, (ag_str){(const char *)id.bytes, 32}, v, NULL, err);
}

static int verify_manifest(verifier *v, ag_str payload, ag_err *why)
{
    for (size_t i = 0; i < piece_entry_count(payload); i++) {
        piece_entry entry;
        char key[KEY_SIZE];
        int rc = piece_entry_at(payload, i, &entry, why);
        if (rc < 0) return rc;
        if (ag_map_has(v->good, (ag_str){(const char *)entry.sha256.bytes, 32})) continue;
        key_of("chunks", &entry.sha256, key);
        ag_buf content; /* put after the chunks were looked at, damaged, or missing */
        ag_buf_init(&content, PIECE_RAW_MAX);
        rc = piece_get_content(v->store, key, &entry.sha256, &content, why);
        ag_buf_deinit(&content);
        if (rc == AG_ENOTFOUND) rc = ag_fail(why, AG_ECORRUPT, "its chunk %s is missing", key);
        if (rc < 0) return rc;
    }
    return 0;
}

static int verify_object(void *context, const char *key, const ag_piece_info *info, ag_err *err)
{
    verifier *v = context;
    ag_sha256 id;
    ag_err why = {0};
    ag_buf record, content;
    piece_kind kind;
    uint64_t size = 0;
    ag_str payload;
    char hex[65];
    (void)info;
    int rc = ag_cancel_check(v->store->cancel, err);
    if (rc < 0) return rc;
    if (!id_of_key(key, &id)) {
        ag_fail(&why, AG_ECORRUPT, "%s: a file that does not belong here", key);
        damage(v, key, &why);
        return 0;
    }
    ag_buf_init(&record, AG_PIECE_MAX);
    ag_buf_init(&content, PIECE_RAW_MAX);
    ag_sha256_format(&id, hex);
    rc = piece_get(v->store, key, &record, &kind, &size, &payload, &why);
    if (rc >= 0 && kind == PIECE_MANIFEST) {
        rc = verify_manifest(v, payload, &why);
    } else if (rc >= 0) {
        rc = piece_decode(ag_buf_str(&record), &content, &why);
        if (rc >= 0) rc = check_sha(ag_buf_str(&content), &id, &why);
        if (rc < 0) ag_err_prefix(&why, "%s", key);
    }
    ag_buf_deinit(&record);
    ag_buf_deinit(&content);
    v->out->objects++;
    v->out->bytes += size;
    return settle(v, hex, rc, &why, err);
}

static int compare_places(const void *a, const void *b)
{
    const pack_entry *x = a, *y = b;
    if (x->block != y->block) return x->block < y->block ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Entries in the order of blocks, which must follow each other without a gap up to the index. */
static int check_tiles(const pack *p, ag_err *why)
{
    uint64_t end = 0;
    for (size_t i = 0; i < p->count; i++) {
        const pack_entry *e = &p->entries[i];
        if (i && e->block == e[-1].block && e->block_size == e[-1].block_size) continue;
        if (e->block != end) return ag_fail(why, AG_ECORRUPT, "its blocks do not follow each other");
        end += e->block_size;
    }
    return end == p->index ? 0 : ag_fail(why, AG_ECORRUPT, "its blocks do not reach its index");
}

static int verify_pack(void *context, const char *key, const ag_piece_info *info, ag_err *err)
{
    verifier *v = context;
    pack *p = NULL;
    ag_err why = {0};
    ag_buf content;
    (void)info;
    int rc = pack_load(v->store, key, &p, &why);
    if (rc < 0) return settle(v, key, rc, &why, err);
    qsort(p->entries, p->count, sizeof(*p->entries), compare_places);
    if (check_tiles(p, &why) < 0) damage(v, key, &why);
    ag_buf_init(&content, PIECE_RAW_MAX);
    for (size_t i = 0; i < p->count && rc >= 0; i++) {
        char hex[65];
        if ((rc = ag_cancel_check(v->store->cancel, err)) < 0) break;
        ag_buf_clear(&content);
        ag_sha256_format(&p->entries[i].sha256, hex);
        rc = settle(v, hex, pack_read(v->store, key, &p->entries[i], &content, &why), &why, err);
        v->out->objects++;
        v->out->bytes += p->entries[i].size;
    }
    ag_buf_deinit(&content);
    pack_free(p);
    return rc;
}

static int verify_one(verifier *v, const ag_sha256 *id, ag_err *err)
{
    ag_reader *reader = NULL;
    ag_err why = {0};
    char hex[65], bytes[16384];
    ag_sha256_format(id, hex);
    int rc = ag_blob_get(v->store, id, &reader, &why);
    if (rc == AG_ENOTFOUND) {
        if (err) *err = why;
        return rc;
    }
    v->out->objects = 1;
    ptrdiff_t got = rc;
    while (got >= 0 && rc >= 0 && (got = ag_read(reader, bytes, sizeof(bytes), &why)) > 0)
        v->out->bytes += (uint64_t)got;
    ag_reader_close(reader);
    return settle(v, hex, (int)got, &why, err);
}

static int verify_all(verifier *v, ag_err *err)
{
    ag_blob *store = v->store;
    int rc = store->backend->walk(store->state, "chunks", verify_chunk, v, err);
    if (rc >= 0) rc = store->backend->walk(store->state, "objects", verify_object, v, err);
    if (rc >= 0) rc = store->backend->walk(store->state, "packs", verify_pack, v, err);
    return rc;
}

int ag_blob_verify(ag_blob *store, const ag_sha256 *only, ag_blob_report_fn report, void *context, ag_blob_check *out,
                   ag_err *err)
{
    ag_blob_check check = {0};
    verifier v = {.store = store, .report = report, .context = context, .out = &check};
    if (!(v.good = ag_map_new())) return ag_fail_memory(err, sizeof(v));
    int rc = only ? verify_one(&v, only, err) : verify_all(&v, err);
    ag_map_free(v.good);
    if (out) *out = check;
    if (rc < 0 || check.damaged == 0) return rc < 0 ? rc : 0;
    return ag_fail(err, AG_ECORRUPT, "%llu damaged in the blob store '%s', first %s: %s",
                   (unsigned long long)check.damaged, store->address, v.first, v.first_why.text);
}
