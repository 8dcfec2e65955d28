// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_products.h: matrix products and transposition in terms of `vec`, for vector_kernels.h.
 *
 * A microkernel holds rows x vectors of C in registers and walks k once, so a sum has one order whatever the shape
 * around it. There is one for every number of rows up to what the registers hold, and the rows of a product are shared
 * out evenly among as few calls as possible: 17 rows are one call of 17 or three of 6, 6 and 5, never 16 and a lonely
 * one, which would wait for its own sums. The vectors of a microkernel may lie in different groups: sixteen features of
 * three channels make one full-width step, which keeps the mixers' narrow matrices fast. Masked lanes at the right edge
 * go through the same code with as many rows as fit, and what is left of them by four and one. With few steps of k it
 * is B that stays in registers while rows go by. */
#include <stdbool.h>
#include <string.h>

#include "learn/nn/kernels/tables.h"

/* Sanitizers make many times as much code of each microkernel: they get those of up to four rows, of the same source.
 * With clang the vector tables are without UBSan besides: with it this file takes minutes, where ASan alone takes 20 s;
 * gcc's build has both. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FEW_MICRO
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FEW_MICRO
#endif
#endif
#ifdef FEW_MICRO
#undef MICRO_ROWS_1
#undef MICRO_ROWS_2
#undef MICRO_ROWS_3
#undef EACH_MICRO_1
#undef EACH_MICRO_2
#undef EACH_MICRO_3
#define MICRO_ROWS_1 4
#define MICRO_ROWS_2 4
#define MICRO_ROWS_3 4
#define EACH_MICRO_1(M) M(1, 1) M(2, 1) M(3, 1) M(4, 1)
#define EACH_MICRO_2(M) M(1, 2) M(2, 2) M(3, 2) M(4, 2)
#define EACH_MICRO_3(M) M(1, 3) M(2, 3) M(3, 3) M(4, 3)
#endif

#define STREAMED 256 /* steps of k from which on three vectors of B do not stay in the first cache beside A */
#define AHEAD 256    /* so many numbers before they are needed they are asked for then */

typedef struct block { /* a column block of C: where each of its vectors lies */
    const float *b[MICRO_VECTORS];
    float *c[MICRO_VECTORS];
    const float *bias[MICRO_VECTORS]; /* along n, or NULL */
    int64_t count[MICRO_VECTORS];     /* lanes of it */
    int64_t sums;                     /* groups that are added up; else 1 */
} block;

INLINE vec load_lanes(const float *p, int64_t count, bool partial)
{
    return partial ? load_some(p, count) : load(p);
}

INLINE void store_lanes(float *p, vec v, int64_t count, const bool partial)
{
    if (partial)
        store_some(p, v, count);
    else
        store(p, v);
}

/* The next row. Hides from the compiler how, or it works out the addresses of all rows beforehand, for which it has no
 * registers. */
#define NEXT(pointer, step)                                                                                            \
    do {                                                                                                               \
        (pointer) += (step);                                                                                           \
        __asm__("" : "+r"(pointer));                                                                                   \
    } while (0)

/* How A lies, known when a microkernel is compiled: then addresses are constants, not sums. */
enum { A_BY_ROWS /* a_column is 1 */, A_BY_COLUMNS /* a_row is 1 */, A_ANY };

INLINE void begin(const ag_matmul *q, const block *at, int64_t m, const int rows, const int vectors, const bool partial,
                  vec sum[MICRO_ROWS_1][MICRO_VECTORS])
{
    vec start[MICRO_VECTORS];
    if (q->add) {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            const float *from = at->c[v] + m * q->c_row;
            UNROLL for (int r = 0; r < rows; r++)
            {
                sum[r][v] = load_lanes(from, at->count[v], partial);
                NEXT(from, q->c_row);
            }
        }
        return;
    }
    UNROLL for (int v = 0; v < vectors; v++) start[v] =
        q->bias_n ? load_lanes(at->bias[v], at->count[v], partial) : set(0);
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = start[v];
    }
    if (!q->bias_m) return;
    UNROLL for (int r = 0; r < rows; r++)
    {
        vec more = set(q->bias_m[m + r]);
        UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = add(sum[r][v], more);
    }
}

