// SPDX-License-Identifier: Apache-2.0
#pragma once
/* quality.h: what is counted over the rows of a prepared dataset; the JSON and the HTML report are written from it. */
#include "core/base/arena.h"
#include "data/prepare.h"

/* Files that share something: a folder, a machine, a version, a class. */
typedef struct ag_quality_group {
    const char *name;
    size_t files, valid, warned;
    double torque_sum; /* of the peaks of valid files */
} ag_quality_group;

typedef struct ag_quality_groups {
    const char *title;       /* "folder" */
    ag_quality_group *items; /* sorted by name */
    size_t count;
} ag_quality_groups;

typedef struct ag_quality_rule {
    const ag_rule *rule;
    size_t files; /* that broke it */
} ag_quality_rule;

typedef struct ag_quality_validator {
    const ag_validator *validator;
    size_t failed; /* files */
} ag_quality_validator;

enum { AG_QUALITY_GROUPINGS = 5, AG_QUALITY_SPREADS = 4 };

typedef struct ag_quality_spread { /* of a number over the files that could be read */
    const char *name, *title;
    double *values; /* sorted */
    size_t count;
} ag_quality_spread;

typedef struct ag_quality {
    const ag_prepare_summary *summary;
    bool validated;
    size_t holes, unique, valid, valid_unique; /* without companions; unique: without duplicates */
    ag_quality_validator *validators;
    size_t validator_count;
    ag_quality_rule *rules; /* of all validators, in their order */
    size_t rule_count;
    ag_quality_groups groups[AG_QUALITY_GROUPINGS];
    ag_quality_spread spreads[AG_QUALITY_SPREADS];
    const ag_prepared **worst; /* rejected and errors: those with most broken rules first */
    size_t worst_count;
} ag_quality;

int ag_quality_count(const ag_prepare_summary *summary, bool validated, ag_arena *arena, ag_quality *out, ag_err *err);
/* A quantile of a spread, 0 without values. */
double ag_quality_quantile(const ag_quality_spread *spread, double q);

int ag_quality_json(const ag_quality *quality, ag_buf *out, ag_err *err);
/* Reads the samples that it draws from output_dir. */
int ag_quality_html(const ag_quality *quality, const char *output_dir, ag_arena *arena, ag_buf *out, ag_err *err);
