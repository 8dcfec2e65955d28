// SPDX-License-Identifier: Apache-2.0
/* replay.c: the command: trains a run of the ledger again, from what the ledger knows of it, and says whether the bits
 * are the same. The circumstances that decide bits (data, version and commit of the program, kind of processor) are
 * held against the recorded ones first; other data end it before anything is trained, unless --anyway. */
#include <math.h>
#include <string.h>

#include "app/cli/computing.h"
#include "app/cli/ledger.h"
#include "app/cli/train_ledger.h"
#include "app/cli/train_work.h"
#include "core/base/version.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "learn/likeness.h"
#include "learn/nn/kernels/kernels.h"
#include "learn/strategies/plugin.h"
#include "ledger/artifact.h"

#define REPLAY_OF "auger.replay.of"
#define RECORDED "recorded" /* below OUTPUT: what the run had left */

static const char *const progress_modes[] = {"auto", "plain", "json", "off", NULL};

static const ag_option options[] = {
    {.name = "output-dir",
     .letter = 'o',
     .type = AG_OPTION_PATH,
     .doc = "Where the new model goes; new or empty. Without it, replay-ID in the working directory"},
    {.name = "data-dir",
     .letter = 'd',
     .type = AG_OPTION_PATH,
     .doc = "Where the data lie now, or a version of a data set; without it, where they lay then"},
    {.name = "strategy",
     .type = AG_OPTION_TEXT,
     .value_name = "WHAT",
     .doc =
         "Of a run that was trained by code of its own: the plug-in, by its path, or exec, to run its program again; a "
         "record never runs code by itself"},
    {.name = "anyway", .type = AG_OPTION_FLAG, .doc = "Train also when the data are not those of the run"},
    AG_OPTION_OF_JOBS_WITH("Threads; the result does not depend on it"),
    {.name = "progress",
     .type = AG_OPTION_CHOICE,
     .choices = progress_modes,
     .fallback = "auto",
     .doc = "How to tell how it goes, on stderr, as in 'auger train'"},
    {.name = "record", .type = AG_OPTION_FLAG, .fallback = "true", .doc = "Do not record it as a run of its own"},
    AG_OPTION_OF_DATABASE,
    AG_OPTION_OF_BLOBS,
};
static const ag_option positionals[] = {
    AG_POSITIONAL_OF_RUN,
};
static const ag_example examples[] = {
    {"replay 4f2a91", "Train it again and compare every bit"},
    {"replay 4f2a91 --data-dir moved/here --json", "With the data at another place"},
    {NULL, NULL},
};

typedef struct difference { /* of the circumstances */
    const char *what, *recorded, *now;
} difference;

typedef struct replay {
    ag_invocation *invocation;
    ag_ledger *ledger;
    ag_run run;
    const char *output, *recorded; /* directories */
    ag_vec differences;            /* difference */
    bool other_data;
    ag_settings settings, quiet; /* as recorded; the same without what would be done twice */
    const char *plugin;          /* that the user has named; NULL: none */
    const ag_strategy *strategy;
    ag_named_data data;
    ag_train_outcome outcome;
    ag_likeness likeness;
} replay;

static const char *tag_of(const replay *r, const char *key)
{
    for (size_t i = 0; i < r->run.tags.count; i++)
        if (ag_str_is(r->run.tags.items[i].key, key))
            return ag_cli_str(r->invocation->arena, r->run.tags.items[i].value);
    return NULL;
}

static int note_difference(replay *r, const char *what, const char *recorded, const char *now, ag_err *err)
{
    if (recorded && now && strcmp(recorded, now) == 0) return 0;
    difference d = {what, recorded ? recorded : "not recorded", now ? now : "none"};
    return ag_vec_push(&r->differences, &d, err);
}

/* ---- what the ledger knows ---- */

static int find_run(replay *r, ag_err *err)
{
    ag_str id;
    ag_invocation *invocation = r->invocation;
    int rc = ag_cli_run(invocation, r->ledger, ag_option_text(invocation, "RUN"), &id, err);
    if (rc >= 0) rc = ag_run_get(r->ledger, id, invocation->arena, &r->run, err);
    if (rc < 0) return rc;
    const char *parent = tag_of(r, "mlflow.parentRunId");
    if (parent) {
        ag_fail(err, AG_EINVAL, "run %.8s is one training of several", r->run.id);
        return ag_err_hint(err, "replay the whole: auger replay %.8s", parent);
    }
    if (r->run.deleted)
        ag_note(invocation,
                "run %.8s is deleted, and 'auger gc' may take its files away; 'auger runs restore %.8s' keeps it",
                r->run.id, r->run.id);
    if (r->run.status == AG_RUN_FINISHED) return 0;
    ag_fail(err, AG_ECONFLICT, "run %.8s is %s: it has left no model to compare with", r->run.id,
            ag_run_status_name(r->run.status));
    return ag_err_hint(err, "a training that was stopped goes on with 'auger train ... --resume'");
}

