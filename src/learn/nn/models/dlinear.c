// SPDX-License-Identifier: Apache-2.0
/* dlinear.c: a series is its moving average, the trend, and the rest, the season; each goes through a linear map over
 * time, and the two are added. As in Zeng et al., "Are Transformers Effective for Time Series Forecasting?" (2023):
 * "Linear_Seasonal.weight" and "Linear_Trend.weight" [prediction, context], shared by all channels, or one of each for
 * every channel (then the weights have an axis for channels in front). */
#include "learn/nn/models/dlinear.h"

#include "learn/nn/layers.h"
#include "learn/nn/models/heads.h"
#include "learn/nn/ops/affine.h"
#include "learn/nn/ops/arrange.h"

#define AT(member) offsetof(ag_dlinear, member)

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
    {.name = "kernel_size",
     .type = AG_FIELD_INT,
     .offset = AT(kernel_size),
     .fallback = "25",
     .min = 1,
     .max = 1e6,
     .doc = "Rows that the moving average spans; odd, or it looks half a row ahead."},
    {.name = "loss",
     .type = AG_FIELD_CHOICE,
     .offset = AT(loss),
     .fallback = "mse",
     .choices = ag_head_losses,
     .doc = "What training minimises."},
};

const ag_description ag_dlinear_description = {
    .name = "dlinear",
    .doc = "A DLinear model.",
    .size = sizeof(ag_dlinear),
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
};

static void build(ag_graph *graph, const void *configuration, const ag_building *building)
{
    const ag_dlinear *c = configuration;
    ag_ref x = ag_graph_input(graph, "past_values", ag_shape_of(c->context_length, c->num_input_channels));
    ag_ref trend =
        ag_graph_apply1(graph, &ag_op_moving_average, "moving_average", x, &(ag_moving_average){c->kernel_size});
    ag_ref minus = ag_graph_apply1(graph, &ag_op_affine, "minus", trend, &(ag_affine){-1.0, 0.0});
    ag_ref season = ag_graph_apply2(graph, &ag_op_add, "season", x, minus, NULL);
    ag_ref y = ag_layer_over_time(graph, season, "Linear_Seasonal", c->prediction_length, c->individual);
    ag_ref z = ag_layer_over_time(graph, trend, "Linear_Trend", c->prediction_length, c->individual);
    y = ag_graph_apply2(graph, &ag_op_add, "sum", y, z, NULL);
    ag_head_forecast(graph, y, (ag_head_loss)c->loss, building);
}

const ag_architecture ag_architecture_dlinear = {
    .name = "dlinear",
    .doc = "forecasts by a linear map of the moving average and another one of the rest",
    .configuration = &ag_dlinear_description,
    .build = build,
};
