// SPDX-License-Identifier: Apache-2.0
/* journal.c: see journal.h. The run is made when the configuration has been accepted: what is refused before that
 * leaves no run behind. What happens to the ledger after that (a disk that is full) ends no training. Whoever looks on
 * behind it is told the same things in the same order, by the same threads; its failures are the journal's. */
#include "learn/journal.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/cancel.h"
#include "learn/journal_parts.h"
#include "learn/nn/kernels/kernels.h"
#include "learn/registration.h"
#include "learn/strategies/plugin.h"

#define LOG_FILE "training.log" /* of programs only */

enum { REMARK_MOST = 1200 };

static const ag_strategy_watch nobody;

/* Who is told next; never NULL. */
static const ag_strategy_watch *next_of(const ag_journal *journal)
{
    return journal->options.next ? journal->options.next : &nobody;
}

static const char *for_people(const ag_journal *journal, const char *text, char *buffer)
{
    const ag_data_name *called = journal->options.called;
    return called ? ag_data_name_in(called, text, buffer, REMARK_MOST) : text;
}

/* ---- the run ---- */

/* What an experiment is called when nobody said: "./libmean.so" is "mean". */
static const char *strategy_name(const ag_journal *journal, const char *strategy)
{
    ag_str name = ag_path_name(ag_str_of(strategy));
    if (!ag_plugin_is_path(strategy)) return strategy;
    if (ag_str_ends(name, AG_STR(".so"))) name.size -= 3;
    if (ag_str_starts(name, AG_STR("lib"))) name = ag_str_slice(name, 3, SIZE_MAX);
    const char *copy = name.size ? ag_arena_strndup(journal->arena, name.data, name.size) : NULL;
    return copy ? copy : strategy;
}

const char *ag_journal_experiment_name(const ag_journal *journal)
{
    const ag_settings *settings = journal->options.settings;
    return settings->experiment_name ? settings->experiment_name : strategy_name(journal, settings->strategy);
}

typedef struct naming { /* of the run that is being opened */
    ag_journal *journal;
    ag_journal_seat *seat; /* NULL: the run of the whole */
    bool unwritten;        /* run.json could not be written */
} naming;

static int on_named(void *context, const char *run, const char *experiment, ag_err *err)
{
    naming *n = context;
    ag_journal *journal = n->journal;
    const char *id = ag_arena_strdup(journal->arena, run);
    const char *of = experiment ? ag_arena_strdup(journal->arena, experiment) : NULL;
    if (!id || (experiment && !of)) return ag_fail_memory(err, strlen(run));
    if (n->seat) {
        n->seat->run = id;
    } else {
        journal->run = id;
        journal->experiment = of;
    }
    int rc = ag_journal_write_known(journal, err);
    n->unwritten = rc < 0;
    return rc;
}

static int open_record(naming *n, const char *name, ag_record **out, ag_err *err)
{
    ag_journal *journal = n->journal;
    const ag_settings *settings = journal->options.settings;
    ag_record_options options = {.experiment = ag_journal_experiment_name(journal),
                                 .run_name = name ? name : settings->run_name,
                                 .run_id = ag_journal_known_run(journal, name),
                                 .parent = name ? ag_record_run(journal->record) : NULL,
                                 .entry = journal->options.entry,
                                 .argc = journal->options.argc,
                                 .argv = journal->options.argv,
                                 .named = on_named,
                                 .context = n};
    int rc = ag_record_open(&journal->options.tracker, &options, out, err);
    return rc < 0 && !n->unwritten ? ag_err_prefix(err, "the ledger") : rc;
}

/* By this the lineage goes from the version of the data to the run. */
static int record_version(ag_journal *journal, ag_err *err)
{
    const ag_journal_options *o = &journal->options;
    if (!o->version || !o->called) return 0;
    int rc = ag_record_input(journal->record, o->version, err);
    return rc < 0 ? rc : ag_record_tag(journal->record, AG_JOURNAL_DATA_VERSION, o->called->name, err);
}

/* What a replay must know, and what the caller wants. */
static int add_tags(const ag_journal *journal, ag_err *err)
{
    char *path = NULL;
    const ag_journal_options *o = &journal->options;
    int rc = ag_record_tag(journal->record, AG_JOURNAL_PROCESSOR, ag_kernels_best()->name, err);
    bool by_path = o->data_dir && !(o->called && o->called->name); /* a version is found by its name */
    if (rc >= 0 && by_path && ag_path_absolute(journal->arena, o->data_dir, &path, NULL) >= 0)
        rc = ag_record_tag(journal->record, AG_JOURNAL_DATA_DIR, path, err);
    for (size_t i = 0; i < o->tag_count && rc >= 0; i++) {
        const char *key = ag_arena_strndup(journal->arena, o->tags[i].key.data, o->tags[i].key.size);
        const char *value = ag_arena_strndup(journal->arena, o->tags[i].value.data, o->tags[i].value.size);
        rc = key && value ? ag_record_tag(journal->record, key, value, err) : ag_fail_memory(err, 64);
    }
    return rc;
}

