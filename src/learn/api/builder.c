// SPDX-License-Identifier: Apache-2.0
/* builder.c: the public face of a training (include/auger/training.h). The builder gathers texts; build() does what
 * `auger train` does, with the same parts: settings, strategy, journal. Who looks on is a watch behind the journal
 * whose lock lets one event through after the other, as trainings may run at once.
 *
 * Stopping: `cancel` is asked by any thread under the lock, and lives as long as the builder; each build has a child of
 * it. A request is used up when a build returns, by a new one in its place. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/answer.h"
#include "core/base/mem.h"
#include "core/doc/yaml.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/cancel.h"
#include "learn/api/training.h"
#include "learn/journal.h"
#include "learn/registration.h"
#include "learn/strategies/plugin.h"
#include "learn/strategy.h"

struct auger_builder {
    ag_arena *arena;
    const char *data, *output, *file, *text, *home, *database, *server;
    auger_ledger_options how; /* of the server's */
    ag_vec sets;              /* const char * */
    bool tracked, resume;
    unsigned threads;
    auger_monitor monitor;
    void *context;
    pthread_mutex_t lock; /* of cancel */
    ag_cancel *cancel;
};

/* ---- gathering ---- */

static int no_builder(auger_error *error)
{
    ag_err err = {0};
    return ag_answer(ag_fail(&err, AG_EINVAL, "no builder was given"), &err, error);
}

int auger_builder_new(auger_builder **out, auger_error *error)
{
    ag_err err = {0};
    if (!out) return ag_answer(ag_fail(&err, AG_EINVAL, "nowhere to put the builder"), &err, error);
    auger_builder *builder = ag_calloc(1, sizeof *builder);
    if (!builder) return ag_answer(ag_fail_memory(&err, sizeof *builder), &err, error);
    pthread_mutex_init(&builder->lock, NULL);
    ag_vec_init(&builder->sets, sizeof(const char *));
    int rc = ag_cancel_new(NULL, &builder->cancel, &err);
    if (rc >= 0 && !(builder->arena = ag_arena_new(0))) rc = ag_fail_memory(&err, 64);
    if (rc >= 0)
        *out = builder;
    else
        auger_builder_free(builder);
    return ag_answer(rc, &err, error);
}

void auger_builder_free(auger_builder *builder)
{
    if (!builder) return;
    ag_cancel_free(builder->cancel);
    ag_vec_deinit(&builder->sets);
    pthread_mutex_destroy(&builder->lock);
    ag_arena_free(builder->arena);
    ag_free(builder);
}

static int keep(auger_builder *builder, const char *text, const char *what, const char **out, ag_err *err)
{
    if (!text || !*text) return ag_fail(err, AG_EINVAL, "no %s was given", what);
    const char *copy = ag_arena_strdup(builder->arena, text);
    if (!copy) return ag_fail_memory(err, strlen(text));
    *out = copy;
    return 0;
}

static int keep_one(auger_builder *builder, const char *text, const char *what, const char **out, auger_error *error)
{
    ag_err err = {0};
    int rc = keep(builder, text, what, out, &err);
    return ag_answer(rc, &err, error);
}

int auger_builder_data(auger_builder *builder, const char *path, auger_error *error)
{
    if (!builder) return no_builder(error);
    return keep_one(builder, path, "path of the data", &builder->data, error);
}

int auger_builder_output(auger_builder *builder, const char *directory, auger_error *error)
{
    if (!builder) return no_builder(error);
    return keep_one(builder, directory, "output directory", &builder->output, error);
}

int auger_builder_settings_file(auger_builder *builder, const char *path, auger_error *error)
{
    if (!builder) return no_builder(error);
    int rc = keep_one(builder, path, "path of settings", &builder->file, error);
    if (rc >= 0) builder->text = NULL;
    return rc;
}

int auger_builder_settings_text(auger_builder *builder, const char *yaml, auger_error *error)
{
    if (!builder) return no_builder(error);
    int rc = keep_one(builder, yaml, "text of settings", &builder->text, error);
    if (rc >= 0) builder->file = NULL;
    return rc;
}

