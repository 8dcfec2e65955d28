// SPDX-License-Identifier: Apache-2.0
/* plan.c: from a graph to steps and places.
 * Works in four passes over small tables: which nodes are needed, which values carry a gradient, how long every buffer
 * lives (in steps), where it lies. Values that share memory (views, in-place results) share a root; only roots get a
 * place. Places are found largest first at the lowest free offset, which on these graphs comes within a few percent of
 * the busiest moment's sum, and always gives the same answer for the same graph.
 *
 * Recomputing. A layer is a run of nodes whose paths agree up to their first number. Before a layer's backward steps
 * its nodes run again, as far as these steps look at what they give. So a value made in a layer has two lives: a first
 * one, for the forward pass and for the steps of other layers, and a second one, for its own layer's later steps; each
 * has a place of its own. What backward keeps (`saved`) has only the second. */
#include "learn/nn/plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/mem.h"

#define DEFAULT_CHUNK 4
#define DEFAULT_LANES 16
/* Bytes that come back from the second cache when there are 2 MiB of it: a little of a chunk is not read again, and of
 * what mixers have room for a third is never written where they keep no slopes. */
#define SECOND_CACHE (7 << 19)

typedef struct interval {
    int32_t from, to; /* steps, both inclusive; from > to: never alive */
    int64_t size;     /* reals per sample */
    int64_t *offset;  /* where the answer goes */
    int64_t place;
} interval;

typedef struct planner {
    ag_plan *plan;
    const ag_graph *graph;
    int32_t values, nodes;
    ag_arena *arena;       /* of the tables below; dies with the planner */
    bool *wanted;          /* by node: needed at all */
    bool *learns;          /* by node: lies between a trainable value and the loss */
    int32_t *forward_step; /* by node, -1: none */
    int32_t *backward_step;
    int32_t *again_step;                /* by node, -1: not computed again */
    int32_t *again_last;                /* by ref: last step of its second life; by root once roots are known */
    int32_t *data_root, *gradient_root; /* by ref */
    int32_t *last_read;                 /* by ref: last step that reads the data */
    int32_t *root_last;                 /* by root */
} planner;

static int64_t round_up(int64_t size)
{
    return (size + AG_REAL_ALIGN - 1) / AG_REAL_ALIGN * AG_REAL_ALIGN;
}

static const ag_graph_value *value_of(const planner *p, int32_t ref)
{
    return ag_graph_value_at(p->graph, (ag_ref){ref});
}

static bool is_view(const ag_node *node)
{
    return (node->op->flags & AG_OP_VIEW) != 0;
}

/* ---- what is needed ---- */

static void want(const planner *p, bool *marks, ag_ref value)
{
    if (!value.index) return;
    const ag_graph_value *at = ag_graph_value_at(p->graph, value);
    if (at->source == AG_FROM_NODE) marks[at->owner] = true;
}

static void spread(const planner *p, bool *marks)
{
    for (int32_t i = p->nodes; i-- > 0;) {
        const ag_node *node = ag_graph_node(p->graph, i);
        for (int k = 0; marks[i] && k < node->inputs; k++) want(p, marks, node->in[k]);
    }
}

static void find_wanted(planner *p)
{
    const ag_plan_options *options = &p->plan->options;
    if (options->loss) want(p, p->wanted, ag_graph_loss_value(p->graph));
    for (int32_t i = 0; options->outputs && i < ag_graph_outputs(p->graph); i++)
        want(p, p->wanted, ag_graph_output_at(p->graph, i)->value);
    spread(p, p->wanted);
    if (options->gradients) want(p, p->learns, ag_graph_loss_value(p->graph));
    spread(p, p->learns);
}

