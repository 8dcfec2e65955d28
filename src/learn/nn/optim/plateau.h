// SPDX-License-Identifier: Apache-2.0
#pragma once
/* plateau.h: what reacts to a validation metric once per epoch: lowering the rate when it stops falling, and stopping
 * early. Both are plain structs, so that a checkpoint stores them as they are. Less is better; for a score, pass its
 * negative. A metric that is not a number counts as no progress. */
#include <stdbool.h>
#include <stdint.h>

typedef struct ag_plateau {
    double factor;    /* the rate is multiplied by it */
    int64_t patience; /* epochs without progress that are borne */
    double threshold; /* relative progress that counts */
    int64_t cooldown; /* epochs after a drop in which nothing is counted */
    double least;     /* the rate's factor never falls below */
    /* state; zero at the start */
    bool begun;
    double best, dropped; /* dropped: 1 - the present factor, so that zero is the start */
    int64_t bad, resting;
} ag_plateau;

/* After an epoch; returns the factor on the learning rate from now on. */
double ag_plateau_step(ag_plateau *plateau, double metric);

typedef struct ag_early {
    int64_t patience; /* epochs without progress after which it is over; 0: never */
    double threshold; /* absolute progress that counts */
    /* state; zero at the start */
    bool begun;
    double best;
    int64_t epoch, best_epoch; /* epochs seen; the best one, from 0 */
} ag_early;

typedef enum ag_early_says { AG_EARLY_GO_ON, AG_EARLY_BEST, AG_EARLY_STOP } ag_early_says;

/* After an epoch. AG_EARLY_BEST: this is the best one so far: keep its parameters. */
ag_early_says ag_early_step(ag_early *early, double metric);
