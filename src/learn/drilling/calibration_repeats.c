// SPDX-License-Identifier: Apache-2.0
/* calibration_repeats.c: where nobody knows the truth, holes that repeat each other tell which of the two witnesses to
 * believe: a stack is as thick in each of them, so what scatters is the witness. Of all mixtures (a tenth apart, entry
 * and exit by themselves) the one is taken whose thickness scatters least within groups of holes that lie in one folder
 * and are alike in thickness by their labels. Each group counts by the logarithm of its scatter, so that one of thick
 * stacks or a worn tool does not outvote the others; a weak pull to the usual half decides where it makes no odds. It
 * says nothing of what both witnesses have wrong together, nor how wide intervals must be. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/path.h"
#include "learn/drilling/calibration.h"

enum { GROUP_LEAST = 4, FEWEST = 25, GRID = 10 };
static const double jump_mm = 0.5, far_mm = 0.6, most_mm = 0.5, floor_mm = 0.01, usual = 0.5, pull = 0.05;

typedef struct repeat { /* a hole */
    ag_str folder;
    double thickness; /* by its label */
    double heap[2], away[2];
    size_t index;
} repeat;

static const int ends[2] = {AG_POINT_ENTRY, AG_POINT_EXIT};

static bool look(const ag_example *e, const ag_reading *r, repeat *out)
{
    const double shape[2] = {e->drilled.shape.entry, e->drilled.shape.exit};
    for (int k = 0; k < 2; k++) {
        out->heap[k] = r->mm[ends[k]];
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

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
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

/* `sorted` has room for all. */
static double scatter(const repeat *group, size_t count, const double share[2], double *sorted)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = group[i].heap[1] + share[1] * group[i].away[1] - group[i].heap[0] - share[0] * group[i].away[0];
    qsort(sorted, count, sizeof *sorted, by_value);
    double middle = 0.5 * (sorted[(count - 1) / 2] + sorted[count / 2]);
    for (size_t i = 0; i < count; i++) sum += fmin(fabs(sorted[i] - middle), most_mm);
    return sum / (double)count;
}

static double cost(const repeat *all, size_t count, const double share[2], double *sorted)
{
    double sum = 0;
    size_t grouped = 0;
    for (size_t begin = 0, end; begin < count; begin = end) {
        end = group_end(all, count, begin);
        size_t n = end - begin;
        if (n < GROUP_LEAST) continue;
        sum += (double)n * log(scatter(all + begin, n, share, sorted) + floor_mm);
        grouped += n;
    }
    double from = share[0] - usual, to = share[1] - usual;
    return sum / (double)grouped + pull * (from * from + to * to);
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

static void choose(const repeat *all, size_t count, double *sorted, double best[2])
{
    double least = INFINITY;
    for (int i = 0; i <= GRID; i++)
        for (int k = 0; k <= GRID; k++) {
            const double share[2] = {(double)i / GRID, (double)k / GRID};
            double c = cost(all, count, share, sorted);
            if (!(c < least)) continue;
            least = c;
            memcpy(best, share, sizeof share);
        }
}

int ag_calibration_by_repeats(const ag_example *const *examples, const ag_reading *readings, size_t count,
                              ag_calibration *calibration, size_t *grouped, ag_err *err)
{
    double best[2] = {usual, usual}, *sorted = NULL;
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
    choose(all, used, sorted, best);
    for (int k = 0; k < AG_POINTS; k++) {
        double share = k == AG_POINT_ENTRY ? best[0] : k == AG_POINT_EXIT ? best[1] : 0.5 * (best[0] + best[1]);
        calibration->point[k].blend[1] = share;
    }
    *grouped = most;
out:
    ag_free(sorted);
    ag_free(all);
    return rc;
}
