// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tables.h: the tables of kernels that this build may have; see kernels.h. */
#include "learn/nn/kernels/kernels.h"

extern const ag_kernels ag_kernels_plain;