/* Marks values that carry a gradient; `learns` shrinks to the nodes whose backward runs. */
static int find_gradients(planner *p, ag_err *err)
{
    ag_plan *plan = p->plan;
    for (int32_t v = 1; v <= p->values && plan->options.gradients; v++) {
        const ag_graph_value *value = value_of(p, v);
        if (value->source == AG_FROM_PARAMETER)
            plan->needs_gradient[v] = ag_graph_parameter_at(p->graph, value->owner)->trainable;
        else if (value->source == AG_FROM_INPUT)
            plan->needs_gradient[v] = plan->options.input_gradients;
    }
    for (int32_t i = 0; i < p->nodes; i++) {
        const ag_node *node = ag_graph_node(p->graph, i);
        bool any = false;
        for (int k = 0; k < node->inputs; k++)
            any = any || (node->in[k].index && plan->needs_gradient[node->in[k].index]);
        p->learns[i] = p->learns[i] && any;
        for (int k = 0; p->learns[i] && k < node->outputs; k++) plan->needs_gradient[node->out[k].index] = true;
        if (p->learns[i] && !is_view(node) && !node->op->backward)
            return ag_fail(err, AG_EUNSUPPORTED, "%s: %s has no gradient, so nothing before it can be trained",
                           node->name, node->op->name);
    }
    return 0;
}

/* ---- layers to compute again ---- */

/* Bytes of the path up to and with its first part that is a number; 0: there is none. */
static size_t layer_path(const char *name)
{
    const char *part = name;
    for (const char *at = name;; at++) {
        if (*at && *at != '.') continue;
        if (at > part && strspn(part, "0123456789") == (size_t)(at - part)) return (size_t)(at - name);
        if (!*at) return 0;
        part = at + 1;
    }
}

static void find_layers(planner *p)
{
    int32_t layer = -1, count = 0;
    const char *path = "";
    size_t size = 0;
    for (int32_t i = 0; i < p->nodes; i++) {
        const char *name = ag_graph_node(p->graph, i)->name;
        size_t here = p->plan->options.recompute ? layer_path(name) : 0;
        if (!here)
            layer = -1;
        else if (layer < 0 || here != size || strncmp(name, path, size) != 0)
            layer = count++;
        path = name;
        size = here;
        p->plan->node_layer[i] = layer;
    }
}

/* The node that really makes a value, through views; -1 for inputs and parameters. */
static int32_t maker_of(const planner *p, ag_ref value)
{
    for (;;) {
        const ag_graph_value *at = ag_graph_value_at(p->graph, value);
        if (at->source != AG_FROM_NODE) return -1;
        const ag_node *node = ag_graph_node(p->graph, at->owner);
        if (!is_view(node)) return at->owner;
        value = node->in[0];
    }
}

/* Marks who makes `value`, when that is in node i's own layer. */
static void need_again(const planner *p, int32_t i, ag_ref value)
{
    int32_t maker = value.index ? maker_of(p, value) : -1;
    if (maker >= 0 && p->plan->node_layer[maker] == p->plan->node_layer[i]) p->again_step[maker] = 0;
}

/* again_step 0: wanted again; lay_steps() fills in which step. */
static void find_again(planner *p)
{
    for (int32_t i = 0; i < p->nodes; i++) {
        const ag_node *node = ag_graph_node(p->graph, i);
        if (p->plan->node_layer[i] < 0 || !p->learns[i] || is_view(node)) continue;
        if (node->saved || node->op->reads_out) p->again_step[i] = 0;
        for (int k = 0; k < node->inputs; k++)
            if (node->op->reads_in >> k & 1) need_again(p, i, node->in[k]);
    }
    for (int32_t i = p->nodes; i-- > 0;) {
        const ag_node *node = ag_graph_node(p->graph, i);
        for (int k = 0; p->again_step[i] == 0 && k < node->inputs; k++) need_again(p, i, node->in[k]);
    }
}

/* ---- steps ---- */

static int32_t lay_again(planner *p, int32_t layer, int32_t at)
{
    for (int32_t i = 0; i < p->nodes; i++) {
        if (p->plan->node_layer[i] != layer || p->again_step[i] != 0) continue;
        p->again_step[i] = at;
        p->plan->steps[at++] = (ag_plan_step){.node = i, .phase = AG_FORWARD, .again = true};
    }
    return at;
}

