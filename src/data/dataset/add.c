// SPDX-License-Identifier: Apache-2.0
/* add.c: from files to a version. Files are taken in windows of a few hundred, in parallel within one, and written into
 * the manifest in the order of their paths; lines of files and of holes go to two files under HOME/adding, so that the
 * memory is that of a window. Then everything is made durable in this order: the bytes, the manifest, the row in the
 * ledger. Killed before the row, nothing of it is seen, and the next call finds the bytes that were stored.
 *
 * HOME/adding/ID.lock is held as long as the call runs: a collection of garbage spares what is younger than it. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/hash/encode.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "data/dataset/add_parts.h"

enum { WINDOW_FILES = 256, WINDOW_BYTES = 64 << 20, FLUSH = 64 << 10 };

typedef struct adding {
    const ag_dataset_place *place;
    const ag_dataset_add_options *options;
    ag_arena *arena;
    add_sources sources;
    ag_dataset_labels *labels; /* NULL: none */
    ag_limits limits;
    ag_blob_batch *batch;
    ag_pool *pool;
    add_item *window; /* [WINDOW_FILES] */
    size_t count;     /* in the window */
    uint64_t bytes;   /* likewise */
    ag_lock *lock;
    char *lock_path, *files_path, *holes_path;
    ag_writer *files, *holes;
    ag_buf lines;
    ag_dataset_totals totals;
    ag_sha256 digest;
    add_left_out left;
} adding;

/* ---- files under way ---- */

static int open_spools(adding *a, ag_err *err)
{
    char id[33];
    ag_file_info info;
    int rc = ag_id_new(id, err);
    if (rc < 0) return rc;
    const char *folder = ag_path_join(a->arena, a->place->home, "adding");
    a->lock_path = folder ? ag_arena_printf(a->arena, "%s/%s.lock", folder, id) : NULL;
    a->files_path = folder ? ag_arena_printf(a->arena, "%s/%s.files", folder, id) : NULL;
    a->holes_path = folder ? ag_arena_printf(a->arena, "%s/%s.holes", folder, id) : NULL;
    if (!a->lock_path || !a->files_path || !a->holes_path) return ag_fail_memory(err, 4096);
    if ((rc = ag_dir_make(folder, err)) < 0) return rc;
    if ((rc = ag_lock_take(a->lock_path, 5 * AG_SECOND, &a->lock, err)) < 0) return rc;
    if ((rc = ag_file_stat(a->lock_path, &info, err)) < 0) return rc;
    if ((rc = ag_writer_to_file(a->files_path, &a->files, err)) < 0) return rc;
    if ((rc = ag_writer_to_file(a->holes_path, &a->holes, err)) < 0) return rc;
    rc = ag_manifest_put_head(&a->lines, err);
    if (rc >= 0) rc = ag_write(a->files, a->lines.data, a->lines.size, err);
    ag_buf_clear(&a->lines);
    return rc;
}

static void close_spools(adding *a)
{
    ag_writer_close(a->files);
    ag_writer_close(a->holes);
    if (!a->lock) return;
    ag_file_remove(a->files_path, NULL);
    ag_file_remove(a->holes_path, NULL);
    ag_file_remove(a->lock_path, NULL);
    ag_lock_release(a->lock);
}

/* ---- windows ---- */

static int add_one(void *context, size_t index, ag_err *err)
{
    adding *a = context;
    add_item *item = &a->window[index];
    bool plain = a->sources.prepared || a->options->kind == AG_DATASET_FILES ||
                 (a->labels && strcmp(item->path, "labels.csv") == 0);
    int rc = add_file(a->batch, &a->limits, plain, item, err);
    if (rc >= 0) ag_progress_add(a->place->progress, 1, item->file.bytes);
    return rc;
}

static int write_lines(adding *a, ag_writer *to, ag_err *err)
{
    int rc = a->lines.size ? ag_write(to, a->lines.data, a->lines.size, err) : AG_OK;
    ag_buf_clear(&a->lines);
    return rc;
}

static int put_hole(adding *a, add_item *item, ag_err *err)
{
    if (a->labels) ag_dataset_labels_give(a->labels, &item->hole);
    a->totals.holes++;
    a->totals.labelled += item->hole.labelled;
    return ag_manifest_put_hole(&a->lines, &item->hole, err);
}

