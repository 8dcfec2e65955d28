// SPDX-License-Identifier: Apache-2.0
#pragma once
/* epochs.h: the epochs of a training whose end nobody knows, in bounded memory: all of them up to AG_EPOCHS_MOST; of
 * more, one of every two, four, eight ... in a row: the best so far among them, else their last. */
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/vec.h"
#include "learn/nn/train.h"

enum { AG_EPOCHS_MOST = 16384 };

typedef struct ag_epochs {
    ag_vec kept;    /* ag_train_epoch, in the order in which they came */
    int64_t seen;   /* how many came */
    int64_t every;  /* so many in a row share a place */
    int64_t shared; /* how many of them the last place has seen */
} ag_epochs;

void ag_epochs_init(ag_epochs *epochs);
void ag_epochs_deinit(ag_epochs *epochs); /* safe on zeroed memory */
void ag_epochs_clear(ag_epochs *epochs);
/* AG_ENOMEM forgets this epoch only. */
int ag_epochs_add(ag_epochs *epochs, const ag_train_epoch *epoch, ag_err *err);