static int describe_run(ag_journal *journal, const ag_value *effective, int64_t parameters, ag_err *err)
{
    char count[32];
    int rc = ag_record_parameters(journal->record, effective, err);
    ag_format(count, sizeof count, "%lld", (long long)parameters);
    if (rc >= 0) rc = ag_record_tag(journal->record, "auger.model.parameters", count, err);
    if (rc >= 0) rc = ag_record_tag(journal->record, "auger.strategy", journal->options.settings->strategy, err);
    if (rc >= 0) rc = add_tags(journal, err);
    for (size_t i = 0; i < journal->datasets.count && rc >= 0; i++) {
        const ag_strategy_dataset *d = ag_vec_at(&journal->datasets, i);
        rc = ag_record_dataset(journal->record, d->name, d->path, d->context, &d->digest, err);
    }
    return rc < 0 ? rc : record_version(journal, err);
}

static int on_configured(void *context, const ag_value *effective, int64_t parameters, ag_err *err)
{
    ag_journal *journal = context;
    const ag_strategy_watch *next = next_of(journal);
    int rc = next->configured ? next->configured(next->context, effective, parameters, err) : 0;
    if (rc < 0 || !ag_tracker_is_open(&journal->options.tracker)) return rc;
    naming whole = {.journal = journal};
    rc = open_record(&whole, NULL, &journal->record, err);
    if (rc >= 0) rc = describe_run(journal, effective, parameters, err);
    if (rc < 0 && !journal->known) ag_journal_forget_known(journal); /* the training does not begin */
    return rc;
}

/* The strategy sees only the directory that the version was written into, which is called by its digest. */
static bool is_version(const ag_data_name *called, const ag_strategy_dataset *dataset)
{
    return called->name && dataset->path &&
           (strcmp(called->path, dataset->path) == 0 || strcmp(called->absolute, dataset->path) == 0);
}

static int on_dataset(void *context, const ag_strategy_dataset *dataset, ag_err *err)
{
    ag_journal *journal = context;
    char buffer[PATH_MAX];
    const ag_strategy_watch *next = next_of(journal);
    const ag_data_name *called = journal->options.called;
    ag_strategy_dataset named = *dataset;
    if (called && is_version(called, dataset)) named.name = called->name;
    if (called && dataset->path) {
        const char *path = ag_data_name_in(called, dataset->path, buffer, sizeof buffer);
        named.path = path == buffer ? ag_arena_strdup(journal->arena, path) : path;
        if (!named.path) return ag_fail_memory(err, sizeof buffer);
    }
    int rc = ag_vec_push(&journal->datasets, &named, err);
    return rc >= 0 && next->dataset ? next->dataset(next->context, &named, err) : rc;
}

/* ---- one training ---- */

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    const ag_journal_seat *s = context;
    int rc = s->next.step ? s->next.step(s->next.context, now, err) : 0;
    if (rc < 0 || !s->record || !s->journal->options.settings->track_metrics) return rc;
    ag_record_metric(s->record, "loss", now->loss, now->step);
    if (!isnan(now->learning_rate)) ag_record_metric(s->record, "learning_rate", now->learning_rate, now->step);
    if (!isnan(now->gradient_norm)) ag_record_metric(s->record, "gradient_norm", now->gradient_norm, now->step);
    return 0;
}

static int on_epoch(void *context, const ag_train_epoch *e, const ag_train_progress *now, ag_err *err)
{
    const ag_journal_seat *s = context;
    int rc = s->next.epoch ? s->next.epoch(s->next.context, e, now, err) : 0;
    if (rc < 0 || !s->record) return rc;
    ag_record_metric(s->record, "epoch", (double)e->epoch + 1, e->step);
    ag_record_metric(s->record, "train_loss", e->train_loss, e->step);
    if (!isnan(e->val_loss)) ag_record_metric(s->record, "val_loss", e->val_loss, e->step);
    if (now->samples_per_second > 0.0)
        ag_record_metric(s->record, "samples_per_second", now->samples_per_second, e->step);
    for (int i = 0; i < e->metrics_count; i++)
        ag_record_metric(s->record, e->metrics[i].name, e->metrics[i].value, e->step);
    ag_record_flush_epoch(s->record);
    return 0;
}

