// SPDX-License-Identifier: Apache-2.0
/* lstm.c: LSTM or GRU over the rows of a series. Forecasts, regressions and classes come from the last states,
 * heat maps from the state at every row. */
#include "learn/nn/models/lstm.h"

static const ag_field fields[] = {
    AG_SERIES_FIELDS(ag_lstm, series),
    AG_HEAD_FIELDS(ag_lstm, head, "forecast"),
    AG_RECURRENCE_FIELDS(ag_lstm, recurrence),
};

const ag_description ag_lstm_description = {
    .name = "lstm",
    .doc = "A recurrent model.",
    .size = sizeof(ag_lstm),
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
};

static void build(ag_graph *graph, const void *configuration, const ag_building *building)
{
    const ag_lstm *c = configuration;
    ag_heading h = {.graph = graph, .series = &c->series, .config = &c->head, .building = building};
    ag_ref last, y = ag_layer_recurrent(graph, ag_heading_input(&h), "rnn", &c->recurrence, &last);
    ag_heading_finish(&h, y, last);
}

const ag_architecture ag_architecture_lstm = {
    .name = "lstm",
    .doc = "LSTM or GRU over the rows of a series",
    .configuration = &ag_lstm_description,
    .build = build,
};
