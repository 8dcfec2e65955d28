// SPDX-License-Identifier: Apache-2.0
/* exec_lines.c: the lines that a training program prints, as what the watch of any strategy is told. A line is an
 * object with at least one of
 *
 *     {"remark": "text"}                                  a line for people
 *     {"progress": 0.25}                                  how much of all is done
 *     {"step": 40, "loss": 0.3, "learning_rate": ...}     a step
 *     {"epoch": 2, "train_loss": 0.2, "val_loss": 0.25}   an epoch, from 1
 *     {"metric": "mae", "value": 0.1, "step": 40}         a metric; without a step a result of the whole
 *
 * Other numbers of a step or an epoch are metrics of that step. What follows no rule is refused by its number: a
 * program that prints something else on stdout shall learn of it on its first try. It may print for ever: what is kept
 * of a line is a place among a bounded number of epochs (epochs.h), or the last value of a result. */
#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/sys/clock.h"
#include "learn/strategies/exec.h"
#include "learn/strategy_tools.h"

enum { PARTS = 1000, MAX_DEPTH = 4, MAX_VALUES = 1000, SHOWN = 60 };

static const char *const own_keys[] = {"remark", "progress",      "step",  "loss",       "learning_rate", "epoch",
                                       "metric", "gradient_norm", "value", "train_loss", "val_loss",      NULL};

int ag_exec_lines_init(ag_exec_lines *lines, ag_strategy_task *task, const char *program,
                       const ag_train_monitor *monitor, ag_arena *arena, ag_err *err)
{
    *lines = (ag_exec_lines){.task = task,
                             .program = program,
                             .monitor = monitor,
                             .arena = arena,
                             .begun = ag_monotonic(),
                             .epoch_begun = ag_monotonic(),
                             .best_epoch = -1,
                             .best = NAN};
    ag_epochs_init(&lines->history);
    lines->scratch = ag_arena_new(0);
    return lines->scratch ? 0 : ag_fail_memory(err, 64);
}

void ag_exec_lines_deinit(ag_exec_lines *lines)
{
    ag_progress_free(lines->progress);
    ag_epochs_deinit(&lines->history);
    ag_arena_free(lines->scratch);
    lines->progress = NULL;
    lines->scratch = NULL;
}

/* ---- values ---- */

static double real_of(const ag_value *line, const char *key)
{
    double value = NAN;
    (void)ag_value_real(ag_value_get(line, key), &value);
    return value;
}

static bool is_own(ag_str name)
{
    for (size_t i = 0; own_keys[i]; i++)
        if (ag_str_is(name, own_keys[i])) return true;
    return false;
}

/* Kinds of what is there: texts are texts, counts are counts, all else is a number. */
static int check_kinds(const ag_value *line, ag_err *err)
{
    for (size_t i = 0; i < line->object.count; i++) {
        const ag_member *m = &line->object.members[i];
        double number;
        int64_t count;
        bool text = ag_str_is(m->name, "remark") || ag_str_is(m->name, "metric");
        bool counted = ag_str_is(m->name, "step") || ag_str_is(m->name, "epoch");
        int64_t least = ag_str_is(m->name, "epoch");
        bool said = m->value.kind == AG_STRING && m->value.string.size > 0;
        if (text && (!said || memchr(m->value.string.data, '\0', m->value.string.size)))
            return ag_fail(err, AG_EPARSE, "%.*s must be a text", AG_STR_ARG(m->name));
        if (counted && (!ag_value_int(&m->value, &count) || count < least))
            return ag_fail(err, AG_EPARSE, "%.*s must be a count from %d", AG_STR_ARG(m->name), (int)least);
        if (!text && !counted && !ag_value_real(&m->value, &number))
            return ag_fail(err, AG_EPARSE, "%.*s must be a number, not %s", AG_STR_ARG(ag_str_slice(m->name, 0, SHOWN)),
                           ag_kind_name(m->value.kind));
    }
    double share = real_of(line, "progress");
    if (ag_value_get(line, "progress") && !(share >= 0.0 && share <= 1.0))
        return ag_fail(err, AG_EPARSE, "progress must be between 0 and 1");
    if (ag_value_get(line, "metric") && !ag_value_get(line, "value"))
        return ag_fail(err, AG_EPARSE, "a metric needs a value");
    return 0;
}

