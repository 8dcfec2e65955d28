// SPDX-License-Identifier: Apache-2.0
/* lines.c: see lines.h. */
#include "learn/monitor/lines.h"

#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/sys/clock.h"

/* ---- for people ---- */

static void add_name(const ag_monitor *m, int64_t index, ag_buf *out)
{
    const ag_monitor_training *t = ag_monitor_training_at(m, index);
    if (m->count > 1 && t && t->name) ag_buf_addf(out, "%s: ", t->name);
}

/* Of the training, or of all when there are several. */
static double remaining_of(const ag_monitor *m, int64_t at, const ag_train_progress *now)
{
    return m->count > 1 ? ag_monitor_summarise(m, at).remaining : now->remaining;
}

void ag_monitor_line_step(const ag_monitor *m, int64_t at, int64_t index, ag_buf *out)
{
    char left[32];
    const ag_monitor_training *t = ag_monitor_training_at(m, index);
    if (!t) return;
    const ag_train_progress *now = &t->now;
    double remaining = remaining_of(m, at, now);
    add_name(m, index, out);
    ag_buf_addf(out, "epoch %lld of %lld: %lld of %lld samples, loss %.5g, %.0f/s", (long long)now->epoch + 1,
                (long long)now->epochs, (long long)now->sample, (long long)now->samples, now->epoch_loss,
                now->samples_per_second);
    if (remaining < 0.0) return;
    ag_duration_format((int64_t)remaining * AG_SECOND, left);
    ag_buf_addf(out, m->count > 1 ? ", about %s left for all" : ", at most %s left", left);
}

void ag_monitor_line_epoch(const ag_monitor *m, int64_t index, const ag_train_epoch *e, ag_buf *out)
{
    char took[32];
    const ag_monitor_training *t = ag_monitor_training_at(m, index);
    add_name(m, index, out);
    ag_buf_addf(out, "epoch %lld of %lld: train_loss %.5g", (long long)e->epoch + 1, t ? (long long)t->now.epochs : 0LL,
                e->train_loss);
    if (!isnan(e->val_loss)) ag_buf_addf(out, ", val_loss %.5g%s", e->val_loss, e->best ? " (best)" : "");
    for (int i = 0; i < e->metrics_count; i++) ag_buf_addf(out, ", %s %.5g", e->metrics[i].name, e->metrics[i].value);
    ag_duration_format((int64_t)(e->seconds * 1e6), took);
    if (!isnan(e->learning_rate)) ag_buf_addf(out, ", rate %.3g", e->learning_rate);
    if (!isnan(e->gradient_norm)) ag_buf_addf(out, ", norm %.3g", e->gradient_norm);
    ag_buf_addf(out, ", %s", took);
}

void ag_monitor_line_resumed(const ag_monitor *m, int64_t index, size_t epochs, int64_t step, ag_buf *out)
{
    add_name(m, index, out);
    ag_buf_addf(out, "going on after step %lld, %zu epochs done", (long long)step, epochs);
}

void ag_monitor_line_done(const ag_monitor *m, int64_t index, const ag_train_result *r, ag_buf *out)
{
    char took[32];
    ag_duration_format((int64_t)(r->seconds * 1e6), took);
    add_name(m, index, out);
    ag_buf_addf(out, "%lld epochs in %s%s", (long long)r->epochs, took, r->stopped_early ? ", stopped early" : "");
    if (r->best_epoch >= 0)
        ag_buf_addf(out, "; the best was epoch %lld with %.5g", (long long)r->best_epoch + 1, r->best_metric);
}

/* ---- for programs ---- */

static ag_json begin_event(const char *event, ag_buf *out)
{
    ag_json json = ag_json_writer(out, 0, AG_JSON_NONFINITE_NULL);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "event", event);
    return json;
}