static void lay_steps(planner *p)
{
    ag_plan *plan = p->plan;
    int32_t at = 0;
    for (int32_t i = 0; i < p->nodes; i++) {
        const ag_node *node = ag_graph_node(p->graph, i);
        p->forward_step[i] = p->backward_step[i] = p->again_step[i] = -1;
        if (!p->wanted[i] || is_view(node)) continue;
        bool whole = node->op->whole_batch && node->op->whole_batch(node, plan->options.training);
        plan->staged = plan->staged || whole;
        p->forward_step[i] = at;
        plan->steps[at++] = (ag_plan_step){.node = i, .phase = AG_FORWARD, .whole_batch = whole};
    }
    plan->forward_steps = at;
    if (plan->staged) plan->options.recompute = false;
    find_layers(p);
    find_again(p);
    for (int32_t i = p->nodes, layer = -1; i-- > 0;) {
        if (!p->learns[i] || is_view(ag_graph_node(p->graph, i))) continue;
        if (plan->node_layer[i] >= 0 && plan->node_layer[i] != layer) at = lay_again(p, plan->node_layer[i], at);
        layer = plan->node_layer[i];
        bool whole = plan->steps[p->forward_step[i]].whole_batch;
        p->backward_step[i] = at;
        plan->steps[at++] = (ag_plan_step){.node = i, .phase = AG_BACKWARD, .whole_batch = whole};
    }
    plan->step_count = at;
}

/* ---- who shares memory ---- */

/* Node i reads `value` at a step; from its second life if that is in the same layer, unless lives are told apart later.
 */
static void read_at(const planner *p, int32_t i, ag_ref value, int32_t step, bool lives)
{
    if (!value.index) return;
    int32_t maker = lives && step >= p->plan->forward_steps ? maker_of(p, value) : -1;
    bool second = maker >= 0 && p->again_step[maker] >= 0 && p->plan->node_layer[maker] == p->plan->node_layer[i];
    int32_t *last = second ? &p->again_last[value.index] : &p->last_read[value.index];
    if (*last < step) *last = step;
}

static void find_reads(planner *p, bool lives)
{
    ag_plan *plan = p->plan;
    for (int32_t v = 1; v <= p->values; v++) p->last_read[v] = p->again_last[v] = -1;
    for (int32_t i = 0; i < p->nodes; i++) {
        const ag_node *node = ag_graph_node(p->graph, i);
        if (p->forward_step[i] < 0) continue;
        for (int k = 0; k < node->inputs; k++) {
            read_at(p, i, node->in[k], p->forward_step[i], lives);
            if (p->again_step[i] >= 0) read_at(p, i, node->in[k], p->again_step[i], lives);
            if (p->backward_step[i] >= 0 && (node->op->reads_in >> k & 1))
                read_at(p, i, node->in[k], p->backward_step[i], lives);
        }
        for (int k = 0; k < node->outputs; k++) {
            read_at(p, i, node->out[k], p->forward_step[i], lives);
            if (p->again_step[i] >= 0) read_at(p, i, node->out[k], p->again_step[i], lives);
            if (p->backward_step[i] >= 0 && (node->op->reads_out >> k & 1))
                read_at(p, i, node->out[k], p->backward_step[i], lives);
        }
    }
    for (int32_t i = 0; plan->options.outputs && i < ag_graph_outputs(p->graph); i++)
        read_at(p, -1, ag_graph_output_at(p->graph, i)->value, plan->forward_steps, false);
    if (plan->options.loss) read_at(p, -1, ag_graph_loss_value(p->graph), plan->forward_steps, false);
}

/* Of all values that share a root, the last reads. */
static void find_lasts(planner *p)
{
    for (int32_t v = 1; v <= p->values; v++) p->root_last[v] = -1;
    for (int32_t v = 1; v <= p->values; v++) {
        int32_t root = p->data_root[v];
        if (p->root_last[root] < p->last_read[v]) p->root_last[root] = p->last_read[v];
        if (p->again_last[root] < p->again_last[v]) p->again_last[root] = p->again_last[v];
    }
}

