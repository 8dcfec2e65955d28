// SPDX-License-Identifier: Apache-2.0
/* A model directory is written so that a description never lies beside files of another model. */
#include <string.h>

#include "core/io/file.h"
#include "frame/test.h"
#include "learn/strategy.h"
#include "learn/strategy_made.h"

typedef struct bench {
    char directory[600], description[700], weights[700];
    const char *text; /* of the weights */
    int fails;        /* save() fails, having written */
    bool rude;        /* save() leaves a description of its own */
} bench;

static void open_bench(bench *b)
{
    *b = (bench){.text = "first"};
    ag_format(b->directory, sizeof b->directory, "%s/a/model", ag_test_dir());
    ag_format(b->description, sizeof b->description, "%s/" AG_STRATEGY_FILE, b->directory);
    ag_format(b->weights, sizeof b->weights, "%s/weights", b->directory);
}

static int save_files(void *context, const char *directory, ag_err *err)
{
    const bench *b = context;
    assert_string_equal(directory, b->directory);
    assert_false(ag_file_exists(b->description)); /* it went first */
    int rc = ag_file_replace(b->weights, b->text, strlen(b->text), err);
    if (rc >= 0 && b->rude) rc = ag_file_replace(b->description, "{}", 2, err);
    return rc >= 0 && b->fails ? ag_fail(err, (ag_code)b->fails, "the weights are heavy") : rc;
}

static void describe(void *context, ag_json *json)
{
    const bench *b = context;
    ag_json_begin_object(json);
    ag_json_put_text(json, "of", b->text);
    ag_json_end_object(json);
}

static int save(void *context, ag_err *err)
{
    bench *b = context;
    const ag_strategy_saving how = {.maker = "the test", .context = b, .save = save_files, .describe = describe};
    return ag_strategy_save(b->directory, &how, err);
}

/* A description that is there tells of the weights that are there. */
static void is_whole(void *context)
{
    const bench *b = context;
    ag_err err = {0};
    ag_buf text, weights;
    if (!ag_file_exists(b->description)) return;
    ag_buf_init(&text, 1000);
    ag_buf_init(&weights, 1000);
    AG_EXPECT_OK(ag_file_read(b->description, 1000, &text, &err));
    AG_EXPECT_OK(ag_file_read(b->weights, 1000, &weights, &err));
    ag_buf_add_char(&weights, '\0');
    assert_true(ag_str_find(ag_buf_str(&text), ag_str_of(weights.data), 0) != SIZE_MAX);
    ag_buf_deinit(&text);
    ag_buf_deinit(&weights);
}

AG_TEST(test_strategy_save__the_description_goes_first_and_comes_last)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(save(&b, &err));
    is_whole(&b);
    assert_true(ag_file_exists(b.description));
    b.text = "second";
    b.fails = AG_EFULL;
    AG_EXPECT_ERROR(save(&b, &err), AG_EFULL, "heavy");
    assert_false(ag_file_exists(b.description));
    b.fails = 0;
    AG_EXPECT_OK(save(&b, &err));
    is_whole(&b);
    b.rude = true;
    AG_EXPECT_ERROR(save(&b, &err), AG_EEXISTS, "the test left a file auger.json: this name is ours");
}

AG_TEST(test_strategy_save__an_old_description_that_stays_stops_it)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(ag_dir_make(b.description, &err)); /* a directory is no file that could be removed */
    int rc = save(&b, &err);
    assert_true(rc < 0 && *err.text);
    assert_false(ag_file_exists(b.weights));
}

AG_TEST(test_strategy_save__is_whole_or_not_described_whatever_fails)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(save(&b, &err));
    b.text = "second";
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, save, is_whole, &b);
    is_whole(&b);
}
