// SPDX-License-Identifier: Apache-2.0
#pragma once
/* split_data.h: the holes of a version (or the rows of its tables, or its files) split into folds, or into train,
 * validation and test, by data/split.h; recorded in the ledger, with its table in the blob store:
 *
 *   hole,sha256,group,part          or  file,row,group,part   or  file,sha256,group,part
 *   a/1.xls,9f...,0,3
 *
 * in the order of ids. The same version and options give the same bytes. */
#include "data/dataset/dataset.h"
#include "data/split.h"

enum { AG_SPLIT_KEYS = 8 };

typedef enum ag_split_include {
    AG_SPLIT_VALID,    /* holes that were not rejected */
    AG_SPLIT_LABELLED, /* of those, the ones with a label */
    AG_SPLIT_ALL,
} ag_split_include;

typedef struct ag_dataset_split_options {
    const char *name;         /* NULL: from the options, "folds24-s7" */
    uint32_t folds;           /* 0: none; else at least 2 */
    double test, validation;  /* shares below 1; 0: none. Beside folds only test */
    const char *const *group; /* keys whose values together make a group: machine, head, tool, program, class, folder,
                                 day ...; of tables names of columns */
    size_t group_count;
    const char *stratify; /* a key; NULL: none */
    uint64_t seed;
    ag_split_include include;
} ag_dataset_split_options;

typedef struct ag_dataset_split_made {
    ag_dataset_split record;
    const ag_split *split;
    size_t rows, left_out;
    const char *const *part_names; /* [split->parts] "0" ... or "train", "validation", "test" */
    const double *wanted;          /* [split->parts] share of all rows */
    const char *what;              /* "holes", "rows", "files" */
} ag_dataset_split_made;

int ag_dataset_split_version(const ag_dataset_place *place, const ag_dataset_version *version,
                             const ag_dataset_split_options *options, ag_arena *arena, ag_dataset_split_made *out,
                             ag_err *err);
/* The table of a recorded split. Close it before the store. */
int ag_dataset_split_open(const ag_dataset_place *place, const ag_dataset_version *version, const char *name,
                          ag_reader **out, ag_err *err);
/* Names of the keys that holes have, ended by NULL. */
const char *const *ag_dataset_split_keys(void);
