// SPDX-License-Identifier: Apache-2.0
/* labels.jsonl: what is appended stays; what was torn does not count; what cannot be is refused. */
#include "data/label/history.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/io/path.h"
#include "frame/test.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static ag_label_event event_of(double entry, double exit)
{
    return (ag_label_event){.sha256 = DIGEST,
                            .path = "a/b.xls",
                            .kind = AG_LABEL_EXPERT,
                            .author = "anna",
                            .time = 1234567890123456,
                            .outcome = AG_LABEL_FOUND,
                            .entry = entry,
                            .exit = exit,
                            .full_exit = NAN,
                            .confidence = NAN,
                            .comment = ""};
}

static char home[600]; /* of the test that runs */

static void begin(void)
{
    snprintf(home, sizeof(home), "%s", ag_test_dir());
}

static ag_label_history load(ag_arena *arena)
{
    ag_err err = {0};
    ag_label_history history;
    AG_EXPECT_OK(ag_label_history_load(home, arena, &history, &err));
    return history;
}

static void write_tail(const char *text)
{
    char path[640];
    snprintf(path, sizeof(path), "%s/labels.jsonl", home);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

AG_TEST(test_history__an_absent_file_is_an_empty_history)
{
    begin();
    ag_arena *arena = ag_arena_new(0);
    assert_int_equal(load(arena).count, 0);
    ag_arena_free(arena);
}

AG_TEST(test_history__what_was_appended_reads_back_the_same)
{
    begin();
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_label_event events[3] = {event_of(4.812, 12.82), event_of(NAN, NAN), event_of(NAN, NAN)};
    events[0].transition[0] = 8.1;
    events[0].transition[1] = 9.7504;
    events[0].transition_count = 2;
    events[0].comment = "\"quoted\"\n\xc3\xa4";
    events[1].outcome = AG_LABEL_EMPTY;
    events[2].kind = AG_LABEL_UNDO;
    for (size_t i = 0; i < 2; i++) AG_EXPECT_OK(ag_label_event_check(&events[i], 20, &err));
    AG_EXPECT_OK(ag_label_history_append(home, events, 2, &err));
    AG_EXPECT_OK(ag_label_history_append(home, events + 2, 1, &err));
    ag_label_history history = load(arena);
    assert_int_equal(history.count, 3);
    assert_int_equal(history.torn, 0);
    assert_true(ag_label_event_same(&history.events[0], &events[0]));
    assert_true(history.events[0].transition[1] == 9.75);
    assert_true(history.events[0].time == events[0].time);
    assert_string_equal(history.events[0].comment, events[0].comment);
    assert_int_equal(history.events[1].outcome, AG_LABEL_EMPTY);
    assert_int_equal(history.events[2].kind, AG_LABEL_UNDO);
    ag_arena_free(arena);
}

AG_TEST(test_history__a_torn_last_line_does_not_count_and_the_next_one_cuts_it_off)
{
    begin();
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_label_event event = event_of(4, 12);
    AG_EXPECT_OK(ag_label_history_append(home, &event, 1, &err));
    write_tail("{\"sha256\":\"" DIGEST "\",\"path\":\"x\",\"sou");
    ag_label_history history = load(arena);
    assert_int_equal(history.count, 1);
    assert_true(history.torn > 0);
    AG_EXPECT_OK(ag_label_history_append(home, &event, 1, &err));
    history = load(arena);
    assert_int_equal(history.count, 2);
    assert_int_equal(history.torn, 0);
    ag_arena_free(arena);
}

AG_TEST(test_history__a_last_line_that_lacks_only_its_end_counts_and_stays)
{
    begin();
    ag_err err = {0};
    ag_buf line;
    ag_arena *arena = ag_arena_new(0);
    ag_label_event event = event_of(4, 12);
    ag_buf_init(&line, 4096);
    AG_EXPECT_OK(ag_label_event_write(&event, &line, &err));
    line.data[--line.size] = 0;
    write_tail(line.data);
    assert_int_equal(load(arena).count, 1);
    AG_EXPECT_OK(ag_label_history_append(home, &event, 1, &err));
    assert_int_equal(load(arena).count, 2);
    ag_buf_deinit(&line);
    ag_arena_free(arena);
}

AG_TEST(test_history__a_whole_line_that_is_no_label_is_refused_with_its_number)
{
    static const char *const bad[] = {
        "nonsense",
        "{}",
        "[]",
        "{\"sha256\":\"12\"}",
        "{\"sha256\":\"" DIGEST "\",\"source\":\"god\",\"author\":\"a\",\"time\":\"2026-01-01\",\"outcome\":\"empty\"}",
        "{\"sha256\":\"" DIGEST "\",\"source\":\"expert\",\"author\":\"a\",\"time\":\"never\",\"outcome\":\"empty\"}",
        "{\"sha256\":\"" DIGEST
        "\",\"source\":\"expert\",\"author\":\"a\",\"time\":\"2026-01-01\",\"outcome\":\"none\"}",
        "{\"sha256\":\"" DIGEST
        "\",\"source\":\"expert\",\"author\":\"\",\"time\":\"2026-01-01\",\"outcome\":\"empty\"}",
        "{\"sha256\":\"" DIGEST
        "\",\"source\":\"expert\",\"author\":\"a\",\"time\":\"2026-01-01\",\"outcome\":\"found\","
        "\"entry_mm\":5,\"exit_mm\":4}",
        "{\"sha256\":\"" DIGEST
        "\",\"source\":\"expert\",\"author\":\"a\",\"time\":\"2026-01-01\",\"outcome\":\"no exit\","
        "\"entry_mm\":1,\"transitions_mm\":[2,3,4,5,6]}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ag_err err = {0};
        ag_label_history history;
        ag_arena *arena = ag_arena_new(0);
        char *text = ag_arena_printf(arena, "\n%s\n", bad[i]);
        assert_true(ag_label_history_parse(ag_str_of(text), "labels.jsonl", arena, &history, &err) < 0);
        assert_int_equal(err.line, 2);
        assert_string_equal(err.file, "labels.jsonl");
        ag_arena_free(arena);
    }
}

AG_TEST(test_history__depths_that_cannot_be_are_refused)
{
    ag_err err = {0};
    ag_label_event event = event_of(5, 4);
    AG_EXPECT_ERROR(ag_label_event_check(&event, 20, &err), AG_EINVAL, "is not behind 5.000 mm");
    event = event_of(5, 21);
    AG_EXPECT_ERROR(ag_label_event_check(&event, 20, &err), AG_EINVAL, "deeper than the samples");
    event = event_of(-1, 4);
    AG_EXPECT_ERROR(ag_label_event_check(&event, 20, &err), AG_EINVAL, "not inside the hole");
    event = event_of(INFINITY, NAN);
    assert_true(ag_label_event_check(&event, 20, &err) < 0);
    event = event_of(5, NAN);
    AG_EXPECT_ERROR(ag_label_event_check(&event, 20, &err), AG_EINVAL, "an entry and an exit");
    event = event_of(5, 6);
    event.outcome = AG_LABEL_EMPTY;
    AG_EXPECT_ERROR(ag_label_event_check(&event, 20, &err), AG_EINVAL, "no depths");
    event.outcome = AG_LABEL_NO_EXIT;
    AG_EXPECT_ERROR(ag_label_event_check(&event, 20, &err), AG_EINVAL, "without exit");
    event = event_of(5, 12);
    event.transition[0] = 12;
    event.transition_count = 1;
    AG_EXPECT_ERROR(ag_label_event_check(&event, 20, &err), AG_EINVAL, "exit at 12.000 mm is not behind");
    event = event_of(5, 12);
    event.author = "";
    AG_EXPECT_ERROR(ag_label_event_check(&event, 20, &err), AG_EINVAL, "author");
    event = event_of(5, 19.5);
    event.full_exit = 21;
    AG_EXPECT_OK(ag_label_event_check(&event, 20, &err));
}

static int append_one(void *context, ag_err *err)
{
    ag_label_event event = event_of(4, 12);
    (void)context;
    return ag_label_history_append(home, &event, 1, err);
}

static void all_lines_are_whole(void *context)
{
    (void)context;
    ag_arena *arena = ag_arena_new(0);
    assert_int_equal(load(arena).torn, 0);
    ag_arena_free(arena);
}

AG_TEST(test_history__a_failed_append_leaves_whole_lines)
{
    begin();
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, append_one, all_lines_are_whole, NULL);
}

