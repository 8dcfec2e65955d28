// SPDX-License-Identifier: Apache-2.0
/* plugin_host.c: what a plug-in sees of us: an opaque job and the table of functions below; no struct of ours crosses
 * the border. Nothing of the plug-in is trusted further than its process: texts it gives are cut to size, a code that
 * is none of ours becomes AG_EINTERNAL, and one that fails without a text is told so by the name of its function. */
#include <math.h>
#include <string.h>

#include "core/sys/cancel.h"
#include "core/sys/clock.h"
#include "learn/strategies/plugin_job.h"
#include "learn/strategy_tools.h"

enum { PARTS = 1000 };

/* ---- what a plug-in may call ---- */

static const char *host_data_dir(const auger_job *job)
{
    return job->data_dir;
}

static const char *host_model_dir(const auger_job *job)
{
    return job->model_dir;
}

static const char *host_checkpoint_dir(const auger_job *job)
{
    return job->checkpoint_dir;
}

static const char *host_configuration(const auger_job *job)
{
    return job->configuration;
}

static int host_resume(const auger_job *job)
{
    return job->task && job->task->resume;
}

static unsigned host_jobs(const auger_job *job)
{
    return job->task && job->task->jobs ? job->task->jobs : 1;
}

static uint64_t host_seed(const auger_job *job)
{
    return job->task ? (uint64_t)job->task->settings->seed : 0;
}

static int64_t host_epochs(const auger_job *job)
{
    return job->task ? job->task->settings->training.epochs : 0;
}

/* The cell of a key of this type; NULL when there is none. */
static const void *cell_of(const auger_job *job, const char *name, auger_key_type *type)
{
    const auger_plugin *face = &job->plugin->face;
    for (size_t i = 0; job->keys && name && i < face->key_count; i++) {
        if (strcmp(face->keys[i].name, name) != 0) continue;
        *type = face->keys[i].type;
        return (const char *)job->keys + i * AG_PLUGIN_CELL;
    }
    return NULL;
}

static const char *host_text(const auger_job *job, const char *key)
{
    auger_key_type type;
    const void *cell = cell_of(job, key, &type);
    return cell && type == AUGER_KEY_TEXT ? *(const char *const *)cell : NULL;
}

static double host_number(const auger_job *job, const char *key)
{
    auger_key_type type;
    const void *cell = cell_of(job, key, &type);
    if (!cell || type == AUGER_KEY_TEXT) return NAN;
    if (type == AUGER_KEY_REAL) return *(const double *)cell;
    return type == AUGER_KEY_INT ? (double)*(const int64_t *)cell : (double)*(const bool *)cell;
}

static int host_cancelled(const auger_job *job)
{
    return ag_cancelled(job->task ? job->task->cancel : job->evaluation ? job->evaluation->cancel : NULL);
}

static void host_remark(auger_job *job, const char *text)
{
    if (job->task && text) ag_strategy_remark(job->task, "%s", text);
}

static void host_progress(auger_job *job, double share)
{
    if (!job->task || !(share > job->share) || share > 1.0) return;
    if (!job->progress) job->progress = ag_strategy_progress(job->task, "thousandths", PARTS);
    ag_progress_add(job->progress, (uint64_t)(share * PARTS) - (uint64_t)(job->share * PARTS), 0);
    job->share = share;
}

static int host_fail(auger_job *job, int code, const char *text, const char *hint)
{
    bool known = code <= AG_ENOMEM && code >= AG_EDIVERGED;
    ag_fail(&job->failure, known ? (ag_code)code : AG_EINTERNAL, "%s", text && *text ? text : "the plug-in failed");
    if (hint && *hint) ag_err_hint(&job->failure, "%s", hint);
    return job->failure.code;
}

static ag_train_progress progress_of(const auger_job *job, int64_t epoch, int64_t step, double loss)
{
    double elapsed = (double)(ag_monotonic() - job->begun) / 1e6;
    return (ag_train_progress){.epoch = epoch,
                               .epochs = job->task->settings->training.epochs,
                               .step = step,
                               .loss = loss,
                               .epoch_loss = loss,
                               .learning_rate = NAN,
                               .gradient_norm = NAN,
                               .elapsed = elapsed,
                               .remaining = job->share > 0.0 ? elapsed / job->share * (1.0 - job->share) : -1.0};
}

