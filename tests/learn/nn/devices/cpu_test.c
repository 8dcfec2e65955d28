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

static void find_gradient(ag_exec *exec, int64_t samples, ag_real *gradient)
{
    ag_err err = {0};
    ag_device_run one = {.samples = samples, .gradient = gradient};
    AG_EXPECT_OK(ag_exec_run(exec, &one, &err));
}

/* Some gradients are stored by a lane's first samples: a lane without samples must still give zero, and a lane with
 * several chunks their sum. */
AG_TEST(test_cpu__nothing_of_an_earlier_run_is_left_in_gradients)
{
    ag_err err = {0};
    ag_patchtsmixer c = golden_small();
    ag_model *model = golden_model(&c, true, false);
    size_t size = (size_t)ag_graph_flat_size(model->graph), each = (size_t)(c.context_length * c.num_input_channels);
    ag_real *x = ag_alloc_array(MOST_SAMPLES * each, sizeof *x), *gradient[2];
    const ag_plan_options options = {
        .gradients = true, .training = true, .max_samples = MOST_SAMPLES, .chunk = 2, .lanes = 4};
    for (size_t i = 0; i < MOST_SAMPLES * each; i++) x[i] = (ag_real)golden_number(99, i);
    for (int again = 0; again < 2; again++) gradient[again] = ag_calloc(size, sizeof **gradient);
    for (int64_t samples = 1; samples <= MOST_SAMPLES; samples += samples < 6 ? 1 : 5) {
        for (int again = 0; again < 2; again++) {
            ag_exec *exec = NULL;
            AG_EXPECT_OK(ag_exec_new(model->graph, &options, model->values, NULL, NULL, &exec, &err));
            AG_EXPECT_OK(ag_exec_input(exec, "past_values", x, &err));
            AG_EXPECT_OK(ag_exec_input(exec, "future_values", x, &err));
            if (again) find_gradient(exec, MOST_SAMPLES, gradient[1]);
            find_gradient(exec, samples, gradient[again]);
            ag_exec_free(exec);
        }
        if (memcmp(gradient[0], gradient[1], size * sizeof **gradient) != 0)
            fail_msg("%d samples after %d: other gradients", (int)samples, MOST_SAMPLES);
    }
    for (int again = 0; again < 2; again++) ag_free(gradient[again]);
    ag_free(x);
    ag_model_free(model);
}
