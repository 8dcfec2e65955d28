// SPDX-License-Identifier: Apache-2.0
#pragma once
/* metric_private.h: reading points, for the files about metrics. */
#include "core/base/vec.h"
#include "ledger/metric.h"

/* Columns value, is_nan, at, step from `first_column` on. */
void ag_metric_take(ag_rows *rows, size_t first_column, const char *key, ag_metric *out);
/* Appends the points of a query with those columns. */
int ag_metric_read(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, const char *key, ag_vec *into,
                   ag_err *err);
