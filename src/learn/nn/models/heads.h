// SPDX-License-Identifier: Apache-2.0
#pragma once
/* heads.h: what stands before and behind a backbone, and is the same for every architecture of series: the input with
 * its scaler, and heads with outputs, targets and losses. Names that training and tools rely on:
 *   task            outputs                                              target
 *   forecast        "prediction_outputs" [prediction_length, channels]   "future_values", the same shape
 *   regression      "regression_outputs" [num_targets]                   "target_values" [num_targets]
 *   classification  "prediction_outputs" [num_targets], logits,          "target_values" [], the class
 *                   and "probabilities"
 *   heatmap         "prediction_outputs" [positions, num_targets],       "target_values", the same shape, in [0, 1]
 *                   logits, and "probabilities"
 * Loss quantile adds an axis of levels behind the outputs; loss normal adds "deviation" beside "regression_outputs". */
#include "core/doc/describe.h"
#include "learn/nn/architecture.h"

typedef enum ag_head_loss { AG_HEAD_MSE, AG_HEAD_MAE, AG_HEAD_HUBER } ag_head_loss;
extern const char *const ag_head_losses[]; /* the choices of a key "loss", ended by NULL */

/* For who forecasts only. y [prediction_length, channels], in the units of the series. */
void ag_head_forecast(ag_graph *graph, ag_ref y, ag_head_loss loss, const ag_building *building);

/* ---- the configuration that architectures share ---- */

typedef enum ag_task { AG_TASK_FORECAST, AG_TASK_REGRESSION, AG_TASK_CLASSIFICATION, AG_TASK_HEATMAP } ag_task;
extern const char *const ag_tasks[], *const ag_task_losses[], *const ag_series_scalings[];

typedef enum ag_task_loss {
    AG_LOSS_AUTO, /* mse, or cross_entropy */
    AG_LOSS_MSE,
    AG_LOSS_MAE,
    AG_LOSS_HUBER,
    AG_LOSS_QUANTILE,
    AG_LOSS_NORMAL,
    AG_LOSS_CROSS_ENTROPY,
    AG_LOSS_BCE,
    AG_LOSS_FOCAL,
} ag_task_loss;

typedef struct ag_series_config {
    int64_t context_length, num_input_channels;
    int64_t num_conditions; /* constants behind the scaler, as channels of their own */
    int scaling;            /* 0 none, 1 std, 2 mean */
} ag_series_config;

typedef struct ag_head_config {
    int task, loss;
    int64_t prediction_length, num_targets;
    double dropout;
    ag_list output_range; /* of two doubles, or empty */
    ag_list quantiles;    /* of doubles */
} ag_head_config;

/* Rows of a description's table for two such members; `first_task` is the default. */
#define AG_SERIES_FIELDS(owner, member)                                                                                \
    {.name = "context_length",                                                                                         \
     .type = AG_FIELD_INT,                                                                                             \
     .offset = offsetof(owner, member) + offsetof(ag_series_config, context_length),                                   \
     .fallback = "512",                                                                                                \
     .min = 1,                                                                                                         \
     .max = 1e6,                                                                                                       \
     .alias = "sequence_length",                                                                                       \
     .doc = "Rows of the input."},                                                                                     \
        {.name = "num_input_channels",                                                                                 \
         .type = AG_FIELD_INT,                                                                                         \
         .offset = offsetof(owner, member) + offsetof(ag_series_config, num_input_channels),                           \
         .fallback = "1",                                                                                              \
         .min = 1,                                                                                                     \
         .max = 1e5,                                                                                                   \
         .alias = "input_channels",                                                                                    \
         .doc = "Channels of the input."},                                                                             \
        {.name = "num_conditions",                                                                                     \
         .type = AG_FIELD_INT,                                                                                         \
         .offset = offsetof(owner, member) + offsetof(ag_series_config, num_conditions),                               \
         .fallback = "0",                                                                                              \
         .min = 0,                                                                                                     \
         .max = 1e5,                                                                                                   \
         .doc = "Numbers that are constant over a series and enter behind the scaler; not for forecasts."},            \
    {                                                                                                                  \
        .name = "scaling", .type = AG_FIELD_CHOICE,                                                                    \
        .offset = offsetof(owner, member) + offsetof(ag_series_config, scaling), .fallback = "std",                    \
        .choices = ag_series_scalings, .doc = "How each channel of a window is scaled; forecasts are scaled back."     \
    }

