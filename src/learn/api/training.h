// SPDX-License-Identifier: Apache-2.0
#pragma once
/* training.h: what builder and result (include/auger/training.h) share. */
#include <pthread.h>

#include "auger/training.h"
#include "core/base/arena.h"
#include "core/sys/thread.h"
#include "learn/drilling/answerer.h"
#include "learn/findings.h"
#include "learn/settings.h"
#include "learn/strategies/forecaster.h"

#define AG_RESULT_FILE "result.json" /* in the directory of a result, beside model/ */

typedef struct ag_result_facts {
    const char *strategy, *experiment, *run, *data_sha256, *model_version, *checkpoint; /* NULL: there is none */
    const char *settings;                                                               /* as YAML */
    int64_t parameters;
    ag_findings metrics;
} ag_result_facts;

struct auger_result {
    ag_arena *arena;
    const char *directory; /* that holds model/ */
    const char *model_dir;
    bool temporary; /* the directory goes with the result */
    ag_result_facts facts;
    unsigned threads;
    pthread_mutex_t lock; /* of what follows, which the first prediction opens */
    ag_pool *pool;
    ag_answerer who;
    ag_forecaster forecaster; /* of models of strategy forecast; no model: not opened yet */
    ag_arena *forecaster_arena;
    const ag_settings *named; /* by which models of strategy exec are asked; NULL: nobody has named a program */
};

/* A result over a directory, empty of facts; `directory` is copied. */
int ag_result_new(const char *directory, auger_result **out, ag_err *err);
/* AG_RESULT_FILE out of the facts, and back; a directory without it tells what its other files know. */
int ag_result_write(const auger_result *result, const char *directory, ag_err *err);
int ag_result_read(auger_result *result, ag_err *err);
/* Who answers for holes, opened by the first call. */
int ag_result_answerer(auger_result *result, const ag_answerer **out, ag_err *err);
