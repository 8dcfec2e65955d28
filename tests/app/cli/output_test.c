// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/output.h"

static ag_err err;

AG_TEST(test_output__all_bytes_arrive_in_order)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    ag_output output;
    ag_output_init(&output, ends[1], "the pipe");
    ag_output_add(&output, AG_STR("a\0b"));
    ag_output_addf(&output, "%d\n", 7);
    AG_EXPECT_OK(ag_output_flush(&output, &err));
    char got[16];
    assert_int_equal(read(ends[0], got, sizeof(got)), 5);
    assert_memory_equal(got, "a\0b7\n", 5);
    ag_output_deinit(&output);
    close(ends[0]);
    close(ends[1]);
}

AG_TEST(test_output__a_reader_that_left_is_silence)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    ag_output output;
    ag_output_init(&output, ends[1], "the pipe");
    ag_output_add(&output, AG_STR("x"));
    AG_EXPECT_OK(ag_output_flush(&output, &err));
    assert_true(output.hung_up);
    for (int i = 0; i < 100000; i++) ag_output_add(&output, AG_STR("nobody reads this"));
    assert_int_equal(output.buf.size, 0);
    AG_EXPECT_OK(ag_output_flush(&output, &err));
    ag_output_deinit(&output);
    close(ends[1]);
    signal(SIGPIPE, before);
}

AG_TEST(test_output__a_full_disk_sticks)
{
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0) ag_test_skip("/dev/full is not there");
    ag_output output;
    ag_output_init(&output, fd, "standard output");
    ag_output_add(&output, AG_STR("x"));
    AG_EXPECT_ERROR(ag_output_flush(&output, &err), AG_EFULL, "cannot write to standard output");
    ag_output_add(&output, AG_STR("y"));
    err = (ag_err){0};
    AG_EXPECT_ERROR(ag_output_flush(&output, &err), AG_EFULL, "cannot write to standard output");
    ag_output_deinit(&output);
    close(fd);
}

AG_TEST(test_output__a_closed_descriptor_fails)
{
    int fd = open("/dev/null", O_RDONLY);
    ag_output output;
    ag_output_init(&output, fd, "standard output");
    ag_output_addf(&output, "%s", "x");
    AG_EXPECT_ERROR(ag_output_flush(&output, &err), AG_EIO, "cannot write to standard output");
    AG_EXPECT_ERROR(ag_output_flush(&output, NULL), AG_EIO, "");
    ag_output_deinit(&output);
    close(fd);
}

AG_TEST(test_output__much_is_written_on_the_way)
{
    int fd = open("/dev/null", O_WRONLY);
    ag_output output;
    ag_output_init(&output, fd, "nothing");
    size_t most = 0;
    for (int i = 0; i < 100000; i++) {
        ag_output_add(&output, AG_STR("0123456789"));
        if (output.buf.size > most) most = output.buf.size;
    }
    assert_true(most < 70000);
    AG_EXPECT_OK(ag_output_flush(&output, &err));
    ag_output_deinit(&output);
    close(fd);
}

AG_TEST(test_output__colours_follow_the_mode)
{
    ag_output output;
    ag_output_init(&output, -1, "kept");
    assert_false(output.color); /* not a terminal */
    ag_output_style(&output, AG_STYLE_BAD, "x");
    ag_output_set_color(&output, "always");
    ag_output_style(&output, AG_STYLE_BAD, "y");
    ag_output_style(&output, AG_STYLE_PLAIN, "z");
    ag_output_set_color(&output, "never");
    ag_output_style(&output, AG_STYLE_GOOD, "w");
    assert_string_equal(output.buf.data, "x\033[31my\033[0mzw");
    ag_output_deinit(&output);
}

AG_TEST(test_output__widths_stay_readable)
{
    const char *before = getenv("COLUMNS");
    char *kept = before ? strdup(before) : NULL;
    const struct {
        const char *columns;
        size_t wanted;
    } cases[] = {{"100", 100}, {"5", 40}, {"9000", 120}, {"-3", 80}, {"wide", 80}, {"", 80}};
    int fd = open("/dev/null", O_WRONLY);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        setenv("COLUMNS", cases[i].columns, 1);
        ag_output output;
        ag_output_init(&output, fd, "nothing");
        assert_int_equal(output.columns, cases[i].wanted);
        ag_output_deinit(&output);
    }
    close(fd);
    if (kept)
        setenv("COLUMNS", kept, 1);
    else
        unsetenv("COLUMNS");
    free(kept);
}

static int print_much(void *context, ag_err *failure)
{
    (void)context;
    int fd = open("/dev/null", O_WRONLY);
    ag_output output;
    ag_output_init(&output, fd, "nothing");
    for (int i = 0; i < 20000; i++) ag_output_addf(&output, "line %d\n", i);
    int rc = ag_output_flush(&output, failure);
    ag_output_deinit(&output);
    close(fd);
    return rc;
}

AG_TEST(test_output__every_failing_call_is_told)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, print_much, NULL, NULL);
}
