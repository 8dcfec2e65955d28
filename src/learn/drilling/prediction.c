// SPDX-License-Identifier: Apache-2.0
/* prediction.c: the words of predictions. */
#include "learn/drilling/prediction.h"

#include <string.h>

const char *const ag_point_names[AG_POINTS + 1] = {"entry", "transition", "exit", NULL};

bool ag_known_by_labeller(const ag_known *known)
{
    return known->source && strcmp(known->source, "expert") != 0 && strcmp(known->source, "truth") != 0;
}