static void on_validating(void *context, int64_t done, int64_t count)
{
    const ag_journal_seat *s = context;
    if (s->next.validating) s->next.validating(s->next.context, done, count);
}

/* Before the checkpoint, not after it: of a training that is killed in between --resume goes on behind what the ledger
 * has not seen. */
static void on_saving(void *context)
{
    const ag_journal_seat *s = context;
    if (s->record) ag_record_flush(s->record);
    if (s->next.saving) s->next.saving(s->next.context);
}

static void on_saved(void *context, const char *directory, int64_t step)
{
    const ag_journal_seat *s = context;
    if (s->next.saved) s->next.saved(s->next.context, directory, step);
}

static void on_resumed(void *context, const char *path, const ag_train_epoch *epochs, size_t count, int64_t step)
{
    const ag_journal_seat *s = context;
    if (s->next.resumed) s->next.resumed(s->next.context, path, epochs, count, step);
}

static void on_training_remark(void *context, const char *text)
{
    const ag_journal_seat *s = context;
    char buffer[REMARK_MOST];
    if (s->next.remark) s->next.remark(s->next.context, for_people(s->journal, text, buffer));
}

/* That the ledger is away by now (a full disk, a home that was removed) costs a fold's record, not the hours of
 * training: it is told, and the end of the whole fails with it unless the ledger has come back. */
static int forgive(ag_journal *journal, const ag_journal_seat *s, const char *what, int rc, const ag_err *why,
                   ag_err *err)
{
    const ag_strategy_watch *next = next_of(journal);
    const char *text = ag_arena_printf(journal->arena, "%s %s: %s", s->name, what, why->text);
    if (rc == AG_ENOMEM || rc == AG_ECANCELLED || !text) {
        if (err) *err = *why;
        return rc;
    }
    if (next->remark) next->remark(next->context, text);
    return 0;
}

/* A fold's own record. */
static int open_own(ag_journal *journal, ag_journal_seat *s, ag_err *err)
{
    ag_err why = {0};
    naming own = {.journal = journal, .seat = s};
    int rc = open_record(&own, s->name, &s->record, &why);
    s->own = rc >= 0;
    if (s->own) return 0;
    s->record = NULL;
    s->run = NULL;
    if (!own.unwritten) return forgive(journal, s, "begins, and is not recorded", rc, &why, err);
    if (err) *err = why;
    return rc;
}

static int on_training(void *context, const char *name, int64_t index, int64_t count, ag_train_monitor *monitor,
                       ag_err *err)
{
    ag_journal *journal = context;
    const ag_strategy_watch *next = next_of(journal);
    int rc = 0;
    ag_journal_seat *s = ag_arena_alloc(journal->arena, sizeof *s);
    if (!s) return ag_fail_memory(err, sizeof *s);
    *s = (ag_journal_seat){.journal = journal, .name = ag_arena_strdup(journal->arena, name), .index = index};
    if (!s->name || (rc = ag_vec_push(&journal->seats, &s, err)) < 0) return rc < 0 ? rc : ag_fail_memory(err, 64);
    if (journal->record && count > 1) {
        rc = open_own(journal, s, err);
    } else {
        s->record = journal->record;
    }
    if (rc >= 0 && next->training) rc = next->training(next->context, name, index, count, &s->next, err);
    *monitor = (ag_train_monitor){.context = s,
                                  .step = on_step,
                                  .epoch = on_epoch,
                                  .validating = on_validating,
                                  .saving = on_saving,
                                  .saved = on_saved,
                                  .resumed = on_resumed,
                                  .remark = on_training_remark};
    return rc;
}

static int on_trained(void *context, int64_t index, const ag_train_result *result, ag_err *err)
{
    ag_journal *journal = context;
    const ag_strategy_watch *next = next_of(journal);
    int rc = next->trained ? next->trained(next->context, index, result, err) : 0;
    for (size_t i = 0; i < journal->seats.count && rc >= 0; i++) {
        ag_journal_seat *s = *(ag_journal_seat *const *)ag_vec_at(&journal->seats, i);
        if (s->index != index || !s->record) continue;
        if (result->best_epoch >= 0) {
            ag_record_metric(s->record, "best_epoch", (double)result->best_epoch + 1, result->steps);
            ag_record_metric(s->record, "best_metric", result->best_metric, result->steps);
        }
        if (!s->own) {
            ag_record_flush(s->record);
            continue;
        }
        ag_err why = {0};
        rc = ag_record_finish(s->record, AG_RECORD_FINISHED, &why);
        s->ended = rc >= 0; /* else it is tried once more at the end of the whole */
        if (rc < 0) rc = forgive(journal, s, "is trained, but not recorded", rc, &why, err);
    }
    return rc;
}

