// SPDX-License-Identifier: Apache-2.0
/* dir_test.c */
#include "frame/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"

static const char *in(const char *dir, const char *name)
{
    static char path[4][4200];
    static unsigned at;
    char *to = path[at++ % 4];
    snprintf(to, sizeof(path[0]), "%s/%s", dir, name);
    return to;
}

static void touch(const char *path)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path, "x", 1, &err));
}

AG_TEST(test_dir__make_with_parents)
{
    ag_err err = {0};
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_dir_make(in(dir, "a/b//c/"), &err));
    AG_EXPECT_OK(ag_dir_make(in(dir, "a/b/c"), &err));
    assert_true(ag_file_exists(in(dir, "a/b/c")));
    touch(in(dir, "file"));
    AG_EXPECT_ERROR(ag_dir_make(in(dir, "file"), &err), AG_EEXISTS, "is not one");
    AG_EXPECT_ERROR(ag_dir_make(in(dir, "file/x"), &err), AG_EEXISTS, "is not one");
    AG_EXPECT_ERROR(ag_dir_make("", &err), AG_EINVAL, "empty");
    assert_int_equal(symlink("a", in(dir, "link")), 0);
    AG_EXPECT_OK(ag_dir_make(in(dir, "link/d"), &err));
    assert_true(ag_file_exists(in(dir, "a/d")));
}

AG_TEST(test_dir__list_is_sorted)
{
    ag_err err = {0};
    const char *dir = ag_test_dir();
    static const char *const names[] = {"b", "a", "\xc3\xa4", ".x", "B"}, *const sorted[] = {".x", "B", "a", "b",
                                                                                             "\xc3\xa4"};
    for (size_t i = 0; i < 5; i++) touch(in(dir, names[i]));
    ag_vec found;
    ag_arena *arena = ag_arena_new(0);
    ag_vec_init(&found, sizeof(char *));
    AG_EXPECT_OK(ag_dir_list(dir, arena, &found, &err));
    assert_int_equal(found.count, 5);
    for (size_t i = 0; i < 5; i++) assert_string_equal(*(const char **)ag_vec_at(&found, i), sorted[i]);
    AG_EXPECT_ERROR(ag_dir_list(in(dir, "none"), arena, &found, &err), AG_ENOTFOUND, "none");
    AG_EXPECT_ERROR(ag_dir_list(in(dir, "a"), arena, &found, &err), AG_ENOTFOUND, "/a'");
    ag_vec_deinit(&found);
    ag_arena_free(arena);
}

static int append(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    ag_buf_addf(context, "%s%s ", relative, info->is_link ? "@" : "");
    return ag_buf_check(context, "the list", err);
}

static int stop(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    (void)info;
    ++*(int *)context;
    return ag_fail(err, AG_ECANCELLED, "enough at %s", relative);
}

/* A tree with links out of it, back up, to nowhere, and to a file. */
static const char *make_tree(void)
{
    ag_err err = {0};
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_dir_make(in(dir, "outside"), &err));
    touch(in(dir, "outside/keep"));
    AG_EXPECT_OK(ag_dir_make(in(dir, "t/a/deep"), &err));
    AG_EXPECT_OK(ag_dir_make(in(dir, "t/empty"), &err));
    static const char *const files[] = {"t/a/deep/1", "t/a/2", "t/a-b",
                                        "t/a.b",      "t/z",   "t/.auger-0123456789abcdef.tmp"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) touch(in(dir, files[i]));
    assert_int_equal(symlink("../outside", in(dir, "t/out")), 0);
    assert_int_equal(symlink("..", in(dir, "t/a/up")), 0);
    assert_int_equal(symlink("nowhere", in(dir, "t/lost")), 0);
    assert_int_equal(symlink("z", in(dir, "t/y")), 0);
    assert_int_equal(mkfifo(in(dir, "t/pipe"), 0600), 0);
    return dir;
}

AG_TEST(test_dir__walk_visits_regular_files_in_the_order_of_their_paths)
{
    ag_err err = {0};
    const char *dir = make_tree();
    ag_buf list;
    ag_buf_init(&list, 1000);
    AG_EXPECT_OK(ag_dir_walk(in(dir, "t"), append, &list, &err));
    assert_string_equal(list.data, "a-b a.b a/2 a/deep/1 y@ z ");
    int visits = 0;
    AG_EXPECT_ERROR(ag_dir_walk(in(dir, "t"), stop, &visits, &err), AG_ECANCELLED, "enough at a-b");
    assert_int_equal(visits, 1);
    AG_EXPECT_ERROR(ag_dir_walk(in(dir, "none"), stop, &visits, &err), AG_ENOTFOUND, "none");
    ag_buf_deinit(&list);
}

static int append_kind(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    ag_buf_addf(context, "%s%s ", relative, info->is_directory ? "(locked)" : info->is_broken ? "(broken)" : "");
    return ag_buf_check(context, "the list", err);
}

AG_TEST(test_dir__a_walk_of_inputs_follows_each_link_once_and_never_in_a_circle)
{
    ag_err err = {0};
    const char *dir = make_tree();
    ag_buf list;
    ag_buf_init(&list, 1000);
    AG_EXPECT_OK(ag_dir_make(in(dir, "outside/below"), &err));
    touch(in(dir, "outside/below/more"));
    assert_int_equal(symlink("../../t", in(dir, "outside/below/back")), 0); /* leads to what is walked */
    assert_int_equal(symlink("../outside/below", in(dir, "t/out2")), 0);    /* is within what "out" has led to */
    assert_int_equal(symlink("a", in(dir, "t/b")), 0);                      /* lies here */
    assert_int_equal(symlink("..", in(dir, "t/whole")), 0);                 /* holds the walk itself */
    AG_EXPECT_OK(ag_dir_walk_inputs(in(dir, "t"), append_kind, &list, &err));
    assert_string_equal(list.data, "a-b a.b a/2 a/deep/1 lost(broken) out/below/more out/keep whole(locked) y z ");
    ag_buf_deinit(&list);
}