/* `depth` steps of k at once, row by row: the address of a row then serves them all. */
INLINE void steps(const float *a, int64_t a_row, int64_t a_column, const float **b, int64_t b_row,
                  const int64_t *counts, const int rows, const int vectors, const int depth, const int lies,
                  const bool partial, int64_t ahead, vec sum[MICRO_ROWS_1][MICRO_VECTORS])
{
    vec right[MICRO_DEPTH][MICRO_VECTORS];
    const bool streams = vectors == 1 && lies == A_BY_COLUMNS && rows > MICRO_ROWS_2;
    UNROLL for (int d = 0; d < depth; d++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            right[d][v] = load_lanes(b[v], counts[v], partial);
            if (streams) __builtin_prefetch(b[v] + ahead);
            b[v] += b_row;
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int d = 0; d < depth; d++)
        {
            vec left = set(a[d * a_column]);
            UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = fma_(left, right[d][v], sum[r][v]);
        }
        if (lies == A_BY_COLUMNS)
            a++;
        else
            NEXT(a, a_row);
    }
}

INLINE void micro(const ag_matmul *q, const block *at, int64_t m, const int rows, const int vectors, const int lies,
                  const bool partial)
{
    vec sum[MICRO_ROWS_1][MICRO_VECTORS];
    const int depth = vectors == 1 ? MICRO_DEPTH : MICRO_DEPTH / 2;
    int64_t a_row = lies == A_BY_COLUMNS ? 1 : q->a_row, a_column = lies == A_BY_ROWS ? 1 : q->a_column;
    int64_t ahead = q->k >= STREAMED ? AHEAD : 0;
    begin(q, at, m, rows, vectors, partial, sum);
    for (int64_t g = 0; g < at->sums; g++) {
        const float *a = q->a + m * a_row + g * q->a_group;
        const float *b[MICRO_VECTORS];
        int64_t k = 0;
        UNROLL for (int v = 0; v < vectors; v++) b[v] = at->b[v] + g * q->b_group;
        for (; k + depth <= q->k; k += depth, a += depth * a_column)
            steps(a, a_row, a_column, b, q->b_row, at->count, rows, vectors, depth, lies, partial, ahead, sum);
        for (; k < q->k; k++, a += a_column)
            steps(a, a_row, a_column, b, q->b_row, at->count, rows, vectors, 1, lies, partial, ahead, sum);
    }
    UNROLL for (int v = 0; v < vectors; v++)
    {
        float *to = at->c[v] + m * q->c_row;
        UNROLL for (int r = 0; r < rows; r++)
        {
            if (partial)
                store_some(to, sum[r][v], at->count[v]);
            else
                store(to, sum[r][v]);
            NEXT(to, q->c_row);
        }
    }
}

typedef void micro_fn(const ag_matmul *q, const block *at, int64_t m);

#define MICRO(rows, vectors)                                                                                           \
    static void rows_##rows##_##vectors(const ag_matmul *q, const block *at, int64_t m)                                \
    {                                                                                                                  \
        micro(q, at, m, rows, vectors, A_BY_ROWS, false);                                                              \
    }                                                                                                                  \
    static void columns_##rows##_##vectors(const ag_matmul *q, const block *at, int64_t m)                             \
    {                                                                                                                  \
        micro(q, at, m, rows, vectors, A_BY_COLUMNS, false);                                                           \
    }
#define BY_ROWS(rows, vectors) rows_##rows##_##vectors,
#define BY_COLUMNS(rows, vectors) columns_##rows##_##vectors,
EACH_MICRO_1(MICRO)
EACH_MICRO_2(MICRO)
EACH_MICRO_3(MICRO)
static micro_fn *const rows_1[] = {NULL, EACH_MICRO_1(BY_ROWS)};
static micro_fn *const rows_2[] = {NULL, EACH_MICRO_2(BY_ROWS)};
static micro_fn *const rows_3[] = {NULL, EACH_MICRO_3(BY_ROWS)};
static micro_fn *const columns_1[] = {NULL, EACH_MICRO_1(BY_COLUMNS)};
static micro_fn *const columns_2[] = {NULL, EACH_MICRO_2(BY_COLUMNS)};
static micro_fn *const columns_3[] = {NULL, EACH_MICRO_3(BY_COLUMNS)};
#undef MICRO
#undef BY_ROWS
#undef BY_COLUMNS

/* How a product's rows are shared out among calls for column blocks of so many vectors: `longer` calls of rows + 1,
 * then `others` of rows. */
typedef struct shares {
    int vectors;
    int64_t rows, longer, others;
} shares;

