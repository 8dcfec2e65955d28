// SPDX-License-Identifier: Apache-2.0
#pragma once
/* name.h: a name for who gave none: "steady-reamer-417". Private to the floor. */
#include "core/base/err.h"

int ag_name_generate(char out[48], ag_err *err);
