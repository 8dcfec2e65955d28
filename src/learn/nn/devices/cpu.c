// SPDX-License-Identifier: Apache-2.0
/* cpu.c: runs a plan on this machine's cores.
 * A program owns the workspaces (one per thread that can be inside a run at once, handed out by a small stack), each
 * lane's gradients, and the prepared parameters. Work is handed to the pool by lane (with gradients) or by chunk
 * (without); who computes what never changes a bit, because every sum has a place of its own: per lane for gradients,
 * per sample for losses. A prediction of fewer samples than threads is shared out operation by operation (crew.h)
 * instead. Nothing here allocates after open(). */
#include "learn/nn/devices/cpu.h"

#include <string.h>

#include "core/base/mem.h"
#include "learn/nn/devices/cpu_call.h"
#include "learn/nn/devices/crew.h"

typedef struct segment { /* context of a parallel part */
    cpu_program *program;
    ag_device_run *run;
    int32_t from, to; /* steps */
    bool by_lane;
    int64_t whole; /* chunks; what is left of the samples is taken one by one. Without lanes */
} segment;

static int probe(ag_err *err)
{
    (void)err;
    return 0;
}

static bool supports(const ag_node *node, bool training)
{
    (void)node, (void)training;
    return true;
}

/* ---- a chunk through some steps ---- */

static void give_outputs(const cpu_work *w)
{
    const cpu_program *p = w->program;
    for (int32_t i = 0; p->plan->options.outputs && w->run->outputs && i < ag_graph_outputs(p->graph); i++) {
        const ag_graph_port *port = ag_graph_output_at(p->graph, i);
        if (w->run->outputs[i])
            memcpy(w->run->outputs[i] + w->first * port->size, cpu_value(w, port->value),
                   (size_t)(port->size * w->samples) * sizeof(ag_real));
    }
}

static void give_losses(const cpu_work *w)
{
    const ag_real *loss = cpu_value(w, ag_graph_loss_value(w->program->graph));
    for (int64_t i = 0; i < 2 * w->samples; i++) w->program->losses[2 * w->first + i] = (double)loss[i];
}

static void seed_gradient(const cpu_work *w)
{
    ag_real *gradient = cpu_gradient(w, ag_graph_loss_value(w->program->graph));
    for (int64_t i = 0; gradient && i < w->samples; i++) {
        gradient[2 * i] = 1;
        gradient[2 * i + 1] = 0;
    }
}

static void give_input_gradients(const cpu_work *w)
{
    const cpu_program *p = w->program;
    for (int32_t i = 0; w->run->input_gradients && i < ag_graph_inputs(p->graph); i++) {
        const ag_graph_port *port = ag_graph_input_at(p->graph, i);
        const ag_real *gradient = cpu_gradient(w, port->value);
        ag_real *to = w->run->input_gradients[i];
        size_t bytes = (size_t)(port->size * w->samples) * sizeof(ag_real);
        if (to && gradient)
            memcpy(to + w->first * port->size, gradient, bytes);
        else if (to)
            memset(to + w->first * port->size, 0, bytes); /* nothing depends on it */
    }
}

/* Steps [from, to) for the samples of `w`; what lies between forward and backward happens at their border. */
static int run_steps(const cpu_work *w, int32_t from, int32_t to, ag_err *err)
{
    const ag_plan *plan = w->program->plan;
    cpu_work at = *w;
    for (int32_t s = from; s < to; s++) {
        at.step = &plan->steps[s];
        int rc = cpu_call(&at, at.step, err);
        if (rc < 0) return rc;
        if (s + 1 != plan->forward_steps || plan->staged) continue;
        give_outputs(w);
        if (plan->options.loss) give_losses(w);
        seed_gradient(w);
    }
    return 0;
}

static cpu_slot *take_slot(cpu_program *p)
{
    pthread_mutex_lock(&p->mutex);
    cpu_slot *taken = &p->slot_list[p->free_slots[--p->free_count]];
    pthread_mutex_unlock(&p->mutex);
    return taken;
}

static void return_slot(cpu_program *p, cpu_slot *taken)
{
    pthread_mutex_lock(&p->mutex);
    p->free_slots[p->free_count++] = (int)(taken - p->slot_list);
    pthread_mutex_unlock(&p->mutex);
}

