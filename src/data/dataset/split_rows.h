// SPDX-License-Identifier: Apache-2.0
#pragma once
/* split_rows.h: what is split, with its keys. */
#include "core/base/vec.h"
#include "data/dataset/split_data.h"

typedef enum split_what { SPLIT_HOLES, SPLIT_ROWS, SPLIT_FILES } split_what;

typedef struct split_item {
    ag_split_row row;
    const char *path;
    const char *sha256; /* of holes and files */
    uint64_t number;    /* of rows of tables, from 1 */
} split_item;

typedef struct split_items {
    split_what what;
    ag_vec items; /* split_item, in the order of ids */
    size_t left_out;
} split_items;

int split_items_read(const ag_dataset_place *place, const ag_dataset_version *version,
                     const ag_dataset_split_options *options, ag_arena *arena, split_items *out, ag_err *err);
