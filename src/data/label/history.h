// SPDX-License-Identifier: Apache-2.0
#pragma once
/* history.h: who said when where a hole begins, changes material and ends: labels.jsonl of a prepared dataset, one JSON
 * object per line, only ever appended to. A line is durable when ag_label_history_append() returns; a last line that a
 * killed process left unfinished does not count. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/io/file.h"
#include "data/label/label.h"

typedef enum ag_label_kind {
    AG_LABEL_AUTO,   /* what the labellers said when an expert first looked */
    AG_LABEL_EXPERT, /* a person's label */
    AG_LABEL_UNDO,   /* takes this author's latest label that stands back */
    AG_LABEL_KIND_COUNT,
} ag_label_kind;
extern const char *const ag_label_kind_names[AG_LABEL_KIND_COUNT + 1]; /* "auto", "expert", "undo" */

/* Depths are in mm with three decimals, NaN where there is none. */
typedef struct ag_label_event {
    const char *sha256; /* of the hole's file: 64 digits */
    const char *path;   /* as it was then, for people */
    ag_label_kind kind;
    const char *author; /* not empty; of an auto label the labeller */
    int64_t time;       /* microseconds since 1970 */
    ag_label_outcome outcome;
    double entry, exit, full_exit;
    double transition[AG_LABEL_TRANSITIONS];
    size_t transition_count;
    double confidence;   /* of an auto label, else NaN */
    const char *comment; /* may be empty, never NULL */
} ag_label_event;

typedef struct ag_label_history {
    ag_label_event *events; /* in the order of the file */
    size_t count;
    size_t torn; /* bytes at the end that are no whole line */
} ag_label_history;

#define AG_LABEL_HISTORY_FILE "labels.jsonl"

/* Rounds the depths to thousandths and refuses what cannot be: depths out of order, not above 0, or below `deepest`
 * (NaN: not asked), a found hole without entry or exit, an empty one with a number. */
int ag_label_event_check(ag_label_event *event, double deepest, ag_err *err);
/* One line with its end. */
int ag_label_event_write(const ag_label_event *event, ag_buf *out, ag_err *err);
bool ag_label_event_same(const ag_label_event *a, const ag_label_event *b); /* outcome and depths */

/* A line that is whole but no event is AG_EPARSE with file and line. `name` is for messages. */
int ag_label_history_parse(ag_str text, const char *name, ag_arena *arena, ag_label_history *out, ag_err *err);
/* An absent file is an empty history. */
int ag_label_history_load(const char *dir, ag_arena *arena, ag_label_history *out, ag_err *err);
/* All events or none (but for a kill between lines), on disk when it returns. The caller holds the lock. */
int ag_label_history_append(const char *dir, const ag_label_event *events, size_t count, ag_err *err);

/* Who holds it is the only one to append and to write labels.csv. Waits ten seconds. */
int ag_label_lock(const char *dir, ag_lock **out, ag_err *err);
