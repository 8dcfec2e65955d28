// SPDX-License-Identifier: Apache-2.0
#pragma once
/* labels.h: the labels that go into a version: rows of labels.csv (which is what counts now; the history of who said
 * what lies beside it in labels.jsonl and is kept as a file). In memory, a few hundred bytes a hole. */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "data/dataset/manifest.h"

typedef struct ag_dataset_labels ag_dataset_labels;

/* Columns of the table: path or sha256 (or both), and any of label_outcome (what is missing follows from the depths),
 * entry_mm, transition_mm ('|' or ';' between several) or transitions_mm, exit_mm, full_exit_mm, confidence, category,
 * label_source, author, at. */
int ag_dataset_labels_read(const char *table, ag_dataset_labels **out, ag_err *err);
void ag_dataset_labels_free(ag_dataset_labels *labels); /* NULL is fine */
/* Gives the hole its label, if there is one: by path (when the row says no other content), else by content. Texts live
 * as long as the labels. */
void ag_dataset_labels_give(ag_dataset_labels *labels, ag_dataset_hole *hole);
/* Rows that no hole has got. */
uint64_t ag_dataset_labels_unmatched(const ag_dataset_labels *labels);
