// SPDX-License-Identifier: Apache-2.0
/* verify.c: is every byte of a version what was added? The ledger's row leads to the manifest, the manifest to each
 * file; every read compares the SHA-256 of what comes out with the name that it was asked by, so there is no byte
 * between a version's digest and its files that could change unseen. With a whole store, what is stored but needed by
 * nobody is read too. Content that several versions share is read once. Threads: one. */
#include <stdio.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "data/dataset/dataset.h"

enum { BLOCK = 256 << 10, NAMED_HOLES = 3, PIECES_MAX = 10000 };

typedef struct damage {
    const char *path, *blob;
    ag_err why;
    int64_t part;     /* of a prepared directory; -1 */
    uint64_t in_part; /* holes */
    const char *holes;
} damage;

typedef struct verifier {
    const ag_dataset_place *place;
    ag_dataset_damage_fn report;
    void *context;
    ag_arena *arena;
    ag_map *seen;   /* digest of what was read -> itself when good, NULL when not */
    ag_vec damages; /* damage: of the version under way */
    ag_vec pieces;  /* damage: of the store */
    ag_dataset_verified *out;
    bool failed;
    ag_err first;
} verifier;

static bool is_damage(int rc)
{
    return rc == AG_ECORRUPT || rc == AG_ENOTFOUND || rc == AG_EPARSE;
}

static void tell(verifier *v, const ag_dataset_version *version, const char *path, const char *blob, const char *holes,
                 const ag_err *why)
{
    ag_dataset_damage told = {version, path, blob, holes, why};
    v->out->damaged++;
    if (!v->failed) {
        v->failed = true;
        v->first = *why;
        if (version)
            ag_err_prefix(&v->first, "%s@v%lld, %s", version->name, (long long)version->number,
                          path ? path : "its manifest");
    }
    if (v->report) v->report(v->context, &told);
}

/* Reads a blob to its end. */
static int read_blob(verifier *v, const ag_dataset_file *file, ag_err *err)
{
    static const char missing[] = "it is not in the store";
    ag_reader *source = NULL;
    uint64_t size = 0;
    ptrdiff_t got = 0;
    int rc = ag_blob_get(v->place->blobs, &file->sha256, &source, err);
    if (rc == AG_ENOTFOUND) return ag_fail(err, AG_ECORRUPT, "%s", missing);
    char *buffer = rc < 0 ? NULL : ag_alloc(BLOCK);
    if (rc >= 0 && !buffer) rc = ag_fail_memory(err, BLOCK);
    while (rc >= 0 && (got = ag_read(source, buffer, BLOCK, err)) > 0) {
        size += (uint64_t)got;
        ag_progress_add(v->place->progress, 0, (uint64_t)got);
        rc = ag_cancel_check(v->place->cancel, err);
    }
    if (rc >= 0 && got < 0) rc = (int)got;
    if (rc >= 0 && size != file->bytes)
        rc = ag_fail(err, AG_ECORRUPT, "the manifest says %llu bytes, the store has %llu",
                     (unsigned long long)file->bytes, (unsigned long long)size);
    ag_reader_close(source);
    ag_free(buffer);
    return rc;
}

/* "signals/part-00012.npy": 12; else -1. */
static int64_t part_of(const char *path)
{
    ag_str text = ag_str_of(path);
    uint64_t number;
    if (!ag_str_starts(text, AG_STR("signals/part-")) || !ag_str_ends(text, AG_STR(".npy"))) return -1;
    return ag_str_to_uint(ag_str_slice(text, 13, text.size - 17), &number) && number < INT32_MAX ? (int64_t)number : -1;
}

static int keep_damage(verifier *v, const ag_dataset_file *file, const ag_err *why, ag_err *err)
{
    char hex[65];
    ag_sha256_format(&file->sha256, hex);
    damage found = {.path = ag_arena_strdup(v->arena, file->path),
                    .blob = ag_arena_strdup(v->arena, hex),
                    .why = *why,
                    .part = part_of(file->path),
                    .holes = ""};
    if (!found.path || !found.blob) return ag_fail_memory(err, 4096);
    return ag_vec_push(&v->damages, &found, err);
}

static int verify_file(verifier *v, const ag_dataset_file *file, ag_err *err)
{
    ag_str id = {(const char *)file->sha256.bytes, sizeof(file->sha256.bytes)};
    ag_err why = {0};
    int rc = AG_OK;
    v->out->files++;
    if (!ag_map_has(v->seen, id)) {
        rc = read_blob(v, file, &why);
        v->out->bytes += file->bytes;
        bool bad = is_damage(rc);
        if (rc < 0 && !bad) {
            if (err) *err = why;
            return rc;
        }
        rc = ag_map_put(v->seen, id, bad ? NULL : v, NULL, err);
        if (rc >= 0 && bad) rc = keep_damage(v, file, &why, err);
    } else if (!ag_map_get(v->seen, id)) {
        ag_fail(&why, AG_ECORRUPT, "its content is damaged, as was told of another file");
        rc = keep_damage(v, file, &why, err);
    }
    ag_progress_add(v->place->progress, 1, 0);
    return rc;
}

