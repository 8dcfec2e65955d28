// SPDX-License-Identifier: Apache-2.0
/* sweep.c: what the store holds as a whole: listing, measuring, garbage collection.
 * The order of a collection is what makes it safe beside puts: first objects that are not marked, then packs, then the
 * chunks that no remaining manifest names. Removing asks the backend to look once more how young a piece is, and every
 * put makes what it relies on young. A manifest that cannot be read stops the sweep of chunks: they may be its own.
 * Threads: any number of collections and puts at once, in any number of processes. */
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/blob/store.h"
#include "core/sys/clock.h"

struct ag_blob_marks {
    ag_map *ids;
};

static ag_str bytes_of(const ag_sha256 *id)
{
    return (ag_str){(const char *)id->bytes, sizeof(id->bytes)};
}

static int collect_id(void *context, const char *key, const ag_piece_info *info, ag_err *err)
{
    ag_sha256 id;
    (void)info;
    return id_of_key(key, &id) ? ag_vec_push(context, &id, err) : 0;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(ag_sha256));
}

static int collect_all(ag_blob *store, ag_vec *ids, ag_err *err)
{
    int rc = packs_look(store, 0, err); /* first: an object that moves from a pack to another is seen at least once */
    if (rc < 0) return rc;
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->packs.count && rc >= 0; i++) {
        const pack *p = *(pack **)ag_vec_at(&store->packs, i);
        for (size_t k = 0; k < p->count && rc >= 0; k++) rc = ag_vec_push(ids, &p->entries[k].sha256, err);
    }
    pthread_mutex_unlock(&store->lock);
    if (rc >= 0) rc = store->backend->walk(store->state, "objects", collect_id, ids, err);
    if (rc >= 0 && ids->count) qsort(ids->items, ids->count, sizeof(ag_sha256), compare_ids);
    return rc < 0 ? rc : 0;
}

int ag_blob_list(ag_blob *store, ag_blob_visit_fn visit, void *context, ag_err *err)
{
    ag_vec ids;
    ag_vec_init(&ids, sizeof(ag_sha256));
    int rc = collect_all(store, &ids, err);
    for (size_t i = 0; i < ids.count && rc >= 0; i++) {
        const ag_sha256 *id = ag_vec_at(&ids, i);
        if (i && ag_sha256_equal(id - 1, id)) continue;
        rc = visit(context, id, err);
    }
    ag_vec_deinit(&ids);
    return rc < 0 ? rc : 0;
}

typedef struct measure {
    uint64_t *count;
    uint64_t *stored;
} measure;

static int add_piece(void *context, const char *key, const ag_piece_info *info, ag_err *err)
{
    measure *m = context;
    (void)key;
    (void)err;
    ++*m->count;
    *m->stored += info->size;
    return 0;
}

int ag_blob_measure(ag_blob *store, ag_blob_usage *out, ag_err *err)
{
    ag_blob_usage usage = {0};
    const struct {
        const char *folder;
        uint64_t *count;
    } parts[] = {{"objects", &usage.objects}, {"chunks", &usage.chunks}, {"packs", &usage.packs}};
    for (size_t i = 0; i < 3; i++) {
        measure m = {parts[i].count, &usage.stored};
        int rc = store->backend->walk(store->state, parts[i].folder, add_piece, &m, err);
        if (rc < 0) return rc;
    }
    ag_vec ids;
    ag_vec_init(&ids, sizeof(ag_sha256));
    int rc = collect_all(store, &ids, err);
    usage.objects = 0;
    for (size_t i = 0; i < ids.count; i++) {
        const ag_sha256 *id = ag_vec_at(&ids, i);
        usage.objects += i == 0 || !ag_sha256_equal(id - 1, id);
    }
    ag_vec_deinit(&ids);
    if (rc >= 0) *out = usage;
    return rc;
}

int ag_blob_mark(ag_blob_marks *marks, const ag_sha256 *id, ag_err *err)
{
    return ag_map_put(marks->ids, bytes_of(id), marks, NULL, err);
}

typedef struct sweep {
    ag_blob *store;
    const ag_map *live;
    int64_t before;
    bool chunks;
    ag_blob_swept *out;
} sweep;

static int sweep_piece(void *context, const char *key, const ag_piece_info *info, ag_err *err)
{
    sweep *s = context;
    ag_sha256 id;
    if (!id_of_key(key, &id) || info->modified > s->before || ag_map_has(s->live, bytes_of(&id))) return 0;
    int rc = ag_cancel_check(s->store->cancel, err);
    if (rc < 0) return rc;
    rc = s->store->backend->remove(s->store->state, key, s->before, err);
    if (rc == AG_ENOTFOUND || rc == 0) return 0;
    if (rc < 0) return rc;
    s->out->bytes += info->size;
    ++*(s->chunks ? &s->out->chunks : &s->out->objects);
    atomic_fetch_sub(&s->store->used, info->size);
    return 0;
}

static int is_live(void *context, const ag_sha256 *id)
{
    return ag_map_has(context, bytes_of(id));
}

typedef struct pack_row {
    char key[KEY_SIZE];
    ag_piece_info info;
} pack_row;

static int collect_pack(void *context, const char *key, const ag_piece_info *info, ag_err *err)
{
    pack_row row = {.info = *info};
    ag_format(row.key, sizeof(row.key), "%s", key);
    return ag_vec_push(context, &row, err);
}

