// SPDX-License-Identifier: Apache-2.0
#pragma once
/* examples_parts.h: what the files of examples share. */
#include "data/label/labelled.h"
#include "learn/drilling/examples.h"

enum { AG_DRILLED_LEAST_ROWS = 20 };

/* What is known of each example (examples_labels.c). */
int ag_examples_label(ag_example_set *set, const ag_labelled_set *labelled, const ag_drilling_data *data,
                      ag_arena *arena, ag_err *err);

/* Fills set->doubt from labels that are known (examples_doubt.c). */
int ag_examples_doubt(ag_example_set *set, const ag_labelled_set *labelled, ag_arena *arena, ag_err *err);

/* The track's arrays move into an arena that lives longer. */
int ag_examples_keep(ag_arena *arena, ag_track *track, ag_err *err);
/* Depths that lie outside the recording, or in the wrong order, teach nothing. */
bool ag_examples_sensible(const ag_example *example);
