// SPDX-License-Identifier: Apache-2.0
/* layers.c: see layers.h. */
#include "learn/nn/layers.h"

#include "learn/nn/ops/affine.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/batch_norm.h"
#include "learn/nn/ops/dropout.h"
#include "learn/nn/ops/layer_norm.h"
#include "learn/nn/ops/linear.h"
#include "learn/nn/ops/mix.h"

static ag_init weight_init(ag_layer_init init, int64_t in)
{
    return init.deviation > 0.0 ? ag_init_normal(0.0, init.deviation) : ag_init_fan_in(in);
}

static ag_init bias_init(ag_layer_init init, int64_t in)
{
    return init.deviation > 0.0 ? ag_init_constant(0.0) : ag_init_fan_in(in);
}

/* y + alpha / rank * B A dropout(x): only A and B are trained. B begins at zero, so the model does too. */
static ag_ref adapt(ag_graph *graph, const ag_op *op, ag_ref x, ag_ref y, int axis, const ag_adaptation *adaptation)
{
    int64_t in = ag_graph_shape(graph, x).at[axis], out = ag_graph_shape(graph, y).at[axis], rank = adaptation->rank;
    if (rank < 1) {
        ag_graph_refuse(graph, "an adaptation of rank %lld cannot be", (long long)rank);
        return y;
    }
    ag_ref a = ag_graph_parameter(graph, "lora_A.weight", ag_shape_of(rank, in), ag_init_fan_in(in));
    ag_ref b = ag_graph_parameter(graph, "lora_B.weight", ag_shape_of(out, rank), ag_init_constant(0.0));
    ag_ref z = ag_drop(graph, x, adaptation->dropout);
    z = ag_graph_apply2(graph, op, "lora_A", z, a, &(ag_mix){axis});
    z = ag_graph_apply2(graph, op, "lora_B", z, b, &(ag_mix){axis});
    z = ag_graph_apply1(graph, &ag_op_affine, "lora", z, &(ag_affine){adaptation->alpha / (double)rank, 0.0});
    return ag_graph_apply2(graph, &ag_op_add, "lora", y, z, NULL);
}

void ag_layer_linear_parameters(ag_graph *graph, const char *name, int64_t out, int64_t in, ag_layer_init init,
                                ag_ref *weight, ag_ref *bias)
{
    ag_graph_push(graph, "%s", name);
    *weight = ag_graph_parameter(graph, "weight", ag_shape_of(out, in), weight_init(init, in));
    *bias = ag_graph_parameter(graph, "bias", ag_shape_of(out), bias_init(init, in));
    ag_graph_pop(graph);
}

static ag_ref apply(ag_graph *graph, const ag_op *op, ag_ref x, const char *name, int axis, int64_t out,
                    ag_layer_init init)
{
    ag_shape shape = ag_graph_shape(graph, x);
    if (axis < 0 || axis >= shape.axes) {
        ag_graph_refuse(graph, "%s: the input has no axis %d", name, axis);
        return AG_NO_REF;
    }
    int64_t in = shape.at[axis];
    const ag_adaptation *adaptation = ag_graph_adapts(graph, name);
    ag_graph_push(graph, "%s", name);
    ag_ref weight = ag_graph_parameter(graph, "weight", ag_shape_of(out, in), weight_init(init, in));
    ag_ref bias = ag_graph_parameter(graph, "bias", ag_shape_of(out), bias_init(init, in));
    ag_ref y = ag_graph_apply(graph, op, "", (ag_ref[]){x, weight, bias}, 3, &(ag_mix){axis});
    if (adaptation && y.index) y = adapt(graph, op, x, y, axis, adaptation);
    ag_graph_pop(graph);
    return y;
}

ag_ref ag_layer_linear(ag_graph *graph, ag_ref x, const char *name, int64_t out, ag_layer_init init)
{
    return apply(graph, &ag_op_linear, x, name, ag_graph_shape(graph, x).axes - 1, out, init);
}

