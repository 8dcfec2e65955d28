// SPDX-License-Identifier: Apache-2.0
/* faults_trace.c: planted defects of the samples and of the machine's account of them. Each is as small as it can be,
 * so that the rule it is made for must find it; others may find it too. They hold for regimes that are `plain`. */
#include <math.h>

#include "data/simulate/simulate.h"

static ag_sim_row *row_at(const ag_sim_trace *trace, size_t index)
{
    return (ag_sim_row *)trace->rows.items + index;
}

static ag_sim_run *longest_run(ag_sim_trace *trace)
{
    ag_sim_run *longest = trace->runs;
    for (size_t i = 1; i < trace->run_count; i++)
        if (trace->runs[i].end - trace->runs[i].begin > longest->end - longest->begin) longest = &trace->runs[i];
    return longest;
}

static ag_sim_run *last_run(ag_sim_trace *trace)
{
    return &trace->runs[trace->run_count - 1];
}

static size_t peak_row(const ag_sim_trace *trace)
{
    size_t peak = 0;
    for (size_t i = 1; i < trace->rows.count; i++)
        if (row_at(trace, i)->value[AG_CHANNEL_TORQUE] > row_at(trace, peak)->value[AG_CHANNEL_TORQUE]) peak = i;
    return peak;
}

static void set_code(ag_sim_trace *trace, ag_sim_run *run, int32_t code)
{
    for (size_t i = run->begin; i < run->end; i++) {
        int32_t *value = &row_at(trace, i)->value[AG_CHANNEL_STOP_CODE];
        if (*value) *value = code * 1000;
    }
    run->code = code;
}

static void set_step(ag_sim_trace *trace, const ag_sim_run *run, int32_t thousandths)
{
    for (size_t i = run->begin; i < run->end; i++) row_at(trace, i)->value[AG_CHANNEL_STEP] = thousandths;
}

/* Moves what comes from row `from` on by so many thousandths of a millimetre. */
static void move(ag_sim_trace *trace, size_t from, int32_t deeper)
{
    for (size_t i = from; i < trace->rows.count; i++) row_at(trace, i)->value[AG_CHANNEL_POSITION] -= deeper;
    trace->last += deeper * 0.001;
    if (from == 0) trace->first += deeper * 0.001;
}

static void few_rows(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    size_t keep = 20 + (size_t)ag_rng_below(rng, 70);
    if (trace->rows.count > keep) trace->rows.count = keep;
    trace->last = trace->first;
}

static void negative_depth(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    move(trace, 0, -3100 - (int32_t)ag_rng_below(rng, 900));
}

/* Sensor gain too high, then the converter's end. */
static void clipped_torque(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    double factor = 80000.0 / row_at(trace, peak_row(trace))->value[AG_CHANNEL_TORQUE];
    int32_t end = 68000 + (int32_t)ag_rng_below(rng, 1500);
    for (size_t i = 0; i < trace->rows.count; i++) {
        int32_t *value = row_at(trace, i)->value, most = end - value[AG_CHANNEL_TORQUE_EMPTY];
        double torque = value[AG_CHANNEL_TORQUE] * factor;
        value[AG_CHANNEL_TORQUE] = torque > most ? most : (int32_t)torque;
    }
}

/* Copies one value of a channel over `count` rows around the peak of torque. */
static void freeze(ag_sim_trace *trace, ag_channel_id channel, size_t count)
{
    size_t rows = trace->rows.count, peak = peak_row(trace), from = peak > count / 2 ? peak - count / 2 : 0;
    if (from + count > rows) from = rows > count ? rows - count : 0;
    int32_t value = row_at(trace, channel == AG_CHANNEL_TORQUE ? peak : from)->value[channel];
    for (size_t i = from; i < from + count && i < rows; i++) row_at(trace, i)->value[channel] = value;
}

static void frozen_torque(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    freeze(trace, AG_CHANNEL_TORQUE, 120 + (size_t)ag_rng_below(rng, 40));
}

static void frozen_position(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    freeze(trace, AG_CHANNEL_POSITION, 120 + (size_t)ag_rng_below(rng, 40));
}

static void spike(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    const ag_sim_run *run = longest_run(trace);
    size_t length = run->end - run->begin, at = run->begin + length / 4 + (size_t)ag_rng_below(rng, length / 2);
    int32_t height = row_at(trace, peak_row(trace))->value[AG_CHANNEL_TORQUE] / 4;
    row_at(trace, at)->value[AG_CHANNEL_TORQUE] += height < 3000 ? 3000 : height;
}

static void fractional_step(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    row_at(trace, (size_t)ag_rng_below(rng, trace->rows.count))->value[AG_CHANNEL_STEP] += 500;
}

static void decreasing_steps(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    (void)rng;
    ag_sim_run *first = &trace->runs[0], *second = &trace->runs[1];
    int32_t number = first->step->number * 1000;
    set_step(trace, first, second->step->number * 1000);
    set_step(trace, second, number);
}

static void foreign_step(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    set_step(trace, last_run(trace), 7000 + 1000 * (int32_t)ag_rng_below(rng, 3));
}

static void no_stop_code(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    set_code(trace, &trace->runs[ag_rng_below(rng, trace->run_count)], 0);
}

static void early_stop_code(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    const ag_sim_run *run = last_run(trace);
    size_t count = 8 + (size_t)ag_rng_below(rng, 12);
    for (size_t i = run->end - count; i < run->end; i++)
        row_at(trace, i)->value[AG_CHANNEL_STOP_CODE] = run->code * 1000;
}

