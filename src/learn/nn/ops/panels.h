// SPDX-License-Identifier: Apache-2.0
#pragma once
/* panels.h: a matrix [rows, columns] repacked for the right side of a product: panels of PANEL columns one behind the
 * other, each [rows, PANEL] without gaps, so that a product streams through it instead of jumping from row to row. What
 * is left of the columns is one narrower panel. */
#include "learn/nn/kernels/kernels.h"

enum { AG_PANEL = 16 };

/* `columns` of the packed matrix are the rows of `from` when `turned`: from [columns, rows]. */
void ag_panels_pack(const ag_kernels *kernels, const ag_real *from, int64_t rows, int64_t columns, bool turned,
                    ag_real *panels);

/* The product's right side: sets n, b and groups of *call, whose m, k, a, c and biases are those of the whole. */
void ag_panels_multiply(const ag_kernels *kernels, const ag_matmul *call, const ag_real *panels, int64_t columns);
