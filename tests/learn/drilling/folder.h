// SPDX-License-Identifier: Apache-2.0
#pragma once
/* folder.h: folders of simulated holes for the tests, over all regimes in turn, and prepared datasets of them. */
#include "data/prepare.h"
#include "data/simulate/simulate.h"
#include "frame/test.h"

static inline const char *simulated(uint64_t holes, uint64_t seed)
{
    ag_err err = {0};
    ag_sim_options options = {.seed = seed};
    ag_sim_totals totals;
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_sim_batch(&options, dir, holes, 0, 2, NULL, NULL, &totals, &err));
    return dir;
}

static inline const char *prepared(const char *raw, ag_arena *arena)
{
    ag_err err = {0};
    ag_prepare_summary summary;
    const char *dir = ag_test_dir();
    ag_prepare_options options = {.input_dir = raw, .output_dir = dir, .validate = true, .auto_label = true, .jobs = 2};
    AG_EXPECT_OK(ag_prepare(&options, arena, &summary, &err));
    return dir;
}