static int add_set(auger_builder *builder, const char *assignment, ag_err *err)
{
    const char *copy = NULL;
    int rc = keep(builder, assignment, "assignment", &copy, err);
    if (rc >= 0 && !strchr(copy, '=')) rc = ag_fail(err, AG_EINVAL, "'%s' is no KEY=VALUE", copy);
    return rc < 0 ? rc : ag_vec_push(&builder->sets, &copy, err);
}

int auger_builder_set(auger_builder *builder, const char *assignment, auger_error *error)
{
    if (!builder) return no_builder(error);
    ag_err err = {0};
    int rc = add_set(builder, assignment, &err);
    return ag_answer(rc, &err, error);
}

/* key="value", with what YAML would read otherwise kept from it. */
static int set_text(auger_builder *builder, const char *key, const char *value, ag_err *err)
{
    if (!value || !*value) return ag_fail(err, AG_EINVAL, "no %s was given", key);
    ag_buf text;
    ag_buf_init(&text, (size_t)1 << 20);
    ag_buf_addf(&text, "%s='", key);
    for (const char *at = value; *at; at++) {
        if (*at == '\'') ag_buf_add_char(&text, '\'');
        ag_buf_add_char(&text, *at);
    }
    ag_buf_add_char(&text, '\'');
    int rc = ag_buf_check(&text, key, err);
    if (rc >= 0) rc = add_set(builder, text.data, err);
    ag_buf_deinit(&text);
    return rc;
}

int auger_builder_strategy(auger_builder *builder, const char *strategy, auger_error *error)
{
    if (!builder) return no_builder(error);
    ag_err err = {0};
    int rc = set_text(builder, "strategy", strategy, &err);
    return ag_answer(rc, &err, error);
}

int auger_builder_registry(auger_builder *builder, const char *model, const char *alias, auger_error *error)
{
    if (!builder) return no_builder(error);
    ag_err err = {0};
    int rc = set_text(builder, "register.name", model, &err);
    if (rc >= 0 && alias) rc = set_text(builder, "register.alias", alias, &err);
    return ag_answer(rc, &err, error);
}

/* Copies of the texts; those that are not there stay NULL. */
static int keep_options(auger_builder *builder, const auger_ledger_options *from, auger_ledger_options *out,
                        ag_err *err)
{
    const char **texts[] = {&out->experiment, &out->token, &out->user, &out->password, &out->ca_file, &out->spool};
    *out = *from;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (*texts[i] && !(*texts[i] = ag_arena_strdup(builder->arena, *texts[i]))) return ag_fail_memory(err, 64);
    }
    return 0;
}

int auger_builder_server(auger_builder *builder, const char *address, const auger_ledger_options *options,
                         auger_error *error)
{
    if (!builder) return no_builder(error);
    ag_err err = {0};
    const char *at = NULL;
    auger_ledger_options how = {0};
    int rc = keep(builder, address, "address of a server", &at, &err);
    if (rc >= 0 && !ag_tracker_is_address(at))
        rc = ag_fail(&err, AG_EINVAL, "'%.200s' is no address of a server, as http://host:5000 is", at);
    if (rc >= 0 && options) rc = keep_options(builder, options, &how, &err);
    if (rc >= 0) {
        builder->server = at;
        builder->how = how;
        builder->tracked = true;
    }
    return ag_answer(rc, &err, error);
}

