// SPDX-License-Identifier: Apache-2.0
#pragma once
/* names.h: the tables of names: every header field, program column, step result and channel with its canonical id, unit
 * and the spelling of each format version. The reader binds by them, the simulator writes by them, the documentation is
 * printed from them. A spelling is UTF-8 here; the files are ISO-8859-1. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/str.h"
#include "data/signal.h"

/* In the order of a file. */
typedef enum ag_section {
    AG_SECTION_GENERAL,
    AG_SECTION_BOX,
    AG_SECTION_MOTOR,
    AG_SECTION_HEAD,
    AG_SECTION_PSET,
    AG_SECTION_CYCLE,
    AG_SECTION_PROGRAM,
    AG_SECTION_EXTERNAL, /* optional */
    AG_SECTION_RESULTS,
    AG_SECTION_STEP_RESULTS, /* optional */
    AG_SECTION_DATA,
    AG_SECTION_COUNT,
    AG_SECTION_OTHER = AG_SECTION_COUNT,
} ag_section;

typedef enum ag_header_id {
    AG_HEADER_VERSION,
    AG_HEADER_DATE,
    AG_HEADER_SAMPLE_RATE,
    AG_HEADER_CYCLE_ID,
    AG_HEADER_DECIMAL_SEPARATOR,
    AG_HEADER_BOX_NAME,
    AG_HEADER_BOX_TYPE,
    AG_HEADER_BOX_SERIAL,
    AG_HEADER_BOX_STSE,
    AG_HEADER_BOX_CUSTOMER,
    AG_HEADER_BOX_RELEASE,
    AG_HEADER_FIRMWARE,
    AG_HEADER_BOX_PRODUCED,
    AG_HEADER_BOX_MAINTAINED,
    AG_HEADER_BOX_OPERATION,
    AG_HEADER_BOX_POWER_LIMIT,
    AG_HEADER_BOX_LUB_PUMP,
    AG_HEADER_BOX_DEFAULT_PSET,
    AG_HEADER_MOTOR_NAME,
    AG_HEADER_MOTOR_TYPE,
    AG_HEADER_MOTOR_STSE,
    AG_HEADER_MOTOR_SERIAL,
    AG_HEADER_MOTOR_OPERATION,
    AG_HEADER_MOTOR_M2_RATIO,
    AG_HEADER_MOTOR_M1_CW_RATIO,
    AG_HEADER_MOTOR_M1_CCW_RATIO,
    AG_HEADER_MOTOR_WINCH,
    AG_HEADER_MOTOR_PRODUCED,
    AG_HEADER_MOTOR_MAINTAINED,
    AG_HEADER_HEAD_NAME,
    AG_HEADER_HEAD_TYPE,
    AG_HEADER_HEAD_TAG,
    AG_HEADER_HEAD_GLOBAL_COUNTER,
    AG_HEADER_HEAD_LOCAL_COUNTER,
    AG_HEADER_HEAD_LOCAL_COUNTER_2,
    AG_HEADER_HEAD_M1_RATIO,
    AG_HEADER_HEAD_M2_RATIO,
    AG_HEADER_HEAD_CUSTOMER,
    AG_HEADER_MICROPECK_OSCILLATIONS,
    AG_HEADER_MICROPECK_AMPLITUDE,
    AG_HEADER_HEAD_MODULE_DISABLE,
    AG_HEADER_HEAD_GLOBAL_OPERATION,
    AG_HEADER_HEAD_LOCAL_OPERATION,
    AG_HEADER_HEAD_WEIGHT,
    AG_HEADER_HEAD_TCP_X,
    AG_HEADER_HEAD_TCP_Y,
    AG_HEADER_HEAD_TCP_Z,
    AG_HEADER_HEAD_TCP_A,
    AG_HEADER_HEAD_TCP_B,
    AG_HEADER_HEAD_TCP_C,
    AG_HEADER_HEAD_GRAVITY_X,
    AG_HEADER_HEAD_GRAVITY_Y,
    AG_HEADER_HEAD_GRAVITY_Z,
    AG_HEADER_HEAD_M1_DISTANCE,
    AG_HEADER_HEAD_M2_DISTANCE,
    AG_HEADER_HEAD_M3_DISTANCE,
    AG_HEADER_HEAD_M4_DISTANCE,
    AG_HEADER_HEAD_M5_DISTANCE,
    AG_HEADER_PSET_TYPE,
    AG_HEADER_PSET_NUMBER,
    AG_HEADER_PSET_VERSION,
    AG_HEADER_MAX_CYCLES,
    AG_HEADER_MAX_CYCLES_2,
    AG_HEADER_CC_PRESSURE,
    AG_HEADER_MAX_STROKE,
    AG_HEADER_VACUUM_DELAY,
    AG_HEADER_VACUUM_FLOW,
    AG_HEADER_RETRACT_ROTATION,
    AG_HEADER_RETRACT_FEED,
    AG_HEADER_DISABLE_ABORT,
    AG_HEADER_COMMENT,
    AG_HEADER_BREAKAGE_ENABLED,
    AG_HEADER_BREAKAGE_DEPTH,
    AG_HEADER_BREAKAGE_THRUST,
    AG_HEADER_BREAKAGE_TORQUE,
    AG_HEADER_LUB_PRELOAD_TIME,
    AG_HEADER_LUB_PRELOAD_AIR,
    AG_HEADER_LUB_PRELOAD_FLOW,
    AG_HEADER_LUB_PRELOAD_TIMEOUT,
    AG_HEADER_CYCLE_TIME,
    AG_HEADER_DISTANCE,
    AG_HEADER_CYCLE_OK,
    AG_HEADER_CONSUMPTION,
    AG_HEADER_COUNT,
    AG_HEADER_OTHER = AG_HEADER_COUNT, /* a name that no table knows */
} ag_header_id;