static int run_range(const segment *s, int64_t first, int64_t end, ag_real *gradient, ag_err *err)
{
    cpu_program *p = s->program;
    int64_t chunk = p->plan->options.chunk;
    int rc = 0;
    cpu_work w = {.program = p, .run = s->run, .slot = take_slot(p), .gradient = gradient};
    w.base = p->plan->staged ? p->workspace : w.slot->workspace;
    w.opening = gradient && !p->plan->staged;
    for (w.first = first; w.first < end && rc >= 0; w.first += w.samples) {
        w.samples = end - w.first < chunk ? end - w.first : chunk;
        rc = run_steps(&w, s->from, s->to, err);
        w.opening = false;
        if (rc >= 0 && s->to == p->plan->step_count && !p->plan->staged) give_input_gradients(&w);
    }
    return_slot(p, w.slot);
    return rc;
}

/* Without samples nobody will store anything. */
static void clear_lane(const cpu_program *p, ag_real *gradient, bool has_samples)
{
    int64_t at = 0, flat = ag_graph_flat_size(p->graph);
    for (int32_t i = 0; has_samples && i < ag_graph_parameters(p->graph); i++) {
        const ag_parameter *parameter = ag_graph_parameter_at(p->graph, i);
        if (!p->stored[i]) continue;
        memset(gradient + at, 0, (size_t)(parameter->offset - at) * sizeof(ag_real));
        at = parameter->offset + parameter->size;
    }
    memset(gradient + at, 0, (size_t)(flat - at) * sizeof(ag_real));
}

static int run_part(void *context, size_t index, ag_err *err)
{
    const segment *s = context;
    cpu_program *p = s->program;
    int64_t samples = s->run->samples, i = (int64_t)index;
    if (!s->by_lane) {
        int64_t chunk = p->plan->options.chunk, single = i - s->whole, first = i * chunk;
        if (single > 0) first -= single * (chunk - 1);
        return run_range(s, first, single < 0 ? first + chunk : first + 1, NULL, err);
    }
    int64_t lanes = p->plan->options.lanes, flat = ag_graph_flat_size(p->graph);
    ag_real *gradient = p->lanes + i * flat;
    int64_t first = samples * i / lanes, end = samples * (i + 1) / lanes;
    if (!p->plan->staged) clear_lane(p, gradient, first < end);
    return run_range(s, first, end, gradient, err);
}

static int parallel(cpu_program *p, size_t count, ag_for_fn function, void *context, ag_cancel *cancel, ag_err *err)
{
    if (p->pool) return ag_pool_for(p->pool, count, function, context, cancel, err);
    for (size_t i = 0; i < count; i++) {
        int rc = ag_cancel_check(cancel, err);
        if (rc < 0 || (rc = function(context, i, err)) < 0) return rc;
    }
    return 0;
}

/* How many chunks are whole. The last samples, a chunk of them for each thread, are taken one by one, so that all
 * threads end together: an operation gives a sample the same bits in any chunk. */
static int64_t whole_chunks(const cpu_program *p, int64_t samples)
{
    int64_t chunk = p->plan->options.chunk, threads = ag_pool_threads(p->pool);
    if (threads > 1) samples -= chunk * threads;
    return samples > 0 ? samples / chunk : 0;
}

static int run_segment(cpu_program *p, ag_device_run *run, int32_t from, int32_t to, ag_err *err)
{
    segment s = {.program = p, .run = run, .from = from, .to = to};
    s.by_lane = p->plan->options.gradients && (to > p->plan->forward_steps || !p->plan->staged);
    if (!s.by_lane) s.whole = whole_chunks(p, run->samples);
    int64_t count = s.by_lane ? p->plan->options.lanes : run->samples - s.whole * (p->plan->options.chunk - 1);
    return parallel(p, (size_t)count, run_part, &s, run->cancel, err);
}

/* ---- few samples: every thread takes a part of each step ---- */

static int parts_of_step(void *context, int step)
{
    const cpu_work *w = context;
    const cpu_program *p = w->program;
    const ag_op *op = ag_graph_node(p->graph, p->plan->steps[step].node)->op;
    return op->flags & AG_OP_PARTS ? (int)ag_pool_threads(p->pool) : 1;
}

