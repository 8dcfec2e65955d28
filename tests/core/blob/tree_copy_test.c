// SPDX-License-Identifier: Apache-2.0
/* Copying between artifact trees. */
#include "frame/test.h"

#include <string.h>

#include "core/blob/tree_copy.h"

static ag_tree *open_tree(const char *name)
{
    ag_err err = {0};
    char path[600];
    ag_tree *tree = NULL;
    ag_format(path, sizeof(path), "%s/%s", ag_test_dir(), name);
    AG_EXPECT_OK(ag_tree_open(path, NULL, &tree, &err));
    return tree;
}

static int put(ag_tree *tree, const char *path, const char *text, ag_err *err)
{
    ag_reader *reader = NULL;
    int rc = ag_reader_of_memory(text, strlen(text), &reader, err);
    if (rc >= 0) rc = ag_tree_put(tree, path, reader, NULL, err);
    ag_reader_close(reader);
    return rc;
}

static void expect(ag_tree *tree, const char *path, const char *text)
{
    ag_err err = {0};
    ag_reader *reader = NULL;
    ag_buf got;
    ag_buf_init(&got, 1000);
    AG_EXPECT_OK(ag_tree_get(tree, path, 0, UINT64_MAX, &reader, &err));
    AG_EXPECT_OK(ag_read_all(reader, &got, &err));
    assert_string_equal(ag_buf_str(&got).data, text);
    ag_reader_close(reader);
    ag_buf_deinit(&got);
}

AG_TEST(test_tree_copy__takes_directories_and_files_and_keeps_what_is_there)
{
    ag_err err = {0};
    ag_tree *from = open_tree("from"), *to = open_tree("to");
    AG_EXPECT_OK(put(from, "a/b/c", "one", &err));
    AG_EXPECT_OK(put(from, "a/d", "two", &err));
    AG_EXPECT_OK(put(from, "e", "three", &err));
    ag_tree_copy copy = {.dry_run = true};
    AG_EXPECT_OK(ag_tree_copy_all(&copy, from, "", to, "x", &err));
    assert_int_equal(copy.files, 3);
    AG_EXPECT_ERROR(ag_tree_copy_all(&copy, to, "x", from, "y", &err), AG_ENOTFOUND, "");
    copy = (ag_tree_copy){0};
    AG_EXPECT_OK(ag_tree_copy_all(&copy, from, "", to, "x", &err));
    assert_int_equal(copy.files, 3);
    assert_int_equal(copy.bytes, 11);
    expect(to, "x/a/b/c", "one");
    AG_EXPECT_OK(put(from, "a/d", "longer", &err));
    AG_EXPECT_OK(ag_tree_copy_all(&copy, from, "", to, "x", &err));
    assert_int_equal(copy.files, 4);
    assert_int_equal(copy.kept, 2);
    expect(to, "x/a/d", "longer");
    AG_EXPECT_OK(ag_tree_copy_all(&copy, from, "a/b/c", to, "single", &err));
    expect(to, "single", "one");
    ag_tree_close(from);
    ag_tree_close(to);
}

typedef struct both {
    ag_tree *from, *to;
} both;

static int operate(void *context, ag_err *err)
{
    both *trees = context;
    ag_tree_copy copy = {0};
    return ag_tree_copy_all(&copy, trees->from, "", trees->to, "z", err);
}

AG_TEST(test_tree_copy__fails_cleanly_at_every_call)
{
    ag_err err = {0};
    both trees = {open_tree("from2"), open_tree("to2")};
    AG_EXPECT_OK(put(trees.from, "a/b", "one", &err));
    AG_EXPECT_OK(put(trees.from, "c", "two", &err));
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, operate, NULL, &trees);
    expect(trees.to, "z/a/b", "one");
    ag_tree_close(trees.from);
    ag_tree_close(trees.to);
}
