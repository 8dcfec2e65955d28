// SPDX-License-Identifier: Apache-2.0
#pragma once
/* neural_ode.h: the configuration of the latent differential equation. */
#include "learn/nn/models/heads.h"

typedef struct ag_neural_ode {
    ag_series_config series;
    ag_head_config head;
    int64_t segment_length, segment_size, latent_size, ode_hidden_size, ode_layers, ode_steps;
    int solver; /* ag_solver */
    double relative_tolerance, absolute_tolerance;
    bool driven;
} ag_neural_ode;

extern const ag_description ag_neural_ode_description;
extern const ag_architecture ag_architecture_neural_ode;