AG_TEST(test_dir__a_walk_tells_of_locked_directories_or_ends_at_them)
{
    ag_err err = {0}, ended = {0};
    const char *dir = make_tree();
    ag_buf list, cut;
    ag_buf_init(&list, 1000);
    ag_buf_init(&cut, 1000);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(chmod(in(dir, "t/a/deep"), 0), 0);
    int here = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(chdir(dir), 0);
    bool root = geteuid() == 0;
    if (root) assert_int_equal(seteuid(65534), 0);
    int all = ag_dir_walk_inputs("t", append_kind, &list, &err), strict = ag_dir_walk("t", append_kind, &cut, &ended);
    int below = ag_dir_walk_inputs("t/a/deep", append_kind, &cut, NULL); /* the root itself must open */
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(fchdir(here), 0);
    close(here);
    assert_int_equal(chmod(in(dir, "t/a/deep"), 0755), 0);
    AG_EXPECT_OK(all);
    assert_string_equal(list.data, "a-b a.b a/2 a/deep(locked) a/up(locked) lost(broken) out(locked) y z ");
    assert_int_equal(strict, AG_EDENIED);
    assert_string_equal(ended.text, "cannot open 'a/deep/' below 't': Permission denied");
    assert_string_equal(cut.data, "a-b a.b a/2 ");
    assert_int_equal(below, AG_EDENIED);
    ag_buf_deinit(&list);
    ag_buf_deinit(&cut);
}

AG_TEST(test_dir__remove_never_follows_a_link)
{
    ag_err err = {0};
    const char *dir = make_tree();
    AG_EXPECT_OK(ag_dir_remove(in(dir, "t"), &err));
    assert_false(ag_file_exists(in(dir, "t")));
    assert_true(ag_file_exists(in(dir, "outside/keep")));
    AG_EXPECT_OK(ag_dir_remove(in(dir, "t"), &err));
    assert_int_equal(symlink("outside", in(dir, "link")), 0);
    AG_EXPECT_ERROR(ag_dir_remove(in(dir, "link"), &err), AG_EINVAL, "not a directory");
    AG_EXPECT_ERROR(ag_dir_remove(in(dir, "outside/keep"), &err), AG_EINVAL, "not a directory");
    assert_true(ag_file_exists(in(dir, "outside/keep")));
}

AG_TEST(test_dir__too_deep_is_refused)
{
    ag_err err = {0};
    const char *dir = ag_test_dir();
    char path[4200];
    size_t at = (size_t)snprintf(path, sizeof(path), "%s", dir);
    for (int i = 0; i < 300; i++) at += (size_t)snprintf(path + at, sizeof(path) - at, "/d");
    AG_EXPECT_OK(ag_dir_make(path, &err));
    int visits = 0;
    AG_EXPECT_ERROR(ag_dir_walk(dir, stop, &visits, &err), AG_ELIMIT, "nested deeper");
    AG_EXPECT_ERROR(ag_dir_remove(dir, &err), AG_ELIMIT, "nested deeper");
    path[strlen(dir) + 200] = '\0'; /* in two steps it goes */
    AG_EXPECT_OK(ag_dir_remove(path, &err));
}

AG_TEST(test_dir__temporary)
{
    ag_err err = {0};
    char *a = NULL, *b = NULL;
    struct stat info;
    AG_EXPECT_OK(ag_dir_temporary("auger-x-", &a, &err));
    AG_EXPECT_OK(ag_dir_temporary("auger-x-", &b, &err));
    assert_string_not_equal(a, b);
    assert_int_equal(stat(a, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_non_null(strstr(a, "/auger-x-"));
    AG_EXPECT_ERROR(ag_dir_temporary("a/b", &a, &err), AG_EINVAL, "'a/b'");
    AG_EXPECT_OK(ag_dir_remove(a, &err));
    AG_EXPECT_OK(ag_dir_remove(b, &err));
    ag_free(a);
    ag_free(b);
}

static int walk_it(void *context, ag_err *err)
{
    ag_buf list;
    ag_buf_init(&list, 1000);
    int rc = ag_dir_walk(context, append, &list, err);
    if (rc >= 0 && strcmp(list.data, "a-b a.b a/2 a/deep/1 y@ z ") != 0)
        rc = ag_fail(err, AG_EINTERNAL, "'%s'", list.data);
    ag_buf_deinit(&list);
    return rc;
}

static int make_and_remove(void *context, ag_err *err)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/a/b", (char *)context);
    int rc = ag_dir_make(path, err);
    if (rc < 0) return rc;
    snprintf(path, sizeof(path), "%s/a", (char *)context);
    return ag_dir_remove(path, err);
}

AG_TEST(test_dir__every_failure_is_reported)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/t", make_tree());
    uint64_t rounds = ag_test_fail_at_n(AG_FAULT_ANY, walk_it, NULL, path);
    if (ag_fault_available()) assert_true(rounds > 20);
    ag_test_fail_at_n(AG_FAULT_ANY, make_and_remove, NULL, path);
}
