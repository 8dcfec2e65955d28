// SPDX-License-Identifier: Apache-2.0
/* Two trainings held against each other: every way to differ is named. */
#include "learn/likeness.h"

#include <math.h>
#include <string.h>

#include "frame/test.h"

#include "core/base/str.h"
#include "core/io/file.h"
#include "learn/nn/checkpoint/safetensors.h"

static char first[600], second[600];
static ag_arena *arena;
static ag_likeness like;

static void put(const char *directory, const char *name, const char *text)
{
    ag_err err = {0};
    char path[700];
    ag_format(path, sizeof path, "%s/%s", directory, name);
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

/* Two tensors; `odd` changes one number of the second. */
static void put_weights(const char *directory, double odd, int64_t columns)
{
    ag_err err = {0};
    char path[700];
    static const ag_real a[] = {1, 2, 3};
    const ag_real b[] = {4, (ag_real)(5 + odd), 6, 7};
    const ag_tensor_source tensors[] = {
        {.name = "a.weight", .dtype = AG_DTYPE_F32, .shape = ag_shape_of(3), .values = a},
        {.name = "b.weight", .dtype = AG_DTYPE_F32, .shape = ag_shape_of(4 / columns, columns), .values = b}};
    const ag_safetensors_writing writing = {.tensors = tensors, .count = 2};
    ag_format(path, sizeof path, "%s/model/model.safetensors", directory);
    AG_EXPECT_OK(ag_safetensors_write(path, &writing, &err));
}

static void set_up(void)
{
    ag_err err = {0};
    static int count;
    char *const both[] = {first, second};
    arena = ag_arena_new(0);
    count++;
    for (int i = 0; i < 2; i++) {
        char model[700];
        ag_format(both[i], sizeof first, "%s/%d-%d", ag_test_dir(), count, i);
        ag_format(model, sizeof model, "%s/model", both[i]);
        AG_EXPECT_OK(ag_dir_make(model, &err));
        put(both[i], "model/config.json", "{}");
        put(both[i], "metrics.json", "{\"mae\": 0.25, \"none\": null}");
        put(both[i], "history.csv", "training,epoch,loss\nmodel,1,0.5\nmodel,2,0.25\n");
        put_weights(both[i], 0, 2);
    }
}

static void look(void)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_likeness_of(first, second, arena, &like, &err));
}

static void tear_down(void)
{
    ag_likeness_deinit(&like);
    ag_arena_free(arena);
}

AG_TEST(test_likeness__equal_trainings_are_the_same)
{
    set_up();
    look();
    assert_true(like.same);
    assert_int_equal(like.files.count, 2);
    assert_int_equal(like.metric_count, 2);
    assert_int_equal(like.metrics.count, 0);
    assert_null(like.tensor.name);
    assert_null(like.epoch[0]);
    tear_down();
}

AG_TEST(test_likeness__names_the_first_tensor_that_differs)
{
    set_up();
    put_weights(second, 0.5, 2);
    look();
    assert_false(like.same);
    assert_string_equal(like.tensor.name, "b.weight");
    assert_string_equal(like.tensor.file, "model/model.safetensors");
    assert_null(like.tensor.why);
    assert_int_equal(like.tensor.differing, 1);
    assert_int_equal(like.tensor.count, 4);
    assert_true(fabs(like.tensor.largest - 0.5) < 1e-6);
    tear_down();
}

AG_TEST(test_likeness__another_shape_is_a_difference_of_its_own)
{
    set_up();
    put_weights(second, 0, 4);
    look();
    assert_string_equal(like.tensor.why, "shape");
    assert_string_equal(like.tensor.name, "b.weight");
    tear_down();
}

AG_TEST(test_likeness__files_of_one_side_only)
{
    set_up();
    put(first, "model/old.json", "1");
    put(second, "model/added.json", "1");
    look();
    assert_false(like.same);
    assert_int_equal(like.files.count, 4);
    const ag_likeness_file *files = like.files.items;
    assert_string_equal(files[0].path, "model/added.json");
    assert_true(!files[0].first && files[0].second && !files[0].same);
    assert_string_equal(files[3].path, "model/old.json");
    assert_true(files[3].first && !files[3].second);
    tear_down();
}

AG_TEST(test_likeness__metrics_and_epochs)
{
    set_up();
    put(second, "metrics.json", "{\"mae\": 0.26, \"new\": 1}");
    put(second, "history.csv", "training,epoch,loss\nmodel,1,0.5\nmodel,2,0.26\n");
    look();
    assert_false(like.same);
    assert_int_equal(like.metrics.count, 3);
    const ag_likeness_metric *metrics = like.metrics.items;
    assert_string_equal(metrics[0].name, "mae");
    assert_true(metrics[0].first == 0.25 && metrics[0].second == 0.26);
    assert_string_equal(metrics[2].name, "new");
    assert_true(isnan(metrics[2].first));
    assert_string_equal(like.epoch[0], "model,2,0.25");
    assert_string_equal(like.epoch[1], "model,2,0.26");
    tear_down();
}

AG_TEST(test_likeness__a_shorter_history_and_absent_files)
{
    ag_err err = {0};
    set_up();
    put(second, "history.csv", "training,epoch,loss\nmodel,1,0.5\n");
    look();
    assert_string_equal(like.epoch[0], "model,2,0.25");
    assert_string_equal(like.epoch[1], "");
    assert_true(like.same); /* the course is not the result */
    ag_likeness_deinit(&like);
    char path[700];
    ag_format(path, sizeof path, "%s/metrics.json", first);
    AG_EXPECT_OK(ag_file_remove(path, &err));
    look();
    assert_int_equal(like.metrics.count, 2);
    ag_likeness_deinit(&like);
    put(second, "metrics.json", "{");
    AG_EXPECT_ERROR(ag_likeness_of(first, second, arena, &like, &err), AG_EPARSE, "");
    tear_down();
}

static int compare_them(void *context, ag_err *err)
{
    (void)context;
    ag_arena *own = ag_arena_new(0);
    ag_likeness found = {0};
    int rc = own ? ag_likeness_of(first, second, own, &found, err) : ag_fail_memory(err, 1);
    ag_likeness_deinit(&found);
    ag_arena_free(own);
    return rc;
}

AG_TEST(test_likeness__survives_every_failure)
{
    set_up();
    put_weights(second, 0.5, 2);
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, compare_them, NULL, NULL);
    ag_arena_free(arena);
}
