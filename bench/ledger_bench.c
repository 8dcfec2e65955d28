// SPDX-License-Identifier: Apache-2.0
/* ledger_bench.c: what the ledger's calls cost, as medians, on a ledger that is filled first: 20 metrics per run, 400
 * points in all per run, 10 parameters, 5 tags. Durable (fsync) as in use.
 * Usage: bench-ledger [DIRECTORY [WORD]]: only what has WORD in its name; "fill": nothing. $AUGER_BENCH_RUNS: how many
 * runs to add first (500; the budgets speak of 20000, which are 8 million points);
 * $AUGER_BENCH_POSTGRES=postgresql://...: there instead of in a SQLite file in DIRECTORY. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "ledger/experiment.h"
#include "ledger/ledger.h"
#include "ledger/run.h"

enum { FILLERS = 16, KEYS = 20, POINTS = 400, PARAMS = 10, TAGS = 5, BATCH = 2000, ROUNDS = 101, CLIENTS = 20 };

typedef struct bench {
    ag_ledger *ledger;
    int64_t runs;
    atomic_int_fast64_t next, batches;
    char some_run[33];
    pthread_mutex_t lock;
    int64_t times[CLIENTS * ROUNDS];
    int round;
} bench;

static void stop_if(int rc, const ag_err *err)
{
    if (rc >= 0) return;
    fprintf(stderr, "bench-ledger: %s\n", err->text);
    exit(1);
}

/* The points of steps that have not been before, as training logs them. */
static void fill_batch(ag_metric *metrics, size_t count, int64_t seed, int64_t first_step, char keys[KEYS][16])
{
    for (size_t i = 0; i < count; i++) {
        metrics[i] = (ag_metric){.key = keys[i % KEYS],
                                 .value = (double)((seed * 7919 + (int64_t)i * 104729) % 100000) / 1000,
                                 .at = 1700000000000000 + (first_step * KEYS + (int64_t)i) * 1000,
                                 .step = first_step + (int64_t)(i / KEYS)};
    }
}

static void name_keys(char keys[KEYS][16])
{
    for (int k = 0; k < KEYS; k++) snprintf(keys[k], 16, "metric_%d", k);
}

static void make_run(bench *b, int64_t number, ag_metric *metrics, char id[33])
{
    ag_err err = {0};
    ag_run run;
    char keys[KEYS][16], values[PARAMS + TAGS][40], names[PARAMS + TAGS][16];
    ag_pair pairs[PARAMS + TAGS];
    name_keys(keys);
    for (int i = 0; i < PARAMS + TAGS; i++) {
        snprintf(names[i], 16, "%s_%d", i < PARAMS ? "param" : "tag", i);
        snprintf(values[i], 40, "value %lld", (long long)(number * (i + 1) % 997));
        pairs[i] = (ag_pair){ag_str_of(names[i]), ag_str_of(values[i])};
    }
    ag_arena *arena = ag_arena_new(0);
    ag_run_new wanted = {.experiment_id = AG_STR("0")};
    stop_if(ag_run_create(b->ledger, &wanted, arena, &run, &err), &err);
    fill_batch(metrics, POINTS, number, 0, keys);
    ag_run_batch batch = {metrics, POINTS, {pairs, PARAMS}, {pairs + PARAMS, TAGS}};
    stop_if(ag_run_log(b->ledger, ag_str_of(run.id), &batch, &err), &err);
    memcpy(id, run.id, 33);
    ag_arena_free(arena);
}

static void *fill(void *context)
{
    bench *b = context;
    ag_metric *metrics = ag_calloc(POINTS, sizeof(*metrics));
    char id[33];
    for (int64_t n; metrics && (n = atomic_fetch_add(&b->next, 1)) < b->runs;) {
        make_run(b, n, metrics, id);
        if (n == b->runs / 2) memcpy(b->some_run, id, 33);
    }
    ag_free(metrics);
    return NULL;
}

static void in_threads(bench *b, int count, void *(*work)(void *))
{
    pthread_t threads[CLIENTS];
    for (int i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, work, b) != 0) exit(1);
    }
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, int64_t *times, size_t count, int64_t processor)
{
    qsort(times, count, sizeof(*times), compare_times);
    printf("%-58s %9.3f ms  p99 %9.3f ms  processor %9.3f ms\n", what, (double)times[count / 2] / 1000,
           (double)times[count * 99 / 100] / 1000, (double)processor / (double)count / 1000);
}

/* Of all threads: what else the machine does is not in it. */
static int64_t processor_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- what is measured ---- */

static void create_one(bench *b, int round)
{
    ag_err err = {0};
    ag_run run;
    ag_arena *arena = ag_arena_new(0);
    ag_run_new wanted = {.experiment_id = AG_STR("0")};
    (void)round;
    stop_if(ag_run_create(b->ledger, &wanted, arena, &run, &err), &err);
    ag_arena_free(arena);
}

static void log_one(bench *b, int round)
{
    ag_err err = {0};
    ag_metric metric = {.key = "single", .value = round, .at = ag_now(), .step = round};
    ag_run_batch batch = {.metrics = &metric, .metric_count = 1};
    stop_if(ag_run_log(b->ledger, ag_str_of(b->some_run), &batch, &err), &err);
}

static void log_many(bench *b, int round)
{
    ag_err err = {0};
    char keys[KEYS][16];
    ag_metric *metrics = ag_calloc(BATCH, sizeof(*metrics));
    if (!metrics) exit(1);
    name_keys(keys);
    fill_batch(metrics, BATCH, round, (int64_t)(atomic_fetch_add(&b->batches, 1) + 1) * (BATCH / KEYS), keys);
    ag_run_batch batch = {.metrics = metrics, .metric_count = BATCH};
    stop_if(ag_run_log(b->ledger, ag_str_of(b->some_run), &batch, &err), &err);
    ag_free(metrics);
}

