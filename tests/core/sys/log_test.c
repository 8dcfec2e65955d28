// SPDX-License-Identifier: Apache-2.0
#include "core/sys/log.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/str.h"
#include "frame/test.h"

static int pipe_ends[2];
static char text[1 << 16];

static void start(ag_log_level level, ag_log_format format)
{
    assert_int_equal(pipe(pipe_ends), 0);
    ag_log_setup(level, format, pipe_ends[1]);
    setenv("AUGER_NOW", "2026-11-21T09:30:00.25Z", 1);
}

static const char *written(void)
{
    close(pipe_ends[1]);
    size_t size = 0;
    for (ssize_t got; (got = read(pipe_ends[0], text + size, sizeof(text) - 1 - size)) > 0;) size += (size_t)got;
    text[size] = '\0';
    close(pipe_ends[0]);
    ag_log_setup(AG_LOG_INFO, AG_LOG_AUTO, 2);
    unsetenv("AUGER_NOW");
    return text;
}

AG_TEST(test_log__json_line)
{
    start(AG_LOG_INFO, AG_LOG_AUTO); /* a pipe is no terminal */
    ag_log_field fields[] = {ag_log_text("path", "a \"b\"\\\n\t\x01"),
                             ag_log_int("rows", -5),
                             ag_log_real("x", 0.1),
                             ag_log_real("y", NAN),
                             ag_log_bool("ok", true),
                             ag_log_text("none", NULL)};
    ag_log_with(AG_LOG_WARN, "db", fields, 6, "took %d ms", 12);
    ag_log(AG_LOG_DEBUG, "db", "below the level");
    assert_string_equal(written(),
                        "{\"time\":\"2026-11-21T09:30:00.250000Z\",\"level\":\"warn\",\"room\":\"db\",\"message\":"
                        "\"took 12 ms\",\"path\":\"a \\\"b\\\"\\\\\\n\\u0009\\u0001\",\"rows\":-5,\"x\":0.1,\"y\":"
                        "\"nan\",\"ok\":true,\"none\":null}\n");
}

AG_TEST(test_log__text_line_cannot_be_forged)
{
    start(AG_LOG_DEBUG, AG_LOG_TEXT);
    ag_log_field fields[] = {ag_log_text("name", "two words"), ag_log_text("plain", "x\033[2J"), ag_log_text("no", "")};
    ag_log_with(AG_LOG_DEBUG, "http", fields, 3, "line\nforged \033[31m \xc2\x9b %s", "\xff\xc3\xa4");
    assert_string_equal(written(), "2026-11-21T09:30:00.250Z debug http: line\\nforged \\x1b[31m \\x9b \xef\xbf\xbd"
                                   "\xc3\xa4  name=\"two words\"  plain=x\\x1b[2J  no=\"\"\n");
}

AG_TEST(test_log__any_bytes_give_valid_json)
{
    start(AG_LOG_INFO, AG_LOG_JSON);
    char bytes[256];
    for (int i = 0; i < 255; i++) bytes[i] = (char)(i + 1);
    bytes[255] = '\0';
    ag_log(AG_LOG_INFO, bytes, "%s", bytes);
    const char *line = written();
    assert_true(ag_utf8_valid(ag_str_of(line)));
    for (size_t i = 0; line[i + 1]; i++) assert_true((unsigned char)line[i] >= 0x20);
}

AG_TEST(test_log__secrets_never_appear)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_log_mask("hunter22", &err));
    AG_EXPECT_OK(ag_log_mask("ter22-long\"quoted", &err));
    AG_EXPECT_OK(ag_log_mask("987654", &err));
    AG_EXPECT_OK(ag_log_mask("abc", &err)); /* too short to be told from words */
    AG_EXPECT_OK(ag_log_mask(NULL, &err));
    start(AG_LOG_INFO, AG_LOG_JSON);
    ag_log_field fields[] = {ag_log_text("url", "http://u:hunter22@h"), ag_log_int("pin", 19876540),
                             ag_log_text("hunter22", "abc"), ag_log_text("both", "hunter22-long\"quoted!")};
    ag_log_with(AG_LOG_INFO, "auth", fields, 4, "hunter22hunter22 hunter2");
    ag_err failure = {0};
    ag_fail_at(&failure, AG_EINVAL, "hunter22.yaml", 3, 7, "bad hunter22");
    ag_err_hint(&failure, "not hunter22");
    ag_log_error("auth", &failure);
    const char *lines = written();
    assert_null(strstr(lines, "hunter22"));
    assert_null(strstr(lines, "987654"));
    assert_null(strstr(lines, "quoted"));
    assert_non_null(strstr(lines, "\"message\":\"****** hunter2\",\"url\":\"http://u:***@h\",\"pin\":\"1***0\","
                                  "\"***\":\"abc\",\"both\":\"***!\"}"));
    assert_non_null(strstr(lines, "\"message\":\"bad ***\",\"code\":\"invalid\",\"file\":\"***.yaml\",\"line\":3,"
                                  "\"column\":7,\"hint\":\"not ***\"}"));
}

AG_TEST(test_log__levels)
{
    ag_log_level level = AG_LOG_INFO;
    assert_true(ag_log_level_parse("warn", &level));
    assert_int_equal(level, AG_LOG_WARN);
    assert_false(ag_log_level_parse("loud", &level));
    assert_int_equal(level, AG_LOG_WARN);
    start(AG_LOG_OFF, AG_LOG_JSON);
    assert_int_equal(ag_log_threshold(), AG_LOG_OFF);
    ag_log(AG_LOG_ERROR, "x", "silent");
    ag_log(AG_LOG_OFF, "x", "silent");
    assert_string_equal(written(), "");
}

static void *log_much(void *context)
{
    for (int i = 0; i < 100; i++) ag_log(AG_LOG_INFO, "t", "thread %s says the same again", (const char *)context);
    return NULL;
}

AG_TEST(test_log__lines_of_many_threads_stay_whole)
{
    start(AG_LOG_INFO, AG_LOG_TEXT);
    pthread_t threads[4];
    static const char *const names[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, log_much, (void *)(uintptr_t)names[i]);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    ag_str rest = ag_str_of(written()), line;
    int count = 0;
    while (ag_str_next(&rest, '\n', &line)) {
        if (line.size == 0) continue;
        assert_true(ag_str_ends(line, AG_STR(" says the same again")));
        count++;
    }
    assert_int_equal(count, 400);
}

AG_TEST(test_log__too_long_and_no_memory_leave_a_word)
{
    static char longest[100000];
    memset(longest, 'x', sizeof(longest) - 1);
    start(AG_LOG_INFO, AG_LOG_JSON);
    ag_log(AG_LOG_INFO, "x", "%s", longest);
    assert_non_null(strstr(written(), "\"message\":\"(too long)\"}"));
    if (!ag_fault_available()) return;
    start(AG_LOG_INFO, AG_LOG_JSON);
    ag_fault_arm(2, AG_FAULT_ALLOC);
    ag_log(AG_LOG_INFO, "x", "%s", "short");
    ag_fault_arm(0, 0);
    assert_non_null(strstr(written(), "lost"));
}
