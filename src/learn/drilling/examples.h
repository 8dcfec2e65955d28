// SPDX-License-Identifier: Apache-2.0
#pragma once
/* examples.h: the holes of a prepared directory (`auger prepare`), ready to be learned from: what the tool felt, what
 * the physics say, what is known, and what belongs together. Read-only once loaded. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/hash/hash.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "core/sys/thread.h"
#include "data/features/feature.h"
#include "data/features/track.h"
#include "data/label/label.h"
#include "data/prepared.h"
#include "data/split.h"
#include "learn/drilling/data.h"
#include "learn/drilling/prediction.h"

/* A hole made ready to be asked about: of a prepared dataset or of a file that has just been read, with the same
 * result. */
typedef struct ag_drilled {
    ag_track track;
    unsigned classes; /* AG_CLASS_* */
    bool breaks_off;  /* ag_hole_breaks_off() */
    bool running;     /* likewise of the hole */
    ag_label shape;   /* what the change-point labeller says: the physics' own answer */
    double conditions[AG_CONDITIONS];
    const char *unusable; /* why nothing can be said of it; NULL: it can */
} ag_drilled;

/* `conditions` NULL: of the hole's own header. What lasts goes into `keep`. */
int ag_drilled_make(const ag_hole *hole, const double *conditions, ag_arena *keep, ag_drilled *out, ag_err *err);
/* The same without `shape`, which takes two thirds of the time: of a hole that is learned from and never asked about.
 */
int ag_drilled_make_shapeless(const ag_hole *hole, ag_arena *keep, ag_drilled *out, ag_err *err);

typedef struct ag_example {
    const ag_prepared *hole; /* its row of holes.csv */
    ag_drilled drilled;
    ag_known known; /* weight 0: not learned from */
} ag_example;

/* What makes labels of people and tables doubtful before anything is learned from them. */
typedef struct ag_example_doubt {
    size_t senseless;  /* of these, with points out of order or beyond the end of the hole: not learned from */
    const char *first; /* the path of one, NULL: none */
    size_t compared;   /* holes that both they and the labellers have found */
    double entry_mm;   /* the median of how far they lie behind the automatic labels */
    double exit_mm;
} ag_example_doubt;

typedef struct ag_example_set {
    const char *dir;
    ag_example *items; /* in the order of holes.csv, without copies of a file */
    size_t count;
    size_t known;     /* with a label */
    size_t left_out;  /* rows without usable samples, copies */
    size_t simulated; /* items[count] to items[count + simulated - 1]: to learn from, never asked about */
    ag_example_doubt doubt;
    const char *truth;      /* the table of truth that was read; NULL: none */
    size_t truth_unmatched; /* its rows that belong to no hole */
    bool truth_matched;     /* some others do */
    double own_share;       /* of what is learned from in an epoch: holes that are not simulated, at least */
    ag_sha256 digest;       /* of samples and labels: what a training depends on */
} ag_example_set;

/* `pool` may be NULL. Every hole that has samples becomes an example, labelled or not. AG_EINVAL, with what to do, when
 * there are none at all. */
int ag_examples_load(const char *dir, const ag_drilling_data *data, ag_pool *pool, ag_progress *progress,
                     ag_cancel *cancel, ag_arena *arena, ag_example_set *out, ag_err *err);

/* Adds the holes that data->simulated asks for behind the others, with their truth; the digest covers them. Air is left
 * out. A function of these numbers alone. */
int ag_examples_simulate(ag_example_set *set, const ag_drilling_data *data, ag_pool *pool, ag_progress *progress,
                         ag_cancel *cancel, ag_arena *arena, ag_err *err);
/* simulated->calibrate holes that nobody learns from, to be asked about: of another seed than can be configured, a tool
 * each, every second without a burr. Air and what is unusable is left out. */
int ag_examples_simulate_others(const ag_drilling_simulated *simulated, ag_pool *pool, ag_progress *progress,
                                ag_cancel *cancel, ag_arena *arena, ag_example **out, size_t *count, ag_err *err);
/* What a model learns from that is trained on these examples: they, as often as their share of an epoch wants (with
 * `repeated`; else once), then the simulated ones, unless that share is all. */
int ag_examples_lesson(const ag_example_set *set, const size_t *own, size_t own_count, bool repeated, ag_arena *arena,
                       const size_t **out, size_t *count, ag_err *err);
/* The tool of each example, by number: the holes of a head whose tool counter runs on. */
int ag_examples_tools(const ag_example_set *set, ag_arena *arena, uint32_t **out, size_t *count, ag_err *err);

/* Splits examples (numbers into set->items) into parts by shares, so that near-twins (the same bytes, the same trace,
 * the same group) stay together and every part has its share of every program. part[i] is that of chosen[i]. Where the
 * groups are tools and too few, they are parted. */
int ag_examples_split(const ag_example_set *set, const ag_drilling_data *data, const size_t *chosen, size_t count,
                      const uint32_t *shares, size_t parts, uint64_t seed, ag_arena *arena, uint32_t **part,
                      ag_err *err);
/* The same into as many equal parts as there are tools, `most` at most, a tool in one part; *parts 0: `least` cannot be
 * had. */
int ag_examples_split_tools(const ag_example_set *set, const size_t *chosen, size_t count, size_t most, size_t least,
                            uint64_t seed, ag_arena *arena, uint32_t **part, size_t *parts, ag_err *err);
