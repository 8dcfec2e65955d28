// SPDX-License-Identifier: Apache-2.0
#pragma once
/* lora.h: fitting a trained model to other data by small additions to its linear layers (Hu et al. 2021). A graph that
 * was built with an ag_adaptation has "NAME.lora_A.weight" [rank, in] and "NAME.lora_B.weight" [out, rank] beside each
 * adapted "NAME.weight", and trains only those and what the adaptation names. The way of such a model:
 *   build with building.adaptation; ag_lora_begin() from the plain one; train; ag_lora_merge() into a plain one; save.
 */
#include "learn/nn/model.h"

/* Copies every parameter of `plain` into the one of the same name; what is only in `adapted` stays as it is. AG_EINVAL,
 * naming it, when one is missing or has another shape. */
int ag_lora_begin(const ag_model *plain, ag_model *adapted, ag_err *err);
/* The other way, with the additions multiplied out: `plain` then computes what `adapted` does. */
int ag_lora_merge(const ag_model *adapted, const ag_adaptation *adaptation, ag_model *plain, ag_err *err);