int auger_builder_tracker(auger_builder *builder, const char *home, const char *database, auger_error *error)
{
    if (!builder) return no_builder(error);
    ag_err err = {0};
    const char *at = NULL, *url = NULL;
    if (home && !database && ag_tracker_is_address(home)) return auger_builder_server(builder, home, NULL, error);
    int rc = home || database ? 0 : ag_fail(&err, AG_EINVAL, "a home directory, a database or a server is wanted");
    if (rc >= 0 && ((database && ag_tracker_is_address(database)) || (home && ag_tracker_is_address(home)))) {
        rc = ag_fail(&err, AG_EINVAL, "a server is named alone, in place of a home, with no database");
        ag_err_hint(&err, "auger_builder_tracker(builder, \"http://host:5000\", NULL, &error)");
    }
    if (rc >= 0 && home) rc = keep(builder, home, "home directory", &at, &err);
    if (rc >= 0 && database) rc = keep(builder, database, "database", &url, &err);
    if (rc >= 0) {
        builder->home = at;
        builder->database = url;
        builder->server = NULL;
        builder->tracked = true;
    }
    return ag_answer(rc, &err, error);
}

int auger_builder_checkpoints(auger_builder *builder, double seconds, int resume, auger_error *error)
{
    if (!builder) return no_builder(error);
    ag_err err = {0};
    char text[64];
    int rc = isfinite(seconds) ? 0 : ag_fail(&err, AG_EINVAL, "checkpoints are kept every so many seconds");
    ag_format(text, sizeof text, "checkpoint_interval=%g", seconds);
    if (rc >= 0 && seconds != 0.0) rc = add_set(builder, seconds > 0.0 ? text : "save_checkpoints=false", &err);
    if (rc >= 0) builder->resume = resume != 0;
    return ag_answer(rc, &err, error);
}

int auger_builder_threads(auger_builder *builder, unsigned threads, auger_error *error)
{
    if (!builder) return no_builder(error);
    ag_err err = {0};
    int rc = threads <= 1024 ? 0 : ag_fail(&err, AG_EINVAL, "%u threads are more than 1024", threads);
    if (rc >= 0) builder->threads = threads;
    return ag_answer(rc, &err, error);
}

int auger_builder_monitor(auger_builder *builder, auger_monitor monitor, void *context, auger_error *error)
{
    if (!builder) return no_builder(error);
    const ag_err none = {0};
    builder->monitor = monitor;
    builder->context = context;
    return ag_answer(0, &none, error);
}

void auger_builder_cancel(auger_builder *builder)
{
    if (!builder) return;
    pthread_mutex_lock(&builder->lock);
    if (builder->cancel) ag_cancel_request(builder->cancel);
    pthread_mutex_unlock(&builder->lock);
}

/* ---- looking on ---- */

typedef struct looking {
    auger_builder *builder;
    ag_cancel *cancel;
    ag_arena *arena; /* of seats and facts; used under the lock */
    pthread_mutex_t lock;
    char data_sha256[65];
    int64_t parameters;
} looking;

typedef struct seat {
    looking *looking;
    const char *name;
    int64_t index, count;
} seat;

static auger_event event_of(auger_event_kind kind, const seat *from)
{
    return (auger_event){.kind = kind,
                         .value = NAN,
                         .training = from ? from->name : NULL,
                         .index = from ? from->index : -1,
                         .count = from ? from->count : -1,
                         .epoch = -1,
                         .epochs = -1,
                         .step = -1,
                         .steps = -1,
                         .loss = NAN,
                         .train_loss = NAN,
                         .val_loss = NAN,
                         .learning_rate = NAN,
                         .gradient_norm = NAN,
                         .samples_per_second = NAN,
                         .remaining_seconds = NAN};
}

static void tell(looking *l, const auger_event *event)
{
    if (!l->builder->monitor) return;
    pthread_mutex_lock(&l->lock);
    if (l->builder->monitor(l->builder->context, event)) ag_cancel_request(l->cancel);
    pthread_mutex_unlock(&l->lock);
}

