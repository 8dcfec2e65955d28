// SPDX-License-Identifier: Apache-2.0
/* trace.c: what the machine records of a plan. The tip goes down step by step, 100 samples a second; the engaged part
 * of the cone says how much of each layer's torque and thrust is felt; the firmware smooths, decides when the step ends
 * (stroke, torque or thrust rise, its detector of the exit, hard stop, 70 A), and repeats the last sample while it
 * stops. Quantised as the machine does it: the way by counts of the feed axis, torque by 50/1024 A, thrust by 12/1024
 * A. */
#include <math.h>

#include "data/simulate/simulate.h"

static const double rate = 100, torque_lsb = 50.0 / 1024, thrust_lsb = 12.0 / 1024, trip = 69.8,
                    turn = 6.283185307179586;
enum { MAX_ROWS = 200000 };

typedef struct drill {
    ag_sim_plan *plan;
    ag_sim_trace *trace;
    const ag_sim_step *step;
    ag_sim_run *run;
    ag_rng *rng;
    double depth;          /* of the tip */
    double begin;          /* where this step began */
    double cut;            /* how deep the step before cut */
    double recut;          /* mm until torque is back after a restart */
    double torque, thrust; /* smoothed, net */
    double wander;         /* slow change of torque, in deviations */
    double base;           /* of this step, A */
    double phase;          /* of the micro-peck */
    int state;             /* of the detector of the exit */
    double since;          /* depth where that state began */
    double gap;            /* its last air gap, mm */
} drill;

/* ------------------------------------------------------------------------------------------------- what is cut -- */

/* Part of the cone's torque that is engaged when the tip is x mm into a layer that never ends. */
static double engaged(const ag_sim_plan *plan, double x)
{
    if (x <= 0) return 0;
    return x >= plan->point ? 1 : pow(x / plan->point, plan->exponent);
}

/* The same for thrust: a good part of it comes from the chisel at the very tip. */
static double pushed(const ag_sim_plan *plan, double x)
{
    if (x <= 0) return 0;
    double tip = x >= plan->chisel ? 1 : x / plan->chisel, cone = x >= plan->point ? 1 : x / plan->point;
    return 0.45 * tip + 0.55 * cone;
}

/* How far out of a layer the tip is. A burr draws the way out of the last one longer. */
static double behind_of(const ag_sim_plan *plan, size_t layer, double depth)
{
    double behind = depth - plan->layers[layer].bottom;
    return layer + 1 < plan->layer_count ? behind : behind * plan->point / (plan->point + plan->burr);
}

static double plateau(const ag_sim_layer *layer, double depth)
{
    double x = depth - layer->top, thickness = layer->bottom - layer->top;
    if (x > thickness) x = thickness;
    return layer->torque * (1 + layer->slope * x) * (1 - layer->run_in * exp(-x / layer->run_length));
}

static double cutting_torque(const ag_sim_plan *plan, double depth)
{
    double torque = 0;
    for (size_t i = 0; i < plan->layer_count; i++) {
        const ag_sim_layer *layer = &plan->layers[i];
        if (depth <= layer->top) break;
        double part = engaged(plan, depth - layer->top) - engaged(plan, behind_of(plan, i, depth));
        double level = plateau(layer, depth);
        torque += level * part;
        double behind = depth - layer->bottom;
        if (behind > 0) torque += level * layer->residual * (1 - part) * exp(-behind / plan->residual_length);
    }
    return torque;
}

static double cutting_thrust(const ag_sim_plan *plan, double depth)
{
    double thrust = 0;
    for (size_t i = 0; i < plan->layer_count; i++) {
        const ag_sim_layer *layer = &plan->layers[i];
        thrust += layer->thrust * (pushed(plan, depth - layer->top) - pushed(plan, behind_of(plan, i, depth)));
    }
    return thrust;
}

