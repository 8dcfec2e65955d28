// SPDX-License-Identifier: Apache-2.0
#pragma once
/* hole.h: one drilling operation as every reader gives it: header fields, program, what the machine says of each step,
 * the samples, and what was noticed on the way. Everything lies in the arena that the reader was given; slices of the
 * header too, so that the file may be unmapped. Read-only once it is finished; any number of threads may read it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "data/names.h"
#include "data/signal.h"

typedef struct ag_header_field {
    ag_section section;
    ag_header_id id; /* AG_HEADER_OTHER: bound to no canonical name */
    ag_str name;     /* as the file writes it, in UTF-8 */
    ag_str text;     /* likewise, without blanks, NUL bytes and "\u0000" at its ends; may be empty */
    double number;   /* NaN when the text is no number; either decimal mark */
    uint32_t line;   /* of the value; 0 when it does not come from a text file */
    uint32_t column;
} ag_header_field;

/* A row of the program. Values are NaN when the file has none. */
typedef struct ag_program_step {
    int32_t number;
    bool enabled;
    uint32_t line;
    double value[AG_PROGRAM_COUNT];
} ag_program_step;

typedef struct ag_step_result {
    uint32_t line;
    double value[AG_RESULT_COUNT];
} ag_step_result;

/* One run of equal step numbers in the samples, in order. */
typedef struct ag_step_run {
    int32_t number;                 /* of the program row */
    int32_t stop_code;              /* the last row's, else the step results'; 0: nobody tells */
    size_t begin, end;              /* rows [begin, end) */
    size_t held;                    /* rows [held, end) repeat the last sample: not for slopes and rates */
    size_t coded;                   /* rows [coded, end) carry the stop code; `end` when none does */
    const ag_program_step *program; /* NULL when the program has no such row */
} ag_step_run;

typedef enum ag_severity {
    AG_SEVERITY_NOTE, /* worth knowing, nothing wrong */
    AG_SEVERITY_WARN,
    AG_SEVERITY_FAIL, /* the hole is not valid */
} ag_severity;

/* A rule that was broken, and where. */
typedef struct ag_flaw {
    const char *rule; /* "F5": a row of the rules in validator.h */
    ag_severity severity;
    uint32_t line, column; /* of the file; 0: no place */
    size_t row;            /* of the samples; SIZE_MAX: no row */
    const char *text;      /* for people */
    struct ag_flaw *next;
} ag_flaw;

typedef struct ag_flaws {
    ag_flaw *first, *last;
    size_t count;
} ag_flaws;

typedef struct ag_hole {
    ag_arena *arena;         /* what it lies in */
    const char *reader;      /* "setitec" */
    const char *file;        /* for messages; NULL when there is none */
    int version;             /* of the format; 0: not known */
    ag_str raw_header;       /* the bytes before the samples, as they are */
    ag_header_field *fields; /* in the order of the file */
    size_t field_count;
    const ag_header_field *by_id[AG_HEADER_COUNT]; /* NULL when absent */
    ag_program_step *program;
    size_t program_count;
    ag_step_result *results;
    size_t result_count;
    ag_signal signal;
    ag_step_run *steps; /* made by ag_hole_finish() */
    size_t step_count;
    ag_flaws flaws; /* what the reader noticed; the format validator judges it */
    bool running;   /* it is still being drilled: more samples may come */
} ag_hole;

/* What every reader calls last: indexes fields and channels, finds the runs of steps. Position, torque, thrust, step
 * and stop code must be there, or (MQTT) at least the first four. */
int ag_hole_finish(ag_hole *hole, ag_err *err);

/* The machine writes a stop code at the end of every step, and the last sample has none: the file was cut off while it
 * was copied, or the recording while it ran. False where no stop codes are recorded at all (MQTT). */
bool ag_hole_breaks_off(const ag_hole *hole);

/* The text of a field, empty when absent; its number, NaN when absent or no number. */
ag_str ag_hole_text(const ag_hole *hole, ag_header_id id);
double ag_hole_number(const ag_hole *hole, ag_header_id id);
/* The program's row of this number, NULL when absent. */
const ag_program_step *ag_hole_program(const ag_hole *hole, int32_t number);

/* The start of the cycle as microseconds since 1970, the machine's local time taken as UTC. False when it has none or
 * it cannot be read. */
bool ag_hole_date(const ag_hole *hole, int64_t *out);

/* Adds a flaw; the text is made in the arena and cut at 300 bytes. */
int ag_flaw_add(ag_flaws *flaws, ag_arena *arena, const ag_flaw *flaw, ag_err *err, const char *format, ...)
    AG_PRINTF(5, 6);

/* 256-bit digests (32 bytes): `trace` covers position, torque, thrust and step, so that the same samples under another
 * header or from MQTT are found. */
int ag_hole_trace_digest(const ag_hole *hole, uint8_t out[32], ag_err *err);
