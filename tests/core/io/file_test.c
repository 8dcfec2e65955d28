// SPDX-License-Identifier: Apache-2.0
/* file_test.c: single files, replace and locks, as an enemy would treat them: every call failing in turn, a full disk,
 * a process killed in the middle, links in the way. */
#include "frame/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/stream.h"

static const char *in(const char *dir, const char *name)
{
    static char path[4][4200];
    static unsigned at;
    char *to = path[at++ % 4];
    snprintf(to, sizeof(path[0]), "%s/%s", dir, name);
    return to;
}

static void is_content(const char *path, const char *wanted)
{
    ag_err err = {0};
    ag_buf buf;
    ag_buf_init(&buf, 1000000);
    AG_EXPECT_OK(ag_file_read(path, 1000000, &buf, &err));
    assert_string_equal(buf.data ? buf.data : "", wanted);
    ag_buf_deinit(&buf);
}

static size_t count_names(const char *dir)
{
    ag_err err = {0};
    ag_vec names;
    ag_vec_init(&names, sizeof(char *));
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_dir_list(dir, arena, &names, &err));
    size_t count = names.count;
    ag_vec_deinit(&names);
    ag_arena_free(arena);
    return count;
}

AG_TEST(test_file__read_respects_the_limit)
{
    ag_err err = {0};
    ag_buf buf;
    const char *path = in(ag_test_dir(), "f");
    AG_EXPECT_OK(ag_file_replace(path, "0123456789", 10, &err));
    ag_buf_init(&buf, 100);
    ag_buf_add_text(&buf, "kept");
    AG_EXPECT_OK(ag_file_read(path, 10, &buf, &err));
    assert_string_equal(buf.data, "kept0123456789");
    AG_EXPECT_ERROR(ag_file_read(path, 9, &buf, &err), AG_ELIMIT, "larger than 9");
    assert_string_equal(buf.data, "kept0123456789"); /* as before */
    ag_buf_deinit(&buf);
    ag_buf_init(&buf, 10);
    AG_EXPECT_OK(ag_file_read(path, 1000, &buf, &err));
    ag_buf_clear(&buf);
    buf.max = 9;
    AG_EXPECT_ERROR(ag_file_read(path, 1000, &buf, &err), AG_ELIMIT, "larger than 9");
    AG_EXPECT_ERROR(ag_file_read("/", 1000, &buf, &err), AG_EIO, "'/'");
    AG_EXPECT_ERROR(ag_file_read(in(ag_test_dir(), "no"), 1000, &buf, &err), AG_ENOTFOUND, "/no'");
    ag_buf_deinit(&buf);
}

AG_TEST(test_file__read_of_a_pipe)
{
    ag_err err = {0};
    ag_buf buf;
    char path[64];
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    close(fds[1]);
    snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
    ag_buf_init(&buf, 100);
    AG_EXPECT_OK(ag_file_read(path, 100, &buf, &err));
    assert_string_equal(buf.data, "abc");
    close(fds[0]);
    ag_buf_deinit(&buf);
}

AG_TEST(test_file__map)
{
    ag_err err = {0};
    ag_mapping map;
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_file_replace(in(dir, "f"), "abc", 3, &err));
    AG_EXPECT_OK(ag_map_file(in(dir, "f"), &map, &err));
    assert_int_equal(map.size, 3);
    assert_memory_equal(map.data, "abc", 3);
    AG_EXPECT_OK(ag_file_replace(in(dir, "f"), "other", 5, &err));
    assert_memory_equal(map.data, "abc", 3); /* a replaced file stays mapped */
    ag_unmap_file(&map);
    ag_unmap_file(&map);
    AG_EXPECT_OK(ag_file_replace(in(dir, "f"), "", 0, &err));
    AG_EXPECT_OK(ag_map_file(in(dir, "f"), &map, &err));
    assert_string_equal(map.data, "");
    ag_unmap_file(&map);
    AG_EXPECT_ERROR(ag_map_file(dir, &map, &err), AG_EINVAL, "a directory, not a file");
    assert_int_equal(mkfifo(in(dir, "pipe"), 0600), 0);
    AG_EXPECT_ERROR(ag_map_file(in(dir, "pipe"), &map, &err), AG_EINVAL, "not a regular file");
}

