// SPDX-License-Identifier: Apache-2.0
/* train_work.c: see train_work.h. */
#include "app/cli/train_work.h"

#include "core/sys/clock.h"
#include "core/sys/thread.h"

static const char *keep(ag_invocation *invocation, const char *text)
{
    return text ? ag_arena_strdup(invocation->arena, text) : NULL;
}

static int keep_outcome(ag_invocation *invocation, const ag_train_watch *watch, ag_train_outcome *out, ag_err *err)
{
    const ag_monitor_data *data = ag_train_watch_data(watch, &out->data_count);
    ag_monitor_data *copy = ag_arena_array(invocation->arena, out->data_count + 1, sizeof *copy);
    if (!copy) return ag_fail_memory(err, out->data_count);
    for (size_t i = 0; i < out->data_count; i++) copy[i] = data[i];
    out->data = copy;
    out->run = keep(invocation, ag_train_watch_run(watch));
    out->version = keep(invocation, ag_train_watch_version(watch));
    out->unregistered = keep(invocation, ag_train_watch_unregistered(watch));
    return 0;
}

int ag_train_work_do(ag_invocation *invocation, const ag_train_work *work, ag_strategy_task *task,
                     ag_train_outcome *out, ag_err *err)
{
    ag_train_watch *watch = NULL;
    int64_t begun = ag_monotonic(), jobs = work->jobs ? work->jobs : work->settings->num_workers;
    *out = (ag_train_outcome){0};
    *task = (ag_strategy_task){.settings = work->settings,
                               .data_dir = work->data->path,
                               .output_dir = work->output_dir,
                               .resume = work->resume,
                               .jobs = jobs ? (unsigned)jobs : ag_cpu_count(),
                               .cancel = invocation->cancel,
                               .plugin = work->plugin,
                               .arena = invocation->arena};
    ag_train_watch_options how = {.show = work->show,
                                  .tracker = work->tracker,
                                  .settings = work->recorded ? work->recorded : work->settings,
                                  .data_dir = task->data_dir,
                                  .output_dir = task->output_dir,
                                  .data = work->data,
                                  .resume = task->resume,
                                  .entry = work->entry,
                                  .tags = work->tags,
                                  .tag_count = work->tag_count,
                                  .check = work->check};
    int rc = ag_train_watch_new(invocation, &how, &watch, err);
    if (rc < 0) return rc;
    task->watch = ag_train_watch_strategy(watch);
    rc = ag_strategy_run(work->strategy, task, err);
    if (rc < 0) ag_data_name_in_error(&work->data->called, err);
    ag_err second = {0};
    int ended = ag_train_watch_finish(watch, rc, err, rc < 0 ? &second : err);
    if (rc >= 0) rc = ended;
    if (rc >= 0) rc = keep_outcome(invocation, watch, out, err);
    out->seconds = (double)(ag_monotonic() - begun) / 1e6;
    ag_train_watch_free(watch);
    task->watch = NULL;
    return rc;
}
