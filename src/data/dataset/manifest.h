// SPDX-License-Identifier: Apache-2.0
#pragma once
/* manifest.h: what is in a version of a data set, as JSON lines in one canonical form: the SHA-256 of these bytes is
 * the version's digest. A line for the format, one per file, one per hole, one with the totals:
 *
 *   {"format":"auger-dataset","version":1}
 *   {"file":"a/1.xls","sha256":"9f...","bytes":129873}              with "rows":N when it is a table
 *   {"hole":"a/1.xls","sha256":"9f...","status":"success", ... ,"label":{"outcome":"found","entry_mm":5.25, ...}}
 *   {"totals":{"files":1,"bytes":129873,"holes":1,"labelled":1,"rows":0}}
 *
 * Files come in the order of the bytes of their paths, then holes likewise. A hole need not be a file of the version:
 * of a prepared directory the path is that of the file it was read from, and part and first_row say where its samples
 * lie. Members keep the order of the tables, nothing is written for what is not known, there are no blanks. A reader
 * takes nothing else, so that equal content has one digest. Memory is that of one line. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/hash/hash.h"
#include "core/io/stream.h"
#include "data/label/label.h"

enum { AG_MANIFEST_LINE_MAX = 1 << 20 };

typedef struct ag_dataset_file {
    const char *path; /* clean and relative (core/io/path.h) */
    ag_sha256 sha256; /* of its bytes, which lie in the blob store */
    uint64_t bytes;
    int64_t rows; /* of a table with a line of names; -1: it is none */
} ag_dataset_file;

/* Depths and confidence are NaN where nothing is known, texts NULL or empty. */
typedef struct ag_dataset_label {
    const char *outcome; /* "found", "no exit", "empty", "none" */
    double entry, exit, full_exit;
    double transition[AG_LABEL_TRANSITIONS];
    size_t transition_count;
    double confidence;
    const char *category, *source, *author, *at;
} ag_dataset_label;

/* Likewise; columns of holes.csv (data/prepare.h). */
typedef struct ag_dataset_hole {
    const char *path, *sha256;
    const char *status, *reader, *format_version, *firmware, *date, *machine, *head, *program, *class_name,
        *failed_rules, *trace_sha256;
    double rows, sample_rate, head_counter, tool_counter, peak_torque, peak_thrust, max_depth, part, first_row;
    bool labelled;
    ag_dataset_label label;
} ag_dataset_hole;

typedef struct ag_dataset_totals {
    uint64_t files, bytes, holes, labelled, rows;
} ag_dataset_totals;

/* Numbers of a hole that statistics and drift look at, the label's too. */
typedef struct ag_dataset_number {
    const char *name; /* "peak_torque_a" */
    double (*of)(const ag_dataset_hole *hole);
} ag_dataset_number;
extern const ag_dataset_number ag_dataset_numbers[];
extern const size_t ag_dataset_number_count;

void ag_dataset_hole_clear(ag_dataset_hole *hole); /* nothing is known */
bool ag_dataset_label_equal(const ag_dataset_hole *a, const ag_dataset_hole *b);

/* Each appends a line. What is not UTF-8 is refused. */
int ag_manifest_put_head(ag_buf *out, ag_err *err);
int ag_manifest_put_file(ag_buf *out, const ag_dataset_file *file, ag_err *err);
int ag_manifest_put_hole(ag_buf *out, const ag_dataset_hole *hole, ag_err *err);
int ag_manifest_put_totals(ag_buf *out, const ag_dataset_totals *totals, ag_err *err);

typedef enum ag_manifest_kind { AG_MANIFEST_FILE, AG_MANIFEST_HOLE } ag_manifest_kind;
typedef struct ag_manifest_entry {
    ag_manifest_kind kind;
    ag_dataset_file file; /* texts live until the next call */
    ag_dataset_hole hole;
} ag_manifest_entry;

typedef struct ag_manifest ag_manifest;
/* Takes the reader over, also on failure. */
int ag_manifest_open(ag_reader *source, ag_manifest **out, ag_err *err);
void ag_manifest_close(ag_manifest *manifest); /* NULL is fine */
/* 1: an entry; 0: the end, and everything was as it should be. AG_EPARSE names the line. */
int ag_manifest_next(ag_manifest *manifest, ag_manifest_entry *out, ag_err *err);
/* After the end. */
ag_dataset_totals ag_manifest_totals(const ag_manifest *manifest);
