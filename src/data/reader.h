// SPDX-License-Identifier: Apache-2.0
#pragma once
/* reader.h: what a reader of drilling files is: one const struct in readers/ and one line in readers.c. A reader gets
 * whole files in memory (mapped), never a stream, and fills a hole in the caller's arena. No state, any thread. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/doc/describe.h"
#include "core/io/foreign.h"
#include "data/hole.h"

/* Column map of generic tables: which of its columns is which channel, and how many units make one of ours. */
typedef struct ag_column_map {
    const char *channel; /* "torque"; a canonical id of ag_channel_names */
    const char *column;  /* the name in the file's header line, or "#3" */
    double scale;        /* value of ours = value of the file * scale */
} ag_column_map;

typedef struct ag_reader_options {
    ag_list columns;     /* of ag_column_map, for csv */
    double sample_rate;  /* Hz, where the file does not tell; 0: 100 */
    int64_t max_rows;    /* more is refused */
    int64_t max_columns; /* likewise */
} ag_reader_options;
extern const ag_description ag_reader_options_description;

/* What is to be read. `companions` are other messages of the same hole (MQTT: result, heads). */
typedef struct ag_hole_source {
    const char *name; /* of the file, for messages; may be NULL */
    ag_str bytes;
    const ag_str *companions;
    size_t companion_count;
    const ag_reader_options *options; /* NULL: the defaults */
    const char *rule;                 /* set by a reader that fails: the id of the rule that was broken, or NULL */
} ag_hole_source;

typedef struct ag_hole_reader {
    const char *name;                 /* "setitec" */
    const char *doc;                  /* one sentence */
    const char *const *endings;       /* {".xls", NULL} */
    const char *const *companions;    /* optional: names of files beside a file of this kind that belong to it */
    bool by_ending;                   /* the ending alone makes a file one of these, whatever it holds */
    int (*sniff)(ag_str beginning);   /* required: 0 no, 1 perhaps, 2 certainly; gets the first 4 KiB, or all */
    bool (*is_companion)(ag_str all); /* optional: such a file is no hole of its own, but part of one */
    /* Required. `hole` is zeroed but for its arena; `source` may end anywhere. */
    int (*read)(ag_hole_source *source, ag_hole *hole, ag_err *err);
} ag_hole_reader;

typedef struct ag_hole_reader_table {
    const ag_hole_reader *const *items;
    size_t count;
} ag_hole_reader_table;
ag_hole_reader_table ag_hole_readers(void);
const ag_hole_reader *ag_hole_reader_find(const char *name); /* NULL when absent */
/* The reader for these bytes: the surest sniff, then the file's ending. NULL when none wants it. */
const ag_hole_reader *ag_hole_reader_for(const char *file, ag_str beginning);

/* The reader for the source, or AG_EUNSUPPORTED. */
int ag_hole_read(ag_hole_source *source, ag_arena *arena, ag_hole **out, ag_err *err);
/* The same for a file, which is mapped meanwhile, with what lies beside it. `rule` (may be NULL) is as in the source.
 */
int ag_hole_read_file(const char *path, const ag_reader_options *options, ag_arena *arena, ag_hole **out,
                      const char **rule, ag_err *err);
/* What to do with what is no drilling file. */
const char *ag_hole_foreign_hint(const ag_foreign *foreign);