/* ---- the rest of a strategy ---- */

static void on_phase(void *context, const char *phase)
{
    const ag_strategy_watch *next = next_of(context);
    if (next->phase) next->phase(next->context, phase);
}

static void on_remark(void *context, const char *text)
{
    char buffer[REMARK_MOST];
    const ag_strategy_watch *next = next_of(context);
    if (next->remark) next->remark(next->context, for_people(context, text, buffer));
}

static int on_metric(void *context, const ag_strategy_metric *metric, ag_err *err)
{
    const ag_journal *journal = context;
    const ag_strategy_watch *next = next_of(journal);
    if (journal->record) ag_record_metric(journal->record, metric->name, metric->value, metric->step);
    return next->metric ? next->metric(next->context, metric, err) : 0;
}

static ag_progress *on_progress(void *context, const char *what, uint64_t total)
{
    const ag_strategy_watch *next = next_of(context);
    return next->progress ? next->progress(next->context, what, total) : NULL;
}

/* ---- making and ending ---- */

int ag_journal_new(const ag_journal_options *options, ag_journal **out, ag_err *err)
{
    ag_journal *journal = ag_calloc(1, sizeof *journal);
    if (!journal) return ag_fail_memory(err, sizeof *journal);
    journal->options = *options;
    ag_vec_init(&journal->seats, sizeof(ag_journal_seat *));
    ag_vec_init(&journal->datasets, sizeof(ag_strategy_dataset));
    journal->watch = (ag_strategy_watch){.context = journal,
                                         .phase = on_phase,
                                         .remark = on_remark,
                                         .dataset = on_dataset,
                                         .configured = on_configured,
                                         .training = on_training,
                                         .trained = on_trained,
                                         .metric = on_metric,
                                         .progress = on_progress};
    if (!(journal->arena = ag_arena_new(0))) {
        ag_journal_free(journal);
        return ag_fail_memory(err, 64);
    }
    ag_journal_read_known(journal);
    *out = journal;
    return 0;
}

void ag_journal_free(ag_journal *journal)
{
    if (!journal) return;
    for (size_t i = 0; i < journal->seats.count; i++) {
        ag_journal_seat *s = *(ag_journal_seat *const *)ag_vec_at(&journal->seats, i);
        if (s->own) ag_record_free(s->record);
    }
    ag_record_free(journal->record);
    ag_vec_deinit(&journal->seats);
    ag_vec_deinit(&journal->datasets);
    ag_arena_free(journal->arena);
    ag_free(journal);
}

const ag_strategy_watch *ag_journal_watch(const ag_journal *journal)
{
    return &journal->watch;
}

const char *ag_journal_run(const ag_journal *journal)
{
    return journal->record ? ag_record_known_as(journal->record) : NULL;
}

const char *ag_journal_version(const ag_journal *journal)
{
    return journal->version;
}

const char *ag_journal_unregistered(const ag_journal *journal)
{
    return journal->unregistered;
}

ag_record *ag_journal_record(const ag_journal *journal)
{
    return journal->record;
}

static int record_files(const ag_journal *journal, ag_err *err)
{
    static const char *const files[] = {"config.yaml",     "metrics.json",  "history.csv",
                                        "out_of_fold.csv", "confusion.csv", LOG_FILE};
    ag_arena *arena = journal->arena;
    const char *directory = journal->options.output_dir, *model = ag_path_join(arena, directory, "model");
    int rc = model ? ag_record_files(journal->record, model, "model", err) : ag_fail_memory(err, 64);
    for (size_t i = 0; i < sizeof files / sizeof *files && rc >= 0; i++) {
        const char *path = ag_path_join(arena, directory, files[i]);
        if (path && !ag_file_exists(path)) continue;
        rc = path ? ag_record_file(journal->record, path, files[i], err) : ag_fail_memory(err, 64);
    }
    return rc < 0 ? ag_err_prefix(err, "the ledger") : rc;
}

/* The page tells most when things went wrong. */
static int record_report(const ag_journal *journal, ag_err *err)
{
    const char *path = ag_path_join(journal->arena, journal->options.output_dir, AG_JOURNAL_REPORT);
    if (!path) return ag_fail_memory(err, 64);
    int rc = ag_file_exists(path) ? ag_record_file(journal->record, path, AG_JOURNAL_REPORT, err) : 0;
    return rc < 0 ? ag_err_prefix(err, "the ledger") : rc;
}