static void find_roots(planner *p)
{
    for (int32_t v = 0; v <= p->values; v++) p->data_root[v] = p->gradient_root[v] = v;
    for (int32_t i = 0; i < p->nodes; i++) {
        const ag_node *node = ag_graph_node(p->graph, i);
        if (!is_view(node)) continue;
        p->data_root[node->out[0].index] = p->data_root[node->in[0].index];
        p->gradient_root[node->out[0].index] = p->gradient_root[node->in[0].index];
    }
    find_lasts(p);
    for (int32_t i = 0; i < p->nodes; i++) {
        const ag_node *node = ag_graph_node(p->graph, i);
        if (!(node->op->flags & AG_OP_IN_PLACE) || p->forward_step[i] < 0) continue;
        int32_t from = p->data_root[node->in[0].index], to = node->out[0].index;
        if (value_of(p, from)->source != AG_FROM_NODE || value_of(p, from)->size != value_of(p, to)->size) continue;
        if (p->root_last[from] > p->forward_step[i]) continue;
        if (p->plan->node_layer[value_of(p, from)->owner] != p->plan->node_layer[i]) continue; /* must outlive this */
        int32_t last = p->root_last[to];
        for (int32_t v = 1; v <= p->values; v++)
            if (p->data_root[v] == to) p->data_root[v] = from;
        p->root_last[from] = last;
    }
}

/* ---- lifetimes ---- */

static int32_t add_data(planner *p, interval *list)
{
    int32_t count = 0;
    for (int32_t v = 1; v <= p->values; v++) {
        const ag_graph_value *value = value_of(p, v);
        if (p->data_root[v] != v || value->source != AG_FROM_NODE || p->forward_step[value->owner] < 0) continue;
        list[count++] =
            (interval){p->forward_step[value->owner], p->root_last[v], value->size, &p->plan->value_offset[v], 0};
        int32_t again = p->again_step[value->owner];
        if (again >= 0) list[count++] = (interval){again, p->again_last[v], value->size, &p->plan->again_offset[v], 0};
    }
    return count;
}

/* The first backward step that adds into the gradient of each root, and the last that reads it. */
static int32_t add_gradients(planner *p, interval *list)
{
    ag_plan *plan = p->plan;
    int32_t *index = ag_arena_array(p->arena, (size_t)p->values + 1, sizeof *index); /* of a root's interval, + 1 */
    int32_t count = 0, loss = ag_graph_loss_value(p->graph).index;
    if (!index) return -1;
    for (int32_t v = 1; v <= p->values; v++) {
        const ag_graph_value *value = value_of(p, v);
        if (p->gradient_root[v] != v || !plan->needs_gradient[v] || value->source == AG_FROM_PARAMETER) continue;
        if (value->source == AG_FROM_NODE && !p->wanted[value->owner]) continue;
        int32_t to = value->source == AG_FROM_INPUT ? plan->step_count : p->backward_step[value->owner];
        list[count++] = (interval){INT32_MAX, to, value->size, &plan->gradient_offset[v], 0};
        index[v] = count;
    }
    if (loss && plan->options.gradients && index[p->gradient_root[loss]])
        list[index[p->gradient_root[loss]] - 1].from = plan->forward_steps;
    for (int32_t s = plan->forward_steps; s < plan->step_count; s++) {
        const ag_node *node = ag_graph_node(p->graph, plan->steps[s].node);
        for (int k = 0; plan->steps[s].phase == AG_BACKWARD && k < node->inputs; k++) {
            int32_t at = node->in[k].index ? index[p->gradient_root[node->in[k].index]] : 0;
            if (at && list[at - 1].from > s) list[at - 1].from = s;
        }
    }
    return count;
}

/* A gradient must be cleared before its first addition; the loss' own is set by the device. */
static void lay_zeroes(planner *p, const interval *gradients, int32_t count)
{
    ag_plan *plan = p->plan;
    int32_t at = 0, loss = p->gradient_root[ag_graph_loss_value(p->graph).index];
    for (int32_t s = plan->forward_steps; s < plan->step_count; s++) {
        plan->steps[s].zero_from = at;
        for (int32_t i = 0; i < count; i++) {
            int32_t v = (int32_t)(gradients[i].offset - plan->gradient_offset);
            if (gradients[i].from == s && v != loss) plan->zeroes[at++] = v;
        }
        plan->steps[s].zero_count = at - plan->steps[s].zero_from;
    }
}

