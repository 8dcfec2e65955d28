// SPDX-License-Identifier: Apache-2.0
/* plan.c: a hole drawn from its regime. What belongs to a tool and its set-up (head, stack, point, speed) is drawn from
 * the tool's own stream, so that its holes are a series of near repeats, as in a real campaign; the rest from the
 * hole's. Regimes, tools and defects follow from the number of the hole alone. */
#include <math.h>
#include <string.h>

#include "data/simulate/simulate.h"

static double draw(ag_rng *rng, ag_sim_range range)
{
    return range.low + (range.high - range.low) * ag_rng_double(rng);
}

static double even(ag_rng *rng, double low, double high)
{
    return draw(rng, (ag_sim_range){low, high});
}

/* Normal, but never beyond three deviations: a tail must not leave the documented range. */
static double spread(ag_rng *rng, double deviation)
{
    double value = ag_rng_normal(rng);
    return deviation * (value < -3 ? -3 : value > 3 ? 3 : value);
}

static const ag_sim_regime *regime_of(const ag_sim_options *options, uint64_t turn, uint64_t *count)
{
    if (options->regime_count) {
        *count = options->regime_count;
        return options->regimes[turn % options->regime_count];
    }
    const ag_sim_regime *chosen[64];
    size_t n = 0;
    for (size_t i = 0; i < ag_sim_regime_count && n < sizeof(chosen) / sizeof(chosen[0]); i++)
        if (!options->fault_count || ag_sim_regimes[i].plain) chosen[n++] = &ag_sim_regimes[i];
    if (n == 0) chosen[n++] = &ag_sim_regimes[0];
    *count = n;
    return chosen[turn % n];
}

/* Metal torque is built up over a way, and rubs behind the exit; CFRP less so. */
static void draw_material(ag_rng *rng, ag_sim_layer *layer)
{
    bool metal = layer->material != AG_SIM_CFRP;
    bool soft = layer->material == AG_SIM_ALUMINIUM;
    layer->slope = (metal ? even(rng, -0.10, 0.05) : even(rng, -0.05, 0.35)) / (layer->bottom - layer->top);
    layer->run_in = soft ? even(rng, 0.1, 0.4) : metal ? even(rng, 0.0, 0.2) : even(rng, 0, 0.10);
    layer->run_length = soft ? even(rng, 0.6, 1.4) : even(rng, 0.5, 1.0);
    layer->residual = soft ? even(rng, 0.05, 0.25) : even(rng, 0, 0.04);
}

static void draw_stack(ag_sim_plan *plan, ag_rng *tool, ag_rng *hole)
{
    const ag_sim_regime *regime = plan->regime;
    double life = (double)plan->age / (double)(plan->life - 1);
    double wear = regime->wear.low + (regime->wear.high - regime->wear.low) * life;
    double top = draw(tool, regime->entry) + spread(hole, regime->shift);
    double gap = draw(tool, regime->gap);
    plan->layer_count = regime->layer_count;
    for (size_t i = 0; i < regime->layer_count; i++) {
        const ag_sim_layer_range *range = &regime->layers[i];
        ag_sim_layer *layer = &plan->layers[i];
        layer->material = range->material;
        layer->top = top;
        layer->bottom = top + draw(tool, range->thickness) + spread(hole, 0.02);
        layer->torque = draw(tool, range->torque) * wear * (1 + spread(hole, 0.03));
        layer->thrust = draw(tool, range->thrust) * wear * (1 + spread(hole, 0.05));
        draw_material(tool, layer);
        top = layer->bottom;
        if (i == 0 && gap > 0) top += gap * (1 + spread(hole, 0.1));
    }
}

/* Thrust pushes the last of a metal out before it is cut. From a stream of its own: the rest of the hole stays what it
 * is without a burr. */