static void run_step_part(void *context, int step, int part, int parts, int member)
{
    cpu_work w = *(const cpu_work *)context;
    w.step = &w.program->plan->steps[step];
    w.slot = &w.program->slot_list[member];
    w.part = part;
    w.parts = parts;
    (void)cpu_call(&w, w.step, NULL); /* nothing is checked, so nothing fails */
}

static bool is_for_crew(const cpu_program *p, const ag_device_run *run)
{
    const ag_plan *plan = p->plan;
    return run->samples < ag_pool_threads(p->pool) && !plan->staged && plan->step_count == plan->forward_steps &&
           !plan->options.training && !run->check_finite && !run->profile;
}

static int run_by_crew(cpu_program *p, ag_device_run *run, ag_err *err)
{
    cpu_work w = {.program = p, .run = run, .base = p->slot_list[0].workspace};
    const ag_crew crew = {&w, p->plan->step_count, parts_of_step, run_step_part};
    int64_t chunk = p->plan->options.chunk;
    for (; w.first < run->samples; w.first += w.samples) {
        int rc = ag_cancel_check(run->cancel, err);
        if (rc < 0) return rc;
        w.samples = run->samples - w.first < chunk ? run->samples - w.first : chunk;
        ag_crew_run(p->pool, &crew);
        give_outputs(&w);
        if (p->plan->options.loss) give_losses(&w);
    }
    return 0;
}

/* ---- staged: whole-batch nodes between parallel parts ---- */

static int run_staged(cpu_program *p, ag_device_run *run, ag_err *err)
{
    const ag_plan *plan = p->plan;
    cpu_work whole = {.program = p,
                      .run = run,
                      .slot = take_slot(p),
                      .base = p->workspace,
                      .gradient = p->lanes,
                      .samples = run->samples};
    int rc = 0;
    if (plan->options.gradients)
        memset(p->lanes, 0, (size_t)(plan->options.lanes * ag_graph_flat_size(p->graph)) * sizeof(ag_real));
    for (int32_t s = 0; s < plan->step_count && rc >= 0;) {
        if (s == plan->forward_steps) seed_gradient(&whole);
        if (plan->steps[s].whole_batch) {
            rc = run_steps(&whole, s, s + 1, err);
            s++;
        } else {
            int32_t from = s, border = s < plan->forward_steps ? plan->forward_steps : plan->step_count;
            while (s < border && !plan->steps[s].whole_batch) s++;
            return_slot(p, whole.slot);
            rc = run_segment(p, run, from, s, err);
            whole.slot = take_slot(p);
        }
        if (s == plan->forward_steps && rc >= 0) {
            give_outputs(&whole);
            if (plan->options.loss) give_losses(&whole);
        }
    }
    if (rc >= 0) give_input_gradients(&whole);
    return_slot(p, whole.slot);
    return rc;
}

/* ---- sums ---- */

#define SUM_BLOCK 8192
#define SUM_PIECE 256
#define SUM_LEVELS 32 /* of the tree of lanes, of which each fills its part of the memory */

typedef struct lane_sum { /* of some numbers of each lane */
    const ag_kernels *kernels;
    const ag_real *first; /* of lane 0 */
    int64_t flat, lanes, size;
    ag_real (*spare)[SUM_PIECE]; /* one for each level */
} lane_sum;

/* The sum of lanes [from, from + 2^level) as far as there are that many, which lies in `to` unless it is one lane's.
 * Lanes are left as they are: what is written to them would go to memory, and nobody reads it again. */
static const ag_real *sum_of_lanes(lane_sum *s, int64_t from, int level, ag_real *to)
{
    if (level == 0) return s->first + from * s->flat;
    int64_t half = INT64_C(1) << (level - 1);
    const ag_real *left = sum_of_lanes(s, from, level - 1, to);
    if (from + half >= s->lanes) return left;
    const ag_real *right = sum_of_lanes(s, from + half, level - 1, s->spare[level - 1]);
    s->kernels->sum(left, right, to, s->size);
    return to;
}