static ag_json begin_of(const ag_monitor *m, const char *event, int64_t index, ag_buf *out)
{
    ag_json json = begin_event(event, out);
    const ag_monitor_training *t = ag_monitor_training_at(m, index);
    if (t) ag_json_put_text(&json, "training", t->name);
    return json;
}

static int end_event(ag_json *json)
{
    ag_json_end_object(json);
    return ag_json_end_document(json, NULL);
}

int ag_monitor_json_phase(const char *phase, ag_buf *out)
{
    ag_json json = begin_event("phase", out);
    ag_json_put_text(&json, "phase", phase);
    return end_event(&json);
}

int ag_monitor_json_work(const ag_monitor *m, ag_buf *out)
{
    ag_json json = begin_event("progress", out);
    ag_json_put_text(&json, "phase", m->phase);
    ag_json_put_text(&json, "what", m->work.what);
    ag_json_put_int(&json, "done", (int64_t)m->work.done);
    if (m->work.total) ag_json_put_int(&json, "total", (int64_t)m->work.total);
    if (m->work.remaining >= 0) ag_json_put_real(&json, "remaining", (double)m->work.remaining / 1e6);
    ag_json_put_bool(&json, "finished", m->work.finished);
    return end_event(&json);
}

int ag_monitor_json_remark(const ag_monitor *m, const ag_monitor_remark *r, ag_buf *out)
{
    static const char *const kinds[] = {"", "stalled", "diverging", "", "not finite"};
    ag_json json = begin_of(m, r->level == AG_MONITOR_ALARM ? "alarm" : "remark", r->index, out);
    if (r->alarm) ag_json_put_text(&json, "kind", kinds[r->alarm]);
    ag_json_put_text(&json, "text", r->text);
    return end_event(&json);
}

int ag_monitor_json_step(const ag_monitor *m, int64_t at, int64_t index, ag_buf *out)
{
    const ag_monitor_training *t = ag_monitor_training_at(m, index);
    if (!t) return 0;
    const ag_train_progress *now = &t->now;
    ag_json json = begin_of(m, "step", index, out);
    ag_json_put_int(&json, "epoch", now->epoch + 1);
    ag_json_put_int(&json, "epochs", now->epochs);
    ag_json_put_int(&json, "step", now->step);
    ag_json_put_int(&json, "steps", now->steps);
    ag_json_put_real(&json, "loss", now->loss);
    ag_json_put_real(&json, "learning_rate", now->learning_rate);
    ag_json_put_real(&json, "gradient_norm", now->gradient_norm);
    ag_json_put_real(&json, "samples_per_second", now->samples_per_second);
    ag_json_put_real(&json, "elapsed", now->elapsed);
    if (now->remaining >= 0.0) ag_json_put_real(&json, "remaining", now->remaining);
    if (m->count > 1) {
        ag_monitor_summary all = ag_monitor_summarise(m, at);
        ag_json_put_int(&json, "trainings_done", all.done);
        ag_json_put_int(&json, "trainings", all.count);
        if (all.remaining >= 0.0) ag_json_put_real(&json, "remaining_all", all.remaining);
    }
    return end_event(&json);
}

int ag_monitor_json_epoch(const ag_monitor *m, int64_t index, const ag_train_epoch *e, ag_buf *out)
{
    const ag_monitor_training *t = ag_monitor_training_at(m, index);
    ag_json json = begin_of(m, "epoch", index, out);
    ag_json_put_int(&json, "epoch", e->epoch + 1);
    ag_json_put_int(&json, "epochs", t ? t->now.epochs : 0);
    ag_json_put_int(&json, "step", e->step);
    ag_json_put_real(&json, "train_loss", e->train_loss);
    if (!isnan(e->val_loss)) ag_json_put_real(&json, "val_loss", e->val_loss);
    ag_json_put_real(&json, "learning_rate", e->learning_rate);
    ag_json_put_real(&json, "gradient_norm", e->gradient_norm);
    ag_json_put_real(&json, "seconds", e->seconds);
    ag_json_put_bool(&json, "best", e->best);
    for (int i = 0; i < e->metrics_count; i++) ag_json_put_real(&json, e->metrics[i].name, e->metrics[i].value);
    return end_event(&json);
}

