// SPDX-License-Identifier: Apache-2.0
/* train.c: the command: from a configuration and a directory of data to a trained model, and a run in the ledger. The
 * work is the strategy's (learn/strategy.h); what is seen of it is train_watch.c's. */
#include <string.h>

#include "app/cli/computing.h"
#include "app/cli/invocation.h"
#include "app/cli/named_data.h"
#include "app/cli/train_ledger.h"
#include "app/cli/train_work.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/show/table.h"
#include "core/sys/clock.h"
#include "data/features/feature.h"
#include "learn/journal.h"
#include "learn/registration.h"
#include "learn/strategies/plugin.h"
#include "learn/strategy.h"

static const char *const progress_modes[] = {"auto", "plain", "json", "off", NULL};

static const ag_option options[] = {
    {.name = "config", .letter = 'c', .type = AG_OPTION_PATH, .doc = "The configuration, in YAML"},
    {.name = "data-dir",
     .letter = 'd',
     .type = AG_OPTION_PATH,
     .doc = "Where the data lie: a directory, one file, or a version of a data set (NAME@v3)"},
    {.name = "output-dir",
     .letter = 'o',
     .type = AG_OPTION_PATH,
     .doc = "Where the model and all that belongs to it goes; made when absent"},
    {.name = "set",
     .letter = 's',
     .type = AG_OPTION_PAIR,
     .repeated = true,
     .doc = "Override a key of the configuration: training_config.epochs=20"},
    {.name = "strategy", .type = AG_OPTION_TEXT, .value_name = "NAME", .doc = "The same as --set strategy=NAME"},
    {.name = "device", .type = AG_OPTION_TEXT, .value_name = "NAME", .doc = "The same as --set device=NAME"},
    {.name = "folds",
     .type = AG_OPTION_TEXT,
     .value_name = "LIST",
     .doc = "Only these folds of a cross-validation, counted from 1: 1-8,12"},
    {.name = "resume",
     .letter = 'r',
     .type = AG_OPTION_FLAG,
     .doc = "Go on from the checkpoints in the output directory, if there are any"},
    AG_OPTION_OF_JOBS_WITH(
        "Threads; num_workers of the configuration, else every processor. The result does not depend on it"),
    {.name = "progress",
     .type = AG_OPTION_CHOICE,
     .choices = progress_modes,
     .fallback = "auto",
     .doc = "How to tell how it goes, on stderr: curves on a terminal and lines elsewhere, lines, JSON lines, not"},
    {.name = "record",
     .type = AG_OPTION_FLAG,
     .fallback = "true",
     .doc = "Do not record the run; else it is, when a ledger is named or there is one in the home"},
    {.name = "keys",
     .type = AG_OPTION_TEXT,
     .value_name = "WHAT",
     .doc = "Only print keys as Markdown: 'training', those of any configuration, or the name of an architecture; "
            "'channels': what drilling models can see"},
    AG_OPTION_OF_TRAIN_DATABASE,
    AG_OPTION_OF_TRAIN_TRACKING,
    AG_OPTION_OF_BLOBS,
};

static const ag_example examples[] = {
    {"train --config configs/forecast/etth1_nlinear.yaml --data-dir data --output-dir out", "Train a forecaster"},
    {"train -c mixer.yaml -d data -o out --set training_config.epochs=5 --set seed=7", "With two keys overridden"},
    {"train -c mixer.yaml -d data -o out --resume", "Go on where it was stopped or killed"},
    {"train -c drilling.yaml -d drilling@v3 -o out --folds 1-12", "Some folds, on a version of a data set"},
    {"train -c mixer.yaml -d data -o out --tracking http://127.0.0.1:5000", "Record it on a server"},
    {"train -c mixer.yaml -d data -o out --home ~/auger --json", "Record it in a ledger, and print the result as JSON"},
    {"train --keys training", "See the keys of a configuration"},
    {"train --keys nlinear", "See the keys of an architecture, for model_config"},
    {NULL, NULL},
};

/* ---- the configuration ---- */

/* "1-8", or "12" */
static bool read_range(ag_str part, int64_t *from, int64_t *to)
{
    size_t dash = ag_str_find_char(part, '-', 0);
    if (!ag_str_to_int(ag_str_slice(part, 0, dash), from)) return false;
    *to = *from;
    if (dash != SIZE_MAX && !ag_str_to_int(ag_str_slice(part, dash + 1, SIZE_MAX), to)) return false;
    return *from >= 1 && *to >= *from && *to <= 1000;
}

