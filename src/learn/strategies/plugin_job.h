// SPDX-License-Identifier: Apache-2.0
#pragma once
/* plugin_job.h: one training, evaluation or conversation of a plug-in, on our side (plugin.c, plugin_predict.c). */
#include "learn/epochs.h"
#include "learn/strategies/plugin.h"

enum { AG_PLUGIN_CELL = 8 }; /* bytes of a key that was read */

struct auger_job {
    ag_strategy_task *task;             /* of a training; else NULL */
    ag_strategy_evaluation *evaluation; /* of an evaluation; else NULL. Predicting has neither */
    const ag_plugin *plugin;
    const void *keys; /* data_config as read; NULL: not yet */
    const char *data_dir, *model_dir, *checkpoint_dir, *configuration;
    ag_train_monitor monitor;
    ag_epochs history;
    ag_progress *progress;
    double share, best;
    int64_t best_epoch, steps, begun, epoch_begun;
    ag_err failure; /* what fail() was told, or a function of ours found */
};

/* What a plug-in may call. */
extern const auger_host ag_plugin_host;
/* What one of its functions has answered: 0, or its failure with its name before it. */
int ag_plugin_answered(auger_job *job, const char *function, int rc, ag_err *err);
