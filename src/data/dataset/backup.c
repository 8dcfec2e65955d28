// SPDX-License-Identifier: Apache-2.0
/* backup.c: the bytes of data sets into another blob store, object by object, so that each is compared with its SHA-256
 * on the way and no pack that a garbage collection writes anew meanwhile can be missed. What is needed is told by the
 * ledger: an add names its version after all its bytes are stored, so that every listed version is whole. Copying
 * pieces as files would be faster and keep neither promise.
 *
 * Damage is that of the source alone: its reader is watched, a failure of the target ends the call. Threads: one. */
#include <string.h>

#include "core/base/map.h"
#include "data/dataset/dataset.h"

typedef struct copying {
    const ag_dataset_place *place;
    ag_blob *from, *to;
    ag_blob_batch *batch;
    ag_dataset_damage_fn report;
    void *context;
    ag_map *seen; /* digest of what was met -> itself when it was good, NULL when not */
    ag_dataset_copied *out;
} copying;

typedef struct watched { /* a reader that keeps what it failed with */
    ag_reader base;
    ag_reader *source;
    int rc;
    ag_err why;
} watched;

static ptrdiff_t watched_read(ag_reader *base, void *into, size_t size, ag_err *err)
{
    watched *self = (watched *)base;
    ptrdiff_t got = ag_read(self->source, into, size, &self->why);
    if (got >= 0) return got;
    self->rc = (int)got;
    if (err) *err = self->why;
    return got;
}

static bool is_damage(int rc)
{
    return rc == AG_ECORRUPT || rc == AG_ENOTFOUND || rc == AG_EPARSE;
}

/* 1: it is in the target; 0: the source has it damaged or not at all, which `why` tells. */
static int copy_object(copying *c, const ag_sha256 *id, ag_err *why, ag_err *err)
{
    watched reader = {.base = {watched_read, NULL}};
    ag_blob_ref ref = {0};
    int rc = ag_blob_has(c->to, id, err);
    if (rc != 0) {
        c->out->kept += rc > 0;
        return rc;
    }
    rc = reader.rc = ag_blob_get(c->from, id, &reader.source, &reader.why);
    if (rc == AG_ENOTFOUND) ag_fail(&reader.why, AG_ENOTFOUND, "it is not in the store");
    if (rc >= 0)
        rc = ag_blob_batch_put(c->batch, &reader.base, &ref, err);
    else if (err)
        *err = reader.why;
    ag_reader_close(reader.source);
    if (rc < 0 && is_damage(reader.rc)) {
        *why = reader.why;
        return 0;
    }
    if (rc < 0) return rc;
    c->out->objects++;
    c->out->bytes += ref.size;
    if (c->place) ag_progress_add(c->place->progress, 1, ref.size);
    return 1;
}

/* The same, each object once. */
static int need(copying *c, const ag_sha256 *id, ag_err *why, ag_err *err)
{
    ag_str key = {(const char *)id->bytes, sizeof(id->bytes)};
    int rc = ag_cancel_check(c->place->cancel, err);
    if (rc < 0) return rc;
    if (ag_map_has(c->seen, key)) {
        if (ag_map_get(c->seen, key)) return 1;
        ag_fail(why, AG_ECORRUPT, "its content is damaged, as was told before");
        return 0;
    }
    int good = copy_object(c, id, why, err);
    if (good < 0) return good;
    rc = ag_map_put(c->seen, key, good ? c : NULL, NULL, err);
    return rc < 0 ? rc : good;
}

static void tell(copying *c, const ag_dataset_version *version, const char *path, const char *blob, const ag_err *why)
{
    const ag_dataset_damage damage = {version, path, blob, "", why};
    c->out->damaged++;
    if (c->report) c->report(c->context, &damage);
}

static int need_file(copying *c, const ag_dataset_version *version, const ag_dataset_file *file, ag_err *err)
{
    ag_err why = {0};
    char hex[65];
    int rc = need(c, &file->sha256, &why, err);
    if (rc != 0) return rc;
    ag_sha256_format(&file->sha256, hex);
    tell(c, version, file->path, hex, &why);
    return AG_OK;
}

