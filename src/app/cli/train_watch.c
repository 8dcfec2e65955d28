// SPDX-License-Identifier: Apache-2.0
/* train_watch.c: see train_watch.h. The run is made when the configuration has been accepted: what is refused before
 * that leaves no run behind. What happens to the ledger after that (a disk that is full) ends no training. */
#include "app/cli/train_watch.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/path.h"

#define RUN_FILE "run.json"

enum { MAX_RUN_FILE = 1 << 20 };

typedef struct seat { /* where one training is looked at from */
    ag_train_watch *watch;
    const char *name;
    int64_t index;
    ag_record *record; /* of its own when there are several, else the run's */
    bool own;
} seat;

struct ag_train_watch {
    ag_invocation *invocation;
    ag_train_watch_options options;
    ag_train_show *show;
    ag_strategy_watch strategy;
    ag_record *record;
    ag_vec seats;          /* seat * */
    ag_vec datasets;       /* ag_strategy_dataset */
    const ag_value *known; /* run.json as it was found; NULL: none */
};

/* ---- run.json ---- */

static const char *known_run(const ag_train_watch *watch, const char *training)
{
    ag_str id;
    const ag_value *from = training ? ag_value_get(watch->known, "trainings") : watch->known;
    if (!ag_value_string(ag_value_get(from, training ? training : "run_id"), &id)) return NULL;
    return ag_arena_strndup(watch->invocation->arena, id.data, id.size);
}

static void read_known(ag_train_watch *watch)
{
    ag_buf text;
    ag_arena *arena = watch->invocation->arena;
    const char *path = ag_path_join(arena, watch->options.output_dir, RUN_FILE);
    if (!path || !watch->options.resume || !watch->options.ledger) return;
    ag_buf_init(&text, MAX_RUN_FILE);
    if (ag_file_read(path, MAX_RUN_FILE, &text, NULL) >= 0)
        (void)ag_json_parse(arena, ag_buf_str(&text), NULL, &watch->known, NULL);
    ag_buf_deinit(&text);
}

static int write_known(const ag_train_watch *watch, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, MAX_RUN_FILE);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "run_id", ag_record_run(watch->record));
    ag_json_put_text(&json, "experiment_id", ag_record_experiment(watch->record));
    ag_json_name(&json, "trainings");
    ag_json_begin_object(&json);
    for (size_t i = 0; i < watch->seats.count; i++) {
        const seat *s = *(seat *const *)ag_vec_at(&watch->seats, i);
        if (s->own) ag_json_put_text(&json, s->name, ag_record_run(s->record));
    }
    ag_json_end_object(&json);
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, err);
    ag_buf_add_char(&text, '\n');
    const char *path = ag_path_join(watch->invocation->arena, watch->options.output_dir, RUN_FILE);
    if (rc >= 0) rc = path ? ag_file_replace(path, text.data, text.size, err) : ag_fail_memory(err, 64);
    ag_buf_deinit(&text);
    return rc;
}

/* ---- the run ---- */

static int open_record(ag_train_watch *watch, const char *name, ag_record **out, ag_err *err)
{
    const ag_settings *settings = watch->options.settings;
    ag_record_options options = {.experiment =
                                     settings->experiment_name ? settings->experiment_name : settings->strategy,
                                 .run_name = name ? name : settings->run_name,
                                 .run_id = known_run(watch, name),
                                 .parent = name ? ag_record_run(watch->record) : NULL,
                                 .entry = "auger train",
                                 .argc = watch->invocation->word_count,
                                 .argv = watch->invocation->words};
    int rc = ag_record_open(watch->options.ledger, &options, out, err);
    return rc < 0 ? ag_err_prefix(err, "the ledger") : rc;
}

