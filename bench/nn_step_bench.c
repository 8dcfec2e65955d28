// SPDX-License-Identifier: Apache-2.0
/* nn_step_bench.c: PatchTSMixer in the drilling configuration: forward of 1, 40 and 128 windows on one core, a training
 * step (forward, backward, clipping, AdamW) at batch 32 and 128 on all cores, and where its time goes. Prints
 * milliseconds (the best of several) and
 * GFLOP/s. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "learn/nn/architecture.h"
#include "learn/nn/exec.h"
#include "learn/nn/kernels/kernels.h"
#include "learn/nn/model.h"
#include "learn/nn/models/patchtsmixer.h"
#include "learn/nn/optim.h"

static const ag_patchtsmixer drilling = {.head = 1,
                                         .context_length = 512,
                                         .patch_length = 8,
                                         .patch_stride = 8,
                                         .num_input_channels = 17,
                                         .d_model = 16,
                                         .expansion_factor = 2,
                                         .num_layers = 8,
                                         .dropout = 0.2,
                                         .mode = 1,
                                         .gated_attn = true,
                                         .norm_mlp = "LayerNorm",
                                         .norm_eps = 1e-5,
                                         .self_attn = true,
                                         .self_attn_heads = 1,
                                         .use_positional_encoding = true,
                                         .scaling = AG_MIXER_STD,
                                         .loss = AG_MIXER_FOCAL,
                                         .prediction_length = 512,
                                         .head_dropout = 0.2};

typedef struct setting {
    int64_t samples, chunk;
    bool gradients, plain;
    int repeats;
    ag_pool *pool;
} setting;

static void fill(ag_real *x, int64_t count)
{
    ag_rng rng = ag_rng_stream(3, "bench");
    for (int64_t i = 0; i < count; i++) x[i] = (ag_real)ag_rng_normal(&rng);
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct op_time {
    const ag_op *op;
    double forward, backward, flop;
} op_time;

static void print_profile(const ag_graph *graph, const ag_profile *profile, int64_t runs, int64_t samples)
{
    op_time times[64] = {0};
    int count = 0;
    double total = 0.0;
    for (int32_t n = 0; n < ag_graph_nodes(graph); n++) {
        const ag_node *node = ag_graph_node(graph, n);
        int k = 0;
        while (k < count && times[k].op != node->op) k++;
        if (k == count && count < 63) times[count++].op = node->op;
        times[k].forward += profile->forward[n];
        times[k].backward += profile->backward[n];
        times[k].flop += node->op->cost(node);
        total += profile->forward[n] + profile->backward[n];
    }
    for (int i = 0; i < count; i++) {
        double per = 1e6 / (double)(runs * samples);
        printf("    %-16s forward %8.1f us  %6.1f GFLOP/s   backward %8.1f us   %5.1f %%\n", times[i].op->name,
               times[i].forward * per, times[i].flop * (double)(runs * samples) / times[i].forward * 1e-9,
               times[i].backward * per, 100.0 * (times[i].forward + times[i].backward) / total);
    }
}

/* One step or one forward. *update gets the seconds of clipping and AdamW added. */
static int run_once(const setting *s, ag_exec *exec, ag_run *run, ag_optim *optim, ag_model *model, double *update,
                    ag_err *err)
{
    int rc = ag_exec_run(exec, run, err);
    if (rc < 0 || !s->gradients) return rc;
    int64_t start = ag_monotonic();
    rc = ag_optim_step(optim, model->values, run->gradient, run->loss_weight, 1.0, s->pool, NULL, err);
    if (rc >= 0) rc = ag_exec_changed(exec, err);
    *update += (double)(ag_monotonic() - start) * 1e-6;
    return rc;
}

static const ag_optim_options adamw = {
    .learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .clip_norm = 1.0, .decay_biases = true};

