// SPDX-License-Identifier: Apache-2.0
/* engine_bench.c: the neural engine on PatchTSMixer in the drilling configuration.
 *
 *     bench-engine                  the machine's peak, our times, where they go; then bench/engine.py beside the peers
 *     bench-engine ops              only ours
 *     bench-engine serve N [MODEL]  answers bench/engine.py on N threads: a line "forward 40", "step 32" or "folds 24"
 *                                   is run once and answered with its seconds of wall clock and of processor;
 *                                   "predict FILE" answers the model's outputs of window 0 as raw floats
 *
 * $AUGER_BENCH_MODEL=holes: what `auger train` makes of drilled holes by itself, only ours. $AUGER_BENCH_PLAIN: single
 * operations; $AUGER_BENCH_RECOMPUTE: layers computed again; $AUGER_BENCH_CHUNK and $AUGER_BENCH_LANES: those of the
 * plan.
 *
 * A step is forward, backward, clipping by norm and AdamW. The peak is that of independent fused multiply-adds in the
 * widest vectors, measured in this process on the processor's time, so that other programs do not lower it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "learn/nn/architecture.h"
#include "learn/nn/checkpoint/pretrained.h"
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

/* As in learn/drilling/run.c. */
static const ag_patchtsmixer holes = {.task = AG_MIXER_HEATMAP,
                                      .context_length = 512,
                                      .patch_length = 16,
                                      .patch_stride = 16,
                                      .num_input_channels = 17,
                                      .d_model = 24,
                                      .expansion_factor = 2,
                                      .num_layers = 3,
                                      .dropout = 0.05,
                                      .mode = 1,
                                      .gated_attn = true,
                                      .norm_mlp = "LayerNorm",
                                      .norm_eps = 1e-5,
                                      .scaling = AG_MIXER_UNSCALED,
                                      .prediction_length = 16,
                                      .num_targets = 3};

enum { WINDOW = 512 * 17, MOST_WINDOWS = 128, MOST_JOBS = 64, MOST_REPEATS = 64 };

static ag_real *windows; /* MOST_WINDOWS of them: what every job reads */

/* ---- a model with what is needed to run it in one way ---- */

typedef struct job {
    bool step;
    int64_t samples;
    ag_model *model;
    ag_exec *exec;
    ag_optim *optim;
    ag_real *y, *gradient;
    ag_profile profile;
    uint64_t steps;
} job;

static void close_job(job *j)
{
    ag_optim_free(j->optim);
    ag_exec_free(j->exec);
    if (j->model) ag_model_free(j->model);
    ag_free(j->y);
    ag_free(j->gradient);
    ag_free(j->profile.forward);
    ag_free(j->profile.backward);
    *j = (job){0};
}

static bool of_holes(void)
{
    const char *wish = getenv("AUGER_BENCH_MODEL");
    return wish && strcmp(wish, "holes") == 0;
}

static int take_model(job *j, const char *path, ag_err *err)
{
    ag_graph *graph = NULL;
    ag_pretrained *loaded = NULL;
    const ag_building building = {.loss = j->step, .constant = !j->step, .plain = getenv("AUGER_BENCH_PLAIN") != NULL};
    int rc =
        ag_architecture_graph(&ag_architecture_patchtsmixer, of_holes() ? &holes : &drilling, &building, &graph, err);
    if (rc < 0 || (rc = ag_model_new(graph, &j->model, err)) < 0) return rc;
    ag_model_initialise(j->model, 1);
    if (!path) return 0;
    if ((rc = ag_pretrained_load(path, NULL, &loaded, err)) < 0) return rc;
    for (int32_t p = 0; p < ag_graph_parameters(graph); p++) {
        const ag_parameter *row = ag_graph_parameter_at(graph, p);
        const ag_real *from = ag_model_parameter(loaded->model, row->name);
        if (from) memcpy(j->model->values + row->offset, from, (size_t)row->size * sizeof *from);
    }
    ag_pretrained_free(loaded);
    return 0;
}

