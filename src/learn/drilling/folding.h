// SPDX-License-Identifier: Apache-2.0
#pragma once
/* folding.h: drilling strategies of several models: one per fold of the labelled holes, and per architecture when there
 * are several. A fold's models leave out a part of the holes that stops and weighs them, and where there are parts
 * enough two more: so three folds never saw a hole, and what they say of it together gives the calibration. All holes
 * of a tool lie in one part, since the ensemble is for tools that nobody has seen. The strategies differ in their
 * architectures only: each is a struct of a few lines under strategies/. */
#include "learn/drilling/run.h"
#include "learn/nn/models/patchtsmixer.h"

enum { AG_FOLDING_KINDS = 16 };

typedef struct ag_folding_kind { /* an architecture of the ensemble */
    ag_model_config config;
    const char *name;       /* "patchtsmixer" */
    const char *pretrained; /* directory of what pretraining has left; NULL: none */
} ag_folding_kind;

typedef struct ag_folding_member {
    const char *name; /* "fold-03", "fold-03-cnn_lstm": its checkpoints, and members/NAME of the model */
    size_t kind, fold;
    const size_t *training, *validation; /* numbers of examples; it sees neither validation nor some others */
    size_t training_count, validation_count;
    ag_model *model;
    ag_reading *readings; /* [validation_count], what it says of them alone */
    bool trained;
    double weight, error; /* of its votes; mm, its mean error on its own fold; NaN: nothing to judge by */
} ag_folding_member;

typedef struct ag_folding {
    ag_drilling_run run;
    ag_folding_kind kinds[AG_FOLDING_KINDS];
    size_t kind_count;
    size_t *chosen; /* examples that are learned from */
    size_t chosen_count;
    uint32_t *part; /* of each: parts[0, part_count) */
    size_t folds;   /* 1: no folds, part 0 validates; 0: not counted yet */
    bool *wanted;   /* [folds]: this one is trained */
    size_t wanted_count;
    size_t parts, left_out; /* parts that there are (fewer than folds when tools are few); that a fold leaves out */
    ag_reading *readings;   /* of each of chosen: what all models say together that never saw it; voices 0: nobody */
    ag_folding_member *members;
    size_t member_count;
    int64_t trainings; /* with those of the pretraining */
    ag_calibration calibration;
    ag_arena *arena;
} ag_folding;

/* The slots of a strategy. `architectures`: of model_config or of each ensemble.members when those say none; ended by
 * NULL. One alone is also the only one allowed. */
int ag_folding_prepare(ag_folding *folding, ag_strategy_task *task, const char *const *architectures, ag_err *err);
int ag_folding_train(void *state, ag_strategy_task *task, ag_err *err);
int ag_folding_validate(void *state, ag_strategy_task *task, ag_err *err);
int ag_folding_export(void *state, ag_strategy_task *task, const char *directory, ag_err *err);
void ag_folding_close(void *state);

/* ---- parts of it ---- */

/* folding_deal.c: how many folds there are, and which are wanted: by the settings alone. */
int ag_folding_count(ag_folding *folding, const ag_strategy_task *task, ag_err *err);
/* Who belongs to which fold, and the members. Refuses too few labels and missing classes. */
int ag_folding_deal(ag_folding *folding, ag_strategy_task *task, ag_err *err);
/* Whether a member learned from the holes of a part. */
bool ag_folding_sees(const ag_folding *folding, const ag_folding_member *member, size_t part);
/* folding_pretrain.c: learns from all holes, labelled or not, or from simulated ones, and fills kinds[].pretrained. */
int ag_folding_pretrain(ag_folding *folding, ag_strategy_task *task, ag_err *err);
/* Trainings that this takes for this architecture. */
int64_t ag_folding_lessons(const ag_settings *settings, const ag_architecture *of);
/* folding_vote.c: weights of the members, from what they said of holes that they never saw. */
int ag_folding_weigh(ag_folding *folding, const ag_strategy_task *task, ag_err *err);
/* folding_table.c: OUTPUT/out_of_fold.csv: every labelled hole with what is known and what its own fold's models said.
 */
int ag_folding_table(const ag_folding *folding, const ag_strategy_task *task, ag_err *err);

/* The holes that no model of a fold had seen, in the order of folds, and what its models say of them together. *count
 * of them, in the arena. */
int ag_folding_unseen(const ag_folding *folding, ag_arena *arena, const ag_example ***examples, ag_reading **readings,
                      size_t *count, ag_err *err);