static void search(bench *b, const char *filter, const char *order)
{
    ag_err err = {0};
    ag_runs found;
    ag_arena *arena = ag_arena_new(0);
    ag_str ids[] = {AG_STR("0")}, by = ag_str_of(order);
    ag_page_request page = {
        .filter = ag_str_of(filter), .order_by = &by, .order_count = order != NULL, .max_results = 100};
    stop_if(ag_run_search(b->ledger, ids, 1, AG_VIEW_ACTIVE, &page, arena, &found, &err), &err);
    ag_arena_free(arena);
}

static void search_newest(bench *b, int round)
{
    (void)round;
    search(b, "", NULL);
}

static void search_metric(bench *b, int round)
{
    (void)round;
    search(b, "metrics.metric_3 < 10", NULL);
}

static void search_rare_metric(bench *b, int round)
{
    (void)round;
    search(b, "metrics.metric_3 < 0.02", NULL);
}

static void search_param(bench *b, int round)
{
    (void)round;
    search(b, "params.param_2 = 'value 42'", NULL);
}

static void search_tag(bench *b, int round)
{
    (void)round;
    search(b, "tags.tag_11 = 'value 42'", NULL);
}

static void search_tag_like(bench *b, int round)
{
    (void)round;
    search(b, "tags.tag_11 LIKE 'value 4%'", NULL);
}

static void search_ordered(bench *b, int round)
{
    (void)round;
    search(b, "", "metrics.metric_5 ASC");
}

static void search_ordered_param(bench *b, int round)
{
    (void)round;
    search(b, "metrics.metric_1 > 50", "params.param_2 DESC");
}

static void read_history(bench *b, int round)
{
    ag_err err = {0};
    ag_points points;
    ag_arena *arena = ag_arena_new(0);
    (void)round;
    stop_if(
        ag_metric_history(b->ledger, ag_str_of(b->some_run), AG_STR("metric_7"), 0, (ag_str){0}, arena, &points, &err),
        &err);
    ag_arena_free(arena);
}

static void read_run(bench *b, int round)
{
    ag_err err = {0};
    ag_run run;
    ag_arena *arena = ag_arena_new(0);
    (void)round;
    stop_if(ag_run_get(b->ledger, ag_str_of(b->some_run), arena, &run, &err), &err);
    ag_arena_free(arena);
}

static const struct {
    const char *what;
    void (*run)(bench *b, int round);
} measured[] = {
    {"run: create", create_one},
    {"run: get", read_run},
    {"log: one metric", log_one},
    {"log: batch of 2,000 points", log_many},
    {"search: newest 100", search_newest},
    {"search: 100 by metric, a tenth fits", search_metric},
    {"search: 100 by metric, few fit", search_rare_metric},
    {"search: 100 by parameter", search_param},
    {"search: 100 by tag", search_tag},
    {"search: 100 by tag LIKE", search_tag_like},
    {"search: 100 ordered by metric", search_ordered},
    {"search: 100 by metric, ordered by parameter", search_ordered_param},
    {"metric: history", read_history},
};

static void measure(bench *b, void (*run)(bench *, int), int64_t *times, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        int64_t start = ag_monotonic();
        run(b, i);
        times[i] = ag_monotonic() - start;
    }
}

/* Several at once, each call on its own. */
static void *client(void *context)
{
    bench *b = context;
    int64_t times[ROUNDS];
    measure(b, measured[b->round].run, times, ROUNDS);
    pthread_mutex_lock(&b->lock);
    memcpy(b->times + b->next * ROUNDS, times, sizeof(times));
    b->next++;
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

static void print_all(bench *b, const char *only)
{
    for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
        if (!strstr(measured[i].what, only)) continue;
        int64_t before = processor_time();
        measure(b, measured[i].run, b->times, ROUNDS);
        report(measured[i].what, b->times, ROUNDS, processor_time() - before);
    }
    printf("at %d clients:\n", CLIENTS);
    static const int many[] = {0, 2, 3, 4, 5, 7, 10};
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        if (!strstr(measured[many[i]].what, only)) continue;
        b->round = many[i];
        b->next = 0;
        int64_t before = processor_time();
        in_threads(b, CLIENTS, client);
        report(measured[many[i]].what, b->times, (size_t)CLIENTS * ROUNDS, processor_time() - before);
    }
}

int main(int argc, char **argv)
{
    ag_err err = {0};
    static bench b;
    char *directory = NULL;
    const char *runs = getenv("AUGER_BENCH_RUNS");
    b.runs = runs ? strtoll(runs, NULL, 10) : 500;
    pthread_mutex_init(&b.lock, NULL);
    if (argc < 2) stop_if(ag_dir_temporary("bench-ledger", &directory, &err), &err);
    ag_ledger_options options = {.home = directory ? directory : argv[1], .database = getenv("AUGER_BENCH_POSTGRES")};
    stop_if(ag_ledger_open(&options, &b.ledger, &err), &err);
    int64_t start = ag_monotonic();
    b.runs += b.runs == 0; /* there must be one to write to and read from */
    in_threads(&b, FILLERS, fill);
    double seconds = (double)(ag_monotonic() - start) / 1e6;
    printf("%lld runs, %lld points on %s in %.1f s\n", (long long)b.runs, (long long)b.runs * POINTS,
           ag_db_label(ag_ledger_db(b.ledger)), seconds);
    print_all(&b, argc > 2 ? argv[2] : "");
    ag_ledger_close(b.ledger);
    if (directory) ag_dir_remove(directory, &err);
    ag_free(directory);
    return 0;
}