/* Of numbers that are not negative. A division of 64 bits takes some processors as long as 20 to 80 instructions. */
INLINE int64_t quotient(int64_t a, int64_t b)
{
    return (a | b) >> 32 ? a / b : (int64_t)((uint32_t)a / (uint32_t)b);
}

INLINE shares shares_of(const ag_matmul *q, int vectors)
{
    int64_t calls; /* divides by constants, which costs a multiplication */
    if (vectors == 1)
        calls = (q->m + MICRO_ROWS_1 - 1) / MICRO_ROWS_1;
    else if (vectors == 2)
        calls = (q->m + MICRO_ROWS_2 - 1) / MICRO_ROWS_2;
    else
        calls = (q->m + MICRO_ROWS_3 - 1) / MICRO_ROWS_3;
    int64_t rows = calls ? quotient(q->m, calls) : 0, longer = q->m - rows * calls;
    return (shares){vectors, rows, longer, calls - longer};
}

static void columns_full(const ag_matmul *q, const block *at, const shares *s)
{
    static micro_fn *const *const tables[2][3] = {{rows_1, rows_2, rows_3}, {columns_1, columns_2, columns_3}};
    micro_fn *const *table = tables[q->a_column != 1][s->vectors - 1] + s->rows;
    int64_t m = 0;
    for (int64_t i = 0; i < s->longer; i++, m += s->rows + 1) table[1](q, at, m);
    for (int64_t i = 0; i < s->others; i++, m += s->rows) table[0](q, at, m);
}

/* The right edge: as many rows at once as the registers hold, as above, but of that number only. */
#define EDGE(rows, vectors)                                                                                            \
    static void edge_rows_##vectors(const ag_matmul *q, const block *at, int64_t m)                                    \
    {                                                                                                                  \
        micro(q, at, m, rows, vectors, A_BY_ROWS, true);                                                               \
    }                                                                                                                  \
    static void edge_columns_##vectors(const ag_matmul *q, const block *at, int64_t m)                                 \
    {                                                                                                                  \
        micro(q, at, m, rows, vectors, A_BY_COLUMNS, true);                                                            \
    }
EDGE(MICRO_ROWS_1, 1)
EDGE(MICRO_ROWS_2, 2)
EDGE(MICRO_ROWS_3, 3)
#undef EDGE

INLINE void rows_of(const ag_matmul *q, const block *at, int64_t m, const int vectors)
{
    for (; m + 4 <= q->m; m += 4) micro(q, at, m, 4, vectors, A_ANY, true);
    for (; m < q->m; m++) micro(q, at, m, 1, vectors, A_ANY, true);
}

/* The right edge, and an A that lies in another way. */
static void columns_any(const ag_matmul *q, const block *at, int vectors)
{
    static micro_fn *const edges[2][3] = {{edge_rows_1, edge_rows_2, edge_rows_3},
                                          {edge_columns_1, edge_columns_2, edge_columns_3}};
    static const int64_t mosts[] = {MICRO_ROWS_1, MICRO_ROWS_2, MICRO_ROWS_3};
    int64_t m = 0, most = q->a_column == 1 || q->a_row == 1 ? mosts[vectors - 1] : q->m + 1;
    micro_fn *edge = edges[q->a_column != 1][vectors - 1];
    for (; m + most <= q->m; m += most) edge(q, at, m);
    if (vectors == 3)
        rows_of(q, at, m, 3);
    else if (vectors == 2)
        rows_of(q, at, m, 2);
    else
        rows_of(q, at, m, 1);
}

/* How many vectors of C a microkernel takes: as many as the registers hold, but not 3 and a lonely one. Of few rows one
 * at a time where B is more than the first cache holds: it then comes from afar once. */
INLINE int vectors_of(const ag_matmul *q, int64_t left)
{
    if (q->m > MICRO_ROWS_2 && q->m <= MICRO_ROWS_1 && q->k >= STREAMED) return 1;
    return (int)(left == 4 ? 2 : left < MICRO_VECTORS ? left : MICRO_VECTORS);
}

