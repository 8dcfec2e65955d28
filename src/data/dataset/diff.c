// SPDX-License-Identifier: Apache-2.0
/* diff.c: two manifests side by side. Both are sorted, so one pass tells what only one has, and what both have but not
 * alike. What only one has is kept until the end of its kind, since the other may have the same content under another
 * path. Rows of changed tables are compared as a bag, by 64-bit hashes: their order does not count. Threads: one. */
#include "data/dataset/diff.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/vec.h"
#include "core/io/csv.h"

const char *const ag_diff_names[AG_DIFF_COUNT] = {"added", "removed", "moved", "changed", "relabelled"};

typedef struct side {
    ag_manifest *manifest;
    ag_manifest_entry entry;
    bool more;
} side;

typedef struct single { /* what only one side has */
    char sha256[65];
    bool added, paired;
    const char *path, *from;
} single;

typedef struct differ {
    const ag_dataset_place *place;
    side a, b;
    ag_manifest_kind kind; /* that is under way */
    ag_arena *arena;       /* of the singles */
    ag_vec singles;
    ag_diff_fn visit;
    void *context;
    ag_diff *out;
} differ;

static int step(side *s, ag_err *err)
{
    int rc = ag_manifest_next(s->manifest, &s->entry, err);
    s->more = rc > 0;
    return rc < 0 ? rc : AG_OK;
}

static const char *path_of(const side *s)
{
    return s->entry.kind == AG_MANIFEST_FILE ? s->entry.file.path : s->entry.hole.path;
}

/* Files before holes, then by path; a side that is at its end comes last. */
static int compare(const differ *d)
{
    if (!d->a.more || !d->b.more) return d->a.more ? -1 : 1;
    if (d->a.entry.kind != d->b.entry.kind) return d->a.entry.kind < d->b.entry.kind ? -1 : 1;
    return ag_str_compare(ag_str_of(path_of(&d->a)), ag_str_of(path_of(&d->b)));
}

static int tell(differ *d, const ag_diff_item *item, ag_err *err)
{
    ++*(item->is_hole ? &d->out->holes[item->what] : &d->out->files[item->what]);
    return d->visit ? d->visit(d->context, item, err) : AG_OK;
}

/* ---- what only one has ---- */

static int keep_single(differ *d, const side *s, bool added, ag_err *err)
{
    single kept = {.added = added, .path = ag_arena_strdup(d->arena, path_of(s))};
    if (!kept.path) return ag_fail_memory(err, 4096);
    if (s->entry.kind == AG_MANIFEST_FILE)
        ag_sha256_format(&s->entry.file.sha256, kept.sha256);
    else
        ag_format(kept.sha256, sizeof(kept.sha256), "%s", s->entry.hole.sha256);
    return ag_vec_push(&d->singles, &kept, err);
}

static int by_content(const void *a, const void *b)
{
    const single *x = a, *y = b;
    int order = strcmp(x->sha256, y->sha256);
    if (order == 0) order = (int)x->added - (int)y->added;
    return order ? order : strcmp(x->path, y->path);
}

static int by_path(const void *a, const void *b)
{
    const single *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : (int)x->added - (int)y->added;
}

/* Of one content, the first removed path with the first added one, and so on. */
static void pair_moved(ag_vec *singles)
{
    single *items = singles->items;
    for (size_t from = 0, to; from < singles->count; from = to) {
        size_t added = from;
        for (to = from; to < singles->count && strcmp(items[to].sha256, items[from].sha256) == 0; to++)
            added += !items[to].added;
        for (size_t old = from, new = added; old < added &&new < to; old++, new ++) {
            items[old].paired = items[new].paired = true;
            items[new].from = items[old].path;
        }
    }
}

static int tell_singles(differ *d, ag_err *err)
{
    int rc = AG_OK;
    if (d->singles.count) qsort(d->singles.items, d->singles.count, sizeof(single), by_content);
    pair_moved(&d->singles);
    if (d->singles.count) qsort(d->singles.items, d->singles.count, sizeof(single), by_path);
    for (size_t i = 0; rc >= 0 && i < d->singles.count; i++) {
        const single *s = ag_vec_at(&d->singles, i);
        if (s->paired && !s->added) continue; /* told with its new path */
        ag_diff_item item = {.what = s->paired  ? AG_DIFF_MOVED
                                     : s->added ? AG_DIFF_ADDED
                                                : AG_DIFF_REMOVED,
                             .is_hole = d->kind == AG_MANIFEST_HOLE,
                             .path = s->path,
                             .from = s->from};
        rc = tell(d, &item, err);
    }
    ag_vec_clear(&d->singles);
    ag_arena_reset(d->arena);
    return rc;
}

/* ---- rows of tables ---- */