/* The child prints a dot after each label that was acknowledged. */
static void append_for_ever(int fd)
{
    for (int i = 1;; i++) {
        ag_err err = {0};
        ag_label_event event = event_of(0.001 * i, 0.001 * i + 5);
        if (ag_label_event_check(&event, INFINITY, &err) < 0) _exit(1);
        if (ag_label_history_append(home, &event, 1, &err) < 0 || write(fd, ".", 1) != 1) _exit(1);
    }
}

AG_TEST(test_history__what_was_acknowledged_survives_kill_9)
{
    begin();
    size_t acknowledged = 0, rounds = ag_test_rounds(5, 200);
    for (size_t round = 0; round < rounds; round++) {
        int ends[2];
        char dots[4096];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) append_for_ever(ends[1]);
        close(ends[1]);
        assert_int_equal(read(ends[0], dots, 1), 1); /* it is at work */
        acknowledged++;
        usleep((useconds_t)(2000 + 731 * round % 9000));
        kill(child, SIGKILL);
        for (ssize_t got; (got = read(ends[0], dots, sizeof(dots))) > 0;) acknowledged += (size_t)got;
        close(ends[0]);
        waitpid(child, NULL, 0);
        ag_arena *arena = ag_arena_new(0);
        assert_true(load(arena).count >= acknowledged);
        ag_arena_free(arena);
    }
}