/* All vectors of all groups (which share A). */
static void matmul_shared(const ag_matmul *q, int64_t groups, int64_t sums)
{
    const bool lies_oddly = q->a_column != 1 && q->a_row != 1;
    int64_t group = 0, n = 0, left = groups * ((q->n + LANES - 1) / LANES);
    shares rows = {0};
    while (left > 0) {
        block at; /* not cleared: that takes as long as three steps of k */
        at.sums = sums;
        int vectors = vectors_of(q, left);
        bool partial = lies_oddly;
        left -= vectors;
        for (int v = 0; v < vectors; v++) {
            at.b[v] = q->b + group * q->b_group + n;
            at.c[v] = q->c + group * q->c_group + n;
            at.bias[v] = q->bias_n ? q->bias_n + group * q->bias_n_group + n : NULL;
            at.count[v] = q->n - n < LANES ? q->n - n : LANES;
            partial = partial || at.count[v] < LANES;
            n += LANES;
            if (n < q->n) continue;
            n = 0;
            group++;
        }
        if (partial) {
            columns_any(q, &at, vectors);
            continue;
        }
        if (vectors != rows.vectors) rows = shares_of(q, vectors);
        columns_full(q, &at, &rows);
    }
}

/* ---- few steps of k ---- */

#ifdef HELD_ROWS
/* `rows` rows of C's vector at column n; w: the vectors of B there. Rows take turns, so no sum waits for itself. That A
 * is one hidden pointer matters: addresses of a base and an index cost a sixth of the speed. */
INLINE void held_rows(const ag_matmul *q, int64_t m, int64_t n, const vec *w, const int depth, const int rows,
                      const int lies)
{
    vec sum[HELD_ROWS + 1], start = q->bias_n ? load(q->bias_n + n) : set(0);
    const float *a = q->a;
    float *const c = q->c + m * q->c_row + n, *to = c;
    NEXT(a, m * (lies == A_BY_COLUMNS ? 1 : depth));
    UNROLL for (int r = 0; r < rows; r++)
    {
        sum[r] = q->add ? load(to) : q->bias_m ? add(start, set(q->bias_m[m + r])) : start;
        NEXT(to, q->c_row);
    }
    UNROLL for (int d = 0; d < depth; d++)
    {
        UNROLL for (int r = 0; r < rows; r++) sum[r] =
            fma_(set(lies == A_BY_ROWS ? a[r * depth + d] : a[r]), w[d], sum[r]);
        if (lies == A_BY_COLUMNS) NEXT(a, q->a_column);
    }
    to = c;
    UNROLL for (int r = 0; r < rows; r++)
    {
        store(to, sum[r]);
        NEXT(to, q->c_row);
    }
}

/* All of B's vectors of a column stay in registers while A goes by: `depth` of them beside a sum for each row. */
INLINE void held(const ag_matmul *q, const int depth, const int lies)
{
    int64_t longer = q->m % HELD_ROWS, even = q->m - longer * (HELD_ROWS + 1);
    for (int64_t n = 0; n < q->n; n += LANES) {
        int64_t m = 0;
        vec w[HELD_STEPS];
        UNROLL for (int d = 0; d < depth; d++) w[d] = load(q->b + d * q->b_row + n);
        for (; m < even; m += HELD_ROWS) held_rows(q, m, n, w, depth, HELD_ROWS, lies);
        for (; m < q->m; m += HELD_ROWS + 1) held_rows(q, m, n, w, depth, HELD_ROWS + 1, lies);
    }
}

static void held_16_rows(const ag_matmul *q)
{
    held(q, 16, A_BY_ROWS);
}

static void held_16_columns(const ag_matmul *q)
{
    held(q, 16, A_BY_COLUMNS);
}

static void held_17_rows(const ag_matmul *q)
{
    held(q, 17, A_BY_ROWS);
}

static void held_17_columns(const ag_matmul *q)
{
    held(q, 17, A_BY_COLUMNS);
}

/* For the k of a patch's features and of a drilling machine's channels, and rows that blocks of HELD_ROWS and of one
 * more share out. */
static bool matmul_held(const ag_matmul *q)
{
    bool by_rows = q->a_column == 1 && q->a_row == q->k, by_columns = q->a_row == 1;
    if ((q->k != 16 && q->k != 17) || q->n % LANES || q->m / HELD_ROWS < q->m % HELD_ROWS || !(by_rows || by_columns))
        return false;
    if (q->k == 16)
        (by_rows ? held_16_rows : held_16_columns)(q);
    else
        (by_rows ? held_17_rows : held_17_columns)(q);
    return true;
}
#endif

static void matmul(const ag_matmul *q)
{
    int64_t groups = q->groups ? q->groups : 1;
#ifdef HELD_ROWS
    if (groups == 1 && matmul_held(q)) return;
#endif
    if (groups == 1 || (q->a_group == 0 && q->c_group != 0)) {
        matmul_shared(q, groups, 1);
        return;
    }
    if (q->add && q->c_group == 0) {
        matmul_shared(q, 1, groups);
        return;
    }
    ag_matmul one = *q;
    for (int64_t g = 0; g < groups; g++) {
        matmul_shared(&one, 1, 1);
        one.a += q->a_group;
        one.b += q->b_group;
        one.c += q->c_group;
        if (one.bias_n) one.bias_n += q->bias_n_group;
    }
}