static int open_job(job *j, bool step, int64_t samples, const char *path, ag_pool *pool, ag_err *err)
{
    static const ag_optim_options adamw = {
        .learning_rate = 1e-4, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .clip_norm = 1.0, .decay_biases = true};
    ag_optim_options updating = adamw;
    updating.optimizer = ag_optimizer_find("adamw");
    *j = (job){.step = step, .samples = samples};
    int rc = take_model(j, path, err);
    if (rc < 0) return rc;
    const ag_graph *graph = j->model->graph;
    size_t nodes = (size_t)ag_graph_nodes(graph);
    j->y = ag_alloc_aligned(64, (size_t)(samples * WINDOW) * sizeof *j->y);
    j->gradient = ag_alloc_aligned(64, (size_t)ag_graph_flat_size(graph) * sizeof *j->gradient);
    j->profile = (ag_profile){ag_calloc(nodes, sizeof(double)), ag_calloc(nodes, sizeof(double))};
    if (!j->y || !j->gradient || !j->profile.forward || !j->profile.backward) return ag_fail_memory(err, 1);
    const char *chunk = getenv("AUGER_BENCH_CHUNK"), *lanes = getenv("AUGER_BENCH_LANES");
    ag_plan_options options = {.gradients = step,
                               .training = step,
                               .outputs = !step,
                               .recompute = getenv("AUGER_BENCH_RECOMPUTE") != NULL,
                               .max_samples = samples,
                               .chunk = chunk ? strtol(chunk, NULL, 10) : 0,
                               .lanes = lanes ? strtol(lanes, NULL, 10) : 0};
    if ((rc = ag_exec_new(graph, &options, j->model->values, NULL, pool, &j->exec, err)) < 0 ||
        (rc = ag_optim_new(graph, &updating, &j->optim, err)) < 0 ||
        (rc = ag_exec_input(j->exec, "past_values", windows, err)) < 0)
        return rc;
    return step ? ag_exec_input(j->exec, of_holes() ? "target_values" : "future_values", windows, err)
                : ag_exec_output(j->exec, "prediction_outputs", j->y, err);
}

static int run_job(job *j, ag_pool *pool, bool profiled, ag_err *err)
{
    ag_device_run run = {.samples = j->samples,
                         .gradient = j->step ? j->gradient : NULL,
                         .step = j->steps++,
                         .profile = profiled ? &j->profile : NULL};
    int rc = ag_exec_run(j->exec, &run, err);
    if (rc < 0 || !j->step) return rc;
    if ((rc = ag_optim_step(j->optim, j->model->values, j->gradient, run.loss_weight, 1.0, pool, NULL, err)) < 0)
        return rc;
    return ag_exec_changed(j->exec, err);
}

/* ---- clocks ---- */

typedef struct times {
    double wall, busy; /* seconds; busy is the processor's, of all threads */
} times;