static int make_directories(replay *r, ag_err *err)
{
    ag_vec names;
    ag_arena *arena = r->invocation->arena;
    r->output = ag_option_text(r->invocation, "output-dir");
    if (!r->output) r->output = ag_arena_printf(arena, "replay-%.8s", r->run.id);
    r->recorded = r->output ? ag_path_join(arena, r->output, RECORDED) : NULL;
    if (!r->recorded) return ag_fail_memory(err, 64);
    int rc = ag_dir_make(r->output, err);
    ag_vec_init(&names, sizeof(const char *));
    if (rc >= 0) rc = ag_dir_list(r->output, arena, &names, err);
    if (rc >= 0 && names.count) {
        rc = ag_fail(err, AG_EEXISTS, "%s is not empty", r->output);
        (void)ag_err_hint(err, "name a new directory with --output-dir");
    }
    ag_vec_deinit(&names);
    return rc < 0 ? rc : ag_dir_make(r->recorded, err);
}

/* `absent`: whether it may be missing. */
static int fetch(const replay *r, ag_tree *to, const char *name, bool absent, ag_err *err)
{
    ag_err why = {0};
    ag_artifact_place place;
    ag_tree_copy copy = {.cancel = r->invocation->cancel};
    int rc = ag_artifact_resolve(r->ledger, r->run.artifact_uri, ag_str_of(name), r->invocation->arena, &place, &why);
    if (rc >= 0) rc = ag_tree_copy_all(&copy, place.tree, place.path, to, name, &why);
    if (rc >= 0 || (rc == AG_ENOTFOUND && absent)) return 0;
    if (rc == AG_ENOTFOUND) {
        ag_fail(&why, AG_ENOTFOUND, "run %.8s has no artifact %s", r->run.id, name);
        (void)ag_err_hint(&why, "only what 'auger train' has recorded can be replayed");
    }
    *err = why;
    return rc;
}

static int fetch_files(const replay *r, ag_err *err)
{
    ag_tree *to = NULL;
    int rc = ag_tree_open(r->recorded, r->invocation->cancel, &to, err);
    if (rc >= 0) rc = fetch(r, to, "config.yaml", false, err);
    if (rc >= 0) rc = fetch(r, to, "model", false, err);
    if (rc >= 0) rc = fetch(r, to, "metrics.json", true, err);
    if (rc >= 0) rc = fetch(r, to, "history.csv", true, err);
    ag_tree_close(to);
    return rc;
}

/* A ledger may be shared: what it records of programs and objects is run when the user names it, and not before. */
static int find_strategy(replay *r, ag_err *err)
{
    const char *said = ag_option_text(r->invocation, "strategy"), *recorded = r->settings.strategy;
    size_t count;
    const ag_strategy *const *ours = ag_strategy_all(&count);
    const bool program = strcmp(recorded, "exec") == 0;
    bool plugin = true;
    for (size_t i = 0; i < count; i++) plugin = plugin && strcmp(ours[i]->name, recorded) != 0;
    if (!program && !plugin && said)
        return ag_fail(err, AG_EINVAL, "--strategy names code, and run %.8s was trained by %s", r->run.id, recorded);
    if (said && plugin) {
        r->plugin = said;
        r->strategy = &ag_strategy_plugin;
        return 0;
    }
    if (!plugin && (!program || (said && strcmp(said, "exec") == 0)))
        return ag_strategy_find(&r->settings, &r->strategy, err);
    ag_fail(err, AG_EDENIED, "run %.8s was trained by %s, and a record runs no code by itself", r->run.id,
            program ? "a program" : "a plug-in");
    return ag_err_hint(err, "name it: --strategy %s", program ? "exec" : recorded);
}