/* Whether a tile's sums along vectors are made many at once. */
#ifdef EACH_DOT
#define DOTS_MERGED(rows, columns) ((rows) * (columns) > 2)
#else
#define DOTS_MERGED(rows, columns) ((rows) == DOT_ROWS && (columns) == DOT_COLUMNS && (rows) * (columns) == LANES)
#endif

/* sum[r][c] of a tile of dot products into C. */
INLINE void add_sums(const ag_matmul_nt *q, int64_t m, int64_t n, vec sum[DOT_ROWS][DOT_COLUMNS + 1], const int rows,
                     const int columns)
{
    if (DOTS_MERGED(rows, columns)) {
        float sums[DOT_ROWS * DOT_COLUMNS + LANES];
        UNROLL for (int first = 0; first < rows * columns; first += LANES)
        {
            vec all[LANES];
            UNROLL for (int i = 0; i < LANES; i++) all[i] =
                first + i < rows * columns ? sum[(first + i) / columns][(first + i) % columns] : set(0);
            store(sums + first, sums_of(all));
        }
        UNROLL for (int r = 0; r < rows; r++)
        {
            UNROLL for (int c = 0; c < columns; c++) q->c[(m + r) * q->c_row + n + c] += sums[r * columns + c];
        }
        return;
    }
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int c = 0; c < columns; c++) q->c[(m + r) * q->c_row + n + c] += sum_of(sum[r][c]);
    }
}

/* A step of up to LANES of k. */
INLINE void dot_step(const ag_matmul_nt *q, const float *a, const float *b, int64_t some, const int rows,
                     const int columns, const bool partial, vec sum[DOT_ROWS][DOT_COLUMNS + 1])
{
#ifdef EACH_DOT /* one vector of B at a time: that fits beside 12 sums; row by row clang reads B again and again */
    vec left[DOT_ROWS];
    UNROLL for (int r = 0; r < rows; r++) left[r] = load_lanes(a + r * q->a_row, some, partial);
    UNROLL for (int c = 0; c < columns; c++)
    {
        vec right = load_lanes(b + c * q->b_row, some, partial);
        UNROLL for (int r = 0; r < rows; r++) sum[r][c] = fma_(left[r], right, sum[r][c]);
    }
#else
    vec right[DOT_COLUMNS + 1];
    UNROLL for (int c = 0; c < columns; c++) right[c] = load_lanes(b + c * q->b_row, some, partial);
    UNROLL for (int r = 0; r < rows; r++)
    {
        vec left = load_lanes(a + r * q->a_row, some, partial);
        UNROLL for (int c = 0; c < columns; c++) sum[r][c] = fma_(left, right[c], sum[r][c]);
    }
#endif
}

INLINE void dot_tile(const ag_matmul_nt *q, int64_t m, int64_t n, const int rows, const int columns)
{
    vec sum[DOT_ROWS][DOT_COLUMNS + 1];
    int64_t groups = q->groups ? q->groups : 1;
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int c = 0; c < columns; c++) sum[r][c] = set(0);
    }
    for (int64_t g = 0; g < groups; g++) {
        const float *a = q->a + g * q->a_group + m * q->a_row, *b = q->b + g * q->b_group + n * q->b_row;
        int64_t k = 0;
        for (; k + LANES <= q->k; k += LANES) dot_step(q, a + k, b + k, LANES, rows, columns, false, sum);
        if (k < q->k) dot_step(q, a + k, b + k, q->k - k, rows, columns, true, sum);
    }
    add_sums(q, m, n, sum, rows, columns);
}

#ifdef EACH_DOT
/* As many rows and columns as the registers hold, shared out evenly: a tile of few sums waits for each of them. */
typedef void dot_fn(const ag_matmul_nt *q, int64_t m, int64_t n);
#define DOT(rows, columns)                                                                                             \
    static void dots_##rows##_##columns(const ag_matmul_nt *q, int64_t m, int64_t n)                                   \
    {                                                                                                                  \
        dot_tile(q, m, n, rows, columns);                                                                              \
    }