static int on_configured(void *context, const ag_value *effective, int64_t parameters, ag_err *err)
{
    ag_train_watch *watch = context;
    char count[32];
    if (!watch->options.ledger) return 0;
    int rc = open_record(watch, NULL, &watch->record, err);
    if (rc >= 0) rc = write_known(watch, err);
    if (rc >= 0) rc = ag_record_parameters(watch->record, effective, err);
    ag_format(count, sizeof count, "%lld", (long long)parameters);
    if (rc >= 0) rc = ag_record_tag(watch->record, "auger.model.parameters", count, err);
    if (rc >= 0) rc = ag_record_tag(watch->record, "auger.strategy", watch->options.settings->strategy, err);
    for (size_t i = 0; i < watch->datasets.count && rc >= 0; i++) {
        const ag_strategy_dataset *d = ag_vec_at(&watch->datasets, i);
        rc = ag_record_dataset(watch->record, d->name, d->path, d->context, &d->digest, err);
    }
    return rc;
}

static int on_dataset(void *context, const ag_strategy_dataset *dataset, ag_err *err)
{
    ag_train_watch *watch = context;
    return ag_vec_push(&watch->datasets, dataset, err);
}

/* ---- one training ---- */

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    const seat *s = context;
    (void)err;
    ag_train_show_step(s->watch->show, s->index, now);
    if (!s->record || !s->watch->options.settings->track_metrics) return 0;
    ag_record_metric(s->record, "loss", now->loss, now->step);
    ag_record_metric(s->record, "learning_rate", now->learning_rate, now->step);
    ag_record_metric(s->record, "gradient_norm", now->gradient_norm, now->step);
    return 0;
}

static int on_epoch(void *context, const ag_train_epoch *e, const ag_train_progress *now, ag_err *err)
{
    const seat *s = context;
    (void)err;
    ag_train_show_epoch(s->watch->show, s->index, e, now);
    if (!s->record) return 0;
    ag_record_metric(s->record, "epoch", (double)e->epoch + 1, e->step);
    ag_record_metric(s->record, "train_loss", e->train_loss, e->step);
    if (!isnan(e->val_loss)) ag_record_metric(s->record, "val_loss", e->val_loss, e->step);
    ag_record_metric(s->record, "samples_per_second", now->samples_per_second, e->step);
    for (int i = 0; i < e->metrics_count; i++)
        ag_record_metric(s->record, e->metrics[i].name, e->metrics[i].value, e->step);
    ag_record_flush(s->record);
    return 0;
}

static void on_resumed(void *context, const char *path, const ag_train_epoch *epochs, size_t count, int64_t step)
{
    const seat *s = context;
    (void)path;
    ag_train_show_resumed(s->watch->show, s->index, epochs, count, step);
}

static void on_training_remark(void *context, const char *text)
{
    const seat *s = context;
    ag_train_show_remark(s->watch->show, text);
}

static int on_training(void *context, const char *name, int64_t index, int64_t count, ag_train_monitor *monitor,
                       ag_err *err)
{
    ag_train_watch *watch = context;
    int rc = 0;
    seat *s = ag_arena_alloc(watch->invocation->arena, sizeof *s);
    if (!s) return ag_fail_memory(err, sizeof *s);
    *s = (seat){.watch = watch, .name = ag_arena_strdup(watch->invocation->arena, name), .index = index};
    if (!s->name || (rc = ag_vec_push(&watch->seats, &s, err)) < 0) return rc < 0 ? rc : ag_fail_memory(err, 64);
    if (watch->record && count > 1) {
        if ((rc = open_record(watch, name, &s->record, err)) < 0) return rc;
        s->own = true;
        rc = write_known(watch, err);
    } else {
        s->record = watch->record;
    }
    ag_train_show_begin(watch->show, name, index, count);
    *monitor = (ag_train_monitor){
        .context = s, .step = on_step, .epoch = on_epoch, .resumed = on_resumed, .remark = on_training_remark};
    return rc;
}

