// SPDX-License-Identifier: Apache-2.0
#pragma once
/* ops.h: declares every operation of ops.list: ag_op_NAME. An operation with attributes has a header of its own. */
#include "learn/nn/graph.h"
#include "learn/nn/op.h"

#define AG_OP(name) extern const ag_op ag_op_##name;
#include "learn/nn/ops/ops.list"
#undef AG_OP