/* "1-3,12" -> "[1,2,3,12]" */
static int spell_folds(ag_str list, ag_buf *text, ag_err *err)
{
    ag_str part;
    const char *comma = "";
    ag_buf_add_text(text, "training_config.cross_validation.folds=[");
    while (ag_str_next(&list, ',', &part)) {
        int64_t from, to;
        part = ag_str_trim(part);
        if (!read_range(part, &from, &to))
            return ag_fail(err, AG_EINVAL, "--folds: '%.*s' is no fold and no range of folds, as in 1-8,12",
                           AG_STR_ARG(ag_str_slice(part, 0, 40)));
        for (; from <= to; from++, comma = ",") ag_buf_addf(text, "%s%lld", comma, (long long)from);
    }
    ag_buf_add_char(text, ']');
    return ag_buf_check(text, "the list of folds", err);
}

static int add_folds(ag_invocation *invocation, ag_str *sets, size_t *used, ag_err *err)
{
    ag_buf text;
    const char *list = ag_option_text(invocation, "folds");
    if (!list) return 0;
    ag_buf_init(&text, 1 << 16);
    int rc = spell_folds(ag_str_of(list), &text, err);
    const char *set = rc < 0 ? NULL : ag_arena_strndup(invocation->arena, text.data, text.size);
    ag_buf_deinit(&text);
    if (rc < 0) return rc;
    if (!set) return ag_fail_memory(err, strlen(list));
    sets[(*used)++] = ag_str_of(set);
    return 0;
}

static int read_settings(ag_invocation *invocation, ag_settings *out, ag_err *err)
{
    static const char *const shortcuts[] = {"strategy", "device"};
    size_t count, used = 0;
    const ag_option_value *values = ag_option_values(invocation, "set", &count);
    ag_str *sets = ag_arena_array(invocation->arena, count + 3, sizeof *sets);
    if (!sets) return ag_fail_memory(err, count * sizeof *sets);
    for (size_t i = 0; i < count; i++) sets[used++] = ag_str_of(values[i].text);
    for (size_t i = 0; i < 2; i++) {
        const char *text = ag_option_text(invocation, shortcuts[i]);
        if (!text) continue;
        const char *set = ag_arena_printf(invocation->arena, "%s=%s", shortcuts[i], text);
        if (!set) return ag_fail_memory(err, strlen(text));
        sets[used++] = ag_str_of(set);
    }
    int rc = add_folds(invocation, sets, &used, err);
    if (rc < 0) return rc;
    return ag_settings_read(invocation->arena, ag_option_text(invocation, "config"), sets, used, out, err);
}

static int need(ag_invocation *invocation, const char *option, const char *question, const char *hint, ag_err *err)
{
    if (ag_option_text(invocation, option)) return 0;
    ag_fail(err, AG_EINVAL, "--%s is missing: %s", option, question);
    return ag_err_hint(err, "%s", hint);
}

static int add_architecture(const char *name, ag_buf *text, ag_err *err)
{
    enum { MOST = 64 };
    const char *names[MOST + 2];
    size_t count, known = 0;
    const ag_architecture *const *all = ag_architecture_all(&count);
    for (size_t i = 0; i < count && known < MOST; i++) {
        names[known++] = all[i]->name;
        if (ag_str_equal_nocase(ag_str_of(name), ag_str_of(all[i]->name)))
            return ag_describe_markdown(all[i]->configuration, text);
    }
    names[known++] = "training";
    names[known++] = "channels";
    ag_fail(err, AG_EINVAL, "--keys: there are no keys of '%s'", name);
    return ag_nearest_hint(err, ag_str_of(name), names, known);
}

static int print_keys(ag_invocation *invocation, const char *what, ag_err *err)
{
    int rc = 0;
    ag_buf text;
    size_t count;
    ag_buf_init(&text, (size_t)4 << 20);
    if (strcmp(what, "training") == 0) {
        const ag_strategy *const *strategies = ag_strategy_all(&count);
        (void)ag_describe_markdown(&ag_settings_description, &text);
        for (size_t i = 0; i < count; i++) {
            ag_buf_add_char(&text, '\n');
            (void)ag_describe_markdown(strategies[i]->data, &text);
        }
    } else if (strcmp(what, "channels") == 0) {
        ag_features_markdown(&text);
    } else {
        rc = add_architecture(what, &text, err);
    }
    if (rc >= 0) rc = ag_buf_check(&text, "the keys", err);
    if (rc >= 0) ag_print_str(invocation, ag_buf_str(&text));
    ag_buf_deinit(&text);
    return rc;
}

