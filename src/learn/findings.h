// SPDX-License-Identifier: Apache-2.0
#pragma once
/* findings.h: numbers that were found, each under a name and each name once, in the order in which the names came. A
 * program may tell the same result for ever, so that they are found by name and their number has an end. Threads: the
 * caller's lock. */
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/map.h"
#include "core/base/vec.h"
#include "core/doc/json.h"

enum { AG_FINDINGS_MOST = 10000 };

typedef struct ag_finding {
    const char *name; /* in the arena of the call that found it first */
    double value;
} ag_finding;

typedef struct ag_findings { /* zeroed memory is an empty one */
    ag_vec items;            /* ag_finding; read with ag_finding_at() */
    ag_map *known;           /* from name to 1 + index of it; NULL: none yet */
} ag_findings;

void ag_findings_deinit(ag_findings *findings); /* safe on zeroed memory; texts stay in their arena */
/* A name that is known has the new value from now on. AG_ELIMIT: too many names; then, and without memory, all stays as
 * it was. */
int ag_findings_put(ag_findings *findings, ag_arena *arena, const char *name, double value, ag_err *err);
size_t ag_findings_count(const ag_findings *findings);
const ag_finding *ag_finding_named(const ag_findings *findings, const char *name); /* NULL: there is none */
const ag_finding *ag_finding_at(const ag_findings *findings, size_t index);        /* NULL: there are not so many */
void ag_findings_write(const ag_findings *findings, ag_json *json);                /* an object of names and values */
