// SPDX-License-Identifier: Apache-2.0
/* cpu_call.c: finds what an operation reads and writes, in the workspace, the parameters or the caller's buffers, and
 * calls it. Gradients that a step is the first to add to are cleared here, or stored by the operation where it can. */
#include "learn/nn/devices/cpu_call.h"

#include <math.h>
#include <string.h>
#include <time.h>

static int64_t place(const cpu_work *w, int64_t offset, int64_t size)
{
    const ag_plan *plan = w->program->plan;
    return offset * plan->capacity + (plan->staged ? w->first * size : 0);
}

/* Whether the step that runs now finds the value where its layer was computed again; see plan.h. */
static bool second_life(const cpu_work *w, ag_ref ref)
{
    const ag_plan *plan = w->program->plan;
    return w->step && (w->step->again || w->step->phase == AG_BACKWARD) && plan->again_offset[ref.index] >= 0 &&
           plan->value_layer[ref.index] == plan->node_layer[w->step->node];
}

ag_real *cpu_value(const cpu_work *w, ag_ref ref)
{
    if (!ref.index) return NULL;
    const cpu_program *p = w->program;
    for (;;) {
        const ag_graph_value *value = ag_graph_value_at(p->graph, ref);
        if (value->source == AG_FROM_PARAMETER)
            return p->values + ag_graph_parameter_at(p->graph, value->owner)->offset;
        if (value->source == AG_FROM_INPUT) {
            const ag_real *bound = w->run->inputs[value->owner];
            return bound ? (ag_real *)(uintptr_t)(bound + w->first * value->size) : NULL;
        }
        int64_t offset = second_life(w, ref) ? p->plan->again_offset[ref.index] : p->plan->value_offset[ref.index];
        if (offset >= 0) return w->base + place(w, offset, value->size);
        const ag_node *node = ag_graph_node(p->graph, value->owner);
        if (!(node->op->flags & AG_OP_VIEW)) return NULL;
        ref = node->in[0]; /* a view of an input or a parameter */
    }
}

