// SPDX-License-Identifier: Apache-2.0
#pragma once
/* screen.h: the monitor as the lower part of a terminal: the course of the losses, trainings as bars when there are
 * several, numbers of the machine, one bar for all. A function of the monitor, the time and the size alone. */
#include "core/base/buf.h"
#include "learn/monitor/monitor.h"

typedef struct ag_monitor_view {
    unsigned width, height; /* cells of the terminal; at most `height` lines of less than `width` cells are made */
    bool colour;
    bool last; /* what stays on the screen at the end: no bars */
} ag_monitor_view;

/* Lines with '\n' between them and none behind the last. Returns how many; 0: nothing to show. */
unsigned ag_monitor_screen(const ag_monitor *monitor, int64_t at, const ag_monitor_view *view, ag_buf *out);