static void safety_stop(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    static const int32_t codes[] = {16, 32, 128, 512, 65536, 131072 + 2};
    set_code(trace, last_run(trace), codes[ag_rng_below(rng, sizeof(codes) / sizeof(codes[0]))]);
}

static void end_in_the_middle(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    set_code(trace, &trace->runs[0], ag_rng_below(rng, 2) ? 8 : 8192);
}

static void result_disagrees(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    trace->runs[ag_rng_below(rng, trace->run_count)].code = 524288;
}

static void wrong_stroke(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    size_t at = 0;
    while (at + 1 < trace->run_count && trace->runs[at].code != 64) at++;
    if (trace->runs[at].code != 64) set_code(trace, &trace->runs[at = 0], 64);
    size_t step = (size_t)(trace->runs[at].step - plan->steps);
    plan->steps[step].stroke += 0.5 + ag_rng_double(rng);
}

static void wrong_feed(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    size_t step = (size_t)(longest_run(trace)->step - plan->steps);
    plan->steps[step].feed = round(plan->steps[step].feed * (1.5 + ag_rng_double(rng)) * 1000) / 1000;
}

static void deleted_rows(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    const ag_sim_run *run = longest_run(trace);
    size_t length = run->end - run->begin, at = run->begin + length / 4 + (size_t)ag_rng_below(rng, length / 2);
    size_t count = 6 + (size_t)ag_rng_below(rng, 20);
    for (size_t k = 0; k < count; k++) ag_vec_remove(&trace->rows, at);
}

static void reversal(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    const ag_sim_run *run = longest_run(trace);
    size_t length = run->end - run->begin, at = run->begin + length / 4 + (size_t)ag_rng_below(rng, length / 2);
    move(trace, at, -200 - (int32_t)ag_rng_below(rng, 300));
}

static void long_retract(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    move(trace, trace->runs[1].begin, -1000 - (int32_t)ag_rng_below(rng, 1000));
}

static void short_cycle(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    (void)rng;
    trace->cycle_time = round((double)trace->rows.count * 0.01 * 70) / 100;
}

static void long_cycle(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    trace->cycle_time += 30 + 30 * ag_rng_double(rng);
}

static void short_steps(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    (void)rng;
    for (size_t i = 0; i < trace->run_count; i++) trace->runs[i].duration *= 0.3;
}

static void wrong_distance(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)plan;
    double more = 1.7 + ag_rng_double(rng);
    trace->first += more;
    trace->last += more;
}

static void no_step_enabled(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)trace;
    (void)rng;
    for (size_t i = 0; i < plan->step_count; i++) plan->steps[i].enabled = false;
}

static void other_counter(ag_sim_plan *plan, ag_sim_trace *trace, ag_rng *rng)
{
    (void)trace;
    plan->counter_error = 1 + (unsigned)ag_rng_below(rng, 9);
}

static const ag_sim_fault faults[] = {
    {"few-rows", "F11", "the recording ends before a second has passed", 0, few_rows, NULL},
    {"negative-depth", "S2", "the zero of the feed axis is off by millimetres", 0, negative_depth, NULL},
    {"clipped-torque", "S3", "torque runs into the end of the converter", 0, clipped_torque, NULL},
    {"frozen-torque", "S4", "torque stands still at its peak for more than a second", 0, frozen_torque, NULL},
    {"frozen-position", "S4", "the position stands still for more than a second", 0, frozen_position, NULL},
    {"spike", "S5", "one sample of torque stands out", 0, spike, NULL},
    {"fractional-step", "T1", "a step number is no integer", 0, fractional_step, NULL},
    {"decreasing-steps", "T2", "a step has a lower number than the one before", 0, decreasing_steps, NULL},
    {"foreign-step", "T3", "the last step is none of the program", 0, foreign_step, NULL},
    {"no-stop-code", "T4", "a step ends without a stop code", 0, no_stop_code, NULL},
    {"early-stop-code", "T5", "the stop code begins long before the step ends", 0, early_stop_code, NULL},
    {"safety-stop", "T6", "a safety stopped the machine", 0, safety_stop, NULL},
    {"end-in-the-middle", "T7", "the first step ends the cycle, but another follows", 0, end_in_the_middle, NULL},
    {"result-disagrees", "T8", "a step result has another stop code than the samples", 7, result_disagrees, NULL},
    {"wrong-stroke", "T10", "a step ended at another stroke than the program's", 0, wrong_stroke, NULL},
    {"wrong-feed", "C2", "the program has another feed than the samples", 0, wrong_feed, NULL},
    {"deleted-rows", "C3", "six rows or more are missing in one place", 0, deleted_rows, NULL},
    {"reversal", "C4", "the tool goes back inside a step", 0, reversal, NULL},
    {"long-retract", "C5", "the tool goes back a millimetre or two between steps", 0, long_retract, NULL},
    {"short-cycle", "C6", "the cycle took less time than its samples", 0, short_cycle, NULL},
    {"short-steps", "C7", "the steps took less time than their samples", 7, short_steps, NULL},
    {"long-cycle", "C9", "the cycle took half a minute longer than its samples", 0, long_cycle, NULL},
    {"wrong-distance", "M4", "the result's distance is none of the samples", 0, wrong_distance, NULL},
    {"no-step-enabled", "M3", "no step of the program is enabled", 0, no_step_enabled, NULL},
    {"other-counter", "M6", "the header has another counter than the file's name", 0, other_counter, NULL},
};

ag_sim_fault_table ag_sim_trace_faults(void)
{
    return (ag_sim_fault_table){faults, sizeof(faults) / sizeof(faults[0])};
}
