// SPDX-License-Identifier: Apache-2.0
#pragma once
/* validator.h: what a validator is: a const struct in validate/ with its rules as rows, and one line in validators.c.
 * A hole is valid when no rule of severity fail is broken. Thresholds stand in one table of settings, each with its
 * default and meaning. No state, any thread; a hole is only read. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/doc/describe.h"
#include "data/hole.h"

/* Thresholds of all rules; keys as users write them. */
typedef struct ag_limits {
    int64_t min_rows;             /* F11 */
    double torque_limit;          /* S3, A total */
    int64_t frozen_rows;          /* S4 */
    double frozen_level;          /* S4, of the peak */
    double spike_amperes;         /* S5 */
    double spike_fraction;        /* S5, of the peak */
    double air_torque;            /* class air below, A */
    double weak_torque;           /* S6 below, A */
    int64_t code_rows;            /* T5 */
    double stroke_tolerance;      /* T10, mm */
    double rate_min, rate_max;    /* C1, Hz */
    double feed_tolerance;        /* C2, fraction */
    double gap_factor, gap_slack; /* C3 */
    int64_t gap_samples;          /* C3 */
    double reversal;              /* C4, mm */
    double retract;               /* C5, mm */
    double cycle_slack;           /* C9, s */
    double distance_tolerance;    /* M4, mm to the last depth */
    double start_tolerance;       /* M4, mm to the first depth */
    double micropeck_rpm;         /* class micro-peck at most */
} ag_limits;
extern const ag_description ag_limits_description;
/* The defaults. */
int ag_limits_default(ag_limits *out, ag_err *err);

typedef struct ag_rule {
    const char *id; /* "F1": the validator's letter and a number */
    ag_severity severity;
    const char *setting; /* the key of ag_limits that holds its threshold; NULL: none */
    const char *doc;     /* what must hold, one sentence */
} ag_rule;

/* What a hole is, beside valid or not. */
enum {
    AG_CLASS_AIR = 1,       /* nothing was cut: no entry, no exit */
    AG_CLASS_SEIZED = 2,    /* torque ran into the machine's limit: no exit */
    AG_CLASS_MICROPECK = 4, /* some step oscillates */
    AG_CLASS_SINGLE_STEP = 8,
    AG_CLASS_WEAK = 16, /* torque hardly above air: drilled again, or a layer is missing */
};

/* Per validator and in all. Lives in the arena of ag_validate(). */
typedef struct ag_verdict {
    bool valid;
    unsigned classes; /* AG_CLASS_* */
    uint32_t failed;  /* a bit per validator, in the order of ag_validators() */
    size_t fail_count, warn_count, note_count;
    ag_flaws flaws;     /* in the order of validators and rows */
    double peak_torque; /* A net; 0 when there are no samples */
    double peak_total;  /* A with idle current */
} ag_verdict;

typedef struct ag_validation { /* what a check works with */
    const ag_hole *hole;
    const ag_limits *limits;
    ag_arena *arena;
    ag_verdict *verdict;
    const struct ag_validator *validator; /* whose turn it is */
} ag_validation;

typedef struct ag_validator {
    const char *id;   /* "F" */
    const char *name; /* "file format" */
    const char *doc;
    const ag_rule *rules;
    size_t count;
    int (*check)(ag_validation *validation, ag_err *err); /* required; < 0 only when it cannot work (memory) */
} ag_validator;

typedef struct ag_validator_table {
    const ag_validator *const *items;
    size_t count;
} ag_validator_table;
ag_validator_table ag_validators(void);
/* The rule of an id, NULL when absent; its validator goes to *validator (may be NULL). */
const ag_rule *ag_rule_find(const char *id, const ag_validator **validator);

int ag_validate(const ag_hole *hole, const ag_limits *limits, ag_arena *arena, ag_verdict *out, ag_err *err);
/* A broken rule, with the severity of its row; for validators. `row` SIZE_MAX: none. */
int ag_validation_flaw(ag_validation *validation, const char *rule, size_t row, ag_err *err, const char *format, ...)
    AG_PRINTF(5, 6);

/* Ids of broken rules, each once, in their order ("S3|T6"): those of severity fail, or the others. */
void ag_flaws_rules(const ag_flaws *flaws, bool fails, ag_buf *out);
/* What the first of severity fail says; NULL: there is none. */
const char *ag_flaws_failure(const ag_flaws *flaws);

/* The flaws that the reader noticed under this validator's letter. */
int ag_validation_take(ag_validation *validation, ag_err *err);

/* True for a step that oscillates: its torque is a band and its advance goes back and forth. */
bool ag_step_pecks(const ag_hole *hole, const ag_limits *limits, const ag_program_step *step);

/* "cut", "air", "seized+micro-peck"; needs 64 bytes. */
void ag_class_format(unsigned classes, char out[64]);
