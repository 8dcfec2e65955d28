// SPDX-License-Identifier: Apache-2.0
/* neural_ode.c: a latent differential equation over time or position (after Rubanova et al. 2019). The series is cut
 * into segments, each encoded by a linear layer; a GRU reads them from the last to the first and gives the first state;
 * the state then follows the equation through the segments, which may drive it. The whole series is one unit of time.
 */
#include "learn/nn/models/neural_ode.h"

#include "learn/nn/layers.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/patchify.h"
#include "learn/nn/ops/recurrent.h"
#include "learn/nn/ops/reshape.h"

static const char *const solvers[] = {"rk4", "dopri5", NULL};

#define AT(member) offsetof(ag_neural_ode, member)

static const ag_field fields[] = {
    AG_SERIES_FIELDS(ag_neural_ode, series),
    AG_HEAD_FIELDS(ag_neural_ode, head, "forecast"),
    {.name = "segment_length",
     .type = AG_FIELD_INT,
     .offset = AT(segment_length),
     .fallback = "8",
     .min = 1,
     .max = 1e6,
     .doc = "Rows of a segment; rows that fill none are left out at the front."},
    {.name = "segment_size",
     .type = AG_FIELD_INT,
     .offset = AT(segment_size),
     .fallback = "16",
     .min = 1,
     .max = 1e5,
     .doc = "Features of a segment."},
    {.name = "latent_size",
     .type = AG_FIELD_INT,
     .offset = AT(latent_size),
     .fallback = "16",
     .min = 1,
     .max = 1e5,
     .doc = "Features of the state."},
    {.name = "ode_hidden_size",
     .type = AG_FIELD_INT,
     .offset = AT(ode_hidden_size),
     .fallback = "32",
     .min = 1,
     .max = 1e5,
     .doc = "Features of the hidden layers of the right side."},
    {.name = "ode_layers",
     .type = AG_FIELD_INT,
     .offset = AT(ode_layers),
     .fallback = "2",
     .min = 1,
     .max = 7,
     .doc = "Layers of the right side."},
    {.name = "ode_steps",
     .type = AG_FIELD_INT,
     .offset = AT(ode_steps),
     .fallback = "1",
     .min = 1,
     .max = 1e5,
     .doc = "Steps of rk4 in each segment; the most of dopri5."},
    {.name = "solver",
     .type = AG_FIELD_CHOICE,
     .offset = AT(solver),
     .fallback = "rk4",
     .choices = solvers,
     .doc = "Steps of one size, or as the tolerances ask for."},
    {.name = "relative_tolerance",
     .type = AG_FIELD_REAL,
     .offset = AT(relative_tolerance),
     .fallback = "1e-3",
     .min = 0,
     .max = 1,
     .doc = "Of a step of dopri5."},
    {.name = "absolute_tolerance",
     .type = AG_FIELD_REAL,
     .offset = AT(absolute_tolerance),
     .fallback = "1e-4",
     .min = 1e-12,
     .max = 1,
     .doc = "Of a step of dopri5."},
    {.name = "driven",
     .type = AG_FIELD_BOOL,
     .offset = AT(driven),
     .fallback = "true",
     .doc = "The segment at hand is an input of the right side; else only the first state tells of the series."},
};

const ag_description ag_neural_ode_description = {
    .name = "neural_ode",
    .doc = "A latent differential equation.",
    .size = sizeof(ag_neural_ode),
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
};

/* [segments, segment_size] */
static ag_ref segments_of(ag_graph *g, const ag_neural_ode *c, ag_ref x, int64_t segments)
{
    x = ag_graph_apply1(g, &ag_op_patchify, "patchify", x, &(ag_patchify){c->segment_length, c->segment_length});
    ag_shape shape = ag_shape_of(segments, c->series.num_input_channels * c->segment_length);
    x = ag_reshape(g, ag_swap_axes(g, x, 0, 1), shape);
    x = ag_layer_linear(g, x, "encoder.segment", c->segment_size, (ag_layer_init){0});
    return ag_graph_apply1(g, &ag_op_gelu, "encoder.gelu", x, NULL);
}

static ag_ref first_state(ag_graph *g, const ag_neural_ode *c, ag_ref segments)
{
    static const char *const names[] = {"weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse",
                                        "bias_hh_l0_reverse"};
    int64_t wide = 3 * c->latent_size;
    ag_shape shapes[] = {ag_shape_of(wide, c->segment_size), ag_shape_of(wide, c->latent_size), ag_shape_of(wide),
                         ag_shape_of(wide)};
    ag_ref in[5] = {segments};
    ag_graph_push(g, "encoder.rnn");
    for (int i = 0; i < 4; i++) in[i + 1] = ag_graph_parameter(g, names[i], shapes[i], ag_init_fan_in(c->latent_size));
    ag_ref y = ag_graph_apply(g, &ag_op_gru, "", in, 5, &(ag_recurrent){true});
    ag_graph_pop(g);
    return ag_layer_linear(g, ag_graph_slot(g, y, 1), "encoder.first_state", c->latent_size, (ag_layer_init){0});
}

static void build(ag_graph *graph, const void *configuration, const ag_building *building)
{
    const ag_neural_ode *c = configuration;
    ag_heading h = {.graph = graph, .series = &c->series, .config = &c->head, .building = building};
    int64_t segments = ag_patch_count(c->series.context_length, c->segment_length, c->segment_length);
    ag_ref drive = segments_of(graph, c, ag_heading_input(&h), segments), z = first_state(graph, c, drive);
    ag_ode ode = {.solver = (ag_solver)c->solver,
                  .intervals = segments,
                  .steps = c->ode_steps,
                  .span = 1.0 / (double)(segments ? segments : 1),
                  .relative = c->relative_tolerance,
                  .absolute = c->absolute_tolerance};
    ag_ref path =
        ag_layer_ode(graph, z, c->driven ? drive : AG_NO_REF, "ode", c->ode_hidden_size, (int)c->ode_layers, &ode);
    ag_ref last = ag_graph_apply1(graph, &ag_op_reduce, "last", path, &(ag_reduce){0, AG_REDUCE_LAST});
    ag_heading_finish(&h, path, last);
}

const ag_architecture ag_architecture_neural_ode = {
    .name = "neural_ode",
    .doc = "a state that follows a learnt differential equation along the series",
    .configuration = &ag_neural_ode_description,
    .build = build,
};
