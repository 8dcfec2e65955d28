// SPDX-License-Identifier: Apache-2.0
#pragma once
/* mixer_tiles.h: how a mixer block cuts a sample into tiles that stay in the first caches, and its products on them.
 *
 * A position is a place in the sample at which a vector along the mixed axis begins. A tile is some positions with
 * their whole vectors, and lies in one of two ways. By rows, [positions, length]: patches and features; for patches the
 * channels of a tile are transposed on their way in and out, which costs a few percent of the products and makes all of
 * them, and the gradients of the weights above all, run along full vectors. By columns, [length, positions]: channels,
 * which lie so already and whose number is rarely one that vectors like. Where nothing is to be kept and features fill
 * vectors, patches lie by channels, [channels, length, features], as in the sample: nothing is transposed then, and
 * sums along the axis go down columns. */
#include "learn/nn/op.h"

typedef struct ag_mixer_shape {
    bool by_rows, by_channels; /* neither: by columns */
    int axis;
    int64_t size, length, hidden, width; /* of a sample; along the axis; behind W1; features */
    int64_t positions, tile, tiles;      /* of a sample; of a tile at most; how many tiles */
    bool keeps_hidden;                   /* for backward, which else computes the hidden layer again */
    bool keeps_slopes;                   /* or instead of it what comes behind it: gelu and its slope, as dropped */
} ag_mixer_shape;

ag_mixer_shape ag_mixer_shape_of(const ag_shape *x, int axis, int64_t hidden);
/* The same, where it matters how the tiles of this call lie. */
ag_mixer_shape ag_mixer_shape_for(const ag_call *call, int axis, int64_t hidden);

typedef struct ag_mixer_tile {
    const ag_call *call;
    const ag_mixer_shape *shape;
    int64_t index, first, count; /* number of the tile; its positions */
    ag_real *spare;              /* length * tile reals */
} ag_mixer_tile;

/* Into the tile: `from` is a whole sample. With `gain`, its norm over the features; moments (may be NULL) are those of
 * the whole sample. */
void ag_tile_take(const ag_mixer_tile *tile, const ag_real *from, const ag_real *gain, const ag_real *shift,
                  ag_real epsilon, ag_real *moments, ag_real *to);
/* The same again, to the bit, for a tile whose moments that left. */
void ag_tile_take_again(const ag_mixer_tile *tile, const ag_real *from, const ag_real *gain, const ag_real *shift,
                        ag_real *moments, ag_real *to);
/* From the tile: into `to`, a whole sample, plus `more` (a whole sample, or NULL). */
void ag_tile_give(const ag_mixer_tile *tile, const ag_real *from, const ag_real *more, ag_real *to);
/* dx = base (a whole sample; dx, or NULL: nothing) + the gradient that came to the tile, through the norm when there is
 * one. */
void ag_tile_give_gradient(const ag_mixer_tile *tile, const ag_real *x, const ag_real *gain, const ag_real *moments,
                           const ag_real *from, const ag_real *base, ag_real *dx, ag_real *dgain, ag_real *dshift);

/* y = W x + b for every position; `turned` is W transposed, for tiles by rows. */
void ag_tile_linear(const ag_mixer_tile *tile, const ag_real *w, const ag_real *turned, const ag_real *bias,
                    int64_t out, int64_t in, const ag_real *x, ag_real *y);
/* dx = (+=) W^T dy */
void ag_tile_linear_input(const ag_mixer_tile *tile, const ag_real *w, int64_t out, int64_t in, const ag_real *dy,
                          ag_real *dx, bool add);
/* dW += dy x^T, db += dy; either may be NULL. */
void ag_tile_linear_weights(const ag_mixer_tile *tile, int64_t out, int64_t in, const ag_real *dy, const ag_real *x,
                            ag_real *dw, ag_real *db);
/* The kernels' gate of each vector, and the gradient through it. */
void ag_tile_gate(const ag_mixer_tile *tile, const ag_real *x, const ag_real *v, ag_real *weights, ag_real *y);
void ag_tile_gate_gradient(const ag_mixer_tile *tile, const ag_real *weights, const ag_real *v, ag_real *d,
                           ag_real *slopes);
