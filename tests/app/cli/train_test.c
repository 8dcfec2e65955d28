// SPDX-License-Identifier: Apache-2.0
/* `auger train` and `auger evaluate` as whole calls, on a series of our own: two waves with noise. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "app/cli/calls.h"
#include "app/cli/waves.h"
#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "ledger/artifact.h"
#include "ledger/experiment.h"
#include "ledger/run.h"

static char data[600], config[600], output[600];

static const char recipe[] = "strategy: forecast\n"
                             "experiment_name: waves\n"
                             "model_config: {architecture: NLinear}\n"
                             "data_config: {context_length: 24, horizon: 6}\n"
                             "training_config: {epochs: 6, batch_size: 16, learning_rate: 0.02}\n"
                             "optimizer: adam\n"
                             "seed: 3\n";

static void write_file(const char *path, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

static void set_up(void)
{
    ag_err err = {0};
    static int count;
    begin();
    ag_format(data, sizeof data, "%s/data%d", ag_test_dir(), ++count);
    ag_format(config, sizeof config, "%s/config%d.yaml", ag_test_dir(), count);
    ag_format(output, sizeof output, "%s/out%d", ag_test_dir(), count);
    char file[700];
    ag_format(file, sizeof file, "%s/waves.csv", data);
    AG_EXPECT_OK(ag_dir_make(data, &err));
    write_waves(file, (waves){400, -1, -1, NULL});
    write_file(config, recipe);
}

#define TRAIN(...) AUGER("train", "-c", config, "-d", data, "-o", output, "-j", "1", __VA_ARGS__)

static void read_file(const char *name, ag_buf *text)
{
    char path[700];
    ag_err err = {0};
    ag_format(path, sizeof path, "%s/%s", output, name);
    ag_buf_init(text, 1 << 24);
    AG_EXPECT_OK(ag_file_read(path, 1 << 24, text, &err));
}

AG_TEST(test_train__learns_waves_and_leaves_everything)
{
    ag_buf text;
    set_up();
    assert_int_equal(TRAIN("--json"), 0);
    const ag_value *result = printed_json();
    assert_true(number_at(result, "metrics.test_mse") < 0.3 * number_at(result, "metrics.test_naive_mse"));
    assert_true(number_at(result, "parameters") == 24 * 6 + 6 && number_at(result, "trainings[0].epochs") == 6);
    expect_remark("400 rows of 2 columns");
    expect_remark("epoch 6 of 6: train_loss");
    read_file("config.yaml", &text);
    assert_non_null(strstr(text.data, "num_input_channels: 2"));
    ag_buf_deinit(&text);
    read_file("history.csv", &text);
    assert_non_null(strstr(text.data, "model,6,"));
    ag_buf_deinit(&text);
    read_file("metrics.json", &text);
    assert_non_null(strstr(text.data, "test_naive_mae"));
    ag_buf_deinit(&text);
    read_file("model/config.json", &text);
    assert_non_null(strstr(text.data, "nlinear"));
    ag_buf_deinit(&text);
    end();
}

static void expect_artifact(ag_ledger *ledger, const ag_run *run, const char *name)
{
    ag_err err = {0};
    ag_artifact_place place;
    ag_tree_entry entry;
    AG_EXPECT_OK(ag_artifact_resolve(ledger, run->artifact_uri, ag_str_of(name), arena, &place, &err));
    AG_EXPECT_OK(ag_tree_stat(place.tree, place.path, &entry, &err));
    assert_true(entry.size > 0);
}

AG_TEST(test_train__is_recorded_in_the_ledger)
{
    ag_err err = {0};
    ag_run run;
    ag_points points;
    ag_ledger *ledger = NULL;
    set_up();
    assert_int_equal(TRAIN("--json", "--set", "run_name=first"), 0);
    ag_str id;
    assert_true(ag_value_string(ag_value_get(printed_json(), "run_id"), &id));
    id = ag_str_of(ag_arena_strndup(arena, id.data, id.size));
    ag_ledger_options options = {.home = home, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    AG_EXPECT_OK(ag_run_get(ledger, id, arena, &run, &err));
    assert_int_equal(run.status, AG_RUN_FINISHED);
    assert_string_equal(run.name, "first");
    assert_true(run.ended_at >= run.started_at && run.input_count == 1);
    assert_string_equal(run.inputs[0].name, "waves.csv");
    AG_EXPECT_OK(ag_metric_history(ledger, id, AG_STR("loss"), 0, AG_STR(""), arena, &points, &err));
    assert_int_equal(points.count, 6 * 16); /* 251 windows in steps of 16 */
    AG_EXPECT_OK(ag_metric_history(ledger, id, AG_STR("val_loss"), 0, AG_STR(""), arena, &points, &err));
    assert_int_equal(points.count, 6);
    expect_artifact(ledger, &run, "model/model.safetensors");
    expect_artifact(ledger, &run, "config.yaml");
    expect_artifact(ledger, &run, "report.html");
    AG_EXPECT_OK(ag_metric_history(ledger, id, AG_STR("system/system_memory_usage_megabytes"), 0, AG_STR(""), arena,
                                   &points, &err)); /* of the processors nothing is known within a tick of the clock */
    assert_true(points.count >= 1);
    ag_ledger_close(ledger);
    assert_int_equal(AUGER("runs", "show", id.data), 0);
    expect_printed("training_config.learning_rate");
    expect_printed("auger.data.sha256");
    expect_printed("test_mse");
    expect_printed("auger.command");
    expect_printed("auger.data.dir");
    expect_printed("auger.processor");
    assert_int_equal(AUGER("runs", "list", "--experiment", "waves"), 0);
    expect_printed("first");
    end();
}