/* The replay registers no model, and says in its name what it is. */
static int read_settings(replay *r, ag_err *err)
{
    const char *path = ag_path_join(r->invocation->arena, r->recorded, "config.yaml");
    if (!path) return ag_fail_memory(err, 64);
    int rc = ag_settings_read(r->invocation->arena, path, NULL, 0, &r->settings, err);
    if (rc >= 0) rc = find_strategy(r, err);
    r->quiet = r->settings;
    r->quiet.registration.name = NULL;
    r->quiet.run_name = ag_arena_printf(r->invocation->arena, "replay of %s", r->run.name ? r->run.name : r->run.id);
    return rc;
}

static int find_data(replay *r, ag_err *err)
{
    const char *said = ag_option_text(r->invocation, "data-dir"), *version = tag_of(r, AG_JOURNAL_DATA_VERSION);
    if (!said && version && ag_named_data_find(r->invocation, version, &r->data, NULL) >= 0) return 0;
    if (!said) said = tag_of(r, AG_JOURNAL_DATA_DIR);
    if (!said) said = version;
    if (!said && r->run.input_count) said = r->run.inputs[0].source;
    if (!said) {
        ag_fail(err, AG_ENOTFOUND, "run %.8s does not tell where its data lay", r->run.id);
        return ag_err_hint(err, "say it with --data-dir");
    }
    int rc = ag_named_data_find(r->invocation, said, &r->data, err);
    if (rc < 0 || ag_file_exists(r->data.path)) return rc;
    ag_fail(err, AG_ENOTFOUND, "the data of run %.8s are not at %s any more", r->run.id, said);
    return ag_err_hint(err, "say where they are with --data-dir");
}

/* ---- circumstances ---- */

static int look_at_machine(replay *r, ag_err *err)
{
    int rc = note_difference(r, "version", tag_of(r, "auger.version"), AG_VERSION, err);
    if (rc >= 0) rc = note_difference(r, "commit", tag_of(r, "auger.commit"), ag_commit(), err);
    return rc < 0 ? rc : note_difference(r, "processor", tag_of(r, AG_JOURNAL_PROCESSOR), ag_kernels_best()->name, err);
}

/* The ledger keeps the beginning of a digest. */
static const char *recorded_digest(const replay *r, const char *name)
{
    for (size_t i = 0; i < r->run.input_count; i++)
        if (strcmp(r->run.inputs[i].name, name) == 0) return r->run.inputs[i].digest;
    return NULL;
}

static const char *same_digest(const replay *r, const char *digest)
{
    for (size_t i = 0; i < r->run.input_count; i++)
        if (ag_str_starts(ag_str_of(digest), ag_str_of(r->run.inputs[i].digest))) return r->run.inputs[i].digest;
    return NULL;
}

static int look_at_data(void *context, const ag_monitor_data *data, size_t count, ag_err *err)
{
    replay *r = context;
    for (size_t i = 0; i < count; i++) {
        const char *then = recorded_digest(r, data[i].name);
        if (!then) then = same_digest(r, data[i].digest); /* under another name, as versions had once */
        if (then && ag_str_starts(ag_str_of(data[i].digest), ag_str_of(then))) continue;
        r->other_data = true;
        int rc = note_difference(r, ag_arena_printf(r->invocation->arena, "data %s", data[i].name), then,
                                 ag_arena_strndup(r->invocation->arena, data[i].digest, 32), err);
        if (rc < 0) return rc;
    }
    if (!r->other_data || ag_option_flag(r->invocation, "anyway")) return 0;
    return ag_fail(err, AG_ECONFLICT, "the data are not those of the run");
}

/* ---- saying it ---- */

