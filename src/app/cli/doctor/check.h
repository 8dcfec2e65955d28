// SPDX-License-Identifier: Apache-2.0
#pragma once
/* check.h: one thing that `auger doctor` looks at: a const struct, plus a line in checks.c. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"

typedef enum ag_check_state {
    AG_CHECK_OK,
    AG_CHECK_ABSENT, /* an optional part that is not there */
    AG_CHECK_WARN,   /* Auger works, but not as well as it could */
    AG_CHECK_FAIL,   /* Auger cannot work here: the command's exit status is 1 */
} ag_check_state;

typedef struct ag_finding {
    ag_check_state state;
    char text[256];   /* what was found; always there */
    char advice[384]; /* what to do; empty only when OK */
} ag_finding;

/* What checks may look at. */
typedef struct ag_doctor {
    const char *home;
    ag_arena *arena;
    char system[64]; /* "debian 12": from os-release, "" when unknown */
    bool has_apt;    /* Debian, Ubuntu and their kin */
    /* Who waits for a report does not wait for a terabyte: what is larger than can be read in so many microseconds is
     * looked at in part. */
    int64_t patience;
} ag_doctor;

/* An optional part: a library that is loaded when used, a program, a file. */
typedef struct ag_part {
    const char *adds;             /* what one can do with it */
    const char *const *libraries; /* any of these can be loaded; ended by NULL, or NULL */
    const char *const *files;     /* any of these exists: a program on $PATH, or a pattern with '/' */
    const char *packages;         /* of Debian, and of Ubuntu unless the next says otherwise */
    const char *ubuntu;           /* where Ubuntu's differ; optional */
    const char *pip;              /* instead of packages: from the Python package index */
} ag_part;

typedef struct ag_check {
    const char *name;    /* "fsync", unique */
    const char *room;    /* "machine", "home", "libraries", "optional parts": rows of one room stand together */
    const char *doc;     /* what is looked at and why it matters, one sentence */
    const ag_part *part; /* optional */
    /* Required. Fills `out` (zeroed: OK). A negative code is a finding too: it becomes a warning with its text. */
    int (*run)(const struct ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err);
} ag_check;

typedef struct ag_check_table {
    const ag_check *const *items;
    size_t count;
} ag_check_table;

ag_check_table ag_checks(void);

void ag_doctor_init(ag_doctor *doctor, const char *home, ag_arena *arena);
/* Runs one check; a failure to run is a warning in `out`. */
void ag_check_run(const ag_check *check, ag_doctor *doctor, ag_finding *out);
const char *ag_check_state_name(ag_check_state state); /* "ok", "absent", "warn", "fail" */

/* For checks: fills state and text; then perhaps the advice. */
void ag_finding_set(ag_finding *out, ag_check_state state, const char *format, ...) AG_PRINTF(3, 4);
void ag_finding_advise(ag_finding *out, const char *format, ...) AG_PRINTF(2, 3);
/* The run of every check that has a part. */
int ag_part_check(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err);
/* The command that installs a part here: "sudo apt-get install libpq5". */
void ag_part_install(const ag_part *part, const ag_doctor *doctor, char *out, size_t size);
