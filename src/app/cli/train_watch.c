// SPDX-License-Identifier: Apache-2.0
/* train_watch.c: see train_watch.h. What is recorded is the journal's (learn/journal.h); this shows what the journal
 * passes on. */
#include "app/cli/train_watch.h"

#include "core/base/mem.h"

typedef struct seat { /* where one training is looked at from */
    ag_train_show *show;
    int64_t index;
} seat;

struct ag_train_watch {
    ag_invocation *invocation;
    ag_train_watch_options options;
    ag_train_show *show;
    ag_strategy_watch terminal;
    ag_journal *journal;
};

/* ---- one training ---- */

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    const seat *s = context;
    (void)err;
    ag_train_show_step(s->show, s->index, now);
    return 0;
}

static int on_epoch(void *context, const ag_train_epoch *e, const ag_train_progress *now, ag_err *err)
{
    const seat *s = context;
    (void)err;
    ag_train_show_epoch(s->show, s->index, e, now);
    return 0;
}

static void on_resumed(void *context, const char *path, const ag_train_epoch *epochs, size_t count, int64_t step)
{
    const seat *s = context;
    (void)path;
    ag_train_show_resumed(s->show, s->index, epochs, count, step);
}

static void on_training_remark(void *context, const char *text)
{
    const seat *s = context;
    ag_train_show_remark(s->show, text);
}

static int on_training(void *context, const char *name, int64_t index, int64_t count, ag_train_monitor *monitor,
                       ag_err *err)
{
    ag_train_watch *watch = context;
    seat *s = ag_arena_alloc(watch->invocation->arena, sizeof *s);
    if (!s) return ag_fail_memory(err, sizeof *s);
    *s = (seat){.show = watch->show, .index = index};
    ag_train_show_begin(watch->show, name, index, count);
    *monitor = (ag_train_monitor){
        .context = s, .step = on_step, .epoch = on_epoch, .resumed = on_resumed, .remark = on_training_remark};
    return 0;
}

static int on_trained(void *context, int64_t index, const ag_train_result *result, ag_err *err)
{
    const ag_train_watch *watch = context;
    (void)err;
    ag_train_show_done(watch->show, index, result);
    return 0;
}

/* ---- the rest of a strategy ---- */

static void on_phase(void *context, const char *phase)
{
    const ag_train_watch *watch = context;
    ag_train_show_phase(watch->show, phase);
}

static void on_remark(void *context, const char *text)
{
    const ag_train_watch *watch = context;
    ag_train_show_remark(watch->show, text);
}

static ag_progress *on_progress(void *context, const char *what, uint64_t total)
{
    const ag_train_watch *watch = context;
    if (watch->options.show != AG_TRAIN_SHOW_AUTO) return NULL;
    return ag_begin_progress(watch->invocation, what, total);
}

/* ---- making and ending ---- */

int ag_train_watch_new(ag_invocation *invocation, const ag_train_watch_options *options, ag_train_watch **out,
                       ag_err *err)
{
    ag_train_watch *watch = ag_calloc(1, sizeof *watch);
    if (!watch) return ag_fail_memory(err, sizeof *watch);
    watch->invocation = invocation;
    watch->options = *options;
    watch->terminal = (ag_strategy_watch){.context = watch,
                                          .phase = on_phase,
                                          .remark = on_remark,
                                          .training = on_training,
                                          .trained = on_trained,
                                          .progress = on_progress};
    const ag_journal_options journal = {.ledger = options->ledger,
                                        .settings = options->settings,
                                        .output_dir = options->output_dir,
                                        .resume = options->resume,
                                        .entry = "auger train",
                                        .argc = invocation->word_count,
                                        .argv = invocation->words,
                                        .version = options->data ? options->data->input : NULL,
                                        .version_name = options->data ? options->data->name : NULL,
                                        .next = &watch->terminal};
    int rc = ag_journal_new(&journal, &watch->journal, err);
    if (rc >= 0) rc = ag_train_show_new(invocation, options->show, &watch->show, err);
    if (rc >= 0)
        *out = watch;
    else
        ag_train_watch_free(watch);
    return rc;
}

void ag_train_watch_free(ag_train_watch *watch)
{
    if (!watch) return;
    ag_journal_free(watch->journal);
    ag_train_show_free(watch->show);
    ag_free(watch);
}

const ag_strategy_watch *ag_train_watch_strategy(ag_train_watch *watch)
{
    return ag_journal_watch(watch->journal);
}

const char *ag_train_watch_run(const ag_train_watch *watch)
{
    return ag_journal_run(watch->journal);
}

const char *ag_train_watch_version(const ag_train_watch *watch)
{
    return ag_journal_version(watch->journal);
}

static void note_trouble(void *context, const char *text)
{
    ag_note(context, "some metrics are not in the ledger: %s", text);
}

int ag_train_watch_finish(ag_train_watch *watch, int rc, const ag_err *why, ag_err *err)
{
    int ended = ag_journal_finish(watch->journal, rc, why, err);
    ag_journal_troubles(watch->journal, note_trouble, watch->invocation);
    return ended;
}