static int measure(const setting *s, const char *name, ag_err *err)
{
    int rc = 0;
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    ag_exec *exec = NULL;
    ag_real *x = ag_alloc_aligned(64, (size_t)(s->samples * 512 * 17) * sizeof *x), *y = NULL, *gradient = NULL;
    double times[64], busy_times[64], update = 0.0;
    ag_optim *optim = NULL;
    ag_optim_options updating = adamw;
    updating.optimizer = ag_optimizer_find("adamw");
    ag_profile profile = {0};
    if ((rc = ag_architecture_graph(&ag_architecture_patchtsmixer, &drilling,
                                    &(ag_building){.loss = s->gradients, .plain = s->plain}, &graph, err)) < 0)
        goto out;
    if ((rc = ag_model_new(graph, &model, err)) < 0) goto out;
    ag_model_initialise(model, 1);
    gradient = ag_alloc_aligned(64, (size_t)ag_graph_flat_size(graph) * sizeof *gradient);
    y = ag_alloc_aligned(64, (size_t)(s->samples * 512 * 17) * sizeof *y);
    profile.forward = ag_calloc((size_t)ag_graph_nodes(graph), sizeof(double));
    profile.backward = ag_calloc((size_t)ag_graph_nodes(graph), sizeof(double));
    if (!x || !y || !gradient || !profile.forward || !profile.backward) {
        rc = ag_fail_memory(err, 0);
        goto out;
    }
    fill(x, s->samples * 512 * 17);
    ag_plan_options options = {.gradients = s->gradients,
                               .training = s->gradients,
                               .outputs = !s->gradients,
                               .max_samples = s->samples,
                               .chunk = s->chunk};
    if ((rc = ag_exec_new(graph, &options, model->values, NULL, s->pool, &exec, err)) < 0) goto out;
    if ((rc = ag_optim_new(graph, &updating, &optim, err)) < 0) goto out;
    if ((rc = ag_exec_input(exec, "past_values", x, err)) < 0) goto out;
    if (s->gradients && (rc = ag_exec_input(exec, "future_values", x, err)) < 0) goto out;
    if (!s->gradients && (rc = ag_exec_output(exec, "prediction_outputs", y, err)) < 0) goto out;
    for (int i = 0; i < s->repeats; i++) {
        ag_run run = {.samples = s->samples,
                      .gradient = s->gradients ? gradient : NULL,
                      .step = (uint64_t)i,
                      .profile = &profile};
        int64_t start = ag_monotonic();
        clock_t busy = clock();
        if ((rc = run_once(s, exec, &run, optim, model, &update, err)) < 0) goto out;
        times[i] = (double)(ag_monotonic() - start) * 1e-3;
        busy_times[i] = (double)(clock() - busy) * 1e3 / (double)CLOCKS_PER_SEC;
    }
    qsort(times, (size_t)s->repeats, sizeof *times, compare_times);
    qsort(busy_times, (size_t)s->repeats, sizeof *busy_times, compare_times);
    double flop = ag_graph_cost(graph) * (double)s->samples * (s->gradients ? 3.0 : 1.0);
    printf("%-24s %9.3f ms best %9.3f ms median  %7.1f GFLOP/s | cpu %9.3f ms %6.1f GFLOP/s per core | %6.1f MB\n",
           name, times[0], times[s->repeats / 2], flop / times[0] * 1e-6, busy_times[0], flop / busy_times[0] * 1e-6,
           (double)ag_exec_bytes(exec) / 1e6);
    if (s->gradients) printf("    clipping and AdamW %.3f ms\n", 1e3 * update / s->repeats);
    if (getenv("AUGER_BENCH_OPS")) print_profile(graph, &profile, s->repeats, s->samples);
out:
    ag_optim_free(optim);
    ag_exec_free(exec);
    if (model) ag_model_free(model);
    ag_free(x);
    ag_free(y);
    ag_free(gradient);
    ag_free(profile.forward);
    ag_free(profile.backward);
    return rc;
}

int main(void)
{
    ag_err err = {0};
    ag_pool *pool = NULL;
    if (ag_pool_new(0, &pool, &err) < 0) return 1;
    printf("kernels %s, %u threads\n", ag_kernels_best()->name, ag_pool_threads(pool));
    const struct {
        const char *name;
        setting s;
    } all[] = {
        {"forward 1, one core", {1, 1, false, false, 30, NULL}},
        {"forward 40, one core", {40, 4, false, false, 5, NULL}},
        {"forward 128, all cores", {128, 4, false, false, 5, pool}},
        {"step 32, one core", {32, 0, true, false, 3, NULL}},
        {"step 32, all cores", {32, 0, true, false, 9, pool}},
        {"step 128, all cores", {128, 0, true, false, 5, pool}},
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all && rc >= 0; i++) rc = measure(&all[i].s, all[i].name, &err);
    if (rc < 0) fprintf(stderr, "%s\n", err.text);
    ag_pool_free(pool);
    return rc < 0;
}
