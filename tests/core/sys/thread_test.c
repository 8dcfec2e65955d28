// SPDX-License-Identifier: Apache-2.0
#include "core/sys/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "core/sys/cpu.h"
#include "frame/test.h"

static ag_pool *new_pool(unsigned threads)
{
    ag_err err = {0};
    ag_pool *pool = NULL;
    AG_EXPECT_OK(ag_pool_new(threads, &pool, &err));
    return pool;
}

static int count_index(void *context, size_t index, ag_err *err)
{
    (void)err;
    atomic_int *counts = context;
    atomic_fetch_add(&counts[index], 1);
    return 0;
}

AG_TEST(test_pool__each_index_runs_once)
{
    ag_err err = {0};
    for (unsigned threads = 1; threads <= 5; threads++) {
        ag_pool *pool = new_pool(threads);
        assert_int_equal(ag_pool_threads(pool), threads);
        atomic_int counts[1000] = {0};
        AG_EXPECT_OK(ag_pool_for(pool, 0, count_index, counts, NULL, &err));
        AG_EXPECT_OK(ag_pool_for(pool, 1000, count_index, counts, NULL, &err));
        for (int i = 0; i < 1000; i++) assert_int_equal(counts[i], 1);
        ag_pool_free(pool);
    }
    atomic_int counts[3] = {0};
    AG_EXPECT_OK(ag_pool_for(NULL, 3, count_index, counts, NULL, &err)); /* no pool: this thread */
    assert_int_equal(counts[2], 1);
    ag_pool_free(NULL);
}

typedef struct nest {
    ag_pool *pool;
    int depth;
    atomic_int *leaves;
} nest;

static int run_nested(void *context, size_t index, ag_err *err)
{
    (void)index;
    const nest *at = context;
    nest below = {at->pool, at->depth - 1, at->leaves};
    if (at->depth > 0) return ag_pool_for(at->pool, 4, run_nested, &below, NULL, err);
    atomic_fetch_add(at->leaves, 1);
    return 0;
}

static void *nest_from_thread(void *context)
{
    ag_err err = {0};
    for (int i = 0; i < 5; i++) AG_EXPECT_OK(ag_pool_for(((nest *)context)->pool, 4, run_nested, context, NULL, &err));
    return NULL;
}

AG_TEST(test_pool__nested_calls_from_several_threads_end)
{
    atomic_int leaves = 0;
    nest top = {new_pool(3), 4, &leaves};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, nest_from_thread, &top), 0);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    assert_int_equal(leaves, 3 * 5 * 4 * 4 * 4 * 4 * 4);
    ag_pool_free(top.pool);
}

static int fail_some(void *context, size_t index, ag_err *err)
{
    (void)context;
    if (index == 57) ag_sleep(2000); /* later ones fail first */
    return index % 100 >= 57 ? ag_fail(err, AG_EINVAL, "index %zu", index) : 0;
}

typedef struct crowd {
    ag_pool *pool;
    atomic_int now, most;
} crowd;

static int be_busy(void *context, size_t index, ag_err *err)
{
    crowd *c = context;
    (void)index, (void)err;
    int now = atomic_fetch_add(&c->now, 1) + 1, most = atomic_load(&c->most);
    while (now > most && !atomic_compare_exchange_weak(&c->most, &most, now));
    ag_sleep(1000);
    atomic_fetch_sub(&c->now, 1);
    return 0;
}

static int call_again(void *context, size_t index, ag_err *err)
{
    crowd *c = context;
    (void)index;
    return ag_pool_for(c->pool, 12, be_busy, c, NULL, err);
}

AG_TEST(test_pool__jobs_within_jobs_keep_no_more_threads_busy_than_it_has)
{
    ag_err err = {0};
    for (unsigned threads = 2; threads <= 4; threads++) {
        crowd c = {.pool = new_pool(threads)};
        for (size_t outer = 1; outer <= 6; outer++)
            AG_EXPECT_OK(ag_pool_for(c.pool, outer, call_again, &c, NULL, &err));
        assert_true(c.most >= 1 && c.most <= (int)threads);
        ag_pool_free(c.pool);
    }
}

AG_TEST(test_pool__the_lowest_failure_is_reported_whatever_the_schedule)
{
    ag_pool *pool = new_pool(4);
    for (int round = 0; round < 50; round++) {
        ag_err err = {0};
        AG_EXPECT_ERROR(ag_pool_for(pool, 1000, fail_some, NULL, NULL, &err), AG_EINVAL, "index 57");
        assert_int_equal(ag_pool_for(pool, 1000, fail_some, NULL, NULL, NULL), AG_EINVAL);
    }
    ag_pool_free(pool);
}

typedef struct stopper {
    ag_cancel *cancel;
    atomic_size_t ran;
} stopper;

static int stop_at_ten(void *context, size_t index, ag_err *err)
{
    (void)err;
    stopper *at = context;
    atomic_fetch_add(&at->ran, 1);
    if (index == 10) ag_cancel_request(at->cancel);
    return 0;
}

AG_TEST(test_pool__cancel_stops_what_has_not_begun)
{
    ag_err err = {0};
    ag_pool *pool = new_pool(2);
    stopper at = {0};
    AG_EXPECT_OK(ag_cancel_new(NULL, &at.cancel, &err));
    AG_EXPECT_ERROR(ag_pool_for(pool, 1u << 30, stop_at_ten, &at, at.cancel, &err), AG_ECANCELLED, "stopped");
    assert_true(at.ran >= 11 && at.ran < (1u << 30));
    AG_EXPECT_ERROR(ag_pool_for(pool, 5, stop_at_ten, &at, at.cancel, &err), AG_ECANCELLED, "stopped");
    AG_EXPECT_OK(ag_pool_for(pool, 0, stop_at_ten, &at, at.cancel, &err)); /* nothing was left undone */
    ag_cancel_free(at.cancel);
    ag_pool_free(pool);
}

