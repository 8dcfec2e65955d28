// SPDX-License-Identifier: Apache-2.0
#pragma once
/* demo.h: the whole life of a model on simulated holes, in one directory: holes, a prepared and versioned dataset, a
 * model for each of 24 folds, an exam on holes it has never seen, a registered version.
 *
 *     DIR/demo.json       that it is one, and of how many holes
 *     DIR/holes/          files with known truth; DIR/fresh/ those of the exam
 *     DIR/prepared/       judged and labelled; DIR/fresh-prepared/ those of the exam
 *     DIR/config.yaml     what is trained: configs/drilling/small.yaml, after pretraining
 *     DIR/training/       the output of the training
 *     DIR/report.html     the exam
 *
 * Begun again in the same directory it goes on where it was. */
#include "app/cli/invocation.h"
#include "learn/drilling/exam.h"

#define AG_DEMO_MODEL "demo-depth"
#define AG_DEMO_DATA "demo-holes"

enum { AG_DEMO_SEED = 1, AG_DEMO_FRESH_SEED = 77, AG_DEMO_FRESH_HOLES = 220 };

extern const char ag_demo_configuration[]; /* YAML */

typedef struct ag_demo_score { /* of somebody's answers; mm, NaN where there are none */
    double mae[AG_POINTS];
    double mae_all, p95_all; /* of all points together */
    size_t failed, abstained, known;
} ag_demo_score;

typedef struct ag_demo {
    /* given */
    const char *directory;
    uint64_t holes;
    uint64_t fresh;            /* holes of the exam; 0: AG_DEMO_FRESH_HOLES */
    int64_t jobs;              /* 0: every processor */
    const char *configuration; /* YAML, without pretraining; NULL: ag_demo_configuration */
    /* made */
    double seconds;
    const char *run, *model, *report; /* run id, "demo-depth/1", path */
    int64_t parameters;
    ag_demo_score model_score, label_score;
} ag_demo;

/* Texts in the invocation's arena. Options db and blobs are needed; state lies in the home. */
int ag_demo_run(ag_invocation *invocation, ag_demo *demo, ag_err *err);
