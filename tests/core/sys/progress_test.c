// SPDX-License-Identifier: Apache-2.0
#include "core/sys/progress.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "core/sys/clock.h"
#include "frame/test.h"

typedef struct seen {
    int calls, finished;
    ag_progress_state last;
} seen;

static void remember(void *context, const ag_progress_state *state)
{
    seen *at = context;
    at->calls++;
    at->finished += state->finished;
    at->last = *state;
}

AG_TEST(test_progress__null_does_nothing)
{
    ag_progress_add(NULL, 1, 1);
    ag_progress_stage(NULL, "x");
    ag_progress_total(NULL, 5);
    ag_progress_finish(NULL);
    ag_progress_free(NULL);
    ag_progress_state nothing = ag_progress_read(NULL);
    assert_int_equal(nothing.remaining, -1);
}

AG_TEST(test_progress__the_end_is_reported_once)
{
    seen at = {0};
    ag_progress *progress = ag_progress_new("files", 10, remember, &at);
    ag_progress_stage(progress, "reading");
    ag_progress_add(progress, 4, 1000);
    ag_progress_finish(progress);
    ag_progress_finish(progress);
    ag_progress_add(progress, 1, 0);
    ag_progress_free(progress);
    assert_int_equal(at.finished, 1);
    assert_int_equal(at.last.done, 4);
    assert_int_equal(at.last.total, 10);
    assert_int_equal(at.last.bytes, 1000);
    assert_int_equal(at.last.remaining, 0);
    assert_string_equal(at.last.what, "files");
    assert_string_equal(at.last.stage, "reading");
}

AG_TEST(test_progress__what_comes_next_is_counted_by_itself)
{
    seen at = {0};
    ag_progress *progress = ag_progress_new("files", 4, remember, &at);
    ag_progress_add(progress, 4, 1000);
    ag_progress_next(progress, "holes", "asking", 3);
    ag_progress_state now = ag_progress_read(progress);
    assert_true(now.done == 0 && now.total == 3 && now.bytes == 0 && now.rate < 1e-9);
    ag_progress_add(progress, 2, 0);
    ag_progress_free(progress);
    assert_true(at.finished == 1 && at.last.done == 2 && at.last.total == 3);
    assert_string_equal(at.last.what, "holes");
    assert_string_equal(at.last.stage, "asking");
    ag_progress_next(NULL, "x", NULL, 1);
}

AG_TEST(test_progress__free_reports_the_end)
{
    seen at = {0};
    ag_progress_free(ag_progress_new("files", 0, remember, &at));
    assert_int_equal(at.finished, 1);
    assert_true(isfinite(at.last.rate) && isfinite(at.last.bytes_rate));
    ag_progress_free(ag_progress_new("files", 0, NULL, NULL));
}

AG_TEST(test_progress__reports_come_when_due_and_know_what_is_left)
{
    seen at = {0};
    int64_t begun = ag_monotonic();
    ag_progress *progress = ag_progress_new("files", 1000, remember, &at);
    for (int i = 0; i < 100; i++) ag_progress_add(progress, 1, 10);
    assert_true(at.calls <= (ag_monotonic() - begun) / (AG_SECOND / 10)); /* none, but where the machine stood still */
    ag_sleep(AG_SECOND / 10 * 2); /* twice, since counting reads a coarse clock */
    ag_progress_add(progress, 1, 10);
    assert_true(at.calls >= 1);
    assert_true(at.last.rate > 0 && at.last.bytes_rate > 0 && at.last.remaining > 0);
    ag_progress_total(progress, 50); /* fewer than are done */
    assert_int_equal(ag_progress_read(progress).remaining, 0);
    ag_progress_total(progress, 0);
    assert_int_equal(ag_progress_read(progress).remaining, -1);
    ag_progress_total(progress, UINT64_MAX);
    assert_int_equal(ag_progress_read(progress).remaining, -1); /* beyond any time */
    ag_progress_free(progress);
}

static void *count_much(void *context)
{
    for (int i = 0; i < 20000; i++) ag_progress_add(context, 1, 3);
    return NULL;
}

AG_TEST(test_progress__nothing_is_lost_between_threads)
{
    seen at = {0};
    ag_progress *progress = ag_progress_new("rows", 80000, remember, &at);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, count_much, progress);
    for (int i = 0; i < 50; i++) ag_progress_stage(progress, ag_progress_read(progress).done % 2 ? "odd" : "even");
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    ag_progress_free(progress);
    assert_int_equal(at.last.done, 80000);
    assert_int_equal(at.last.bytes, 240000);
}

AG_TEST(test_progress__no_memory_is_null)
{
    if (!ag_fault_available()) ag_test_skip("no injected failures in this build");
    ag_fault_arm(1, AG_FAULT_ALLOC);
    ag_progress *progress = ag_progress_new("x", 1, NULL, NULL);
    ag_fault_arm(0, 0);
    assert_null(progress);
}
