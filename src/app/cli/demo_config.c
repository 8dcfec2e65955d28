// SPDX-License-Identifier: Apache-2.0
/* demo_config.c: what `auger demo` trains, in the program itself, which may stand alone on a machine: the text of
 * configs/drilling/small.yaml. A test holds the two against each other. */
#include "app/cli/demo.h"

const char ag_demo_configuration[] =
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# 24 folds in half a minute: for a hundred holes or so, to see the whole way (auger demo). Seven channels and a "
    "small\n"
    "# mixer; patchtsmixer_24cv.yaml is the full configuration.\n"
    "strategy: patchtsmixer_24cv\n"
    "model_config:\n"
    "  architecture: PatchTSMixer\n"
    "  sequence_length: 512\n"
    "  patch_length: 16\n"
    "  d_model: 12\n"
    "  num_layers: 2\n"
    "training_config:\n"
    "  cross_validation: {enabled: true, n_folds: 24, strategy: stratified}\n"
    "  batch_size: 8\n"
    "  learning_rate: 0.006\n"
    "  epochs: 25\n"
    "  early_stopping: {patience: 10, metric: val_loss}\n"
    "data_config:\n"
    "  preprocessing:\n"
    "    channels: [torque, torque_smooth, torque_gradient, thrust, thrust_gradient, velocity, quality]\n"
    "scheduler: {name: cosine, warmup_ratio: 0.1}\n";
