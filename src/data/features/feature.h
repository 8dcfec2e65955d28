// SPDX-License-Identifier: Apache-2.0
#pragma once
/* feature.h: the channels that a model may see, each a function of the grid: a row of features.c. Conditions do not
 * vary over a hole (the tool's age, the program); they are rows of their own table and enter a model behind its scaler,
 * which would erase them. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "data/features/grid.h"
#include "data/hole.h"

typedef struct ag_feature_options {
    bool normalize_position;     /* position as a share of the recorded way, else in mm */
    bool combine_torque_signals; /* power, efficiency and wear of torque and thrust together, else of torque alone */
    double smoothing_mm;         /* width of what is smoothed */
} ag_feature_options;

typedef struct ag_feature_view {
    const ag_grid *grid;
    const ag_feature_options *options;
    const double *torque, *thrust; /* [grid->count], smoothed over smoothing_mm */
    double *scratch;               /* [2 * (grid->count + 1)], of the function that fills */
} ag_feature_view;

typedef struct ag_feature {
    const char *name; /* "torque_smooth" */
    const char *unit; /* "A", "" where there is none */
    const char *doc;
    double knee; /* > 0: models see asinh(value / knee): small currents beside large ones; < 0: the logarithm */
    void (*fill)(const ag_feature_view *view, double *out); /* required: out[grid->count] in the unit */
} ag_feature;

/* All of them, in the order of the default. */
const ag_feature *ag_feature_all(size_t *count);
const ag_feature *ag_feature_find(const char *name); /* NULL when absent */

/* A row of the matrix [cells, features] per cell inside the recording, compressed, not scaled; rows outside of it stay
 * as they are. scratch: AG_FEATURE_SCRATCH * (cells + 1) doubles. */
enum { AG_FEATURE_SCRATCH = 5 };
void ag_feature_matrix(const ag_grid *grid, const ag_feature *const *features, size_t count,
                       const ag_feature_options *options, double *scratch, float *out);

/* What does not vary over a hole. A model sees (value - shift) / scale, and 0 where the value is not known (NaN). */
typedef struct ag_condition {
    const char *name; /* "tool_age" */
    const char *unit, *doc;
    double shift, scale;
} ag_condition;

typedef enum ag_condition_id {
    AG_CONDITION_TOOL_AGE,
    AG_CONDITION_PREDRILLED,
    AG_CONDITION_STEPS,
    AG_CONDITION_RPM,
    AG_CONDITION_FEED,
    AG_CONDITIONS,
} ag_condition_id;
extern const ag_condition ag_conditions[AG_CONDITIONS];
int ag_condition_find(const char *name); /* its number; < 0 when absent */

/* Of what a row of holes.csv says (names as there): program "15.7@4000/3|6.8@1000/0.75", tool_counter "12", path. Any
 * may be NULL or empty. */
void ag_conditions_read(const char *program, const char *tool_counter, const char *path, double out[AG_CONDITIONS]);
/* The same of a hole with its header. */
void ag_conditions_of(const ag_hole *hole, double out[AG_CONDITIONS]);

/* The tables of docs/drilling-model.md. */
void ag_features_markdown(ag_buf *out);
