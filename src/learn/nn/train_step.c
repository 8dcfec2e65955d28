// SPDX-License-Identifier: Apache-2.0
/* train_step.c: the machines of a training, and one step: some runs that add up a gradient, and the optimiser. Random
 * numbers are keyed by the step's number and the sample's place in it, so a step does not know what was before it.
 *
 * A step that goes wrong leaves the weights as they were. To say where it went wrong, its runs are made again with each
 * node's output looked at: dear, but only once. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "learn/nn/train_parts.h"

static int64_t accumulate(const ag_train_options *o)
{
    return o->accumulate > 0 ? o->accumulate : 1;
}

ag_real *ag_train_judged(const ag_train_loop *loop)
{
    return loop->ema ? ag_ema_values(loop->ema) : loop->job->model->values;
}

/* ---- opening ---- */

static int refuse_pattern(const ag_train_loop *loop, const char *key, const char *pattern, ag_err *err)
{
    ag_fail(err, AG_EINVAL, "%s: no parameter of the model that can be trained is named like '%s'", key, pattern);
    return ag_err_hint(err, "they are named like '%s'; 'auger model inspect' lists them",
                       ag_graph_parameter_at(loop->job->model->graph, 0)->name);
}

static int open_optimizer(ag_train_loop *loop, ag_err *err)
{
    const ag_train_options *o = loop->options;
    int rc = ag_optim_new(loop->job->model->graph, &o->optim, &loop->optim, err);
    for (size_t i = 0; i < o->groups_count && rc >= 0; i++)
        if (!ag_optim_group(loop->optim, o->groups[i].pattern, o->groups[i].rate_factor, o->groups[i].weight_decay))
            rc = refuse_pattern(loop, "groups", o->groups[i].pattern, err);
    for (const char *const *p = o->freeze; p && *p && rc >= 0; p++)
        if (!ag_optim_freeze(loop->optim, *p, true)) rc = refuse_pattern(loop, "freeze", *p, err);
    if (rc >= 0 && o->freeze && *o->freeze && !ag_optim_trains(loop->optim)) {
        ag_fail(err, AG_EINVAL, "freeze: every parameter of the model is frozen, nothing is left to train");
        rc = ag_err_hint(err, "freeze fewer: '*' means all of them");
    }
    if (rc >= 0 && o->ema_decay > 0.0) rc = ag_ema_new(loop->job->model->graph, o->ema_decay, &loop->ema, err);
    return rc;
}

static int open_arrays(ag_train_loop *loop, ag_err *err)
{
    const ag_train_job *job = loop->job;
    size_t bytes = (size_t)(ag_graph_flat_size(job->model->graph) + AG_REAL_ALIGN) * sizeof(ag_real);
    if (!(loop->gradient = ag_alloc_aligned(64, bytes))) return ag_fail_memory(err, bytes);
    if (loop->options->restore_best) {
        if (!(loop->best = ag_alloc_aligned(64, bytes))) return ag_fail_memory(err, bytes);
        memset(loop->best, 0, bytes);
    }
    loop->order = ag_alloc_array((size_t)job->training->count, sizeof *loop->order);
    return loop->order ? 0 : ag_fail_memory(err, (size_t)job->training->count * sizeof *loop->order);
}

int ag_train_open(ag_train_loop *loop, ag_err *err)
{
    const ag_train_job *job = loop->job;
    const ag_train_options *o = loop->options;
    const ag_graph *graph = job->model->graph;
    ag_plan_options plan = {.gradients = true,
                            .training = true,
                            .loss = true,
                            .max_samples = o->batch_size,
                            .chunk = o->chunk,
                            .lanes = o->lanes};
    if (plan.max_samples > job->training->count) plan.max_samples = job->training->count;
    int rc = ag_exec_new(graph, &plan, job->model->values, job->device, job->pool, &loop->exec, err);
    if (rc >= 0) rc = ag_batch_buffers_init(&loop->buffers, job->training, graph, plan.max_samples, err);
    if (rc >= 0) rc = ag_batch_buffers_bind(&loop->buffers, job->training, loop->exec, err);
    if (rc >= 0) rc = open_optimizer(loop, err);
    if (rc >= 0 && job->validation)
        rc = ag_evaluation_new(graph, ag_train_judged(loop), job->validation, plan.max_samples, job->device, job->pool,
                               &loop->evaluation, err);
    if (rc >= 0) rc = open_arrays(loop, err);
    if (rc == AG_ENOMEM)
        ag_err_hint(err, "lower batch_size (it is %lld), the size of the model, or the number of trainings at once",
                    (long long)o->batch_size);
    return rc;
}

void ag_train_close(ag_train_loop *loop)
{
    ag_exec_free(loop->exec);
    ag_evaluation_free(loop->evaluation);
    ag_batch_buffers_deinit(&loop->buffers);
    ag_optim_free(loop->optim);
    ag_ema_free(loop->ema);
    ag_free(loop->gradient);
    ag_free(loop->best);
    ag_free(loop->order);
    ag_vec_deinit(&loop->history);
}

/* ---- a step ---- */

static int64_t samples_of_step(const ag_train_loop *loop)
{
    int64_t left = loop->job->training->count - loop->sample, most = loop->options->batch_size;
    most *= accumulate(loop->options);
    return left < most ? left : most;
}

