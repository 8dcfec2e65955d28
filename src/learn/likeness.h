// SPDX-License-Identifier: Apache-2.0
#pragma once
/* likeness.h: what two trainings have left, held against each other: every file of model/ byte for byte, the first
 * tensor that differs, the first epoch that went otherwise, the metrics. */
#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/vec.h"

typedef struct ag_likeness_file {
    const char *path;   /* "model/model.safetensors" */
    bool first, second; /* whether each has it */
    bool same;          /* byte for byte */
} ag_likeness_file;

typedef struct ag_likeness_tensor {
    const char *file, *name; /* name NULL: none differs */
    const char *why;         /* "shape", "type", "missing"; NULL: its numbers */
    int64_t count, differing;
    double largest;                    /* difference of two numbers */
    size_t tensors, differing_tensors; /* of all files */
} ag_likeness_tensor;

typedef struct ag_likeness_metric {
    const char *name;
    double first, second; /* NaN: absent */
} ag_likeness_metric;

typedef struct ag_likeness {
    bool same;    /* model and metrics have the same bits */
    ag_vec files; /* ag_likeness_file, by path */
    ag_likeness_tensor tensor;
    const char *epoch[2]; /* lines of history.csv that differ first, of each; NULL: none, or absent */
    ag_vec metrics;       /* ag_likeness_metric whose values differ */
    size_t metric_count;  /* of all */
} ag_likeness;

/* Of two output directories of trainings (model/, metrics.json, history.csv). Texts lie in the arena. */
int ag_likeness_of(const char *first, const char *second, ag_arena *arena, ag_likeness *out, ag_err *err);
void ag_likeness_deinit(ag_likeness *likeness); /* safe on zeroed memory */