static void draw_burr(ag_sim_plan *plan, double per_ampere, const ag_rng *hole)
{
    const ag_sim_layer *last = plan->layer_count ? &plan->layers[plan->layer_count - 1] : NULL;
    ag_rng own = ag_rng_child(hole, 2);
    if (last && last->material != AG_SIM_CFRP) plan->burr = per_ampere * last->thrust * (1 + spread(&own, 0.1));
}

static void note_truth(ag_sim_plan *plan)
{
    plan->entry = plan->exit = plan->full_exit = (double)NAN;
    plan->transition_count = 0;
    if (!plan->layer_count) return;
    plan->entry = plan->layers[0].top;
    for (size_t i = 1; i < plan->layer_count; i++) plan->transition[plan->transition_count++] = plan->layers[i].top;
    plan->exit = plan->layers[plan->layer_count - 1].bottom;
    plan->full_exit = plan->exit + plan->point + plan->burr;
}

static void draw_program(ag_sim_plan *plan, ag_rng *tool, ag_rng *hole)
{
    const ag_sim_program *program = plan->regime->program;
    double speed = draw(tool, plan->regime->speed);
    plan->step_count = program->count;
    for (size_t i = 0; i < program->count; i++) {
        plan->steps[i] = program->steps[i];
        plan->steps[i].rpm = round(plan->steps[i].rpm * speed);
        plan->steps[i].feed = round(plan->steps[i].feed * speed * 1000) / 1000;
    }
    /* The user of such a program sets the stroke of the first layer a little short of it. */
    if (program->cover > 0 && plan->layer_count > 1) {
        double thickness = plan->layers[0].bottom - plan->layers[0].top;
        plan->steps[1].stroke = round((thickness - program->cover) * 2) / 2;
    }
    bool cut = plan->layer_count > 0;
    if (program->stop_at > 0) plan->stop_depth = program->stop_at + spread(hole, 0.02);
    if (program->stop > 0) plan->stop_depth = (cut ? plan->full_exit : 20.0) + program->stop + spread(hole, 0.05);
    if (program->countersinks && cut) {
        plan->sink_depth = plan->stop_depth - even(tool, 1.5, 2.0);
        plan->sink_torque = even(tool, 2.0, 8.0);
        for (size_t i = 2; i < program->count; i++) /* contact with the countersink must reach the step's level */
            if (plan->steps[i].torque_max > 0 && plan->sink_torque < 1.5 * plan->steps[i].torque_max)
                plan->sink_torque = 1.6 * plan->steps[i].torque_max;
    }
}

static void draw_machine(ag_sim_plan *plan, ag_rng *tool)
{
    const ag_sim_regime *regime = plan->regime;
    plan->point = draw(tool, regime->point);
    plan->chisel = plan->point * even(tool, 0.06, 0.14);
    plan->exponent = even(tool, 1.6, 2.0);
    plan->residual_length = even(tool, 0.6, 1.5);
    plan->follow = even(tool, 0.45, 0.8);
    plan->real_feed = even(tool, 0.985, 1.005);
    plan->way = 5.0 / (60.0 * regime->program->ratio);
    plan->wander = even(tool, 0.008, 0.03);
    plan->wander_way = even(tool, 0.4, 1.0);
    ag_format(plan->tag, sizeof(plan->tag), "E00401%010llX",
              (unsigned long long)(ag_rng_u64(tool) & UINT64_C(0xffffffffff)));
    /* Drawn one after the other: in what order arguments are is left to the compiler. */
    unsigned serial = (unsigned)ag_rng_below(tool, 999) + 1, kind = (unsigned)ag_rng_below(tool, 10);
    ag_format(plan->head, sizeof(plan->head), "11%u-V3-%03u", kind, serial);
    plan->global_counter = 100 + (uint32_t)ag_rng_below(tool, 20000) + plan->age;
    plan->local_counter = plan->age + 1;
}