AG_TEST(test_file__stat_remove_rename)
{
    ag_err err = {0};
    ag_file_info info;
    const char *dir = ag_test_dir();
    uint64_t room = 0;
    AG_EXPECT_OK(ag_file_replace(in(dir, "f"), "abc", 3, &err));
    assert_int_equal(symlink("f", in(dir, "link")), 0);
    assert_int_equal(symlink("none", in(dir, "lost")), 0);
    AG_EXPECT_OK(ag_file_stat(in(dir, "link"), &info, &err));
    assert_true(info.is_link && info.is_regular && !info.is_directory && info.size == 3);
    assert_true(info.modified > INT64_C(1500000000000000));
    AG_EXPECT_OK(ag_file_stat(dir, &info, &err));
    assert_true(info.is_directory && !info.is_link);
    AG_EXPECT_ERROR(ag_file_stat(in(dir, "lost"), &info, &err), AG_ENOTFOUND, "lost");
    assert_true(ag_file_exists(in(dir, "f")) && !ag_file_exists(in(dir, "none")));
    AG_EXPECT_OK(ag_file_rename(in(dir, "f"), in(dir, "g"), &err));
    AG_EXPECT_OK(ag_file_remove(in(dir, "g"), &err));
    AG_EXPECT_ERROR(ag_file_remove(in(dir, "g"), &err), AG_ENOTFOUND, "cannot remove");
    AG_EXPECT_ERROR(ag_file_rename(in(dir, "g"), in(dir, "h"), &err), AG_ENOTFOUND, "cannot rename");
    AG_EXPECT_OK(ag_disk_free(dir, &room, &err));
    assert_true(room > 0);
    AG_EXPECT_ERROR(ag_disk_free(in(dir, "none"), &room, &err), AG_ENOTFOUND, "none");
}

