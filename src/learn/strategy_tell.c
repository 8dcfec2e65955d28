// SPDX-License-Identifier: Apache-2.0
/* strategy_tell.c: what a strategy tells whoever looks on. Of numbers, results are kept, each name once; what belongs
 * to a step is only passed on. */
#include "learn/strategy_tools.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"

void ag_strategy_phase(const ag_strategy_task *task, const char *phase)
{
    if (task->watch && task->watch->phase) task->watch->phase(task->watch->context, phase);
}

void ag_strategy_remark(const ag_strategy_task *task, const char *format, ...)
{
    char text[600];
    va_list arguments;
    if (!task->watch || !task->watch->remark) return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    task->watch->remark(task->watch->context, text);
}

typedef struct broken_links {
    const ag_strategy_task *task;
    size_t count;
    const char *first;
} broken_links;

static int count_broken(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    broken_links *links = context;
    int rc = ag_cancel_check(links->task->cancel, err);
    if (rc < 0 || !info->is_broken || links->count++) return rc;
    links->first = ag_path_join(links->task->arena, links->task->data_dir, relative);
    return links->first ? 0 : ag_fail_memory(err, strlen(relative));
}

int ag_strategy_tell_links(const ag_strategy_task *task, ag_err *err)
{
    ag_file_info info;
    broken_links links = {.task = task};
    if (ag_file_stat(task->data_dir, &info, NULL) < 0 || !info.is_directory) return 0;
    int rc = ag_dir_walk_inputs(task->data_dir, count_broken, &links, err);
    if (rc >= 0 && links.count) ag_strategy_remark(task, AG_DIR_BROKEN_LINKS, links.count, links.first);
    return rc;
}

int ag_strategy_dataset_seen(ag_strategy_task *task, const ag_strategy_dataset *dataset, ag_err *err)
{
    ag_sha256_format(&dataset->digest, task->data_digest);
    return task->watch && task->watch->dataset ? task->watch->dataset(task->watch->context, dataset, err) : 0;
}

ag_progress *ag_strategy_progress(const ag_strategy_task *task, const char *what, uint64_t total)
{
    return task->watch && task->watch->progress ? task->watch->progress(task->watch->context, what, total) : NULL;
}

/* ---- numbers ---- */

int ag_strategy_metric_at(const ag_strategy_task *task, const char *name, double value, int64_t step, ag_err *err)
{
    const ag_strategy_metric metric = {.name = name, .value = value, .step = step};
    return task->watch && task->watch->metric ? task->watch->metric(task->watch->context, &metric, err) : 0;
}

int ag_strategy_metric_found(ag_strategy_task *task, const char *name, double value, ag_err *err)
{
    int rc = ag_findings_put(&task->metrics, task->arena, name, value, err);
    return rc < 0 ? rc : ag_strategy_metric_at(task, name, value, 0, err);
}