/* ---- what a line tells ---- */

/* Numbers under names of the program's own. */
static int take_others(const ag_exec_lines *lines, const ag_value *line, int64_t step, ag_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < line->object.count && rc >= 0; i++) {
        const ag_member *m = &line->object.members[i];
        double value;
        if (is_own(m->name) || !ag_value_real(&m->value, &value)) continue;
        const char *name = ag_arena_strndup(lines->scratch, m->name.data, m->name.size);
        rc = name ? ag_strategy_metric_at(lines->task, name, value, step, err) : ag_fail_memory(err, m->name.size);
    }
    return rc;
}

static ag_train_progress progress_of(const ag_exec_lines *lines, const ag_value *line, int64_t epoch, int64_t step)
{
    double elapsed = (double)(ag_monotonic() - lines->begun) / 1e6, share = lines->share;
    return (ag_train_progress){.epoch = epoch,
                               .epochs = lines->task->settings->training.epochs,
                               .step = step,
                               .loss = real_of(line, "loss"),
                               .epoch_loss = real_of(line, "loss"),
                               .learning_rate = real_of(line, "learning_rate"),
                               .gradient_norm = real_of(line, "gradient_norm"),
                               .elapsed = elapsed,
                               .remaining = share > 0.0 ? elapsed / share * (1.0 - share) : -1.0};
}

static int take_step(ag_exec_lines *lines, const ag_value *line, ag_err *err)
{
    int64_t step = 0;
    const ag_train_monitor *monitor = lines->monitor;
    (void)ag_value_int(ag_value_get(line, "step"), &step);
    lines->steps = step;
    ag_train_progress now = progress_of(lines, line, lines->history.seen, step);
    int rc = 0;
    if (ag_value_get(line, "loss") && monitor->step) rc = monitor->step(monitor->context, &now, err);
    return rc < 0 ? rc : take_others(lines, line, step, err);
}

static int take_epoch(ag_exec_lines *lines, const ag_value *line, ag_err *err)
{
    const ag_train_monitor *monitor = lines->monitor;
    ag_train_epoch epoch = {.train_loss = real_of(line, "train_loss"),
                            .val_loss = real_of(line, "val_loss"),
                            .learning_rate = real_of(line, "learning_rate"),
                            .gradient_norm = real_of(line, "gradient_norm"),
                            .seconds = (double)(ag_monotonic() - lines->epoch_begun) / 1e6};
    lines->epoch_begun = ag_monotonic();
    (void)ag_value_int(ag_value_get(line, "epoch"), &epoch.epoch);
    epoch.step = epoch.epoch--;
    (void)ag_value_int(ag_value_get(line, "step"), &epoch.step);
    lines->steps = epoch.step;
    int rc = take_others(lines, line, epoch.step, err);
    if (rc < 0 || !ag_value_get(line, "train_loss")) return rc;
    double judged = isnan(epoch.val_loss) ? epoch.train_loss : epoch.val_loss;
    epoch.best = isnan(lines->best) || judged < lines->best;
    if (epoch.best && !isnan(judged)) {
        lines->best = judged;
        lines->best_epoch = epoch.epoch;
    }
    ag_train_progress now = progress_of(lines, line, epoch.epoch + 1, epoch.step);
    now.loss = now.epoch_loss = epoch.train_loss;
    if ((rc = ag_epochs_add(&lines->history, &epoch, err)) < 0) return rc;
    return monitor->epoch ? monitor->epoch(monitor->context, &epoch, &now, err) : 0;
}