/* ---- the result ---- */

static void put_training(ag_json *json, const ag_strategy_training *training)
{
    const ag_train_result *r = &training->result;
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", training->name);
    ag_json_put_int(json, "epochs", r->epochs);
    ag_json_put_int(json, "steps", r->steps);
    if (r->best_epoch >= 0) {
        ag_json_put_int(json, "best_epoch", r->best_epoch + 1);
        ag_json_put_real(json, "best_metric", r->best_metric);
    }
    ag_json_put_bool(json, "stopped_early", r->stopped_early);
    ag_json_put_bool(json, "resumed", r->resumed);
    ag_json_put_int(json, "samples", r->samples);
    ag_json_put_real(json, "seconds", r->seconds);
    ag_json_end_object(json);
}

static int print_json(ag_invocation *invocation, const ag_strategy *strategy, const ag_strategy_task *task,
                      const ag_train_outcome *o, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)64 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "strategy", strategy->name);
    ag_json_put_text(&json, "output_dir", task->output_dir);
    ag_json_put_text(&json, "model", ag_path_join(invocation->arena, task->output_dir, "model"));
    ag_json_put_text(&json, "run_id", o->run);
    if (o->version) ag_json_put_text(&json, "version", o->version);
    if (o->unregistered) ag_json_put_text(&json, "not_registered", o->unregistered);
    ag_json_put_int(&json, "parameters", task->parameters);
    ag_json_put_real(&json, "seconds", o->seconds);
    ag_json_name(&json, "metrics");
    ag_findings_write(&task->metrics, &json);
    ag_json_name(&json, "trainings");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < task->trainings.count; i++) put_training(&json, ag_vec_at(&task->trainings, i));
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int print_result(ag_invocation *invocation, const ag_strategy_task *task, const ag_train_outcome *o, ag_err *err)
{
    static const ag_column columns[] = {{"metric", AG_ALIGN_LEFT, 0, 8}, {"value", AG_ALIGN_RIGHT, 0, 0}};
    char took[32];
    ag_buf text;
    ag_table *table = NULL;
    ag_buf_init(&text, (size_t)1 << 20);
    int rc = ag_table_new(columns, 2, &table, err);
    for (size_t i = 0; i < ag_findings_count(&task->metrics) && rc >= 0; i++) {
        const ag_finding *metric = ag_finding_at(&task->metrics, i);
        rc = ag_table_add(table, AG_STYLE_PLAIN, metric->name, err);
        if (rc >= 0) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%.6g", metric->value);
    }
    if (rc >= 0) rc = ag_table_write(table, AG_TABLE_TERMINAL, 0, invocation->out->color, &text, err);
    if (rc >= 0) ag_print_str(invocation, ag_buf_str(&text));
    ag_table_free(table);
    ag_buf_deinit(&text);
    ag_duration_format((int64_t)(o->seconds * 1e6), took);
    const char *registered = o->version ? ", registered as " : o->unregistered ? ", not registered" : "";
    ag_print(invocation, "model in %s/model (%lld numbers), in %s%s%s%s%s\n", task->output_dir,
             (long long)task->parameters, took, o->run ? ", run " : "", o->run ? o->run : "", registered,
             o->version ? o->version : "");
    return rc;
}

/* What can be done with it now; on stderr, as it is no result. Models that other programs and plug-ins made are asked
 * with more words. */
static void tell_next(ag_invocation *invocation, const ag_strategy *strategy, const ag_strategy_task *task)
{
    const char *out = task->output_dir;
    bool foreign = strcmp(strategy->name, "exec") == 0 || strcmp(strategy->name, ag_strategy_plugin.name) == 0;
    const char *report = ag_path_join(invocation->arena, out, AG_JOURNAL_REPORT);
    const char *table = ag_path_join(invocation->arena, out, "out_of_fold.csv");
    if (report && ag_file_exists(report)) ag_note(invocation, "how it went, with curves: %s", report);
    if (!foreign) ag_note(invocation, "ask it: auger predict --model %s FILE...", out);
    if (table && ag_file_exists(table))
        ag_note(invocation,
                "how far its answers for holes that repeat each other lie apart, each by models that had not seen it: "
                "auger evaluate --model-dir %s --repeats FILES --out-of-fold %s",
                out, table);
}

