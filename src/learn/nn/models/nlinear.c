// SPDX-License-Identifier: Apache-2.0
/* nlinear.c: one linear map over time of what is left after subtracting the last row, which is added again behind it.
 * As in Zeng et al., "Are Transformers Effective for Time Series Forecasting?" (2023). All channels share the weights
 * "Linear.weight" [prediction, context], or each has its own (then the weights have an axis for channels in front). */
#include "learn/nn/models/nlinear.h"

#include "learn/nn/layers.h"
#include "learn/nn/models/heads.h"
#include "learn/nn/ops/affine.h"
#include "learn/nn/ops/arrange.h"

#define AT(member) offsetof(ag_nlinear, member)

static const ag_field fields[] = {
    {.name = "context_length",
     .type = AG_FIELD_INT,
     .offset = AT(context_length),
     .fallback = "336",
     .min = 1,
     .max = 1e6,
     .doc = "Rows of the input."},
    {.name = "prediction_length",
     .type = AG_FIELD_INT,
     .offset = AT(prediction_length),
     .fallback = "96",
     .min = 1,
     .max = 1e6,
     .doc = "Rows of the forecast."},
    {.name = "num_input_channels",
     .type = AG_FIELD_INT,
     .offset = AT(num_input_channels),
     .fallback = "1",
     .min = 1,
     .max = 1e5,
     .doc = "Channels of the input."},
    {.name = "individual",
     .type = AG_FIELD_BOOL,
     .offset = AT(individual),
     .fallback = "false",
     .doc = "Weights of its own for every channel."},
    {.name = "loss",
     .type = AG_FIELD_CHOICE,
     .offset = AT(loss),
     .fallback = "mse",
     .choices = ag_head_losses,
     .doc = "What training minimises."},
};

const ag_description ag_nlinear_description = {
    .name = "nlinear",
    .doc = "An NLinear model.",
    .size = sizeof(ag_nlinear),
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
};

static void build(ag_graph *graph, const void *configuration, const ag_building *building)
{
    const ag_nlinear *c = configuration;
    ag_ref x = ag_graph_input(graph, "past_values", ag_shape_of(c->context_length, c->num_input_channels));
    ag_ref last = ag_graph_apply1(graph, &ag_op_reduce, "last", x, &(ag_reduce){0, AG_REDUCE_LAST});
    ag_ref minus = ag_graph_apply1(graph, &ag_op_affine, "minus", last, &(ag_affine){-1.0, 0.0});
    ag_ref level = ag_graph_apply2(graph, &ag_op_add, "subtract", x, minus, NULL);
    ag_ref y = ag_layer_over_time(graph, level, "Linear", c->prediction_length, c->individual);
    y = ag_graph_apply2(graph, &ag_op_add, "restore", y, last, NULL);
    ag_head_forecast(graph, y, (ag_head_loss)c->loss, building);
}

const ag_architecture ag_architecture_nlinear = {
    .name = "nlinear",
    .doc = "forecasts by one linear map of a series from which its last row is subtracted",
    .configuration = &ag_nlinear_description,
    .build = build,
};
