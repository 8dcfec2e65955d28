// SPDX-License-Identifier: Apache-2.0
#pragma once
/* kernels.h: the inner loops of the CPU, as one table of functions per instruction set: plain C (also the twin that
 * tests compare with, and the only one in the double build), AVX2, AVX-512, NEON. The best one this machine can run is
 * chosen at run time. Hot loops of an operation belong here; what is left in ops/ is compiled for the oldest machine.
 *
 * Bits: a kernel's result for an element does not depend on the size of the call around it unless said so. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "learn/nn/real.h"

/* C_g(m,n) = bias + sum over k of A_g(m,k) * B_g(k,n), for g in [0, groups): C and B are contiguous along n, A has any
 * strides, so mixing over any axis needs no transposed copy:
 *   x . W^T  (rows x features)  A = x,  B = W^T packed      W . X (mixing over an axis) A = W, B = X as it lies
 *   gradients of either: the same with A's strides swapped.
 * Terms of a sum are added in the order of k, with fused multiply-adds where the machine has them. */
typedef struct ag_matmul {
    int64_t m, n, k;
    const ag_real *a;
    int64_t a_row, a_column; /* strides of A along m and along k */
    const ag_real *b;
    int64_t b_row; /* stride of B along k */
    ag_real *c;
    int64_t c_row;                     /* stride of C along m */
    const ag_real *bias_m;             /* added to row m, or NULL */
    const ag_real *bias_n;             /* added to column n, or NULL */
    bool add;                          /* C += instead of C = (bias must be NULL then) */
    int64_t groups;                    /* 0 is read as 1 */
    int64_t a_group, b_group, c_group; /* steps from group to group; may be 0. c_group 0 with add: groups are summed */
    int64_t bias_n_group;              /* likewise, of bias_n */
} ag_matmul;

/* C(m,n) += sum over g and k of A_g(m,k) * B_g(n,k): both contiguous along k. For gradients of mixing weights. The
 * order of the terms is fixed but not that of k. */
typedef struct ag_matmul_nt {
    int64_t m, n, k, groups; /* groups 0 is read as 1 */
    const ag_real *a;
    int64_t a_row, a_group;
    const ag_real *b;
    int64_t b_row, b_group;
    ag_real *c;
    int64_t c_row;
} ag_matmul_nt;

/* Which numbers a dropout draws: element e of a sample takes byte e % 16 of a block of the Philox sequence of (seed,
 * stream), block = sample * AG_DROPOUT_BLOCKS(size) + e / 16, words and their bytes from the low end. This byte, b0, is
 * the high byte of a 16-bit number; the low one is b1 ^ b2 of the two bytes after it in its 32-bit word (the first
 * comes after the last). An element is kept when its number is below `keep`: with exactly that probability, and any two
 * elements independently, for half of the work that 16 bits of their own would be. */
typedef struct ag_dropout {
    uint64_t seed, stream;
    uint32_t keep; /* of 65536; 65536 keeps all */
    ag_real scale; /* 65536 / keep: exactly unbiased for the rounded probability */
} ag_dropout;

#define AG_DROPOUT_BLOCK 16 /* elements that a block serves */
#define AG_DROPOUT_BLOCKS(size) (((size) + AG_DROPOUT_BLOCK - 1) / AG_DROPOUT_BLOCK)

/* Reals that the bits of a dropout fill. */
#define AG_KEPT(size) (((size) + 31) / 32)

/* One step of Adam: g = scale * gradient + decay * value; first = beta1 * first + rest1 * g; second = beta2 * second +
 * rest2 * g^2; value = keep * value - rate * first / (root * sqrt(second) + epsilon). */
typedef struct ag_adam_step {
    int64_t count;
    ag_real *values, *first, *second;
    const ag_real *gradient;
    ag_real scale, decay, beta1, rest1, beta2, rest2, keep, rate, root, epsilon;
} ag_adam_step;

/* weights [queries, keys] = exp(s - the largest s of its row), s = factor * q k^T: q [queries, depth] with rows q_row
 * apart, turned = k^T [depth, keys]. moments [2, queries] gets each row's largest q k^T, and 1 / its sum of weights:
 * who multiplies by the weights multiplies the shorter rows of the product by it (scale_rows). With both backward has
 * the weights again, in less time than to write them out and read them. */