/* The shape along the last axis; without an axis the graph fails. */
static ag_shape last_axis(ag_graph *graph, ag_ref x, const char *name)
{
    ag_shape shape = ag_graph_shape(graph, x);
    if (!shape.axes) ag_graph_refuse(graph, "%s: the input has no axis to work along", name);
    return ag_shape_of(shape.axes ? shape.at[shape.axes - 1] : 1);
}

ag_ref ag_layer_linear_chain(ag_graph *graph, ag_ref x, const char *const *names, int count, int64_t out,
                             ag_layer_init init)
{
    ag_shape shape = last_axis(graph, x, names[0]);
    ag_ref in[1 + 2 * AG_MAX_CHAIN] = {x};
    for (int i = 0; i < count; i++)
        ag_layer_linear_parameters(graph, names[i], out, i ? out : shape.at[0], init, &in[1 + 2 * i], &in[2 + 2 * i]);
    return ag_graph_apply(graph, &ag_op_linear_chain, names[0], in, 1 + 2 * count, NULL);
}

ag_ref ag_layer_mix(ag_graph *graph, ag_ref x, const char *name, int axis, int64_t out, ag_layer_init init)
{
    bool last = axis == ag_graph_shape(graph, x).axes - 1; /* then the other operation's vectors are full */
    return apply(graph, last ? &ag_op_linear : &ag_op_mix, x, name, axis, out, init);
}

ag_ref ag_layer_norm_affine(ag_graph *graph, ag_ref x, const char *name, double epsilon)
{
    ag_shape row = last_axis(graph, x, name);
    ag_graph_push(graph, "%s", name);
    ag_ref gain = ag_graph_parameter(graph, "weight", row, ag_init_constant(1.0));
    ag_ref shift = ag_graph_parameter(graph, "bias", row, ag_init_constant(0.0));
    ag_ref y = ag_graph_apply(graph, &ag_op_layer_norm, "", (ag_ref[]){x, gain, shift}, 3, &(ag_layer_norm){epsilon});
    ag_graph_pop(graph);
    return y;
}

ag_ref ag_layer_over_time(ag_graph *graph, ag_ref x, const char *name, int64_t out, bool individual)
{
    ag_ref turned = ag_swap_axes(graph, x, 0, 1), y;
    ag_shape shape = ag_graph_shape(graph, turned);
    if (!individual) {
        y = ag_layer_linear(graph, turned, name, out, (ag_layer_init){0});
    } else {
        int64_t channels = shape.at[0], in = shape.at[1];
        ag_graph_push(graph, "%s", name);
        ag_ref weight = ag_graph_parameter(graph, "weight", ag_shape_of(channels, out, in), ag_init_fan_in(in));
        ag_ref bias = ag_graph_parameter(graph, "bias", ag_shape_of(channels, out), ag_init_fan_in(in));
        y = ag_graph_apply(graph, &ag_op_linear_each, "", (ag_ref[]){turned, weight, bias}, 3, NULL);
        ag_graph_pop(graph);
    }
    return ag_swap_axes(graph, y, 0, 1);
}

ag_ref ag_layer_batch_norm(ag_graph *graph, ag_ref x, const char *name, double epsilon)
{
    ag_shape row = last_axis(graph, x, name);
    ag_graph_push(graph, "%s", name);
    ag_ref in[] = {
        x,
        ag_graph_parameter(graph, "weight", row, ag_init_constant(1.0)),
        ag_graph_parameter(graph, "bias", row, ag_init_constant(0.0)),
        ag_graph_state(graph, "running_mean", row, ag_init_constant(0.0), AG_STORED_F32),
        ag_graph_state(graph, "running_var", row, ag_init_constant(1.0), AG_STORED_F32),
        ag_graph_state(graph, "num_batches_tracked", ag_shape_scalar(), ag_init_constant(0.0), AG_STORED_I64),
    };
    ag_ref y = ag_graph_apply(graph, &ag_op_batch_norm, "", in, 6, &(ag_batch_norm){epsilon, 0.1});
    ag_graph_pop(graph);
    return y;
}

