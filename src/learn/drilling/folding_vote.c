// SPDX-License-Identifier: Apache-2.0
/* folding_vote.c: how much each member's vote counts. An error is cut at 1 mm: a hole that a model takes for another is
 * a failure, and how far off it is says nothing. With few holes per fold a member's own error is mostly chance, so
 * weights by it are drawn to the middle of all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/median.h"
#include "core/base/mem.h"
#include "learn/drilling/folding.h"
#include "learn/strategy_tools.h"

enum { ROUNDS = 2000 };
#define FARTHEST 1.0 /* mm */

/* Signed; NaN when one of both has no such point or nobody looked. */
static double error_of(const ag_folding *f, const ag_folding_member *m, size_t hole, int point)
{
    const ag_example *example = &f->run.set.items[m->validation[hole]];
    const ag_reading *reading = &m->readings[hole];
    if (isnan(example->known.mm[point]) || ag_drilled_silent(&example->drilled)) return (double)NAN;
    if (reading->none[point] > 0.5 || isnan(reading->mm[point])) return FARTHEST;
    double error = reading->mm[point] - example->known.mm[point];
    return fmax(-FARTHEST, fmin(FARTHEST, error));
}

static double mean_error(const ag_folding *f, const ag_folding_member *m)
{
    double sum = 0.0, count = 0.0;
    for (size_t i = 0; i < m->validation_count; i++) {
        for (int p = 0; p < AG_POINTS; p++) {
            double error = error_of(f, m, i, p);
            if (isnan(error)) continue;
            sum += fabs(error);
            count += 1.0;
        }
    }
    return count > 0.0 ? sum / count : (double)NAN;
}

static int weigh_by_error(ag_folding *f, ag_err *err)
{
    size_t count = 0;
    double *errors = ag_arena_array(f->arena, f->member_count, sizeof *errors);
    if (!errors) return ag_fail_memory(err, f->member_count * sizeof *errors);
    for (size_t i = 0; i < f->member_count; i++)
        if (!isnan(f->members[i].error)) errors[count++] = f->members[i].error;
    if (count == 0) return 0;
    qsort(errors, count, sizeof *errors, ag_by_size);
    double middle = fmax(errors[count / 2], 1e-3);
    for (size_t i = 0; i < f->member_count; i++) {
        double error = isnan(f->members[i].error) ? middle : f->members[i].error;
        f->members[i].weight = 2.0 * middle * middle / (middle * middle + error * error);
    }
    return 0;
}

/* ---- stacking ---- */

/* Products of the kinds' errors, summed over all holes of their common fold: square[a][b]. */
static void sum_products(const ag_folding *f, double square[AG_FOLDING_KINDS][AG_FOLDING_KINDS])
{
    size_t kinds = f->kind_count;
    for (size_t first = 0; first + kinds <= f->member_count; first += kinds) {
        for (size_t i = 0; i < f->members[first].validation_count; i++) {
            for (int p = 0; p < AG_POINTS; p++) {
                double errors[AG_FOLDING_KINDS] = {0};
                for (size_t k = 0; k < kinds; k++) errors[k] = error_of(f, &f->members[first + k], i, p);
                if (isnan(errors[0])) continue;
                for (size_t a = 0; a < kinds; a++)
                    for (size_t b = 0; b < kinds; b++) square[a][b] += errors[a] * errors[b];
            }
        }
    }
}

/* Not negative weights with sum 1 that make the squared error of the weighted mean least: exponentiated gradients,
 * which keep both by themselves. */
static void stack(const ag_folding *f, double *weights)
{
    double square[AG_FOLDING_KINDS][AG_FOLDING_KINDS] = {{0}}, largest = 1e-12;
    size_t kinds = f->kind_count;
    sum_products(f, square);
    for (size_t a = 0; a < kinds; a++) largest = fmax(largest, square[a][a]);
    for (size_t a = 0; a < kinds; a++) square[a][a] += 0.01 * largest; /* of two that are alike each gets half */
    for (size_t a = 0; a < kinds; a++) weights[a] = 1.0 / (double)kinds;
    for (int round = 0; round < ROUNDS; round++) {
        double sum = 0.0, gradient[AG_FOLDING_KINDS] = {0};
        for (size_t a = 0; a < kinds; a++)
            for (size_t b = 0; b < kinds; b++) gradient[a] += square[a][b] / largest * weights[b];
        for (size_t a = 0; a < kinds; a++) sum += weights[a] *= exp(-0.5 * gradient[a]);
        for (size_t a = 0; a < kinds; a++) weights[a] /= sum;
    }
}

static void weigh_by_stack(ag_folding *f, const ag_strategy_task *task)
{
    double weights[AG_FOLDING_KINDS];
    stack(f, weights);
    for (size_t i = 0; i < f->member_count; i++) f->members[i].weight = weights[f->members[i].kind];
    for (size_t k = 0; k < f->kind_count; k++)
        ag_strategy_remark(task, "%s votes with %.0f %%", f->kinds[k].name, 100.0 * weights[k]);
}

int ag_folding_weigh(ag_folding *f, const ag_strategy_task *task, ag_err *err)
{
    for (size_t i = 0; i < f->member_count; i++) {
        f->members[i].weight = 1.0;
        f->members[i].error = mean_error(f, &f->members[i]);
    }
    if (task->settings->ensemble.voting == AG_VOTE_WEIGHTED) return weigh_by_error(f, err);
    if (task->settings->ensemble.voting == AG_VOTE_STACKED) weigh_by_stack(f, task);
    return 0;
}
