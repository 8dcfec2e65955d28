// SPDX-License-Identifier: Apache-2.0
#pragma once
/* patchtsmixer.h: the configuration of PatchTSMixer. Keys and meaning as in Hugging Face's config.json; those that only
 * we have are marked. The rest of the program fills the struct through its description. */
#include <stdbool.h>
#include <stdint.h>

#include "core/doc/describe.h"
#include "learn/nn/architecture.h"

typedef enum ag_mixer_task {
    AG_MIXER_FORECAST,
    AG_MIXER_REGRESSION,
    AG_MIXER_CLASSIFICATION,
    AG_MIXER_PRETRAINING,
    AG_MIXER_BACKBONE,
    AG_MIXER_HEATMAP, /* ours */
} ag_mixer_task;

typedef enum ag_mixer_loss { AG_MIXER_MSE, AG_MIXER_NLL, AG_MIXER_FOCAL } ag_mixer_loss;
typedef enum ag_mixer_scaling { AG_MIXER_UNSCALED, AG_MIXER_STD, AG_MIXER_MEAN } ag_mixer_scaling;

typedef enum ag_mixer_distribution_kind {
    AG_MIXER_STUDENT_T,
    AG_MIXER_NORMAL,
    AG_MIXER_NEGATIVE_BINOMIAL,
} ag_mixer_distribution_kind;

typedef struct ag_patchtsmixer {
    int task;                                                        /* ours: ag_mixer_task */
    int head;                                                        /* ours: 0 stock, 1 stacked */
    int64_t context_length, patch_length, patch_stride, num_patches; /* num_patches 0: derived */
    int64_t num_conditions; /* ours: constants that enter behind the scaler, as channels of their own */
    int64_t num_input_channels, d_model, expansion_factor, num_layers;
    double dropout;
    int mode; /* 0 common_channel, 1 mix_channel */
    bool gated_attn;
    const char *norm_mlp; /* "batch" in it: batch norm; else layer norm */
    double norm_eps;
    bool self_attn;
    int64_t self_attn_heads;
    bool use_positional_encoding;
    int positional_encoding_type; /* 0 sincos, 1 random */
    int scaling;                  /* ag_mixer_scaling */
    double minimum_scale;         /* 0: 1e-5 for std, 1e-10 for mean */
    double default_scale;         /* 0 or NaN: none */
    int loss;                     /* ag_mixer_loss; focal is ours */
    int distribution_output;      /* ag_mixer_distribution_kind */
    int64_t num_parallel_samples, prediction_length;
    ag_list prediction_channel_indices; /* int64_t; sorted when used */
    double head_dropout;
    int64_t num_targets;
    ag_list output_range; /* of two doubles, or empty */
    int head_aggregation; /* 0 none, 1 use_last, 2 max_pool, 3 avg_pool */
    int mask_type;        /* 0 random, 1 forecast */
    double random_mask_ratio;
    ag_list num_forecast_mask_patches;
    double mask_value;
    bool masked_loss, channel_consistent_masking;
    ag_list unmasked_channel_indices;
    bool pretrain_terms; /* ours: add the power and the variance term */
    double init_std;
    bool post_init;
} ag_patchtsmixer;

extern const ag_description ag_patchtsmixer_description;
extern const ag_architecture ag_architecture_patchtsmixer;
