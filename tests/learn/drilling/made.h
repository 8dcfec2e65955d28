// SPDX-License-Identifier: Apache-2.0
#pragma once
/* made.h: holes made in memory: a stack from `entry` to `exit` with another material from `transition` on, drilled in
 * two steps of equal pitch. */
#include <math.h>

#include "data/hole.h"
#include "frame/test.h"

typedef struct made {
    double entry, transition, exit; /* mm; transition NaN: one material; entry NaN: air */
    double first, pitch;            /* mm of row 0, mm per row; 0: 1 and 0.01 */
    size_t step_two;                /* the first row of step 2; 0: all is step 1 */
    size_t rows;
} made;

static inline double made_ramp(double x, double from)
{
    return isnan(from) ? 0.0 : fmin(fmax((x - from) / 1.5, 0.0), 1.0);
}

static inline double made_torque(const made *m, double x)
{
    double t = 4.0 * made_ramp(x, m->entry) + 8.0 * made_ramp(x, m->transition);
    return t * (1.0 - made_ramp(x, m->exit));
}

static inline ag_hole *make_hole(const made *m, ag_arena *arena)
{
    static const ag_channel_id ids[] = {AG_CHANNEL_POSITION, AG_CHANNEL_TORQUE, AG_CHANNEL_THRUST, AG_CHANNEL_STEP,
                                        AG_CHANNEL_STOP_CODE};
    ag_err err = {0};
    ag_hole *hole = ag_arena_alloc(arena, sizeof *hole);
    double first = m->first > 0 ? m->first : 1.0, pitch = m->pitch > 0 ? m->pitch : 0.01;
    *hole = (ag_hole){.arena = arena, .reader = "made", .file = "made.xls", .signal = {.rate = 100, .rows = m->rows}};
    hole->signal.channels = ag_arena_array(arena, 5, sizeof(ag_channel));
    hole->signal.count = 5;
    for (int c = 0; c < 5; c++) {
        hole->signal.channels[c] = (ag_channel){
            .id = ids[c], .name = AG_STR("made"), .values = ag_arena_array(arena, m->rows, sizeof(int32_t))};
        for (size_t i = 0; i < m->rows; i++) {
            double x = first + pitch * (double)i, value = 0;
            if (c == 0) value = -x;
            if (c == 1) value = made_torque(m, x);
            if (c == 2) value = 0.2 * made_torque(m, x + 0.2);
            if (c == 3) value = m->step_two && i >= m->step_two ? 2 : 1;
            hole->signal.channels[c].values[i] = (int32_t)lround(value * 1000);
        }
    }
    AG_EXPECT_OK(ag_hole_finish(hole, &err));
    return hole;
}