AG_TEST(test_train__stopped_by_time_goes_on_in_the_same_run_to_the_same_bits)
{
    ag_buf straight, resumed;
    set_up();
    assert_int_equal(TRAIN("--json"), 0);
    read_file("model/model.safetensors", &straight);
    ag_format(output, sizeof output, "%s/again", ag_test_dir());
    static const char *const times[] = {"training_config.max_time=0.001", "training_config.max_time=0.01",
                                        "training_config.max_time=0.02", "seed=3", "seed=3"};
    int tries = 0;
    /* Too little for it; how far it gets does not matter. */
    while (TRAIN("--resume", "--set", times[tries]) != 0) {
        expect_remark("with --resume goes on");
        assert_true(++tries < 5);
    }
    assert_true(tries > 0);
    read_file("model/model.safetensors", &resumed);
    assert_true(straight.size == resumed.size && memcmp(straight.data, resumed.data, straight.size) == 0);
    ag_buf_deinit(&straight);
    ag_buf_deinit(&resumed);
    assert_int_equal(AUGER("runs", "list", "--experiment", "waves", "--json"), 0);
    const ag_value *runs = printed_json();
    if (runs->kind == AG_OBJECT) runs = ag_value_get(runs, "runs");
    assert_true(runs && runs->array.count == 2);
    end();
}

AG_TEST(test_train__says_how_it_goes_as_json_lines)
{
    set_up();
    assert_int_equal(TRAIN("--progress", "json", "--no-record"), 0);
    expect_remark("{\"event\":\"phase\",\"phase\":\"training\"}");
    expect_remark("{\"event\":\"epoch\",\"training\":\"model\",\"epoch\":6,\"epochs\":6,");
    expect_printed("test_mse");
    assert_int_equal(TRAIN("--progress", "off", "--quiet"), 0);
    assert_int_equal(err_out.buf.size, 0);
    end();
}