ag_conv1d ag_conv1d_padded(ag_padding padding, int64_t taps, int64_t stride, int64_t dilation, int64_t groups)
{
    int64_t all = padding == AG_PAD_NONE ? 0 : (taps - 1) * (dilation ? dilation : 1);
    int64_t left = padding == AG_PAD_CAUSAL ? all : all / 2;
    return (ag_conv1d){stride, dilation, left, all - left, groups};
}

ag_ref ag_layer_conv1d(ag_graph *graph, ag_ref x, const char *name, int64_t out, int64_t taps, ag_conv1d conv)
{
    ag_shape shape = ag_graph_shape(graph, x);
    if (shape.axes != 2 || (conv.groups > 1 && shape.at[1] % conv.groups)) {
        ag_graph_refuse(graph, "%s: the input must have two axes, rows and channels, and its groups equal parts", name);
        return AG_NO_REF;
    }
    int64_t in = shape.at[1] / (conv.groups ? conv.groups : 1);
    ag_graph_push(graph, "%s", name);
    ag_ref weight = ag_graph_parameter(graph, "weight", ag_shape_of(out, in, taps), ag_init_fan_in(in * taps));
    ag_ref bias = ag_graph_parameter(graph, "bias", ag_shape_of(out), ag_init_fan_in(in * taps));
    ag_ref y = ag_graph_apply(graph, &ag_op_conv1d, "", (ag_ref[]){x, weight, bias}, 3, &conv);
    ag_graph_pop(graph);
    return y;
}

ag_ref ag_layer_embedding(ag_graph *graph, ag_ref x, const char *name, int64_t count, int64_t width)
{
    ag_graph_push(graph, "%s", name);
    ag_ref table = ag_graph_parameter(graph, "weight", ag_shape_of(count, width), ag_init_normal(0.0, 1.0));
    ag_ref y = ag_graph_apply2(graph, &ag_op_embedding, "", x, table, NULL);
    ag_graph_pop(graph);
    return y;
}

ag_ref ag_layer_position(ag_graph *graph, ag_ref x, const char *name, ag_position kind)
{
    ag_shape shape = ag_graph_shape(graph, x);
    if (kind == AG_POSITION_NONE) return x;
    if (shape.axes < 2) {
        ag_graph_refuse(graph, "%s: the input has no axis of tokens", name);
        return AG_NO_REF;
    }
    ag_shape rows = ag_shape_of(shape.at[shape.axes - 2], shape.at[shape.axes - 1]);
    ag_ref table = kind == AG_POSITION_SINCOS ? ag_graph_frozen(graph, name, rows, ag_init_sincos())
                                              : ag_graph_parameter(graph, name, rows, ag_init_normal(0.0, 0.02));
    return ag_graph_apply2(graph, &ag_op_add, name, x, table, NULL);
}

ag_ref ag_layer_ode(ag_graph *graph, ag_ref z, ag_ref drive, const char *name, int64_t hidden, int layers,
                    const ag_ode *ode)
{
    enum { MOST = 7 };
    ag_shape state = ag_graph_shape(graph, z), rows = ag_graph_shape(graph, drive);
    ag_ref in[2 + 2 * MOST] = {z, drive};
    if (layers < 1 || layers > MOST || state.axes != 1) {
        ag_graph_refuse(graph, "%s: a state of one axis and 1 to %d layers can be", name, MOST);
        return AG_NO_REF;
    }
    int64_t width = state.at[0] + (rows.axes == 2 ? rows.at[1] : 0) + 1;
    ag_graph_push(graph, "%s", name);
    for (int i = 0; i < layers; i++) {
        int64_t out = i == layers - 1 ? state.at[0] : hidden;
        ag_graph_push(graph, "%d", i);
        in[2 + 2 * i] = ag_graph_parameter(graph, "weight", ag_shape_of(out, width), ag_init_fan_in(width));
        in[3 + 2 * i] = ag_graph_parameter(graph, "bias", ag_shape_of(out), ag_init_fan_in(width));
        ag_graph_pop(graph);
        width = out;
    }
    ag_ref y = ag_graph_apply(graph, &ag_op_ode, "", in, 2 + 2 * layers, ode);
    ag_graph_pop(graph);
    return y;
}
