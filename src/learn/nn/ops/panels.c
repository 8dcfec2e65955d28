// SPDX-License-Identifier: Apache-2.0
/* panels.c: see panels.h. */
#include "learn/nn/ops/panels.h"

#include <string.h>

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

void ag_panels_multiply(const ag_kernels *kernels, const ag_matmul *call, const ag_real *panels, int64_t columns)
{
    int64_t whole = columns / AG_PANEL, left = columns % AG_PANEL;
    ag_matmul q = *call;
    q.b = panels;
    if (whole) {
        q.n = q.b_row = AG_PANEL;
        q.groups = whole;
        q.a_group = 0;
        q.b_group = AG_PANEL * q.k;
        q.c_group = q.bias_n_group = AG_PANEL;
        kernels->matmul(&q);
    }
    if (!left) return;
    q.n = q.b_row = left;
    q.groups = 1;
    q.b += whole * AG_PANEL * q.k;
    q.c += whole * AG_PANEL;
    if (q.bias_n) q.bias_n += whole * AG_PANEL;
    kernels->matmul(&q);
}
