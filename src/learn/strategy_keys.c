// SPDX-License-Identifier: Apache-2.0
/* strategy_keys.c: see strategy_keys.h. What a strategy takes is told by its struct; nothing here knows one by name. */
#include "learn/strategy_keys.h"

#include <string.h>

#define METRIC "training_config.early_stopping.metric"
#define SPLIT "training_config.validation_split"
#define FOLDS "training_config.cross_validation"

/* Keys that are not for every strategy, in the order of ag_strategy_takes. */
static const char *const chosen[] = {SPLIT, FOLDS, "pretrain", "ensemble"};
enum { CHOSEN = sizeof chosen / sizeof *chosen };

/* ---- what is refused ---- */

static bool knows(const char *metric)
{
    return !metric || strcmp(metric, AG_TRAIN_METRIC_LOSS) == 0 || strcmp(metric, AG_TRAIN_METRIC_TRAIN) == 0;
}

static int refuse_metric(const ag_settings *settings, const char *hint, ag_err *err)
{
    ag_fail(err, AG_EINVAL, METRIC ": there is no metric '%s' to go by", settings->training.early_stopping.metric);
    ag_err_hint(err, "%s", hint);
    return ag_settings_place(settings, METRIC, err);
}

int ag_strategy_check_keys(const ag_strategy *strategy, const ag_settings *settings, ag_err *err)
{
    for (size_t i = 0; i < CHOSEN; i++) {
        const ag_value *said = ag_value_at(settings->root, chosen[i]);
        bool enabled = true;
        if (!said || (strategy->takes >> i & 1)) continue;
        const ag_value *word = ag_value_get(said, "enabled");
        if (ag_value_bool(word ? word : said, &enabled) && !enabled) continue; /* `pretrain: false` */
        ag_fail_at(err, AG_EINVAL, settings->file, said->line, said->column, "strategy %s does nothing with %s",
                   strategy->name, chosen[i]);
        return ag_err_hint(err, "leave it out, or take another strategy");
    }
    if (strategy->own_loop || knows(settings->training.early_stopping.metric)) return 0;
    return refuse_metric(settings, "there are " AG_TRAIN_METRIC_LOSS " and " AG_TRAIN_METRIC_TRAIN, err);
}

int ag_strategy_check_metric(const ag_settings *settings, const ag_strategy_job *job, ag_err *err)
{
    const char *metric = settings->training.early_stopping.metric;
    if (job->validation || !metric || strcmp(metric, AG_TRAIN_METRIC_LOSS) != 0) return 0;
    return refuse_metric(settings, "nothing validates, so there is only " AG_TRAIN_METRIC_TRAIN, err);
}

/* ---- what is told ---- */

/* Each model is judged by its fold. */
static bool split_is_idle(const ag_strategy *strategy, const ag_settings *settings)
{
    unsigned both = AG_TAKES_SPLIT | AG_TAKES_FOLDS;
    return (strategy->takes & both) == both && !strategy->own_loop && settings->training.folds.enabled;
}

void ag_strategy_tell_idle(const ag_strategy *strategy, const ag_strategy_task *task)
{
    const ag_settings *settings = task->settings;
    const ag_settings_folds *folds = &settings->training.folds;
    if (split_is_idle(strategy, settings) && ag_value_at(settings->root, SPLIT))
        ag_strategy_remark(task, SPLIT " has no effect: with " FOLDS " each model is judged by its fold; "
                                       "cross_validation: false trains one model, judged by that share");
    if ((strategy->takes & AG_TAKES_FOLDS) && !folds->enabled && folds->wanted.count)
        ag_strategy_remark(task, FOLDS ".folds (--folds) has no effect: " FOLDS " is switched off");
    /* Keys of pretraining that nobody has switched on are worth a word: they change nothing. */
    const ag_value *pretrain = ag_value_get(settings->root, "pretrain");
    if (pretrain && pretrain->kind == AG_OBJECT && pretrain->object.count && !ag_value_get(pretrain, "enabled"))
        ag_strategy_remark(task, "nothing is pretrained: pretrain has keys, but not 'enabled: true'");
}

/* ---- the effective configuration ---- */

/* The tree without what stands at "a.b". */
static int leave_out(const ag_value *tree, ag_str path, ag_arena *arena, ag_value *out, ag_err *err)
{
    size_t dot = ag_str_find_char(path, '.', 0), kept = 0;
    ag_str name = ag_str_slice(path, 0, dot);
    ag_member *members = ag_arena_array(arena, tree->object.count + 1, sizeof *members);
    if (!members) return ag_fail_memory(err, tree->object.count * sizeof *members);
    for (size_t i = 0; i < tree->object.count; i++) {
        members[kept] = tree->object.members[i];
        if (!ag_str_equal(members[kept].name, name)) {
            kept++;
        } else if (dot != SIZE_MAX && members[kept].value.kind == AG_OBJECT) {
            ag_str rest = ag_str_slice(path, dot + 1, SIZE_MAX);
            int rc = leave_out(&tree->object.members[i].value, rest, arena, &members[kept].value, err);
            if (rc < 0) return rc;
            kept++;
        }
    }
    *out = *tree;
    out->object.members = members;
    out->object.count = kept;
    return 0;
}

int ag_strategy_leave_out(const ag_strategy *strategy, ag_strategy_task *task, ag_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < CHOSEN && rc >= 0; i++) {
        bool idle = (1U << i) == AG_TAKES_SPLIT && split_is_idle(strategy, task->settings);
        if ((strategy->takes >> i & 1) && !idle) continue;
        ag_value *less = ag_arena_alloc(task->arena, sizeof *less);
        rc = less ? leave_out(task->effective, ag_str_of(chosen[i]), task->arena, less, err)
                  : ag_fail_memory(err, sizeof *less);
        if (rc >= 0) task->effective = less;
    }
    return rc;
}
