// SPDX-License-Identifier: Apache-2.0
#pragma once
/* sample.h: trainings told to a monitor, with times and numbers that are always the same. */
#include <math.h>
#include <stdio.h>

#include "core/base/str.h"
#include "core/sys/clock.h"
#include "learn/monitor/monitor.h"

enum { SAMPLE_EPOCHS = 10, SAMPLE_STEPS = 20 }; /* at most, and per epoch */

/* Epoch `e` (from 0) of fold `i`, whose losses fall. */
static inline ag_train_epoch sample_epoch(int64_t i, int64_t e)
{
    double loss = exp(-0.3 * (double)e) + 0.01 * (double)i;
    return (ag_train_epoch){.epoch = e,
                            .step = (e + 1) * SAMPLE_STEPS,
                            .train_loss = loss,
                            .val_loss = loss * 1.1,
                            .learning_rate = 0.001,
                            .gradient_norm = 0.5,
                            .seconds = 2.0,
                            .best = true};
}

static inline ag_train_progress sample_progress(int64_t epoch, int64_t step)
{
    return (ag_train_progress){.epoch = epoch,
                               .epochs = SAMPLE_EPOCHS,
                               .step = step,
                               .steps = SAMPLE_EPOCHS * SAMPLE_STEPS,
                               .sample = (step % SAMPLE_STEPS) * 32,
                               .samples = SAMPLE_STEPS * 32,
                               .loss = 0.25,
                               .epoch_loss = 0.26,
                               .learning_rate = 0.001,
                               .gradient_norm = 0.5,
                               .samples_per_second = 320,
                               .elapsed = 10,
                               .remaining = 90};
}

/* Fold `index` has ended `epochs` epochs of 2 s each, one after the other from `at` on, and is `steps` steps into the
 * next one. Returns when. */
static inline int64_t sample_train(ag_monitor *m, int64_t at, int64_t index, int64_t count, int64_t epochs,
                                   int64_t steps)
{
    char name[32];
    ag_format(name, sizeof name, count > 1 ? "fold %d" : "model", (int)index + 1);
    ag_monitor_begin(m, at, name, index, count);
    for (int64_t e = 0; e < epochs; e++) {
        ag_train_epoch epoch = sample_epoch(index, e);
        ag_train_progress now = sample_progress(e + 1, epoch.step);
        at += 2 * AG_SECOND;
        ag_monitor_epoch(m, at, index, &epoch, &now);
    }
    ag_train_progress now = sample_progress(epochs, epochs * SAMPLE_STEPS + steps);
    at += AG_SECOND;
    ag_monitor_step(m, at, index, &now);
    return at;
}

static inline void sample_end(ag_monitor *m, int64_t at, int64_t index, int64_t epochs)
{
    ag_train_result result = {.epochs = epochs,
                              .steps = epochs * SAMPLE_STEPS,
                              .best_epoch = epochs - 1,
                              .best_metric = sample_epoch(index, epochs - 1).val_loss,
                              .stopped_early = epochs < SAMPLE_EPOCHS,
                              .seconds = 2.0 * (double)epochs};
    ag_monitor_done(m, at, index, &result);
}

/* Of 24 folds five have ended, three run, one of them stalled, and the rest waits. */
static inline int64_t sample_folds(ag_monitor *m)
{
    int64_t at = 1000 * AG_SECOND, end = at;
    for (int64_t i = 0; i < 5; i++) {
        end = sample_train(m, at, i, 24, 5 + i, 0);
        sample_end(m, end, i, 5 + i);
    }
    for (int64_t i = 5; i < 8; i++) end = sample_train(m, end, i, 24, i - 4, 7);
    ag_usage usage = {.process_cpu = 382.4, .process_memory = 612.3e6, .cpu = 97};
    ag_monitor_usage(m, end, &usage);
    return end;
}