static auger_event progress_event(auger_event_kind kind, const seat *s, const ag_train_progress *now)
{
    auger_event event = event_of(kind, s);
    event.epoch = now->epoch + (kind == AUGER_EVENT_STEP);
    event.epochs = now->epochs;
    event.step = now->step;
    event.steps = now->steps;
    event.loss = now->loss;
    event.learning_rate = now->learning_rate;
    event.gradient_norm = now->gradient_norm;
    if (now->samples_per_second > 0.0) event.samples_per_second = now->samples_per_second;
    if (now->remaining >= 0.0) event.remaining_seconds = now->remaining;
    return event;
}

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    const seat *s = context;
    const auger_event event = progress_event(AUGER_EVENT_STEP, s, now);
    tell(s->looking, &event);
    return ag_cancelled(s->looking->cancel) ? ag_cancel_check(s->looking->cancel, err) : 0;
}

static int on_epoch(void *context, const ag_train_epoch *e, const ag_train_progress *now, ag_err *err)
{
    const seat *s = context;
    auger_event event = progress_event(AUGER_EVENT_EPOCH, s, now);
    (void)err;
    event.epoch = e->epoch + 1;
    event.step = e->step;
    event.train_loss = e->train_loss;
    event.val_loss = e->val_loss;
    event.learning_rate = e->learning_rate;
    event.gradient_norm = e->gradient_norm;
    tell(s->looking, &event);
    return 0;
}

static void on_training_remark(void *context, const char *text)
{
    const seat *s = context;
    auger_event event = event_of(AUGER_EVENT_REMARK, s);
    event.text = text;
    tell(s->looking, &event);
}

static int on_training(void *context, const char *name, int64_t index, int64_t count, ag_train_monitor *monitor,
                       ag_err *err)
{
    looking *l = context;
    seat *s = ag_arena_alloc(l->arena, sizeof *s); /* the strategy holds its lock */
    if (!s) return ag_fail_memory(err, sizeof *s);
    *s = (seat){.looking = l, .name = ag_arena_strdup(l->arena, name), .index = index, .count = count};
    if (!s->name) return ag_fail_memory(err, strlen(name));
    *monitor = (ag_train_monitor){.context = s, .step = on_step, .epoch = on_epoch, .remark = on_training_remark};
    const auger_event event = event_of(AUGER_EVENT_TRAINING, s);
    tell(l, &event);
    return 0;
}

static int on_trained(void *context, int64_t index, const ag_train_result *result, ag_err *err)
{
    auger_event event = event_of(AUGER_EVENT_TRAINED, NULL);
    (void)err;
    event.index = index;
    event.epochs = result->epochs;
    event.steps = result->steps;
    event.value = result->best_metric;
    tell(context, &event);
    return 0;
}

static void tell_text(looking *l, auger_event_kind kind, const char *text, double value)
{
    auger_event event = event_of(kind, NULL);
    event.text = text;
    event.value = value;
    tell(l, &event);
}

static void on_phase(void *context, const char *phase)
{
    tell_text(context, AUGER_EVENT_PHASE, phase, NAN);
}

static void on_remark(void *context, const char *text)
{
    tell_text(context, AUGER_EVENT_REMARK, text, NAN);
}

static int on_metric(void *context, const ag_strategy_metric *metric, ag_err *err)
{
    (void)err;
    if (metric->step == 0) tell_text(context, AUGER_EVENT_METRIC, metric->name, metric->value);
    return 0;
}

static int on_dataset(void *context, const ag_strategy_dataset *dataset, ag_err *err)
{
    looking *l = context;
    (void)err;
    if (!*l->data_sha256) ag_sha256_format(&dataset->digest, l->data_sha256);
    return 0;
}

static int on_configured(void *context, const ag_value *effective, int64_t parameters, ag_err *err)
{
    looking *l = context;
    (void)effective;
    (void)err;
    l->parameters = parameters;
    return 0;
}

/* ---- building ---- */

typedef struct work {
    auger_builder *builder;
    ag_arena *arena;
    ag_settings settings;
    const ag_strategy *strategy;
    ag_tracker tracker;
    ag_journal *journal;
    looking looking;
    ag_strategy_task task;
} work;

