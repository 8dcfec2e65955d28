// SPDX-License-Identifier: Apache-2.0
#pragma once
/* mixer.h: a whole mixer block as one operation, along any axis of [channels, patches, features]:
 *     v = norm(x)                 over the features; when gain and shift are given
 *     v = gate(v)                 gate first; gate(v) = v * softmax(A v + a) along the axis, when A and a are given
 *     r = drop(W2 drop(gelu(W1 v + b1)) + b2)
 *     r = gate(r)                 gate last
 *     y = x + r, or r */
#include "learn/nn/ops/ops.h"

enum {
    AG_MIXER_X,
    AG_MIXER_GAIN,
    AG_MIXER_SHIFT,
    AG_MIXER_W1,
    AG_MIXER_B1,
    AG_MIXER_W2,
    AG_MIXER_B2,
    AG_MIXER_A,
    AG_MIXER_A_BIAS,
    AG_MIXER_INPUTS
};

typedef struct ag_mixer {
    int axis;
    bool gate_first, residual;
    double epsilon, dropout;
} ag_mixer;