/* What is felt at this depth, without noise. */
static void feel(drill *d, double *torque, double *thrust)
{
    const ag_sim_plan *plan = d->plan;
    *torque = cutting_torque(plan, d->depth);
    *thrust = cutting_thrust(plan, d->depth);
    if (d->run != d->trace->runs && d->depth < d->cut + d->recut) {
        double back = (d->depth - d->cut + 0.05) / (d->recut + 0.05);
        if (back < 0) back = 0;
        *torque *= back;
        *thrust *= back;
    }
    if (plan->seize_depth > 0 && d->depth > plan->seize_depth)
        *torque = (*torque + 2) * exp((d->depth - plan->seize_depth) / 0.35);
    if (plan->sink_depth > 0 && d->depth > plan->sink_depth) {
        double part = (d->depth - plan->sink_depth) / (plan->stop_depth - plan->sink_depth);
        *torque += plan->sink_torque * part;
        *thrust += 0.1 * part;
        if (plan->stop_depth - d->depth < 0.08) *thrust += 3 * pow(1 - (plan->stop_depth - d->depth) / 0.08, 2);
    }
    if (d->step->micropeck) {
        *torque *= 1 + 0.2 * sin(d->phase);
        *thrust *= 1 + 0.2 * sin(d->phase + 2);
    }
}

static void sense(drill *d)
{
    const ag_sim_plan *plan = d->plan;
    double torque, thrust;
    feel(d, &torque, &thrust);
    double memory = exp(-d->step->feed / rate / plan->wander_way);
    d->wander = memory * d->wander + sqrt(1 - memory * memory) * ag_rng_normal(d->rng);
    double drift = plan->drift * (d->depth - d->begin);
    double raw = torque * (1 + plan->wander * plan->noise * d->wander) + d->base + drift +
                 plan->noise * (0.03 + 0.006 * torque) * ag_rng_normal(d->rng);
    double push = thrust * (1 + 0.5 * plan->wander * plan->noise * d->wander) +
                  plan->noise * (0.006 + 0.01 * thrust) * ag_rng_normal(d->rng);
    d->torque += plan->follow * (raw - d->torque);
    d->thrust += plan->follow * (push - d->thrust);
}

/* ------------------------------------------------------------------------------------------------ how it is read -- */

static double quantised(double value, double lsb)
{
    return round(value / lsb) * lsb;
}

static int32_t thousandths(double value)
{
    return (int32_t)lround(value * 1000);
}

static double idle_torque(const ag_sim_plan *plan, const ag_sim_step *step)
{
    const ag_sim_program *program = plan->regime->program;
    return program->idle + program->idle_k * step->rpm / 1000;
}

static int record(drill *d, int32_t code, ag_err *err)
{
    if (d->trace->rows.count >= MAX_ROWS) return ag_fail(err, AG_EINTERNAL, "a simulated hole does not end");
    ag_sim_row *row = ag_vec_add(&d->trace->rows);
    if (!row) return ag_fail_memory(err, sizeof(*row));
    double torque = quantised(d->torque, torque_lsb), thrust = quantised(d->thrust, thrust_lsb), rpm = d->step->rpm;
    if (torque + d->run->torque_idle > 70) torque = quantised(70 - d->run->torque_idle, torque_lsb) - torque_lsb;
    row->value[AG_CHANNEL_POSITION] = -thousandths(quantised(d->depth, d->plan->way));
    row->value[AG_CHANNEL_TORQUE] = thousandths(torque);
    row->value[AG_CHANNEL_THRUST] = thousandths(thrust);
    row->value[AG_CHANNEL_TORQUE_EMPTY] = thousandths(d->run->torque_idle);
    row->value[AG_CHANNEL_THRUST_EMPTY] = thousandths(d->run->thrust_idle);
    row->value[AG_CHANNEL_STEP] = d->step->number * 1000;
    row->value[AG_CHANNEL_STOP_CODE] = code * 1000;
    row->value[AG_CHANNEL_TORQUE_STATE] = d->state * 1000;
    row->value[AG_CHANNEL_ROTATION] =
        -thousandths(quantised(rpm * (1 - 0.0006 * torque) + 2.5 * ag_rng_normal(d->rng), 1.056));
    row->value[AG_CHANNEL_FEED] = thousandths(d->step->feed * (0.99 + 0.004 * ag_rng_normal(d->rng)));
    double power = 130 * pow(rpm / 4500, 1.5) + torque * (9 + 3.1 * rpm / 1000);
    row->value[AG_CHANNEL_POWER] = power > 0 ? (int32_t)lround(power) * 1000 : 0;
    row->value[AG_CHANNEL_GAP] = thousandths(d->gap);
    if (torque > d->run->torque_max) d->run->torque_max = torque;
    if (thrust > d->run->thrust_max) d->run->thrust_max = thrust;
    return AG_OK;
}

