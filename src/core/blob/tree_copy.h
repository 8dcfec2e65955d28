// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tree_copy.h: files of one artifact tree into another, or into the same one elsewhere. */
#include "core/blob/tree.h"
#include "core/sys/progress.h"

typedef struct ag_tree_copy {
    ag_cancel *cancel;     /* may be NULL */
    ag_progress *progress; /* may be NULL; one step per file */
    bool dry_run;          /* only counts */
    uint64_t files, bytes; /* copied; added to */
    uint64_t kept;         /* files that were there already */
} ag_tree_copy;

/* All that lies at `from_path` (a file, or a directory with all below it; "" is the root) to `to_path`. A file that is
 * there with the same size, and not older, is kept, so that a copy that was cut short is simply begun again.
 * AG_ENOTFOUND when there is nothing. */
int ag_tree_copy_all(ag_tree_copy *copy, ag_tree *from, const char *from_path, ag_tree *to, const char *to_path,
                     ag_err *err);
