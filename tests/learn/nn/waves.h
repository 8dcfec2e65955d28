// SPDX-License-Identifier: Apache-2.0
#pragma once
/* waves.h: a small training to test the loop with: a mixer with dropout and a gate, so that random numbers and every
 * kind of parameter take part, on a series of our own: two waves with noise. */
#include "frame/test.h"
#include "learn/nn/train.h"

enum { AG_WAVES_CONTEXT = 16, AG_WAVES_HORIZON = 3, AG_WAVES_CHANNELS = 2, AG_WAVES_ROWS = 90 };

typedef struct ag_wave {
    ag_real values[AG_WAVES_ROWS * AG_WAVES_CHANNELS];
    ag_samples samples;
    ag_samples_port ports[2];
} ag_wave;

typedef struct ag_waves {
    ag_arena *arena;
    ag_model_config config;
    ag_model *model;
    ag_wave training, validation;
    ag_train_options options;
    ag_train_checkpoints checkpoints;
    ag_train_monitor monitor;
    ag_train_job job;
    ag_train_result result;
    ag_cancel *cancel;
    int64_t stop_at;     /* asks to stop after this step; 0: never */
    int64_t stop_inside; /* or when so many samples have been validated in all */
    int64_t validated;
    int steps_seen, epochs_seen, saves_seen;
} ag_waves;

void ag_waves_open(ag_waves *b);
void ag_waves_close(ag_waves *b);
int ag_waves_train(ag_waves *b, ag_err *err);
size_t ag_waves_size(const ag_waves *b); /* bytes of the weights */
/* What an uninterrupted training gives. The caller frees it. */
ag_real *ag_waves_straight(void (*change)(ag_waves *b));