static int host_step(auger_job *job, int64_t step, double loss)
{
    if (!job->task || step < 0)
        return host_fail(job, AG_EINVAL, "a step is told while training, and counts from 0", NULL);
    ag_train_progress now = progress_of(job, job->history.seen, step, loss);
    job->steps = step;
    return job->monitor.step ? job->monitor.step(job->monitor.context, &now, &job->failure) : 0;
}

static int host_epoch(auger_job *job, const auger_epoch *given)
{
    auger_epoch e = {.val_loss = NAN, .learning_rate = NAN, .gradient_norm = NAN};
    if (!job->task || !given || given->size < offsetof(auger_epoch, val_loss))
        return host_fail(job, AG_EINVAL, "an epoch is told while training, with its size", NULL);
    memcpy(&e, given, given->size < sizeof e ? given->size : sizeof e);
    if (e.epoch < 1) return host_fail(job, AG_EINVAL, "epochs count from 1", NULL);
    double judged = isnan(e.val_loss) ? e.train_loss : e.val_loss;
    ag_train_epoch epoch = {.epoch = e.epoch - 1,
                            .step = e.step,
                            .train_loss = e.train_loss,
                            .val_loss = e.val_loss,
                            .learning_rate = e.learning_rate,
                            .gradient_norm = e.gradient_norm,
                            .seconds = (double)(ag_monotonic() - job->epoch_begun) / 1e6,
                            .best = isnan(job->best) || judged < job->best};
    job->epoch_begun = ag_monotonic();
    if (epoch.best && !isnan(judged)) {
        job->best = judged;
        job->best_epoch = epoch.epoch;
    }
    job->steps = e.step;
    ag_train_progress now = progress_of(job, e.epoch, e.step, e.train_loss);
    int rc = ag_epochs_add(&job->history, &epoch, &job->failure);
    if (rc < 0 || !job->monitor.epoch) return rc;
    return job->monitor.epoch(job->monitor.context, &epoch, &now, &job->failure);
}

/* Of an evaluation: a score. */
static int add_score(ag_strategy_evaluation *e, const char *name, double value, ag_err *err)
{
    ag_strategy_score score = {.group = "metric", .name = ag_arena_strdup(e->arena, name), .count = 1};
    score.values[0] = (ag_strategy_metric){.name = "value", .value = value};
    return score.name ? ag_vec_push(&e->scores, &score, err) : ag_fail_memory(err, strlen(name));
}

static int host_metric(auger_job *job, const char *name, double value, int64_t step)
{
    if (!name || !*name) return host_fail(job, AG_EINVAL, "a metric needs a name", NULL);
    if (!job->task && !job->evaluation) return host_fail(job, AG_EINVAL, "there are no metrics of an answer", NULL);
    if (!job->task) return add_score(job->evaluation, name, value, &job->failure);
    return step > 0 ? ag_strategy_metric_at(job->task, name, value, step, &job->failure)
                    : ag_strategy_metric_found(job->task, name, value, &job->failure);
}

const auger_host ag_plugin_host = {.size = sizeof ag_plugin_host,
                                   .abi = AUGER_PLUGIN_ABI,
                                   .data_dir = host_data_dir,
                                   .model_dir = host_model_dir,
                                   .checkpoint_dir = host_checkpoint_dir,
                                   .configuration = host_configuration,
                                   .resume = host_resume,
                                   .jobs = host_jobs,
                                   .seed = host_seed,
                                   .epochs = host_epochs,
                                   .text = host_text,
                                   .number = host_number,
                                   .cancelled = host_cancelled,
                                   .remark = host_remark,
                                   .progress = host_progress,
                                   .step = host_step,
                                   .epoch = host_epoch,
                                   .metric = host_metric,
                                   .fail = host_fail};

/* What one of its functions has answered. A monitor's failure, which the plug-in may have swallowed, counts too. */
int ag_plugin_answered(auger_job *job, const char *function, int rc, ag_err *err)
{
    if (rc >= 0 && job->failure.code == AG_OK) return 0;
    if (job->failure.code == AG_OK) {
        if (ag_was_stopped(rc))
            (void)ag_fail(&job->failure, (ag_code)rc, "stopped as asked");
        else
            (void)host_fail(job, rc, NULL, NULL);
    }
    int code = job->failure.code;
    if (err) *err = job->failure;
    job->failure = (ag_err){0};
    if (ag_was_stopped(code)) return code;
    return ag_err_prefix(err, "plug-in %s, %s()", job->plugin->face.name, function), code;
}
