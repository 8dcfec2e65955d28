// SPDX-License-Identifier: Apache-2.0
#pragma once
/* manifest_parts.h: what the writer and the reader of manifests share. */
#include <stddef.h>

#include "data/dataset/manifest.h"

#define MANIFEST_FORMAT "auger-dataset"
enum { MANIFEST_VERSION = 1 };

typedef struct manifest_member { /* of a hole, or of its label */
    const char *name;
    size_t offset; /* in ag_dataset_hole */
    bool is_text;  /* const char *, else double */
} manifest_member;

typedef struct manifest_member_table {
    const manifest_member *items;
    size_t count;
} manifest_member_table;
extern const manifest_member_table manifest_hole_members, manifest_label_members;

static inline const char **manifest_text(ag_dataset_hole *hole, const manifest_member *member)
{
    return (const char **)(void *)((char *)hole + member->offset);
}

static inline double *manifest_number(ag_dataset_hole *hole, const manifest_member *member)
{
    return (double *)(void *)((char *)hole + member->offset);
}