/* ------------------------------------------------------------------------------------------------- when it ends -- */

/* The firmware's detector of the exit. True when torque has stayed low for the step's gap. */
static bool has_left(drill *d)
{
    const ag_sim_step *step = d->step;
    if (step->torque_min <= 0) return false;
    double way = d->depth - d->since;
    bool above = d->torque > step->torque_min;
    int next = d->state;
    if (d->state == 0 && above)
        next = 1;
    else if (d->state == 1 && (!above || way >= 0.5))
        next = above ? 2 : 0;
    else if (d->state == 2 && !above)
        next = 3;
    else if (d->state == 3 && above) {
        next = 2;
        d->gap = way;
        if (way > d->run->gap_max) d->run->gap_max = way;
    } else if (d->state == 3 && way >= step->gap)
        next = 4;
    if (next != d->state) d->since = d->depth;
    d->state = next;
    return d->state == 4;
}

static int32_t stop_code(drill *d, double target)
{
    const ag_sim_step *step = d->step;
    if (d->plan->seize_depth > 0 && d->torque + d->run->torque_idle >= trip) return 131072 + 2;
    if (step->torque_max > 0 && d->torque > step->torque_max) return 1;
    if (step->thrust_max > 0 && d->thrust > step->thrust_max) return 4;
    if (has_left(d)) return 2048;
    if (d->plan->stop_depth > 0 && d->depth >= d->plan->stop_depth - 0.004) return 8;
    return d->depth >= target - 0.005 ? 64 : 0;
}

static void advance(drill *d, double target)
{
    double way = d->step->feed * d->plan->real_feed / rate, before = d->depth;
    if (d->step->micropeck) {
        /* Half the oscillations, as the recorded samples show them. */
        d->phase += turn * d->plan->regime->program->oscillations / 2.0 * d->step->rpm / 60 / rate;
        d->depth += way * (1 + 1.5 * sin(d->phase + 1));
    } else {
        d->depth += way * (1 + 0.01 * ag_rng_normal(d->rng));
    }
    double stop = d->plan->stop_depth;
    if (stop > 0 && d->depth > stop) d->depth = stop;
    if (d->depth > target + 0.03) d->depth = before > target ? before : target + 0.03 * ag_rng_double(d->rng);
}

