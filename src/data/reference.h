// SPDX-License-Identifier: Apache-2.0
#pragma once
/* reference.h: the part of docs/drilling-files.md that is printed from the tables: readers, versions, names, channels,
 * stop codes, rules, thresholds, and the columns of a prepared dataset. */
#include "core/base/buf.h"

/* Markdown; the buffer's failure sticks. */
void ag_drilling_reference(ag_buf *out);
