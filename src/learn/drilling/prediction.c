// SPDX-License-Identifier: Apache-2.0
/* prediction.c: the words of predictions. */
#include "learn/drilling/prediction.h"

const char *const ag_point_names[AG_POINTS + 1] = {"entry", "transition", "exit", NULL};