AG_TEST(test_evaluate__gives_the_scores_of_the_training)
{
    char report[600], other[600];
    set_up();
    assert_int_equal(TRAIN("--json"), 0);
    double mse = number_at(printed_json(), "metrics.test_mse");
    ag_format(report, sizeof report, "%s/report.json", output);
    assert_int_equal(AUGER("evaluate", "-m", output, "-d", data, "--json", "--output-report", report), 0);
    const ag_value *scores = printed_json();
    assert_true(number_at(scores, "all[0].mse") == mse && number_at(scores, "step[5].naive_mae") > 0.0);
    ag_str name;
    assert_true(ag_value_string(ag_value_at(scores, "column[1].name"), &name) && ag_str_is(name, "slow"));
    assert_true(ag_file_exists(report));
    assert_int_equal(AUGER("evaluate", "-m", output, "-d", data, "--part", "all"), 0);
    expect_printed("all rows");
    expect_printed("naive_mse");
    /* Another file: all of it; one with other columns is refused. */
    ag_format(other, sizeof other, "%s/other.csv", ag_test_dir());
    write_waves(other, (waves){100, -1, -1, NULL});
    assert_int_equal(AUGER("evaluate", "-m", output, "-d", other, "--json"), 0);
    assert_true(ag_value_string(ag_value_get(printed_json(), "evaluated"), &name) && ag_str_is(name, "all rows"));
    write_file(other, "date,fast\n2020-01-01,1\n");
    assert_int_not_equal(AUGER("evaluate", "-m", output, "-d", other), 0);
    expect_remark("there is no column 'slow'");
    assert_int_not_equal(AUGER("evaluate", "-m", data, "-d", data), 0);
    expect_remark("there is no auger.json");
    end();
}

/* Of a later program, of none, of an unknown maker: told before anything of it is believed. */
AG_TEST(test_evaluate__refuses_a_model_that_it_cannot_know)
{
    static const char *const rows[][3] = {
        {"\"format\": 1", "\"format\": 2", "format 2 is newer than this program, which knows 1"},
        {"\"format\": 1", "\"format\": 0", "format is missing or wrong"},
        {"\"format\": 1", "\"format\": \"1\"", "format is missing or wrong"},
        {"\"format\": 1", "\"formal\": 1", "format is missing or wrong"},
        {"\"strategy\": \"forecast\"", "\"strategy\": \"foretell\"", "foretell"},
    };
    char path[600];
    ag_err err = {0};
    ag_buf text, changed;
    set_up();
    assert_int_equal(TRAIN("--json"), 0);
    ag_format(path, sizeof path, "%s/model/auger.json", output);
    ag_buf_init(&text, 1 << 20);
    ag_buf_init(&changed, 1 << 20);
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, &text, &err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(text.data, rows[i][0]);
        assert_non_null(at);
        ag_buf_clear(&changed);
        ag_buf_add(&changed, text.data, (size_t)(at - text.data));
        ag_buf_add_text(&changed, rows[i][1]);
        ag_buf_add_text(&changed, at + strlen(rows[i][0]));
        AG_EXPECT_OK(ag_file_replace(path, changed.data, changed.size, &err));
        assert_int_equal(AUGER("evaluate", "-m", output, "-d", data), 1);
        expect_remark(rows[i][2]);
        assert_int_equal(AUGER("predict", "-m", output, data), 1);
        expect_remark(rows[i][2]);
    }
    ag_buf_deinit(&text);
    ag_buf_deinit(&changed);
    end();
}

/* ---- twenty ways to be wrong ---- */

typedef struct wrong {
    const char *config; /* NULL: the recipe */
    const char *set;
    const char *says;
} wrong;