typedef enum ag_program_id {
    AG_PROGRAM_NUMBER,
    AG_PROGRAM_ENABLED,
    AG_PROGRAM_STROKE, /* mm from the end of the previous step */
    AG_PROGRAM_RPM,
    AG_PROGRAM_FEED,          /* mm/s */
    AG_PROGRAM_FEED_PER_TURN, /* mm; infinite at 0 rpm */
    AG_PROGRAM_THRUST_MAX,
    AG_PROGRAM_TORQUE_MAX, /* A; > 0: the step ends when torque rises above it */
    AG_PROGRAM_THRUST_MIN,
    AG_PROGRAM_TORQUE_MIN, /* A; > 0: the exit detector's level */
    AG_PROGRAM_THRUST_SAFETY,
    AG_PROGRAM_TORQUE_SAFETY,
    AG_PROGRAM_GAP, /* mm that torque must stay below TORQUE_MIN */
    AG_PROGRAM_PECK,
    AG_PROGRAM_DELAY,
    AG_PROGRAM_STROKE_LIMIT,
    AG_PROGRAM_THRUST_LIMIT,
    AG_PROGRAM_TORQUE_LIMIT,
    AG_PROGRAM_LUB_AIR,
    AG_PROGRAM_LUB_FLOW,
    AG_PROGRAM_VACUUM,
    AG_PROGRAM_MATERIAL,
    AG_PROGRAM_COUNT,
} ag_program_id;

typedef enum ag_result_id {
    AG_RESULT_STEP,
    AG_RESULT_STOP_CODE,
    AG_RESULT_DURATION, /* s */
    AG_RESULT_DISTANCE_M1,
    AG_RESULT_DISTANCE_M2, /* mm */
    AG_RESULT_M1_MAX,      /* A, torque */
    AG_RESULT_M2_MAX,      /* A, thrust */
    AG_RESULT_M1_NO_LOAD,
    AG_RESULT_M2_NO_LOAD,
    AG_RESULT_GAP_MAX, /* mm */
    AG_RESULT_COUNT,
} ag_result_id;

/* A name as versions `from` to `to` write it. */
typedef struct ag_spelling {
    const char *text;
    unsigned char from, to;
} ag_spelling;

typedef struct ag_name {
    const char *id;           /* canonical: "head_global_counter" */
    const char *unit;         /* "" when there is none */
    ag_spelling spellings[3]; /* the first of a version is what it writes; ended by a NULL text */
    ag_section section;
    unsigned char group; /* of header fields: which pair of name line and value line inside the section */
    bool optional;       /* not every file of those versions has it */
    const char *doc;
} ag_name;

extern const ag_name ag_header_names[AG_HEADER_COUNT];   /* in the order of a file */
extern const ag_name ag_program_names[AG_PROGRAM_COUNT]; /* likewise */
extern const ag_name ag_result_names[AG_RESULT_COUNT];
/* In the order of the ids; which of them a version writes, in its order: ag_format_version. */
extern const ag_name ag_channel_names[AG_CHANNEL_COUNT];

/* "Control Box Datas" of AG_SECTION_BOX. */
const char *ag_section_title(ag_section section);
/* AG_SECTION_OTHER when no section has this title. */
ag_section ag_section_find(ag_str title);

/* What a version writes; NULL when it has no such name. */
const char *ag_name_of_version(const ag_name *name, int version);
/* True when any version writes it so. */
bool ag_name_is(const ag_name *name, ag_str text);

/* A version, its firmware, how many data columns it writes; NULL when it was never seen. */
typedef struct ag_format_version {
    int version;
    const char *firmware;
    int pset_version;
    size_t columns;
    ag_channel_id channels[12];
    bool distance_is_start; /* Results.Distance is |first position| instead of |last| */
} ag_format_version;
extern const ag_format_version ag_format_versions[];
extern const size_t ag_format_version_count;
const ag_format_version *ag_format_version_find(int version);

/* What the bits of a stop code mean. */
typedef enum ag_stop_kind {
    AG_STOP_ADVANCE, /* the step is done, the next begins */
    AG_STOP_END,     /* a normal end of the cycle */
    AG_STOP_FAULT,   /* a safety, a limit or a person stopped the machine */
} ag_stop_kind;
typedef struct ag_stop_bit {
    int32_t bit;
    ag_stop_kind kind;
    const char *name;
} ag_stop_bit;
extern const ag_stop_bit ag_stop_bits[];
extern const size_t ag_stop_bit_count;
/* The gravest kind among the bits; bits that no table knows are faults. 0 is a fault too: a step that never ended. */
ag_stop_kind ag_stop_kind_of(int32_t code);
void ag_stop_describe(int32_t code, ag_buf *out); /* "64 (stroke reached)" */
