// SPDX-License-Identifier: Apache-2.0
/* train_evaluate.c: the loss of a model over all samples of a set, in their order. The sums are in double and go by
 * batches of a fixed size, so they do not depend on threads. */
#include <math.h>

#include "core/base/mem.h"
#include "learn/nn/train_parts.h"

struct ag_evaluation {
    const ag_samples *samples;
    ag_exec *exec;
    ag_batch_buffers buffers;
    int64_t *index;
    int64_t batch_size;
};

int ag_evaluation_new(const ag_graph *graph, ag_real *values, const ag_samples *samples, int64_t batch_size,
                      const ag_device *device, ag_pool *pool, ag_evaluation **out, ag_err *err)
{
    int rc = 0;
    ag_plan_options plan = {.loss = true, .max_samples = batch_size};
    if (samples->count < 1) return ag_fail(err, AG_EINVAL, "%s has no samples", samples->name);
    ag_evaluation *e = ag_calloc(1, sizeof *e);
    if (!e) return ag_fail_memory(err, sizeof *e);
    if (plan.max_samples > samples->count) plan.max_samples = samples->count;
    e->samples = samples;
    e->batch_size = plan.max_samples;
    if (!(e->index = ag_alloc_array((size_t)e->batch_size, sizeof *e->index)))
        rc = ag_fail_memory(err, (size_t)e->batch_size * sizeof *e->index);
    if (rc >= 0) rc = ag_exec_new(graph, &plan, values, device, pool, &e->exec, err);
    if (rc >= 0) rc = ag_batch_buffers_init(&e->buffers, samples, graph, e->batch_size, err);
    if (rc >= 0) rc = ag_batch_buffers_bind(&e->buffers, samples, e->exec, err);
    if (rc >= 0)
        *out = e;
    else
        ag_evaluation_free(e);
    return rc;
}

void ag_evaluation_free(ag_evaluation *e)
{
    if (!e) return;
    ag_exec_free(e->exec);
    ag_batch_buffers_deinit(&e->buffers);
    ag_free(e->index);
    ag_free(e);
}

int ag_evaluation_run(ag_evaluation *e, const ag_train_monitor *monitor, ag_cancel *cancel, double *loss, ag_err *err)
{
    double sum = 0.0, weight = 0.0;
    int rc = ag_exec_changed(e->exec, err);
    for (int64_t at = 0; at < e->samples->count && rc >= 0; at += e->batch_size) {
        ag_batch batch = {.index = e->index, .count = e->batch_size};
        if (at + batch.count > e->samples->count) batch.count = e->samples->count - at;
        for (int64_t i = 0; i < batch.count; i++) e->index[i] = at + i;
        ag_device_run run = {.samples = batch.count, .first_sample = at};
        if ((rc = ag_cancel_check(cancel, err)) < 0) break;
        if ((rc = ag_batch_fill(&e->buffers, e->samples, &batch, err)) < 0) break;
        if ((rc = ag_exec_run(e->exec, &run, err)) < 0) break;
        sum += run.loss_sum;
        weight += run.loss_weight;
        if (monitor && monitor->validating) monitor->validating(monitor->context, at + batch.count, e->samples->count);
    }
    if (rc >= 0) *loss = weight > 0.0 ? sum / weight : (double)NAN;
    return rc < 0 ? rc : 0;
}
