// SPDX-License-Identifier: Apache-2.0
/* evaluate.c: the command: a trained model on test data. Models that answer for holes are examined all alike
 * (examine.c); others are scored by the strategy that made them. */
#include <string.h>

#include "app/cli/answers.h"
#include "app/cli/computing.h"
#include "app/cli/named_data.h"
#include "core/doc/json_file.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/show/table.h"
#include "learn/strategies/plugin.h"
#include "learn/strategy.h"

static const char *const parts[] = {"auto", "all", "train", "validation", "test", NULL};

static const ag_option options[] = {
    {.name = "model-dir",
     .letter = 'm',
     .type = AG_OPTION_PATH,
     .required = true,
     .doc = "The model, the output directory of its training, or NAME, NAME@alias or NAME/VERSION of a registered one; "
            "auto: the automatic labels"},
    {.name = "test-data",
     .letter = 'd',
     .type = AG_OPTION_PATH,
     .doc =
         "Series: a directory, or one file. Holes: a prepared dataset, or a folder of drilling files. Or a version of "
         "a data set with such (NAME@v3)"},
    {.name = "truth",
     .type = AG_OPTION_PATH,
     .value_name = "F.csv",
     .doc = "Holes: what is true, by path or sha256; else truth.csv in the test data, and experts' labels"},
    {.name = "automatic",
     .type = AG_OPTION_FLAG,
     .doc =
         "Holes: automatic labels judge where neither a table nor a person says anything. They are no truth: a model "
         "that learned from them agrees with itself"},
    {.name = "baseline",
     .type = AG_OPTION_TEXT,
     .value_name = "LIST",
     .doc = "Holes: whom to compare with, hole by hole: auto (the automatic labels), legacy (the old pipeline)"},
    {.name = "legacy-model",
     .type = AG_OPTION_PATH,
     .value_name = "DIR",
     .doc = "Checkpoint of the old pipeline; its rules alone, without an exit, when absent"},
    {.name = "repeats",
     .type = AG_OPTION_PATH,
     .value_name = "DIR",
     .doc = "Holes: drilling files that repeat each other: how far the answers lie apart"},
    {.name = "out-of-fold",
     .type = AG_OPTION_PATH,
     .value_name = "F.csv",
     .doc = "With --repeats: take the answers of this out_of_fold.csv, which models gave to holes that they had never "
            "seen, instead of asking the model"},
    {.name = "part",
     .type = AG_OPTION_CHOICE,
     .choices = parts,
     .fallback = "auto",
     .doc = "Which part by the model's own division; auto: the test part of the data it was trained on, all of others"},
    {.name = "coverage",
     .type = AG_OPTION_REAL,
     .fallback = "0.9",
     .value_name = "SHARE",
     .doc = "Series: of the intervals that are judged; models keep 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98 and 0.99"},
    AG_OPTION_OF_PLUGIN,
    AG_OPTION_OF_ANSWERS,
    {.name = "output-report",
     .type = AG_OPTION_PATH,
     .value_name = "F",
     .doc = "Write all scores as F.json, or (of holes) as a page with plots, F.html"},
    {.name = "worst",
     .type = AG_OPTION_INT,
     .fallback = "12",
     .min = 0,
     .max = 1000,
     .doc = "Holes: how many of the worst are shown and drawn"},
    {.name = "seed",
     .type = AG_OPTION_INT,
     .fallback = "1",
     .min = 0,
     .max = 9007199254740992.0,
     .doc = "Holes: of the bootstrap"},
    {.name = "batch",
     .type = AG_OPTION_INT,
     .fallback = "64",
     .min = 1,
     .max = 1000000,
     .doc = "Samples that are in memory at once"},
    AG_OPTIONS_OF_NAMED_DATA,
    AG_OPTION_OF_DEVICE,
    AG_OPTION_OF_JOBS,
};

