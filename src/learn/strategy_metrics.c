// SPDX-License-Identifier: Apache-2.0
/* strategy_metrics.c: what a strategy tells in numbers. Results are kept, each name once; what belongs to a step is
 * only passed on. */
#include "learn/strategy.h"

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

void ag_strategy_write_metrics(ag_json *json, const ag_findings *metrics)
{
    ag_json_begin_object(json);
    for (size_t i = 0; i < ag_findings_count(metrics); i++) {
        const ag_finding *metric = ag_finding_at(metrics, i);
        ag_json_put_real(json, metric->name, metric->value);
    }
    ag_json_end_object(json);
}
