// SPDX-License-Identifier: Apache-2.0
#pragma once
/* legacy.h: the pipeline that Auger replaces, as it was, faults included, so that it can be beaten fairly. Entry and
 * transition are rules over raw samples; the exit is the peak of the heat maps that a PatchTSMixer with 17 channels
 * (or 15, without the tool's age) gives for 40 overlapping windows of the samples of step 2. What the old program met
 * with an exception is AG_ENOTFOUND here, with the reason. docs/evaluation.md tells the steps. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/doc/describe.h"
#include "core/sys/thread.h"
#include "data/hole.h"
#include "learn/drilling/prediction.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/device.h"

enum {
    AG_LEGACY_TORQUES = 15, /* columns of torque: three phases, five delays */
    AG_LEGACY_CHANNELS = 17,
    AG_LEGACY_WINDOW = 512, /* rows of a window */
    AG_LEGACY_PAD = 400,    /* rows before and behind */
    AG_LEGACY_WINDOWS = 40,
    AG_LEGACY_STRIDE = 5,
};

/* Whose models are the old pipeline; so are those that no strategy has made. */
#define AG_LEGACY_STRATEGY "legacy_patchtsmixer"

/* The three columns that the old pipeline used. */
typedef struct ag_legacy_trace {
    size_t rows;
    float *x, *torque; /* mm, turned to be positive; A net */
    int32_t *step;
} ag_legacy_trace;
int ag_legacy_trace_of(const ag_hole *hole, ag_arena *arena, ag_legacy_trace *out, ag_err *err);

int ag_legacy_entry(const ag_legacy_trace *trace, double *out, ag_err *err);
/* "cf2ti": from carbon fibre to titanium. */
int ag_legacy_transition(const ag_legacy_trace *trace, ag_arena *arena, double *out, ag_err *err);

/* Mean and population deviation of torque1 to torque15 over the rows of the reference table (ref_15T.csv). */
typedef struct ag_legacy_reference {
    int64_t rows; /* 0: there is none; each hole is scaled by itself */
    double mean[AG_LEGACY_TORQUES], deviation[AG_LEGACY_TORQUES];
} ag_legacy_reference;
/* From a table with the columns torque1 to torque15. */
int ag_legacy_reference_read(const char *path, ag_legacy_reference *out, ag_err *err);
/* The rows of holes in its place: begun with zeroes. AG_ENOTFOUND: the trace has no step 2. */
typedef struct ag_legacy_rows {
    int64_t rows;
    double mean[AG_LEGACY_TORQUES], square[AG_LEGACY_TORQUES]; /* of the distances from it, summed up */
} ag_legacy_rows;
int ag_legacy_rows_add(ag_legacy_rows *rows, const ag_legacy_trace *trace, ag_arena *scratch, ag_err *err);
ag_legacy_reference ag_legacy_rows_reference(const ag_legacy_rows *rows);

typedef struct ag_legacy_settings {
    double local;    /* the tool's age that is told to the model */
    bool predrilled; /* likewise */
    ag_legacy_reference reference;
} ag_legacy_settings;

/* A hole as the model saw it: the rows of step 2, three samples each, padded and scaled. */
typedef struct ag_legacy_table {
    size_t rows;    /* with padding */
    size_t samples; /* rows / 3 of step 2, without */
    float *values;  /* [rows][17] */
    float *x;       /* [rows]: the position of the middle sample, 0 in the padding */
    size_t peak;    /* the row of the largest torque8 */
    size_t columns; /* 17 */
} ag_legacy_table;
int ag_legacy_table_of(const ag_legacy_trace *trace, const ag_legacy_settings *settings, ag_arena *arena,
                       ag_legacy_table *out, ag_err *err);
/* The first row of window number 0 to 39. */
size_t ag_legacy_window(const ag_legacy_table *table, size_t number);
/* Where the heat map [512][channels] of a window peaks, as a position in mm. */
double ag_legacy_peak(const ag_legacy_table *table, size_t number, const float *heat, size_t channels);

/* The whole pipeline. Opened once, asked by any number of threads. */
typedef struct ag_legacy ag_legacy;
/* `model_dir` NULL: the rules alone, which have no exit. It holds config.json and model.safetensors, and may hold an
 * auger.json with the settings, which those given override (NULL: none). */
int ag_legacy_open(const char *model_dir, const ag_legacy_settings *settings, const ag_device *device, ag_legacy **out,
                   ag_err *err);
/* Over a model of the caller's, which must outlive it. */
int ag_legacy_borrow(const ag_model_config *config, const ag_model *model, const ag_legacy_settings *settings,
                     const ag_device *device, ag_legacy **out, ag_err *err);
void ag_legacy_free(ag_legacy *legacy);
bool ag_legacy_has_model(const ag_legacy *legacy);
/* A hole that it throws at is abstained from, with the reason; so is one with a negative thickness of a layer, for
 * which it published nothing. Intervals and confidence are not its own: it has none. */
int ag_legacy_ask(const ag_legacy *legacy, const ag_hole *const *holes, size_t count, ag_arena *arena,
                  ag_cancel *cancel, ag_prediction *out, ag_err *err);