typedef struct ag_attend {
    int64_t queries, keys, depth;
    const ag_real *q;
    int64_t q_row;
    const ag_real *turned;
    ag_real factor; /* above 0 */
    ag_real *weights, *moments;
} ag_attend;

/* With heads = dropout(weights) v and its gradient d, both [queries, depth] with rows d_row apart: of.weights gets
 * dropout(weights) again, slopes [queries, keys] the gradient of q k^T. The dropout's bits of these weights begin at
 * first_bit of kept; NULL: nothing dropped. */
typedef struct ag_attend_gradient {
    ag_attend of;
    const ag_real *d, *heads;
    int64_t d_row;
    const ag_real *values_turned; /* v^T [depth, keys] */
    const uint8_t *kept;
    int64_t first_bit;
    ag_real scale;
    ag_real *slopes;
} ag_attend_gradient;

typedef struct ag_kernels {
    const char *name;     /* "plain", "avx2", "avx512", "neon" */
    bool (*usable)(void); /* on this machine */
    int lanes;            /* reals per vector */
    void (*matmul)(const ag_matmul *call);
    void (*matmul_nt)(const ag_matmul_nt *call);
    /* y[i] = f(x[i]); y may be x. */
    void (*exp)(const ag_real *x, ag_real *y, int64_t count);
    void (*erf)(const ag_real *x, ag_real *y, int64_t count);
    void (*tanh)(const ag_real *x, ag_real *y, int64_t count);
    void (*sigmoid)(const ag_real *x, ag_real *y, int64_t count);
    void (*one_minus_exp)(const ag_real *x, ag_real *y, int64_t count); /* 1 - exp(-v) for v >= 0, of small v too */
    void (*gelu)(const ag_real *x, ag_real *y, int64_t count);          /* v/2 (1 + erf(v/sqrt 2)) */
    /* dx[i] = dy[i] * gelu'(x[i]); dx may be dy. y (may be NULL) gets gelu(x[i]) again, for who did not keep it. */
    void (*gelu_gradient)(const ag_real *x, const ag_real *dy, ag_real *dx, ag_real *y, int64_t count);
    /* Softmax along each row of [rows, columns]; y may be x. */
    void (*softmax_rows)(const ag_real *x, ag_real *y, int64_t rows, int64_t columns);
    /* dx = y * (dy - sum(y * dy)) along each row; dx may be dy. */
    void (*softmax_rows_gradient)(const ag_real *y, const ag_real *dy, ag_real *dx, int64_t rows, int64_t columns);
    /* The same down the columns of [rows, columns] whose rows lie `stride` apart. */
    void (*softmax_columns)(const ag_real *x, ag_real *y, int64_t rows, int64_t columns, int64_t stride);
    void (*softmax_columns_gradient)(const ag_real *y, const ag_real *dy, ag_real *dx, int64_t rows, int64_t columns,
                                     int64_t stride);
    /* y = v * softmax(x) along each row, down each column. weights gets the softmax; NULL: nobody wants it; may be x.
     */
    void (*gate_rows)(const ag_real *x, const ag_real *v, ag_real *weights, ag_real *y, int64_t rows, int64_t columns);
    void (*gate_columns)(const ag_real *x, const ag_real *v, ag_real *weights, ag_real *y, int64_t rows,
                         int64_t columns);
    /* Back through y = v * weights, weights = softmax(x) along each row, down each column: of d, the gradient of y, is
     * made that of v as far as it does not come through x; slopes gets that of x. */
    void (*gate_rows_gradient)(const ag_real *weights, const ag_real *v, ag_real *d, ag_real *slopes, int64_t rows,
                               int64_t columns);
    void (*gate_columns_gradient)(const ag_real *weights, const ag_real *v, ag_real *d, ag_real *slopes, int64_t rows,
                                  int64_t columns);
    void (*attend)(const ag_attend *call);
    void (*attend_gradient)(const ag_attend_gradient *call);
    /* y = (x - mean) * r * gain + shift along each row of [rows, columns], r = 1/sqrt(variance + epsilon). moments gets
     * (mean, r) of each row; may be NULL. y may be x. */
    void (*layer_norm)(const ag_real *x, const ag_real *gain, const ag_real *shift, ag_real epsilon, ag_real *y,
                       ag_real *moments, int64_t rows, int64_t columns);
    /* y again, to the bit, from x and the moments. */
    void (*layer_norm_again)(const ag_real *x, const ag_real *gain, const ag_real *shift, const ag_real *moments,
                             ag_real *y, int64_t rows, int64_t columns);
    /* dx = base + ...; dgain += sum dy * xhat; dshift += sum dy. Any of the three may be NULL; base NULL is zero, and
     * may be dx. */
    void (*layer_norm_gradient)(const ag_real *x, const ag_real *gain, const ag_real *moments, const ag_real *dy,
                                const ag_real *base, ag_real *dx, ag_real *dgain, ag_real *dshift, int64_t rows,
                                int64_t columns);
    /* x[i] *= kept(i) ? scale : 0 for element i of sample `sample`; forward and backward alike. */
    void (*dropout)(const ag_dropout *dropout, int64_t sample, ag_real *x, int64_t size);
    /* The same for part of a sample: `block` is the number of the Philox block that its first element draws from. kept
     * (may be NULL) gets a bit for each element, in AG_KEPT(size) reals. When nothing drops nothing happens. y may be
     * x. */
    void (*dropout_at)(const ag_dropout *dropout, uint64_t block, const ag_real *x, ag_real *y, uint8_t *kept,
                       int64_t size);
    /* The same from its bits; y may be x. */
    void (*dropout_again)(const uint8_t *kept, ag_real scale, const ag_real *x, ag_real *y, int64_t size);
    /* y = dropout(gelu(x)), with the numbers that dropout_at() would draw. y may be x. */
    void (*gelu_drop)(const ag_dropout *dropout, uint64_t block, const ag_real *x, ag_real *y, uint8_t *kept,
                      int64_t size);
    /* y as gelu_drop() has it, and x becomes what d is to be multiplied by for its gradient. NULL where that takes no
     * time worth the memory. */
    void (*gelu_drop_slopes)(const ag_dropout *dropout, uint64_t block, ag_real *x, ag_real *y, int64_t size);
    /* y = dropout(gelu(x)) again, and d *= its derivative; y may be x. kept NULL and scale 1: nothing dropped. */
    void (*gelu_drop_gradient)(const uint8_t *kept, ag_real scale, const ag_real *x, ag_real *y, ag_real *d,
                               int64_t size);
    void (*adam)(const ag_adam_step *step);
    void (*add)(const ag_real *x, ag_real *y, int64_t count);                        /* y += x */
    void (*sum)(const ag_real *a, const ag_real *b, ag_real *y, int64_t count);      /* y = a + b; y may be either */
    void (*multiply)(const ag_real *a, const ag_real *b, ag_real *y, int64_t count); /* y = a * b; y may be either */
    void (*multiply_add)(const ag_real *a, const ag_real *b, ag_real *y, int64_t count); /* y += a * b */
    void (*scale_add)(ag_real factor, const ag_real *x, ag_real *y, int64_t count);      /* y += factor * x */
    /* x[r][c] *= factors[r]; rows lie stride apart. */
    void (*scale_rows)(const ag_real *factors, ag_real *x, int64_t rows, int64_t columns, int64_t stride);
    /* y[columns] += sum of the rows of x[rows, columns]. */
    void (*sum_rows)(const ag_real *x, ag_real *y, int64_t rows, int64_t columns, int64_t stride);
    /* y[rows] += sum along each row. */
    void (*sum_columns)(const ag_real *x, ag_real *y, int64_t rows, int64_t columns, int64_t stride);
    /* to[c][r] = from[r][c]; rows lie from_row and to_row apart. */
    void (*transpose)(const ag_real *from, int64_t from_row, ag_real *to, int64_t to_row, int64_t rows,
                      int64_t columns);
} ag_kernels;

/* The fastest table for this machine; $AUGER_KERNELS names another one (tests, measuring). */
const ag_kernels *ag_kernels_best(void);
const ag_kernels *const *ag_kernels_all(size_t *count);
/* NULL when unknown or not usable here. */
const ag_kernels *ag_kernels_find(const char *name);

/* Keys of a dropout: the op's call, and `site` tells several dropouts of one node apart. p in [0, 1). */
ag_dropout ag_dropout_make(uint64_t seed, uint64_t step, int32_t node, int32_t site, double probability);
