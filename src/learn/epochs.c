// SPDX-License-Identifier: Apache-2.0
/* epochs.c: see epochs.h. A place is a group of `every` epochs in a row. When all places are taken, two neighbours
 * become one, and a group twice as long. The last group may be unfinished: at the halving it is whole, because the
 * halving happens only when a new group begins. */
#include "learn/epochs.h"

void ag_epochs_init(ag_epochs *epochs)
{
    *epochs = (ag_epochs){.every = 1};
    ag_vec_init(&epochs->kept, sizeof(ag_train_epoch));
}

void ag_epochs_deinit(ag_epochs *epochs)
{
    ag_vec_deinit(&epochs->kept);
}

void ag_epochs_clear(ag_epochs *epochs)
{
    ag_vec_clear(&epochs->kept);
    epochs->seen = epochs->shared = 0;
    epochs->every = 1;
}

/* Of two in one group; `later` came after `earlier`. A later best one is better than an earlier one. */
static const ag_train_epoch *better(const ag_train_epoch *earlier, const ag_train_epoch *later)
{
    return earlier->best && !later->best ? earlier : later;
}

static void halve(ag_epochs *epochs)
{
    ag_train_epoch *items = epochs->kept.items;
    epochs->kept.count /= 2;
    for (size_t i = 0; i < epochs->kept.count; i++) items[i] = *better(&items[2 * i], &items[2 * i + 1]);
    epochs->every *= 2;
}

int ag_epochs_add(ag_epochs *epochs, const ag_train_epoch *epoch, ag_err *err)
{
    epochs->seen++;
    if (epochs->kept.count && epochs->shared < epochs->every) {
        ag_train_epoch *last = ag_vec_at(&epochs->kept, epochs->kept.count - 1);
        *last = *better(last, epoch);
        epochs->shared++;
        return AG_OK;
    }
    if (epochs->kept.count == AG_EPOCHS_MOST) halve(epochs);
    int rc = ag_vec_push(&epochs->kept, epoch, err);
    if (rc >= 0) epochs->shared = 1;
    return rc;
}
