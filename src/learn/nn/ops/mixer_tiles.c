// SPDX-License-Identifier: Apache-2.0
/* mixer_tiles.c: see mixer_tiles.h. Sizes of tiles: so that the input and the hidden layer of one fit the first cache
 * together with the weights, and a multiple of the vectors' lanes. Those of channels are larger and lie in the second
 * one: their gradients of weights are sums along rows, which pay when they are long. Sizes depend on the shape alone,
 * so neither the chunk nor the machine changes a bit of the order in which gradients are summed. */
#include "learn/nn/ops/mixer_tiles.h"

#include <string.h>

#include "learn/nn/graph.h"
#include "learn/nn/kernels/kernels.h"

enum { VECTOR = 16 }; /* features that fill the vectors of every machine */
enum { ROWS_OF_FEATURES = 64, ROWS_OF_PATCHES = 96, COLUMNS_OF_CHANNELS = 512 };
enum { AWKWARD = 256 };       /* numbers: a quarter of one of its 8 or 12 ways */
enum { ROWS_OF_RAGGED = 96 }; /* of features that end within a vector, where microkernels take 8 or 12 rows */
/* Up to here W1 v takes less time than to write the hidden layer out and read it. */
enum { SHORT = 16 };
/* Numbers of a sample's hidden layer up to which gelu and its slope are kept: of models of holes a step then takes 0.95
 * of its time without AVX-512, of larger ones it is all the same. */
enum { FEW = 1 << 15 };

/* How many positions a tile has. Along columns all tiles are as long as each other: a short last one costs most there.
 * But not a multiple of AWKWARD: the same place in all its rows would then be in the same few sets of the first cache,
 * which do not hold the 17 rows that a column's softmax and a step of a product walk down. */
static int64_t tile_of(int axis, int64_t width, int64_t positions)
{
    if (axis == 2) return width % VECTOR == 0 ? ROWS_OF_FEATURES : ROWS_OF_RAGGED;
    int64_t wanted = axis == 1 ? ROWS_OF_PATCHES : COLUMNS_OF_CHANNELS;
    if (axis == 0) wanted = positions / ((positions + wanted - 1) / wanted) + width - 1;
    int64_t tile = wanted < width ? width : wanted / width * width;
    return axis == 0 && tile % AWKWARD == 0 ? tile + width : tile;
}

ag_mixer_shape ag_mixer_shape_of(const ag_shape *x, int axis, int64_t hidden)
{
    int64_t width = x->at[2], size = x->at[0] * x->at[1] * width, length = x->at[axis], positions = size / length;
    int64_t tile = tile_of(axis, width, positions);
    if (tile > positions) tile = positions;
    return (ag_mixer_shape){.by_rows = axis != 0,
                            .axis = axis,
                            .size = size,
                            .length = length,
                            .hidden = hidden,
                            .width = width,
                            .positions = positions,
                            .tile = tile,
                            .tiles = (positions + tile - 1) / tile,
                            .keeps_hidden = length > SHORT,
                            .keeps_slopes = length > SHORT && positions * hidden <= FEW};
}

ag_mixer_shape ag_mixer_shape_for(const ag_call *call, int axis, int64_t hidden)
{
    ag_mixer_shape s = ag_mixer_shape_of(&call->node->in_shape[0], axis, hidden);
    s.by_channels = axis == 1 && s.width % VECTOR == 0 && !call->saved && !call->training;
    s.by_rows = s.by_rows && !s.by_channels;
    s.keeps_slopes = s.keeps_slopes && call->saved && call->kernels->gelu_drop_slopes;
    return s;
}

/* ---- in and out ---- */

/* Whether a tile lies as it does in the sample: its vectors one behind the other, or its channels. */
static bool lies_so(const ag_mixer_shape *s)
{
    return s->by_channels || s->axis == 2;
}

static bool turns(const ag_mixer_shape *s)
{
    return s->axis == 1 && !s->by_channels;
}

/* A tile by columns is a strip of every channel: channel c's begins here in the sample. */
static int64_t strip(const ag_mixer_tile *t, int64_t c)
{
    return c * t->shape->positions + t->first;
}

/* How one strip is taken in. */
typedef struct taking {
    const ag_real *gain, *shift;
    ag_real epsilon, *moments; /* of the whole sample */
    bool again;
} taking;

