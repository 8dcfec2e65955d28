// SPDX-License-Identifier: Apache-2.0
/* time.c: validator C. Samples have no time stamps, so time is inferred from the way: at a feed and a rate the tool
 * goes a known distance per sample. Steps that peck are not asked for gaps, held rows not for the feed. */
#include <math.h>

#include "data/validator.h"

static const ag_rule rules[] = {
    {"C1", AG_SEVERITY_FAIL, "rate_min", "The sample rate is a plausible one."},
    {"C2", AG_SEVERITY_FAIL, "feed_tolerance", "The tool goes as fast as the program says."},
    {"C3", AG_SEVERITY_FAIL, "gap_samples", "No stretch of samples is missing."},
    {"C4", AG_SEVERITY_FAIL, "reversal", "The tool does not go back inside a step."},
    {"C5", AG_SEVERITY_FAIL, "retract", "Between steps it goes back a little only."},
    {"C6", AG_SEVERITY_FAIL, NULL, "The cycle took at least as long as its samples."},
    {"C7", AG_SEVERITY_FAIL, NULL, "So did all steps together."},
    {"C8", AG_SEVERITY_FAIL, NULL, "The date can be read."},
    {"C9", AG_SEVERITY_WARN, "cycle_slack", "The cycle did not take much longer than its samples."},
    {"C10", AG_SEVERITY_WARN, NULL, "The clock of the machine was set."},
    {"C11", AG_SEVERITY_WARN, "gap_samples", "No sample is missing."},
};

enum { FEWEST_ROWS = 20, GIVE_BACK_ROWS = 4 };

/* The way per sample at the program's feed, 0 when nobody tells. */
static double way_of(const ag_hole *hole, const ag_step_run *run)
{
    double feed = run->program ? run->program->value[AG_PROGRAM_FEED] : 0;
    return feed > 0 && isfinite(feed) && hole->signal.rate > 0 ? feed / hole->signal.rate : 0;
}

static int check_feed(ag_validation *v, const ag_step_run *run, ag_err *err)
{
    const ag_hole *hole = v->hole;
    double way = way_of(hole, run);
    size_t rows = run->held - run->begin;
    if (way <= 0 || rows < FEWEST_ROWS) return AG_OK;
    double went = ag_signal_depth(&hole->signal, run->held - 1) - ag_signal_depth(&hole->signal, run->begin);
    double ratio = went / ((double)(rows - 1) * way);
    if (fabs(ratio - 1) <= v->limits->feed_tolerance) return AG_OK;
    return ag_validation_flaw(v, "C2", run->begin, err,
                              "step %d went %.4f mm per sample, the program's feed gives %.4f mm", (int)run->number,
                              went / (double)(rows - 1), way);
}

/* The step of the position: 5 mm per turn of the screw, 60 counts per turn of the motor. */
static double resolution_of(const ag_validation *v)
{
    double ratio = ag_hole_number(v->hole, AG_HEADER_MOTOR_M2_RATIO);
    return ratio > 1 ? 5 / (60 * ratio) : v->limits->gap_slack;
}

/* Samples lost between row i - 1 and row i: an advance that the next rows do not give back. */
static long lost_at(const ag_validation *v, const ag_step_run *run, size_t i, double way)
{
    const ag_signal *signal = &v->hole->signal;
    double advance = ag_signal_depth(signal, i) - ag_signal_depth(signal, i - 1);
    if (advance <= v->limits->gap_factor * way + v->limits->gap_slack) return 0;
    bool whole = i + GIVE_BACK_ROWS < run->held; /* the tool slows down in the last rows: too few to tell */
    size_t last = whole ? i + GIVE_BACK_ROWS : run->held - 1;
    double excess = ag_signal_depth(signal, last) - ag_signal_depth(signal, i - 1) - (double)(last - i + 1) * way;
    if (excess < 0.5 * way + resolution_of(v)) return 0;
    long lost = lround(advance / way) - 1;
    if (lost < v->limits->gap_samples) lost = lround(excess / way);
    if (!whole && lost < v->limits->gap_samples) return 0;
    return lost > 0 ? lost : 1;
}

static int check_gaps(ag_validation *v, const ag_step_run *run, long *few, size_t *where, ag_err *err)
{
    double way = way_of(v->hole, run);
    if (way <= 0 || ag_step_pecks(v->hole, v->limits, run->program)) return AG_OK;
    const int32_t *position = v->hole->signal.by_id[AG_CHANNEL_POSITION];
    int64_t plain = (int64_t)floor((v->limits->gap_factor * way + v->limits->gap_slack) * 1000);
    for (size_t i = run->begin + 1; i < run->held; i++) {
        if ((int64_t)position[i - 1] - position[i] <= plain) continue;
        long lost = lost_at(v, run, i, way);
        if (lost == 0) continue;
        if (lost >= v->limits->gap_samples)
            return ag_validation_flaw(v, "C3", i, err, "about %ld samples are missing before row %zu of step %d", lost,
                                      i + 1, (int)run->number);
        if (*few == 0) *where = i;
        *few += lost;
    }
    return AG_OK;
}