static const ag_example examples[] = {
    {"evaluate --model-dir out/model --test-data data", "Score a forecaster on its test part"},
    {"evaluate -m out/model -d other.csv --output-report scores.json", "On another series with the same columns"},
    {"evaluate -m out -d holes --baseline auto,legacy --output-report report.html", "A model of holes, with a page"},
    {"evaluate -m depth@champion -d drilling@v3", "A registered model on a version of a data set"},
    {"evaluate -m depth@champion --repeats files", "How far a registered model's answers lie apart"},
    {"evaluate -m out --repeats files --out-of-fold out/out_of_fold.csv", "The same of files that it learned from"},
    {NULL, NULL},
};

static ag_progress *on_progress(void *context, const char *what, uint64_t total)
{
    return ag_begin_progress(context, what, total);
}

static void scores_json(ag_json *json, const ag_strategy_evaluation *e)
{
    const char *group = NULL;
    ag_json_begin_object(json);
    ag_json_put_text(json, "model", e->model_dir);
    ag_json_put_text(json, "data", e->data);
    ag_json_put_text(json, "evaluated", e->evaluated);
    for (size_t i = 0; i < e->scores.count; i++) {
        const ag_strategy_score *score = ag_vec_at(&e->scores, i);
        if (!group || strcmp(group, score->group) != 0) {
            if (group) ag_json_end_array(json);
            ag_json_name(json, score->group);
            ag_json_begin_array(json);
            group = score->group;
        }
        ag_json_begin_object(json);
        if (*score->name) ag_json_put_text(json, "name", score->name);
        for (int k = 0; k < score->count; k++) ag_json_put_real(json, score->values[k].name, score->values[k].value);
        ag_json_end_object(json);
    }
    if (group) ag_json_end_array(json);
    ag_json_end_object(json);
}

/* Before the work, not after it. */
static int check_report(const char *path, ag_err *err)
{
    if (!path) return AG_OK;
    if (!ag_str_equal_nocase(ag_path_extension(ag_str_of(path)), AG_STR("json")))
        return ag_fail(err, AG_EINVAL, "--output-report %s: reports of forecasters are written as .json", path);
    return ag_replace_check(path, err);
}

static int write_report(const ag_strategy_evaluation *e, const char *path, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)256 << 20);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_NONFINITE_NULL);
    scores_json(&json, e);
    int rc = ag_json_file_write(&json, path, err);
    ag_buf_deinit(&text);
    return rc;
}

enum { MOST_STEPS = 12 }; /* that people are shown */

/* The table of one group, whose scores lie side by side: of a long horizon some steps, the last among them. */
static int print_group(ag_invocation *invocation, const ag_strategy_score *scores, size_t count, ag_err *err)
{
    const size_t shown = count > MOST_STEPS && strcmp(scores->group, "step") == 0 ? MOST_STEPS : count;
    ag_column columns[1 + AG_STRATEGY_MAX_VALUES] = {{scores->group, AG_ALIGN_LEFT, 0, 8}};
    ag_table *table = NULL;
    ag_buf text;
    ag_buf_init(&text, (size_t)64 << 20);
    for (int k = 0; k < scores->count; k++)
        columns[1 + k] = (ag_column){.title = scores->values[k].name, .align = AG_ALIGN_RIGHT};
    int rc = ag_table_new(columns, 1 + (size_t)scores->count, &table, err);
    for (size_t i = 0; i < shown && rc >= 0; i++) {
        const ag_strategy_score *row = &scores[shown == count ? i : i * (count - 1) / (shown - 1)];
        rc = ag_table_add(table, AG_STYLE_PLAIN, row->name, err);
        for (int k = 0; k < scores->count && rc >= 0; k++)
            rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%.5g", row->values[k].value);
    }
    if (rc >= 0) rc = ag_table_write(table, AG_TABLE_TERMINAL, 0, invocation->out->color, &text, err);
    if (rc >= 0) ag_print_str(invocation, ag_buf_str(&text));
    if (rc >= 0 && shown < count)
        ag_print(invocation, "(%zu of %zu; all in --output-report F.json and --json)\n", shown, count);
    ag_table_free(table);
    ag_buf_deinit(&text);
    return rc;
}

