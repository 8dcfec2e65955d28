// SPDX-License-Identifier: Apache-2.0
#pragma once
/* profile.h: torque and thrust over depth on an even grid, for labellers that look at shapes. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "data/hole.h"

typedef struct ag_profile {
    double start; /* mm, of bin 0 */
    double bin;   /* mm */
    size_t count;
    double *torque, *thrust; /* [count], A; bins without samples lie between their neighbours */
    bool *told;              /* [count]: has samples that are not those of a restart */
    double *smooth, *push;   /* torque and thrust over about 0.2 mm */
} ag_profile;

int ag_profile_make(const ag_hole *hole, ag_arena *arena, ag_profile *out, ag_err *err);

static inline double ag_profile_depth(const ag_profile *profile, double bin)
{
    return profile->start + profile->bin * bin;
}
/* Clamped to the profile. */
size_t ag_profile_bin(const ag_profile *profile, double depth);