static void take_strip(const ag_kernels *k, const taking *t, const ag_real *from, int64_t at, ag_real *to, int64_t size,
                       int64_t width)
{
    ag_real *moments = t->moments ? t->moments + 2 * (at / width) : NULL;
    if (!t->gain)
        memcpy(to, from + at, (size_t)size * sizeof *to);
    else if (t->again)
        k->layer_norm_again(from + at, t->gain, t->shift, moments, to, size / width, width);
    else
        k->layer_norm(from + at, t->gain, t->shift, t->epsilon, to, moments, size / width, width);
}

static void take(const ag_mixer_tile *tile, const taking *t, const ag_real *from, ag_real *to)
{
    const ag_mixer_shape *s = tile->shape;
    const ag_kernels *k = tile->call->kernels;
    int64_t at = tile->first * s->length;
    if (lies_so(s)) {
        take_strip(k, t, from, at, to, tile->count * s->length, s->width);
        return;
    }
    if (!s->by_rows) {
        for (int64_t c = 0; c < s->length; c++)
            take_strip(k, t, from, strip(tile, c), to + c * tile->count, tile->count, s->width);
        return;
    }
    const ag_real *source = from + at;
    if (t->gain) {
        take_strip(k, t, from, at, tile->spare, tile->count * s->length, s->width);
        source = tile->spare;
    }
    for (int64_t p = 0; p < tile->count; p += s->width)
        k->transpose(source + p * s->length, s->width, to + p * s->length, s->length, s->length, s->width);
}

void ag_tile_take(const ag_mixer_tile *tile, const ag_real *from, const ag_real *gain, const ag_real *shift,
                  ag_real epsilon, ag_real *moments, ag_real *to)
{
    take(tile, &(taking){gain, shift, epsilon, moments, false}, from, to);
}

void ag_tile_take_again(const ag_mixer_tile *tile, const ag_real *from, const ag_real *gain, const ag_real *shift,
                        ag_real *moments, ag_real *to)
{
    take(tile, &(taking){gain, shift, 0, moments, true}, from, to);
}

void ag_tile_give(const ag_mixer_tile *tile, const ag_real *from, const ag_real *more, ag_real *to)
{
    const ag_mixer_shape *s = tile->shape;
    const ag_kernels *k = tile->call->kernels;
    bool whole = s->by_rows || s->by_channels, turned = turns(s);
    int64_t strips = whole ? 1 : s->length, each = whole ? tile->count * s->length : tile->count;
    for (int64_t c = 0; c < strips; c++) {
        int64_t at = whole ? tile->first * s->length : strip(tile, c);
        for (int64_t p = 0; turned && p < tile->count; p += s->width)
            k->transpose(from + p * s->length, s->length, to + at + p * s->length, s->width, s->width, s->length);
        if (!turned && more)
            k->sum(from + c * each, more + at, to + at, each);
        else if (!turned)
            memcpy(to + at, from + c * each, (size_t)each * sizeof *to);
        else if (more)
            k->add(more + at, to + at, each);
    }
}

void ag_tile_give_gradient(const ag_mixer_tile *tile, const ag_real *x, const ag_real *gain, const ag_real *moments,
                           const ag_real *from, const ag_real *base, ag_real *dx, ag_real *dgain, ag_real *dshift)
{
    const ag_mixer_shape *s = tile->shape;
    const ag_kernels *k = tile->call->kernels;
    int64_t strips = s->by_rows ? 1 : s->length, each = s->by_rows ? tile->count * s->length : tile->count;
    for (int64_t p = 0; s->axis == 1 && p < tile->count; p += s->width)
        k->transpose(from + p * s->length, s->length, tile->spare + p * s->length, s->width, s->width, s->length);
    if (s->axis == 1) from = tile->spare;
    for (int64_t c = 0; c < strips; c++) {
        int64_t at = s->by_rows ? tile->first * s->length : strip(tile, c);
        ag_real *to = dx ? dx + at : NULL;
        if (gain)
            k->layer_norm_gradient(x + at, gain, moments + 2 * (at / s->width), from + c * each,
                                   base ? base + at : NULL, to, dgain, dshift, each / s->width, s->width);
        else if (to && base)
            k->sum(from + c * each, base + at, to, each);
        else if (to)
            memcpy(to, from + c * each, (size_t)each * sizeof *to);
    }
}

/* ---- products ---- */

