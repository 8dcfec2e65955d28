// SPDX-License-Identifier: Apache-2.0
/* heads.c: see heads.h. A forecast is made of scaled values, and so are its quantiles, and brought back to the units of
 * the series before loss and output. Heat maps are as fine as the positions: each token gives as many positions as are
 * needed, and what is left over is resampled. */
#include "learn/nn/models/heads.h"

#include <string.h>

#include "learn/nn/layers.h"
#include "learn/nn/ops/affine.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/dropout.h"
#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/reshape.h"
#include "learn/nn/ops/scaler.h"
#include "learn/nn/ops/softmax.h"
#include "learn/nn/ops/unscale.h"

const char *const ag_head_losses[] = {"mse", "mae", "huber", NULL};
const char *const ag_tasks[] = {"forecast", "regression", "classification", "heatmap", NULL};
const char *const ag_task_losses[] = {"auto",   "mse",           "mae", "huber", "quantile",
                                      "normal", "cross_entropy", "bce", "focal", NULL};
const char *const ag_series_scalings[] = {"none", "std", "mean", NULL};

/* ---- losses ---- */

static ag_ref score(ag_graph *graph, ag_head_loss kind, ag_ref y, ag_ref target)
{
    static const ag_op *const operations[] = {&ag_op_mse, &ag_op_mae, &ag_op_huber};
    return ag_graph_apply2(graph, operations[kind], "loss", y, target, &(ag_huber){1.0});
}

void ag_head_forecast(ag_graph *graph, ag_ref y, ag_head_loss loss, const ag_building *building)
{
    ag_graph_output(graph, "prediction_outputs", y);
    if (!building->loss) return;
    ag_ref target = ag_graph_input(graph, "future_values", ag_graph_shape(graph, y));
    ag_graph_loss(graph, score(graph, loss, y, target));
}

/* The loss in effect; refuses one that the task does not have. */
static ag_task_loss loss_of(const ag_heading *h)
{
    static const unsigned fitting[] = {
        [AG_TASK_FORECAST] = 1 << AG_LOSS_MSE | 1 << AG_LOSS_MAE | 1 << AG_LOSS_HUBER | 1 << AG_LOSS_QUANTILE,
        [AG_TASK_REGRESSION] =
            1 << AG_LOSS_MSE | 1 << AG_LOSS_MAE | 1 << AG_LOSS_HUBER | 1 << AG_LOSS_QUANTILE | 1 << AG_LOSS_NORMAL,
        [AG_TASK_CLASSIFICATION] = 1 << AG_LOSS_CROSS_ENTROPY,
        [AG_TASK_HEATMAP] = 1 << AG_LOSS_CROSS_ENTROPY | 1 << AG_LOSS_BCE | 1 << AG_LOSS_FOCAL | 1 << AG_LOSS_MSE,
    };
    const ag_head_config *c = h->config;
    ag_task_loss usual = c->task >= AG_TASK_CLASSIFICATION ? AG_LOSS_CROSS_ENTROPY : AG_LOSS_MSE;
    if (c->loss == AG_LOSS_AUTO || (fitting[c->task] >> c->loss & 1))
        return c->loss == AG_LOSS_AUTO ? usual : (ag_task_loss)c->loss;
    ag_graph_refuse(h->graph, "loss %s does not fit the task %s", ag_task_losses[c->loss], ag_tasks[c->task]);
    return usual;
}

static int64_t levels_of(const ag_heading *h)
{
    return loss_of(h) == AG_LOSS_QUANTILE ? (int64_t)h->config->quantiles.count : 1;
}

/* Values that are scored element by element, or by quantile: y has an axis of levels then. */
static void score_values(const ag_heading *h, ag_ref y, const char *target_name)
{
    ag_graph *g = h->graph;
    ag_task_loss loss = loss_of(h);
    if (!h->building->loss) return;
    ag_shape shape = ag_graph_shape(g, y);
    if (loss == AG_LOSS_QUANTILE && shape.axes) shape.axes--;
    ag_ref target = ag_graph_input(g, target_name, shape);
    if (loss == AG_LOSS_QUANTILE) {
        size_t bytes = h->config->quantiles.count * sizeof(double);
        double *levels = ag_graph_memory(g, bytes);
        if (!levels) return;
        memcpy(levels, h->config->quantiles.items, bytes);
        ag_graph_loss(g, ag_graph_apply2(g, &ag_op_quantile, "loss", y, target, &(ag_quantile){levels, levels_of(h)}));
    } else {
        ag_graph_loss(g, score(g, (ag_head_loss)(loss - AG_LOSS_MSE), y, target));
    }
}

