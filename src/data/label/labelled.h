// SPDX-License-Identifier: Apache-2.0
#pragma once
/* labelled.h: a prepared dataset with its labels as they stand: what the labellers said (holes.csv), what people said
 * since (labels.jsonl), and which of it counts: a hole's label is the latest one of a person that was not taken back,
 * else the automatic one. labels.csv is that, written down; it is made anew after every change. Copies of a file share
 * their labels. */
#include <stddef.h>

#include "data/label/history.h"
#include "data/prepared.h"

typedef struct ag_labelled {
    const ag_prepared *hole;
    ag_label_event automatic; /* outcome AG_LABEL_NONE: nobody asked, or the labellers could not tell */
    const ag_label_event **experts;
    size_t expert_count;           /* those that were not taken back, in the order in which they came */
    const ag_label_event *present; /* the last of them, else &automatic */
} ag_labelled;

typedef struct ag_labelled_set {
    ag_prepared_set prepared;
    ag_label_history history;
    ag_labelled *items; /* [prepared.count], one per row of holes.csv */
} ag_labelled_set;

int ag_labelled_load(const char *dir, ag_arena *arena, ag_labelled_set *out, ag_err *err);
/* The same for rows that are in memory already. */
int ag_labelled_make(const ag_prepared_set *prepared, ag_arena *arena, ag_labelled_set *out, ag_err *err);

/* By path, end of path or digest, as ag_prepared_find(). */
int ag_labelled_find(const ag_labelled_set *set, const char *words, const ag_labelled **out, ag_err *err);

static inline bool ag_labelled_by_expert(const ag_labelled *item)
{
    return item->expert_count > 0;
}
/* The latest that stands of this author, NULL when there is none. */
const ag_label_event *ag_labelled_of(const ag_labelled *item, const char *author);
/* "4.81|9.75" */
const char *ag_label_transitions_text(ag_arena *arena, const ag_label_event *event);

/* labels.csv: holes that have a label of any kind. */
int ag_labelled_write_table(const ag_labelled_set *set, const char *path, ag_err *err);

/* Appends the events under the lock, then writes labels.csv and its line of manifest.json anew. Each event is checked
 * against the samples of its hole; an expert's first word on a hole is preceded by the automatic label as it is now, so
 * that both can be compared later. Events that say what their author has said already are left out; *added (may be
 * NULL) counts the others. With `dry` nothing is written. */
int ag_labelled_add(const char *dir, ag_label_event *events, size_t count, bool dry, size_t *added, ag_err *err);