static int hash_rows(const differ *d, const ag_dataset_file *file, ag_vec *hashes, ag_err *err)
{
    const ag_csv_options options = {.header = true, .name = file->path};
    ag_reader *source = NULL;
    ag_csv *csv = NULL;
    const ag_str *cells;
    size_t count;
    int rc = ag_blob_get(d->place->blobs, &file->sha256, &source, err);
    if (rc >= 0) rc = ag_csv_open(source, &options, &csv, err);
    while (rc >= 0 && (rc = ag_csv_next(csv, &cells, &count, err)) > 0) {
        uint64_t hash = count;
        for (size_t i = 0; i < count; i++) hash = ag_hash_fast(cells[i].data, cells[i].size, hash);
        rc = ag_vec_push(hashes, &hash, err);
    }
    ag_csv_free(csv);
    ag_reader_close(source);
    return rc;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_rows(differ *d, ag_err *err)
{
    ag_vec a, b;
    ag_vec_init(&a, sizeof(uint64_t));
    ag_vec_init(&b, sizeof(uint64_t));
    int rc = hash_rows(d, &d->a.entry.file, &a, err);
    if (rc >= 0) rc = hash_rows(d, &d->b.entry.file, &b, err);
    if (rc >= 0) {
        const uint64_t *x = a.items, *y = b.items;
        if (a.count) qsort(a.items, a.count, sizeof(uint64_t), compare_hashes);
        if (b.count) qsort(b.items, b.count, sizeof(uint64_t), compare_hashes);
        for (size_t i = 0, k = 0; i < a.count || k < b.count;) {
            bool only_a = k == b.count || (i < a.count && x[i] < y[k]);
            bool only_b = i == a.count || (k < b.count && y[k] < x[i]);
            d->out->rows_removed += only_a;
            d->out->rows_added += only_b;
            i += !only_b;
            k += !only_a;
        }
    }
    ag_vec_deinit(&a);
    ag_vec_deinit(&b);
    return rc;
}

/* ---- what both have ---- */

static int compare_files(differ *d, ag_err *err)
{
    const ag_dataset_file *a = &d->a.entry.file, *b = &d->b.entry.file;
    if (ag_sha256_equal(&a->sha256, &b->sha256)) {
        d->out->same_files++;
        return AG_OK;
    }
    ag_diff_item item = {.what = AG_DIFF_CHANGED, .path = b->path};
    int rc = a->rows >= 0 && b->rows >= 0 ? compare_rows(d, err) : AG_OK;
    return rc < 0 ? rc : tell(d, &item, err);
}

static int compare_holes(differ *d, ag_err *err)
{
    const ag_dataset_hole *a = &d->a.entry.hole, *b = &d->b.entry.hole;
    ag_diff_item item = {.is_hole = true, .path = b->path};
    if (strcmp(a->sha256, b->sha256) != 0) {
        item.what = AG_DIFF_CHANGED;
        return tell(d, &item, err);
    }
    if (ag_dataset_label_equal(a, b)) {
        d->out->same_holes++;
        return AG_OK;
    }
    item.what = AG_DIFF_RELABELLED;
    item.before = a->labelled ? &a->label : NULL;
    item.after = b->labelled ? &b->label : NULL;
    return tell(d, &item, err);
}

static int look(differ *d, ag_err *err)
{
    int order = compare(d);
    const side *first = order <= 0 ? &d->a : &d->b;
    int rc = ag_cancel_check(d->place->cancel, err);
    if (rc >= 0 && first->entry.kind != d->kind) { /* the files are done */
        rc = tell_singles(d, err);
        d->kind = AG_MANIFEST_HOLE;
    }
    if (rc >= 0 && order != 0)
        rc = keep_single(d, first, order > 0, err);
    else if (rc >= 0)
        rc = d->kind == AG_MANIFEST_FILE ? compare_files(d, err) : compare_holes(d, err);
    if (rc >= 0 && order <= 0) rc = step(&d->a, err);
    if (rc >= 0 && order >= 0) rc = step(&d->b, err);
    return rc;
}

int ag_dataset_diff(const ag_dataset_place *place, const ag_dataset_version *a, const ag_dataset_version *b,
                    ag_diff_fn visit, void *context, ag_diff *out, ag_err *err)
{
    ag_diff diff = {0};
    differ d = {.place = place, .arena = ag_arena_new(0), .visit = visit, .context = context, .out = &diff};
    ag_vec_init(&d.singles, sizeof(single));
    int rc = d.arena ? AG_OK : ag_fail_memory(err, 4096);
    if (rc >= 0) rc = ag_dataset_open(place, a, &d.a.manifest, err);
    if (rc >= 0) rc = ag_dataset_open(place, b, &d.b.manifest, err);
    if (rc >= 0) rc = step(&d.a, err);
    if (rc >= 0) rc = step(&d.b, err);
    while (rc >= 0 && (d.a.more || d.b.more)) rc = look(&d, err);
    if (rc >= 0) rc = tell_singles(&d, err);
    ag_manifest_close(d.a.manifest);
    ag_manifest_close(d.b.manifest);
    ag_vec_deinit(&d.singles);
    ag_arena_free(d.arena);
    if (rc >= 0) *out = diff;
    return rc;
}
