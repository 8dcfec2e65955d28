// SPDX-License-Identifier: Apache-2.0
/* train_watch.c: see train_watch.h. What is recorded is the journal's (learn/journal.h); this shows what the journal
 * passes on, and writes the page of the training (REPORT) before the journal takes up the files. The pulse begins when
 * the run exists, so that its numbers have a place to go to, and has stopped for good before the run ends: phases that
 * come then (the registration) are only shown. */
#include "app/cli/train_watch.h"

#include <string.h>

#include "app/cli/train_pulse.h"
#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/cancel.h"
#include "core/sys/clock.h"
#include "ledger/system.h"

enum { REPORT_MOST = 64 << 20 };

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
    ag_train_pulse *pulse;
    bool finishing;            /* no pulse any more */
    const ag_value *effective; /* NULL: not accepted yet */
    int64_t parameters;
    ag_vec data; /* ag_monitor_data */
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

static void on_validating(void *context, int64_t done, int64_t count)
{
    const seat *s = context;
    (void)done, (void)count;
    ag_train_show_alive(s->show, s->index);
}

static void on_saved(void *context, const char *directory, int64_t step)
{
    const seat *s = context;
    (void)directory, (void)step;
    ag_train_show_alive(s->show, s->index);
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
    *monitor = (ag_train_monitor){.context = s,
                                  .step = on_step,
                                  .epoch = on_epoch,
                                  .validating = on_validating,
                                  .saved = on_saved,
                                  .resumed = on_resumed,
                                  .remark = on_training_remark};
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

static int on_dataset(void *context, const ag_strategy_dataset *dataset, ag_err *err)
{
    ag_train_watch *watch = context;
    char hex[65];
    ag_sha256_format(&dataset->digest, hex);
    ag_arena *arena = watch->invocation->arena;
    ag_monitor_data seen = {.name = ag_arena_strdup(arena, dataset->name ? dataset->name : ""),
                            .path = ag_arena_strdup(arena, dataset->path ? dataset->path : ""),
                            .digest = ag_arena_strdup(arena, hex),
                            .context = ag_arena_strdup(arena, dataset->context ? dataset->context : "")};
    if (!seen.name || !seen.path || !seen.digest || !seen.context) return ag_fail_memory(err, sizeof hex);
    return ag_vec_push(&watch->data, &seen, err);
}

static int on_configured(void *context, const ag_value *effective, int64_t parameters, ag_err *err)
{
    ag_train_watch *watch = context;
    const ag_train_check *check = &watch->options.check;
    int rc = check->look ? check->look(check->context, watch->data.items, watch->data.count, err) : 0;
    if (rc < 0) return rc;
    watch->effective = effective;
    watch->parameters = parameters;
    return 0;
}

static void on_phase(void *context, const char *phase)
{
    ag_train_watch *watch = context;
    if (watch->effective && !watch->pulse && !watch->finishing)
        watch->pulse = ag_train_pulse_start(watch->show, ag_journal_record(watch->journal), watch->options.output_dir);
    ag_train_show_phase(watch->show, phase);
}

static int on_metric(void *context, const ag_strategy_metric *metric, ag_err *err)
{
    const ag_train_watch *watch = context;
    (void)err;
    ag_train_show_value(watch->show, metric->name, metric->value);
    return 0;
}

static void on_remark(void *context, const char *text)
{
    const ag_train_watch *watch = context;
    ag_train_show_remark(watch->show, text);
}

static ag_progress *on_progress(void *context, const char *what, uint64_t total)
{
    const ag_train_watch *watch = context;
    return ag_train_show_progress(watch->show, what, total);
}

/* ---- making and ending ---- */

int ag_train_watch_new(ag_invocation *invocation, const ag_train_watch_options *options, ag_train_watch **out,
                       ag_err *err)
{
    ag_train_watch *watch = ag_calloc(1, sizeof *watch);
    if (!watch) return ag_fail_memory(err, sizeof *watch);
    watch->invocation = invocation;
    watch->options = *options;
    ag_vec_init(&watch->data, sizeof(ag_monitor_data));
    watch->terminal = (ag_strategy_watch){.context = watch,
                                          .phase = on_phase,
                                          .remark = on_remark,
                                          .dataset = on_dataset,
                                          .configured = on_configured,
                                          .training = on_training,
                                          .trained = on_trained,
                                          .metric = on_metric,
                                          .progress = on_progress};
    const ag_journal_options journal = {.tracker = options->tracker,
                                        .settings = options->settings,
                                        .data_dir = options->data_dir,
                                        .output_dir = options->output_dir,
                                        .resume = options->resume,
                                        .tags = options->tags,
                                        .tag_count = options->tag_count,
                                        .entry = options->entry ? options->entry : "auger train",
                                        .argc = invocation->word_count,
                                        .argv = invocation->words,
                                        .version = options->data ? options->data->input : NULL,
                                        .called = options->data ? &options->data->called : NULL,
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
    ag_train_pulse_stop(watch->pulse);
    ag_journal_free(watch->journal);
    ag_train_show_free(watch->show);
    ag_vec_deinit(&watch->data);
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

const char *ag_train_watch_unregistered(const ag_train_watch *watch)
{
    return ag_journal_unregistered(watch->journal);
}

static void note_trouble(void *context, const char *text)
{
    ag_note(context, "some metrics are not in the ledger: %s", text);
}

const ag_monitor_data *ag_train_watch_data(const ag_train_watch *watch, size_t *count)
{
    *count = watch->data.count;
    return watch->data.items;
}

/* ---- the page ---- */

static void say_outcome(int rc, const ag_err *why, ag_monitor_about *about)
{
    bool stopped = ag_was_stopped(rc);
    about->style = rc >= 0 ? AG_STYLE_GOOD : stopped ? AG_STYLE_WARN : AG_STYLE_BAD;
    about->outcome = rc >= 0   ? "The training ended well."
                     : stopped ? "The training was stopped; --resume goes on from here."
                     : why     ? why->text
                               : "The training failed.";
}

static int make_report(const ag_train_watch *watch, int rc, const ag_err *why, ag_buf *out, ag_err *err)
{
    char when[40];
    const ag_settings *settings = watch->options.settings;
    ag_arena *arena = watch->invocation->arena;
    ag_pairs environment = {0};
    ag_system_options system = {.argc = watch->invocation->word_count, .argv = watch->invocation->words};
    int done = ag_system_tags(&system, arena, &environment, err);
    if (done < 0) return done;
    ag_instant_format(ag_now(), 0, when);
    const char *run = ag_journal_run(watch->journal), *experiment = settings->experiment_name;
    ag_monitor_about about = {
        .title = ag_arena_printf(arena, "Training of %s", experiment ? experiment : settings->strategy),
        .subtitle = ag_arena_printf(arena, "strategy %s, %s%s%s", settings->strategy, when, run ? ", run " : "",
                                    run ? run : ""),
        .parameters = watch->parameters,
        .configuration = watch->effective,
        .data = watch->data.items,
        .data_count = watch->data.count,
        .environment = environment};
    if (!about.title || !about.subtitle) return ag_fail_memory(err, 256);
    say_outcome(rc, why, &about);
    return ag_train_show_report(watch->show, &about, out, err);
}

/* That there is no page ends nothing. A training that was refused has no directory for one. */
static void write_report(const ag_train_watch *watch, int rc, const ag_err *why)
{
    ag_buf page;
    ag_err err = {0};
    if (!watch->effective || !ag_file_exists(watch->options.output_dir)) return;
    const char *path = ag_path_join(watch->invocation->arena, watch->options.output_dir, AG_JOURNAL_REPORT);
    ag_buf_init(&page, REPORT_MOST);
    int done = path ? make_report(watch, rc, why, &page, &err) : ag_fail_memory(&err, 64);
    if (done >= 0) done = ag_file_replace(path, page.data, page.size, &err);
    if (done < 0) ag_note(watch->invocation, "there is no report of the training: %s", err.text);
    ag_buf_deinit(&page);
}

int ag_train_watch_finish(ag_train_watch *watch, int rc, const ag_err *why, ag_err *err)
{
    watch->finishing = true;
    ag_train_pulse_stop(watch->pulse);
    watch->pulse = NULL;
    ag_train_show_end(watch->show);
    write_report(watch, rc, why);
    int ended = ag_journal_finish(watch->journal, rc, why, err);
    ag_journal_troubles(watch->journal, note_trouble, watch->invocation);
    return ended;
}