static double busy_seconds(void)
{
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static times now(void)
{
    return (times){(double)ag_monotonic() * 1e-6, busy_seconds()};
}

static times since(times start)
{
    times end = now();
    return (times){end.wall - start.wall, end.busy - start.busy};
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- the machine's peak ---- */

/* Twelve chains of multiply-adds, enough to fill two units of four cycles each, and not more than sixteen registers
 * hold beside the factor and the term: what is spilled would be measured as a lower peak. Returns operations. */
#define CHAINS_COUNT 12
#define CHAINS(vector, set, fma)                                                                                       \
    vector sum[CHAINS_COUNT], factor = set(0.999F), term = set(0.001F);                                                \
    for (int i = 0; i < CHAINS_COUNT; i++) sum[i] = set((float)i);                                                     \
    for (int64_t k = 0; k < turns; k++) {                                                                              \
        for (int i = 0; i < CHAINS_COUNT; i++) sum[i] = fma(sum[i], factor, term);                                     \
    }                                                                                                                  \
    for (int i = 1; i < CHAINS_COUNT; i++) sum[0] = fma(sum[i], factor, sum[0]);                                       \
    float out[sizeof(vector) / sizeof(float)];                                                                         \
    memcpy(out, &sum[0], sizeof out);                                                                                  \
    *sink += out[0];                                                                                                   \
    return 2.0 * CHAINS_COUNT * (double)turns * (double)(sizeof(vector) / sizeof(float))

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static double chains512(int64_t turns, float *sink)
{
    CHAINS(__m512, _mm512_set1_ps, _mm512_fmadd_ps);
}
__attribute__((target("avx2,fma"))) static double chains256(int64_t turns, float *sink)
{
    CHAINS(__m256, _mm256_set1_ps, _mm256_fmadd_ps);
}
#endif

#if defined(__aarch64__)
static float32x4_t fma_neon(float32x4_t a, float32x4_t b, float32x4_t c)
{
    return vfmaq_f32(c, a, b);
}
static double chains_neon(int64_t turns, float *sink)
{
    CHAINS(float32x4_t, vdupq_n_f32, fma_neon);
}
#endif

static double chains_plain(int64_t turns, float *sink)
{
    CHAINS(float, (float), fmaf);
}

static double peak(void)
{
    double (*chains)(int64_t, float *) = chains_plain;
    float sink = 0;
    double best = 0.0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("fma")) chains = chains256;
    if (__builtin_cpu_supports("avx512f")) chains = chains512;
#elif defined(__aarch64__)
    chains = chains_neon;
#endif
    for (int i = 0; i < 20; i++) {
        double start = busy_seconds();
        double count = chains(500000, &sink);
        double rate = count / (busy_seconds() - start);
        if (rate > best && sink > 0) best = rate;
    }
    return best;
}

/* ---- ours alone ---- */

typedef struct op_time {
    const ag_op *op;
    double forward, backward, flop;
} op_time;

static int by_time(const void *a, const void *b)
{
    const op_time *x = a, *y = b;
    double left = x->forward + x->backward, right = y->forward + y->backward;
    return (left < right) - (left > right);
}

static int collect(const job *j, op_time *into)
{
    int count = 0;
    for (int32_t n = 0; n < ag_graph_nodes(j->model->graph); n++) {
        const ag_node *node = ag_graph_node(j->model->graph, n);
        int k = 0;
        while (k < count && into[k].op != node->op) k++;
        if (k == count && count < MOST_JOBS) into[count++] = (op_time){.op = node->op};
        into[k].forward += j->profile.forward[n];
        into[k].backward += j->profile.backward[n];
        into[k].flop += node->op->cost(node);
    }
    qsort(into, (size_t)count, sizeof *into, by_time);
    return count;
}

/* Where the time goes. A backward pass is reckoned at twice the forward's operations. */
static void print_ops(const job *j, int64_t runs, double top)
{
    op_time ops[MOST_JOBS + 1] = {0};
    int count = collect(j, ops);
    double total = 0.0, windows_run = (double)(runs * j->samples);
    for (int i = 0; i < count; i++) total += ops[i].forward + ops[i].backward;
    printf("    %-18s %14s %14s %7s %10s %8s\n", "operation", "forward", "backward", "share", "GFLOP/s", "of peak");
    for (int i = 0; i < count; i++) {
        double seconds = ops[i].forward + ops[i].backward;
        if (seconds <= 0.0) continue;
        double rate = ops[i].flop * windows_run * (j->step ? 3.0 : 1.0) / seconds;
        printf("    %-18s %9.1f us/w %9.1f us/w %5.1f %% %10.1f %6.1f %%\n", ops[i].op->name,
               ops[i].forward / windows_run * 1e6, ops[i].backward / windows_run * 1e6, 100.0 * seconds / total,
               rate * 1e-9, 100.0 * rate / top);
    }
}

static int show(const char *name, bool step, int64_t samples, int repeats, ag_pool *pool, double top, ag_err *err)
{
    job j = {0};
    double wall[MOST_REPEATS], busy[MOST_REPEATS];
    int rc = open_job(&j, step, samples, NULL, pool, err);
    for (int i = -2; i < repeats && rc >= 0; i++) { /* two to warm up */
        times start = now();
        rc = run_job(&j, pool, false, err);
        times spent = since(start);
        if (i >= 0) wall[i] = spent.wall, busy[i] = spent.busy;
    }
    if (rc >= 0) {
        qsort(wall, (size_t)repeats, sizeof *wall, by_value);
        qsort(busy, (size_t)repeats, sizeof *busy, by_value);
        double flop = ag_graph_cost(j.model->graph) * (double)samples * (step ? 3.0 : 1.0), one = busy[repeats / 2];
        printf("%-22s wall %9.2f ms least %9.2f median | processor %9.2f ms median, %6.1f GFLOP/s a core, %4.1f %% of "
               "peak | %.1f MB\n",
               name, wall[0] * 1e3, wall[repeats / 2] * 1e3, one * 1e3, flop / one * 1e-9, 100.0 * flop / one / top,
               (double)ag_exec_bytes(j.exec) * 1e-6);
    }
    for (int i = 0; i < 3 && rc >= 0; i++) rc = run_job(&j, pool, true, err);
    if (rc >= 0) print_ops(&j, 3, top);
    close_job(&j);
    return rc;
}

static int show_all(ag_err *err)
{
    double top = peak();
    ag_pool *pool = NULL;
    int rc = ag_pool_new(0, &pool, err);
    if (rc < 0) return rc;
    printf("kernels %s, %u threads; a core's peak %.1f GFLOP/s in float32\n", ag_kernels_best()->name,
           ag_pool_threads(pool), top * 1e-9);
    if ((rc = show("forward 1, one core", false, 1, 40, NULL, top, err)) >= 0 &&
        (rc = show("forward 40, one core", false, 40, 7, NULL, top, err)) >= 0 &&
        (rc = show("step 32, one core", true, 32, 7, NULL, top, err)) >= 0)
        rc = show("step 128, all cores", true, 128, 5, pool, top, err);
    ag_pool_free(pool);
    return rc;
}

/* ---- serving bench/engine.py ---- */

typedef struct server {
    ag_pool *pool;
    const char *model;
    job jobs[MOST_JOBS], folds[MOST_JOBS];
    int job_count, fold_count;
} server;

static int run_fold(void *context, size_t index, ag_err *err)
{
    server *s = context;
    return run_job(&s->folds[index], NULL, false, err);
}

/* `count` models at once, each a step of 32 windows in one thread. */
static int run_folds(server *s, int count, times *spent, ag_err *err)
{
    int rc = 0;
    if (count < 1 || count > MOST_JOBS) return ag_fail(err, AG_EINVAL, "folds: 1 to %d", MOST_JOBS);
    for (; s->fold_count < count; s->fold_count++)
        if ((rc = open_job(&s->folds[s->fold_count], true, 32, s->model, NULL, err)) < 0) return rc;
    times start = now();
    rc = s->pool ? ag_pool_for(s->pool, (size_t)count, run_fold, s, NULL, err) : 0;
    for (int i = 0; !s->pool && i < count && rc >= 0; i++) rc = run_fold(s, (size_t)i, err);
    *spent = since(start);
    return rc;
}

static int find_job(server *s, bool step, int64_t samples, job **out, ag_err *err)
{
    for (int i = 0; i < s->job_count; i++)
        if (s->jobs[i].step == step && s->jobs[i].samples == samples) {
            *out = &s->jobs[i];
            return 0;
        }
    if (s->job_count == MOST_JOBS || samples < 1 || samples > MOST_WINDOWS)
        return ag_fail(err, AG_EINVAL, "1 to %d windows, %d kinds of work", MOST_WINDOWS, MOST_JOBS);
    int rc = open_job(&s->jobs[s->job_count], step, samples, s->model, s->pool, err);
    *out = &s->jobs[s->job_count++];
    return rc;
}

static int predict(server *s, const char *path, ag_err *err)
{
    job *j = NULL;
    int rc = find_job(s, false, 1, &j, err);
    if (rc < 0 || (rc = run_job(j, s->pool, false, err)) < 0) return rc;
    FILE *file = fopen(path, "wb");
    bool whole = file && fwrite(j->y, sizeof *j->y, WINDOW, file) == WINDOW;
    if (file && fclose(file) != 0) whole = false;
    return whole ? 0 : ag_fail(err, AG_EIO, "%s cannot be written", path);
}

static int answer(server *s, const char *line, times *spent, ag_err *err)
{
    char word[16] = "", rest[1024] = "";
    job *j = NULL;
    if (sscanf(line, "%15s %1023s", word, rest) != 2) return ag_fail(err, AG_EINVAL, "two words are wanted");
    long count = strtol(rest, NULL, 10);
    if (strcmp(word, "predict") == 0) return predict(s, rest, err);
    if (strcmp(word, "folds") == 0) return run_folds(s, (int)count, spent, err);
    int rc = find_job(s, strcmp(word, "step") == 0, count, &j, err);
    times start = now();
    if (rc >= 0) rc = run_job(j, s->pool, false, err);
    *spent = since(start);
    return rc;
}

static int serve(const char *threads, const char *model, ag_err *err)
{
    static server s;
    char line[2048];
    unsigned count = (unsigned)strtoul(threads, NULL, 10);
    int rc = count > 1 ? ag_pool_new(count, &s.pool, err) : 0;
    s.model = model;
    while (rc >= 0 && fgets(line, sizeof line, stdin)) {
        times spent = {0};
        struct rusage use;
        if ((rc = answer(&s, line, &spent, err)) < 0) break;
        getrusage(RUSAGE_SELF, &use);
        printf("%.9f %.9f %.1f\n", spent.wall, spent.busy, (double)use.ru_maxrss / 1024.0);
        fflush(stdout);
    }
    for (int i = 0; i < s.job_count; i++) close_job(&s.jobs[i]);
    for (int i = 0; i < s.fold_count; i++) close_job(&s.folds[i]);
    ag_pool_free(s.pool);
    return rc;
}

/* Smooth series with noise, the same formula as in bench/engine.py, where numpy's sine differs in the last bit. */
static int make_windows(ag_err *err)
{
    windows = ag_alloc_aligned(64, (size_t)MOST_WINDOWS * WINDOW * sizeof *windows);
    if (!windows) return ag_fail_memory(err, 1);
    for (int64_t i = 0; i < (int64_t)MOST_WINDOWS * WINDOW; i++) {
        double t = (double)(i / 17), c = (double)(i % 17);
        windows[i] = (ag_real)(sin(0.05 * t * (1.0 + c / 10.0)) + 0.3 * sin(0.71 * t + c) + 0.1 * c);
    }
    return 0;
}

int main(int argc, char **argv)
{
    ag_err err = {0};
    int rc = make_windows(&err);
    if (rc >= 0 && argc > 2 && strcmp(argv[1], "serve") == 0)
        rc = serve(argv[2], argc > 3 ? argv[3] : NULL, &err);
    else if (rc >= 0)
        rc = show_all(&err);
    if (rc < 0) fprintf(stderr, "bench-engine: %s\n", err.text);
    ag_free(windows);
    if (rc < 0) return 1;
    if (argc > 1) return 0;
    fflush(stdout);
    return execl("/bin/sh", "sh", "-c",
                 "python=$(scripts/test-venv bench-engine bench/engine_requirements.txt) && exec \"$python\" "
                 "bench/engine.py",
                 (char *)NULL);
}
