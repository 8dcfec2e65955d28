// SPDX-License-Identifier: Apache-2.0
/* `auger replay` and `auger compare`: a training of a small series, again, under the same and under other
 * circumstances. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cli/calls.h"
#include "core/base/rng.h"
#include "core/doc/json.h"
#include "core/io/file.h"

static char data[600], config[600], output[600], id[40];

static void write_file(const char *path, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

/* `odd` is another value of one row. */
static void write_waves(const char *directory, double odd)
{
    ag_err err = {0};
    ag_buf text;
    char path[700];
    ag_rng rng = ag_rng_stream(4, "waves");
    ag_buf_init(&text, 1 << 20);
    ag_buf_add_text(&text, "date,wave\n");
    for (int i = 0; i < 300; i++)
        ag_buf_addf(&text, "2020-01-%02d %02d:00:00,%.4f\n", 1 + i / 24, i % 24,
                    sin(i * 0.4) + 0.05 * ag_rng_normal(&rng) + (i == 20 ? odd : 0));
    AG_EXPECT_OK(ag_dir_make(directory, &err));
    ag_format(path, sizeof path, "%s/waves.csv", directory);
    AG_EXPECT_OK(ag_file_replace(path, text.data, text.size, &err));
    ag_buf_deinit(&text);
}

static void take_id(void)
{
    ag_str text;
    assert_true(ag_value_string(ag_value_get(printed_json(), "run_id"), &text));
    ag_format(id, sizeof id, "%.*s", AG_STR_ARG(text));
}

#define TRAIN(from, ...) AUGER("train", "-c", config, "-d", from, "-o", output, "-j", "1", "--json", "-q", __VA_ARGS__)

static void set_up(void)
{
    static int count;
    begin();
    ag_format(data, sizeof data, "%s/data%d", ag_test_dir(), ++count);
    ag_format(config, sizeof config, "%s/config%d.yaml", ag_test_dir(), count);
    ag_format(output, sizeof output, "%s/out%d", ag_test_dir(), count);
    write_waves(data, 0);
    write_file(config, "strategy: forecast\n"
                       "experiment_name: waves\n"
                       "run_name: first\n"
                       "model_config: {architecture: NLinear}\n"
                       "data_config: {context_length: 24, horizon: 6}\n"
                       "training_config: {epochs: 3, batch_size: 16, learning_rate: 0.02}\n"
                       "register: waves\n"
                       "seed: 3\n");
    assert_int_equal(TRAIN(data, "--set", "seed=3"), 0);
    take_id();
}

/* Another directory each time. */
static const char *fresh(void)
{
    static char path[700];
    static int count;
    ag_format(path, sizeof path, "%s/replay%d", ag_test_dir(), ++count);
    return path;
}

static bool is_true(const char *path)
{
    bool value = false;
    return ag_value_bool(ag_value_at(printed_json(), path), &value) && value;
}

AG_TEST(test_replay__gives_the_same_bits)
{
    set_up();
    const char *there = fresh();
    char begins[9];
    ag_format(begins, sizeof begins, "%.8s", id);
    assert_int_equal(AUGER("replay", begins, "-o", there, "-j", "3"), 0);
    expect_printed("the same bits: 4 files of the model");
    assert_int_equal(AUGER("runs", "list", "--experiment", "waves"), 0);
    expect_printed("replay of first");
    assert_int_equal(AUGER("models", "show", "waves"), 0); /* not registered once more */
    assert_false(printed("waves/2"));
    assert_int_equal(AUGER("replay", id, "-o", fresh(), "--json", "--no-record"), 0);
    assert_true(is_true("same") && is_true("trained"));
    assert_int_equal(ag_value_get(printed_json(), "circumstances")->array.count, 0);
    assert_int_equal(AUGER("replay", id, "-o", there), 1);
    expect_remark("is not empty");
    end();
}

AG_TEST(test_replay__of_a_deleted_run_is_told)
{
    set_up();
    assert_int_equal(AUGER("replay", id, "-o", fresh(), "--no-record"), 0);
    assert_null(strstr(ag_buf_str(&err_out.buf).data, "deleted"));
    assert_int_equal(AUGER("runs", "delete", id), 0);
    assert_int_equal(AUGER("replay", id, "-o", fresh(), "--no-record"), 0);
    expect_remark("is deleted, and 'auger gc' may take its files away; 'auger runs restore");
    assert_int_equal(AUGER("runs", "restore", id), 0);
    end();
}