/* Holes whose samples lie in what is damaged: the file itself, or the part of a prepared directory. */
static int name_hole(verifier *v, const ag_dataset_hole *hole, ag_err *err)
{
    for (size_t i = 0; i < v->damages.count; i++) {
        damage *d = ag_vec_at(&v->damages, i);
        bool inside = d->part >= 0 ? hole->part == (double)d->part : strcmp(d->path, hole->path) == 0;
        if (!inside || ++d->in_part > NAMED_HOLES + 1) continue;
        d->holes = d->in_part > NAMED_HOLES
                       ? ag_arena_printf(v->arena, "%s and more", d->holes)
                       : ag_arena_printf(v->arena, "%s%s%s", d->holes, *d->holes ? ", " : "", hole->path);
        if (!d->holes) return ag_fail_memory(err, 4096);
    }
    return AG_OK;
}

static int compare_totals(const ag_dataset_version *version, const ag_dataset_totals *totals, ag_err *err)
{
    if ((uint64_t)version->files == totals->files && (uint64_t)version->bytes == totals->bytes &&
        (uint64_t)version->holes == totals->holes && (uint64_t)version->labelled == totals->labelled &&
        (uint64_t)version->rows == totals->rows)
        return AG_OK;
    return ag_fail(err, AG_ECORRUPT, "the ledger counts other files, bytes, holes or rows than the manifest");
}

/* What is wrong with the manifest goes to `why`; what is wrong with the machine to `err`. */
static int walk_manifest(verifier *v, const ag_dataset_version *version, ag_err *why, ag_err *err)
{
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    int rc = ag_dataset_open(v->place, version, &manifest, why), inner = AG_OK;
    while (rc >= 0 && inner >= 0 && (rc = ag_manifest_next(manifest, &entry, why)) > 0)
        inner = entry.kind == AG_MANIFEST_FILE ? verify_file(v, &entry.file, err) : name_hole(v, &entry.hole, err);
    if (rc >= 0 && inner >= 0) {
        ag_dataset_totals totals = ag_manifest_totals(manifest);
        rc = compare_totals(version, &totals, why);
    }
    ag_manifest_close(manifest);
    if (inner < 0) return inner;
    if (rc < 0 && !is_damage(rc) && err) *err = *why;
    return rc;
}

static int verify_version(verifier *v, const ag_dataset_version *version, ag_err *err)
{
    ag_err why = {0};
    ag_vec_clear(&v->damages);
    v->out->versions++;
    int rc = walk_manifest(v, version, &why, err);
    if (rc < 0 && !is_damage(rc)) return rc;
    if (rc < 0) tell(v, version, NULL, version->digest, "", &why);
    for (size_t i = 0; i < v->damages.count; i++) {
        const damage *d = ag_vec_at(&v->damages, i);
        tell(v, version, d->path, d->blob, d->holes, &d->why);
    }
    return AG_OK;
}

/* ---- the whole store ---- */

static void keep_piece(void *context, const char *name, const ag_err *why)
{
    verifier *v = context;
    damage found = {.blob = ag_arena_strdup(v->arena, name), .why = *why};
    if (found.blob && v->pieces.count < PIECES_MAX) ag_vec_push(&v->pieces, &found, NULL);
}

static bool was_told(const verifier *v, const char *blob)
{
    ag_sha256 id;
    if (!ag_sha256_parse(ag_str_of(blob), &id)) return false;
    ag_str key = {(const char *)id.bytes, sizeof(id.bytes)};
    return ag_map_has(v->seen, key) && !ag_map_get(v->seen, key);
}

static int verify_all(verifier *v, ag_err *err)
{
    ag_dataset_versions all;
    ag_err why = {0};
    ag_progress_stage(v->place->progress, "store");
    int rc = ag_blob_verify(v->place->blobs, NULL, keep_piece, v, NULL, &why);
    if (rc < 0 && rc != AG_ECORRUPT) {
        if (err) *err = why;
        return rc;
    }
    ag_progress_stage(v->place->progress, "versions");
    if ((rc = ag_dataset_list(v->place->ledger, AG_STR(""), v->arena, &all, err)) < 0) return rc;
    for (size_t i = 0; i < all.count && rc >= 0; i++) rc = verify_version(v, &all.items[i], err);
    for (size_t i = 0; i < v->pieces.count && rc >= 0; i++) {
        const damage *d = ag_vec_at(&v->pieces, i);
        if (!was_told(v, d->blob)) tell(v, NULL, NULL, d->blob, "", &d->why);
    }
    return rc;
}

int ag_dataset_verify(const ag_dataset_place *place, const ag_dataset_version *version, ag_dataset_damage_fn report,
                      void *context, ag_dataset_verified *out, ag_err *err)
{
    ag_dataset_verified verified = {0};
    verifier v = {.place = place,
                  .report = report,
                  .context = context,
                  .arena = ag_arena_new(0),
                  .seen = ag_map_new(),
                  .out = &verified};
    ag_vec_init(&v.damages, sizeof(damage));
    ag_vec_init(&v.pieces, sizeof(damage));
    int rc = v.arena && v.seen ? AG_OK : ag_fail_memory(err, 4096);
    if (rc >= 0) rc = version ? verify_version(&v, version, err) : verify_all(&v, err);
    if (rc >= 0 && v.failed) {
        if (err) *err = v.first;
        rc = v.first.code;
        if (rc != AG_ECORRUPT && err) rc = err->code = AG_ECORRUPT;
    }
    ag_vec_deinit(&v.damages);
    ag_vec_deinit(&v.pieces);
    ag_map_free(v.seen);
    ag_arena_free(v.arena);
    if (out) *out = verified;
    return rc < 0 ? rc : AG_OK;
}
