// SPDX-License-Identifier: Apache-2.0
#pragma once
/* examples_parts.h: what the files of examples share. */
#include "data/label/labelled.h"
#include "learn/drilling/examples.h"

enum { AG_DRILLED_LEAST_ROWS = 20 };

/* What is known of each example (examples_labels.c). */
int ag_examples_label(ag_example_set *set, const ag_labelled_set *labelled, const ag_drilling_data *data,
                      ag_arena *arena, ag_err *err);