static ag_ref project(const ag_heading *h, ag_ref x, const char *name, int64_t out)
{
    ag_graph_push(h->graph, "head");
    ag_ref y = ag_layer_linear(h->graph, ag_drop(h->graph, x, h->config->dropout), name, out, (ag_layer_init){0});
    ag_graph_pop(h->graph);
    return y;
}

/* ---- forecast ---- */

/* y [channels, prediction_length * levels], scaled. */
static void finish_forecast(const ag_heading *h, ag_ref y)
{
    ag_graph *g = h->graph;
    int64_t length = h->config->prediction_length, levels = levels_of(h), channels = h->series->num_input_channels;
    y = ag_graph_apply(g, &ag_op_unscale, "unscale", (ag_ref[]){y, h->location, h->scale}, 3, &(ag_unscale){0});
    if (loss_of(h) == AG_LOSS_QUANTILE)
        y = ag_swap_axes(g, ag_reshape(g, y, ag_shape_of(length, levels, channels)), 1, 2);
    ag_graph_output(g, "prediction_outputs", y);
    score_values(h, y, "future_values");
}

/* ---- regression and classification ---- */

static ag_ref limited(const ag_heading *h, ag_ref y)
{
    const ag_list *range = &h->config->output_range;
    if (!range->count) return y;
    const double *limits = range->items;
    if (range->count != 2 || !(limits[0] < limits[1])) {
        ag_graph_refuse(h->graph, "output_range must be a least and a greatest number");
        return y;
    }
    y = ag_graph_apply1(h->graph, &ag_op_sigmoid, "head.range", y, NULL);
    return ag_graph_apply1(h->graph, &ag_op_affine, "head.range", y, &(ag_affine){limits[1] - limits[0], limits[0]});
}

static void finish_normal(const ag_heading *h, ag_ref summary)
{
    ag_graph *g = h->graph;
    ag_ref mean = limited(h, project(h, summary, "projection", h->config->num_targets));
    ag_ref spread = project(h, summary, "deviation", h->config->num_targets);
    spread = ag_graph_apply1(g, &ag_op_softplus, "head.softplus", spread, NULL);
    spread = ag_graph_apply1(g, &ag_op_affine, "head.least", spread, &(ag_affine){1.0, 1e-6});
    ag_graph_output(g, "regression_outputs", mean);
    ag_graph_output(g, "deviation", spread);
    if (!h->building->loss) return;
    ag_ref target = ag_graph_input(g, "target_values", ag_shape_of(h->config->num_targets));
    ag_graph_loss(g, ag_graph_apply(g, &ag_op_nll_normal, "loss", (ag_ref[]){mean, spread, target}, 3, NULL));
}

static void finish_regression(const ag_heading *h, ag_ref summary)
{
    int64_t levels = levels_of(h), targets = h->config->num_targets;
    if (loss_of(h) == AG_LOSS_NORMAL) {
        finish_normal(h, summary);
        return;
    }
    ag_ref y = limited(h, project(h, summary, "projection", targets * levels));
    if (loss_of(h) == AG_LOSS_QUANTILE) y = ag_reshape(h->graph, y, ag_shape_of(targets, levels));
    ag_graph_output(h->graph, "regression_outputs", y);
    score_values(h, y, "target_values");
}

static void finish_classification(const ag_heading *h, ag_ref summary)
{
    ag_graph *g = h->graph;
    ag_ref y = project(h, summary, "projection", h->config->num_targets);
    (void)loss_of(h);
    ag_graph_output(g, "prediction_outputs", y);
    ag_graph_output(g, "probabilities", ag_graph_apply1(g, &ag_op_softmax, "probabilities", y, &(ag_softmax){0}));
    if (!h->building->loss) return;
    ag_ref right = ag_graph_input(g, "target_values", ag_shape_scalar());
    ag_graph_loss(g, ag_graph_apply2(g, &ag_op_cross_entropy, "loss", y, right, NULL));
}

/* ---- heat maps ---- */

