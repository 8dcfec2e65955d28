// SPDX-License-Identifier: Apache-2.0
/* Signals are tested in a child process: each may be sent there without ending the test. */
#include "core/sys/cancel.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/sys/clock.h"
#include "frame/test.h"

AG_TEST(test_cancel__null_is_never_cancelled)
{
    ag_err err = {0};
    assert_false(ag_cancelled(NULL));
    AG_EXPECT_OK(ag_cancel_check(NULL, &err));
    AG_EXPECT_OK(ag_cancel_sleep(NULL, 10, &err));
    assert_true(ag_cancel_remaining(NULL) == INT64_MAX);
    ag_cancel_request(NULL);
    ag_cancel_free(NULL);
}

AG_TEST(test_cancel__a_request_reaches_all_below_and_none_above)
{
    ag_err err = {0};
    ag_cancel *top = NULL, *middle = NULL, *leaf = NULL, *other = NULL, *late = NULL;
    AG_EXPECT_OK(ag_cancel_new(NULL, &top, &err));
    AG_EXPECT_OK(ag_cancel_new(top, &middle, &err));
    AG_EXPECT_OK(ag_cancel_new(middle, &leaf, &err));
    AG_EXPECT_OK(ag_cancel_new(top, &other, &err));
    ag_cancel_request(middle);
    assert_true(ag_cancelled(middle) && ag_cancelled(leaf));
    assert_false(ag_cancelled(top) || ag_cancelled(other));
    AG_EXPECT_ERROR(ag_cancel_check(leaf, &err), AG_ECANCELLED, "stopped");
    AG_EXPECT_OK(ag_cancel_new(leaf, &late, &err)); /* born cancelled */
    assert_true(ag_cancelled(late));
    ag_cancel_free(late);
    ag_cancel_request(top);
    assert_true(ag_cancelled(other));
    ag_cancel_free(leaf);
    ag_cancel_free(other);
    ag_cancel_free(middle);
    ag_cancel_free(top);
}

AG_TEST(test_cancel__the_nearest_deadline_counts_and_can_be_taken_away)
{
    ag_err err = {0};
    ag_cancel *top = NULL, *leaf = NULL;
    AG_EXPECT_OK(ag_cancel_new(NULL, &top, &err));
    AG_EXPECT_OK(ag_cancel_new(top, &leaf, &err));
    assert_true(ag_cancel_remaining(leaf) == INT64_MAX);
    ag_cancel_deadline(top, ag_monotonic() - 1);
    ag_cancel_deadline(leaf, ag_monotonic() + 3600 * AG_SECOND);
    AG_EXPECT_ERROR(ag_cancel_check(leaf, &err), AG_ETIMEOUT, "time");
    assert_int_equal(ag_cancel_remaining(leaf), 0);
    ag_cancel_deadline(top, 0);
    AG_EXPECT_OK(ag_cancel_check(leaf, &err));
    assert_true(ag_cancel_remaining(leaf) > 3000 * AG_SECOND);
    assert_true(ag_cancel_remaining(top) == INT64_MAX);
    ag_cancel_deadline(leaf, INT64_MIN); /* long over, yet no request */
    AG_EXPECT_ERROR(ag_cancel_check(leaf, &err), AG_ETIMEOUT, "time");
    ag_cancel_request(leaf);
    AG_EXPECT_ERROR(ag_cancel_check(leaf, &err), AG_ECANCELLED, "asked");
    ag_cancel_free(leaf);
    ag_cancel_free(top);
}

static void *sleep_long(void *context)
{
    ag_err err = {0};
    return ag_cancel_sleep(context, INT64_MAX, &err) == AG_ECANCELLED ? context : NULL;
}

AG_TEST(test_cancel__wakes_a_sleeper_below)
{
    ag_err err = {0};
    ag_cancel *top = NULL, *leaf = NULL;
    AG_EXPECT_OK(ag_cancel_new(NULL, &top, &err));
    AG_EXPECT_OK(ag_cancel_new(top, &leaf, &err));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sleep_long, leaf), 0);
    ag_cancel_deadline(leaf, ag_monotonic() + 3600 * AG_SECOND); /* a change that must not end the sleep */
    ag_cancel_request(top);
    void *result = NULL;
    pthread_join(thread, &result);
    assert_ptr_equal(result, leaf);
    ag_cancel_deadline(top, ag_monotonic() + 1000);
    ag_cancel_free(leaf);
    ag_cancel_free(top);
}

