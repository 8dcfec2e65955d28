// SPDX-License-Identifier: Apache-2.0
#pragma once
/* monitor.h: how a run of a strategy goes: what is told of its trainings is kept here, and judged (stalled, diverging,
 * not a number). No clock, no thread, no output: every event comes with its time, so that the same events give the same
 * screen (screen.h), the same lines (lines.h) and the same report (report.h). Whoever shares one holds a lock. Nothing
 * here fails a training: when there is no memory, something is not remembered. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/vec.h"
#include "core/sys/progress.h"
#include "core/sys/usage.h"
#include "learn/epochs.h"
#include "learn/findings.h"
#include "learn/nn/train.h"

typedef enum ag_monitor_state {
    AG_MONITOR_WAITING,
    AG_MONITOR_RUNNING,
    AG_MONITOR_DONE,
    AG_MONITOR_FAILED, /* or stopped */
} ag_monitor_state;

enum { AG_MONITOR_STALLED = 1, AG_MONITOR_DIVERGING = 2, AG_MONITOR_NOT_FINITE = 4 }; /* alarms, as bits */

typedef struct ag_monitor_training {
    const char *name;
    ag_monitor_state state;
    ag_train_progress now; /* the last that was told */
    bool moving;           /* `now` is something */
    ag_epochs epochs;      /* those before a resumption too */
    int64_t begun, ended;  /* times of events */
    int64_t heard;         /* when something was told last */
    int64_t steps;         /* taken */
    int64_t first_step;    /* where this process began */
    int64_t pace;          /* microseconds between two signs of life, smoothed */
    int64_t best_epoch;    /* from 0; -1: none */
    double best_metric;    /* NaN: likewise */
    bool stopped_early;
    unsigned alarms;    /* that stand now */
    double lowest_loss; /* of epochs; for divergence */
    int rising;         /* epochs in a row that were far above it */
} ag_monitor_training;

typedef enum ag_monitor_level { AG_MONITOR_NOTE, AG_MONITOR_GOOD, AG_MONITOR_ALARM } ag_monitor_level;

typedef struct ag_monitor_remark {
    int64_t at;
    ag_monitor_level level;
    unsigned alarm; /* of which kind; 0: none */
    int64_t index;  /* of the training; -1: of all */
    const char *text;
} ag_monitor_remark;

typedef struct ag_monitor_point { /* of the machine */
    int64_t at;
    double process_cpu, process_memory, gpu;
} ag_monitor_point;

typedef struct ag_monitor {
    ag_arena *arena;              /* of texts; its own */
    ag_vec trainings;             /* ag_monitor_training *, by index; NULL: not begun */
    int64_t count;                /* of trainings that there will be; 0: not told */
    int64_t begun, trained_since; /* times; the latter -1: no training yet */
    const char *phase;
    ag_progress_state work; /* of a phase */
    bool working;
    ag_vec remarks;     /* ag_monitor_remark */
    size_t told;        /* of them, by ag_monitor_next_remark() */
    ag_findings values; /* results of the strategy */
    ag_vec points;      /* ag_monitor_point; thinned when there are many */
    size_t point_every, point_skipped;
    ag_usage usage; /* the last */
    bool measured;
} ag_monitor;

int ag_monitor_init(ag_monitor *monitor, int64_t at, ag_err *err);
void ag_monitor_deinit(ag_monitor *monitor); /* safe on zeroed memory */

/* ---- events ---- */

void ag_monitor_phase(ag_monitor *monitor, const char *phase);
void ag_monitor_work(ag_monitor *monitor, const ag_progress_state *state);
void ag_monitor_note(ag_monitor *monitor, int64_t at, const char *text);
void ag_monitor_value_found(ag_monitor *monitor, const char *name, double value);
void ag_monitor_begin(ag_monitor *monitor, int64_t at, const char *name, int64_t index, int64_t count);
void ag_monitor_step(ag_monitor *monitor, int64_t at, int64_t index, const ag_train_progress *now);
void ag_monitor_epoch(ag_monitor *monitor, int64_t at, int64_t index, const ag_train_epoch *epoch,
                      const ag_train_progress *now);
void ag_monitor_alive(ag_monitor *monitor, int64_t at, int64_t index); /* validating, saving */
void ag_monitor_resumed(ag_monitor *monitor, int64_t at, int64_t index, const ag_train_epoch *epochs, size_t count,
                        int64_t step);
void ag_monitor_done(ag_monitor *monitor, int64_t at, int64_t index, const ag_train_result *result);
void ag_monitor_usage(ag_monitor *monitor, int64_t at, const ag_usage *usage);
/* Time passes: who has not been heard of for long stalls. */
void ag_monitor_tick(ag_monitor *monitor, int64_t at);
/* Who looks was not running for `span` before `at` (the process was stopped, the machine asleep): then neither were the
 * trainings, and their silence tells nothing. */
void ag_monitor_slept(ag_monitor *monitor, int64_t at, int64_t span);
/* It is over; what has not ended by now has failed or was stopped. */
void ag_monitor_end(ag_monitor *monitor, int64_t at);

/* ---- reading ---- */

ag_monitor_training *ag_monitor_training_at(const ag_monitor *monitor, int64_t index); /* NULL: not begun */
/* One remark after the other, each once; NULL: no more for now. */
const ag_monitor_remark *ag_monitor_next_remark(ag_monitor *monitor);

typedef struct ag_monitor_summary {
    int64_t count, waiting, running, done, failed;
    double steps, expected;    /* taken, and how many there will be, as far as can be told */
    double steps_per_second;   /* of this process, all trainings together; 0: not known */
    double samples_per_second; /* of those that run */
    double elapsed, remaining; /* seconds; remaining < 0: not known */
    int64_t best;              /* index of the training with the best metric; -1: none */
} ag_monitor_summary;
ag_monitor_summary ag_monitor_summarise(const ag_monitor *monitor, int64_t at);

/* The mean of the losses of all trainings by epoch: vectors of double, epochs counted from 1. */
typedef struct ag_monitor_course {
    ag_vec epoch, train, validation;
} ag_monitor_course;
void ag_monitor_course_init(ag_monitor_course *course);
void ag_monitor_course_deinit(ag_monitor_course *course);
void ag_monitor_course_of(const ag_monitor *monitor, ag_monitor_course *out);
