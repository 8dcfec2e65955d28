// SPDX-License-Identifier: Apache-2.0
#pragma once
/* exec.h: the strategy "exec": any program trains. What it is told, and the lines that it prints; docs/strategies.md
 * says the same for those who write one. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/doc/describe.h"
#include "core/sys/process.h"
#include "learn/epochs.h"
#include "learn/strategy.h"

typedef struct ag_exec_data {
    ag_list command, predict;    /* const char *: words */
    const ag_value *environment; /* a mapping of texts; NULL: none */
    const char *work_dir;        /* NULL: where we are */
    int data;                    /* 0 path, 1 copy */
    int64_t timeout, silence, grace;
    const ag_value *parameters; /* the program's own; NULL: none */
} ag_exec_data;

extern const ag_description ag_exec_data_description;

/* What the words {data_dir}, {config}, {model_dir} and {checkpoint_dir} of a command stand for, and the variables
 * AUGER_DATA_DIR ... hold. NULL: is not said. */
typedef struct ag_exec_places {
    const char *data_dir, *config, *model_dir, *checkpoint_dir;
    const char *log; /* of stderr */
    unsigned jobs;
    bool resume;
    int64_t seed;
} ag_exec_places;

/* Starts data_config.command or .predict. */
int ag_exec_start(const ag_exec_data *data, const ag_list *command, const ag_exec_places *places, bool input,
                  ag_arena *arena, ag_process **out, ag_err *err);
/* An error that ends with the last lines of the log, and says where the rest stands. */
int ag_exec_fail(const char *log, ag_err *err, ag_code code, const char *format, ...) AG_PRINTF(4, 5);

/* ---- what it prints ---- */

/* Follows the lines of a training. */
typedef struct ag_exec_lines {
    ag_strategy_task *task;
    const char *program;
    const ag_train_monitor *monitor;
    ag_arena *arena;   /* of the history */
    ag_arena *scratch; /* of one line */
    ag_progress *progress;
    double share; /* done */
    int64_t begun, epoch_begun;
    ag_epochs history;
    int64_t best_epoch, steps;
    double best;
} ag_exec_lines;

int ag_exec_lines_init(ag_exec_lines *lines, ag_strategy_task *task, const char *program,
                       const ag_train_monitor *monitor, ag_arena *arena, ag_err *err);
void ag_exec_lines_deinit(ag_exec_lines *lines); /* safe on zeroed memory */
/* Line `number` (from 1). A line that follows no rule is AG_EPARSE and names itself. */
int ag_exec_lines_take(ag_exec_lines *lines, uint64_t number, ag_str line, ag_err *err);
ag_train_result ag_exec_lines_result(const ag_exec_lines *lines);