AG_TEST(test_file__replace_keeps_permissions_and_replaces_a_link_itself)
{
    ag_err err = {0};
    struct stat info;
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_file_replace(in(dir, "f"), "1", 1, &err));
    assert_int_equal(chmod(in(dir, "f"), 0640), 0);
    AG_EXPECT_OK(ag_file_replace(in(dir, "f"), "2", 1, &err));
    assert_int_equal(stat(in(dir, "f"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(symlink("f", in(dir, "link")), 0);
    AG_EXPECT_OK(ag_file_replace(in(dir, "link"), "3", 1, &err));
    is_content(in(dir, "f"), "2");
    is_content(in(dir, "link"), "3");
    assert_int_equal(count_names(dir), 2);
    AG_EXPECT_ERROR(ag_file_replace(dir, "x", 1, &err), AG_EINVAL, "is a directory");
    AG_EXPECT_ERROR(ag_file_replace(in(dir, ""), "x", 1, &err), AG_EINVAL, "does not name a file");
    AG_EXPECT_ERROR(ag_file_replace(in(dir, "no/f"), "x", 1, &err), AG_ENOTFOUND, "its directory");
    assert_int_equal(count_names(dir), 2);
}

AG_TEST(test_file__replace_refuses_what_is_no_file)
{
    ag_err err = {0};
    struct stat info;
    const char *dir = ag_test_dir();
    assert_int_equal(mkfifo(in(dir, "pipe"), 0600), 0);
    assert_int_equal(symlink("/dev/null", in(dir, "null")), 0);
    assert_int_equal(symlink("pipe", in(dir, "out")), 0);
    static const char *const names[] = {"pipe", "null", "out"};
    for (size_t i = 0; i < 3; i++) {
        AG_EXPECT_ERROR(ag_file_replace(in(dir, names[i]), "x", 1, &err), AG_EINVAL, "a device or a pipe");
        AG_EXPECT_ERROR(ag_replace_check(in(dir, names[i]), &err), AG_EINVAL, names[i]);
    }
    assert_int_equal(lstat(in(dir, "pipe"), &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(lstat(in(dir, "null"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(symlink("nowhere", in(dir, "lost")), 0); /* a link to nothing may become a file */
    AG_EXPECT_OK(ag_file_replace(in(dir, "lost"), "x", 1, &err));
    assert_int_equal(count_names(dir), 4);
}

AG_TEST(test_file__a_place_is_checked_without_leaving_anything)
{
    ag_err err = {0};
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_replace_check(in(dir, "f"), &err));
    assert_int_equal(count_names(dir), 0);
    AG_EXPECT_OK(ag_file_replace(in(dir, "f"), "old", 3, &err));
    AG_EXPECT_OK(ag_replace_check(in(dir, "f"), &err));
    is_content(in(dir, "f"), "old");
    AG_EXPECT_ERROR(ag_replace_check(in(dir, "no/f"), &err), AG_ENOTFOUND, "its directory");
    AG_EXPECT_ERROR(ag_replace_check(in(dir, "f/g"), &err), AG_ENOTFOUND, "its directory");
    AG_EXPECT_ERROR(ag_replace_check(dir, &err), AG_EINVAL, "is a directory");
    assert_int_equal(count_names(dir), 1);
}

AG_TEST(test_file__what_may_not_be_looked_at_is_not_taken_as_absent)
{
    const char *dir = ag_test_dir();
    assert_int_equal(symlink("b", in(dir, "a")), 0);
    assert_int_equal(symlink("a", in(dir, "b")), 0);
    assert_true(ag_file_exists(in(dir, "a"))); /* a circle: opening it tells so */
    assert_false(ag_file_exists(in(dir, "none")));
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(in(dir, "f"), "x", 1, &err));
    assert_false(ag_file_exists(in(dir, "f/below")));
    AG_EXPECT_OK(ag_dir_make(in(dir, "locked/in"), &err));
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(chmod(in(dir, "locked"), 0), 0);
    int here = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(chdir(dir), 0);
    bool root = geteuid() == 0;
    if (root) assert_int_equal(seteuid(65534), 0);
    bool there = ag_file_exists("locked/in"), nothing = ag_file_exists("none");
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(fchdir(here), 0);
    close(here);
    assert_int_equal(chmod(in(dir, "locked"), 0755), 0);
    assert_true(there);
    assert_false(nothing);
}

AG_TEST(test_file__replace_is_invisible_until_committed)
{
    ag_err err = {0};
    const char *dir = ag_test_dir();
    ag_replace *replace = NULL;
    AG_EXPECT_OK(ag_file_replace(in(dir, "f"), "old", 3, &err));
    AG_EXPECT_OK(ag_replace_open(in(dir, "f"), &replace, &err));
    AG_EXPECT_OK(ag_replace_write(replace, "newer", 5, &err));
    AG_EXPECT_OK(ag_replace_write_at(replace, 1, "EW", 2, &err));
    AG_EXPECT_OK(ag_replace_write(replace, "!", 1, &err));
    is_content(in(dir, "f"), "old");
    AG_EXPECT_OK(ag_replace_commit(replace, &err));
    is_content(in(dir, "f"), "nEWer!");
    AG_EXPECT_ERROR(ag_replace_commit(replace, &err), AG_ECONFLICT, "already");
    AG_EXPECT_ERROR(ag_replace_write(replace, "x", 1, &err), AG_ECONFLICT, "already");
    ag_replace_free(replace);
    AG_EXPECT_OK(ag_replace_open(in(dir, "f"), &replace, &err));
    AG_EXPECT_OK(ag_replace_write(replace, "dropped", 7, &err));
    assert_int_equal(count_names(dir), 2);
    ag_replace_free(replace);
    assert_int_equal(count_names(dir), 1);
    is_content(in(dir, "f"), "nEWer!");
}

AG_TEST(test_file__temporary_names_are_known)
{
    assert_true(ag_file_is_temporary(".auger-0123456789abcdef.tmp"));
    assert_true(ag_file_is_temporary("a/.auger-0123456789abcdef.tmp"));
    assert_false(ag_file_is_temporary(".auger-0123456789abcdeg.tmp"));
    assert_false(ag_file_is_temporary(".auger-0123456789abcde.tmp"));
    assert_false(ag_file_is_temporary("auger.db"));
    assert_false(ag_file_is_temporary(""));
}

typedef struct replace_case {
    const char *dir;
    char path[4200];
} replace_case;

static int replace_it(void *context, ag_err *err)
{
    return ag_file_replace(((replace_case *)context)->path, "new", 3, err);
}

/* Old or new, whole, and no temporary file left. */
static void check_replaced(void *context)
{
    replace_case *c = context;
    ag_err err = {0};
    ag_buf buf;
    ag_buf_init(&buf, 100);
    AG_EXPECT_OK(ag_file_read(c->path, 100, &buf, &err));
    assert_true(ag_str_is(ag_buf_str(&buf), "old") || ag_str_is(ag_buf_str(&buf), "new"));
    ag_buf_deinit(&buf);
    assert_int_equal(count_names(c->dir), 1);
    AG_EXPECT_OK(ag_file_replace(c->path, "old", 3, &err));
}

AG_TEST(test_file__replace_survives_every_failure)
{
    ag_err err = {0};
    replace_case c = {.dir = ag_test_dir()};
    snprintf(c.path, sizeof(c.path), "%s/f", c.dir);
    AG_EXPECT_OK(ag_file_replace(c.path, "old", 3, &err));
    uint64_t rounds = ag_test_fail_at_n(AG_FAULT_ANY, replace_it, check_replaced, &c);
    if (ag_fault_available()) assert_true(rounds > 8);
    is_content(c.path, "new");
}

static int read_it(void *context, ag_err *err)
{
    ag_buf buf;
    ag_mapping map;
    ag_file_info info;
    ag_buf_init(&buf, 100);
    int rc = ag_file_read(context, 100, &buf, err);
    if (rc >= 0) rc = ag_file_stat(context, &info, err);
    if (rc >= 0) rc = ag_map_file(context, &map, err);
    if (rc >= 0) ag_unmap_file(&map);
    ag_buf_deinit(&buf);
    return rc;
}

static int lock_it(void *context, ag_err *err)
{
    ag_lock *lock = NULL;
    int rc = ag_lock_take(context, 0, &lock, err);
    ag_lock_release(lock);
    return rc;
}

AG_TEST(test_file__read_map_lock_report_every_failure)
{
    ag_err err = {0};
    char path[4200];
    snprintf(path, sizeof(path), "%s/f", ag_test_dir());
    AG_EXPECT_OK(ag_file_replace(path, "x", 1, &err));
    ag_test_fail_at_n(AG_FAULT_ANY, read_it, NULL, path);
    ag_test_fail_at_n(AG_FAULT_ANY, lock_it, NULL, path);
}

/* A child replaces a file over and over, with content whose every byte is the same; killed at any moment, the file must
 * be whole. */
static _Noreturn void replace_for_ever(const char *path)
{
    static char block[20000];
    for (unsigned i = 0;; i++) {
        memset(block, 'a' + (int)(i % 26), sizeof(block));
        if (ag_file_replace(path, block, 10000 + i % 2 * 10000, NULL) < 0) _exit(1);
    }
}

AG_TEST(test_file__a_killed_process_leaves_a_whole_file)
{
    ag_err err = {0};
    const char *dir = ag_test_dir();
    char path[4200];
    snprintf(path, sizeof(path), "%s/f", dir);
    AG_EXPECT_OK(ag_file_replace(path, "", 0, &err));
    for (int round = 0; round < 60; round++) {
        pid_t child = fork();
        if (child == 0) replace_for_ever(path);
        assert_true(child > 0);
        usleep((useconds_t)(1000 + round * 391 % 12000));
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        ag_mapping map;
        AG_EXPECT_OK(ag_map_file(path, &map, &err));
        assert_true(map.size == 0 || map.size == 10000 || map.size == 20000);
        for (size_t i = 1; i < map.size; i++) assert_int_equal(map.data[i], map.data[0]);
        ag_unmap_file(&map);
    }
    ag_vec names;
    ag_arena *arena = ag_arena_new(0);
    ag_vec_init(&names, sizeof(char *));
    AG_EXPECT_OK(ag_dir_list(dir, arena, &names, &err));
    for (size_t i = 0; i < names.count; i++) { /* what is left over is known by its name */
        const char *name = *(const char **)ag_vec_at(&names, i);
        assert_true(!strcmp(name, "f") || ag_file_is_temporary(name));
    }
    ag_vec_deinit(&names);
    ag_arena_free(arena);
}

AG_TEST(test_file__a_full_disk_keeps_the_old_file)
{
    ag_err err = {0};
    const char *dir = ag_test_dir();
    if (mount("tmpfs", dir, "tmpfs", 0, "size=256k") < 0) ag_test_skip("a tmpfs cannot be mounted here");
    char *large = ag_calloc(1, 1 << 20);
    int rc = ag_file_replace(in(dir, "f"), "old", 3, &err);
    int full = ag_file_replace(in(dir, "f"), large, 1 << 20, &err);
    size_t names = count_names(dir);
    ag_buf buf;
    ag_buf_init(&buf, 100);
    int read = ag_file_read(in(dir, "f"), 100, &buf, NULL);
    assert_int_equal(umount(dir), 0);
    assert_int_equal(rc, AG_OK);
    AG_EXPECT_ERROR(full, AG_EFULL, "cannot write");
    assert_int_equal(names, 1);
    assert_int_equal(read, AG_OK);
    assert_string_equal(buf.data, "old");
    ag_buf_deinit(&buf);
    ag_free(large);
}

AG_TEST(test_file__a_read_only_directory_is_a_clear_error)
{
    ag_err err = {0};
    const char *dir = ag_test_dir();
    if (geteuid() == 0) {
        if (mount("tmpfs", dir, "tmpfs", MS_RDONLY, "size=64k") < 0)
            ag_test_skip("root writes everywhere, and a read-only tmpfs cannot be mounted here");
    } else {
        chmod(dir, 0500);
    }
    int replaced = ag_file_replace(in(dir, "f"), "x", 1, &err);
    ag_err made_err = {0};
    int made = ag_dir_make(in(dir, "a/b"), &made_err);
    if (geteuid() == 0)
        umount(dir);
    else
        chmod(dir, 0700);
    AG_EXPECT_ERROR(replaced, AG_EDENIED, "no file can be made in its directory");
    err = made_err;
    AG_EXPECT_ERROR(made, AG_EDENIED, "/a'");
}

AG_TEST(test_lock__excludes_others_and_ends_with_its_holder)
{
    ag_err err = {0};
    char path[4200];
    snprintf(path, sizeof(path), "%s/lock", ag_test_dir());
    ag_lock *lock = NULL, *other = NULL;
    AG_EXPECT_OK(ag_lock_take(path, 0, &lock, &err));
    AG_EXPECT_ERROR(ag_lock_take(path, 0, &other, &err), AG_ECONFLICT, "locked by another");
    AG_EXPECT_ERROR(ag_lock_take(path, 20000, &other, &err), AG_ECONFLICT, "locked by another");
    ag_lock_release(lock);
    AG_EXPECT_OK(ag_lock_take(path, 0, &lock, &err));
    ag_lock_release(lock);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) { /* holds the lock until it is killed */
        if (ag_lock_take(path, 0, &other, NULL) < 0 || write(fds[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    char ready;
    assert_int_equal(read(fds[0], &ready, 1), 1);
    AG_EXPECT_ERROR(ag_lock_take(path, 0, &lock, &err), AG_ECONFLICT, "locked by another");
    kill(child, SIGKILL);
    AG_EXPECT_OK(ag_lock_take(path, 10000000, &lock, &err));
    waitpid(child, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    unlink(path); /* a swapped lock file is noticed: the next one locks the new file */
    AG_EXPECT_OK(ag_lock_take(path, 0, &other, &err));
    ag_lock_release(lock);
    ag_lock_release(other);
    ag_lock_release(NULL);
    AG_EXPECT_ERROR(ag_lock_take("/proc/none/lock", 0, &lock, &err), AG_ENOTFOUND, "lock file");
}

static void on_alarm(int signal)
{
    (void)signal;
}

/* Writing to a pipe whose reader is slow, with signals every millisecond: short writes and EINTR must not show. */
AG_TEST(test_lock__of_a_directory_leaves_nothing_in_it)
{
    ag_err err = {0};
    ag_lock *mine = NULL, *other = NULL;
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_lock_directory(dir, &mine, &err));
    AG_EXPECT_ERROR(ag_lock_directory(dir, &other, &err), AG_ECONFLICT, "is in use by another process");
    assert_int_equal(count_names(dir), 0);
    ag_lock_release(mine);
    AG_EXPECT_OK(ag_lock_directory(dir, &other, &err));
    ag_lock_release(other);
    AG_EXPECT_ERROR(ag_lock_directory(in(dir, "none"), &mine, &err), AG_ENOTFOUND, "none");
}

AG_TEST(test_file__signals_and_short_writes_lose_nothing)
{
    ag_err err = {0};
    enum { SIZE = 1 << 20 };
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    char *bytes = ag_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) bytes[i] = (char)(i * 31 + i / 977);
    pid_t child = fork();
    if (child == 0) { /* the other end: non-blocking, reads odd sizes, compares */
        char piece[3777];
        size_t done = 0;
        ag_reader *reader;
        close(fds[1]);
        fcntl(fds[0], F_SETFL, O_NONBLOCK);
        if (ag_reader_of_fd(fds[0], &reader, NULL) < 0) _exit(2);
        ptrdiff_t got;
        while ((got = ag_read(reader, piece, sizeof(piece), NULL)) > 0) {
            if (memcmp(piece, bytes + done, (size_t)got) != 0) _exit(3);
            done += (size_t)got;
            if (done % 5 == 0) usleep(100);
        }
        _exit(got == 0 && done == SIZE ? 0 : 4);
    }
    close(fds[0]);
    struct sigaction action = {.sa_handler = on_alarm}, before; /* no SA_RESTART */
    sigaction(SIGALRM, &action, &before);
    struct itimerval every = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &every, NULL);
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    ag_writer *writer = NULL;
    AG_EXPECT_OK(ag_writer_to_fd(fds[1], &writer, &err));
    AG_EXPECT_OK(ag_write(writer, bytes, SIZE, &err));
    close(fds[1]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_int_equal(status, 0);
    ag_writer_close(writer);
    ag_free(bytes);
}
