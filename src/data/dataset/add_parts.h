// SPDX-License-Identifier: Apache-2.0
#pragma once
/* add_parts.h: what the files of adding share. */
#include "data/dataset/dataset.h"
#include "data/dataset/labels.h"
#include "data/prepare.h"

/* ---- add_sources.c: what is to be added, in the order of paths ---- */

typedef struct add_source { /* a file or directory that the caller named */
    const char *name;       /* what stands before its paths: "" for one directory alone */
    const char *path;       /* on the disk */
    bool is_directory;
} add_source;

typedef struct add_sources {
    ag_vec items;         /* add_source, by name */
    ag_vec extras;        /* add_source: labels that come from outside of one directory, by name */
    const char *labels;   /* the table of labels, NULL when there is none */
    const char *prepared; /* the directory, when it was made by prepare */
} add_sources;

int add_sources_find(const ag_dataset_add_options *options, ag_arena *arena, add_sources *out, ag_err *err);
void add_sources_deinit(add_sources *sources);
/* Every file: its path in the data set, and on the disk. */
typedef struct add_left_out { /* links that lead nowhere */
    ag_arena *arena;
    size_t links;
    const char *first; /* NULL: there are none */
} add_left_out;
typedef int (*add_visit_fn)(void *context, const char *path, const char *disk, uint64_t size, ag_err *err);
/* `left` (may be NULL) is added to. */
int add_sources_walk(const add_sources *sources, ag_cancel *cancel, add_visit_fn visit, void *context,
                     add_left_out *left, ag_err *err);

/* ---- add_file.c: one file ---- */

typedef struct add_item {
    const char *path, *disk; /* in `arena` */
    uint64_t size;
    ag_arena *arena;
    ag_dataset_file file;
    bool is_hole;
    ag_dataset_hole hole; /* without a label */
} add_item;

/* Stores it and says what it is. With `plain` it is not looked at. */
int add_file(ag_blob_batch *batch, const ag_limits *limits, bool plain, add_item *item, ag_err *err);

/* ---- add_prepared.c ---- */

/* A line into `out` for every hole of holes.csv, with its label; counts. */
int add_prepared_holes(const add_sources *sources, ag_dataset_labels *labels, ag_writer *out, ag_dataset_totals *totals,
                       ag_err *err);
/* "25", "0,7": NaN for anything else. */
double add_number(ag_str text);