/* Adds the lanes of one block of parameters as a tree whose form depends on the number of lanes alone. */
static int sum_lanes(void *context, size_t index, ag_err *err)
{
    (void)err;
    const segment *s = context;
    cpu_program *p = s->program;
    ag_real spare[SUM_LEVELS][SUM_PIECE], own[SUM_PIECE];
    lane_sum sum = {
        .kernels = p->kernels, .flat = ag_graph_flat_size(p->graph), .lanes = p->plan->options.lanes, .spare = spare};
    int64_t from = (int64_t)index * SUM_BLOCK, end = sum.flat - from < SUM_BLOCK ? sum.flat : from + SUM_BLOCK;
    int level = 0;
    while (INT64_C(1) << level < sum.lanes) level++;
    for (; from < end; from += SUM_PIECE) {
        ag_real *gradient = s->run->gradient + from, *to = s->run->accumulate ? own : gradient;
        sum.first = p->lanes + from;
        sum.size = end - from < SUM_PIECE ? end - from : SUM_PIECE;
        const ag_real *all = sum_of_lanes(&sum, 0, level, to);
        if (s->run->accumulate)
            p->kernels->add(all, gradient, sum.size);
        else if (all != gradient)
            memcpy(gradient, all, (size_t)sum.size * sizeof *gradient);
    }
    return 0;
}

static void merge_profiles(cpu_program *p, ag_profile *into)
{
    int32_t nodes = ag_graph_nodes(p->graph);
    for (int i = 0; i < p->slots; i++)
        for (int32_t n = 0; n < nodes; n++) {
            into->forward[n] += p->slot_list[i].profile.forward[n];
            into->backward[n] += p->slot_list[i].profile.backward[n];
        }
    memset(p->profiles, 0, sizeof(double) * 2 * (size_t)nodes * (size_t)p->slots);
}

static int run_program(void *opened, ag_device_run *run, ag_err *err)
{
    cpu_program *p = opened;
    const ag_plan *plan = p->plan;
    int rc = plan->staged          ? run_staged(p, run, err)
             : is_for_crew(p, run) ? run_by_crew(p, run, err)
                                   : run_segment(p, run, 0, plan->step_count, err);
    if (rc < 0) return rc;
    if (plan->options.gradients) {
        segment s = {.program = p, .run = run};
        int64_t blocks = (ag_graph_flat_size(p->graph) + SUM_BLOCK - 1) / SUM_BLOCK;
        if ((rc = parallel(p, (size_t)blocks, sum_lanes, &s, NULL, err)) < 0) return rc;
    }
    run->loss_sum = run->loss_weight = 0.0;
    for (int64_t i = 0; plan->options.loss && i < run->samples; i++) {
        run->loss_sum += p->losses[2 * i];
        run->loss_weight += p->losses[2 * i + 1];
    }
    if (run->profile) merge_profiles(p, run->profile);
    return 0;
}

/* ---- opening ---- */

static int prepare_step(void *context, size_t index, ag_err *err)
{
    (void)err;
    cpu_program *p = context;
    const ag_node *node = ag_graph_node(p->graph, p->plan->steps[index].node);
    const ag_real *in[AG_MAX_INPUTS] = {0};
    if (!node->op->prepare || !node->prepared) return 0;
    for (int k = 0; k < node->inputs; k++) {
        const ag_graph_value *value = node->in[k].index ? ag_graph_value_at(p->graph, node->in[k]) : NULL;
        if (value && value->source == AG_FROM_PARAMETER)
            in[k] = p->values + ag_graph_parameter_at(p->graph, value->owner)->offset;
    }
    node->op->prepare(p->kernels, node, in, p->prepared + node->prepared_offset);
    return 0;
}

static int prepare_parameters(void *opened, ag_err *err)
{
    cpu_program *p = opened;
    return parallel(p, (size_t)p->plan->forward_steps, prepare_step, p, NULL, err);
}

static void close_program(void *opened)
{
    cpu_program *p = opened;
    if (!p) return;
    if (p->free_slots) pthread_mutex_destroy(&p->mutex);
    ag_free(p->prepared);
    ag_free(p->workspace);
    ag_free(p->scratch);
    ag_free(p->lanes);
    ag_free(p->losses);
    ag_free(p->profiles);
    ag_free(p->stored);
    ag_free(p->slot_list);
    ag_free(p->free_slots);
    ag_free(p);
}

