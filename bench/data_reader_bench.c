// SPDX-License-Identifier: Apache-2.0
/* data_reader_bench.c: drilling files from a cold parse to a validated signal, on one core and on all, and the same
 * files through Python's csv and pandas (which only read them) in the same run. The files are simulated, all regimes
 * and versions. Usage: bench-data_reader [HOLES]. Run from the top of the tree, so that the Python side is found. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "data/reader.h"
#include "data/simulate/simulate.h"
#include "data/validator.h"

enum { SECONDS = 2 };

typedef struct corpus {
    const char *folder;
    ag_arena *arena;
    ag_vec paths; /* const char * */
    uint64_t bytes;
    bool validate;
    ag_limits limits;
    atomic_uint_fast64_t position_sum;
} corpus;

static void stop_if(int rc, const ag_err *err)
{
    if (rc >= 0) return;
    fprintf(stderr, "bench-data_reader: %s\n", err->text);
    exit(1);
}

static int add_path(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    corpus *c = context;
    if (!strstr(relative, ".xls")) return AG_OK;
    char *path = ag_arena_printf(c->arena, "%s/%s", c->folder, relative);
    if (!path) return ag_fail_memory(err, 1);
    c->bytes += info->size;
    return ag_vec_push(&c->paths, &path, err);
}

enum { BATCH = 16 }; /* files per task, so that one arena serves several */

static int read_batch(void *context, size_t index, ag_err *err)
{
    corpus *c = context;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    int rc = AG_OK;
    for (size_t i = index * BATCH; rc == AG_OK && i < c->paths.count && i < (index + 1) * BATCH; i++) {
        ag_hole *hole;
        ag_verdict verdict;
        ag_arena_reset(arena);
        rc = ag_hole_read_file(*(const char *const *)ag_vec_at(&c->paths, i), NULL, arena, &hole, NULL, err);
        if (rc == AG_OK && c->validate) rc = ag_validate(hole, &c->limits, arena, &verdict, err);
        int64_t sum = 0;
        for (size_t row = 0; rc == AG_OK && row < hole->signal.rows; row++)
            sum -= hole->signal.by_id[AG_CHANNEL_POSITION][row];
        atomic_fetch_add(&c->position_sum, (uint64_t)sum);
    }
    ag_arena_free(arena);
    return rc;
}

static double measure(corpus *c, const char *what, unsigned threads)
{
    ag_err err = {0};
    ag_pool *pool = NULL;
    size_t batches = (c->paths.count + BATCH - 1) / BATCH, rounds = 0;
    stop_if(threads > 1 ? ag_pool_new(threads, &pool, &err) : AG_OK, &err);
    double best = INFINITY;
    for (int64_t end = ag_monotonic() + SECONDS * AG_SECOND; ag_monotonic() < end || rounds < 3; rounds++) {
        int64_t start = ag_monotonic();
        atomic_store(&c->position_sum, 0);
        if (pool) {
            stop_if(ag_pool_for(pool, batches, read_batch, c, NULL, &err), &err);
        } else {
            for (size_t i = 0; i < batches; i++) stop_if(read_batch(c, i, &err), &err);
        }
        double seconds = (double)(ag_monotonic() - start) / 1e6;
        best = seconds < best ? seconds : best;
    }
    ag_pool_free(pool);
    printf("%-34s %8.1f MB/s  %7.0f files/s\n", what, (double)c->bytes / best / 1e6, (double)c->paths.count / best);
    return best;
}

static void compare_python(const corpus *c, double ours)
{
    char command[1200], name[32], line[200];
    snprintf(command, sizeof(command),
             "python=$(scripts/test-venv bench-data bench/data_requirements.txt 2>/dev/null || echo python3); "
             "exec \"$python\" bench/data_reader.py '%s'",
             c->folder);
    /* NOLINTNEXTLINE(cert-env33-c): a script of ours, on a folder that this program made */
    FILE *python = popen(command, "r");
    while (python && fgets(line, sizeof(line), python)) {
        double seconds, sum;
        if (sscanf(line, "%31s %lf %lf", name, &seconds, &sum) != 3) {
            printf("Python: %s", line);
            continue;
        }
        printf("Python, %-26s %8.1f MB/s  %7.0f files/s  ours is %.0f times as fast on one core%s\n", name,
               (double)c->bytes / seconds / 1e6, (double)c->paths.count / seconds, seconds / ours,
               llabs((int64_t)llround(-sum * 1000) - (int64_t)atomic_load(&c->position_sum)) <= 1000
                   ? ""
                   : " (SUMS DIFFER)");
    }
    if (python) pclose(python);
}

int main(int count, char **words)
{
    ag_err err = {0};
    char *folder = NULL;
    ag_sim_totals totals;
    ag_sim_options options = {.seed = 11};
    uint64_t holes = count > 1 ? strtoull(words[1], NULL, 10) : 400;
    stop_if(ag_dir_temporary("auger-bench", &folder, &err), &err);
    stop_if(ag_sim_batch(&options, folder, holes, 0, 0, NULL, NULL, &totals, &err), &err);
    corpus c = {.folder = folder, .arena = ag_arena_new(0)};
    ag_vec_init(&c.paths, sizeof(const char *));
    stop_if(ag_dir_walk(folder, add_path, &c, &err), &err);
    stop_if(ag_limits_default(&c.limits, &err), &err);
    printf("%zu simulated drilling files, %.1f MB, %u processors\n", c.paths.count, (double)c.bytes / 1e6,
           ag_cpu_count());
    measure(&c, "read, one core", 1);
    c.validate = true;
    double ours = measure(&c, "read and validated, one core", 1);
    measure(&c, "read and validated, all cores", ag_cpu_count());
    compare_python(&c, ours);
    ag_vec_deinit(&c.paths);
    ag_arena_free(c.arena);
    ag_dir_remove(folder, &err);
    ag_free(folder);
    return 0;
}
