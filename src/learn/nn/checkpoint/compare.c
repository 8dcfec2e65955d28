// SPDX-License-Identifier: Apache-2.0
/* compare.c: works through tensors in pieces on the stack, so that looking at a file takes no memory beside its map. */
#include "learn/nn/checkpoint/compare.h"

#include <math.h>
#include <string.h>

enum { PIECE = 512 };

static const uint8_t *place(const ag_tensor *tensor, int64_t index)
{
    return tensor->data + (size_t)index * ag_dtype_size(tensor->dtype);
}

ag_tensor_summary ag_tensor_summarise(const ag_tensor *tensor)
{
    ag_tensor_summary summary = {.least = (double)INFINITY, .greatest = -(double)INFINITY};
    ag_real piece[PIECE];
    double sum = 0.0, squares = 0.0, shift = 0.0;
    int64_t finite = 0;
    for (int64_t i = 0; i < tensor->count; i += PIECE) {
        int64_t now = tensor->count - i < PIECE ? tensor->count - i : PIECE;
        ag_dtype_decode(tensor->dtype, place(tensor, i), now, piece);
        for (int64_t k = 0; k < now; k++) {
            double value = (double)piece[k];
            if (!isfinite(value)) continue;
            if (!finite++) shift = value; /* so that a large mean does not eat the deviation */
            sum += value - shift;
            squares += (value - shift) * (value - shift);
            summary.least = fmin(summary.least, value);
            summary.greatest = fmax(summary.greatest, value);
        }
    }
    summary.not_finite = tensor->count - finite;
    if (!finite) return (ag_tensor_summary){.not_finite = tensor->count};
    double mean = sum / (double)finite;
    summary.mean = shift + mean;
    summary.deviation = sqrt(fmax(0.0, squares / (double)finite - mean * mean));
    return summary;
}

typedef struct dots {
    double aa, bb, ab;
} dots;

static void compare_one(double a, double b, int64_t index, ag_tensor_difference *d)
{
    if (a == b || (isnan(a) && isnan(b))) return;
    double absolute = fabs(a - b), relative = absolute / fmax(fabs(a), fabs(b));
    if (!isfinite(absolute)) absolute = relative = (double)INFINITY;
    if (!d->differing++ || absolute > d->absolute) {
        d->absolute = absolute;
        d->worst = index;
    }
    d->relative = fmax(d->relative, relative);
}

ag_tensor_difference ag_tensor_compare(const ag_tensor *a, const ag_tensor *b)
{
    ag_tensor_difference d = {.cosine = 1.0};
    ag_real x[PIECE], y[PIECE];
    dots sums = {0};
    d.same_bits = a->dtype == b->dtype &&
                  (!a->count || memcmp(a->data, b->data, (size_t)a->count * ag_dtype_size(a->dtype)) == 0);
    for (int64_t i = 0; i < a->count && !d.same_bits; i += PIECE) {
        int64_t now = a->count - i < PIECE ? a->count - i : PIECE;
        ag_dtype_decode(a->dtype, place(a, i), now, x);
        ag_dtype_decode(b->dtype, place(b, i), now, y);
        for (int64_t k = 0; k < now; k++) {
            double u = (double)x[k], v = (double)y[k];
            compare_one(u, v, i + k, &d);
            sums.aa += u * u;
            sums.bb += v * v;
            sums.ab += u * v;
        }
    }
    double size = sqrt(sums.aa) * sqrt(sums.bb);
    if (size > 0.0)
        d.cosine = sums.ab / size;
    else if (sums.aa + sums.bb > 0.0)
        d.cosine = 0.0;
    return d;
}