static ag_real *take_reals(cpu_program *p, int64_t count, bool *failed)
{
    size_t bytes = (size_t)(count ? count : 1) * sizeof(ag_real);
    ag_real *memory = ag_alloc_large(bytes);
    p->bytes += (int64_t)bytes;
    if (!memory) *failed = true;
    return memory;
}

static int take_memory(cpu_program *p, ag_err *err)
{
    const ag_plan *plan = p->plan;
    int64_t space = plan->workspace * plan->capacity, nodes = ag_graph_nodes(p->graph);
    bool failed = false;
    p->workspace = take_reals(p, space * (plan->staged ? 1 : p->slots), &failed);
    p->scratch = take_reals(p, plan->scratch * p->slots, &failed);
    p->prepared = take_reals(p, ag_graph_prepared_size(p->graph), &failed);
    if (plan->options.gradients) p->lanes = take_reals(p, plan->options.lanes * ag_graph_flat_size(p->graph), &failed);
    if (plan->options.loss) p->losses = ag_calloc((size_t)plan->options.max_samples, 2 * sizeof *p->losses);
    p->profiles = ag_calloc((size_t)(2 * nodes * p->slots), sizeof *p->profiles);
    p->slot_list = ag_calloc((size_t)p->slots, sizeof *p->slot_list);
    p->stored = ag_calloc((size_t)ag_graph_parameters(p->graph) + 1, sizeof *p->stored);
    if (failed || !p->profiles || !p->slot_list || !p->stored || (plan->options.loss && !p->losses))
        return ag_fail_memory(err, (size_t)p->bytes);
    for (int i = 0; i < p->slots; i++) {
        p->slot_list[i] = (cpu_slot){.workspace = plan->staged ? NULL : p->workspace + i * space,
                                     .scratch = p->scratch + i * plan->scratch,
                                     .profile = {p->profiles + 2 * i * nodes, p->profiles + (2 * i + 1) * nodes}};
    }
    return 0;
}

/* A parameter whose gradient one step of every chunk stores or adds to, and nobody else. */
static void find_stored(cpu_program *p)
{
    const ag_plan *plan = p->plan;
    int32_t weight;
    for (int32_t s = plan->forward_steps; s < plan->step_count && !plan->staged; s++) {
        const ag_node *node = ag_graph_node(p->graph, plan->steps[s].node);
        if (plan->steps[s].phase != AG_BACKWARD || !cpu_stores_weight(p, node, &weight)) continue;
        int users = 0;
        for (int32_t n = 0; n < ag_graph_nodes(p->graph); n++)
            for (int k = 0; k < ag_graph_node(p->graph, n)->inputs; k++)
                users += ag_graph_node(p->graph, n)->in[k].index == node->in[1].index;
        p->stored[weight] = users == 1;
    }
}

static int open_program(const ag_plan *plan, ag_real *values, ag_pool *pool, void **out, ag_err *err)
{
    int rc = 0;
    cpu_program *p = ag_calloc(1, sizeof *p);
    if (!p) return ag_fail_memory(err, sizeof *p);
    *p = (cpu_program){.plan = plan,
                       .graph = plan->graph,
                       .kernels = ag_kernels_best(),
                       .pool = pool,
                       .values = values,
                       .slots = pool ? (int)ag_pool_threads(pool) + 1 : 1};
    if ((rc = take_memory(p, err)) < 0) goto out;
    if (!(p->free_slots = ag_alloc_array((size_t)p->slots, sizeof *p->free_slots))) {
        rc = ag_fail_memory(err, (size_t)p->slots * sizeof *p->free_slots);
        goto out;
    }
    for (int i = 0; i < p->slots; i++) p->free_slots[p->free_count++] = i;
    find_stored(p);
    pthread_mutex_init(&p->mutex, NULL);
    *out = p;
    p = NULL;
out:
    close_program(p);
    return rc;
}

static int64_t program_bytes(const void *opened)
{
    return ((const cpu_program *)opened)->bytes;
}

const ag_device ag_device_cpu = {
    .name = "cpu",
    .doc = "this machine's cores, with the widest vectors they have",
    .probe = probe,
    .supports = supports,
    .open = open_program,
    .close = close_program,
    .parameters = prepare_parameters,
    .run = run_program,
    .bytes = program_bytes,
};