/* How many objects of a pack are not live. */
static int count_dead(ag_blob *store, const char *key, const ag_map *live, uint64_t *dead, ag_err *err)
{
    pack *p = NULL;
    int rc = pack_load(store, key, &p, err);
    if (rc < 0) return rc;
    *dead = 0;
    for (size_t i = 0; i < p->count; i++) *dead += !ag_map_has(live, bytes_of(&p->entries[i].sha256));
    pack_free(p);
    return 0;
}

static int sweep_pack(sweep *s, const pack_row *row, ag_err *err)
{
    uint64_t dead = 0;
    if (row->info.modified > s->before) return 0;
    int rc = ag_cancel_check(s->store->cancel, err);
    if (rc < 0) return rc;
    rc = count_dead(s->store, row->key, s->live, &dead, err);
    if (rc >= 0 && dead) {
        rc = pack_rewrite(s->store, row->key, is_live, (void *)(uintptr_t)s->live, s->before, err);
        if (rc > 0) {
            s->out->objects += dead;
            s->out->bytes += row->info.size;
        }
    }
    return rc == AG_ECORRUPT || rc == AG_ENOTFOUND ? 0 : rc; /* a damaged pack stays for verify to name */
}

static int sweep_packs(sweep *s, ag_err *err)
{
    ag_vec rows;
    ag_vec_init(&rows, sizeof(pack_row));
    int rc = s->store->backend->walk(s->store->state, "packs", collect_pack, &rows, err);
    for (size_t i = 0; i < rows.count && rc >= 0; i++) rc = sweep_pack(s, ag_vec_at(&rows, i), err);
    ag_vec_deinit(&rows);
    return rc;
}

typedef struct chunk_marks {
    ag_blob *store;
    ag_map *live;
} chunk_marks;

static int mark_chunks(void *context, const char *key, const ag_piece_info *info, ag_err *err)
{
    chunk_marks *m = context;
    piece_kind kind;
    uint64_t size;
    ag_str payload;
    ag_buf record;
    (void)info;
    ag_buf_init(&record, AG_PIECE_MAX);
    /* whole objects may be large, a manifest is told by its first bytes */
    int rc = m->store->backend->read(m->store->state, key, 0, PIECE_HEAD, &record, err);
    bool manifest = rc >= 0 && record.size == PIECE_HEAD && record.data[4] == PIECE_MANIFEST;
    bool unclear =
        rc >= 0 && (record.size < PIECE_HEAD || record.data[4] < PIECE_RAW || record.data[4] > PIECE_MANIFEST);
    if (manifest || unclear) {
        ag_buf_clear(&record);
        rc = piece_get(m->store, key, &record, &kind, &size, &payload, err);
        for (size_t i = 0; rc >= 0 && manifest && i < piece_entry_count(payload); i++) {
            piece_entry entry;
            rc = piece_entry_at(payload, i, &entry, err);
            if (rc >= 0) rc = ag_map_put(m->live, bytes_of(&entry.sha256), m, NULL, err);
        }
    }
    ag_buf_deinit(&record);
    return rc == AG_ENOTFOUND ? 0 : rc;
}

static int sweep_chunks(sweep *s, ag_err *err)
{
    ag_map *live = ag_map_new();
    if (!live) return ag_fail_memory(err, 64);
    chunk_marks marks = {s->store, live};
    int rc = s->store->backend->walk(s->store->state, "objects", mark_chunks, &marks, err);
    s->live = live;
    s->chunks = true;
    if (rc >= 0) rc = s->store->backend->walk(s->store->state, "chunks", sweep_piece, s, err);
    ag_map_free(live);
    return rc;
}

static int count_kept(void *context, const ag_sha256 *id, ag_err *err)
{
    (void)id;
    (void)err;
    ++*(uint64_t *)context;
    return 0;
}

static int run_sweep(sweep *s, ag_err *err)
{
    ag_blob *store = s->store;
    ag_blob_usage before, after;
    int rc = ag_blob_measure(store, &before, err);
    if (rc >= 0) rc = store->backend->walk(store->state, "objects", sweep_piece, s, err);
    if (rc >= 0) rc = sweep_packs(s, err);
    if (rc >= 0) rc = sweep_chunks(s, err);
    if (rc >= 0) rc = ag_blob_measure(store, &after, err);
    if (rc < 0) return rc;
    s->out->bytes = before.stored > after.stored ? before.stored - after.stored : 0;
    if (store->backend->sweep) rc = store->backend->sweep(store->state, s->before, &s->out->bytes, err);
    if (rc >= 0) rc = ag_blob_list(store, count_kept, &s->out->kept, err);
    return rc;
}

int ag_blob_gc(ag_blob *store, int64_t grace, ag_blob_mark_fn mark, void *context, ag_blob_swept *out, ag_err *err)
{
    ag_blob_swept swept = {0};
    ag_blob_marks marks = {ag_map_new()};
    int64_t before = store_now() - grace; /* of the start: what is put while we mark is younger */
    int rc = store_writable(store, err);
    if (rc >= 0 && !marks.ids) rc = ag_fail_memory(err, sizeof(marks));
    if (rc >= 0) rc = mark(context, &marks, err);
    if (rc >= 0) {
        sweep s = {.store = store, .live = marks.ids, .before = before, .out = &swept};
        rc = run_sweep(&s, err);
    }
    ag_map_free(marks.ids);
    if (rc < 0) return rc;
    if (out) *out = swept;
    return 0;
}
