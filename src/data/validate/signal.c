// SPDX-License-Identifier: Apache-2.0
/* signal.c: validator S. Looks at torque and position alone; works on the exact thousandths, so that a limit is a
 * limit.
 */
#include <math.h>
#include <stdlib.h>

#include "data/validator.h"

static const ag_rule rules[] = {
    {"S1", AG_SEVERITY_FAIL, NULL, "Every sample of position, torque and thrust is there."},
    {"S2", AG_SEVERITY_FAIL, NULL, "The tool is never before its start: depth is not negative."},
    {"S3", AG_SEVERITY_FAIL, "torque_limit", "Torque with idle current stays below the machine's limit."},
    {"S4", AG_SEVERITY_FAIL, "frozen_rows", "Neither the torque of cutting nor the position stands still."},
    {"S5", AG_SEVERITY_FAIL, "spike_amperes", "No single sample of torque stands out of its neighbours."},
    {"S6", AG_SEVERITY_WARN, "weak_torque", "A hole that is not air has a clear torque."},
};

enum { EDGE_ROWS = 6 };

static int check_presence(ag_validation *v, ag_err *err)
{
    static const ag_channel_id needed[] = {AG_CHANNEL_POSITION, AG_CHANNEL_TORQUE, AG_CHANNEL_THRUST};
    for (size_t c = 0; c < sizeof(needed) / sizeof(needed[0]); c++) {
        const int32_t *values = v->hole->signal.by_id[needed[c]];
        for (size_t i = 0; i < v->hole->signal.rows; i++)
            if (values[i] == AG_SAMPLE_ABSENT)
                return ag_validation_flaw(v, "S1", i, err, "%s has no value in row %zu", ag_channel_names[needed[c]].id,
                                          i + 1);
    }
    return AG_OK;
}

static int check_depth(ag_validation *v, ag_err *err)
{
    const int32_t *position = v->hole->signal.by_id[AG_CHANNEL_POSITION];
    for (size_t i = 0; i < v->hole->signal.rows; i++)
        if (position[i] > 0)
            return ag_validation_flaw(v, "S2", i, err, "depth is %.3f mm in row %zu", -position[i] * 0.001, i + 1);
    return AG_OK;
}

static int check_limit(ag_validation *v, ag_err *err)
{
    if (v->verdict->peak_total < v->limits->torque_limit) return AG_OK;
    return ag_validation_flaw(v, "S3", SIZE_MAX, err, "torque with idle current reaches %.3f A, the limit is %g A",
                              v->verdict->peak_total, v->limits->torque_limit);
}

/* The longest run of equal values above `level` must not exceed the limit. */
static int check_frozen(ag_validation *v, ag_channel_id id, double level, ag_err *err)
{
    const int32_t *values = v->hole->signal.by_id[id];
    size_t rows = v->hole->signal.rows, begin = 0;
    for (size_t i = 1; i <= rows; i++) {
        if (i < rows && values[i] == values[begin]) continue;
        if (i - begin > (uint64_t)v->limits->frozen_rows && values[begin] > level)
            return ag_validation_flaw(v, "S4", begin, err, "%s stays %.3f for %zu rows from row %zu on",
                                      ag_channel_names[id].id, values[begin] * 0.001, i - begin, begin + 1);
        begin = i;
    }
    return AG_OK;
}

static void sort_two(int32_t *a, int32_t *b)
{
    int32_t low = *a < *b ? *a : *b;
    *b = *a < *b ? *b : *a;
    *a = low;
}

/* The middle one of five, by a network of comparisons that compiles to minima and maxima. */
static int32_t median_of_five(const int32_t *x)
{
    int32_t a = x[0], b = x[1], c = x[2], d = x[3], e = x[4];
    sort_two(&a, &b);
    sort_two(&d, &e);
    sort_two(&a, &d); /* a is no larger than three others: out */
    sort_two(&b, &e); /* e is no smaller than three others: out */
    sort_two(&b, &c);
    sort_two(&c, &d);
    sort_two(&b, &c);
    return c;
}

static int check_spikes(ag_validation *v, ag_err *err)
{
    const ag_hole *hole = v->hole;
    const int32_t *torque = hole->signal.by_id[AG_CHANNEL_TORQUE];
    double allowed = v->limits->spike_fraction * v->verdict->peak_torque;
    if (allowed < v->limits->spike_amperes) allowed = v->limits->spike_amperes;
    int64_t limit = (int64_t)(allowed * 1000);
    for (size_t s = 0; s < hole->step_count; s++) {
        const ag_step_run *run = &hole->steps[s];
        if (run->end - run->begin <= 2 * EDGE_ROWS || ag_step_pecks(hole, v->limits, run->program)) continue;
        for (size_t i = run->begin + EDGE_ROWS; i < run->end - EDGE_ROWS; i++) {
            /* With both neighbours near, three of five are near, and so is the median: nearly always. */
            if (llabs((int64_t)torque[i] - torque[i - 1]) <= limit &&
                llabs((int64_t)torque[i] - torque[i + 1]) <= limit)
                continue;
            int32_t middle = median_of_five(torque + i - 2);
            if (llabs((int64_t)torque[i] - middle) <= limit) continue;
            return ag_validation_flaw(v, "S5", i, err, "torque is %.3f A in row %zu, its neighbours say %.3f A",
                                      torque[i] * 0.001, i + 1, middle * 0.001);
        }
    }
    return AG_OK;
}

static int check(ag_validation *v, ag_err *err)
{
    int rc = check_presence(v, err);
    if (rc == AG_OK) rc = check_depth(v, err);
    if (rc == AG_OK) rc = check_limit(v, err);
    if (rc == AG_OK)
        rc = check_frozen(v, AG_CHANNEL_TORQUE, v->limits->frozen_level * v->verdict->peak_torque * 1000, err);
    if (rc == AG_OK) rc = check_frozen(v, AG_CHANNEL_POSITION, -INFINITY, err);
    if (rc == AG_OK) rc = check_spikes(v, err);
    if (rc == AG_OK && v->verdict->classes & AG_CLASS_WEAK)
        rc = ag_validation_flaw(v, "S6", SIZE_MAX, err, "torque reaches only %.3f A", v->verdict->peak_torque);
    return rc;
}

const ag_validator ag_validator_signal = {
    .id = "S",
    .name = "signal",
    .doc = "The samples are those of a machine at work.",
    .rules = rules,
    .count = sizeof(rules) / sizeof(rules[0]),
    .check = check,
};