static int32_t add_saved(planner *p, interval *list)
{
    int32_t count = 0;
    for (int32_t i = 0; i < p->nodes; i++) {
        const ag_node *node = ag_graph_node(p->graph, i);
        if (p->backward_step[i] < 0 || !node->saved) continue;
        int32_t from = p->again_step[i] >= 0 ? p->again_step[i] : p->forward_step[i];
        list[count++] = (interval){from, p->backward_step[i], node->saved, &p->plan->saved_offset[i], 0};
    }
    return count;
}

/* ---- places ---- */

static int by_size(const void *a, const void *b)
{
    const interval *x = *(const interval *const *)a, *y = *(const interval *const *)b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return x->from != y->from ? (x->from > y->from ? 1 : -1) : (x < y ? -1 : x > y);
}

/* Lowest offset at which `it` overlaps none of the placed ones that live at the same time. `placed` is kept by place.
 */
static void place_one(interval **placed, int32_t count, interval *it)
{
    int64_t at = 0;
    for (int32_t i = 0; i < count; i++) {
        const interval *other = placed[i];
        if (other->to < it->from || it->to < other->from || other->place + round_up(other->size) <= at) continue;
        if (other->place >= at + round_up(it->size)) break;
        at = other->place + round_up(other->size);
    }
    it->place = at;
    int32_t i = count;
    for (; i > 0 && placed[i - 1]->place > at; i--) placed[i] = placed[i - 1];
    placed[i] = it;
}

static int place_all(planner *p, interval *list, int32_t count, ag_err *err)
{
    size_t bytes = (size_t)count + 1;
    interval **order = ag_arena_array(p->arena, bytes, sizeof *order);
    interval **placed = ag_arena_array(p->arena, bytes, sizeof *placed);
    if (!order || !placed) return ag_fail_memory(err, bytes * sizeof *order);
    for (int32_t i = 0; i < count; i++) order[i] = &list[i];
    qsort(order, (size_t)count, sizeof *order, by_size);
    for (int32_t i = 0, done = 0; i < count; i++) {
        if (order[i]->from > order[i]->to) continue;
        place_one(placed, done++, order[i]);
        *order[i]->offset = order[i]->place;
        int64_t end = order[i]->place + round_up(order[i]->size);
        if (end > p->plan->workspace) p->plan->workspace = end;
    }
    return 0;
}

/* Whether some thread may be at step a while another one, in another chunk, is at step b. */
static bool concurrent(const ag_plan *plan, int32_t a, int32_t b)
{
    if ((a < plan->forward_steps) != (b < plan->forward_steps)) return false;
    return !plan->steps[a].whole_batch && !plan->steps[b].whole_batch;
}

/* In a staged plan the chunks of a parallel part are at different steps of it at the same time, and a place holds the
 * whole batch: so a buffer lives from the beginning to the end of the parts it touches. */
static void widen(const ag_plan *plan, interval *it)
{
    if (it->from > it->to) return;
    while (it->from > 0 && it->from < plan->step_count && concurrent(plan, it->from, it->from - 1)) it->from--;
    while (it->to + 1 < plan->step_count && concurrent(plan, it->to, it->to + 1)) it->to++;
}

/* Samples per call, when the caller leaves it open: several, so that weights are read once for them. Fewer where what
 * lies between forward and backward then still is in the core's second cache when it is read again, which saves more.
 */
static void choose_chunk(ag_plan *plan)
{
    ag_plan_options *options = &plan->options;
    int64_t bytes = plan->workspace * (int64_t)sizeof(ag_real), fitting = bytes > 0 ? SECOND_CACHE / bytes : 0;
    bool smaller = !plan->staged && fitting > 0 && fitting < DEFAULT_CHUNK;
    if (!options->chunk) options->chunk = smaller ? fitting : DEFAULT_CHUNK;
    if (options->chunk > options->max_samples) options->chunk = options->max_samples;
}

