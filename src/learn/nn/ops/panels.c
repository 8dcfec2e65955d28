// SPDX-License-Identifier: Apache-2.0
/* panels.c: see panels.h. */
#include "learn/nn/ops/panels.h"

#include <string.h>

/* With many steps of k they are taken DEPTH at a time, for SIDE panels: this much of the right side stays near while
 * all rows go by; of FEW rows it is the left side that stays near while all panels do. The order of a sum's terms is
 * that of k all the same. */
enum { DEPTH = 512, SIDE = 3, FEW = 24 };

void ag_panels_pack(const ag_kernels *kernels, const ag_real *from, int64_t rows, int64_t columns, bool turned,
                    ag_real *panels)
{
    for (int64_t c = 0; c < columns; c += AG_PANEL) {
        int64_t wide = columns - c < AG_PANEL ? columns - c : AG_PANEL;
        ag_real *panel = panels + c * rows;
        if (turned) kernels->transpose(from + c * rows, rows, panel, wide, wide, rows);
        for (int64_t r = 0; r < rows && !turned; r++)
            memcpy(panel + r * wide, from + r * columns + c, (size_t)wide * sizeof *panel);
    }
}

/* Panels `from` and further of equal width, all of k or a part of it. */
static void multiply_some(const ag_kernels *kernels, const ag_matmul *call, const ag_real *panels, int64_t from,
                          int64_t count, int64_t wide)
{
    int64_t depth = call->m > FEW ? DEPTH : call->k;
    for (int64_t k = 0; k < call->k; k += depth) {
        ag_matmul q = *call;
        int64_t first = from * AG_PANEL;
        q.k = call->k - k < depth ? call->k - k : depth;
        q.n = q.b_row = wide;
        q.groups = count;
        q.a += k * q.a_column;
        q.b = panels + first * call->k + k * wide;
        q.b_group = AG_PANEL * call->k;
        q.c += first;
        q.c_group = q.bias_n_group = AG_PANEL;
        q.a_group = 0;
        if (q.bias_n) q.bias_n += first;
        if (k) {
            q.bias_n = q.bias_m = NULL;
            q.add = true;
        }
        kernels->matmul(&q);
    }
}

void ag_panels_multiply(const ag_kernels *kernels, const ag_matmul *call, const ag_real *panels, int64_t columns)
{
    int64_t whole = columns / AG_PANEL, left = columns % AG_PANEL,
            side = call->k > DEPTH && call->m > FEW ? SIDE : whole;
    for (int64_t i = 0; i < whole; i += side)
        multiply_some(kernels, call, panels, i, whole - i < side ? whole - i : side, AG_PANEL);
    if (left) multiply_some(kernels, call, panels, whole, 1, left);
}
