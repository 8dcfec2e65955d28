// SPDX-License-Identifier: Apache-2.0
/* calibration_repeats.c: where nobody knows the truth, holes that repeat each other tell which of the two witnesses to
 * believe: a stack is as thick in each of them, so what scatters is the witness. A heap says itself how unsure it is,
 * by its spread; how far off the labeller's depths are is looked for. Both count by their variances, hole by hole: one
 * share of the way for all would give a heap that hardly knows (of a feed that the models have not seen) the say of one
 * that does. Pairs of deviations, for entry and exit, are judged by how little thickness then scatters within groups of
 * holes that lie in one folder and are alike in thickness by their labels. Each group counts by the logarithm of its
 * scatter, so that one of thick stacks or a worn tool does not outvote the others. A hundred holes hardly tell 0.04
 * from 0.08 mm: what labellers are usually off by decides there, and two trainings on the same holes say about the
 * same. It says nothing of what both witnesses have wrong together, nor how wide intervals must be. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/median.h"
#include "core/base/mem.h"
#include "core/io/path.h"
#include "learn/drilling/calibration_parts.h"

enum { GROUP_LEAST = 4, FEWEST = 25, TRIES = 14 };
static const double jump_mm = 0.5, far_mm = 0.6, most_mm = 0.5, floor_mm = 0.01;
/* How far the logarithm of what labellers are off by usually is, elsewhere, from what it is on simulated holes. */
static const double usual_mm = AG_CALIBRATION_LABELLER, usual_log_deviation = 0.5;
static const double tries[TRIES] = {0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 1};

typedef struct repeat { /* a hole */
    ag_str folder;
    double thickness; /* by its label */
    double heap[2], away[2], spread[2];
    size_t index;
} repeat;

static const int ends[2] = {AG_POINT_ENTRY, AG_POINT_EXIT};

static bool look(const ag_example *e, const ag_reading *r, repeat *out)
{
    const double shape[2] = {e->drilled.shape.entry, e->drilled.shape.exit};
    for (int k = 0; k < 2; k++) {
        out->heap[k] = r->mm[ends[k]];
        out->spread[k] = r->spread[ends[k]];
        out->away[k] = shape[k] - out->heap[k];
        if (isnan(out->heap[k]) || isnan(shape[k]) || r->none[ends[k]] > 0.5) return false;
        if (fabs(out->away[k]) > far_mm) out->away[k] = 0; /* not the same point: the heap alone counts */
    }
    out->folder = ag_path_parent(ag_str_of(e->hole->path));
    out->thickness = shape[1] - shape[0];
    return true;
}

static int by_kind(const void *a, const void *b)
{
    const repeat *x = a, *y = b;
    int order = ag_str_compare(x->folder, y->folder);
    if (order) return order;
    if (x->thickness < y->thickness || x->thickness > y->thickness) return x->thickness < y->thickness ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Where the group that begins at `begin` ends. */
static size_t group_end(const repeat *all, size_t count, size_t begin)
{
    size_t end = begin + 1;
    while (end < count && ag_str_equal(all[end].folder, all[begin].folder) &&
           all[end].thickness - all[end - 1].thickness <= jump_mm)
        end++;
    return end;
}

static double depth_of(const repeat *r, int end, double labeller)
{
    return r->heap[end] + ag_calibration_way(labeller, r->spread[end]) * r->away[end];
}

/* `sorted` has room for all. */
static double scatter(const repeat *group, size_t count, const double labeller[2], double *sorted)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = depth_of(&group[i], 1, labeller[1]) - depth_of(&group[i], 0, labeller[0]);
    double middle = ag_median(sorted, count);
    for (size_t i = 0; i < count; i++) sum += fmin(fabs(sorted[i] - middle), most_mm);
    return sum / (double)count;
}

/* How little likely the holes are, as minus a logarithm: with deviations that fall off exponentially about a group's
 * middle, of a width that nobody knows, each hole counts by the logarithm of its group's scatter. */
static double unlikely(const repeat *all, size_t count, const double labeller[2], double *sorted)
{
    double sum = 0;
    for (size_t begin = 0, end; begin < count; begin = end) {
        end = group_end(all, count, begin);
        size_t n = end - begin;
        if (n >= GROUP_LEAST) sum += (double)n * log(scatter(all + begin, n, labeller, sorted) + floor_mm);
    }
    for (int k = 0; k < 2; k++) {
        double from_usual = log((labeller[k] + floor_mm) / (usual_mm + floor_mm)) / usual_log_deviation;
        sum += 0.5 * from_usual * from_usual;
    }
    return sum;
}

static size_t count_grouped(const repeat *all, size_t count)
{
    size_t grouped = 0;
    for (size_t begin = 0, end; begin < count; begin = end) {
        end = group_end(all, count, begin);
        if (end - begin >= GROUP_LEAST) grouped += end - begin;
    }
    return grouped;
}

/* Few holes hardly tell the pairs apart, so not the best one is taken, which chance decides, but the mean of all, each
 * by how likely it is. */
static void choose(const repeat *all, size_t count, double *sorted, double mean[2])
{
    double against[TRIES][TRIES], least = INFINITY, total = 0;
    for (int i = 0; i < TRIES; i++)
        for (int k = 0; k < TRIES; k++) {
            const double labeller[2] = {tries[i], tries[k]};
            against[i][k] = unlikely(all, count, labeller, sorted);
            least = fmin(least, against[i][k]);
        }
    mean[0] = mean[1] = 0;
    for (int i = 0; i < TRIES; i++)
        for (int k = 0; k < TRIES; k++) {
            double likely = exp(least - against[i][k]);
            total += likely;
            mean[0] += likely * log(tries[i] + floor_mm);
            mean[1] += likely * log(tries[k] + floor_mm);
        }
    for (int k = 0; k < 2; k++) mean[k] = exp(mean[k] / total) - floor_mm;
}

int ag_calibration_by_repeats(const ag_example *const *examples, const ag_reading *readings, size_t count,
                              ag_calibration *calibration, size_t *grouped, ag_err *err)
{
    double mean[2], *sorted = NULL;
    *grouped = 0;
    if (!calibration->refine || count == 0) return 0;
    for (int k = 0; k < AG_POINTS; k++)
        if (calibration->point[k].count >= FEWEST) return 0; /* somebody knows */
    repeat *all = ag_alloc_array(count, sizeof *all);
    size_t used = 0;
    int rc = 0;
    if (!all || !(sorted = ag_alloc_array(count, sizeof *sorted))) {
        rc = ag_fail_memory(err, count * sizeof *all);
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        if (look(examples[i], &readings[i], &all[used])) all[used++].index = i;
    if (used > 1) qsort(all, used, sizeof *all, by_kind);
    size_t most = count_grouped(all, used);
    if (most < FEWEST) goto out;
    choose(all, used, sorted, mean);
    for (int k = 0; k < AG_POINTS; k++)
        calibration->point[k].labeller = k == AG_POINT_ENTRY  ? mean[0]
                                         : k == AG_POINT_EXIT ? mean[1]
                                                              : 0.5 * (mean[0] + mean[1]);
    *grouped = most;
out:
    ag_free(sorted);
    ag_free(all);
    return rc;
}
