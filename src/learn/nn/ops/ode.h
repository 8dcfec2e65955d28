// SPDX-License-Identifier: Apache-2.0
#pragma once
/* ode.h: a state that follows a differential equation whose right side is a small network:
 * dz/dt = f(z, u, t) = W_n tanh(... tanh(W_1 [z, u, t] + b_1) ...) + b_n.
 * Inputs: z at the beginning [width], a drive u [intervals, m] that is constant within each interval (optional), and
 * the pairs W_i [out, in], b_i [out]; W_1 may take the time as its last input or not, which its width tells. Output: z
 * at the end of each interval, [intervals, width]. Gradients are those of the steps that were taken, their sizes held
 * fixed (discretise, then optimise). */
#include "learn/nn/ops/ops.h"

typedef enum ag_solver {
    AG_SOLVER_RK4,    /* `steps` equal ones of the classical fourth order in each interval */
    AG_SOLVER_DOPRI5, /* Dormand and Prince's fifth order, as many as the tolerances ask for, at most `steps` in an
                         interval; where that is not enough, the result is NaN from there on, so that the check of
                         finite values names the layer. Every sample has steps of its own. */
} ag_solver;

typedef struct ag_ode {
    ag_solver solver;
    int64_t intervals, steps;
    double span;               /* time that an interval takes */
    double relative, absolute; /* tolerances of one step */
} ag_ode;