static int take_metric(const ag_exec_lines *lines, const ag_value *line, ag_err *err)
{
    ag_str name = {0};
    int64_t step = 0;
    double value = real_of(line, "value");
    (void)ag_value_string(ag_value_get(line, "metric"), &name);
    const char *copy = ag_arena_strndup(lines->scratch, name.data, name.size);
    if (!copy) return ag_fail_memory(err, name.size);
    if (ag_value_int(ag_value_get(line, "step"), &step))
        return ag_strategy_metric_at(lines->task, copy, value, step, err);
    return ag_strategy_metric_found(lines->task, copy, value, err);
}

static void take_progress(ag_exec_lines *lines, double share)
{
    if (!lines->progress) lines->progress = ag_strategy_progress(lines->task, "thousandths", PARTS);
    uint64_t before = (uint64_t)(lines->share * PARTS), now = (uint64_t)(share * PARTS);
    if (now > before) ag_progress_add(lines->progress, now - before, 0);
    if (share > lines->share) lines->share = share;
}

static int take_value(ag_exec_lines *lines, const ag_value *line, ag_err *err)
{
    ag_str remark;
    bool said = false;
    int rc = line->kind == AG_OBJECT ? check_kinds(line, err) : ag_fail(err, AG_EPARSE, "it is no JSON object");
    if (rc < 0) return rc;
    if (ag_value_get(line, "progress")) said = true, take_progress(lines, real_of(line, "progress"));
    if (ag_value_string(ag_value_get(line, "remark"), &remark)) {
        said = true;
        ag_strategy_remark(lines->task, "%.*s", AG_STR_ARG(remark));
    }
    if (ag_value_get(line, "metric")) return take_metric(lines, line, err);
    if (ag_value_get(line, "epoch")) return take_epoch(lines, line, err);
    if (ag_value_get(line, "step")) return take_step(lines, line, err);
    return said ? 0 : ag_fail(err, AG_EPARSE, "it has none of step, epoch, metric, progress and remark");
}

int ag_exec_lines_take(ag_exec_lines *lines, uint64_t number, ag_str text, ag_err *err)
{
    const ag_value *line = NULL;
    const ag_json_options options = {
        .max_depth = MAX_DEPTH, .max_values = MAX_VALUES, .nonfinite = AG_JSON_NONFINITE_WORDS};
    if (ag_str_trim(text).size == 0) return 0;
    ag_arena_reset(lines->scratch);
    int rc = ag_json_parse(lines->scratch, text, &options, &line, err);
    if (rc == AG_EPARSE) {
        ag_fail(err, AG_EPARSE, "line %llu of what %s prints is no JSON: \"%.*s\"", (unsigned long long)number,
                lines->program, (int)ag_utf8_cut(text, SHOWN), text.data);
        return ag_err_hint(err, "other text belongs on stderr; docs/strategies.md tells what a line may be");
    }
    if (rc >= 0) rc = take_value(lines, line, err);
    if (rc == AG_EPARSE || rc == AG_ELIMIT)
        ag_err_prefix(err, "line %llu of what %s prints", (unsigned long long)number, lines->program);
    return rc < 0 ? rc : 0;
}

ag_train_result ag_exec_lines_result(const ag_exec_lines *lines)
{
    ag_train_result result = {.epochs = lines->history.seen,
                              .steps = lines->steps,
                              .best_epoch = lines->best_epoch,
                              .best_metric = lines->best,
                              .seconds = (double)(ag_monotonic() - lines->begun) / 1e6};
    size_t bytes = lines->history.kept.count * sizeof(ag_train_epoch);
    ag_train_epoch *copy = ag_arena_alloc(lines->arena, bytes + 1);
    if (!copy || !bytes) return result;
    memcpy(copy, lines->history.kept.items, bytes);
    result.history = copy;
    result.history_count = lines->history.kept.count;
    return result;
}