ag_real *cpu_gradient(const cpu_work *w, ag_ref ref)
{
    const cpu_program *p = w->program;
    if (!ref.index || !p->plan->needs_gradient[ref.index]) return NULL;
    for (;;) {
        const ag_graph_value *value = ag_graph_value_at(p->graph, ref);
        if (value->source == AG_FROM_PARAMETER)
            return w->gradient ? w->gradient + ag_graph_parameter_at(p->graph, value->owner)->offset : NULL;
        int64_t offset = p->plan->gradient_offset[ref.index];
        if (offset >= 0) return w->base + place(w, offset, value->size);
        if (value->source != AG_FROM_NODE) return NULL;
        const ag_node *node = ag_graph_node(p->graph, value->owner);
        if (!(node->op->flags & AG_OP_VIEW)) return NULL;
        ref = node->in[0];
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* what other programs take is not ours */
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool is_state(const cpu_program *p, ag_ref ref)
{
    if (!ref.index) return false;
    const ag_graph_value *value = ag_graph_value_at(p->graph, ref);
    return value->source == AG_FROM_PARAMETER && ag_graph_parameter_at(p->graph, value->owner)->state;
}

static int find_not_finite(const cpu_work *w, const ag_node *node, ag_real *const *out, ag_err *err)
{
    for (int k = 0; k < node->outputs; k++) {
        int64_t size = ag_shape_size(&node->out_shape[k]) * w->samples;
        for (int64_t i = 0; out[k] && i < size; i++) {
            int64_t sample = w->run->first_sample + w->first + i / (size / w->samples);
            if (!isfinite(out[k][i]))
                return ag_fail(err, AG_EDIVERGED,
                               "%s: the output of %s is not a finite number (sample %lld of the step)", node->name,
                               node->op->name, (long long)sample);
        }
    }
    return 0;
}

/* The bit of the input whose gradient lies there, when the operation can store and it is one input's alone. */
static uint32_t storing(const ag_node *node, ag_real *const *din, const ag_real *gradient)
{
    uint32_t bits = 0;
    for (int k = 0; k < node->inputs; k++)
        if (din[k] == gradient) bits |= UINT32_C(1) << k;
    return node->op->flags & AG_OP_STORES && (bits & (bits - 1)) == 0 ? bits : 0;
}

/* Clears what the step is the first to add to; returns which inputs it shall store instead. */
static uint32_t clear_gradients(const cpu_work *w, const ag_plan_step *step, const ag_node *node, ag_real *const *din)
{
    uint32_t fresh = 0;
    for (int32_t i = 0; i < step->zero_count; i++) {
        ag_ref ref = {w->program->plan->zeroes[step->zero_from + i]};
        int64_t size = ag_graph_value_at(w->program->graph, ref)->size;
        ag_real *gradient = cpu_gradient(w, ref);
        uint32_t stored = storing(node, din, gradient);
        if (!stored) memset(gradient, 0, (size_t)(size * w->samples) * sizeof(ag_real));
        fresh |= stored;
    }
    return fresh;
}

bool cpu_stores_weight(const cpu_program *p, const ag_node *node, int32_t *parameter)
{
    if (!(node->op->flags & AG_OP_STORES_WEIGHT) || !p->plan->needs_gradient[node->in[1].index]) return false;
    const ag_graph_value *value = ag_graph_value_at(p->graph, node->in[1]);
    *parameter = (int32_t)value->owner;
    return value->source == AG_FROM_PARAMETER;
}

int cpu_call(const cpu_work *w, const ag_plan_step *step, ag_err *err)
{
    cpu_program *p = w->program;
    const ag_node *node = ag_graph_node(p->graph, step->node);
    const ag_real *in[AG_MAX_INPUTS], *dout[AG_MAX_OUTPUTS];
    ag_real *out[AG_MAX_OUTPUTS], *din[AG_MAX_INPUTS], *state[AG_MAX_INPUTS];
    int64_t saved = p->plan->saved_offset[node->index];
    bool back = step->phase == AG_BACKWARD;
    bool keeps = saved >= 0 && (back || step->again || p->plan->node_layer[node->index] < 0);
    for (int k = 0; k < node->inputs; k++) {
        ag_real *data = cpu_value(w, node->in[k]);
        in[k] = data;
        state[k] = w->program->plan->options.training && is_state(p, node->in[k]) ? data : NULL;
        din[k] = back ? cpu_gradient(w, node->in[k]) : NULL;
    }
    for (int k = 0; k < node->outputs; k++) {
        out[k] = cpu_value(w, node->out[k]);
        dout[k] = back ? cpu_gradient(w, node->out[k]) : NULL;
    }
    ag_call call = {.node = node,
                    .attributes = node->attributes,
                    .kernels = p->kernels,
                    .samples = w->samples,
                    .first = w->run->first_sample + w->first,
                    .training = p->plan->options.training,
                    .seed = w->run->seed,
                    .step = w->run->step,
                    .in = in,
                    .out = out,
                    .state = state,
                    .dout = dout,
                    .din = din,
                    .saved = keeps ? w->base + place(w, saved, node->saved) : NULL,
                    .scratch = w->slot->scratch,
                    .part = w->part,
                    .parts = w->parts,
                    .prepared = p->prepared + node->prepared_offset,
                    .pool = step->whole_batch ? p->pool : NULL};
    double before = w->run->profile ? seconds() : 0.0;
    if (back) {
        int32_t weight;
        call.fresh = clear_gradients(w, step, node, din);
        if (w->opening && cpu_stores_weight(p, node, &weight) && p->stored[weight]) call.fresh |= 2;
        node->op->backward(&call);
    } else {
        node->op->forward(&call);
    }
    if (w->run->profile)
        (back ? w->slot->profile.backward : w->slot->profile.forward)[node->index] += seconds() - before;
    return !back && w->run->check_finite ? find_not_finite(w, node, out, err) : 0;
}