/* ---- running ---- */

static int train(ag_invocation *invocation, const ag_settings *settings, const ag_strategy *strategy,
                 const ag_named_data *data, const ag_tracker *tracker, ag_err *err)
{
    ag_strategy_task task;
    ag_train_outcome outcome;
    const ag_train_work work = {.settings = settings,
                                .strategy = strategy,
                                .data = data,
                                .tracker = *tracker,
                                .output_dir = ag_option_text(invocation, "output-dir"),
                                .resume = ag_option_flag(invocation, "resume"),
                                .jobs = ag_option_int(invocation, "jobs"),
                                .show = (ag_train_show_mode)ag_option_choice(invocation, "progress")};
    int rc = ag_train_work_do(invocation, &work, &task, &outcome, err);
    if (rc >= 0)
        rc = ag_wants_json(invocation) ? print_json(invocation, strategy, &task, &outcome, err)
                                       : print_result(invocation, &task, &outcome, err);
    bool read =
        work.show == AG_TRAIN_SHOW_AUTO || work.show == AG_TRAIN_SHOW_TERMINAL || work.show == AG_TRAIN_SHOW_PLAIN;
    if (rc >= 0 && read && !ag_wants_json(invocation)) tell_next(invocation, strategy, &task);
    ag_strategy_task_deinit(&task);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_settings settings;
    const ag_strategy *strategy = NULL;
    ag_tracker tracker = {0};
    ag_named_data data;
    if (ag_option_given(invocation, "keys")) return print_keys(invocation, ag_option_text(invocation, "keys"), err);
    int rc =
        need(invocation, "config", "what shall be trained, and how?",
             "configs/ of the sources has some to begin with (drilling/own_files.yaml for your own holes); an empty "
             "file trains the defaults; 'auger train --keys training' lists all keys",
             err);
    if (rc >= 0)
        rc = need(
            invocation, "data-dir", "where do the data lie?",
            "drilling files are made ready first: auger prepare --input-dir FILES --output-dir prepared --validate "
            "--auto-label",
            err);
    if (rc >= 0) rc = need(invocation, "output-dir", "where shall the model go?", "a directory, made when absent", err);
    if (rc >= 0) rc = read_settings(invocation, &settings, err);
    if (rc >= 0) rc = ag_strategy_find(&settings, &strategy, err);
    if (rc >= 0) rc = ag_named_data_option(invocation, "data-dir", &data, err);
    if (rc >= 0) rc = ag_train_open_tracker(invocation, &tracker, err);
    if (rc >= 0) rc = ag_registration_check(&settings, &tracker, err);
    if (rc >= 0) rc = train(invocation, &settings, strategy, &data, &tracker, err);
    ag_tracker_close(&tracker);
    return rc;
}

const ag_command ag_command_train = {
    .path = "train",
    .summary = "Train a model",
    .doc =
        "Reads a configuration, prepares the data, trains, validates and exports a model. Everything that decides the "
        "result stands in the configuration: the same one gives the same bits, for any number of threads. An unknown "
        "key, a wrong type or a bad value is refused with its place and the nearest right one; docs/training.md lists "
        "all keys.\n\n"
        "The output directory then holds model/ (config.json and model.safetensors, as Hugging Face lays them out), "
        "config.yaml (every key with its value), metrics.json, history.csv and checkpoints/. A training that was "
        "stopped with Ctrl-C or killed goes on with --resume, and ends with the same bits as one that was not.\n\n"
        "With --home, --db, or a ledger in the home, the run is recorded: parameters, metrics of every step and "
        "epoch, data, command line, commit and files. 'auger runs show' and any MLflow client see it while it runs.\n\n"
        "With --tracking it is recorded on a server, of Auger or of MLflow. What is to be recorded waits in HOME/spool "
        "while the server is away, which neither stops nor slows the training; what waits there at its end is "
        "delivered by 'auger runs deliver', or by the next training with the same --tracking and home.\n\n"
        "The exit status is 0 when the model is written, also when it could not be registered: that is a warning (and "
        "'not_registered' in JSON), and --resume registers it later without training again.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
