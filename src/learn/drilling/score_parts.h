// SPDX-License-Identifier: Apache-2.0
#pragma once
/* score_parts.h: what the files score*.c and repeat*.c share. */
#include "learn/drilling/score.h"

ag_score_options ag_score_defaults(const ag_score_options *options); /* NULL: all defaults */
/* Depths and the differences between them. */
void ag_score_values(const double *mm, double out[AG_SCORE_MEASURES]);
void ag_score_said(const ag_prediction *said, double mm[AG_POINTS]);
void ag_score_sort(double *values, size_t count);
/* Overwrites `error` with its sizes, sorted. */
void ag_score_measure_errors(double *error, const double *truth, size_t count, ag_score_error *out);