static int put_file(adding *a, const add_item *item, ag_err *err)
{
    a->totals.files++;
    a->totals.bytes += item->file.bytes;
    a->totals.rows += item->file.rows > 0 ? (uint64_t)item->file.rows : 0;
    return ag_manifest_put_file(&a->lines, &item->file, err);
}

static int flush_window(adding *a, ag_err *err)
{
    int rc = ag_pool_for(a->pool, a->count, add_one, a, a->place->cancel, err);
    for (size_t i = 0; i < a->count && rc >= 0; i++) {
        rc = put_file(a, &a->window[i], err);
        if (rc >= 0 && a->lines.size >= FLUSH) rc = write_lines(a, a->files, err);
    }
    if (rc >= 0) rc = write_lines(a, a->files, err);
    for (size_t i = 0; i < a->count && rc >= 0; i++) {
        if (a->window[i].is_hole) rc = put_hole(a, &a->window[i], err);
        if (rc >= 0 && a->lines.size >= FLUSH) rc = write_lines(a, a->holes, err);
    }
    if (rc >= 0) rc = write_lines(a, a->holes, err);
    for (size_t i = 0; i < a->count; i++) ag_arena_free(a->window[i].arena);
    a->count = 0;
    a->bytes = 0;
    return rc;
}

static int take_file(void *context, const char *path, const char *disk, uint64_t size, ag_err *err)
{
    adding *a = context;
    add_item item = {.size = size, .arena = ag_arena_new(0)};
    if (!item.arena) return ag_fail_memory(err, 4096);
    item.path = ag_arena_strdup(item.arena, path);
    item.disk = ag_arena_strdup(item.arena, disk);
    if (!item.path || !item.disk) {
        ag_arena_free(item.arena);
        return ag_fail_memory(err, strlen(disk));
    }
    a->window[a->count++] = item;
    a->bytes += size;
    return a->count == WINDOW_FILES || a->bytes >= WINDOW_BYTES ? flush_window(a, err) : AG_OK;
}

static int count_file(void *context, const char *path, const char *disk, uint64_t size, ag_err *err)
{
    (void)path, (void)disk, (void)size, (void)err;
    ++*(uint64_t *)context;
    return AG_OK;
}

/* For whoever watches: how many files there will be. */
static int announce(const adding *a, ag_err *err)
{
    uint64_t files = 0;
    if (!a->place->progress) return AG_OK;
    ag_progress_stage(a->place->progress, "counting");
    int rc = add_sources_walk(&a->sources, a->place->cancel, count_file, &files, NULL, err);
    ag_progress_total(a->place->progress, files);
    return rc;
}

static int take_files(adding *a, ag_err *err)
{
    a->window = ag_calloc(WINDOW_FILES, sizeof(*a->window));
    int rc = a->window ? AG_OK : ag_fail_memory(err, WINDOW_FILES * sizeof(*a->window));
    if (rc >= 0) rc = ag_limits_default(&a->limits, err);
    if (rc >= 0) rc = ag_pool_new(a->options->jobs, &a->pool, err);
    if (rc >= 0) rc = ag_blob_batch_open(a->place->blobs, &a->batch, err);
    if (rc >= 0) rc = announce(a, err);
    ag_progress_stage(a->place->progress, "storing");
    if (rc >= 0) rc = add_sources_walk(&a->sources, a->place->cancel, take_file, a, &a->left, err);
    if (rc >= 0) rc = flush_window(a, err);
    if (rc >= 0) rc = ag_blob_batch_commit(a->batch, err);
    for (size_t i = 0; a->window && i < a->count; i++) ag_arena_free(a->window[i].arena);
    ag_pool_free(a->pool);
    ag_blob_batch_free(a->batch);
    ag_free(a->window);
    if (rc >= 0 && a->totals.files == 0) rc = ag_fail(err, AG_EINVAL, "there is no file in '%s'", a->options->paths[0]);
    return rc;
}

/* ---- the manifest ---- */

