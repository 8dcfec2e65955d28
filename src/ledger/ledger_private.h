// SPDX-License-Identifier: Apache-2.0
#pragma once
/* ledger_private.h: the handle, for the files of this floor. */
#include <regex.h>

#include "core/db/migrate.h"
#include "ledger/ledger.h"

typedef struct ag_artifact_roots ag_artifact_roots;

struct ag_ledger {
    ag_db *db;
    char *artifact_root;
    ag_artifact_roots *roots;
    ag_role default_role;
    regex_t *source_pattern; /* NULL: every source */
};

/* The places that artifacts may be in; see artifact.c. `home` may be NULL. */
int ag_artifact_roots_open(const ag_ledger_options *options, const char *artifact_root, const char *home,
                           ag_artifact_roots **out, ag_err *err);
void ag_artifact_roots_close(ag_artifact_roots *roots);

/* "ROOT/NAME" for a directory or URI. NULL when out of memory. */
const char *ag_ledger_location(ag_arena *arena, const char *root, const char *name);

/* A unit of writing in which each statement sees what is committed: units that append to the audit chain wait for each
 * other there, and units that only add need not be serial. */
int ag_ledger_write(ag_ledger *ledger, ag_db_fn run, void *context, ag_err *err);

/* An artifact location as clients may give it: empty, a path, or a URI of a known scheme without traversal, query or
 * fragment. */
int ag_artifact_location_check(ag_str location, ag_err *err);
