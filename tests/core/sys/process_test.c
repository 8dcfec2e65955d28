// SPDX-License-Identifier: Apache-2.0
#include "core/sys/process.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "frame/test.h"

static ag_process *start_with_grace(const char *script, bool input, int64_t grace)
{
    ag_err err = {0};
    ag_process *process = NULL;
    const char *const words[] = {"sh", "-c", script, NULL};
    ag_process_options options = {.words = words, .input = input, .grace = grace};
    AG_EXPECT_OK(ag_process_start(&options, &process, &err));
    return process;
}

static ag_process *start_shell(const char *script, bool input)
{
    return start_with_grace(script, input, AG_SECOND / 5);
}

static void expect_line(ag_process *process, const char *text)
{
    ag_err err = {0};
    ag_str line = {0};
    assert_int_equal(ag_process_line(process, NULL, 0, &line, &err), text ? 1 : 0);
    if (text && !ag_str_is(line, text)) fail_msg("'%.*s' is not '%s'", AG_STR_ARG(line), text);
}

static ag_process_end expect_end(ag_process *process)
{
    ag_err err = {0};
    ag_process_end end = {0};
    AG_EXPECT_OK(ag_process_wait(process, NULL, &end, &err));
    return end;
}

AG_TEST(test_process__gives_lines_and_the_exit_code)
{
    ag_process *process = start_shell("echo one; printf 'two\\r\\n\\n'; printf last; exit 3", false);
    expect_line(process, "one");
    expect_line(process, "two");
    expect_line(process, "");
    expect_line(process, "last");
    expect_line(process, NULL);
    ag_process_end end = expect_end(process);
    assert_true(end.code == 3 && end.signal == 0 && ag_process_lines(process) == 4);
    ag_process_free(process);
}

AG_TEST(test_process__tells_a_signal)
{
    char text[64];
    ag_process *process = start_shell("kill -9 $$", false);
    ag_process_end end = expect_end(process);
    assert_true(end.code == -1 && end.signal == SIGKILL);
    ag_process_end_format(&end, text);
    assert_string_equal(text, "signal 9 (killed, perhaps because memory ran out)");
    end = (ag_process_end){.code = 4};
    ag_process_end_format(&end, text);
    assert_string_equal(text, "exit code 4");
    end = (ag_process_end){.code = -1, .signal = 10};
    ag_process_end_format(&end, text);
    assert_string_equal(text, "signal 10");
    ag_process_free(process);
}

AG_TEST(test_process__has_its_own_environment_directory_and_error_file)
{
    ag_err err = {0};
    ag_process *process = NULL;
    char log[600];
    ag_buf text;
    ag_format(log, sizeof log, "%s/log", ag_test_dir());
    AG_EXPECT_OK(ag_file_replace(log, "before\n", 7, &err));
    const char *const words[] = {
        "sh", "-c", "pwd; echo \"$NEW $HOME\"; echo trouble >&2; cat | wc -c; ls /proc/self/fd | wc -l", NULL};
    const char *const environment[] = {"NEW=a b", "HOME=elsewhere", NULL};
    ag_process_options options = {
        .words = words, .environment = environment, .directory = "/usr", .error_file = log, .grace = 0};
    AG_EXPECT_OK(ag_process_start(&options, &process, &err));
    expect_line(process, "/usr");
    expect_line(process, "a b elsewhere");
    expect_line(process, "0");
    expect_line(process, "4"); /* three, and the one that ls lists them with */
    (void)expect_end(process);
    ag_process_free(process);
    ag_buf_init(&text, 1000);
    AG_EXPECT_OK(ag_file_read(log, 1000, &text, &err));
    assert_string_equal(text.data, "before\ntrouble\n");
    ag_buf_deinit(&text);
}

AG_TEST(test_process__refuses_what_cannot_be_started)
{
    ag_err err = {0};
    ag_process *process = NULL;
    char path[600];
    const char *words[] = {"there-is-no-such-program", NULL};
    ag_process_options options = {.words = words};
    AG_EXPECT_ERROR(ag_process_start(&options, &process, &err), AG_ENOTFOUND, "cannot start there-is-no-such-program");
    assert_non_null(strstr(err.hint, "installed"));
    ag_format(path, sizeof path, "%s/plain", ag_test_dir());
    AG_EXPECT_OK(ag_file_replace(path, "x", 1, &err));
    words[0] = path;
    AG_EXPECT_ERROR(ag_process_start(&options, &process, &err), AG_EDENIED, "cannot start");
    assert_non_null(strstr(err.hint, "chmod"));
    words[0] = "";
    AG_EXPECT_ERROR(ag_process_start(&options, &process, &err), AG_EINVAL, "no program");
    words[0] = "true";
    options.directory = "/nowhere";
    AG_EXPECT_ERROR(ag_process_start(&options, &process, &err), AG_ENOTFOUND, "/nowhere");
    assert_null(process);
}

AG_TEST(test_process__sends_more_than_any_pipe_holds_to_one_that_answers_as_much)
{
    ag_err err = {0};
    ag_process *process = start_shell("cat", true);
    char line[1001];
    ag_str got = {0};
    memset(line, 'x', 1000);
    line[999] = '\n';
    for (int i = 0; i < 2000; i++) AG_EXPECT_OK(ag_process_send(process, (ag_str){line, 1000}, &err));
    ag_process_send_end(process);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(ag_process_line(process, NULL, 0, &got, &err), 1);
        assert_true(got.size == 999 && got.data[0] == 'x' && got.data[998] == 'x');
    }
    expect_line(process, NULL);
    AG_EXPECT_ERROR(ag_process_send(process, AG_STR("more"), &err), AG_ECONFLICT, "reads no more");
    assert_int_equal(expect_end(process).code, 0);
    ag_process_free(process);
}

