// SPDX-License-Identifier: Apache-2.0
#pragma once
/* train_parts.h: what the files of the training loop share: its state while it runs. */
#include "core/base/vec.h"
#include "learn/nn/checkpoint/training.h"
#include "learn/nn/exec.h"
#include "learn/nn/optim/ema.h"
#include "learn/nn/train.h"

typedef struct ag_train_loop {
    const ag_train_job *job;
    const ag_train_options *options;
    int64_t steps_per_epoch, steps; /* of the whole training */
    /* machines */
    ag_exec *exec;
    ag_batch_buffers buffers;
    ag_evaluation *evaluation;
    ag_optim *optim;
    ag_ema *ema;
    ag_real *gradient;
    ag_real *best; /* NULL: not wanted */
    int64_t *order;
    /* state, all of which a checkpoint holds */
    int64_t step, epoch, sample;
    double loss_sum, loss_weight; /* of the epoch so far */
    double norm_sum;
    int64_t epoch_steps;
    double epoch_seconds; /* before this process took over */
    double learning_rate;
    bool best_known, done, stopped;
    ag_plateau plateau;
    ag_early early;
    ag_vec history; /* ag_train_epoch */
    ag_arena *arena;
    /* of this process */
    int64_t begun, epoch_begun, saved_at, saved_step, seen;
    double rate, remaining;
    int64_t rate_at, rate_seen;
    double last_loss; /* of the last step in which something counted; NaN: none of this process */
    double last_norm;
    int64_t order_epoch; /* that `order` holds; -1: none */
} ag_train_loop;

/* train_state.c */
int ag_train_save(ag_train_loop *loop, ag_err *err);
/* 1 when there was one, 0 when not. */
int ag_train_resume(ag_train_loop *loop, ag_err *err);

/* train_step.c */
int ag_train_open(ag_train_loop *loop, ag_err *err);
void ag_train_close(ag_train_loop *loop);
int ag_train_step(ag_train_loop *loop, ag_err *err);
/* The weights that are validated and given back: the moving average when there is one. */
ag_real *ag_train_judged(const ag_train_loop *loop);