static int sum_part(void *context, size_t index, ag_err *err)
{
    (void)err;
    double *parts = context;
    for (int i = 1; i < 500; i++) parts[index] += 1.0 / (double)(index * 500 + (size_t)i);
    return 0;
}

AG_TEST(test_pool__a_result_by_index_does_not_depend_on_the_threads)
{
    ag_err err = {0};
    double first[64] = {0};
    AG_EXPECT_OK(ag_pool_for(NULL, 64, sum_part, first, NULL, &err));
    for (unsigned threads = 1; threads <= 8; threads *= 2) {
        ag_pool *pool = new_pool(threads);
        double parts[64] = {0};
        AG_EXPECT_OK(ag_pool_for(pool, 64, sum_part, parts, NULL, &err));
        assert_memory_equal(parts, first, sizeof(first));
        ag_pool_free(pool);
    }
}

typedef struct chain {
    ag_pool *pool;
    atomic_int *ran;
    int left;
} chain;

static void run_chain(void *context)
{
    chain *at = context;
    atomic_fetch_add(at->ran, 1);
    if (at->left-- > 0) ag_pool_submit(at->pool, run_chain, at, NULL);
}

AG_TEST(test_pool__free_finishes_what_was_submitted_and_what_that_submits)
{
    ag_err err = {0};
    atomic_int ran = 0;
    chain chains[20];
    ag_pool *pool = new_pool(2);
    for (int i = 0; i < 20; i++) {
        chains[i] = (chain){pool, &ran, 5};
        AG_EXPECT_OK(ag_pool_submit(pool, run_chain, &chains[i], &err));
    }
    ag_pool_free(pool);
    assert_int_equal(ran, 20 * 6);
}

static void add_one(void *context)
{
    ag_sleep(100);
    atomic_fetch_add((atomic_int *)context, 1);
}

AG_TEST(test_pool__wait_sees_all_that_was_submitted_before)
{
    ag_err err = {0};
    ag_pool *pool = new_pool(3);
    atomic_int ran = 0, counts[10] = {0};
    ag_pool_wait(pool);
    for (int round = 1; round <= 5; round++) {
        for (int i = 0; i < 20; i++) AG_EXPECT_OK(ag_pool_submit(pool, add_one, &ran, &err));
        AG_EXPECT_OK(ag_pool_for(pool, 10, count_index, counts, NULL, &err)); /* beside the tasks */
        ag_pool_wait(pool);
        assert_int_equal(ran, round * 20);
    }
    ag_pool_free(pool);
}

static void do_nothing(void *context)
{
    (void)context;
}

static int make_pool(void *context, ag_err *err)
{
    (void)context;
    ag_pool *pool = NULL;
    int rc = ag_pool_new(2, &pool, err);
    if (rc == AG_OK) rc = ag_pool_submit(pool, do_nothing, NULL, err);
    ag_pool_free(pool);
    return rc;
}

AG_TEST(test_pool__out_of_memory_is_an_error)
{
    ag_err err = {0};
    ag_pool *pool = NULL;
    ag_test_fail_at_n(AG_FAULT_ALLOC, make_pool, NULL, NULL);
    AG_EXPECT_ERROR(ag_pool_new(5000, &pool, &err), AG_ELIMIT, "4096");
    assert_null(pool);
}

AG_TEST(test_cpu__quota_is_rounded_up_and_nonsense_limits_nothing)
{
    assert_int_equal(ag_cpu_quota(AG_STR("150000 100000\n")), 2);
    assert_int_equal(ag_cpu_quota(AG_STR("10000 100000")), 1);
    assert_int_equal(ag_cpu_quota(AG_STR("9223372036854775807 1")), 65536);
    const char *none[] = {"max 100000\n", "", "-1 100000", "100000", "1 0", "1 -5", "x y", "100000 "};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) assert_int_equal(ag_cpu_quota(ag_str_of(none[i])), 0);
}

AG_TEST(test_cpu__group_is_the_unified_one)
{
    assert_true(ag_str_is(ag_cpu_group(AG_STR("4:cpu:/old\n0::/user.slice/x\n")), "/user.slice/x"));
    assert_int_equal(ag_cpu_group(AG_STR("4:cpu:/old\n")).size, 0);
    assert_int_equal(ag_cpu_group(AG_STR("")).size, 0);
}

AG_TEST(test_cpu__the_environment_overrides_when_it_makes_sense)
{
    unsetenv("AUGER_THREADS");
    unsigned found = ag_cpu_count();
    assert_true(found >= 1);
    setenv("AUGER_THREADS", "7", 1);
    assert_int_equal(ag_cpu_count(), 7);
    const char *nonsense[] = {"0", "-1", "many", "", "99999999"};
    for (size_t i = 0; i < 5; i++) {
        setenv("AUGER_THREADS", nonsense[i], 1);
        assert_int_equal(ag_cpu_count(), found);
    }
    unsetenv("AUGER_THREADS");
}

AG_TEST(test_thread__a_long_name_is_cut)
{
    char name[16] = "", before[16] = "";
    pthread_getname_np(pthread_self(), before, sizeof(before));
    ag_thread_name("a name that is far too long");
    pthread_getname_np(pthread_self(), name, sizeof(name));
    assert_string_equal(name, "a name that is ");
    ag_thread_name(before);
}
