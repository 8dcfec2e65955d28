// SPDX-License-Identifier: Apache-2.0
/* heads.c: see heads.h. */
#include "learn/nn/models/heads.h"

#include "learn/nn/ops/losses.h"

const char *const ag_head_losses[] = {"mse", "mae", "huber", NULL};

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