static int check_direction(ag_validation *v, size_t step, ag_err *err)
{
    const ag_hole *hole = v->hole;
    const ag_step_run *run = &hole->steps[step];
    const int32_t *position = hole->signal.by_id[AG_CHANNEL_POSITION];
    double reversal = v->limits->reversal * 1000, retract = v->limits->retract * 1000;
    if (step > 0 && (double)position[run->begin] - position[run->begin - 1] > retract)
        return ag_validation_flaw(v, "C5", run->begin, err, "the tool goes back %.3f mm before step %d",
                                  (position[run->begin] - position[run->begin - 1]) * 0.001, (int)run->number);
    int32_t deepest = position[run->begin];
    for (size_t i = run->begin; i < run->end; i++) {
        if (position[i] < deepest) deepest = position[i];
        if ((double)position[i] - deepest <= reversal) continue;
        return ag_validation_flaw(v, "C4", i, err, "the tool goes back %.3f mm until row %zu of step %d",
                                  (position[i] - deepest) * 0.001, i + 1, (int)run->number);
    }
    return AG_OK;
}

static int check_steps(ag_validation *v, ag_err *err)
{
    int rc = AG_OK;
    long few = 0;
    size_t where = 0;
    bool feed = false, gap = false, back = false; /* one flaw of each kind is enough */
    for (size_t i = 0; rc == AG_OK && i < v->hole->step_count; i++) {
        const ag_step_run *run = &v->hole->steps[i];
        size_t count = v->verdict->fail_count;
        if (!feed) rc = check_feed(v, run, err);
        feed |= v->verdict->fail_count > count;
        count = v->verdict->fail_count;
        if (rc == AG_OK && !gap) rc = check_gaps(v, run, &few, &where, err);
        gap |= v->verdict->fail_count > count;
        count = v->verdict->fail_count;
        if (rc == AG_OK && !back) rc = check_direction(v, i, err);
        back |= v->verdict->fail_count > count;
    }
    if (rc == AG_OK && few > 0)
        rc = ag_validation_flaw(v, "C11", where, err, "%ld sample%s missing, first before row %zu", few,
                                few == 1 ? " is" : "s are", where + 1);
    return rc;
}

static int check_durations(ag_validation *v, ag_err *err)
{
    const ag_hole *hole = v->hole;
    double recorded = hole->signal.rate > 0 ? (double)hole->signal.rows / hole->signal.rate : 0;
    double cycle = ag_hole_number(hole, AG_HEADER_CYCLE_TIME), steps = 0;
    int rc = AG_OK;
    for (size_t i = 0; i < hole->result_count; i++) steps += hole->results[i].value[AG_RESULT_DURATION];
    if (cycle < recorded)
        rc = ag_validation_flaw(v, "C6", SIZE_MAX, err, "the cycle took %g s, its samples %g s", cycle, recorded);
    if (rc == AG_OK && hole->result_count > 0 && steps < recorded)
        rc = ag_validation_flaw(v, "C7", SIZE_MAX, err, "the steps took %g s, their samples %g s", steps, recorded);
    if (rc == AG_OK && cycle > recorded + v->limits->cycle_slack)
        rc = ag_validation_flaw(v, "C9", SIZE_MAX, err, "the cycle took %g s, its samples only %g s", cycle, recorded);
    return rc;
}

static int check_date(ag_validation *v, ag_err *err)
{
    int64_t instant;
    ag_str text = ag_hole_text(v->hole, AG_HEADER_DATE);
    if (text.size == 0) return AG_OK; /* M1 judges that */
    if (!ag_hole_date(v->hole, &instant))
        return ag_validation_flaw(v, "C8", SIZE_MAX, err, "the date '%.*s' cannot be read", AG_STR_ARG(text));
    if (ag_str_starts(text, AG_STR("1970-")))
        return ag_validation_flaw(v, "C10", SIZE_MAX, err, "the date is '%.*s'", AG_STR_ARG(text));
    return AG_OK;
}

static int check(ag_validation *v, ag_err *err)
{
    double rate = v->hole->signal.rate;
    int rc = AG_OK;
    if (!(rate >= v->limits->rate_min && rate <= v->limits->rate_max))
        rc = ag_validation_flaw(v, "C1", SIZE_MAX, err, "the sample rate is %g Hz", rate);
    if (rc == AG_OK) rc = check_steps(v, err);
    if (rc == AG_OK) rc = check_durations(v, err);
    return rc == AG_OK ? check_date(v, err) : rc;
}

const ag_validator ag_validator_time = {
    .id = "C",
    .name = "time",
    .doc = "No time is missing, and all accounts of time agree.",
    .rules = rules,
    .count = sizeof(rules) / sizeof(rules[0]),
    .check = check,
};