static void order_epoch(ag_train_loop *loop)
{
    if (loop->order_epoch == loop->epoch) return;
    int64_t count = loop->job->training->count;
    if (loop->options->keep_order)
        for (int64_t i = 0; i < count; i++) loop->order[i] = i;
    else
        ag_samples_order(loop->options->seed, loop->epoch, count, loop->order);
    loop->order_epoch = loop->epoch;
}

/* Adds up the gradient of the step's samples; sums of loss and weight over them. */
static int run_batches(ag_train_loop *loop, bool check, double *sum, double *weight, ag_err *err)
{
    const ag_train_options *o = loop->options;
    int64_t count = samples_of_step(loop);
    *sum = *weight = 0.0;
    for (int64_t at = 0; at < count; at += o->batch_size) {
        ag_batch batch = {.index = loop->order + loop->sample + at,
                          .count = count - at < o->batch_size ? count - at : o->batch_size,
                          .training = true,
                          .seed = o->seed,
                          .epoch = loop->epoch};
        int rc = ag_batch_fill(&loop->buffers, loop->job->training, &batch, err);
        if (rc < 0) return rc;
        ag_device_run run = {.samples = batch.count,
                             .first_sample = at,
                             .gradient = loop->gradient,
                             .accumulate = at > 0,
                             .seed = o->seed,
                             .step = (uint64_t)loop->step,
                             .check_finite = check};
        if ((rc = ag_exec_run(loop->exec, &run, err)) < 0) return rc;
        *sum += run.loss_sum;
        *weight += run.loss_weight;
    }
    return 0;
}

static int first_bad_parameter(const ag_train_loop *loop, ag_err *err)
{
    const ag_graph *graph = loop->job->model->graph;
    for (int32_t p = ag_graph_parameters(graph) - 1; p >= 0; p--) { /* a gradient comes from behind */
        const ag_parameter *row = ag_graph_parameter_at(graph, p);
        for (int64_t i = 0; row->trainable && i < row->size; i++)
            if (!isfinite(loop->gradient[row->offset + i]))
                return ag_fail(err, AG_EDIVERGED, "the gradient of '%s' is not a finite number", row->name);
    }
    return ag_fail(err, AG_EDIVERGED, "the loss is not a finite number");
}

/* Names the first layer that went wrong. */
static int explain(ag_train_loop *loop, ag_err *err)
{
    double sum, weight;
    int rc = run_batches(loop, true, &sum, &weight, err);
    if (rc >= 0) rc = first_bad_parameter(loop, err);
    if (rc != AG_EDIVERGED) return rc;
    ag_err_prefix(err, "epoch %lld, step %lld", (long long)loop->epoch + 1, (long long)loop->step + 1);
    return ag_err_hint(err, "the weights before this step are kept. Lower learning_rate, set clip_norm, lengthen the "
                            "warm-up, or look for extreme numbers in the data");
}

static double rate_factor(const ag_train_loop *loop)
{
    static const ag_schedule *constant;
    const ag_train_options *o = loop->options;
    const ag_schedule *schedule = o->schedule ? o->schedule : constant;
    ag_schedule_point point = {loop->step, loop->steps, o->warmup, o->final_factor};
    if (!schedule) schedule = ag_schedule_find("constant");
    return ag_schedule_factor(schedule, &point) * (1.0 - loop->plateau.dropped);
}

static void count_rate(ag_train_loop *loop, int64_t samples)
{
    int64_t now = ag_monotonic();
    loop->seen += samples;
    loop->rate_seen += samples;
    double seconds = (double)(now - loop->rate_at) / 1e6;
    if (seconds < 0.5 && loop->rate > 0.0) return;
    if (seconds <= 0.0) return;
    double rate = (double)loop->rate_seen / seconds;
    loop->rate = loop->rate > 0.0 ? 0.8 * loop->rate + 0.2 * rate : rate;
    loop->rate_at = now;
    loop->rate_seen = 0;
}

int ag_train_step(ag_train_loop *loop, ag_err *err)
{
    double sum, weight, norm = 0.0, factor = rate_factor(loop);
    int64_t count = samples_of_step(loop);
    ag_real *values = loop->job->model->values;
    order_epoch(loop);
    int rc = run_batches(loop, false, &sum, &weight, err);
    if (rc < 0) return rc;
    if (!isfinite(sum)) return explain(loop, err);
    if (weight > 0.0) { /* a step in which nothing counts changes nothing */
        rc = ag_optim_step(loop->optim, values, loop->gradient, weight, factor, loop->job->pool, &norm, err);
        if (rc == AG_EDIVERGED) return explain(loop, err);
        if (rc < 0 || (rc = ag_exec_changed(loop->exec, err)) < 0) return rc;
    }
    if (loop->ema) ag_ema_update(loop->ema, values);
    loop->learning_rate = loop->options->optim.learning_rate * factor;
    if (weight > 0.0) loop->last_loss = sum / weight;
    loop->last_norm = norm;
    loop->loss_sum += sum;
    loop->loss_weight += weight;
    loop->norm_sum += norm;
    loop->epoch_steps++;
    loop->step++;
    loop->sample += count;
    count_rate(loop, count);
    return 0;
}
