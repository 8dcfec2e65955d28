// SPDX-License-Identifier: Apache-2.0
#pragma once
/* exchange.h: labels to other programs and back. A format is one const struct in a file of its own and one line in
 * exchange.c. What comes in is first only read (rows), then bound to the holes of a dataset, then added to its history
 * by ag_labelled_add(). */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/vec.h"
#include "core/io/stream.h"
#include "data/label/labelled.h"

/* Names that another program has for a person. */
typedef struct ag_annotator {
    const char *theirs; /* "7", "anna@plant.example" */
    const char *author;
} ag_annotator;

typedef struct ag_exchange_options {
    const ag_annotator *annotators;
    size_t annotator_count;
    const char *author;              /* reading: of rows that name nobody; NULL: they are refused */
    int64_t time;                    /* reading: of rows without one */
    bool leave_people_out;           /* writing: automatic labels only */
    const ag_labelled *const *holes; /* writing: which ones, in this order; NULL: all but copies */
    size_t hole_count;
} ag_exchange_options;

/* A label as it came: `event` has sha256 and path as the file names them, either may be empty. */
typedef struct ag_exchange_row {
    ag_label_event event;
    uint32_t line; /* 0: none */
} ag_exchange_row;

typedef struct ag_exchange_rows {
    ag_vec rows;    /* of ag_exchange_row */
    size_t skipped; /* what is no person's label: automatic rows, cancelled or empty annotations */
} ag_exchange_rows;

typedef struct ag_label_format {
    const char *name; /* "csv" */
    const char *doc;
    int (*write)(const ag_labelled_set *set, const ag_exchange_options *options, ag_writer *sink, ag_err *err);
    /* `text` is the whole file, `name` for messages; texts go into the arena. */
    int (*read)(ag_str text, const char *name, const ag_exchange_options *options, ag_arena *arena,
                ag_exchange_rows *out, ag_err *err);
} ag_label_format;

extern const ag_label_format ag_label_format_csv, ag_label_format_label_studio;
extern const char *const ag_label_format_names[];              /* ended by NULL */
const ag_label_format *ag_label_format_find(const char *name); /* NULL when absent */

/* What Label Studio must be configured with for its tasks. */
extern const char ag_label_studio_config[];

/* The rows as events of the holes of this dataset. A row of an unknown hole is refused with the names of the first
 * ones; with `skip_unknown` it is left out and counted. */
int ag_exchange_bind(const ag_labelled_set *set, const ag_exchange_rows *rows, bool skip_unknown, ag_arena *arena,
                     ag_label_event **out, size_t *count, size_t *unknown, ag_err *err);

/* The author for a name of the other program, and back; the name itself when none is told. */
const char *ag_annotator_author(const ag_exchange_options *options, const char *theirs);
const char *ag_annotator_theirs(const ag_exchange_options *options, const char *author);
/* Found, no exit or empty, from the depths that there are. */
ag_label_outcome ag_label_outcome_of(const ag_label_event *event);