/* Only newer versions say that a head oscillates, and not all defects can be written in all versions. */
static int choose_version(const ag_sim_options *options, const ag_sim_plan *plan)
{
    int least = plan->fault ? plan->fault->from_version : 0;
    if (options->version_count) {
        int version = options->versions[plan->tool % options->version_count];
        return version < least ? 9 : version;
    }
    int version = ag_format_versions[plan->tool % ag_format_version_count].version;
    if (plan->regime->program->oscillations) least = 9;
    return version < least ? 9 : version;
}

int ag_sim_plan_draw(const ag_sim_options *options, uint64_t hole, ag_sim_plan *out, ag_err *err)
{
    if (options->regime_count && !options->regimes) return ag_fail(err, AG_EINVAL, "no regimes to choose from");
    ag_sim_plan plan = {.seed = options->seed, .hole = hole, .life = AG_SIM_LIFE};
    uint64_t turn = hole, regimes = 0;
    if (options->fault_count) {
        plan.fault = options->faults[hole % options->fault_count];
        turn = hole / options->fault_count + hole % options->fault_count; /* every defect meets every regime */
    }
    plan.regime = regime_of(options, turn, &regimes);
    uint64_t of_regime = hole / regimes, index = (uint64_t)(plan.regime - ag_sim_regimes);
    unsigned series = options->series ? options->series : AG_SIM_SERIES;
    if (series > AG_SIM_LIFE) series = AG_SIM_LIFE;
    plan.age = (unsigned)(of_regime % series);
    plan.tool = of_regime / series * ag_sim_regime_count + index;
    plan.version = choose_version(options, &plan);
    ag_rng tools = ag_rng_stream(options->seed, "simulated tools"),
           holes = ag_rng_stream(options->seed, "simulated holes");
    ag_rng tool = ag_rng_child(&tools, plan.tool), own = ag_rng_child(&holes, hole), age = ag_rng_child(&tool, 1);
    plan.age +=
        (unsigned)ag_rng_below(&age, AG_SIM_LIFE - series + 1); /* where in the tool's life a short series lies */
    draw_machine(&plan, &tool);
    draw_stack(&plan, &tool, &own);
    draw_burr(&plan, options->burr, &own);
    note_truth(&plan);
    draw_program(&plan, &tool, &own);
    plan.baseline = even(&own, -0.12, 0.02);
    plan.drift = even(&own, -0.025, 0.008);
    plan.noise = plan.regime->noise * even(&own, 0.8, 1.2);
    if (plan.regime->lost.high > 0) plan.lost = (unsigned)(draw(&own, plan.regime->lost) + 0.5);
    if (plan.regime->outcome == AG_SIM_SEIZED) {
        const ag_sim_layer *last = &plan.layers[plan.layer_count - 1];
        plan.seize_depth = last->top + plan.point * 0.7 + even(&own, 0.1, 0.9);
        plan.exit = plan.full_exit = (double)NAN;
    }
    plan.rng = ag_rng_child(&own, 1);
    *out = plan;
    return AG_OK;
}

void ag_sim_plan_path(const ag_sim_plan *plan, char out[160])
{
    ag_format(out, 160, "%s/%s_%s_ST_%u_%u.xls", plan->fault ? plan->fault->name : plan->regime->name, plan->tag,
              plan->head, (unsigned)plan->global_counter, (unsigned)plan->local_counter);
}

void ag_sim_plan_layers(const ag_sim_plan *plan, char out[128])
{
    size_t at = 0;
    out[0] = 0;
    for (size_t i = 0; i < plan->layer_count; i++) {
        double gap = i ? plan->layers[i].top - plan->layers[i - 1].bottom : 0;
        if (gap > 0) ag_format(out + at, 128 - at, " + gap %.3f", gap);
        at += strlen(out + at);
        ag_format(out + at, 128 - at, "%s%s %.3f", i ? " + " : "", ag_sim_material_name(plan->layers[i].material),
                  plan->layers[i].bottom - plan->layers[i].top);
        at += strlen(out + at);
    }
}
