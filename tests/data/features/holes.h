// SPDX-License-Identifier: Apache-2.0
#pragma once
/* holes.h: holes for the tests of features: made sample by sample, or simulated. */
#include <math.h>
#include <string.h>

#include "core/base/buf.h"
#include "data/reader.h"
#include "data/simulate/simulate.h"
#include "frame/test.h"

typedef struct made_row {
    double depth, torque, thrust;
    int step, code;
} made_row;

/* A hole of these rows, as a reader gives it. */
static inline ag_hole *made_hole(const made_row *rows, size_t count, double rate, ag_arena *arena)
{
    static const ag_channel_id ids[] = {AG_CHANNEL_POSITION, AG_CHANNEL_TORQUE, AG_CHANNEL_THRUST, AG_CHANNEL_STEP,
                                        AG_CHANNEL_STOP_CODE};
    ag_err err = {0};
    ag_hole *hole = ag_arena_alloc(arena, sizeof *hole);
    *hole = (ag_hole){.arena = arena, .reader = "made", .file = "made.xls"};
    hole->signal.rate = rate;
    hole->signal.rows = count;
    hole->signal.channels = ag_arena_array(arena, AG_CHANNEL_COUNT, sizeof(ag_channel));
    for (size_t c = 0; c < sizeof ids / sizeof *ids; c++) {
        int32_t *values = ag_arena_array(arena, count + 1, sizeof *values);
        for (size_t i = 0; i < count; i++) {
            const double cells[] = {-rows[i].depth, rows[i].torque, rows[i].thrust, rows[i].step, rows[i].code};
            values[i] = (int32_t)lround(1000 * cells[c]);
        }
        hole->signal.channels[hole->signal.count++] =
            (ag_channel){.id = ids[c], .name = ag_str_of(ag_channel_names[ids[c]].id), .values = values};
    }
    AG_EXPECT_OK(ag_hole_finish(hole, &err));
    return hole;
}

/* Hole `number` of a seed, written and read back; every `each`-th sample only. */
static inline ag_hole *simulated_hole(const char *regime, uint64_t seed, uint64_t number, size_t each, ag_arena *arena,
                                      ag_sim_plan *plan)
{
    ag_err err = {0};
    const ag_sim_regime *only = ag_sim_regime_find(regime);
    ag_sim_options options = {.seed = seed, .regimes = &only, .regime_count = 1};
    ag_hole *hole = NULL;
    ag_buf file;
    assert_non_null(only);
    ag_buf_init(&file, (size_t)64 << 20);
    AG_EXPECT_OK(ag_sim_hole(&options, number, plan, NULL, &file, &err));
    ag_hole_source source = {.bytes = ag_buf_str(&file)};
    AG_EXPECT_OK(ag_hole_read(&source, arena, &hole, &err));
    ag_buf_deinit(&file);
    if (each == 1) return hole;
    made_row *rows = ag_arena_array(arena, hole->signal.rows, sizeof *rows);
    size_t count = 0;
    for (size_t s = 0; s < hole->step_count; s++)
        for (size_t i = hole->steps[s].begin; i < hole->steps[s].held; i += each)
            rows[count++] =
                (made_row){ag_signal_depth(&hole->signal, i), ag_signal_value(&hole->signal, AG_CHANNEL_TORQUE, i),
                           ag_signal_value(&hole->signal, AG_CHANNEL_THRUST, i), hole->steps[s].number, 0};
    return made_hole(rows, count, hole->signal.rate / (double)each, arena);
}
