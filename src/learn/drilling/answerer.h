// SPDX-License-Identifier: Apache-2.0
#pragma once
/* answerer.h: whoever can be asked for the points of holes: a trained model, the old pipeline, the automatic labellers.
 * Evaluation and `auger predict` know only this. Any number of threads may ask at once. */
#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/sys/cancel.h"
#include "core/sys/thread.h"
#include "learn/drilling/legacy.h"
#include "learn/drilling/prediction.h"
#include "learn/nn/device.h"
#include "learn/settings.h"

typedef struct ag_answerer {
    const char *name; /* "patchtsmixer_24cv", "legacy", "auto" */
    void *context;
    /* Fills all of `out`. Holes that nothing can be said of get AG_LABEL_NONE and a reason, never an error. Looks at
     * `cancel` (may be NULL) at every hole. */
    int (*ask)(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_cancel *cancel,
               ag_prediction *out, ag_err *err);
    void (*close)(void *context); /* NULL: nothing to close */
    unsigned silent;              /* bits of points that it never says: 1 << AG_POINT_EXIT */
} ag_answerer;

/* A model directory, or the output directory of a training: by the strategy that made it. A checkpoint of the old
 * pipeline (a PatchTSMixer that maps 512 rows of 17 or 15 channels, without auger.json) is the old pipeline. `device`
 * and `pool` must outlive it. */
int ag_answerer_open(const char *dir, const ag_device *device, ag_pool *pool, ag_answerer *out, ag_err *err);
/* The same; `named` (may be NULL) is a configuration that the user names, by which models of strategy exec are asked,
 * and whose strategy is the plug-in for those of plug-ins. A model never names code by itself. It outlives the
 * answerer. */
int ag_answerer_open_by(const char *dir, const ag_settings *named, const ag_device *device, ag_pool *pool,
                        ag_answerer *out, ag_err *err);
/* Whether the model there answers for holes: false for those that their strategy scores by itself (forecasters). */
int ag_answerer_fits(const char *dir, bool *out, ag_err *err);
/* The old pipeline; `model_dir` NULL: its rules alone, which have no exit. */
int ag_answerer_legacy(const char *model_dir, const ag_device *device, ag_answerer *out, ag_err *err);
/* The labellers, hole by hole (consistency with other holes is not looked at). */
int ag_answerer_auto(ag_answerer *out, ag_err *err);
void ag_answerer_close(ag_answerer *answerer); /* safe on zeroed memory */

int ag_answerer_ask(const ag_answerer *answerer, const ag_hole *const *holes, size_t count, ag_arena *arena,
                    ag_cancel *cancel, ag_prediction *out, ag_err *err);