static void finish_heatmap(const ag_heading *h, ag_ref sequence)
{
    ag_graph *g = h->graph;
    ag_task_loss loss = loss_of(h);
    ag_shape shape = ag_graph_shape(g, sequence);
    int64_t positions = h->series->context_length, maps = h->config->num_targets, tokens = shape.axes ? shape.at[0] : 1;
    int64_t each = (positions + tokens - 1) / tokens;
    ag_ref y = project(h, sequence, "projection", each * maps);
    y = ag_reshape(g, y, ag_shape_of(tokens * each, maps));
    if (tokens * each != positions)
        y = ag_graph_apply1(g, &ag_op_resample, "head.resample", y, &(ag_resample){positions});
    ag_graph_output(g, "prediction_outputs", y);
    ag_graph_output(g, "probabilities",
                    loss == AG_LOSS_CROSS_ENTROPY
                        ? ag_graph_apply1(g, &ag_op_softmax, "probabilities", y, &(ag_softmax){0})
                        : ag_graph_apply1(g, &ag_op_sigmoid, "probabilities", y, NULL));
    if (!h->building->loss) return;
    ag_ref target = ag_graph_input(g, "target_values", ag_shape_of(positions, maps));
    const ag_op *op = loss == AG_LOSS_CROSS_ENTROPY ? &ag_op_heatmap_entropy
                      : loss == AG_LOSS_FOCAL       ? &ag_op_heatmap_focal
                      : loss == AG_LOSS_BCE         ? &ag_op_bce
                                                    : &ag_op_mse;
    ag_graph_loss(g, ag_graph_apply2(g, op, "loss", y, target, &(ag_heatmap_focal){2.0, 4.0}));
}

/* ---- the whole ---- */

ag_ref ag_heading_input(ag_heading *h)
{
    static const ag_scaler_kind kinds[] = {AG_SCALER_NONE, AG_SCALER_STD, AG_SCALER_MEAN};
    ag_shape shape = ag_shape_of(h->series->context_length, h->series->num_input_channels);
    ag_ref x = ag_graph_input(h->graph, "past_values", shape);
    ag_ref observed = h->series->scaling ? ag_graph_optional_input(h->graph, "observed_mask", shape) : AG_NO_REF;
    double least = h->series->scaling == 2 ? 1e-10 : 1e-5;
    ag_ref z = ag_graph_apply2(h->graph, &ag_op_scaler, "scaler", x, observed,
                               &(ag_scaler){kinds[h->series->scaling], least, 1.0});
    h->location = ag_graph_slot(h->graph, z, 1);
    h->scale = ag_graph_slot(h->graph, z, 2);
    if (!h->series->num_conditions) return z;
    if (h->config->task == AG_TASK_FORECAST) ag_graph_refuse(h->graph, "num_conditions is not for forecasts");
    ag_ref conditions = ag_graph_input(h->graph, "conditions", ag_shape_of(h->series->num_conditions));
    conditions =
        ag_graph_apply1(h->graph, &ag_op_repeat, "conditions", conditions, &(ag_repeat){0, h->series->context_length});
    return ag_concat2(h->graph, z, conditions, 1);
}

void ag_heading_finish_vector(const ag_heading *h, ag_ref summary)
{
    if (h->config->task == AG_TASK_REGRESSION)
        finish_regression(h, summary);
    else if (h->config->task == AG_TASK_CLASSIFICATION)
        finish_classification(h, summary);
    else
        ag_graph_refuse(h->graph, "task %s needs a series", ag_tasks[h->config->task]);
}

void ag_heading_finish(const ag_heading *h, ag_ref sequence, ag_ref summary)
{
    int64_t channels = h->series->num_input_channels, length = h->config->prediction_length * levels_of(h);
    if (h->config->task == AG_TASK_HEATMAP) {
        finish_heatmap(h, sequence);
    } else if (h->config->task == AG_TASK_FORECAST) {
        ag_ref y = project(h, summary, "projection", channels * length);
        finish_forecast(h, ag_reshape(h->graph, y, ag_shape_of(channels, length)));
    } else {
        ag_heading_finish_vector(h, summary);
    }
}

void ag_heading_finish_channels(const ag_heading *h, ag_ref hidden)
{
    ag_graph *g = h->graph;
    ag_shape shape = ag_graph_shape(g, hidden);
    if (shape.axes != 3) return; /* the graph has been refused */
    int64_t channels = shape.at[0], tokens = shape.at[1], features = shape.at[2];
    if (h->config->task == AG_TASK_FORECAST) {
        ag_ref flat = ag_reshape(g, hidden, ag_shape_of(channels, tokens * features));
        finish_forecast(h, project(h, flat, "projection", h->config->prediction_length * levels_of(h)));
        return;
    }
    ag_ref sequence = ag_reshape(g, ag_swap_axes(g, hidden, 0, 1), ag_shape_of(tokens, channels * features));
    ag_ref summary = ag_graph_apply1(g, &ag_op_reduce, "head.mean", sequence, &(ag_reduce){0, AG_REDUCE_MEAN});
    ag_heading_finish(h, sequence, summary);
}