AG_TEST(test_replay__other_data_end_it_before_it_trains)
{
    set_up();
    write_waves(data, 0.5);
    const char *there = fresh();
    assert_int_equal(AUGER("replay", id, "-o", there), 1);
    expect_printed("data waves.csv: ");
    expect_remark("--anyway");
    assert_false(ag_file_exists(there));
    assert_int_equal(AUGER("replay", id, "-o", there, "--json"), 1);
    assert_true(!is_true("same") && !is_true("trained"));
    assert_int_equal(AUGER("replay", id, "-o", there, "--anyway"), 1);
    expect_printed("model/model.safetensors differs");
    expect_printed("first differing tensor: Linear.");
    expect_printed("first differing epoch: model,1,");
    expect_printed("test_mse");
    assert_int_equal(AUGER("replay", id, "-o", fresh(), "--anyway", "--json"), 1);
    assert_true(is_true("trained") && !is_true("same"));
    assert_non_null(ag_value_at(printed_json(), "first_tensor.name"));
    end();
}

AG_TEST(test_replay__finds_data_that_were_moved_when_told_where)
{
    ag_err err = {0};
    char moved[700];
    set_up();
    ag_format(moved, sizeof moved, "%s-moved", data);
    AG_EXPECT_OK(ag_file_rename(data, moved, &err));
    assert_int_equal(AUGER("replay", id, "-o", fresh()), 1);
    expect_remark("are not at");
    expect_remark("--data-dir");
    assert_int_equal(AUGER("replay", id, "-o", fresh(), "--data-dir", moved), 0);
    expect_printed("the same bits");
    end();
}

AG_TEST(test_replay__a_version_of_a_data_set_is_written_out_again)
{
    ag_err err = {0};
    char folder[700];
    set_up();
    assert_int_equal(AUGER("data", "add", "waves", data), 0);
    ag_format(output, sizeof output, "%s/of-version", ag_test_dir());
    assert_int_equal(TRAIN("waves@v1", "--set", "seed=3"), 0);
    take_id();
    AG_EXPECT_OK(ag_dir_remove(data, &err));
    ag_format(folder, sizeof folder, "%s/checkouts", home);
    AG_EXPECT_OK(ag_dir_remove(folder, &err));
    assert_int_equal(AUGER("replay", id, "-o", fresh()), 0);
    expect_printed("the same bits");
    end();
}

/* What people read names a version as it was named, and not the directory below the home that it was written into. */
AG_TEST(test_train__a_version_of_a_data_set_is_called_by_its_name)
{
    ag_err err = {0};
    ag_buf page;
    char report[700], first[40];
    set_up();
    assert_int_equal(AUGER("data", "add", "waves", data), 0);
    ag_format(output, sizeof output, "%s/of-name", ag_test_dir());
    assert_int_equal(TRAIN("waves@v1", "--set", "seed=3"), 0);
    take_id();
    assert_int_equal(AUGER("runs", "show", id), 0);
    assert_false(printed("checkouts"));
    expect_printed("auger.data.version");
    expect_printed("read waves.csv@");
    expect_printed("read waves@v1@");
    ag_format(report, sizeof report, "%s/report.html", output);
    ag_buf_init(&page, 1 << 24);
    AG_EXPECT_OK(ag_file_read(report, 1 << 24, &page, &err));
    assert_null(strstr(page.data, "checkouts"));
    assert_non_null(strstr(page.data, "waves@v1/waves.csv"));
    ag_buf_deinit(&page);
    memcpy(first, id, sizeof first);
    assert_int_equal(TRAIN("waves@v1", "--set", "seed=5"), 0);
    take_id();
    assert_int_equal(AUGER("compare", first, id), 0);
    expect_printed("data, the same: waves.csv@");
    expect_printed(" waves@v1@");
    ag_format(report, sizeof report, "%s/more.csv", data); /* two files, and none is named */
    write_file(report, "date,wave\n");
    assert_int_equal(AUGER("data", "add", "waves", data), 0);
    assert_int_equal(AUGER("train", "-c", config, "-d", "waves@v2", "-o", output), 2);
    expect_remark("there are 2 files in waves@v2");
    end();
}

