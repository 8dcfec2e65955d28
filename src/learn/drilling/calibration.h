// SPDX-License-Identifier: Apache-2.0
#pragma once
/* calibration.h: from what maps and physics say to depths, intervals and confidence. Fitted on holes that the models
 * were not trained on (a validation part, or each hole by the fold that left it out), and stored with the model. */
#include "core/doc/json.h"
#include "learn/drilling/data.h"
#include "learn/drilling/examples.h"
#include "learn/drilling/heat.h"

enum { AG_CALIBRATION_TERMS = 15, AG_CALIBRATION_STAIRS = 12, AG_CALIBRATION_SIGNS = 4 };

/* What signs of a point usually were: logarithms. */
typedef struct ag_usual_signs {
    struct {
        double middle, deviation, slope; /* slope: more for each unit of noise's logarithm */
    } sign[AG_CALIBRATION_SIGNS];
    double noise, least_noise, most_noise; /* where middles hold, and what was seen; NaN: nobody knows what is usual */
} ag_usual_signs;

typedef struct ag_point_calibration {
    double blend[AG_CALIBRATION_TERMS]; /* of the way from the heap to the depths of shape and tip */
    double labeller;                    /* mm that the shape's depth is off by, as repeats told; NaN: the blend tells */
    double scale[AG_CALIBRATION_TERMS]; /* of the logarithm of the usual error */
    double width;                       /* half of the interval, in usual errors */
    size_t stairs;                      /* confidence falls with the usual error */
    double error[AG_CALIBRATION_STAIRS], confidence[AG_CALIBRATION_STAIRS];
    ag_usual_signs signs; /* of a hole like those it was fitted on */
    size_t count, tools;  /* holes it was fitted on; tools that drilled them */
    size_t simulated;     /* tools of which what they say was drawn to; 0: to what is usual of others */
} ag_point_calibration;

typedef struct ag_calibration {
    bool refine; /* the shape's depth is looked at */
    ag_point_calibration point[AG_POINTS];
} ag_calibration;

/* Without any hole: the heap's own depth and spread. */
void ag_calibration_default(bool refine, ag_calibration *out);

/* What is usual of an ensemble of this kind, which few tools are drawn to. */
typedef struct ag_calibration_usual {
    double blend[AG_POINTS][AG_CALIBRATION_TERMS], scale[AG_POINTS][AG_CALIBRATION_TERMS];
    double of_normal[AG_POINTS]; /* the width, in that of normal errors of this size */
    size_t tools;                /* that told it of this very ensemble; 0: it was measured on others */
} ag_calibration_usual;

/* Side by side. Holes without a point do not count for it, and none whose depths a labeller said: the labeller is one
 * of the witnesses here, and would agree with itself. */
typedef struct ag_calibration_told {
    const ag_drilled *const *drilled;
    const ag_reading *readings;
    const ag_known *const *known;
    const uint32_t *tools; /* numbers; NULL: a tool per hole */
    size_t count;
    bool refine;
    const ag_calibration_usual *usual; /* NULL: what trainings on simulated holes had */
} ag_calibration_told;
int ag_calibration_fit(const ag_calibration_told *told, ag_calibration *out, ag_err *err);
/* Whether a point is known of enough of them for a fit. */
bool ag_calibration_can_fit(const ag_known *const *known, size_t count);
/* What is usual, by what an ensemble says of many holes of which it knows none. Of a point that is there too rarely it
 * is told->usual. (calibration_fit.c) */
int ag_calibration_usual_of(const ag_calibration_told *told, ag_calibration_usual *out, ag_err *err);
/* Where too few depths are known for a fit: the shape's depth and the heap count by their variances. A heap's is that
 * of its spread; the shape's is what makes holes that repeat each other (one folder, alike in thickness by their
 * labels) differ least in thickness. *grouped: how many holes told it; 0: too few repeat each other, or it was fitted,
 * and nothing changes. (calibration_repeats.c) */
int ag_calibration_by_repeats(const ag_example *const *examples, const ag_reading *readings, size_t count,
                              ag_calibration *calibration, size_t *grouped, ag_err *err);
/* How far to go from a heap that is off by `heap` to the depth of a shape that is off by `labeller`, both in mm. */
double ag_calibration_way(double labeller, double heap);
/* Nine of ten is what intervals are made to hold; what they will hold of tools to come, give or take this share (one
 * deviation), for no more is known of tools than so many say. NaN: nothing was fitted. */
double ag_calibration_give(const ag_point_calibration *point);
void ag_calibration_write(const ag_calibration *calibration, ag_json *json);
int ag_calibration_read(const ag_value *value, const char *file, ag_calibration *out, ag_err *err);

typedef struct ag_grip {
    double pitch, tolerance;
    int64_t codes;
} ag_grip;

/* The answer for a hole. Air and seized tools are told by what they are and get no number of what they lack. */
void ag_calibration_answer(const ag_calibration *calibration, const ag_grip *grip, const ag_drilled *drilled,
                           const ag_reading *reading, ag_prediction *out);
