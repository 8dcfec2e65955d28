// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/devices/crew.h"

#include <stdatomic.h>

#include "frame/test.h"

enum { STEPS = 200, MOST_PARTS = 7 };

typedef struct bench {
    ag_pool *pool;
    int ran[STEPS][MOST_PARTS]; /* each written by who runs the part: a race is what TSan looks for */
    int sums[STEPS];            /* written by steps of one part, from those before */
    unsigned members;
    atomic_int wrong;
} bench;

static int parts_of(void *context, int step)
{
    (void)context;
    return step % 3 == 2 ? 1 : 2 + step % (MOST_PARTS - 1);
}

static void run(void *context, int step, int part, int parts, int member)
{
    bench *b = context;
    if (parts != parts_of(b, step) || part < 0 || part >= parts || member < 0 || (unsigned)member >= b->members)
        atomic_fetch_add(&b->wrong, 1);
    b->ran[step][part]++;
    for (int i = 0; step > 0 && i < parts_of(b, step - 1); i++)
        if (b->ran[step - 1][i] != b->ran[step][part]) atomic_fetch_add(&b->wrong, 1); /* it has not ended yet */
    if (parts == 1) b->sums[step] = step + (step > 2 ? b->sums[step - 3] : 0);
}

static void check(const bench *b, int times)
{
    for (int s = 0; s < STEPS; s++)
        for (int p = 0; p < MOST_PARTS; p++) assert_int_equal(b->ran[s][p], p < parts_of(NULL, s) ? times : 0);
    assert_int_equal(b->wrong, 0);
    assert_int_equal(b->sums[5], 7);
}

AG_TEST(test_crew__every_part_once_and_no_step_before_the_last_has_ended)
{
    for (unsigned threads = 1; threads <= 6; threads++) {
        ag_err err = {0};
        bench b = {.members = threads};
        AG_EXPECT_OK(ag_pool_new(threads, &b.pool, &err));
        const ag_crew crew = {&b, STEPS, parts_of, run};
        for (int i = 1; i <= 20; i++) {
            ag_crew_run(b.pool, &crew);
            check(&b, i);
        }
        ag_pool_free(b.pool);
    }
    bench b = {.members = 1};
    ag_crew_run(NULL, &(ag_crew){&b, STEPS, parts_of, run}); /* no pool: this thread */
    check(&b, 1);
    ag_crew_run(NULL, &(ag_crew){&b, 0, parts_of, run});
    check(&b, 1);
}

static int run_crew(void *context, size_t index, ag_err *err)
{
    (void)err;
    bench *b = (bench *)context + index;
    ag_crew_run(b->pool, &(ag_crew){b, STEPS, parts_of, run});
    return 0;
}

/* More crews at once than threads, as requests of a server have it. */
AG_TEST(test_crew__crews_inside_of_a_busy_pool_end)
{
    ag_err err = {0};
    ag_pool *pool = NULL;
    static bench many[9];
    AG_EXPECT_OK(ag_pool_new(3, &pool, &err));
    for (int i = 0; i < 9; i++) many[i] = (bench){.pool = pool, .members = 3};
    for (int i = 1; i <= 5; i++) {
        AG_EXPECT_OK(ag_pool_for(pool, 9, run_crew, many, NULL, &err));
        for (int k = 0; k < 9; k++) check(&many[k], i);
    }
    ag_pool_free(pool);
}
