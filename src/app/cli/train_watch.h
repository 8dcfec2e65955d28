// SPDX-License-Identifier: Apache-2.0
#pragma once
/* train_watch.h: who looks on while `auger train` works: the terminal and, when there is a ledger, a run of it
 * (learn/journal.h). At the end there is a page, OUTPUT/report.html. */
#include "app/cli/named_data.h"
#include "app/cli/train_show.h"
#include "learn/journal.h"
#include "learn/strategy.h"

typedef struct ag_train_watch ag_train_watch;

/* Looks at what has been read before anything is trained, and may refuse it. */
typedef struct ag_train_check {
    int (*look)(void *context, const ag_monitor_data *data, size_t count, ag_err *err); /* NULL: no check */
    void *context;
} ag_train_check;

typedef struct ag_train_watch_options {
    ag_train_show_mode show;
    ag_tracker tracker; /* none: nothing is recorded */
    const ag_settings *settings;
    const char *data_dir, *output_dir;
    const ag_named_data *data; /* NULL: a path that is no version of a data set */
    bool resume;
    const char *entry;   /* NULL: "auger train" */
    const ag_pair *tags; /* more for the run; may be NULL */
    size_t tag_count;
    ag_train_check check; /* may be empty */
} ag_train_watch_options;

int ag_train_watch_new(ag_invocation *invocation, const ag_train_watch_options *options, ag_train_watch **out,
                       ag_err *err);
void ag_train_watch_free(ag_train_watch *watch);
/* For the strategy's task. */
const ag_strategy_watch *ag_train_watch_strategy(ag_train_watch *watch);
/* The end: files of OUTPUT into the run when it went well, its status, and what could not be recorded as remarks. */
int ag_train_watch_finish(ag_train_watch *watch, int rc, const ag_err *why, ag_err *err);
const char *ag_train_watch_run(const ag_train_watch *watch); /* NULL: none */
/* The version of a model that it became, once finished; NULL: none. */
const char *ag_train_watch_version(const ag_train_watch *watch);
const char *ag_train_watch_unregistered(const ag_train_watch *watch); /* why there is none; NULL: all is well */
/* What the strategy has read; lives in the invocation's arena. */
const ag_monitor_data *ag_train_watch_data(const ag_train_watch *watch, size_t *count);