static int read_settings(work *w, ag_err *err)
{
    const auger_builder *b = w->builder;
    ag_str *sets = ag_arena_array(w->arena, b->sets.count + 1, sizeof *sets);
    if (!sets) return ag_fail_memory(err, b->sets.count * sizeof *sets);
    for (size_t i = 0; i < b->sets.count; i++) sets[i] = ag_str_of(*(const char *const *)ag_vec_at(&b->sets, i));
    int rc = b->text
                 ? ag_settings_parse(w->arena, ag_str_of(b->text), "settings", sets, b->sets.count, &w->settings, err)
                 : ag_settings_read(w->arena, b->file, sets, b->sets.count, &w->settings, err);
    return rc < 0 ? rc : ag_strategy_find(&w->settings, &w->strategy, err);
}

static int open_ledger(work *w, ag_err *err)
{
    const auger_builder *b = w->builder;
    if (!b->tracked) return ag_registration_check(&w->settings, NULL, err);
    if (b->server) {
        int opened = ag_tracker_open(b->server, &b->how, &w->tracker, err);
        return opened < 0 ? opened : ag_registration_check(&w->settings, &w->tracker, err);
    }
    ag_ledger_options options = {.home = b->home, .database = b->database, .artifact_root = "mlflow-artifacts:/"};
    if (!b->home) {
        options.artifact_root = ag_path_join(w->arena, b->output, "artifacts");
        if (!options.artifact_root) return ag_fail_memory(err, strlen(b->output));
    }
    int rc = ag_ledger_open(&options, &w->tracker.ledger, err);
    return rc < 0 ? ag_err_prefix(err, "the ledger") : ag_registration_check(&w->settings, &w->tracker, err);
}

/* Who has named the program that trained has named the one that answers. */
static int name_program(auger_result *result, ag_err *err)
{
    ag_settings *named = ag_arena_alloc(result->arena, sizeof *named);
    if (!named) return ag_fail_memory(err, sizeof *named);
    int rc = ag_settings_parse(result->arena, ag_str_of(result->facts.settings), "settings", NULL, 0, named, err);
    if (rc >= 0) result->named = named;
    return rc;
}

/* The result of a strategy that has ended well. */
static int make_result(work *w, auger_result **out, ag_err *err)
{
    auger_result *r = NULL;
    char *directory = NULL;
    int rc = ag_path_absolute(w->arena, w->builder->output, &directory, err);
    if (rc >= 0) rc = ag_result_new(directory, &r, err);
    if (rc < 0) return rc;
    ag_result_facts *f = &r->facts;
    ag_buf yaml;
    ag_buf_init(&yaml, (size_t)16 << 20);
    const char *checkpoints = ag_path_join(r->arena, directory, "checkpoints");
    const char *run = ag_journal_run(w->journal), *version = ag_journal_version(w->journal);
    r->threads = w->task.jobs;
    f->parameters = w->looking.parameters;
    rc = ag_yaml_write(w->task.effective, &yaml, err);
    f->settings = rc >= 0 ? ag_arena_strndup(r->arena, yaml.data, yaml.size) : NULL;
    f->strategy = ag_arena_strdup(r->arena, w->settings.strategy);
    f->data_sha256 = *w->looking.data_sha256 ? ag_arena_strdup(r->arena, w->looking.data_sha256) : NULL;
    f->experiment = run ? ag_arena_strdup(r->arena, ag_journal_experiment_name(w->journal)) : NULL;
    f->run = run ? ag_arena_strdup(r->arena, run) : NULL;
    f->model_version = version ? ag_arena_strdup(r->arena, version) : NULL;
    f->checkpoint = checkpoints && ag_file_exists(checkpoints) ? checkpoints : NULL;
    if (rc >= 0 && (!f->settings || !f->strategy || (run && !f->run))) rc = ag_fail_memory(err, yaml.size);
    for (size_t i = 0; i < ag_findings_count(&w->task.metrics) && rc >= 0; i++) {
        const ag_finding *found = ag_finding_at(&w->task.metrics, i);
        rc = ag_findings_put(&f->metrics, r->arena, found->name, found->value, err);
    }
    ag_buf_deinit(&yaml);
    if (rc >= 0) rc = ag_result_write(r, directory, err);
    if (rc >= 0 && (strcmp(f->strategy, "exec") == 0 || w->strategy == &ag_strategy_plugin)) rc = name_program(r, err);
    if (rc >= 0)
        *out = r;
    else
        auger_result_free(r);
    return rc;
}

