// SPDX-License-Identifier: Apache-2.0
/* The whole life in one directory, with few holes and a model that learns next to nothing; what `auger demo` refuses,
 * and what it promises to print. The whole of it runs in tests/cli/demo_test.sh. */
#include "app/cli/demo.h"

#include <math.h>
#include <stdlib.h>

#include "app/cli/calls.h"
#include "app/cli/data.h"
#include "core/io/file.h"

static const char tiny[] =
    "strategy: patchtsmixer_24cv\n"
    "model_config: {architecture: PatchTSMixer, sequence_length: 128, d_model: 8, num_layers: 1}\n"
    "training_config:\n"
    "  cross_validation: {enabled: true, n_folds: 2, strategy: stratified}\n"
    "  batch_size: 8\n"
    "  epochs: 1\n"
    "experiment_name: tiny\n"
    "register: demo-depth\n";

static ag_demo demo;
static char run_id[40], model[40];

static int run_demo(ag_invocation *invocation, ag_err *err)
{
    demo = (ag_demo){.directory = ag_option_text(invocation, "dir"),
                     .holes = (uint64_t)ag_option_int(invocation, "holes"),
                     .fresh = 8,
                     .jobs = 2,
                     .configuration = tiny};
    int rc = ag_home_default(invocation, ag_arena_printf(invocation->arena, "%s/home", demo.directory), err);
    if (rc >= 0) rc = ag_demo_run(invocation, &demo, err);
    ag_format(run_id, sizeof run_id, "%s", rc >= 0 && demo.run ? demo.run : "");
    ag_format(model, sizeof model, "%s", rc >= 0 && demo.model ? demo.model : "");
    return rc;
}

static const ag_option options[] = {
    {.name = "dir", .type = AG_OPTION_PATH, .required = true, .doc = "Where"},
    {.name = "holes", .type = AG_OPTION_INT, .fallback = "16", .min = 1, .max = 100, .doc = "How many"},
    AG_OPTION_OF_DATABASE,
    AG_OPTION_OF_BLOBS,
};
static const ag_example examples[] = {{"tiny", "Tiny"}, {NULL, NULL}};
static const ag_command command = {.path = "tiny",
                                   .summary = "A small demo",
                                   .doc = "Small.",
                                   .options = AG_OPTIONS(options),
                                   .examples = examples,
                                   .run = run_demo};

static int call_tiny(const char *const *words)
{
    static const ag_command *const all[] = {&command};
    return call_program((ag_command_table){all, 1}, words);
}
#define TINY(...) call_tiny(SAMPLE_WORDS("tiny", "--dir", __VA_ARGS__))

AG_TEST(test_demo__the_whole_life_in_one_directory_and_again)
{
    static const char *const files[] = {"demo.json",       "holes/truth.csv",       "prepared/holes.csv",
                                        "config.yaml",     "training/metrics.json", "training/report.html",
                                        "fresh/truth.csv", "report.html",           "home/auger.db"};
    char directory[600], run[40];
    begin();
    ag_format(directory, sizeof directory, "%s/demo", ag_test_dir());
    assert_int_equal(TINY(directory), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[700];
        ag_format(path, sizeof path, "%s/%s", directory, files[i]);
        if (!ag_file_exists(path)) fail_msg("there is no %s", files[i]);
    }
    assert_string_equal(model, "demo-depth/1");
    assert_true(demo.parameters > 100 && demo.seconds > 0);
    assert_int_equal(demo.model_score.known, 8);
    assert_true(demo.model_score.failed + demo.model_score.abstained <= 8);
    assert_true(isfinite(demo.label_score.mae_all) && isfinite(demo.label_score.p95_all));
    expect_remark("[6/6]");
    memcpy(run, run_id, sizeof run);
    ag_format(home, sizeof home, "%s/home", directory);
    /* Begun again it goes on where it was, which is the end. */
    assert_int_equal(TINY(directory), 0);
    assert_string_equal(run_id, run);
    assert_string_equal(model, "demo-depth/1");
    assert_int_equal(TINY(directory, "--holes", "20"), 1);
    expect_remark("is one of 16 holes");
    assert_int_equal(AUGER("data", "list"), 0);
    expect_printed("demo-holes");
    assert_int_equal(AUGER("runs", "show", run), 0);
    expect_printed("auger.data.version");
    expect_printed("exam_failures");
    expect_printed("read demo-holes@v1@"); /* the data by name and version, not by where they were written */
    end();
}

AG_TEST(test_demo__leaves_a_directory_of_others_alone)
{
    ag_err err = {0};
    char path[700], directory[600];
    begin();
    ag_format(directory, sizeof directory, "%s/others", ag_test_dir());
    ag_format(path, sizeof path, "%s/mine.txt", directory);
    AG_EXPECT_OK(ag_dir_make(directory, &err));
    AG_EXPECT_OK(ag_file_replace(path, "mine", 4, &err));
    assert_int_equal(TINY(directory), 1);
    expect_remark("is not empty, and no demo");
    end();
}

AG_TEST(test_demo__its_configuration_is_the_one_that_lies_in_configs)
{
    ag_err err = {0};
    ag_buf text;
    char path[700];
    const char *source = getenv("AUGER_SOURCE");
    if (!source) ag_test_skip("AUGER_SOURCE is not set");
    ag_format(path, sizeof path, "%s/configs/drilling/small.yaml", source);
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, &text, &err));
    assert_string_equal(text.data, ag_demo_configuration);
    ag_buf_deinit(&text);
}