int ag_monitor_json_resumed(const ag_monitor *m, int64_t index, size_t epochs, int64_t step, ag_buf *out)
{
    ag_json json = begin_of(m, "resumed", index, out);
    ag_json_put_int(&json, "epochs", (int64_t)epochs);
    ag_json_put_int(&json, "step", step);
    return end_event(&json);
}

int ag_monitor_json_done(const ag_monitor *m, int64_t index, const ag_train_result *r, ag_buf *out)
{
    ag_json json = begin_of(m, "trained", index, out);
    ag_json_put_int(&json, "epochs", r->epochs);
    ag_json_put_int(&json, "steps", r->steps);
    if (r->best_epoch >= 0) {
        ag_json_put_int(&json, "best_epoch", r->best_epoch + 1);
        ag_json_put_real(&json, "best_metric", r->best_metric);
    }
    ag_json_put_bool(&json, "stopped_early", r->stopped_early);
    ag_json_put_real(&json, "seconds", r->seconds);
    return end_event(&json);
}

static void put_metric(void *context, const char *name, double value)
{
    ag_json *json = context;
    ag_json_put_real(json, name + strlen("system/"), value);
}

int ag_monitor_json_usage(const ag_monitor *m, ag_buf *out)
{
    ag_json json = begin_event("system", out);
    if (!isnan(m->usage.process_cpu)) ag_json_put_real(&json, "process_cpu_percentage", m->usage.process_cpu);
    if (!isnan(m->usage.process_memory)) ag_json_put_real(&json, "process_memory_bytes", m->usage.process_memory);
    ag_monitor_system_metrics(&m->usage, put_metric, &json);
    return end_event(&json);
}

/* ---- the machine ---- */

typedef struct naming {
    ag_monitor_metric_fn visit;
    void *context;
} naming;

static void tell(const naming *n, const char *name, double value)
{
    if (isfinite(value)) n->visit(n->context, name, value);
}

static void tell_gpu(const naming *n, size_t index, const char *name, double value)
{
    char text[80];
    ag_format(text, sizeof text, "system/gpu_%zu_%s", index, name);
    tell(n, text, value);
}

void ag_monitor_system_metrics(const ag_usage *u, ag_monitor_metric_fn visit, void *context)
{
    const naming n = {visit, context};
    tell(&n, "system/cpu_utilization_percentage", u->cpu);
    tell(&n, "system/system_memory_usage_megabytes", u->memory_used / 1e6);
    tell(&n, "system/system_memory_usage_percentage", 100.0 * u->memory_used / u->memory_total);
    tell(&n, "system/disk_usage_percentage", 100.0 * u->disk_used / (u->disk_used + u->disk_free));
    tell(&n, "system/disk_usage_megabytes", u->disk_used / 1e6);
    tell(&n, "system/disk_available_megabytes", u->disk_free / 1e6);
    tell(&n, "system/network_receive_megabytes", u->received / 1e6);
    tell(&n, "system/network_transmit_megabytes", u->sent / 1e6);
    for (size_t i = 0; i < u->gpu_count; i++) {
        const ag_usage_gpu *gpu = &u->gpus[i];
        tell_gpu(&n, i, "utilization_percentage", gpu->utilization);
        tell_gpu(&n, i, "memory_usage_megabytes", gpu->memory_used / 1e6);
        tell_gpu(&n, i, "memory_usage_percentage", 100.0 * gpu->memory_used / gpu->memory_total);
        tell_gpu(&n, i, "power_usage_watts", gpu->power);
        tell_gpu(&n, i, "power_usage_percentage", 100.0 * gpu->power / gpu->power_limit);
    }
}
