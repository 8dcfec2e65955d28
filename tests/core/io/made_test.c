// SPDX-License-Identifier: Apache-2.0
#include "core/io/made.h"

#include <unistd.h>

#include "core/base/fault.h"
#include "core/io/file.h"
#include "frame/test.h"

static char place[600];

static const char *in_place(const char *name)
{
    static char path[700];
    ag_format(path, sizeof path, "%s/%s", place, name);
    return path;
}

static void open_place(void)
{
    ag_format(place, sizeof place, "%s", ag_test_dir());
}

AG_TEST(test_made__what_was_made_is_taken_back)
{
    static const char *const paths[] = {"a", "a/b/c", "a/", "a//b///c//", "./a/b", "a/./b"};
    static const int counts[] = {1, 3, 1, 3, 2, 3};
    ag_err err = {0};
    open_place();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char path[800];
        ag_format(path, sizeof path, "%s/%s", place, paths[i]);
        int missing = ag_dir_missing(path);
        assert_int_equal(missing, counts[i]);
        AG_EXPECT_OK(ag_dir_make(path, &err));
        assert_int_equal(ag_dir_missing(path), 0);
        ag_dir_unmake(path, missing);
        assert_false(ag_file_exists(in_place("a")));
        assert_true(ag_file_exists(place));
    }
}

AG_TEST(test_made__what_was_there_and_what_somebody_put_there_stay)
{
    ag_err err = {0};
    open_place();
    AG_EXPECT_OK(ag_dir_make(in_place("old/new"), &err));
    assert_int_equal(ag_dir_missing(in_place("old/new")), 0);
    ag_dir_unmake(in_place("old/new"), 0);
    assert_true(ag_file_exists(in_place("old/new")));
    ag_dir_unmake(in_place("old/new"), 1);
    assert_false(ag_file_exists(in_place("old/new")));
    assert_true(ag_file_exists(in_place("old")));
    AG_EXPECT_OK(ag_dir_make(in_place("x/y/z"), &err));
    AG_EXPECT_OK(ag_file_replace(in_place("x/y/file"), "1", 1, &err));
    ag_dir_unmake(in_place("x/y/z"), 3);
    assert_false(ag_file_exists(in_place("x/y/z")));
    assert_true(ag_file_exists(in_place("x/y/file")));
    ag_dir_unmake(in_place("x/y/file"), 1); /* no directory */
    assert_true(ag_file_exists(in_place("x/y/file")));
}

AG_TEST(test_made__relative_names_and_names_that_go_up)
{
    ag_err err = {0};
    open_place();
    assert_int_equal(chdir(place), 0);
    assert_int_equal(ag_dir_missing("p/q"), 2);
    AG_EXPECT_OK(ag_dir_make("p/q", &err));
    ag_dir_unmake("p/q", 2);
    assert_false(ag_file_exists("p"));
    assert_int_equal(ag_dir_missing("p/../q"), 0);
    assert_int_equal(ag_dir_missing(""), 0);
    assert_int_equal(ag_dir_missing("/"), 0);
    assert_int_equal(ag_dir_missing("..."), 1);
    assert_int_equal(chdir("/"), 0);
}

/* Nothing is told of a failure, and nothing but what was made goes. */
AG_TEST(test_made__failing_calls_do_no_harm)
{
    open_place();
    for (uint64_t n = 1; ag_fault_available(); n++) {
        ag_fault_arm(n, AG_FAULT_ALLOC | AG_FAULT_FILE);
        int missing = ag_dir_missing(in_place("m/n"));
        int rc = ag_dir_make(in_place("m/n"), NULL);
        ag_dir_unmake(in_place("m/n"), missing);
        bool fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        assert_true(ag_file_exists(place));
        if (fired) continue;
        assert_int_equal(rc, AG_OK);
        break;
    }
}