static void put_likeness(const replay *r, ag_json *json)
{
    const ag_likeness *l = &r->likeness;
    ag_json_name(json, "files");
    ag_json_begin_array(json);
    for (size_t i = 0; i < l->files.count; i++) {
        const ag_likeness_file *file = ag_vec_at(&l->files, i);
        ag_json_begin_object(json);
        ag_json_put_text(json, "path", file->path);
        ag_json_put_bool(json, "same", file->same);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_name(json, "metrics");
    ag_json_begin_array(json);
    for (size_t i = 0; i < l->metrics.count; i++) {
        const ag_likeness_metric *metric = ag_vec_at(&l->metrics, i);
        ag_json_begin_object(json);
        ag_json_put_text(json, "name", metric->name);
        ag_json_put_real(json, "recorded", metric->first);
        ag_json_put_real(json, "now", metric->second);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    if (!l->tensor.name) return;
    ag_json_name(json, "first_tensor");
    ag_json_begin_object(json);
    ag_json_put_text(json, "file", l->tensor.file);
    ag_json_put_text(json, "name", l->tensor.name);
    ag_json_put_text(json, "why", l->tensor.why ? l->tensor.why : "numbers");
    ag_json_put_int(json, "count", l->tensor.count);
    ag_json_put_int(json, "differing", l->tensor.differing);
    ag_json_put_real(json, "largest", l->tensor.largest);
    ag_json_end_object(json);
}

static int print_json(const replay *r, bool trained, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)16 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "run_id", r->run.id);
    ag_json_put_text(&json, "replay_run_id", r->outcome.run);
    ag_json_put_text(&json, "output_dir", r->output);
    ag_json_put_bool(&json, "trained", trained);
    ag_json_put_bool(&json, "same", trained && r->likeness.same);
    ag_json_put_real(&json, "seconds", r->outcome.seconds);
    ag_json_name(&json, "circumstances");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < r->differences.count; i++) {
        const difference *d = ag_vec_at(&r->differences, i);
        ag_json_begin_object(&json);
        ag_json_put_text(&json, "what", d->what);
        ag_json_put_text(&json, "recorded", d->recorded);
        ag_json_put_text(&json, "now", d->now);
        ag_json_end_object(&json);
    }
    ag_json_end_array(&json);
    if (trained) put_likeness(r, &json);
    ag_json_end_object(&json);
    int rc = ag_print_json(r->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static void print_model(const replay *r)
{
    const ag_likeness *l = &r->likeness;
    for (size_t i = 0; i < l->files.count; i++) {
        const ag_likeness_file *file = ag_vec_at(&l->files, i);
        if (file->same) continue;
        ag_print(r->invocation, "%s %s\n", file->path,
                 !file->second  ? "is missing now"
                 : !file->first ? "is not among the files that the run keeps"
                                : "differs");
    }
    if (l->tensor.name && l->tensor.why)
        ag_print(r->invocation, "first differing tensor: %s in %s: its %s\n", l->tensor.name, l->tensor.file,
                 l->tensor.why);
    else if (l->tensor.name)
        ag_print(r->invocation, "first differing tensor: %s in %s: %lld of %lld numbers, by %.3g at most\n",
                 l->tensor.name, l->tensor.file, (long long)l->tensor.differing, (long long)l->tensor.count,
                 l->tensor.largest);
    if (l->epoch[0])
        ag_print(r->invocation, "first differing epoch: %s\n                  now:  %s\n", l->epoch[0], l->epoch[1]);
}

static int print_metrics(const replay *r, ag_err *err)
{
    static const ag_column columns[] = {{"metric", AG_ALIGN_LEFT, 0, 8},
                                        {"recorded", AG_ALIGN_RIGHT, 0, 0},
                                        {"now", AG_ALIGN_RIGHT, 0, 0},
                                        {"difference", AG_ALIGN_RIGHT, 1, 0}};
    const ag_vec *metrics = &r->likeness.metrics;
    ag_arena *arena = r->invocation->arena;
    const char **cells = ag_arena_array(arena, metrics->count + 1, 4 * sizeof *cells);
    if (!cells) return ag_fail_memory(err, metrics->count);
    for (size_t i = 0; i < metrics->count; i++) {
        const ag_likeness_metric *m = ag_vec_at(metrics, i);
        const char *row[] = {m->name, isnan(m->first) ? "" : ag_arena_printf(arena, "%.9g", m->first),
                             isnan(m->second) ? "" : ag_arena_printf(arena, "%.9g", m->second),
                             ag_arena_printf(arena, "%.3g", m->second - m->first)};
        memcpy(cells + 4 * i, row, sizeof row);
    }
    ag_cli_list list = {columns, 4, cells, metrics->count};
    return metrics->count ? ag_cli_print_list(r->invocation, &list, false, err) : 0;
}

static int print_text(const replay *r, bool trained, ag_err *err)
{
    for (size_t i = 0; i < r->differences.count; i++) {
        const difference *d = ag_vec_at(&r->differences, i);
        ag_print(r->invocation, "%s: %s then, %s now\n", d->what, d->recorded, d->now);
    }
    if (!trained) return 0;
    if (r->likeness.same) {
        ag_print(r->invocation, "the same bits: %zu files of the model, %zu metrics%s%s\n", r->likeness.files.count,
                 r->likeness.metric_count, r->outcome.run ? "; run " : "", r->outcome.run ? r->outcome.run : "");
        return 0;
    }
    if (!r->differences.count) ag_print(r->invocation, "data, version and processor are those of the run, and yet:\n");
    print_model(r);
    return print_metrics(r, err);
}

static int print(const replay *r, bool trained, ag_err *err)
{
    int rc = ag_wants_json(r->invocation) ? print_json(r, trained, err) : print_text(r, trained, err);
    return rc < 0 ? rc : trained && r->likeness.same ? 0 : 1;
}

/* ---- running ---- */

static int train(replay *r, ag_err *err)
{
    ag_strategy_task task;
    ag_invocation *invocation = r->invocation;
    const ag_pair tag = {AG_STR(REPLAY_OF), ag_str_of(r->run.id)};
    const ag_train_work work = {.settings = &r->settings,
                                .recorded = &r->quiet,
                                .strategy = r->strategy,
                                .data = &r->data,
                                .tracker = {.ledger = ag_option_flag(invocation, "record") ? r->ledger : NULL},
                                .output_dir = r->output,
                                .jobs = ag_option_int(invocation, "jobs"),
                                .show = (ag_train_show_mode)ag_option_choice(invocation, "progress"),
                                .entry = "auger replay",
                                .tags = &tag,
                                .tag_count = 1,
                                .check = {look_at_data, r},
                                .plugin = r->plugin};
    int rc = ag_train_work_do(invocation, &work, &task, &r->outcome, err);
    ag_strategy_task_deinit(&task);
    return rc;
}

/* What is refused before the training leaves no directory: the next call may name the same one. */
static int begin(replay *r, ag_err *err)
{
    int rc = make_directories(r, err);
    if (rc < 0) return rc;
    rc = fetch_files(r, err);
    if (rc >= 0) rc = read_settings(r, err);
    if (rc >= 0) rc = find_data(r, err);
    if (rc >= 0) rc = look_at_machine(r, err);
    if (rc < 0) (void)ag_dir_remove(r->output, NULL);
    return rc;
}

/* A training writes its configuration when nothing refuses it any more. */
static bool has_begun(const replay *r)
{
    const char *path = ag_path_join(r->invocation->arena, r->output, "config.yaml");
    return !path || ag_file_exists(path);
}

static int replay_run(replay *r, ag_err *err)
{
    int rc = find_run(r, err);
    if (rc >= 0) rc = begin(r, err);
    if (rc < 0) return rc;
    rc = train(r, err);
    if (rc < 0 && r->other_data && !ag_option_flag(r->invocation, "anyway")) {
        (void)ag_dir_remove(r->output, NULL);
        ag_note(r->invocation, "not trained: the data are not those of the run; --anyway trains all the same");
        return print(r, false, err);
    }
    if (rc < 0 && !has_begun(r)) (void)ag_dir_remove(r->output, NULL);
    if (rc >= 0) rc = ag_likeness_of(r->recorded, r->output, r->invocation->arena, &r->likeness, err);
    return rc < 0 ? rc : print(r, true, err);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    replay r = {.invocation = invocation};
    ag_vec_init(&r.differences, sizeof(difference));
    int rc = ag_cli_open_ledger(invocation, false, &r.ledger, err);
    if (rc >= 0) rc = replay_run(&r, err);
    ag_likeness_deinit(&r.likeness);
    ag_vec_deinit(&r.differences);
    ag_ledger_close(r.ledger);
    return rc;
}

const ag_command ag_command_replay = {
    .path = "replay",
    .summary = "Train a run again, and say whether the bits are the same",
    .doc =
        "Takes the effective configuration, the data and the model of a run from the ledger, trains again into a new "
        "directory, and holds the two models against each other: every file byte for byte, and the metrics. The same "
        "configuration, data and kind of processor give the same bits, for any number of threads.\n\n"
        "Where something differs it says what: version and commit of the program, kind of processor, data, the first "
        "tensor and the first epoch, metrics. Then the exit status is 1. Data are known by their hash: a version of a "
        "data set is written out again, a path is read again. Other data end the replay before anything is trained. "
        "A run that was deleted is replayed as long as its files are there, with a remark.\n\n"
        "The replay is a run of its own, with the tag " REPLAY_OF "; it registers no model. What the run had left lies "
        "in " RECORDED "/ below the output directory.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