static int run_strategy(work *w, auger_result **out, ag_err *err)
{
    const auger_builder *b = w->builder;
    const ag_strategy_watch watch = {.context = &w->looking,
                                     .phase = on_phase,
                                     .remark = on_remark,
                                     .dataset = on_dataset,
                                     .configured = on_configured,
                                     .training = on_training,
                                     .trained = on_trained,
                                     .metric = on_metric};
    const ag_journal_options how = {.tracker = w->tracker,
                                    .settings = &w->settings,
                                    .data_dir = b->data,
                                    .output_dir = b->output,
                                    .resume = b->resume,
                                    .entry = "libauger",
                                    .next = &watch};
    int rc = ag_journal_new(&how, &w->journal, err);
    if (rc < 0) return rc;
    int64_t jobs = b->threads ? b->threads : w->settings.num_workers;
    w->task = (ag_strategy_task){.settings = &w->settings,
                                 .data_dir = b->data,
                                 .output_dir = b->output,
                                 .resume = b->resume,
                                 .jobs = jobs ? (unsigned)jobs : ag_cpu_count(),
                                 .watch = ag_journal_watch(w->journal),
                                 .cancel = w->looking.cancel,
                                 .arena = w->arena};
    rc = ag_strategy_run(w->strategy, &w->task, err);
    ag_err second = {0};
    int ended = ag_journal_finish(w->journal, rc, err, rc < 0 ? &second : err);
    if (rc >= 0) rc = ended;
    if (rc >= 0) rc = make_result(w, out, err);
    ag_strategy_task_deinit(&w->task);
    return rc;
}

static int build(auger_builder *builder, ag_cancel *cancel, auger_result **out, ag_err *err)
{
    work w = {.builder = builder, .looking = {.builder = builder, .cancel = cancel}};
    if (!builder->data) return ag_fail(err, AG_EINVAL, "no data: auger_builder_data()");
    if (!builder->output) return ag_fail(err, AG_EINVAL, "no output directory: auger_builder_output()");
    pthread_mutex_init(&w.looking.lock, NULL);
    w.arena = ag_arena_new(0);
    w.looking.arena = ag_arena_new(0);
    int rc = w.arena && w.looking.arena ? read_settings(&w, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = open_ledger(&w, err);
    if (rc >= 0) rc = run_strategy(&w, out, err);
    ag_journal_free(w.journal);
    ag_tracker_close(&w.tracker);
    ag_arena_free(w.looking.arena);
    ag_arena_free(w.arena);
    pthread_mutex_destroy(&w.looking.lock);
    return rc;
}

/* The request is used up: another object takes the place of the one that was asked. */
static void renew_cancel(auger_builder *builder)
{
    ag_cancel *fresh = NULL;
    if (ag_cancel_new(NULL, &fresh, NULL) < 0) return; /* out of memory: the builder stays stopped */
    pthread_mutex_lock(&builder->lock);
    ag_cancel *old = builder->cancel;
    builder->cancel = fresh;
    pthread_mutex_unlock(&builder->lock);
    ag_cancel_free(old);
}

int auger_builder_build(auger_builder *builder, auger_result **out, auger_error *error)
{
    if (!builder) return no_builder(error);
    ag_err err = {0};
    ag_cancel *cancel = NULL;
    int rc =
        out ? ag_cancel_new(builder->cancel, &cancel, &err) : ag_fail(&err, AG_EINVAL, "nowhere to put the result");
    if (rc >= 0) rc = build(builder, cancel, out, &err);
    ag_cancel_free(cancel);
    renew_cancel(builder);
    return ag_answer(rc, &err, error);
}