AG_TEST(test_replay__says_why_it_cannot)
{
    set_up();
    assert_int_equal(AUGER("replay", "00000000000000000000000000000000", "-o", fresh()), 1);
    const char *again = fresh();
    assert_int_equal(AUGER("replay", id, "-o", again, "-d", "nowhere"), 1);
    expect_remark("are not at nowhere any more");
    assert_false(ag_file_exists(again)); /* so that the same command can be given once more */
    char first[700], set[800],
        gone[800]; /* what the configuration names is not there any more: found by the training */
    ag_format(first, sizeof first, "%s/model", output);
    ag_format(set, sizeof set, "init_from=%s", first);
    ag_format(gone, sizeof gone, "%s/gone", output);
    ag_format(output, sizeof output, "%s/second", ag_test_dir());
    assert_int_equal(TRAIN(data, "--set", set), 0);
    take_id();
    assert_int_equal(rename(first, gone), 0);
    assert_int_equal(AUGER("replay", id, "-o", again), 1);
    expect_remark("init_from");
    assert_false(ag_file_exists(again));
    ag_format(output, sizeof output, "%s/stopped", ag_test_dir());
    assert_int_equal(TRAIN(data, "--set", "training_config.max_time=0.0001", "--set", "run_name=stopped"), 1);
    assert_int_equal(
        AUGER("runs", "list", "--experiment", "waves", "--filter", "attributes.status = 'KILLED'", "--json"), 0);
    ag_str stopped;
    if (ag_value_string(ag_value_at(printed_json(), "runs[0].info.run_id"), &stopped)) {
        char text[40];
        ag_format(text, sizeof text, "%.*s", AG_STR_ARG(stopped));
        assert_int_equal(AUGER("replay", text, "-o", fresh()), 1);
        expect_remark("is KILLED: it has left no model");
    }
    end();
}

AG_TEST(test_compare__data_configuration_metrics_curves)
{
    char other[40];
    set_up();
    memcpy(other, id, sizeof other);
    ag_format(output, sizeof output, "%s/longer", ag_test_dir());
    assert_int_equal(TRAIN(data, "--set", "training_config.epochs=5"), 0);
    take_id();
    assert_int_equal(AUGER("compare", other, id), 0);
    expect_printed("data, the same: waves.csv@");
    expect_printed("training_config.epochs  3 ");
    expect_printed("test_mse");
    expect_printed("train_loss");
    expect_printed("━━");
    assert_false(printed("system/"));
    assert_false(printed("model_config.horizon"));
    assert_int_equal(AUGER("compare", other, id, "--metric", "gradient_norm", "--json"), 0);
    const ag_value *tree = printed_json();
    assert_true(is_true("same_data"));
    assert_int_equal(ag_value_at(tree, "curves")->array.count, 1);
    assert_int_equal(ag_value_at(tree, "configuration")->array.count, 1);
    assert_true(ag_value_at(tree, "curves[0].runs[0].values")->array.count > 10);
    write_waves(data, 0.5);
    assert_int_equal(TRAIN(data, "--set", "seed=4"), 0);
    take_id();
    assert_int_equal(AUGER("compare", other, id, "--all"), 0);
    expect_printed("data of ");
    expect_printed("system/");
    assert_int_equal(AUGER("compare", other, other), 2);
    assert_int_equal(AUGER("compare", other, id, "--metric", "val_los"), 1);
    expect_remark("neither run has a metric 'val_los'");
    expect_remark("did you mean 'val_loss'?");
    end();
}

AG_TEST(test_compare__takes_names_and_directories_and_says_what_is_deleted)
{
    char first[700];
    set_up();
    memcpy(first, output, sizeof output);
    ag_format(output, sizeof output, "%s/its_run", ag_test_dir());
    assert_int_equal(TRAIN(data, "--set", "run_name=it's", "--set", "seed=5"), 0);
    take_id();
    assert_int_equal(AUGER("compare", "first", "it's"), 0);
    expect_printed("it's, FINISHED");
    assert_int_equal(AUGER("compare", first, output, "--json"), 0);
    ag_str said;
    assert_true(ag_value_string(ag_value_at(printed_json(), "runs[1].run_id"), &said));
    assert_true(ag_str_is(said, id));
    assert_int_equal(AUGER("compare", "nobody", id), 1);
    expect_remark("there is no run 'nobody', neither by id nor by name");
    ag_format(output, sizeof output, "%s/twin", ag_test_dir());
    assert_int_equal(TRAIN(data, "--set", "run_name=first"), 0);
    assert_int_equal(AUGER("compare", "first", id), 2);
    expect_remark("several runs are meant by 'first'");
    assert_int_equal(AUGER("runs", "delete", id), 0);
    assert_int_equal(AUGER("compare", first, id), 0);
    expect_printed(", deleted");
    end();
}
