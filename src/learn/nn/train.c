// SPDX-License-Identifier: Apache-2.0
/* train.c: the loop: epochs of steps, validation, early stopping, checkpoints when they are due.
 * Everything that a later step depends on lies in ag_train_loop and goes into a checkpoint; whether one is written, and
 * when, changes nothing but what a kill costs. Looking for a request to stop happens between steps and between batches
 * of a validation, never inside of them: so what a checkpoint holds is always a state that the uninterrupted training
 * passes through too. A validation that was cut short is made again from its beginning. */
#include "learn/nn/train.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/sys/cancel.h"
#include "core/sys/clock.h"
#include "learn/nn/train_parts.h"

/* ---- checking ---- */

static int check_options(const ag_train_job *job, ag_err *err)
{
    const ag_train_options *o = job->options;
    if (ag_graph_loss_value(job->model->graph).index == 0)
        return ag_fail(err, AG_EINVAL, "the model was built without a loss, so it cannot be trained");
    if (job->training->count < 1) {
        ag_fail(err, AG_EINVAL, "%s has no samples", job->training->name);
        return ag_err_hint(err, "look at the data directory, and at how the data are divided");
    }
    if (o->epochs < 1) return ag_fail(err, AG_EINVAL, "epochs is %lld, but must be at least 1", (long long)o->epochs);
    if (o->batch_size < 1 || o->accumulate < 0)
        return ag_fail(err, AG_EINVAL, "batch_size %lld and accumulate %lld must be at least 1",
                       (long long)o->batch_size, (long long)o->accumulate);
    if (o->batch_size > INT64_C(1) << 32 || o->accumulate > INT64_C(1) << 20)
        return ag_fail(err, AG_ELIMIT, "batch_size %lld or accumulate %lld is too large", (long long)o->batch_size,
                       (long long)o->accumulate);
    if (o->warmup < 0) return ag_fail(err, AG_EINVAL, "a warm-up of %lld steps", (long long)o->warmup);
    if (job->checkpoints && job->checkpoints->directory && !job->checkpoints->config)
        return ag_fail(err, AG_EINVAL, "checkpoints need the model's configuration");
    return 0;
}

static int plan_steps(ag_train_loop *loop, ag_err *err)
{
    const ag_train_options *o = loop->options;
    int64_t count = loop->job->training->count, each = o->batch_size * (o->accumulate > 0 ? o->accumulate : 1);
    loop->steps_per_epoch = o->drop_last ? count / each : (count + each - 1) / each;
    if (loop->steps_per_epoch < 1) {
        ag_fail(err, AG_EINVAL, "%lld samples do not fill a single step of %lld", (long long)count, (long long)each);
        return ag_err_hint(err, "lower batch_size, or keep the incomplete last step (drop_last: false)");
    }
    if (__builtin_mul_overflow(loop->steps_per_epoch, o->epochs, &loop->steps))
        return ag_fail(err, AG_ELIMIT, "%lld epochs are too many", (long long)o->epochs);
    return 0;
}

/* ---- looking on ---- */

static ag_train_progress progress_of(ag_train_loop *loop)
{
    int64_t now = ag_monotonic(), count = loop->job->training->count;
    double left = (double)(loop->options->epochs - loop->epoch) * (double)count - (double)loop->sample;
    /* Over the whole time, so that validation counts too. */
    double elapsed = (double)(now - loop->begun) / 1e6, overall = elapsed > 0.0 ? (double)loop->seen / elapsed : 0.0;
    return (ag_train_progress){.epoch = loop->epoch,
                               .epochs = loop->options->epochs,
                               .step = loop->step,
                               .steps = loop->steps,
                               .sample = loop->sample,
                               .samples = count,
                               .loss = loop->last_loss,
                               .epoch_loss = loop->loss_weight > 0.0 ? loop->loss_sum / loop->loss_weight : (double)NAN,
                               .learning_rate = loop->learning_rate,
                               .gradient_norm = loop->last_norm,
                               .samples_per_second = loop->rate,
                               .elapsed = elapsed,
                               .remaining = overall > 0.0 ? left / overall : -1.0};
}

static int show_step(ag_train_loop *loop, ag_err *err)
{
    const ag_train_monitor *monitor = loop->job->monitor;
    if (!monitor || !monitor->step || isnan(loop->last_loss)) return 0; /* nothing has counted yet */
    ag_train_progress now = progress_of(loop);
    return monitor->step(monitor->context, &now, err);
}

static int show_epoch(ag_train_loop *loop, const ag_train_epoch *epoch, ag_err *err)
{
    const ag_train_monitor *monitor = loop->job->monitor;
    if (!monitor || !monitor->epoch) return 0;
    ag_train_progress now = progress_of(loop);
    return monitor->epoch(monitor->context, epoch, &now, err);
}

/* ---- checkpoints ---- */

static bool has_checkpoints(const ag_train_loop *loop)
{
    return loop->job->checkpoints && loop->job->checkpoints->directory;
}

