// SPDX-License-Identifier: Apache-2.0
#pragma once
/* queue.h: which hole a person should look at next. The value of a look grows with how uncertain its label is, with
 * how far labellers or people differ, with how many unseen holes of the same program and machine it speaks for, and
 * when such holes are rare. It is 0 for holes that need none: copies, clear ones, ones that somebody has labelled. */
#include <stddef.h>

#include "data/label/labelled.h"

typedef struct ag_queue_item {
    const ag_labelled *hole;
    double value;
    double need, influence, rarity; /* value = need * influence + rarity, less for holes that are rejected */
    const char *why;                /* in words, separated by "; " */
} ag_queue_item;

typedef struct ag_queue {
    ag_queue_item *items; /* the highest value first; of equals in the order of paths */
    size_t count;         /* those with a value above 0 */
    size_t seen;          /* holes that a person has labelled */
    size_t labelled;      /* holes with a label of any kind, copies left out */
} ag_queue;

int ag_queue_make(const ag_labelled_set *set, ag_arena *arena, ag_queue *out, ag_err *err);
