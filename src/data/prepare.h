// SPDX-License-Identifier: Apache-2.0
#pragma once
/* prepare.h: from a folder of files to a dataset that NumPy, pandas and DuckDB open:
 *
 *   holes.csv           one row per file, in the order of paths; the columns are ag_prepared_description
 *   labels.csv          with auto_label, one row per hole that was labelled
 *   signals/part-N.npy  int32 [rows, channels] in thousandths, channels as in ag_channel_names, AG_SAMPLE_ABSENT where
 * a file has none; holes.csv tells part, first row and rows of each hole manifest.json       what lies there, with
 * hashes quality.json        the quality report; quality.html the same for people
 *
 * Work goes in parts of several files, which are whole or not there: killed at any moment, the next call takes up what
 * is done and gives the same bytes. A file that cannot be read is a row of its own and stops nothing. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/doc/describe.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "data/reader.h"
#include "data/validator.h"

/* What became of a file. */
typedef enum ag_prepared_status {
    AG_PREPARED_SUCCESS,
    AG_PREPARED_REJECTED,  /* read, or not even that, but a rule of severity fail is broken */
    AG_PREPARED_ERROR,     /* the operating system, or no rule fits */
    AG_PREPARED_COMPANION, /* a message that belongs to the hole of another file */
    AG_PREPARED_IGNORED,   /* no drilling data; in no output but the counts */
    AG_PREPARED_STATUS_COUNT,
} ag_prepared_status;
extern const char *const ag_prepared_status_names[AG_PREPARED_STATUS_COUNT + 1]; /* ended by NULL */

/* One row of holes.csv. Numbers that may be missing are texts, empty then; lists are separated by '|'. */
typedef struct ag_prepared {
    const char *path; /* relative to the input directory */
    const char *sha256;
    int status; /* ag_prepared_status */
    const char *reader;
    const char *format_version;
    const char *firmware;
    int64_t rows;
    double sample_rate_hz;
    const char *steps;
    const char *stop_codes;
    bool valid;
    const char *class_name;
    const char *failed_rules;
    const char *warnings;
    const char *entry_mm, *transition_mm, *exit_mm, *full_exit_mm;
    const char *confidence, *category, *label_source;
    const char *label_outcome; /* found, no exit, empty, none; empty text: not asked */
    const char *uncertainty_mm, *clarity, *signal_quality, *consistency;
    const char *disagreement_mm; /* of the labellers */
    const char *reason;          /* why it is rejected or an error: the first one, for people */
    const char *date;
    const char *machine; /* motor serial, else box */
    const char *head;
    const char *head_counter, *tool_counter;
    double peak_torque_a, peak_thrust_a, max_depth_mm;
    const char *program; /* stroke@rpm/feed of the enabled steps: equal for holes of one program */
    int64_t bytes;
    const char *trace_sha256;  /* of position, torque, thrust and step */
    int64_t part;              /* -1: no samples */
    int64_t first_row;         /* in the part */
    const char *duplicate_of;  /* the first file with the same bytes */
    const char *same_trace_as; /* or with the same samples under another header */
} ag_prepared;
extern const ag_description ag_prepared_description;
/* A drilling file that gave no samples; `reason` says why. */
bool ag_prepared_is_unread(const ag_prepared *record);

typedef struct ag_prepare_options {
    const char *input_dir;
    const char *output_dir;
    bool validate;                         /* else holes are read only, and all that can be read are success */
    bool auto_label;                       /* labels every hole that can be read */
    unsigned jobs;                         /* 0: all processors */
    const ag_limits *limits;               /* NULL: the defaults */
    const ag_reader_options *reader;       /* NULL: the defaults */
    const struct ag_label_settings *label; /* NULL: the defaults */
    ag_cancel *cancel;                     /* may be NULL */
    ag_progress *progress;                 /* may be NULL; counts files and bytes */
} ag_prepare_options;

typedef struct ag_prepare_summary {
    ag_prepared *holes; /* in the arena of the call; without ignored files */
    size_t count;
    size_t by_status[AG_PREPARED_STATUS_COUNT];
    size_t duplicates, same_traces;
    size_t parts, parts_reused;
    uint64_t rows, bytes;
} ag_prepare_summary;

int ag_prepare(const ag_prepare_options *options, ag_arena *arena, ag_prepare_summary *out, ag_err *err);