static int save(ag_train_loop *loop, ag_err *err)
{
    const ag_train_monitor *monitor = loop->job->monitor;
    if (monitor && monitor->saving) monitor->saving(monitor->context);
    int rc = ag_train_save(loop, err);
    if (rc < 0) return rc;
    loop->saved_at = ag_monotonic();
    loop->saved_step = loop->step;
    if (monitor && monitor->saved) monitor->saved(monitor->context, loop->job->checkpoints->directory, loop->step);
    return 0;
}

static int save_when_due(ag_train_loop *loop, bool now, ag_err *err)
{
    if (!has_checkpoints(loop)) return 0;
    const ag_train_checkpoints *c = loop->job->checkpoints;
    bool due = now || (c->every_steps > 0 && loop->step - loop->saved_step >= c->every_steps) ||
               (c->interval > 0 && ag_monotonic() - loop->saved_at >= c->interval);
    return due ? save(loop, err) : 0;
}

/* What a stopped training leaves, and the words for it. */
static int leave(ag_train_loop *loop, int rc, ag_err *err)
{
    ag_err second = {0};
    const char *why = rc == AG_ETIMEOUT ? "its time was over" : "stopped as asked";
    long long epoch = (long long)loop->epoch + 1, step = (long long)loop->step;
    if (!has_checkpoints(loop)) {
        ag_fail(err, (ag_code)rc, "%s in epoch %lld, after step %lld", why, epoch, step);
        return ag_err_hint(err, "no checkpoint was asked for, so what was trained is lost");
    }
    if (save(loop, &second) < 0) {
        ag_fail(err, (ag_code)rc, "%s in epoch %lld, after step %lld; and its checkpoint could not be written: %.200s",
                why, epoch, step, second.text);
        return ag_err_hint(err, "--resume goes on from the last one that was written");
    }
    ag_fail(err, (ag_code)rc, "%s in epoch %lld, after step %lld; its checkpoint is in %s", why, epoch, step,
            loop->job->checkpoints->directory);
    return ag_err_hint(err, "the same command with --resume goes on from there");
}

/* ---- the end of an epoch ---- */

static int judge(ag_train_loop *loop, ag_train_epoch *epoch, ag_err *err)
{
    const ag_train_job *job = loop->job;
    int rc = 0;
    if (loop->evaluation) rc = ag_evaluation_run(loop->evaluation, job->monitor, job->cancel, &epoch->val_loss, err);
    if (rc >= 0 && job->judge)
        rc = job->judge->judge(job->judge->context, ag_train_judged(loop), epoch->metrics, &epoch->metrics_count, err);
    if (rc >= 0 && loop->evaluation && !isfinite(epoch->val_loss)) {
        rc = ag_fail(err, AG_EDIVERGED, "after epoch %lld the loss of %s is not a finite number",
                     (long long)loop->epoch + 1, job->validation->name);
        ag_err_hint(err, "lower learning_rate, or look for extreme numbers in the data");
    }
    return rc;
}

/* The number that early stopping, plateau and best go by. */
static int pick_metric(const ag_train_loop *loop, const ag_train_epoch *epoch, double *out, ag_err *err)
{
    const char *name = loop->options->metric;
    if (!name) name = loop->evaluation ? AG_TRAIN_METRIC_LOSS : AG_TRAIN_METRIC_TRAIN;
    if (strcmp(name, AG_TRAIN_METRIC_TRAIN) == 0) {
        *out = epoch->train_loss;
        return 0;
    }
    if (strcmp(name, AG_TRAIN_METRIC_LOSS) == 0 && loop->evaluation) {
        *out = epoch->val_loss;
        return 0;
    }
    for (int i = 0; i < epoch->metrics_count; i++)
        if (strcmp(name, epoch->metrics[i].name) == 0) {
            *out = epoch->metrics[i].value;
            return 0;
        }
    char known[200];
    ag_format(known, sizeof known, "%s%s", AG_TRAIN_METRIC_TRAIN, loop->evaluation ? ", " AG_TRAIN_METRIC_LOSS : "");
    for (int i = 0; i < epoch->metrics_count; i++) {
        size_t at = strlen(known);
        ag_format(known + at, sizeof known - at, ", %s", epoch->metrics[i].name);
    }
    ag_fail(err, AG_EINVAL, "there is no metric '%s' to go by", name);
    return ag_err_hint(err, "there are %s", known);
}

static void keep_best(ag_train_loop *loop)
{
    if (!loop->best) return;
    memcpy(loop->best, ag_train_judged(loop), (size_t)ag_graph_flat_size(loop->job->model->graph) * sizeof(ag_real));
    loop->best_known = true;
}