AG_TEST(test_train__twenty_broken_configurations_get_twenty_clear_words)
{
    static const wrong wrongs[] = {
        {"strategy: forcast\n", NULL, "did you mean 'forecast'?"},
        {"strategy: forecast\nmodel_config: {architecture: NLinaer}\n", NULL, "did you mean 'nlinear'?"},
        {"strategy: forecast\nseed: 1\n", NULL, "model_config does not say its architecture"},
        {"training_confg: {}\n", NULL, "training_config"},
        {"training_config: {epochs: -1}\n", NULL, "epochs"},
        {"training_config: {learning_rate: 'x'}\n", NULL, "learning_rate"},
        {"a: b: c\n", NULL, "config"},
        {"optimizer: adamax\n", NULL, "optimizer"},
        {"scheduler: {warmup_steps: -1}\n", NULL, "warmup_steps"},
        {"device: gpu9\nmodel_config: {architecture: nlinear}\n", NULL, "gpu9"},
        {NULL, "data_config.horizon=0", "horizon"},
        {NULL, "data_config.context_length=500", "training part has"},
        {NULL, "data_config.split.train=0.95", "add up to"},
        {NULL, "data_config.split.protocol=ett_hour", "14400 rows"},
        {NULL, "data_config.file=none.csv", "there is no file"},
        {NULL, "data_config.columns=[fat]", "did you mean 'fast'?"},
        {NULL, "data_config.date_column=time", "there is no column 'time'"},
        {NULL, "model_config.num_input_channels=5", "the series has 2 columns"},
        {NULL, "freeze=[nothing*]", "freeze"},
        {NULL, "training_config.early_stopping.metric=accuracy", "there is no metric 'accuracy'"},
        {NULL, "init_from=/nowhere", "init_from"},
        {"strategy: forecast\nmodel_config: {architecture: nlinear}\n"
         "data_config: {context_length: 24, horizon: 6}\n"
         "optimizer: sgd\ntraining_config: {learning_rate: 1e6, epochs: 9}\n",
         NULL, "not a finite number"},
        {NULL, "training_config.epochs", "epochs"},
    };
    set_up();
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        write_file(config, wrongs[i].config ? wrongs[i].config : recipe);
        int status = wrongs[i].set ? TRAIN("--no-record", "--set", wrongs[i].set) : TRAIN("--no-record");
        if (status == 0) fail_msg("%s was taken", wrongs[i].says);
        expect_remark(wrongs[i].says);
        expect_remark("error");
    }
    end();
}

AG_TEST(test_train__missing_numbers_and_wrong_files_are_named)
{
    char file[700];
    set_up();
    ag_format(file, sizeof file, "%s/waves.csv", data);
    write_waves(file, (waves){400, 17, -1, NULL});
    assert_int_not_equal(TRAIN("--no-record"), 0);
    expect_remark("waves.csv:19:21: column 'fast' has no number here; 1 of 800 numbers are missing");
    assert_int_equal(TRAIN("--no-record", "--set", "data_config.missing=linear"), 0);
    expect_remark("1 missing numbers were filled in (missing: linear)");
    ag_format(file, sizeof file, "%s/more.csv", data);
    write_waves(file, (waves){400, -1, -1, NULL});
    assert_int_not_equal(TRAIN("--no-record"), 0);
    expect_remark("there are 2 files in");
    end();
}

/* ---- the documentation ---- */

AG_TEST(test_train__keys_are_those_that_the_documentation_lists)
{
    ag_buf text;
    ag_err err = {0};
    char path[700];
    const char *source = getenv("AUGER_SOURCE");
    if (!source) ag_test_skip("AUGER_SOURCE is not set");
    set_up();
    assert_int_equal(AUGER("train", "--keys", "PatchTSMixer"), 0);
    expect_printed("| `d_model` |");
    assert_int_equal(AUGER("train", "--keys", "channels"), 0);
    expect_printed("| `torque_gradient` | A/mm |");
    ag_format(path, sizeof path, "%s/docs/drilling-model.md", source);
    ag_buf_init(&text, 1 << 22);
    AG_EXPECT_OK(ag_file_read(path, 1 << 22, &text, &err));
    if (ag_str_find(ag_buf_str(&text), ag_buf_str(&out.buf), 0) == SIZE_MAX)
        fail_msg("the tables of docs/drilling-model.md are old: build/auger train --keys channels prints them");
    ag_buf_deinit(&text);
    assert_int_equal(AUGER("train", "--keys", "nliner"), 2);
    expect_remark("did you mean 'nlinear'?");
    assert_int_equal(AUGER("train", "--keys", "everything"), 2);
    expect_remark("patchtsmixer, tabularnet, training, channels");
    assert_int_equal(AUGER("train", "--keys", "training"), 0);
    expect_printed("| `learning_rate` |");
    ag_format(path, sizeof path, "%s/docs/training-keys.md", source);
    ag_buf_init(&text, 1 << 22);
    AG_EXPECT_OK(ag_file_read(path, 1 << 22, &text, &err));
    if (!ag_str_equal(ag_buf_str(&text), ag_buf_str(&out.buf)))
        fail_msg("docs/training-keys.md is old: build/auger train --keys training > docs/training-keys.md");
    ag_buf_deinit(&text);
    assert_int_equal(AUGER("train"), 2);
    expect_remark("--config is missing");
    expect_remark("an empty file trains the defaults");
    end();
}

