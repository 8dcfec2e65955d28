// SPDX-License-Identifier: Apache-2.0
/* data_prepare_bench.c: a folder of 1,300 simulated drilling files from end to end: read, validated, labelled, written
 * as arrays and tables with a report, on two cores and on all; and what of that is labelling.
 * Usage: bench-data_prepare [HOLES]. */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "data/prepare.h"
#include "data/simulate/simulate.h"

enum { ROUNDS = 3 };

static void stop_if(int rc, const ag_err *err)
{
    if (rc >= 0) return;
    fprintf(stderr, "bench-data_prepare: %s\n", err->text);
    exit(1);
}

/* The first `count` of the processors that this process may use, so that "two cores" are two. */
static void use_processors(const cpu_set_t *all, unsigned count)
{
    cpu_set_t some;
    unsigned taken = 0;
    CPU_ZERO(&some);
    for (int i = 0; i < CPU_SETSIZE && taken < count; i++) {
        if (!CPU_ISSET(i, all)) continue;
        CPU_SET(i, &some);
        taken++;
    }
    if (sched_setaffinity(0, sizeof(some), &some) != 0) perror("bench-data_prepare: processors");
}

static double prepare_once(const char *input, const char *output, unsigned jobs, bool label)
{
    ag_err err = {0};
    ag_prepare_summary summary;
    ag_arena *arena = ag_arena_new(0);
    ag_prepare_options options = {
        .input_dir = input, .output_dir = output, .validate = true, .auto_label = label, .jobs = jobs};
    stop_if(ag_dir_remove(output, &err), &err);
    int64_t start = ag_monotonic();
    stop_if(ag_prepare(&options, arena, &summary, &err), &err);
    double seconds = (double)(ag_monotonic() - start) / 1e6;
    ag_arena_free(arena);
    return seconds;
}

static double measure(const char *what, const char *input, const char *output, unsigned jobs, bool label,
                      const ag_sim_totals *totals)
{
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) best = fmin(best, prepare_once(input, output, jobs, label));
    printf("%-40s %6.2f s  %7.0f files/s  %7.1f MB/s\n", what, best, (double)totals->files / best,
           (double)totals->bytes / best / 1e6);
    return best;
}

int main(int count, char **words)
{
    ag_err err = {0};
    char *folder = NULL;
    cpu_set_t all;
    ag_sim_totals totals;
    ag_sim_options options = {.seed = 11};
    uint64_t holes = count > 1 ? strtoull(words[1], NULL, 10) : 1300;
    ag_arena *arena = ag_arena_new(0);
    stop_if(ag_dir_temporary("auger-bench", &folder, &err), &err);
    char *input = ag_path_join(arena, folder, "holes"), *output = ag_path_join(arena, folder, "prepared");
    stop_if(ag_sim_batch(&options, input, holes, 0, 0, NULL, NULL, &totals, &err), &err);
    printf("%llu simulated drilling files, %.1f MB, %llu rows; the best of %d\n", (unsigned long long)totals.files,
           (double)totals.bytes / 1e6, (unsigned long long)totals.rows, ROUNDS);
    if (sched_getaffinity(0, sizeof(all), &all) != 0) CPU_ZERO(&all);
    use_processors(&all, 2);
    double plain = measure("validated, two cores", input, output, 2, false, &totals);
    double whole = measure("validated and labelled, two cores", input, output, 2, true, &totals);
    printf("%-40s %6.2f ms per hole and core\n", "labelling alone", (whole - plain) * 2000 / (double)totals.files);
    use_processors(&all, CPU_SETSIZE);
    measure("validated and labelled, all cores", input, output, 0, true, &totals);
    ag_dir_remove(folder, &err);
    ag_free(folder);
    ag_arena_free(arena);
    return 0;
}
