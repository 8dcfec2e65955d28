// SPDX-License-Identifier: Apache-2.0
#pragma once
/* train_work.h: one training from beginning to end, shown and recorded, as `auger train`, `auger replay` and
 * `auger demo` do it. */
#include "app/cli/train_watch.h"
#include "learn/strategy.h"

typedef struct ag_train_work {
    const ag_settings *settings;
    const ag_settings *recorded; /* what the ledger's side goes by (names, registration); NULL: settings */
    const ag_strategy *strategy;
    const ag_named_data *data;
    ag_tracker tracker; /* none: nothing is recorded */
    const char *output_dir;
    bool resume;
    int64_t jobs; /* threads; 0: num_workers of the settings, else every processor */
    ag_train_show_mode show;
    const char *entry;   /* "auger replay"; NULL: "auger train" */
    const ag_pair *tags; /* more for the run; may be NULL */
    size_t tag_count;
    ag_train_check check; /* may be empty */
    const char *plugin;   /* where the plug-in of the settings lies now; NULL: where they say */
} ag_train_work;

typedef struct ag_train_outcome { /* texts in the invocation's arena */
    const char *run, *version;    /* NULL: none */
    const char *unregistered;     /* why there is no version although there should be; NULL: all is well */
    double seconds;
    const ag_monitor_data *data; /* what was read */
    size_t data_count;
} ag_train_outcome;

/* The task is filled also on failure: ag_strategy_task_deinit() it in any case. */
int ag_train_work_do(ag_invocation *invocation, const ag_train_work *work, ag_strategy_task *task,
                     ag_train_outcome *out, ag_err *err);
