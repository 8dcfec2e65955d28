// SPDX-License-Identifier: Apache-2.0
/* layers_recurrent.c: LSTM and GRU of several layers and both directions, composed of single ones. */
#include "core/base/str.h"
#include "learn/nn/layers.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/dropout.h"
#include "learn/nn/ops/recurrent.h"

const char *const ag_cells[] = {"lstm", "gru", NULL};

static ag_ref one(ag_graph *graph, ag_ref x, const ag_recurrence *r, int64_t layer, bool reverse)
{
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    int64_t wide = (r->cell == AG_CELL_LSTM ? 4 : 3) * r->hidden;
    ag_shape shape = ag_graph_shape(graph, x);
    if (shape.axes != 2) {
        ag_graph_refuse(graph, "the input must have two axes: rows and features");
        return AG_NO_REF;
    }
    ag_shape shapes[] = {ag_shape_of(wide, shape.at[1]), ag_shape_of(wide, r->hidden), ag_shape_of(wide),
                         ag_shape_of(wide)};
    ag_ref in[5] = {x};
    for (int i = 0; i < 4; i++) {
        char name[64];
        ag_format(name, sizeof name, "%s_l%d%s", names[i], (int)layer, reverse ? "_reverse" : "");
        in[i + 1] = ag_graph_parameter(graph, name, shapes[i], ag_init_fan_in(r->hidden));
    }
    return ag_graph_apply(graph, r->cell == AG_CELL_LSTM ? &ag_op_lstm : &ag_op_gru, reverse ? "reverse" : "", in, 5,
                          &(ag_recurrent){reverse});
}

ag_ref ag_layer_recurrent(ag_graph *graph, ag_ref x, const char *name, const ag_recurrence *r, ag_ref *last)
{
    ag_ref state = AG_NO_REF;
    ag_graph_push(graph, "%s", name);
    for (int64_t layer = 0; layer < r->layers; layer++) {
        if (layer) x = ag_drop(graph, x, r->dropout);
        ag_ref y = one(graph, x, r, layer, false);
        state = ag_graph_slot(graph, y, 1);
        if (r->bidirectional) {
            ag_ref back = one(graph, x, r, layer, true);
            state = ag_concat2(graph, state, ag_graph_slot(graph, back, 1), 0);
            y = ag_concat2(graph, y, back, 1);
        }
        x = y;
    }
    ag_graph_pop(graph);
    if (last) *last = state;
    return x;
}