#define DOT_NAME(rows, columns) [(rows) - 1][(columns) - 1] = dots_##rows##_##columns,
EACH_DOT(DOT)
static dot_fn *const dots[DOT_ROWS][DOT_COLUMNS] = {EACH_DOT(DOT_NAME)};
#undef DOT
#undef DOT_NAME

/* The shorter of A and B is what is read again and again. */
static void matmul_nt(const ag_matmul_nt *q)
{
    const bool down = q->n > q->m;
    int64_t highs = (q->m + DOT_ROWS - 1) / DOT_ROWS, wides = (q->n + DOT_COLUMNS - 1) / DOT_COLUMNS;
    int64_t outer = down ? wides : highs, inner = down ? highs : wides;
    int64_t far = down ? q->n : q->m, near = down ? q->m : q->n;
    for (int64_t i = 0, at = 0, some; i < outer; i++, at += some) {
        some = quotient(far - at + outer - i - 1, outer - i);
        for (int64_t j = 0, along = 0, more; j < inner; j++, along += more) {
            more = quotient(near - along + inner - j - 1, inner - j);
            if (down)
                dots[more - 1][some - 1](q, along, at);
            else
                dots[some - 1][more - 1](q, at, along);
        }
    }
}
#else
/* `rows` rows of C. A lonely last column goes with those before it. */
INLINE void dot_rows(const ag_matmul_nt *q, int64_t m, const int rows)
{
    int64_t n = 0;
    for (; n + DOT_COLUMNS + 1 < q->n || n + DOT_COLUMNS == q->n; n += DOT_COLUMNS)
        dot_tile(q, m, n, rows, DOT_COLUMNS);
    if (n + DOT_COLUMNS + 1 == q->n)
        dot_tile(q, m, n, rows, DOT_COLUMNS + 1);
    else
        for (; n < q->n; n++) dot_tile(q, m, n, rows, 1);
}

static void matmul_nt(const ag_matmul_nt *q)
{
    int64_t m = 0;
    for (; m + DOT_ROWS <= q->m; m += DOT_ROWS) dot_rows(q, m, DOT_ROWS);
    for (; m + 2 <= q->m; m += 2) dot_rows(q, m, 2);
    for (; m < q->m; m++) dot_rows(q, m, 1);
}
#endif

#ifdef HAS_TURN
/* Squares of LANES, each so far behind the last one. By itself, or the compiler works out the addresses of all rows of
 * transpose() beforehand, and has no registers for them. */
__attribute__((noinline)) static void turn_squares(const float *from, int64_t from_row, int64_t from_step, float *to,
                                                   int64_t to_row, int64_t to_step, int64_t squares)
{
    for (; squares > 0; squares--, from += from_step, to += to_step) turn_square(from, from_row, to, to_row);
}

/* All whole squares, along the longer side. */
INLINE void turn_whole(const float *from, int64_t from_row, float *to, int64_t to_row, int64_t rows, int64_t columns)
{
    int64_t high = rows / LANES, wide = columns / LANES;
    for (int64_t r = 0; high < wide && r < high; r++, from += LANES * from_row, to += LANES)
        turn_squares(from, from_row, LANES, to, to_row, LANES * to_row, wide);
    for (int64_t c = 0; high >= wide && c < wide; c++, from += LANES, to += LANES * to_row)
        turn_squares(from, from_row, LANES * from_row, to, to_row, LANES, high);
}
#endif

static void transpose(const float *from, int64_t from_row, float *to, int64_t to_row, int64_t rows, int64_t columns)
{
#ifdef HAS_TURN
    turn_whole(from, from_row, to, to_row, rows, columns);
    if (rows % LANES == 0 && columns % LANES == 0) return;
#endif
    for (int64_t r0 = 0; r0 < rows; r0 += LANES)
        for (int64_t c0 = 0; c0 < columns; c0 += LANES) {
            const float *corner = from + r0 * from_row + c0;
            float *turned = to + c0 * to_row + r0;
            int64_t high = rows - r0 < LANES ? rows - r0 : LANES, wide = columns - c0 < LANES ? columns - c0 : LANES;
#ifdef HAS_TURN
            if (high == LANES && wide == LANES) continue;
            if (high % 4 == 0 && wide % 4 == 0) {
                turn(corner, from_row, turned, to_row, high, wide);
                continue;
            }
#endif
            for (int64_t c = 0; c < wide; c++)
                for (int64_t r = 0; r < high; r++) turned[c * to_row + r] = corner[r * from_row + c];
        }
}
