// SPDX-License-Identifier: Apache-2.0
#pragma once
/* prepare_parts.h: what the files of prepare share. */
#include "core/hash/hash.h"
#include "data/label/label.h"
#include "data/prepare.h"

/* A file to be prepared. */
typedef struct ag_prepare_input {
    const char *path; /* relative */
    uint64_t size;
    int64_t modified;
} ag_prepare_input;

/* Reads and judges one file: *record in `keep`, its samples (NULL when there are none) row by row in `work`. */
int ag_prepare_file(const ag_prepare_options *options, const ag_limits *limits, const ag_prepare_input *input,
                    ag_arena *work, ag_arena *keep, ag_prepared *record, int32_t **samples, ag_err *err);

/* The automatic label of a hole, into its record. */
int ag_prepare_label(const ag_hole *hole, const ag_verdict *verdict, ag_arena *work, ag_arena *keep,
                     ag_prepared *record, ag_err *err);
/* The label that is written in a record. */
void ag_prepare_label_of(const ag_prepared *record, ag_label *out);
/* Labels of holes of one program and machine against each other: consistency, confidence, category. */
int ag_prepare_compare_labels(ag_prepare_summary *summary, const ag_prepare_options *options, ag_arena *arena,
                              ag_err *err);

/* The record of a part: its fingerprint and rows. Reading fails softly: false when it is not there, not whole, or not
 * of this fingerprint. */
int ag_prepare_save_part(const char *path, const char *fingerprint, const ag_prepared *records, size_t count,
                         ag_err *err);
bool ag_prepare_load_part(const char *path, const char *fingerprint, ag_arena *arena, ag_prepared *records,
                          size_t count);

/* The outputs, from all rows. */
int ag_prepare_write_holes(const char *path, const ag_prepare_summary *summary, ag_err *err);
int ag_prepare_write_manifest(const char *output_dir, const ag_prepare_options *options,
                              const ag_prepare_summary *summary, ag_err *err);
/* After labels.csv has changed: its line of manifest.json, and that of labels.jsonl. */
int ag_prepare_refresh_manifest(const char *output_dir, ag_err *err);
/* quality.json and quality.html. */
int ag_quality_write(const char *output_dir, const ag_prepare_options *options, const ag_prepare_summary *summary,
                     ag_err *err);

/* "signals/part-00012.npy"; needs 40 bytes. */
void ag_prepare_part_name(size_t part, char out[40]);
