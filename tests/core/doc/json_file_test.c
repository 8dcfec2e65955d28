// SPDX-License-Identifier: Apache-2.0
/* JSON documents that are files. */
#include "core/doc/json_file.h"

#include <string.h>

#include "core/io/file.h"
#include "frame/test.h"

typedef struct bench {
    ag_arena *arena;
    char path[600];
} bench;

static void open_bench(bench *b, const char *text)
{
    ag_err err = {0};
    b->arena = ag_arena_new(0);
    assert_non_null(b->arena);
    ag_format(b->path, sizeof b->path, "%s/document.json", ag_test_dir());
    AG_EXPECT_OK(ag_file_replace(b->path, text, strlen(text), &err));
}

AG_TEST(test_json_file__what_is_written_is_read)
{
    bench b;
    ag_err err = {0};
    ag_buf text;
    int64_t seven = 0;
    const ag_value *root = NULL;
    open_bench(&b, "[]");
    ag_buf_init(&text, 1000);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "seven", 7);
    ag_json_end_object(&json);
    AG_EXPECT_OK(ag_json_file_write(&json, b.path, &err));
    assert_string_equal(text.data, "{\"seven\":7}\n");
    AG_EXPECT_OK(ag_json_file_read(b.arena, b.path, NULL, &root, &err));
    assert_true(ag_value_int(ag_value_get(root, "seven"), &seven));
    assert_int_equal(seven, 7);
    ag_buf_deinit(&text);
    ag_arena_free(b.arena);
}

AG_TEST(test_json_file__a_document_that_is_not_whole_replaces_nothing)
{
    bench b;
    ag_err err = {0};
    ag_buf text;
    const ag_value *root = NULL;
    open_bench(&b, "[1]");
    ag_buf_init(&text, 1000);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    AG_EXPECT_ERROR(ag_json_file_write(&json, b.path, &err), AG_EINTERNAL, "left open");
    AG_EXPECT_OK(ag_json_file_read(b.arena, b.path, NULL, &root, &err));
    assert_int_equal(root->kind, AG_ARRAY);
    assert_int_equal(root->array.count, 1);
    ag_buf_deinit(&text);
    ag_arena_free(b.arena);
}

AG_TEST(test_json_file__a_failure_names_the_file)
{
    bench b;
    ag_err err = {0};
    const ag_value *root = NULL;
    const ag_json_options small = {.max_bytes = 5}, named = {.file = "state"};
    open_bench(&b, "[1, 2,]");
    AG_EXPECT_ERROR(ag_json_file_read(b.arena, b.path, NULL, &root, &err), AG_EPARSE, "");
    assert_string_equal(err.file, b.path);
    AG_EXPECT_ERROR(ag_json_file_read(b.arena, b.path, &named, &root, &err), AG_EPARSE, "");
    assert_string_equal(err.file, "state");
    AG_EXPECT_ERROR(ag_json_file_read(b.arena, b.path, &small, &root, &err), AG_ELIMIT, b.path);
    assert_null(root);
    ag_arena_free(b.arena);
}