void ag_tile_linear(const ag_mixer_tile *tile, const ag_real *w, const ag_real *turned, const ag_real *bias,
                    int64_t out, int64_t in, const ag_real *x, ag_real *y)
{
    int64_t count = tile->count, width = tile->shape->width;
    if (tile->shape->by_channels)
        tile->call->kernels->matmul(&(ag_matmul){.m = out,
                                                 .n = width,
                                                 .k = in,
                                                 .a = w,
                                                 .a_row = in,
                                                 .a_column = 1,
                                                 .b = x,
                                                 .b_row = width,
                                                 .c = y,
                                                 .c_row = width,
                                                 .bias_m = bias,
                                                 .groups = count / width,
                                                 .b_group = in * width,
                                                 .c_group = out * width});
    else if (tile->shape->by_rows)
        tile->call->kernels->matmul(&(ag_matmul){.m = count,
                                                 .n = out,
                                                 .k = in,
                                                 .a = x,
                                                 .a_row = in,
                                                 .a_column = 1,
                                                 .b = turned,
                                                 .b_row = out,
                                                 .c = y,
                                                 .c_row = out,
                                                 .bias_n = bias});
    else
        tile->call->kernels->matmul(&(ag_matmul){.m = out,
                                                 .n = count,
                                                 .k = in,
                                                 .a = w,
                                                 .a_row = in,
                                                 .a_column = 1,
                                                 .b = x,
                                                 .b_row = count,
                                                 .c = y,
                                                 .c_row = count,
                                                 .bias_m = bias});
}

void ag_tile_linear_input(const ag_mixer_tile *tile, const ag_real *w, int64_t out, int64_t in, const ag_real *dy,
                          ag_real *dx, bool add)
{
    int64_t count = tile->count;
    if (tile->shape->by_rows)
        tile->call->kernels->matmul(&(ag_matmul){.m = count,
                                                 .n = in,
                                                 .k = out,
                                                 .a = dy,
                                                 .a_row = out,
                                                 .a_column = 1,
                                                 .b = w,
                                                 .b_row = in,
                                                 .c = dx,
                                                 .c_row = in,
                                                 .add = add});
    else
        tile->call->kernels->matmul(&(ag_matmul){.m = in,
                                                 .n = count,
                                                 .k = out,
                                                 .a = w,
                                                 .a_row = 1,
                                                 .a_column = in,
                                                 .b = dy,
                                                 .b_row = count,
                                                 .c = dx,
                                                 .c_row = count,
                                                 .add = add});
}

void ag_tile_linear_weights(const ag_mixer_tile *tile, int64_t out, int64_t in, const ag_real *dy, const ag_real *x,
                            ag_real *dw, ag_real *db)
{
    const ag_kernels *k = tile->call->kernels;
    int64_t count = tile->count;
    bool by_rows = tile->shape->by_rows;
    if (dw && by_rows)
        k->matmul(&(ag_matmul){.m = out,
                               .n = in,
                               .k = count,
                               .a = dy,
                               .a_row = 1,
                               .a_column = out,
                               .b = x,
                               .b_row = in,
                               .c = dw,
                               .c_row = in,
                               .add = true});
    else if (dw)
        k->matmul_nt(&(ag_matmul_nt){
            .m = out, .n = in, .k = count, .a = dy, .a_row = count, .b = x, .b_row = count, .c = dw, .c_row = in});
    if (db && by_rows)
        k->sum_rows(dy, db, count, out, out);
    else if (db)
        k->sum_columns(dy, db, out, count, count);
}

void ag_tile_gate(const ag_mixer_tile *tile, const ag_real *x, const ag_real *v, ag_real *weights, ag_real *y)
{
    const ag_mixer_shape *s = tile->shape;
    int64_t channel = s->length * s->width;
    for (int64_t at = 0; s->by_channels && at < tile->count * s->length; at += channel)
        tile->call->kernels->gate_columns(x + at, v + at, weights, y + at, s->length, s->width);
    if (s->by_channels) return;
    if (s->by_rows)
        tile->call->kernels->gate_rows(x, v, weights, y, tile->count, s->length);
    else
        tile->call->kernels->gate_columns(x, v, weights, y, s->length, tile->count);
}

void ag_tile_gate_gradient(const ag_mixer_tile *tile, const ag_real *weights, const ag_real *v, ag_real *d,
                           ag_real *slopes)
{
    const ag_mixer_shape *s = tile->shape;
    if (s->by_rows)
        tile->call->kernels->gate_rows_gradient(weights, v, d, slopes, tile->count, s->length);
    else
        tile->call->kernels->gate_columns_gradient(weights, v, d, slopes, s->length, tile->count);
}
