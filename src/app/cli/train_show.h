// SPDX-License-Identifier: Apache-2.0
#pragma once
/* train_show.h: how a training goes, for who waits for it: learn/monitor brought to stderr. On a terminal its lower
 * part is drawn again and again below lines that stay; elsewhere plain lines; for programs JSON lines. Any thread may
 * report; several trainings may run at once. */
#include "app/cli/invocation.h"
#include "learn/monitor/monitor.h"
#include "learn/monitor/report.h"

typedef enum ag_train_show_mode {
    AG_TRAIN_SHOW_AUTO, /* a terminal, else plain */
    AG_TRAIN_SHOW_PLAIN,
    AG_TRAIN_SHOW_JSON,
    AG_TRAIN_SHOW_OFF,
    AG_TRAIN_SHOW_TERMINAL,
} ag_train_show_mode;

typedef struct ag_train_show ag_train_show;

int ag_train_show_new(ag_invocation *invocation, ag_train_show_mode mode, ag_train_show **out, ag_err *err);
/* Leaves the terminal clean, whatever happened before. */
void ag_train_show_free(ag_train_show *show);

void ag_train_show_phase(ag_train_show *show, const char *phase);
void ag_train_show_remark(ag_train_show *show, const char *text);
void ag_train_show_value(ag_train_show *show, const char *name, double value);
/* Work of a phase that is counted; the caller frees it. */
ag_progress *ag_train_show_progress(ag_train_show *show, const char *what, uint64_t total);
/* A training by its index: `name` is shown when there are several. */
void ag_train_show_begin(ag_train_show *show, const char *name, int64_t index, int64_t count);
void ag_train_show_step(ag_train_show *show, int64_t index, const ag_train_progress *now);
void ag_train_show_alive(ag_train_show *show, int64_t index);
void ag_train_show_epoch(ag_train_show *show, int64_t index, const ag_train_epoch *epoch, const ag_train_progress *now);
void ag_train_show_resumed(ag_train_show *show, int64_t index, const ag_train_epoch *epochs, size_t count,
                           int64_t step);
void ag_train_show_done(ag_train_show *show, int64_t index, const ag_train_result *result);
void ag_train_show_usage(ag_train_show *show, const ag_usage *usage);
/* Time passes: now and then, from anywhere. */
void ag_train_show_tick(ag_train_show *show);
/* Nothing comes any more. */
void ag_train_show_end(ag_train_show *show);
/* The page, after the end. */
int ag_train_show_report(ag_train_show *show, const ag_monitor_about *about, ag_buf *out, ag_err *err);