AG_TEST(test_train__keys_that_would_do_nothing_are_refused)
{
    set_up();
    assert_int_equal(TRAIN("--no-record", "--folds", "0-3"), 2);
    expect_remark("'0-3' is no fold");
    assert_int_equal(TRAIN("--no-record", "--folds", "1-3"), 2);
    expect_remark("strategy forecast does nothing with training_config.cross_validation");
    assert_int_equal(TRAIN("--no-record", "--set", "pretrain={enabled: true}"), 2);
    expect_remark("does nothing with pretrain");
    assert_int_equal(TRAIN("--no-record", "--set", "register=depth"), 2);
    expect_remark("cannot be registered, because the run is not recorded");
    end();
}

/* Who looks at the machine has stopped before the model is registered: one course of steps, none of them twice. */
static void expect_one_course(ag_str run)
{
    ag_err err = {0};
    ag_points points;
    ag_ledger *ledger = NULL;
    const ag_ledger_options options = {.home = home, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    AG_EXPECT_OK(ag_metric_history(ledger, run, AG_STR("system/system_memory_usage_megabytes"), 0, AG_STR(""), arena,
                                   &points, &err));
    assert_true(points.count >= 1);
    for (size_t i = 1; i < points.count; i++) assert_true(points.items[i].step > points.items[i - 1].step);
    ag_ledger_close(ledger);
}

AG_TEST(test_train__registers_its_model_and_knows_the_version_of_its_data)
{
    ag_str version, run;
    set_up();
    assert_int_equal(AUGER("data", "add", "waves", data), 0);
    ag_format(data, sizeof data, "waves@v1");
    assert_int_equal(TRAIN("--json", "--set", "register={name: depth, alias: best}"), 0);
    assert_true(ag_value_string(ag_value_get(printed_json(), "version"), &version));
    assert_true(ag_str_is(version, "depth/1"));
    expect_remark("registered as depth/1");
    assert_true(ag_value_string(ag_value_get(printed_json(), "run_id"), &run));
    expect_one_course(run);
    assert_int_equal(AUGER("models", "lineage", "depth@best", "--json"), 0);
    assert_non_null(strstr(out.buf.data, "waves"));
    assert_int_equal(AUGER("data", "lineage", "waves@v1", "--json"), 0);
    assert_non_null(strstr(out.buf.data, "depth/1"));
    ag_format(data, sizeof data, "waves@v7");
    assert_true(TRAIN("--progress", "plain") > 0);
    expect_remark("--data-dir waves@v7");
    end();
}

/* ---- ETTh1, when it is there ---- */

AG_TEST(test_train__etth1_in_one_epoch)
{
    const char *packed = ag_test_shared("ETTh1.csv.xz"), *source = getenv("AUGER_SOURCE");
    char command[1500], recipe_file[700];
    if (!packed || !source) ag_test_skip("shared/data is absent");
    set_up();
    ag_format(data, sizeof data, "%s/ETTh1.csv", ag_test_dir());
    ag_format(command, sizeof command, "xz -dc '%s' > '%s' 2>/dev/null", packed, data);
    if (system(command) != 0) ag_test_skip("there is no xz"); /* NOLINT(cert-env33-c) a test's own words */
    ag_format(config, sizeof config, "%s", "");
    ag_format(recipe_file, sizeof recipe_file, "%s/configs/forecast/etth1_nlinear.yaml", source);
    assert_int_equal(AUGER("train", "-c", recipe_file, "-d", data, "-o", output, "--no-record", "--json", "--set",
                           "training_config.epochs=1", "--set", "training_config.ema_decay=0", "--set",
                           "data_config.stride=8", "--set", "training_config.learning_rate=0.005"),
                     0);
    const ag_value *result = printed_json();
    assert_true(number_at(result, "metrics.test_mse") < 0.6);
    assert_true(fabs(number_at(result, "metrics.test_naive_mse") - 0.512225) < 1e-5);
    end();
}