#define AG_HEAD_FIELDS(owner, member, first_task)                                                                      \
    {.name = "task",                                                                                                   \
     .type = AG_FIELD_CHOICE,                                                                                          \
     .offset = offsetof(owner, member) + offsetof(ag_head_config, task),                                               \
     .fallback = first_task,                                                                                           \
     .choices = ag_tasks,                                                                                              \
     .doc = "What the head computes."},                                                                                \
        {.name = "loss",                                                                                               \
         .type = AG_FIELD_CHOICE,                                                                                      \
         .offset = offsetof(owner, member) + offsetof(ag_head_config, loss),                                           \
         .fallback = "auto",                                                                                           \
         .choices = ag_task_losses,                                                                                    \
         .doc = "What training minimises; auto is mse, or cross_entropy where there are classes or heat maps."},       \
        {.name = "prediction_length",                                                                                  \
         .type = AG_FIELD_INT,                                                                                         \
         .offset = offsetof(owner, member) + offsetof(ag_head_config, prediction_length),                              \
         .fallback = "96",                                                                                             \
         .min = 1,                                                                                                     \
         .max = 1e6,                                                                                                   \
         .doc = "Rows of a forecast."},                                                                                \
        {.name = "num_targets",                                                                                        \
         .type = AG_FIELD_INT,                                                                                         \
         .offset = offsetof(owner, member) + offsetof(ag_head_config, num_targets),                                    \
         .fallback = "3",                                                                                              \
         .min = 1,                                                                                                     \
         .max = 1e6,                                                                                                   \
         .alias = "num_classes",                                                                                       \
         .doc = "Outputs of a regression, classes, or heat maps."},                                                    \
        {.name = "head_dropout",                                                                                       \
         .type = AG_FIELD_REAL,                                                                                        \
         .offset = offsetof(owner, member) + offsetof(ag_head_config, dropout),                                        \
         .fallback = "0",                                                                                              \
         .min = 0,                                                                                                     \
         .max = 0.999,                                                                                                 \
         .doc = "Dropout before the head, in training."},                                                              \
        {.name = "output_range",                                                                                       \
         .type = AG_FIELD_LIST,                                                                                        \
         .item = AG_FIELD_REAL,                                                                                        \
         .offset = offsetof(owner, member) + offsetof(ag_head_config, output_range),                                   \
         .nullable = true,                                                                                             \
         .doc = "Least and greatest output of a regression; none when empty."},                                        \
    {                                                                                                                  \
        .name = "quantiles", .type = AG_FIELD_LIST, .item = AG_FIELD_REAL,                                             \
        .offset = offsetof(owner, member) + offsetof(ag_head_config, quantiles), .fallback = "[0.1, 0.5, 0.9]",        \
        .doc = "Levels that loss quantile forecasts."                                                                  \
    }

/* ---- building ---- */

typedef struct ag_heading {
    ag_graph *graph;
    const ag_series_config *series;
    const ag_head_config *config;
    const ag_building *building;
    ag_ref location, scale; /* [channels], of the scaler */
} ag_heading;

/* "past_values" [context_length, channels], scaled; with the optional "observed_mask". Behind them "conditions"
 * [num_conditions], if there are any, the same in every row. */
ag_ref ag_heading_input(ag_heading *heading);
/* sequence [tokens, features] covers the positions evenly; summary [features] stands for the whole. Adds outputs and,
 * if wanted, target and loss. The head's layers are "head.projection". */
void ag_heading_finish(const ag_heading *heading, ag_ref sequence, ag_ref summary);
/* The same from [channels, tokens, features] of a backbone that keeps channels apart: each channel is forecast from its
 * own tokens; the other tasks see the features of all channels side by side. */
void ag_heading_finish_channels(const ag_heading *heading, ag_ref hidden);
/* Regression and classification of a vector that is no series: a table's. */
void ag_heading_finish_vector(const ag_heading *heading, ag_ref summary);