static int lay_memory(planner *p, ag_err *err)
{
    ag_plan *plan = p->plan;
    size_t most = 3 * (size_t)p->values + (size_t)p->nodes + 1;
    interval *list = ag_arena_array(p->arena, most, sizeof *list);
    if (!list) return ag_fail_memory(err, most * sizeof *list);
    int32_t count = add_data(p, list);
    int32_t gradients = add_gradients(p, list + count);
    if (gradients < 0) return ag_fail_memory(err, (size_t)p->values * sizeof(int32_t));
    if (plan->options.gradients) lay_zeroes(p, list + count, gradients);
    count += gradients;
    count += add_saved(p, list + count);
    for (int32_t i = 0; plan->staged && i < count; i++) widen(plan, &list[i]);
    int rc = place_all(p, list, count, err);
    if (rc < 0) return rc;
    for (int32_t v = 1; v <= p->values; v++) { /* who shares a root shares its place */
        plan->value_offset[v] = plan->value_offset[p->data_root[v]];
        plan->gradient_offset[v] = plan->gradient_offset[p->gradient_root[v]];
        plan->again_offset[v] = plan->again_offset[p->data_root[v]];
        int32_t maker = maker_of(p, (ag_ref){v});
        plan->value_layer[v] = maker >= 0 ? plan->node_layer[maker] : -1;
    }
    choose_chunk(plan);
    for (int32_t s = 0; s < plan->step_count; s++) {
        const ag_node *node = ag_graph_node(p->graph, plan->steps[s].node);
        int64_t samples = plan->steps[s].whole_batch ? plan->options.max_samples : plan->options.chunk;
        int64_t scratch = round_up(node->scratch_sample * samples + node->scratch_fixed);
        if (scratch > plan->scratch) plan->scratch = scratch;
    }
    return 0;
}

/* ---- the whole ---- */

static int check_options(const ag_graph *graph, ag_plan_options *options, ag_err *err)
{
    if (options->max_samples < 1) return ag_fail(err, AG_EINVAL, "a plan needs max_samples of at least 1");
    if (options->chunk < 0 || options->lanes < 0)
        return ag_fail(err, AG_EINVAL, "chunk and lanes must not be negative");
    options->loss = options->loss || options->gradients;
    options->recompute = options->recompute && options->gradients;
    if (options->loss && !ag_graph_loss_value(graph).index)
        return ag_fail(err, AG_EINVAL, "the model was built without a loss, so it cannot be trained or scored");
    if (!options->loss && !options->outputs)
        return ag_fail(err, AG_EINVAL, "the plan computes neither loss nor outputs");
    if (!options->lanes) {
        options->lanes = (options->max_samples + DEFAULT_CHUNK - 1) / DEFAULT_CHUNK;
        if (options->lanes > DEFAULT_LANES) options->lanes = DEFAULT_LANES;
    }
    if (options->lanes > options->max_samples) options->lanes = options->max_samples;
    return 0;
}

