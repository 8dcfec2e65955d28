// SPDX-License-Identifier: Apache-2.0
#pragma once
/* recurrence.h: the keys of recurrent layers, the same for every architecture that has some. */
#include "core/doc/describe.h"
#include "learn/nn/layers.h"

/* Rows of a description's table for a member of type ag_recurrence. */
#define AG_RECURRENCE_FIELDS(owner, member)                                                                            \
    {.name = "cell",                                                                                                   \
     .type = AG_FIELD_CHOICE,                                                                                          \
     .offset = offsetof(owner, member) + offsetof(ag_recurrence, cell),                                                \
     .fallback = "lstm",                                                                                               \
     .choices = ag_cells,                                                                                              \
     .doc = "What is recurrent."},                                                                                     \
        {.name = "hidden_size",                                                                                        \
         .type = AG_FIELD_INT,                                                                                         \
         .offset = offsetof(owner, member) + offsetof(ag_recurrence, hidden),                                          \
         .fallback = "64",                                                                                             \
         .min = 1,                                                                                                     \
         .max = 1e5,                                                                                                   \
         .doc = "Features of the state."},                                                                             \
        {.name = "num_layers",                                                                                         \
         .type = AG_FIELD_INT,                                                                                         \
         .offset = offsetof(owner, member) + offsetof(ag_recurrence, layers),                                          \
         .fallback = "1",                                                                                              \
         .min = 1,                                                                                                     \
         .max = 100,                                                                                                   \
         .doc = "Recurrent layers."},                                                                                  \
        {.name = "bidirectional",                                                                                      \
         .type = AG_FIELD_BOOL,                                                                                        \
         .offset = offsetof(owner, member) + offsetof(ag_recurrence, bidirectional),                                   \
         .fallback = "false",                                                                                          \
         .doc = "Reads the series from both ends."},                                                                   \
    {                                                                                                                  \
        .name = "dropout", .type = AG_FIELD_REAL,                                                                      \
        .offset = offsetof(owner, member) + offsetof(ag_recurrence, dropout), .fallback = "0", .min = 0, .max = 0.999, \
        .doc = "Dropout between recurrent layers, in training."                                                        \
    }
