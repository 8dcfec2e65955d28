// SPDX-License-Identifier: Apache-2.0
/* lstm.c: LSTM or GRU over the rows of a series. Forecasts, regressions and classes come from the last states,
 * heat maps from the state at every row. */
#include "learn/nn/models/lstm.h"

#include "learn/nn/layers.h"

#define AT(member) offsetof(ag_lstm, member)

static const ag_field fields[] = {
    AG_SERIES_FIELDS(ag_lstm, series),
    AG_HEAD_FIELDS(ag_lstm, head, "forecast"),
    {.name = "cell",
     .type = AG_FIELD_CHOICE,
     .offset = AT(cell),
     .fallback = "lstm",
     .choices = ag_cells,
     .doc = "What is recurrent."},
    {.name = "hidden_size",
     .type = AG_FIELD_INT,
     .offset = AT(hidden_size),
     .fallback = "64",
     .min = 1,
     .max = 1e5,
     .doc = "Features of the state."},
    {.name = "num_layers",
     .type = AG_FIELD_INT,
     .offset = AT(num_layers),
     .fallback = "1",
     .min = 1,
     .max = 100,
     .doc = "Recurrent layers."},
    {.name = "bidirectional",
     .type = AG_FIELD_BOOL,
     .offset = AT(bidirectional),
     .fallback = "false",
     .doc = "Reads the series from both ends."},
    {.name = "dropout",
     .type = AG_FIELD_REAL,
     .offset = AT(dropout),
     .fallback = "0",
     .min = 0,
     .max = 0.999,
     .doc = "Dropout between recurrent layers, in training."},
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
    ag_recurrence recurrence = {(ag_cell)c->cell, c->hidden_size, c->num_layers, c->bidirectional, c->dropout};
    ag_heading h = {.graph = graph, .series = &c->series, .config = &c->head, .building = building};
    ag_ref last, y = ag_layer_recurrent(graph, ag_heading_input(&h), "rnn", &recurrence, &last);
    ag_heading_finish(&h, y, last);
}

const ag_architecture ag_architecture_lstm = {
    .name = "lstm",
    .doc = "LSTM or GRU over the rows of a series",
    .configuration = &ag_lstm_description,
    .build = build,
};
