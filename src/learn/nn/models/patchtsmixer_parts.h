// SPDX-License-Identifier: Apache-2.0
#pragma once
/* patchtsmixer_parts.h: what the backbone and the heads of PatchTSMixer share while a graph is built. */
#include "learn/nn/models/patchtsmixer.h"

typedef struct mixer_build {
    ag_graph *graph;
    const ag_patchtsmixer *config;
    const ag_building *building;
    int64_t patches;
    ag_ref location, scale; /* of the scaler, [channels] */
} mixer_build;

ag_ref ag_mixer_linear(const mixer_build *b, ag_ref x, const char *name, int64_t out);
/* Heads: from the hidden state [channels, patches, features] to outputs and, if wanted, the loss. */
void ag_mixer_forecast(const mixer_build *b, ag_ref hidden);
