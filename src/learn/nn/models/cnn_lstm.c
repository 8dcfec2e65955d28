// SPDX-License-Identifier: Apache-2.0
/* cnn_lstm.c: convolutions that shorten a series, then LSTM or GRU over what is left. Forecasts, regressions and
 * classes come from the last states, heat maps from the state at every row that is left. */
#include "learn/nn/models/cnn_lstm.h"

#include "learn/nn/ops/dropout.h"

#define AT(member) offsetof(ag_cnn_lstm, member)

static const ag_field fields[] = {
    AG_SERIES_FIELDS(ag_cnn_lstm, series),
    AG_HEAD_FIELDS(ag_cnn_lstm, head, "forecast"),
    {.name = "conv_channels",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_INT,
     .offset = AT(conv_channels),
     .fallback = "[32, 64]",
     .min = 0,
     .max = 32,
     .doc = "Channels behind each convolution."},
    {.name = "kernel_size",
     .type = AG_FIELD_INT,
     .offset = AT(kernel_size),
     .fallback = "5",
     .min = 1,
     .max = 1e5,
     .doc = "Rows that a convolution sees."},
    {.name = "conv_stride",
     .type = AG_FIELD_INT,
     .offset = AT(conv_stride),
     .fallback = "2",
     .min = 1,
     .max = 1e5,
     .doc = "Every convolution leaves one row of so many."},
    {.name = "conv_dropout",
     .type = AG_FIELD_REAL,
     .offset = AT(conv_dropout),
     .fallback = "0",
     .min = 0,
     .max = 0.999,
     .doc = "Dropout behind each convolution, in training."},
    AG_RECURRENCE_FIELDS(ag_cnn_lstm, recurrence),
};

const ag_description ag_cnn_lstm_description = {
    .name = "cnn_lstm",
    .doc = "Convolutions and a recurrent model.",
    .size = sizeof(ag_cnn_lstm),
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
};

/* Padded as for a stride of 1, so that row t of the result stands for row t * stride. */
static ag_ref stem(ag_graph *g, const ag_cnn_lstm *c, ag_ref x)
{
    const int64_t *channels = c->conv_channels.items;
    for (size_t i = 0; i < c->conv_channels.count; i++) {
        if (channels[i] < 1 || channels[i] > 100000) {
            ag_graph_refuse(g, "conv_channels holds %lld: 1 to 100000 can be", (long long)channels[i]);
            return x;
        }
        ag_graph_push(g, "conv.%d", (int)i);
        ag_conv1d conv = ag_conv1d_padded(AG_PAD_SAME, c->kernel_size, c->conv_stride, 1, 1);
        x = ag_layer_conv1d(g, x, "conv", channels[i], c->kernel_size, conv);
        x = ag_layer_norm_affine(g, x, "norm", 1e-5);
        x = ag_drop(g, ag_graph_apply1(g, &ag_op_gelu, "gelu", x, NULL), c->conv_dropout);
        ag_graph_pop(g);
    }
    return x;
}

static void build(ag_graph *graph, const void *configuration, const ag_building *building)
{
    const ag_cnn_lstm *c = configuration;
    ag_heading h = {.graph = graph, .series = &c->series, .config = &c->head, .building = building};
    ag_ref last, y = stem(graph, c, ag_heading_input(&h));
    y = ag_layer_recurrent(graph, y, "rnn", &c->recurrence, &last);
    ag_heading_finish(&h, y, last);
}

const ag_architecture ag_architecture_cnn_lstm = {
    .name = "cnn_lstm",
    .doc = "convolutions that shorten a series, and LSTM or GRU behind them",
    .configuration = &ag_cnn_lstm_description,
    .build = build,
};