static int on_trained(void *context, int64_t index, const ag_train_result *result, ag_err *err)
{
    ag_train_watch *watch = context;
    ag_train_show_done(watch->show, index, result);
    for (size_t i = 0; i < watch->seats.count; i++) {
        const seat *s = *(seat *const *)ag_vec_at(&watch->seats, i);
        if (s->index != index || !s->record) continue;
        if (result->best_epoch >= 0) {
            ag_record_metric(s->record, "best_epoch", (double)result->best_epoch + 1, result->steps);
            ag_record_metric(s->record, "best_metric", result->best_metric, result->steps);
        }
        if (s->own) return ag_record_finish(s->record, AG_RECORD_FINISHED, err);
    }
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

static int on_metric(void *context, const ag_strategy_metric *metric, ag_err *err)
{
    const ag_train_watch *watch = context;
    (void)err;
    if (watch->record) ag_record_metric(watch->record, metric->name, metric->value, 0);
    return 0;
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
    ag_vec_init(&watch->seats, sizeof(seat *));
    ag_vec_init(&watch->datasets, sizeof(ag_strategy_dataset));
    watch->strategy = (ag_strategy_watch){.context = watch,
                                          .phase = on_phase,
                                          .remark = on_remark,
                                          .dataset = on_dataset,
                                          .configured = on_configured,
                                          .training = on_training,
                                          .trained = on_trained,
                                          .metric = on_metric,
                                          .progress = on_progress};
    read_known(watch);
    int rc = ag_train_show_new(invocation, options->show, &watch->show, err);
    if (rc >= 0)
        *out = watch;
    else
        ag_train_watch_free(watch);
    return rc;
}

void ag_train_watch_free(ag_train_watch *watch)
{
    if (!watch) return;
    for (size_t i = 0; i < watch->seats.count; i++) {
        seat *s = *(seat *const *)ag_vec_at(&watch->seats, i);
        if (s->own) ag_record_free(s->record);
    }
    ag_record_free(watch->record);
    ag_train_show_free(watch->show);
    ag_vec_deinit(&watch->seats);
    ag_vec_deinit(&watch->datasets);
    ag_free(watch);
}

const ag_strategy_watch *ag_train_watch_strategy(ag_train_watch *watch)
{
    return &watch->strategy;
}

const char *ag_train_watch_run(const ag_train_watch *watch)
{
    return watch->record ? ag_record_run(watch->record) : NULL;
}

static int record_files(const ag_train_watch *watch, ag_err *err)
{
    static const char *const files[] = {"config.yaml", "metrics.json", "history.csv"};
    ag_arena *arena = watch->invocation->arena;
    const char *directory = watch->options.output_dir, *model = ag_path_join(arena, directory, "model");
    int rc = model ? ag_record_files(watch->record, model, "model", err) : ag_fail_memory(err, 64);
    for (size_t i = 0; i < sizeof files / sizeof *files && rc >= 0; i++) {
        const char *path = ag_path_join(arena, directory, files[i]);
        rc = path ? ag_record_file(watch->record, path, files[i], err) : ag_fail_memory(err, 64);
    }
    return rc < 0 ? ag_err_prefix(err, "the ledger") : rc;
}

static void note_trouble(const ag_train_watch *watch, const ag_record *record)
{
    const char *trouble = record ? ag_record_trouble(record) : NULL;
    if (trouble) ag_note(watch->invocation, "some metrics are not in the ledger: %s", trouble);
}

int ag_train_watch_finish(ag_train_watch *watch, int rc, const ag_err *why, ag_err *err)
{
    bool stopped = rc == AG_ECANCELLED || rc == AG_ETIMEOUT;
    ag_record_end end = rc >= 0 ? AG_RECORD_FINISHED : stopped ? AG_RECORD_KILLED : AG_RECORD_FAILED;
    if (!watch->record) return 0;
    int ended = rc < 0 ? 0 : record_files(watch, err);
    if (rc < 0 && why) (void)ag_record_tag(watch->record, "auger.error", why->text, NULL);
    if (ended < 0) end = AG_RECORD_FAILED;
    for (size_t i = 0; i < watch->seats.count; i++) {
        const seat *s = *(seat *const *)ag_vec_at(&watch->seats, i);
        if (s->own && rc < 0) (void)ag_record_finish(s->record, end, NULL);
        if (s->own) note_trouble(watch, s->record);
    }
    int finished = ag_record_finish(watch->record, end, ended < 0 ? NULL : err);
    note_trouble(watch, watch->record);
    return ended < 0 ? ended : finished;
}
