// SPDX-License-Identifier: Apache-2.0
/* What a model directory says of its model is found and read in one way, by whoever asks. */
#include "learn/strategy_made.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/io/file.h"
#include "frame/test.h"

typedef struct bench {
    ag_arena *arena;
    char output[600], model[700], file[800];
} bench;

static void open_bench(bench *b)
{
    ag_err err = {0};
    b->arena = ag_arena_new(0);
    assert_non_null(b->arena);
    ag_format(b->output, sizeof b->output, "%s/out", ag_test_dir());
    ag_format(b->model, sizeof b->model, "%s/model", b->output);
    ag_format(b->file, sizeof b->file, "%s/" AG_STRATEGY_FILE, b->model);
    AG_EXPECT_OK(ag_dir_make(b->model, &err));
}

static void describe(const bench *b, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(b->file, text, strlen(text), &err));
}

AG_TEST(test_strategy_made__a_model_is_found_by_its_directory_and_by_that_of_its_training)
{
    bench b;
    ag_err err = {0};
    const char *model = NULL, *file = NULL;
    open_bench(&b);
    AG_EXPECT_ERROR(ag_strategy_description_find(b.output, b.arena, &model, &file, &err), AG_ENOTFOUND, b.output);
    assert_null(model);
    describe(&b, "{}");
    AG_EXPECT_OK(ag_strategy_description_find(b.output, b.arena, &model, &file, &err));
    assert_string_equal(model, b.model);
    assert_string_equal(file, b.file);
    AG_EXPECT_OK(ag_strategy_description_find(b.model, b.arena, &model, &file, &err));
    assert_string_equal(model, b.model);
    assert_string_equal(file, b.file);
    ag_arena_free(b.arena);
}

AG_TEST(test_strategy_made__who_made_it_is_one_that_this_program_knows)
{
    bench b;
    ag_err err = {0};
    ag_strategy_made made = {0};
    open_bench(&b);
    describe(&b, "{\"format\": 1, \"strategy\": \"forecast\"}");
    AG_EXPECT_OK(ag_strategy_made_by(b.output, b.arena, &made, &err));
    assert_string_equal(made.strategy->name, "forecast");
    assert_string_equal(made.model_dir, b.model);
    describe(&b, "{\"format\": 1, \"strategy\": \"telepathy\"}");
    AG_EXPECT_ERROR(ag_strategy_made_by(b.output, b.arena, &made, &err), AG_EUNSUPPORTED, "telepathy");
    describe(&b, "{\"format\": 2, \"strategy\": \"forecast\"}");
    AG_EXPECT_ERROR(ag_strategy_made_by(b.output, b.arena, &made, &err), AG_EUNSUPPORTED, "newer");
    describe(&b, "{\"strategy\": \"forecast\"}");
    AG_EXPECT_ERROR(ag_strategy_made_by(b.output, b.arena, &made, &err), AG_EPARSE, "format");
    ag_arena_free(b.arena);
}

static void describe_much(void *context, ag_json *json)
{
    enum { MUCH = 17 << 20 };
    static char much[MUCH + 1];
    (void)context;
    memset(much, 'm', MUCH);
    ag_json_begin_object(json);
    ag_json_put_int(json, "format", AG_STRATEGY_FORMAT);
    ag_json_put_text(json, "strategy", "forecast");
    ag_json_put_text(json, "much", much);
    ag_json_end_object(json);
}

static int save_nothing(void *context, const char *directory, ag_err *err)
{
    (void)context, (void)directory, (void)err;
    return 0;
}

/* The files of a large program's model are listed in it. */
AG_TEST(test_strategy_made__what_can_be_written_can_be_read)
{
    bench b;
    ag_err err = {0};
    ag_strategy_made made = {0};
    const ag_strategy_saving saving = {.maker = "the test", .save = save_nothing, .describe = describe_much};
    open_bench(&b);
    AG_EXPECT_OK(ag_strategy_save(b.model, &saving, &err));
    AG_EXPECT_OK(ag_strategy_made_by(b.model, b.arena, &made, &err));
    assert_string_equal(made.strategy->name, "forecast");
    ag_arena_free(b.arena);
}
