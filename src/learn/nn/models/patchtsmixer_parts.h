// SPDX-License-Identifier: Apache-2.0
#pragma once
/* patchtsmixer_parts.h: what the backbone and the heads of PatchTSMixer share while a graph is built. */
#include "learn/nn/layers.h"
#include "learn/nn/models/patchtsmixer.h"

typedef struct mixer_build {
    ag_graph *graph;
    const ag_patchtsmixer *config;
    const ag_building *building;
    int64_t patches;
    int64_t channels;       /* with the conditions */
    ag_ref location, scale; /* of the scaler, [channels]; forecasting leaves those of the forecast channels */
    ag_ref true_patches;    /* [channels, patches, length]: what pretraining has to find ... */
    ag_ref hidden_patches;  /* [channels, patches]: ... and where */
} mixer_build;

ag_ref ag_mixer_linear(const mixer_build *b, ag_ref x, const char *name, int64_t out);
/* `count` of them, one behind the other. */
ag_ref ag_mixer_linears(const mixer_build *b, ag_ref x, const char *const *names, int count, int64_t out);
/* Channel numbers in the graph's memory, ascending; below 0 they count from the end, as Python's do. `key`: where they
 * stand, for refusals. */
const int64_t *ag_mixer_channels(const mixer_build *b, const char *key, const ag_list *list);
/* Pretraining: hides patches. */
ag_ref ag_mixer_hide(mixer_build *b, ag_ref patches);

/* Fused (patchtsmixer_blocks.c): the mixer `name` along an axis; `whole`: with its norm and residual. */
ag_ref ag_mixer_block(const mixer_build *b, ag_ref x, const char *name, int axis, bool whole);
ag_ref ag_mixer_self_attention(const mixer_build *b, ag_ref x);
/* norm(a + b) + c with the norm `name`. */
ag_ref ag_mixer_sum_norm(const mixer_build *build, ag_ref a, ag_ref b, ag_ref c, const char *name);

/* Heads: from the hidden state [channels, patches, features] to outputs and, if wanted, the loss. They return the last
 * hidden state. */
ag_ref ag_mixer_forecast(mixer_build *b, ag_ref hidden);
ag_ref ag_mixer_regression(mixer_build *b, ag_ref hidden);
ag_ref ag_mixer_classification(mixer_build *b, ag_ref hidden);
ag_ref ag_mixer_pretraining(mixer_build *b, ag_ref hidden);
ag_ref ag_mixer_heatmap(mixer_build *b, ag_ref hidden);

/* The parameters of the configured distribution, each from a linear layer of its own named "NAME.proj.0", ... of `out`
 * numbers, brought into its domain. Returns how many there are. */
enum { AG_MIXER_MAX_PARAMETERS = 3 };
int ag_mixer_distribution(const mixer_build *b, ag_ref x, const char *name, int64_t out,
                          ag_ref parameters[AG_MIXER_MAX_PARAMETERS]);
/* Shows them as the outputs "NAME.0", ... */
void ag_mixer_show(const mixer_build *b, const char *name, const ag_ref *parameters, int count);
/* The loss of the distribution; location and scale may be AG_NO_REF. */
void ag_mixer_likelihood(const mixer_build *b, const ag_ref *parameters, ag_ref target, ag_ref location, ag_ref scale);
