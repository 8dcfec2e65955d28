// SPDX-License-Identifier: Apache-2.0
#pragma once
/* artifact.h: from an artifact URI in the ledger to a tree of files (core/blob/tree.h). A URI of the ledger's own root,
 * "mlflow-artifacts:/", a directory or file: URI below an allowed root, or s3: gives a tree; anything else is refused.
 * A relative path from outside is checked once, here, and never leaves the root. */
#include "core/blob/tree.h"
#include "ledger/ledger.h"

typedef struct ag_artifact_place {
    ag_tree *tree;    /* borrowed from the ledger */
    const char *path; /* inside the tree; "" is its root */
} ag_artifact_place;

/* `relative` "" is the URI itself. AG_EINVAL "Invalid path" for a relative path that is not clean, AG_EDENIED for a URI
 * outside every root. The tree of a root is opened when it is first asked for and closed with the ledger. */
int ag_artifact_resolve(ag_ledger *ledger, const char *uri, ag_str relative, ag_arena *arena, ag_artifact_place *out,
                        ag_err *err);