AG_TEST(test_cancel__a_deadline_cuts_a_sleep_short)
{
    ag_err err = {0};
    ag_cancel *cancel = NULL;
    AG_EXPECT_OK(ag_cancel_new(NULL, &cancel, &err));
    AG_EXPECT_OK(ag_cancel_sleep(cancel, 1000, &err));
    AG_EXPECT_OK(ag_cancel_sleep(cancel, -5, &err));
    ag_cancel_deadline(cancel, ag_monotonic() + 2000);
    AG_EXPECT_ERROR(ag_cancel_sleep(cancel, 3600 * AG_SECOND, &err), AG_ETIMEOUT, "time");
    ag_cancel_free(cancel);
}

static void *make_and_free(void *context)
{
    ag_err err = {0};
    for (int i = 0; i < 300; i++) {
        ag_cancel *child = NULL, *grandchild = NULL;
        AG_EXPECT_OK(ag_cancel_new(context, &child, &err));
        AG_EXPECT_OK(ag_cancel_new(child, &grandchild, &err));
        if (i % 3 == 0) ag_cancel_request(child);
        ag_cancel_deadline(grandchild, ag_monotonic() + 1000000 + i);
        ag_cancelled(grandchild);
        ag_cancel_free(grandchild);
        ag_cancel_free(child);
    }
    return NULL;
}

AG_TEST(test_cancel__children_come_and_go_on_any_thread)
{
    ag_err err = {0};
    ag_cancel *top = NULL;
    pthread_t threads[4];
    AG_EXPECT_OK(ag_cancel_new(NULL, &top, &err));
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, make_and_free, top), 0);
    for (int i = 0; i < 200; i++) ag_cancel_deadline(top, i % 2 ? 0 : ag_monotonic() + 100000000);
    ag_cancel_request(top);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    ag_cancel_free(top);
}

/* Runs in a child: exit status 0 when the first signal asked and did no more; then waits for the second. */
static void live_through_one_signal(int number)
{
    ag_err err = {0};
    if (ag_cancel_process() || ag_cancel_signal_fd() != -1) _exit(2);
    if (ag_cancel_on_signals(&err) < 0 || ag_cancel_on_signals(&err) < 0) _exit(3);
    raise(number);
    if (ag_cancel_sleep(ag_cancel_process(), 60 * AG_SECOND, &err) != AG_ECANCELLED) _exit(4);
    struct pollfd ready = {.fd = ag_cancel_signal_fd(), .events = POLLIN};
    if (poll(&ready, 1, 0) != 1) _exit(5);
    raise(number);
    _exit(6); /* not reached: the second signal ends the process */
}

AG_TEST(test_cancel__the_first_signal_asks_and_the_second_ends)
{
    const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) live_through_one_signal(numbers[i]);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFEXITED(status)) fail_msg("the child ended with %d", WEXITSTATUS(status));
        assert_int_equal(WTERMSIG(status), numbers[i]);
    }
}

/* The terminal goes away: the shell says it, the kernel says it again. */
static void live_through_hangups(void)
{
    signal(SIGHUP, SIG_DFL); /* the tests may run under nohup */
    if (ag_cancel_on_signals(NULL) < 0) _exit(2);
    struct pollfd ready = {.fd = ag_cancel_signal_fd(), .events = POLLIN};
    for (int i = 0; i < 3; i++) raise(SIGHUP);
    if (poll(&ready, 1, 60000) != 1) _exit(3);
    if (ag_cancel_sleep(ag_cancel_process(), 60 * AG_SECOND, NULL) != AG_ECANCELLED) _exit(4);
    _exit(0);
}

/* nohup: the signal is ignored already, and stays so. */
static void live_under_nohup(void)
{
    signal(SIGHUP, SIG_IGN);
    if (ag_cancel_on_signals(NULL) < 0) _exit(2);
    raise(SIGHUP);
    struct pollfd ready = {.fd = ag_cancel_signal_fd(), .events = POLLIN};
    _exit(poll(&ready, 1, 0) == 0 && !ag_cancelled(ag_cancel_process()) ? 0 : 3);
}

AG_TEST(test_cancel__a_terminal_that_goes_away_asks_once_unless_it_is_ignored)
{
    void (*const lives[])(void) = {live_through_hangups, live_under_nohup};
    for (size_t i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) lives[i]();
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static int make_child(void *context, ag_err *err)
{
    ag_cancel *child = NULL;
    int rc = ag_cancel_new(context, &child, err);
    ag_cancel_free(child);
    return rc;
}

AG_TEST(test_cancel__out_of_memory_is_an_error)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC, make_child, NULL, NULL);
}
