// SPDX-License-Identifier: Apache-2.0
#pragma once
/* data.h: data_config of the drilling strategies, as users write it. A strategy that needs more keys puts this struct
 * first in its own and names this description's fields (AG_DRILLING_FIELDS) in its own table. */
#include <stdbool.h>
#include <stdint.h>

#include "core/doc/describe.h"
#include "data/features/feature.h"

typedef struct ag_drilling_augmentation {
    double noise_injection; /* of a channel's local change, white */
    double time_warping;    /* greatest stretch of the way, as a part of it */
    double gain, offset;    /* of torque and thrust: a part; A */
    double edge_shape;      /* by which the power may differ with which torque follows the edge */
    double sample_dropout;  /* share of nodes that are lost */
    double setup_shift;     /* mm, deviation of the shift of the whole hole */
} ag_drilling_augmentation;

typedef struct ag_drilling_preprocessing {
    bool normalize_position, combine_torque_signals;
    bool sequence_windowing; /* longer holes are cut into windows; else their cells grow until they fit */
    double cell_mm, smoothing_mm;
    ag_list channels;   /* const char *; empty: all */
    ag_list conditions; /* const char *; empty: none */
    ag_drilling_augmentation augmentation;
} ag_drilling_preprocessing;

typedef struct ag_drilling_simulated {
    int64_t holes;      /* 0: none */
    int64_t tool_holes; /* in a row by one tool; 0: its whole life */
    int64_t seed;
    double burr;       /* mm for an ampere of thrust */
    double own_share;  /* of what is learned from in an epoch: the data's own holes, at least */
    int64_t calibrate; /* others, that tell what is usual of the trained models' errors; 0: none */
} ag_drilling_simulated;

typedef struct ag_drilling_data {
    ag_drilling_preprocessing preprocessing;
    const char *labels;    /* a table of depths: path and entry_mm, ...; NULL: truth.csv where there is one */
    ag_list label_sources; /* const char *: expert, truth, automatic, in the order of trust */
    double min_confidence; /* automatic labels below are not trained on */
    int group_by;          /* ag_drilling_grouping: beside near-twins */
    ag_drilling_simulated simulated;
    double target_mm; /* deviation of the soft target */
    bool refine;      /* what the shapes of the tool's point say refines what the maps say */
    double grip_pitch, grip_tolerance;
    int64_t grip_codes;
} ag_drilling_data;

typedef enum ag_drilling_grouping {
    AG_GROUP_NONE,
    AG_GROUP_HEAD,
    AG_GROUP_MACHINE,
    AG_GROUP_PROGRAM,
    AG_GROUP_FOLDER,
    AG_GROUP_TOOL,
} ag_drilling_grouping;
extern const char *const ag_drilling_groupings[]; /* their names; NULL ends them */

extern const ag_description ag_drilling_preprocessing_description, ag_drilling_data_description;
/* The rows of ag_drilling_data_description, for tables of structs that begin with an ag_drilling_data. */
enum { AG_DRILLING_FIELDS = 11 };
extern const ag_field ag_drilling_data_fields[AG_DRILLING_FIELDS];