/* A manifest or a table of a split, by the text in the ledger; `path` is what a report says. */
static int need_text(copying *c, const ag_dataset_version *version, const char *path, const char *digest, ag_err *err)
{
    ag_err why = {0};
    ag_sha256 id;
    int rc = 0;
    if (ag_sha256_parse(ag_str_of(digest), &id))
        rc = need(c, &id, &why, err);
    else
        ag_fail(&why, AG_ECORRUPT, "the ledger says '%s' where a digest should be", digest);
    if (rc == 0) tell(c, version, path, digest, &why);
    return rc;
}

static int need_files(copying *c, const ag_dataset_version *version, ag_err *err)
{
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    ag_err why = {0};
    int rc = ag_dataset_open(c->place, version, &manifest, &why), inner = AG_OK;
    while (rc >= 0 && inner >= 0 && (rc = ag_manifest_next(manifest, &entry, &why)) > 0) {
        if (entry.kind == AG_MANIFEST_FILE) inner = need_file(c, version, &entry.file, err);
    }
    ag_manifest_close(manifest);
    if (inner < 0) return inner;
    if (rc < 0 && is_damage(rc)) {
        tell(c, version, NULL, version->digest, &why);
        return AG_OK;
    }
    if (rc < 0 && err) *err = why;
    return rc;
}

static int need_version(copying *c, const ag_dataset_version *version, ag_arena *arena, ag_err *err)
{
    const ag_dataset_split *splits;
    size_t count = 0;
    c->out->versions++;
    int rc = need_text(c, version, NULL, version->digest, err);
    if (rc > 0) rc = need_files(c, version, err);
    if (rc >= 0) rc = ag_dataset_splits(c->place->ledger, version, AG_STR(""), arena, &splits, &count, err);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        const char *name = ag_arena_printf(arena, "split %s", splits[i].name);
        rc = name ? need_text(c, version, name, splits[i].digest, err) : ag_fail_memory(err, 64);
    }
    return rc;
}

int ag_dataset_backup(const ag_dataset_place *place, ag_blob *to, ag_dataset_damage_fn report, void *context,
                      ag_dataset_copied *out, ag_err *err)
{
    ag_dataset_copied copied = {0};
    ag_dataset_versions all = {0};
    copying c = {.place = place,
                 .from = place->blobs,
                 .to = to,
                 .report = report,
                 .context = context,
                 .seen = ag_map_new(),
                 .out = &copied};
    ag_arena *arena = ag_arena_new(0);
    int rc = arena && c.seen ? ag_blob_batch_open(to, &c.batch, err) : ag_fail_memory(err, 4096);
    if (rc >= 0) rc = ag_dataset_list(place->ledger, AG_STR(""), arena, &all, err);
    for (size_t i = 0; rc >= 0 && i < all.count; i++) rc = need_version(&c, &all.items[i], arena, err);
    if (rc >= 0) rc = ag_blob_batch_commit(c.batch, err);
    if (rc >= 0 && out) *out = copied;
    ag_blob_batch_free(c.batch);
    ag_map_free(c.seen);
    ag_arena_free(arena);
    return rc < 0 ? rc : AG_OK;
}

/* ---- and back ---- */

static int bring_object(void *context, const ag_sha256 *id, ag_err *err)
{
    copying *c = context;
    ag_err why = {0};
    char hex[65];
    int rc = copy_object(c, id, &why, err);
    if (rc != 0) return rc < 0 ? rc : AG_OK;
    if (err) *err = why;
    ag_sha256_format(id, hex);
    ag_err_prefix(err, "the object %s of the backup", hex);
    return why.code;
}

int ag_dataset_restore(ag_blob *from, ag_blob *to, ag_dataset_copied *out, ag_err *err)
{
    ag_dataset_copied copied = {0};
    copying c = {.from = from, .to = to, .out = &copied};
    int rc = ag_blob_batch_open(to, &c.batch, err);
    if (rc >= 0) rc = ag_blob_list(from, bring_object, &c, err);
    if (rc >= 0) rc = ag_blob_batch_commit(c.batch, err);
    if (rc >= 0 && out) *out = copied;
    ag_blob_batch_free(c.batch);
    return rc < 0 ? rc : AG_OK;
}
