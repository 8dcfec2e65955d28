// SPDX-License-Identifier: Apache-2.0
#pragma once
/* diff.h: what is different between two versions, hole by hole, or file by file where there are no holes. */
#include "data/dataset/dataset.h"

typedef enum ag_diff_what {
    AG_DIFF_ADDED,
    AG_DIFF_REMOVED,
    AG_DIFF_MOVED,      /* the same content under another path; a changed label is not told apart */
    AG_DIFF_CHANGED,    /* another content under the same path */
    AG_DIFF_RELABELLED, /* the same content, another label, or one where there was none */
    AG_DIFF_COUNT,
} ag_diff_what;
extern const char *const ag_diff_names[AG_DIFF_COUNT]; /* "added" */

typedef struct ag_diff_item {
    ag_diff_what what;
    bool is_hole;
    const char *path;
    const char *from;                       /* moved: the path before */
    const ag_dataset_label *before, *after; /* relabelled; NULL: no label */
} ag_diff_item;

typedef struct ag_diff {
    uint64_t holes[AG_DIFF_COUNT], files[AG_DIFF_COUNT];
    uint64_t same_holes, same_files;
    uint64_t rows_added, rows_removed; /* of tables that both have, changed */
} ag_diff;

/* `visit` (may be NULL) gets every difference, those of files before those of holes, by path; what was moved, added or
 * removed comes after the others. Memory grows with what was added and removed, not with what stayed. */
typedef int (*ag_diff_fn)(void *context, const ag_diff_item *item, ag_err *err);
int ag_dataset_diff(const ag_dataset_place *place, const ag_dataset_version *a, const ag_dataset_version *b,
                    ag_diff_fn visit, void *context, ag_diff *out, ag_err *err);
