// SPDX-License-Identifier: Apache-2.0
/* How the CPU shares a batch out among threads: that no sample is left out, taken twice or given other bits. Gradients
 * are checked for every operation by ag_check_graph(). */
#include <string.h>

#include "core/base/mem.h"
#include "learn/nn/exec.h"
#include "learn/nn/golden.h"

enum { MOST_SAMPLES = 26 };

typedef struct bench {
    ag_model *model;
    int64_t in, out; /* of a sample */
    ag_real *x, *y;
} bench;

static void open_bench(bench *b, bool plain)
{
    ag_patchtsmixer c = golden_small();
    b->model = golden_model(&c, false, plain);
    b->in = c.context_length * c.num_input_channels;
    b->out = c.prediction_length * c.num_input_channels;
    size_t inputs = (size_t)(MOST_SAMPLES * b->in), outputs = (size_t)(MOST_SAMPLES * b->out);
    b->x = ag_alloc_array(inputs, sizeof *b->x);
    b->y = ag_calloc(outputs, sizeof *b->y);
    for (size_t i = 0; i < inputs; i++) b->x[i] = (ag_real)golden_number(99, i);
}

static void close_bench(bench *b)
{
    ag_model_free(b->model);
    ag_free(b->x);
    ag_free(b->y);
}

static ag_exec *open_exec(const bench *b, int64_t chunk, ag_pool *pool)
{
    ag_err err = {0};
    ag_exec *exec = NULL;
    const ag_plan_options options = {.outputs = true, .max_samples = MOST_SAMPLES, .chunk = chunk};
    AG_EXPECT_OK(ag_exec_new(b->model->graph, &options, b->model->values, NULL, pool, &exec, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "past_values", b->x, &err));
    return exec;
}

static void run(const bench *b, ag_exec *exec, int64_t samples, ag_real *y)
{
    ag_err err = {0};
    ag_device_run one = {.samples = samples};
    memset(y, 0, (size_t)(MOST_SAMPLES * b->out) * sizeof *y);
    AG_EXPECT_OK(ag_exec_output(exec, "prediction_outputs", y, &err));
    AG_EXPECT_OK(ag_exec_run(exec, &one, &err));
}

/* Every number of samples with every number of threads, against all of them in one thread. */
static void check_shares(int64_t chunk, bool plain)
{
    bench b;
    open_bench(&b, plain);
    ag_exec *all = open_exec(&b, 0, NULL);
    size_t sample = (size_t)b.out * sizeof *b.y;
    ag_real *y = ag_alloc_array(MOST_SAMPLES, sample);
    run(&b, all, MOST_SAMPLES, b.y);
    for (unsigned threads = 1; threads <= 5; threads++) {
        ag_err err = {0};
        ag_pool *pool = NULL;
        AG_EXPECT_OK(ag_pool_new(threads, &pool, &err));
        ag_exec *exec = open_exec(&b, chunk, pool);
        for (int64_t samples = 1; samples <= MOST_SAMPLES; samples++) {
            run(&b, exec, samples, y);
            if (memcmp(y, b.y, (size_t)samples * sample) != 0)
                fail_msg("%d samples, %u threads, chunks of %d: other bits", (int)samples, threads, (int)chunk);
            for (int64_t i = samples * b.out; i < MOST_SAMPLES * b.out; i++) assert_true(y[i] == 0);
        }
        ag_exec_free(exec);
        ag_pool_free(pool);
    }
    ag_free(y);
    ag_exec_free(all);
    close_bench(&b);
}

AG_TEST(test_cpu__any_share_of_a_batch_gives_the_same_bits)
{
    for (int64_t chunk = 1; chunk <= 4; chunk++) check_shares(chunk, false);
}

AG_TEST(test_cpu__any_share_of_a_batch_gives_the_same_bits_in_single_operations)
{
    check_shares(3, true);
}
