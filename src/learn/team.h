// SPDX-License-Identifier: Apache-2.0
#pragma once
/* team.h: several models trained side by side, as folds are: as many at once as there are threads and memory for. What
 * comes out does not depend on how many that are. When one fails the others are asked to stop and leave their
 * checkpoints, and its failure is the one that is told. */
#include "learn/strategy.h"

typedef struct ag_team {
    void *context;
    int64_t count;                                            /* models, trained in this order */
    int (*train)(void *context, int64_t member, ag_err *err); /* by a thread of its own, to the end */
} ag_team;

/* task->cancel is the team's own meanwhile. AG_ECANCELLED and AG_ETIMEOUT are the user's. */
int ag_team_train(ag_strategy_task *task, const ag_team *team, int64_t at_once, ag_err *err);

/* One model of a team as it is trained: to measure how long a step takes. */
typedef struct ag_team_sample {
    const char *name; /* for messages, "fold-03"; NULL: the only model */
    ag_model *model;
    const ag_samples *training, *validation; /* validation may be NULL */
    void *own;                               /* of open() and close() */
} ag_team_sample;

typedef struct ag_team_slice {
    void *context;
    int64_t count; /* models of the team */
    int (*open)(void *context, int64_t member, ag_team_sample *sample, ag_err *err);
    void (*close)(void *context, int64_t member, ag_team_sample *sample); /* safe after a failed open() */
} ag_team_slice;

/* What it will take, measured on a few steps of as many models as run at once. */
typedef struct ag_team_estimate {
    double seconds;       /* of all trainings, were every epoch run; NaN: not known */
    double step_seconds;  /* of one step of one model, while the others run */
    int64_t steps;        /* of all models */
    int64_t at_once;      /* models */
    uint64_t model_bytes; /* of one of them in training */
    uint64_t free_bytes;  /* of the machine; 0: not known */
} ag_team_estimate;
int ag_team_estimate_of(ag_strategy_task *task, const ag_team_slice *team, ag_team_estimate *out, ag_err *err);
