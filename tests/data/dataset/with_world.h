// SPDX-License-Identifier: Apache-2.0
#pragma once
/* with_world.h: what the tests of data sets have in common: a ledger, a blob store, and files to add. */
#include <stdio.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "data/dataset/dataset.h"
#include "data/dataset/split_data.h"
#include "data/sample.h"
#include "frame/test.h"

typedef struct world {
    char home[500], input[500];
    ag_ledger *ledger;
    ag_blob *blobs;
    ag_arena *arena;
    ag_dataset_place place;
} world;

static inline void open_stores(world *w)
{
    char blobs[600];
    ag_err err = {0};
    snprintf(blobs, sizeof(blobs), "%s/blobs", w->home);
    AG_EXPECT_OK(ag_ledger_open(&(ag_ledger_options){.home = w->home}, &w->ledger, &err));
    AG_EXPECT_OK(ag_blob_open(blobs, NULL, &w->blobs, &err));
    w->place = (ag_dataset_place){.ledger = w->ledger, .blobs = w->blobs, .home = w->home};
}

static inline void open_world(world *w, const char *name)
{
    ag_err err = {0};
    snprintf(w->home, sizeof(w->home), "%s/%s-home", ag_test_dir(), name);
    snprintf(w->input, sizeof(w->input), "%s/%s-in", ag_test_dir(), name);
    w->arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_dir_make(w->input, &err));
    open_stores(w);
}

static inline void close_world(world *w)
{
    ag_blob_close(w->blobs);
    ag_ledger_close(w->ledger);
    ag_arena_free(w->arena);
}

static inline void put_bytes(const world *w, const char *name, const void *bytes, size_t size)
{
    char path[1100];
    ag_err err = {0};
    snprintf(path, sizeof(path), "%s/%s", w->input, name);
    ag_str parent = ag_path_parent(ag_str_of(path));
    char folder[1100];
    snprintf(folder, sizeof(folder), "%.*s", AG_STR_ARG(parent));
    AG_EXPECT_OK(ag_dir_make(folder, &err));
    AG_EXPECT_OK(ag_file_replace(path, bytes, size, &err));
}

static inline void put_text(const world *w, const char *name, const char *text)
{
    put_bytes(w, name, text, strlen(text));
}

static inline void put_hole(const world *w, const char *name, const sample *s)
{
    ag_buf buf;
    ag_buf_init(&buf, 1 << 24);
    sample_write(s, &buf);
    put_bytes(w, name, buf.data, buf.size);
    ag_buf_deinit(&buf);
}

static inline int try_add(world *w, const char *labels, ag_dataset_added *out, ag_err *err)
{
    const char *paths[] = {w->input};
    ag_dataset_add_options options = {.name = "d", .paths = paths, .path_count = 1, .labels = labels, .jobs = 2};
    return ag_dataset_add_paths(&w->place, &options, w->arena, out, err);
}

static inline ag_dataset_version add(world *w, const char *labels)
{
    ag_err err = {0};
    ag_dataset_added added;
    AG_EXPECT_OK(try_add(w, labels, &added, &err));
    return added.version;
}

/* Holes with samples of their own: equal ones are twins. */
static inline void edit_1(int32_t *cells, size_t row)
{
    cells[AG_CHANNEL_TORQUE] += row == 300;
}

static inline void edit_2(int32_t *cells, size_t row)
{
    cells[AG_CHANNEL_TORQUE] += row == 301;
}

static inline void edit_3(int32_t *cells, size_t row)
{
    cells[AG_CHANNEL_TORQUE] += row == 302;
}

static inline void put_holes(const world *w)
{
    static void (*const edits[])(int32_t *, size_t) = {NULL, edit_1, edit_2};
    static const char *const days[] = {"2026-03-04:05:06:07", "2026-03-05:05:06:07", "2026-03-06:05:06:07"};
    static const char *const counters[] = {"248", "249", "250"}, *const tools[] = {"25", "26", "1"};
    char name[40];
    for (int i = 0; i < 3; i++) {
        sample s = {.version = 9,
                    .edit = edits[i],
                    .header = {[AG_HEADER_DATE] = days[i],
                               [AG_HEADER_HEAD_GLOBAL_COUNTER] = counters[i],
                               [AG_HEADER_HEAD_LOCAL_COUNTER] = tools[i]}};
        snprintf(name, sizeof(name), "h%d.xls", i);
        put_hole(w, name, &s);
    }
    put_hole(w, "sub/v4.xls", &(sample){.version = 4, .edit = edit_3, .header = {[AG_HEADER_MOTOR_SERIAL] = "171"}});
    put_text(w, "sub/bad.xls", "no drilling file\n");
    put_text(w, "notes.txt", "nothing of this is drilling data\n");
    put_text(w, ".hidden", "not taken\n");
}

static inline ag_dataset_split_made split(world *w, const ag_dataset_version *version,
                                          const ag_dataset_split_options *options)
{
    ag_err err = {0};
    ag_dataset_split_made made;
    AG_EXPECT_OK(ag_dataset_split_version(&w->place, version, options, w->arena, &made, &err));
    return made;
}