/* The machine halts: the last sample is repeated, then carries the code. */
static int hold(drill *d, int32_t code, ag_err *err)
{
    size_t silent = 1 + (size_t)ag_rng_below(d->rng, 2), coded = 2 + (size_t)ag_rng_below(d->rng, 2);
    ag_sim_row last = *(ag_sim_row *)ag_vec_at(&d->trace->rows, d->trace->rows.count - 1);
    for (size_t i = 0; i < silent + coded; i++) {
        last.value[AG_CHANNEL_STOP_CODE] = i < silent ? 0 : code * 1000;
        int rc = ag_vec_push(&d->trace->rows, &last, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int drill_step(drill *d, int32_t *code, ag_err *err)
{
    double before = d->cut, target = before + d->step->stroke;
    d->run->begin = d->trace->rows.count;
    int rc;
    for (*code = 0;;) {
        sense(d);
        *code = stop_code(d, target);
        if ((rc = record(d, 0, err)) < 0) return rc;
        if (*code) break;
        advance(d, target);
    }
    if ((rc = hold(d, *code, err)) < 0) return rc;
    d->run->end = d->trace->rows.count;
    d->run->code = *code;
    d->run->distance = d->depth - before;
    d->run->duration = (double)(d->run->end - d->run->begin) / rate + 0.5 + 0.9 * ag_rng_double(d->rng);
    d->run->duration = round(d->run->duration * 100) / 100;
    d->cut = d->depth;
    return AG_OK;
}

/* The tool is drawn back a little, the idle currents are measured anew. */
static void begin_step(drill *d, const ag_sim_step *step)
{
    const ag_sim_plan *plan = d->plan;
    bool first = d->trace->run_count == 0;
    d->step = step;
    d->run = &d->trace->runs[d->trace->run_count++];
    *d->run = (ag_sim_run){.step = step};
    if (first) {
        d->depth = 0.22 * step->feed + 0.08 * ag_rng_double(d->rng);
        if (d->depth < 0.5) d->depth = 0.5 + 0.1 * ag_rng_double(d->rng);
    } else {
        double back = 0.23 + 0.04 * ag_rng_normal(d->rng);
        d->depth = d->cut - (back < 0.06 ? 0.06 : back > 0.32 ? 0.32 : back);
    }
    d->begin = d->depth;
    d->recut = 0.2 + 0.4 * ag_rng_double(d->rng);
    d->base = plan->baseline * ag_rng_double(d->rng);
    d->torque = d->thrust = 0;
    d->state = 0;
    d->since = d->depth;
    d->run->torque_idle = quantised(idle_torque(plan, step) + 0.15 * ag_rng_normal(d->rng), torque_lsb);
    d->run->thrust_idle = quantised(0.06 + 0.08 * step->feed, thrust_lsb);
    if (d->run->thrust_idle > 0.6) d->run->thrust_idle = quantised(0.6, thrust_lsb);
}

/* Telemetry loses samples in the middle of the fastest step; the tool goes on meanwhile. */
static void lose(ag_sim_plan *plan, ag_sim_trace *trace, unsigned count)
{
    size_t fastest = 0;
    for (size_t i = 1; i < trace->run_count; i++)
        if (trace->runs[i].step->feed > trace->runs[fastest].step->feed) fastest = i;
    size_t begin = trace->runs[fastest].begin, length = trace->runs[fastest].end - begin;
    size_t at = begin + length / 4 + (size_t)ag_rng_below(&plan->rng, length / 2);
    for (unsigned k = 0; k < count; k++) ag_vec_remove(&trace->rows, at);
    for (size_t i = fastest; i < trace->run_count; i++) {
        trace->runs[i].end -= count;
        if (i > fastest) trace->runs[i].begin -= count;
    }
}

int ag_sim_trace_make(ag_sim_plan *plan, ag_sim_trace *out, ag_err *err)
{
    ag_vec_init(&out->rows, sizeof(ag_sim_row));
    drill d = {.plan = plan, .trace = out, .rng = &plan->rng};
    int32_t code = 64;
    for (size_t i = 0; i < plan->step_count; i++) {
        const ag_sim_step *step = &plan->steps[i];
        if (!step->enabled) continue;
        begin_step(&d, step);
        int rc = drill_step(&d, &code, err);
        if (rc < 0) return rc;
        if (ag_stop_kind_of(code) != AG_STOP_ADVANCE) break;
    }
    const ag_sim_row *rows = out->rows.items;
    out->first = (double)rows[0].value[AG_CHANNEL_POSITION] * -0.001;
    out->last = quantised(d.depth, plan->way);
    if (plan->lost) lose(plan, out, plan->lost);
    out->cycle_time = 1.5 + 2 * ag_rng_double(d.rng) + d.depth / 10;
    for (size_t i = 0; i < out->run_count; i++) out->cycle_time += out->runs[i].duration;
    out->cycle_time = round(out->cycle_time * 100) / 100;
    return AG_OK;
}

void ag_sim_trace_deinit(ag_sim_trace *trace)
{
    ag_vec_deinit(&trace->rows);
}