static ag_train_epoch sum_up(const ag_train_loop *loop)
{
    return (ag_train_epoch){.epoch = loop->epoch,
                            .step = loop->step,
                            .train_loss = loop->loss_weight > 0.0 ? loop->loss_sum / loop->loss_weight : (double)NAN,
                            .val_loss = (double)NAN,
                            .learning_rate = loop->learning_rate,
                            .gradient_norm = loop->norm_sum / (double)loop->epoch_steps,
                            .seconds = loop->epoch_seconds};
}

static void begin_epoch(ag_train_loop *loop)
{
    loop->epoch++;
    loop->sample = loop->epoch_steps = 0;
    loop->loss_sum = loop->loss_weight = loop->norm_sum = loop->epoch_seconds = 0.0;
    loop->epoch_begun = ag_monotonic();
}

static int finish_epoch(ag_train_loop *loop, ag_err *err)
{
    double metric = 0.0;
    ag_train_epoch epoch = sum_up(loop);
    int rc = judge(loop, &epoch, err);
    if (rc < 0 || (rc = pick_metric(loop, &epoch, &metric, err)) < 0) return rc;
    ag_early_says says = ag_early_step(&loop->early, metric);
    if (loop->options->plateau.factor > 0.0) (void)ag_plateau_step(&loop->plateau, metric);
    if (says == AG_EARLY_BEST) keep_best(loop);
    epoch.best = says == AG_EARLY_BEST;
    epoch.seconds += (double)(ag_monotonic() - loop->epoch_begun) / 1e6;
    if ((rc = ag_vec_push(&loop->history, &epoch, err)) < 0) return rc;
    begin_epoch(loop);
    loop->stopped = says == AG_EARLY_STOP;
    loop->done = loop->stopped || loop->epoch >= loop->options->epochs;
    if ((rc = show_epoch(loop, &epoch, err)) < 0) return rc;
    return save_when_due(loop, loop->done, err);
}

/* ---- the loop ---- */

static int run_epochs(ag_train_loop *loop, ag_err *err)
{
    int rc = 0;
    while (!loop->done && rc >= 0) {
        if ((rc = ag_cancel_check(loop->job->cancel, err)) < 0) break;
        if (loop->epoch_steps == loop->steps_per_epoch) {
            rc = finish_epoch(loop, err);
            continue;
        }
        if ((rc = ag_train_step(loop, err)) < 0 || (rc = show_step(loop, err)) < 0) break;
        rc = save_when_due(loop, false, err);
    }
    return ag_was_stopped(rc) ? leave(loop, rc, err) : rc;
}

static void give_back(ag_train_loop *loop)
{
    const ag_real *final = loop->best_known ? loop->best : ag_train_judged(loop);
    ag_real *values = loop->job->model->values;
    if (final != values) memcpy(values, final, (size_t)ag_graph_flat_size(loop->job->model->graph) * sizeof(ag_real));
}

static int fill_result(ag_train_loop *loop, bool resumed, ag_train_result *result, ag_err *err)
{
    size_t bytes = loop->history.count * sizeof(ag_train_epoch);
    ag_train_epoch *history = ag_arena_alloc(loop->arena, bytes);
    if (!history) return ag_fail_memory(err, bytes);
    if (bytes) memcpy(history, loop->history.items, bytes);
    *result = (ag_train_result){.epochs = loop->epoch,
                                .steps = loop->step,
                                .best_epoch = loop->early.begun ? loop->early.best_epoch : -1,
                                .best_metric = loop->early.begun ? loop->early.best : (double)NAN,
                                .stopped_early = loop->stopped,
                                .resumed = resumed,
                                .samples = loop->seen,
                                .seconds = (double)(ag_monotonic() - loop->begun) / 1e6,
                                .history = history,
                                .history_count = loop->history.count};
    return 0;
}

int ag_train(const ag_train_job *job, ag_arena *arena, ag_train_result *result, ag_err *err)
{
    const ag_train_options *o = job->options;
    ag_train_loop loop = {.job = job,
                          .options = o,
                          .plateau = o->plateau,
                          .early = o->early,
                          .arena = arena,
                          .begun = ag_monotonic(),
                          .learning_rate = o->optim.learning_rate,
                          .last_loss = (double)NAN,
                          .order_epoch = -1};
    ag_vec_init(&loop.history, sizeof(ag_train_epoch));
    loop.epoch_begun = loop.saved_at = loop.rate_at = loop.begun;
    int rc = check_options(job, err);
    if (rc >= 0) rc = plan_steps(&loop, err);
    if (rc >= 0) rc = ag_train_open(&loop, err);
    int resumed = 0;
    if (rc >= 0 && has_checkpoints(&loop) && job->checkpoints->resume) rc = resumed = ag_train_resume(&loop, err);
    if (rc >= 0) rc = run_epochs(&loop, err);
    if (rc >= 0) give_back(&loop);
    if (rc >= 0) rc = fill_result(&loop, resumed > 0, result, err);
    if (rc < 0 && job->name) ag_err_prefix(err, "%s", job->name);
    ag_train_close(&loop);
    return rc < 0 ? rc : 0;
}
