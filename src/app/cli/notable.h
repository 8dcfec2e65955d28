// SPDX-License-Identifier: Apache-2.0
#pragma once
/* notable.h: which metrics of runs people want to see first. By their names, as strategies, MLflow's flavours and most
 * frameworks call them: what was found on test data, on validation data, on data that the name does not tell, on the
 * training's own; behind them what tells how a training went (learning_rate), and the machine (system/). Of each,
 * errors and losses, then other scores (accuracy), then the rest. Alike in that: what more runs have, then by name. */
#include "ledger/compare.h"
#include "ledger/run.h"

#define AG_NOTABLE_ORDER                                                                                               \
    "those of test data first, then of validation, others, of training; of each errors and losses, then other "        \
    "scores, then the rest"

typedef struct ag_notable {
    const char *key;
    int rank;                /* least first; AG_NOTABLE_MACHINE: of the machine */
    size_t runs;             /* that have it */
    bool course;             /* logged at a step behind the first: more than one number, mostly */
    const ag_metric *metric; /* of the first run that has it */
} ag_notable;

int ag_notable_rank(const char *key);
enum { AG_NOTABLE_MACHINE = 100 };
/* Every metric that any of the runs has, in that order; *out in the arena. */
int ag_notable_metrics(const ag_run *runs, size_t count, ag_arena *arena, const ag_notable **out, size_t *out_count,
                       ag_err *err);
/* The metrics of a comparison in that order; its other rows stay where they are. */
int ag_notable_rows(ag_comparison *found, ag_arena *arena, ag_err *err);
/* A row that nobody needs who did not ask for all: the same in all columns, or of the machine. */
bool ag_notable_dull(const ag_compare_row *row);
