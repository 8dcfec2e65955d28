// SPDX-License-Identifier: Apache-2.0
/* stream_test.c */
#include "frame/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

AG_TEST(test_stream__memory_in_pieces)
{
    ag_err err = {0};
    ag_reader *reader = NULL;
    char piece[8];
    AG_EXPECT_OK(ag_reader_of_memory("0123456789", 10, &reader, &err));
    assert_int_equal(ag_read(reader, piece, 0, &err), 0);
    assert_int_equal(ag_read_full(reader, piece, 7, &err), 7);
    assert_memory_equal(piece, "0123456", 7);
    assert_int_equal(ag_read_full(reader, piece, 8, &err), 3);
    assert_int_equal(ag_read(reader, piece, 8, &err), 0);
    ag_reader_close(reader);
    AG_EXPECT_OK(ag_reader_of_memory(NULL, 0, &reader, &err));
    assert_int_equal(ag_read(reader, piece, 8, &err), 0);
    ag_reader_close(reader);
    ag_reader_close(NULL);
    ag_writer_close(NULL);
}

AG_TEST(test_stream__read_all_respects_the_maximum)
{
    ag_err err = {0};
    ag_reader *reader = NULL;
    ag_buf buf;
    for (size_t max = 9; max < 12; max++) {
        AG_EXPECT_OK(ag_reader_of_memory("0123456789", 10, &reader, &err));
        ag_buf_init(&buf, max);
        if (max < 10)
            AG_EXPECT_ERROR(ag_read_all(reader, &buf, &err), AG_ELIMIT, "larger than 9");
        else
            AG_EXPECT_OK(ag_read_all(reader, &buf, &err));
        assert_int_equal(buf.size, max < 10 ? 0 : 10);
        ag_buf_deinit(&buf);
        ag_reader_close(reader);
    }
}

AG_TEST(test_stream__files_and_ranges)
{
    ag_err err = {0};
    ag_reader *reader = NULL;
    ag_buf buf;
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_file_replace(in(dir, "f"), "0123456789", 10, &err));
    ag_buf_init(&buf, 100);
    AG_EXPECT_OK(ag_reader_of_file(in(dir, "f"), &reader, &err));
    AG_EXPECT_OK(ag_read_all(reader, &buf, &err));
    assert_string_equal(buf.data, "0123456789");
    ag_reader_close(reader);
    ag_buf_clear(&buf);
    AG_EXPECT_OK(ag_reader_of_range(in(dir, "f"), 3, 4, &reader, &err));
    AG_EXPECT_OK(ag_read_all(reader, &buf, &err));
    assert_string_equal(buf.data, "3456");
    ag_reader_close(reader);
    AG_EXPECT_OK(ag_reader_of_range(in(dir, "f"), 8, 4, &reader, &err));
    AG_EXPECT_ERROR(ag_read_all(reader, &buf, &err), AG_ECORRUPT, "2 bytes too early");
    ag_reader_close(reader);
    AG_EXPECT_OK(ag_reader_of_range(in(dir, "f"), 100, 0, &reader, &err));
    AG_EXPECT_OK(ag_read_all(reader, &buf, &err));
    ag_reader_close(reader);
    AG_EXPECT_ERROR(ag_reader_of_range(in(dir, "f"), UINT64_MAX, 2, &reader, &err), AG_EINVAL, "beyond any file");
    AG_EXPECT_ERROR(ag_reader_of_file(in(dir, "none"), &reader, &err), AG_ENOTFOUND, "none");
    ag_buf_deinit(&buf);
}

AG_TEST(test_stream__a_file_is_visible_after_finish_only)
{
    ag_err err = {0};
    const char *dir = ag_test_dir();
    ag_writer *writer = NULL;
    AG_EXPECT_OK(ag_writer_to_file(in(dir, "f"), &writer, &err));
    AG_EXPECT_OK(ag_write(writer, "abc", 3, &err));
    assert_false(ag_file_exists(in(dir, "f")));
    ag_writer_close(writer);
    assert_false(ag_file_exists(in(dir, "f")));
    AG_EXPECT_OK(ag_writer_to_file(in(dir, "f"), &writer, &err));
    AG_EXPECT_OK(ag_write(writer, "abc", 3, &err));
    AG_EXPECT_OK(ag_finish(writer, &err));
    ag_writer_close(writer);
    is_content(in(dir, "f"), "abc");
    AG_EXPECT_ERROR(ag_writer_to_file(in(dir, "no/f"), &writer, &err), AG_ENOTFOUND, "/no'");
}

AG_TEST(test_stream__a_full_buffer_and_a_closed_pipe_fail)
{
    ag_err err = {0};
    ag_buf buf;
    ag_writer *writer = NULL;
    int fds[2];
    ag_buf_init(&buf, 4);
    AG_EXPECT_OK(ag_writer_to_buf(&buf, &writer, &err));
    AG_EXPECT_OK(ag_write(writer, "1234", 4, &err));
    AG_EXPECT_ERROR(ag_write(writer, "5", 1, &err), AG_ELIMIT, "4 bytes");
    AG_EXPECT_OK(ag_finish(writer, &err));
    ag_writer_close(writer);
    ag_buf_deinit(&buf);
    assert_int_equal(pipe(fds), 0);
    AG_EXPECT_OK(ag_writer_to_fd(fds[0], &writer, &err)); /* the end that cannot be written */
    AG_EXPECT_ERROR(ag_write(writer, "5", 1, &err), AG_EIO, "cannot write");
    ag_writer_close(writer);
    close(fds[0]);
    close(fds[1]);
}

static int copy_file(void *context, ag_err *err)
{
    ag_reader *reader = NULL;
    ag_writer *writer = NULL;
    uint64_t copied = 0;
    int rc = ag_reader_of_file(in(context, "from"), &reader, err);
    if (rc >= 0) rc = ag_writer_to_file(in(context, "to"), &writer, err);
    if (rc >= 0) rc = ag_copy(reader, writer, &copied, err);
    if (rc >= 0) rc = ag_finish(writer, err);
    if (rc >= 0 && copied != 200000) rc = ag_fail(err, AG_EINTERNAL, "copied %llu", (unsigned long long)copied);
    ag_reader_close(reader);
    ag_writer_close(writer);
    return rc;
}

static void check_copy(void *context)
{
    ag_err err = {0};
    ag_file_info info;
    int rc = ag_file_stat(in(context, "to"), &info, &err);
    assert_true(rc == AG_ENOTFOUND || info.size == 200000);
    unlink(in(context, "to"));
}

AG_TEST(test_stream__copy_survives_every_failure)
{
    ag_err err = {0};
    static char bytes[200000];
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_file_replace(in(dir, "from"), bytes, sizeof(bytes), &err));
    uint64_t rounds = ag_test_fail_at_n(AG_FAULT_ANY, copy_file, check_copy, (void *)(uintptr_t)dir);
    if (ag_fault_available()) assert_true(rounds > 15);
}