static int print_tables(ag_invocation *invocation, const ag_strategy_evaluation *e, ag_err *err)
{
    int rc = 0;
    ag_print(invocation, "%s on %s of %s\n", e->model_dir, e->evaluated, e->data);
    for (size_t i = 0, next; i < e->scores.count && rc >= 0; i = next) {
        const ag_strategy_score *first = ag_vec_at(&e->scores, i);
        for (next = i + 1; next < e->scores.count; next++) {
            const ag_strategy_score *score = ag_vec_at(&e->scores, next);
            if (strcmp(score->group, first->group) != 0) break;
        }
        ag_print(invocation, "\n");
        rc = print_group(invocation, first, next - i, err);
    }
    return rc;
}

static int print_json(ag_invocation *invocation, const ag_strategy_evaluation *e, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)256 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    scores_json(&json, e);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int evaluate_by_strategy(ag_invocation *invocation, const char *directory, ag_err *err)
{
    const char *report = ag_option_text(invocation, "output-report");
    ag_named_data data;
    ag_strategy_watch watch = {.context = invocation, .progress = on_progress};
    ag_strategy_evaluation e = {.model_dir = directory,
                                .part = ag_option_text(invocation, "part"),
                                .coverage = ag_option_real(invocation, "coverage"),
                                .plugin = ag_option_text(invocation, "strategy"),
                                .batch_size = ag_option_int(invocation, "batch"),
                                .watch = &watch,
                                .cancel = invocation->cancel,
                                .arena = invocation->arena};
    int rc = check_report(report, err);
    if (rc >= 0) rc = ag_named_data_option(invocation, "test-data", &data, err);
    if (rc < 0) return rc;
    if (!data.path) return ag_fail(err, AG_EINVAL, "--test-data is missing: what is the model to be scored on?");
    e.data = data.path;
    rc = ag_strategy_evaluate(&e, ag_option_text(invocation, "device"), ag_option_jobs(invocation), err);
    if (rc < 0) ag_data_name_in_error(&data.called, err);
    if (rc >= 0) rc = ag_named_data_tell(&data, invocation->arena, &e.data, err);
    if (rc >= 0 && report) rc = write_report(&e, report, err);
    if (rc >= 0) rc = ag_wants_json(invocation) ? print_json(invocation, &e, err) : print_tables(invocation, &e, err);
    ag_vec_deinit(&e.scores);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    const char *name = ag_option_text(invocation, "model-dir"), *directory = name;
    bool labellers = strcmp(name, "auto") == 0 && !ag_file_exists(name), holes = labellers;
    int rc = labellers ? AG_OK : ag_cli_model(invocation, name, &directory, err);
    if (rc < 0) return rc;
    if (!ag_option_given(invocation, "test-data") && !ag_option_given(invocation, "repeats"))
        return ag_fail(err, AG_EINVAL, "neither --test-data nor --repeats was given");
    if (!labellers && ag_option_given(invocation, "strategy"))
        rc = ag_plugin_predicts(ag_option_text(invocation, "strategy"), &holes, err);
    else if (!labellers)
        rc = ag_answerer_fits(directory, &holes, err);
    if (rc < 0) return rc;
    return holes ? ag_cli_examine(invocation, directory, err) : evaluate_by_strategy(invocation, directory, err);
}

const ag_command ag_command_evaluate = {
    .path = "evaluate",
    .summary = "Score a trained model on test data",
    .doc = "A forecaster is scored as its strategy does: mean squared and mean absolute error in units of the scaled "
           "series, together, by column and by step of the horizon, beside those of the baseline that repeats the last "
           "season; and, of a model that keeps intervals, the share of the true values that lie inside and how wide "
           "they are.\n"
           "\n"
           "A model of holes is examined on holes of which something is known (a truth.csv as the simulator writes it, "
           "or labels of experts): errors of entry, transition, exit and thickness, grip codes, failures and "
           "abstentions, whether confidence and intervals are right, by regime, material, program, machine and age of "
           "the tool, and hole by hole against baselines, with a paired bootstrap. With --repeats, how far its answers "
           "lie apart on real holes that repeat each other, on a file and its message, and at half the sampling rate. "
           "docs/evaluation.md says what each number means.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