void ag_journal_troubles(const ag_journal *journal, void (*tell)(void *context, const char *text), void *context)
{
    const char *text = journal->record ? ag_record_trouble(journal->record) : NULL;
    if (text) tell(context, text);
    for (size_t i = 0; i < journal->seats.count; i++) {
        const ag_journal_seat *s = *(ag_journal_seat *const *)ag_vec_at(&journal->seats, i);
        text = s->own ? ag_record_trouble(s->record) : NULL;
        if (text) tell(context, text);
    }
}

/* The model is written and whole, and hours of training with it: that nobody knows it yet is told, and mended later. */
static int tell_refusal(ag_journal *journal, const char *model, const ag_err *why, ag_err *err)
{
    const char *text = ag_arena_printf(journal->arena,
                                       "the model is written, but not registered as '%s': %s; when that is mended, "
                                       "--resume registers it and trains nothing again",
                                       model, why->text);
    if (!text) return ag_fail_memory(err, sizeof why->text);
    journal->unregistered = text;
    on_remark(journal, text);
    return 0;
}

static int register_model(ag_journal *journal, ag_err *err)
{
    const ag_journal_options *o = &journal->options;
    if (!o->settings->registration.name) return 0;
    on_phase(journal, "registration");
    const char *model = o->settings->registration.name;
    if (journal->registered && strcmp(journal->registered, model) == 0) { /* the server cannot be asked now */
        journal->version = journal->registered_as;
        return 0;
    }
    ag_err why = {0};
    int rc = ag_record_register(journal->record, o->settings, journal->arena, &journal->version, &why);
    if (rc < 0) return tell_refusal(journal, model, &why, err);
    if (o->tracker.client) {
        journal->registered = model;
        journal->registered_as = journal->version;
        rc = ag_journal_write_known(journal, err);
    }
    if (rc >= 0 && journal->version && o->tracker.client)
        rc = ag_record_tag(journal->record, AG_REGISTRATION_TAG, journal->version, err);
    if (journal->version)
        on_remark(journal, ag_arena_printf(journal->arena, "registered as %s", journal->version));
    else
        on_remark(journal, "the server is away: it registers the model when it is there again");
    return rc;
}

/* What the server has and has not. Of a run that it refused nothing is gone on with: a resumed training makes another.
 */
static void settle(ag_journal *journal)
{
    auger_ledger_status status = {0};
    const ag_tracker *tracker = &journal->options.tracker;
    bool settled = ag_tracker_settle(tracker, journal->unsettled, sizeof journal->unsettled);
    if (tracker->client) auger_ledger_status_read(tracker->client, &status);
    bool told = journal->unregistered && status.refused == 1 && !status.pending;
    if (!settled && !told) on_remark(journal, journal->unsettled);
    if (ag_record_lost(journal->record)) ag_journal_forget_known(journal);
}

/* Whoever reads only the last line must not think that the hours of training are lost. */
static int tell_unrecorded(const ag_journal *journal, int rc, ag_err *err)
{
    ag_err_prefix(err, "the model is written, but its run is not recorded to the end");
    if (journal->options.settings->save_checkpoints)
        ag_err_hint(err, "when that is mended, the same command with --resume records it and trains nothing again");
    return rc;
}

int ag_journal_finish(ag_journal *journal, int rc, const ag_err *why, ag_err *err)
{
    ag_record_end end = rc >= 0 ? AG_RECORD_FINISHED : ag_was_stopped(rc) ? AG_RECORD_KILLED : AG_RECORD_FAILED;
    if (!journal->record) return 0;
    int ended = rc < 0 ? 0 : record_files(journal, err);
    if (rc >= 0 && ended >= 0) ended = register_model(journal, err);
    if (ended >= 0) ended = record_report(journal, err);
    const char *log = rc < 0 ? ag_path_join(journal->arena, journal->options.output_dir, LOG_FILE) : NULL;
    if (log && ag_file_exists(log)) (void)ag_record_file(journal->record, log, LOG_FILE, NULL);
    if (rc < 0 && why) (void)ag_record_tag(journal->record, "auger.error", why->text, NULL);
    if (ended < 0) end = AG_RECORD_FAILED;
    for (size_t i = 0; i < journal->seats.count; i++) {
        const ag_journal_seat *s = *(ag_journal_seat *const *)ag_vec_at(&journal->seats, i);
        if (s->own && !s->ended) (void)ag_record_finish(s->record, end, NULL);
    }
    int finished = ag_record_finish(journal->record, end, ended < 0 ? NULL : err);
    settle(journal);
    if (ended >= 0) ended = finished;
    return rc >= 0 && ended < 0 ? tell_unrecorded(journal, ended, err) : ended;
}
