// SPDX-License-Identifier: Apache-2.0
#pragma once
/* reshape.h: the same numbers under another shape. */
#include "learn/nn/ops/ops.h"

ag_ref ag_reshape(ag_graph *graph, ag_ref value, ag_shape to);