AG_TEST(test_process__that_does_not_read_raises_no_signal)
{
    ag_err err = {0};
    char big[1 << 17] = {0};
    ag_process *process = start_shell("exec <&-; sleep 0.1; echo done", true);
    AG_EXPECT_OK(ag_process_send(process, (ag_str){big, sizeof big}, &err));
    expect_line(process, "done");
    expect_line(process, NULL);
    assert_int_equal(expect_end(process).code, 0);
    ag_process_free(process);
}

AG_TEST(test_process__refuses_an_endless_line)
{
    ag_err err = {0};
    ag_str line;
    ag_process *process = start_shell("echo ok; yes | tr -d '\\n' | head -c 2000000", false);
    expect_line(process, "ok");
    AG_EXPECT_ERROR(ag_process_line(process, NULL, 0, &line, &err), AG_ELIMIT, "line 2 of what sh prints");
    ag_process_free(process);
}

/* True when no process of this number is there, soon. */
static bool is_gone(int64_t pid)
{
    for (int i = 0; i < 30000; i++) {
        if (kill((pid_t)pid, 0) < 0 && errno == ESRCH) return true;
        char path[64];
        ag_buf text;
        ag_format(path, sizeof path, "/proc/%lld/stat", (long long)pid);
        ag_buf_init(&text, 4096);
        (void)ag_file_read(path, 4096, &text, NULL);
        bool zombie = text.data && strstr(text.data, ") Z "); /* ended; nobody has looked */
        ag_buf_deinit(&text);
        if (zombie) return true;
        ag_sleep(10000);
    }
    return false;
}

AG_TEST(test_process__dies_with_all_it_has_started)
{
    ag_err err = {0};
    int64_t pid = 0;
    ag_str line = {0};
    ag_process *process = start_shell("trap '' TERM; sh -c \"trap '' TERM; echo \\$\\$; sleep 60\"", false);
    assert_int_equal(ag_process_line(process, NULL, 0, &line, &err), 1);
    assert_true(ag_str_to_int(line, &pid));
    ag_process_stop(process);
    ag_process_stop(process); /* again is fine */
    assert_true(is_gone(pid));
    ag_process_free(process);
    process = start_shell("sleep 60 & echo $!", false); /* what it leaves behind, which holds its stdout */
    assert_int_equal(ag_process_line(process, NULL, 0, &line, &err), 1);
    assert_true(ag_str_to_int(line, &pid));
    expect_line(process, NULL);
    assert_int_equal(expect_end(process).code, 0);
    assert_true(is_gone(pid));
    ag_process_free(process);
}

AG_TEST(test_process__ends_well_when_asked)
{
    static const char script[] = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done";
    ag_process *process = start_with_grace(script, false, 3600 * AG_SECOND);
    ag_process_end end;
    ag_err err = {0};
    expect_line(process, "ready");
    ag_process_stop(process);
    AG_EXPECT_OK(ag_process_wait(process, NULL, &end, &err));
    assert_int_equal(end.code, 7);
    ag_process_free(process);
}

static void *cancel_soon(void *cancel)
{
    ag_sleep(50000);
    ag_cancel_request(cancel);
    return NULL;
}

AG_TEST(test_process__can_be_cancelled_from_another_thread_and_be_too_silent)
{
    ag_err err = {0};
    ag_str line;
    pthread_t thread;
    ag_cancel *cancel = NULL;
    AG_EXPECT_OK(ag_cancel_new(NULL, &cancel, &err));
    ag_process *process = start_shell("sleep 60", false);
    AG_EXPECT_ERROR(ag_process_line(process, NULL, 60000, &line, &err), AG_ETIMEOUT, "said nothing");
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, cancel), 0);
    AG_EXPECT_ERROR(ag_process_line(process, cancel, 0, &line, &err), AG_ECANCELLED, "");
    pthread_join(thread, NULL);
    ag_process_free(process);
    process = start_shell("exec >&-; sleep 60", false); /* prints no more, and works on */
    ag_process_end end;
    AG_EXPECT_ERROR(ag_process_wait(process, cancel, &end, &err), AG_ECANCELLED, "");
    ag_process_free(process);
    ag_cancel_free(cancel);
}

static int converse(void *context, ag_err *err)
{
    (void)context;
    ag_process *process = NULL;
    ag_process_end end;
    ag_str line;
    const char *const words[] = {"cat", NULL};
    ag_process_options options = {.words = words, .input = true};
    int rc = ag_process_start(&options, &process, err);
    if (rc >= 0) rc = ag_process_send(process, AG_STR("hello\n"), err);
    if (rc >= 0) ag_process_send_end(process);
    if (rc >= 0) rc = ag_process_line(process, NULL, 0, &line, err);
    if (rc >= 0) rc = ag_process_wait(process, NULL, &end, err);
    ag_process_free(process);
    return rc < 0 ? rc : 0;
}

AG_TEST(test_process__fails_whole_at_any_call)
{
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, converse, NULL, NULL);
}
