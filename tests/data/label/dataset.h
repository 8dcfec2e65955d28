// SPDX-License-Identifier: Apache-2.0
#pragma once
/* dataset.h: a small prepared dataset of simulated holes for tests of labels. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "data/label/labelled.h"
#include "data/simulate/simulate.h"
#include "frame/test.h"

typedef struct dataset {
    ag_arena *arena;
    char *input, *dir;
    ag_labelled_set set;
} dataset;

static inline void dataset_prepare(dataset *d)
{
    ag_err err = {0};
    ag_prepare_summary summary;
    ag_prepare_options options = {
        .input_dir = d->input, .output_dir = d->dir, .validate = true, .auto_label = true, .jobs = 2};
    AG_EXPECT_OK(ag_prepare(&options, d->arena, &summary, &err));
}

static inline void dataset_load(dataset *d)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_labelled_load(d->dir, d->arena, &d->set, &err));
}

/* Three holes that are cut, three in air, three seized. */
static inline void dataset_make(dataset *d)
{
    static const char *const names[] = {"cfrp-al-single", "air-stroke", "seized-stroke"};
    ag_err err = {0};
    const ag_sim_regime *regimes[3];
    ag_sim_totals totals;
    for (size_t i = 0; i < 3; i++) regimes[i] = ag_sim_regime_find(names[i]);
    d->arena = ag_arena_new(0);
    d->input = ag_path_join(d->arena, ag_test_dir(), "holes");
    d->dir = ag_path_join(d->arena, ag_test_dir(), "prepared");
    ag_sim_options options = {.seed = 12, .regimes = regimes, .regime_count = 3};
    AG_EXPECT_OK(ag_sim_batch(&options, d->input, 9, 0, 2, NULL, NULL, &totals, &err));
    dataset_prepare(d);
    dataset_load(d);
}

static inline void dataset_free(dataset *d)
{
    ag_arena_free(d->arena);
}

/* The n-th hole of this regime. */
static inline const ag_labelled *dataset_hole(const dataset *d, const char *regime, size_t n)
{
    for (size_t i = 0; i < d->set.prepared.count; i++)
        if (strstr(d->set.items[i].hole->path, regime) && strstr(d->set.items[i].hole->path, ".xls") && n-- == 0)
            return &d->set.items[i];
    fail_msg("there is no such hole");
    return NULL;
}

static inline ag_label_event dataset_event(const ag_labelled *hole, const char *author, double entry, double exit)
{
    return (ag_label_event){.sha256 = hole->hole->sha256,
                            .path = hole->hole->path,
                            .kind = AG_LABEL_EXPERT,
                            .author = author,
                            .time = 1000000,
                            .outcome = AG_LABEL_FOUND,
                            .entry = entry,
                            .exit = exit,
                            .full_exit = NAN,
                            .confidence = NAN,
                            .comment = ""};
}

static inline void dataset_say(dataset *d, const ag_labelled *hole, const char *author, double entry, double exit)
{
    ag_err err = {0};
    ag_label_event event = dataset_event(hole, author, entry, exit);
    AG_EXPECT_OK(ag_labelled_add(d->dir, &event, 1, false, NULL, &err));
}

static inline char *dataset_read(const dataset *d, const char *name)
{
    ag_err err = {0};
    ag_buf text;
    ag_buf_init(&text, 64 << 20);
    AG_EXPECT_OK(ag_file_read(ag_path_join(d->arena, d->dir, name), 64 << 20, &text, &err));
    char *copy = ag_arena_strndup(d->arena, text.data ? text.data : "", text.size);
    ag_buf_deinit(&text);
    return copy;
}
