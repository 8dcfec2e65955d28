// SPDX-License-Identifier: Apache-2.0
#pragma once
/* masking.h: hiding patches, and scoring how well they were found again. */
#include "learn/nn/ops/ops.h"

/* Inputs: patches [channels, patches, length] and, optionally, which of them to hide [channels, patches], not zero for
 * hidden. Outputs: which are hidden (0 and 1), and the patches with the hidden ones filled. Without the second input
 * the hidden ones are drawn: a pure function of (seed, step, node, sample), in training and outside. */
typedef struct ag_masking {
    bool forecast;         /* hide the last patches, else random ones */
    double ratio;          /* random: how many are hidden */
    const int64_t *counts; /* forecast: how many of the last; as many samples get each. Lives as long as the graph */
    int64_t count;
    bool per_channel;      /* random: drawn for each channel anew */
    const int64_t *spared; /* channels of which nothing is hidden by drawing */
    int64_t spared_count;
    double fill;
} ag_masking;

/* How many of `patches` stay when a share of them is hidden. */
int64_t ag_masking_keeps(int64_t patches, double ratio);

/* Inputs: found and true patches [channels, patches, length], and which were hidden [channels, patches]. The loss of a
 * patch is the mean of its squared differences, with `terms` also (sum|x|/10 - sum|u|/10)^2 and the squared difference
 * of the variances; averaged over the hidden patches, or over all. */
typedef struct ag_patch_loss {
    bool hidden_only;
    bool terms;
} ag_patch_loss;