/* Holes behind files, totals behind both. */
static int join_spools(adding *a, ag_err *err)
{
    ag_reader *holes = NULL;
    int rc = ag_finish(a->holes, err);
    ag_writer_close(a->holes);
    a->holes = NULL;
    if (rc >= 0) rc = ag_reader_of_file(a->holes_path, &holes, err);
    if (rc >= 0) rc = ag_copy(holes, a->files, NULL, err);
    ag_reader_close(holes);
    if (rc >= 0) rc = ag_manifest_put_totals(&a->lines, &a->totals, err);
    if (rc >= 0) rc = write_lines(a, a->files, err);
    if (rc >= 0) rc = ag_finish(a->files, err);
    ag_writer_close(a->files);
    a->files = NULL;
    return rc;
}

static int store_manifest(adding *a, ag_err *err)
{
    ag_reader *manifest = NULL;
    ag_blob_ref ref;
    int rc = ag_reader_of_file(a->files_path, &manifest, err);
    if (rc >= 0) rc = ag_blob_put(a->place->blobs, manifest, &ref, err);
    ag_reader_close(manifest);
    if (rc >= 0) a->digest = ref.sha256;
    return rc;
}

static const char *source_text(adding *a)
{
    const char *text = "";
    for (size_t i = 0; i < a->options->path_count && text; i++)
        text = ag_arena_printf(a->arena, "%s%s%s", text, i ? ", " : "", a->options->paths[i]);
    return text;
}

static int record(adding *a, ag_dataset_added *out, ag_err *err)
{
    char hex[65];
    ag_sha256_format(&a->digest, hex);
    ag_dataset_new added = {.name = ag_str_of(a->options->name),
                            .digest = hex,
                            .source = source_text(a),
                            .message = a->options->message,
                            .author = a->options->author,
                            .tag = a->options->tag,
                            .files = (int64_t)a->totals.files,
                            .bytes = (int64_t)a->totals.bytes,
                            .holes = (int64_t)a->totals.holes,
                            .labelled = (int64_t)a->totals.labelled,
                            .rows = (int64_t)a->totals.rows};
    if (!added.source) return ag_fail_memory(err, 4096);
    int rc = ag_dataset_add(a->place->ledger, a->place->actor, &added, a->arena, &out->version, err);
    if (rc < 0) return rc;
    out->is_new = rc > 0;
    out->labels_unmatched = ag_dataset_labels_unmatched(a->labels);
    out->links_left_out = a->left.links;
    out->first_left_out = a->left.first;
    return AG_OK;
}

/* What can be refused is refused before the work. */
static int check(const ag_dataset_add_options *options, ag_err *err)
{
    int rc = ag_dataset_name_check(ag_str_of(options->name), err);
    return rc >= 0 && options->tag ? ag_dataset_tag_check(ag_str_of(options->tag), err) : rc;
}

int ag_dataset_add_paths(const ag_dataset_place *place, const ag_dataset_add_options *options, ag_arena *arena,
                         ag_dataset_added *out, ag_err *err)
{
    adding a = {.place = place, .options = options, .arena = arena, .left = {.arena = arena}};
    ag_dataset_added added = {0};
    int rc = check(options, err);
    if (rc < 0) return rc;
    ag_buf_init(&a.lines, (size_t)8 * AG_MANIFEST_LINE_MAX);
    rc = add_sources_find(options, arena, &a.sources, err);
    if (rc >= 0 && a.sources.labels) rc = ag_dataset_labels_read(a.sources.labels, &a.labels, err);
    if (rc >= 0) rc = open_spools(&a, err);
    if (rc >= 0) rc = take_files(&a, err);
    if (rc >= 0 && a.sources.prepared) rc = add_prepared_holes(&a.sources, a.labels, a.holes, &a.totals, err);
    if (rc >= 0) ag_progress_stage(place->progress, "recording");
    if (rc >= 0) rc = join_spools(&a, err);
    if (rc >= 0) rc = store_manifest(&a, err);
    if (rc >= 0) rc = record(&a, &added, err);
    close_spools(&a);
    ag_buf_deinit(&a.lines);
    ag_dataset_labels_free(a.labels);
    add_sources_deinit(&a.sources);
    if (rc < 0) return rc;
    *out = added;
    return AG_OK;
}
