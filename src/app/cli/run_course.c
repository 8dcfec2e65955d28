// SPDX-License-Identifier: Apache-2.0
/* run_course.c: see run_course.h. Trainings of one run may have other numbers of steps: their points are taken by their
 * order, and a mean is over those that have got so far. */
#include "app/cli/run_course.h"

#include "ledger/metric.h"

enum { MOST_CHILDREN = 200, MOST_POINTS = 20000 };

static int own_course(ag_ledger *ledger, const ag_run *run, const char *key, uint32_t points, ag_arena *arena,
                      ag_run_course *out, ag_err *err)
{
    ag_points found;
    int rc = ag_metric_sample(ledger, ag_str_of(run->id), ag_str_of(key), points, arena, &found, err);
    if (rc == AG_ENOTFOUND) return 0;
    if (rc < 0) return rc;
    double *step = ag_arena_array(arena, found.count + 1, 2 * sizeof *step), *value = step + found.count + 1;
    if (!step) return ag_fail_memory(err, found.count);
    for (size_t i = 0; i < found.count; i++) {
        step[i] = (double)found.items[i].step;
        value[i] = found.items[i].value;
    }
    *out = (ag_run_course){.step = step, .value = value, .count = found.count};
    return 0;
}

static int children_of(ag_ledger *ledger, const ag_run *run, ag_arena *arena, ag_runs *out, ag_err *err)
{
    char filter[120];
    const ag_str experiment = ag_str_of(run->experiment_id);
    ag_format(filter, sizeof filter, "tags.`mlflow.parentRunId` = '%s'", run->id);
    ag_page_request page = {.filter = ag_str_of(filter), .max_results = MOST_CHILDREN};
    return ag_run_search(ledger, &experiment, 1, AG_VIEW_ACTIVE, &page, arena, out, err);
}

typedef struct sums {
    double *step, *value;
    unsigned *counts;
    size_t count;
} sums;

static int add_child(ag_ledger *ledger, const ag_run *child, const char *key, ag_arena *arena, sums *s, ag_err *err)
{
    ag_points found;
    int rc =
        ag_metric_history(ledger, ag_str_of(child->id), ag_str_of(key), MOST_POINTS, AG_STR(""), arena, &found, err);
    if (rc < 0) return rc == AG_ENOTFOUND ? 0 : rc;
    for (size_t i = 0; i < found.count && i < MOST_POINTS; i++) {
        s->step[i] += (double)found.items[i].step;
        s->value[i] += found.items[i].value;
        s->counts[i]++;
        if (i >= s->count) s->count = i + 1;
    }
    return found.count > 0;
}

int ag_run_course_of(ag_ledger *ledger, const ag_run *run, const char *key, uint32_t points, ag_arena *arena,
                     ag_run_course *out, ag_err *err)
{
    ag_runs children;
    *out = (ag_run_course){0};
    int rc = own_course(ledger, run, key, points, arena, out, err);
    if (rc < 0 || out->count) return rc;
    if ((rc = children_of(ledger, run, arena, &children, err)) < 0 || !children.count) return rc;
    sums s = {.step = ag_arena_array(arena, MOST_POINTS, sizeof(double)),
              .value = ag_arena_array(arena, MOST_POINTS, sizeof(double)),
              .counts = ag_arena_array(arena, MOST_POINTS, sizeof(unsigned))};
    if (!s.step || !s.value || !s.counts) return ag_fail_memory(err, MOST_POINTS);
    for (size_t i = 0; i < children.count && rc >= 0; i++) {
        rc = add_child(ledger, &children.items[i], key, arena, &s, err);
        if (rc > 0) out->trainings++;
    }
    for (size_t i = 0; i < s.count && rc >= 0; i++) {
        s.step[i] /= s.counts[i];
        s.value[i] /= s.counts[i];
    }
    out->step = s.step;
    out->value = s.value;
    out->count = s.count;
    return rc < 0 ? rc : 0;
}