static int allocate(planner *p, ag_err *err)
{
    ag_plan *plan = p->plan;
    size_t values = (size_t)p->values + 1, nodes = (size_t)p->nodes + 1;
    p->wanted = ag_arena_array(p->arena, nodes, sizeof *p->wanted);
    p->learns = ag_arena_array(p->arena, nodes, sizeof *p->learns);
    p->forward_step = ag_arena_array(p->arena, nodes, sizeof *p->forward_step);
    p->backward_step = ag_arena_array(p->arena, nodes, sizeof *p->backward_step);
    p->data_root = ag_arena_array(p->arena, values, sizeof *p->data_root);
    p->gradient_root = ag_arena_array(p->arena, values, sizeof *p->gradient_root);
    p->again_step = ag_arena_array(p->arena, nodes, sizeof *p->again_step);
    p->again_last = ag_arena_array(p->arena, values, sizeof *p->again_last);
    p->last_read = ag_arena_array(p->arena, values, sizeof *p->last_read);
    p->root_last = ag_arena_array(p->arena, values, sizeof *p->root_last);
    plan->steps = ag_calloc(3 * nodes, sizeof *plan->steps);
    plan->zeroes = ag_calloc(values, sizeof *plan->zeroes);
    plan->value_offset = ag_alloc_array(values, sizeof *plan->value_offset);
    plan->gradient_offset = ag_alloc_array(values, sizeof *plan->gradient_offset);
    plan->needs_gradient = ag_calloc(values, sizeof *plan->needs_gradient);
    plan->saved_offset = ag_alloc_array(nodes, sizeof *plan->saved_offset);
    plan->again_offset = ag_alloc_array(values, sizeof *plan->again_offset);
    plan->value_layer = ag_calloc(values, sizeof *plan->value_layer);
    plan->node_layer = ag_calloc(nodes, sizeof *plan->node_layer);
    if (!p->wanted || !p->learns || !p->forward_step || !p->backward_step || !p->data_root || !p->gradient_root ||
        !p->last_read || !p->root_last || !plan->steps || !plan->zeroes || !plan->value_offset ||
        !plan->gradient_offset || !plan->needs_gradient || !plan->saved_offset || !plan->again_offset ||
        !plan->value_layer || !plan->node_layer || !p->again_step || !p->again_last)
        return ag_fail_memory(err, values * sizeof *plan->value_offset);
    memset(plan->value_offset, 0xff, values * sizeof *plan->value_offset);
    memset(plan->gradient_offset, 0xff, values * sizeof *plan->gradient_offset);
    memset(plan->saved_offset, 0xff, nodes * sizeof *plan->saved_offset);
    memset(plan->again_offset, 0xff, values * sizeof *plan->again_offset);
    return 0;
}

int ag_plan_new(const ag_graph *graph, const ag_plan_options *options, ag_plan **out, ag_err *err)
{
    int rc = 0;
    planner p = {.graph = graph, .values = ag_graph_values(graph), .nodes = ag_graph_nodes(graph)};
    if (!(p.plan = ag_calloc(1, sizeof *p.plan))) return ag_fail_memory(err, sizeof *p.plan);
    p.plan->graph = graph;
    p.plan->options = *options;
    if (!(p.arena = ag_arena_new(0))) {
        rc = ag_fail_memory(err, sizeof p);
        goto out;
    }
    if ((rc = check_options(graph, &p.plan->options, err)) < 0) goto out;
    if ((rc = allocate(&p, err)) < 0) goto out;
    find_wanted(&p);
    if ((rc = find_gradients(&p, err)) < 0) goto out;
    lay_steps(&p);
    find_reads(&p, false);
    find_roots(&p);
    if (p.plan->options.recompute) {
        find_reads(&p, true);
        find_lasts(&p);
    }
    if ((rc = lay_memory(&p, err)) < 0) goto out;
    p.plan->capacity = p.plan->staged ? p.plan->options.max_samples : p.plan->options.chunk;
    if (p.plan->workspace > AG_MAX_ELEMENTS / p.plan->capacity) {
        rc = ag_fail(err, AG_ELIMIT, "%lld samples of this model do not fit any memory",
                     (long long)p.plan->options.max_samples);
        goto out;
    }
    *out = p.plan;
    p.plan = NULL;
out:
    ag_arena_free(p.arena);
    ag_plan_free(p.plan);
    return rc;
}

void ag_plan_free(ag_plan *plan)
{
    if (!plan) return;
    ag_free(plan->steps);
    ag_free(plan->zeroes);
    ag_free(plan->value_offset);
    ag_free(plan->gradient_offset);
    ag_free(plan->needs_gradient);
    ag_free(plan->saved_offset);
    ag_free(plan->again_offset);
    ag_free(plan->value_layer);
    ag_free(plan->node_layer);
    ag_free(plan);
}

int64_t ag_plan_bytes(const ag_plan *plan, unsigned threads)
{
    int64_t slots = (int64_t)threads;
    int64_t reals = plan->workspace * plan->capacity * (plan->staged ? 1 : slots) + plan->scratch * slots +
                    ag_graph_prepared_size(plan->graph);
    if (plan->options.gradients) reals += plan->options.lanes * ag_graph_flat_size(plan->graph);
    if (plan->options.loss) reals += 2 * plan->options.max_samples * (int64_t)(sizeof(double) / sizeof(ag_real));
    return reals * (int64_t)sizeof(ag_real);
}
