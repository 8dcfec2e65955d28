// SPDX-License-Identifier: Apache-2.0
#pragma once
/* signal.h: a sampled multichannel series with units. Every sample is an exact int32 in thousandths of the channel's
 * unit (the machines write three decimals), one column per channel. A signal lives in the arena that its reader got. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

/* What a prepared dataset writes where a file has no such channel, and a reader where a cell is null. */
#define AG_SAMPLE_ABSENT INT32_MIN

typedef enum ag_channel_id {
    AG_CHANNEL_POSITION,     /* mm along the feed axis, negative into the part; depth = -position */
    AG_CHANNEL_TORQUE,       /* A above idle */
    AG_CHANNEL_THRUST,       /* A above idle */
    AG_CHANNEL_TORQUE_EMPTY, /* A, idle current of the spindle, constant within a step */
    AG_CHANNEL_THRUST_EMPTY, /* A */
    AG_CHANNEL_STEP,         /* program row in force */
    AG_CHANNEL_STOP_CODE,    /* bits, set in the last rows of a step; see ag_stop_code_of() */
    AG_CHANNEL_TORQUE_STATE, /* state 0 to 4 of the torque-drop exit detector ("Mem Torque min") */
    AG_CHANNEL_THRUST_STATE,
    AG_CHANNEL_ROTATION, /* rpm, negative clockwise */
    AG_CHANNEL_FEED,     /* mm/s, measured */
    AG_CHANNEL_POWER,    /* W */
    AG_CHANNEL_GAP,      /* mm of air between layers */
    AG_CHANNEL_COUNT,
    AG_CHANNEL_OTHER = AG_CHANNEL_COUNT, /* a column that no table knows, under its own name */
} ag_channel_id;

typedef struct ag_channel {
    ag_channel_id id;
    ag_str name;     /* as the file writes it, in UTF-8 */
    int32_t *values; /* [rows], thousandths */
} ag_channel;

typedef struct ag_signal {
    double rate; /* samples per second; 0: not known */
    size_t rows;
    ag_channel *channels; /* in the order of the file */
    size_t count;
    const int32_t *by_id[AG_CHANNEL_COUNT]; /* NULL when absent */
} ag_signal;

static inline double ag_signal_value(const ag_signal *signal, ag_channel_id id, size_t row)
{
    return (double)signal->by_id[id][row] / 1000.0;
}

/* Millimetres into the part. */
static inline double ag_signal_depth(const ag_signal *signal, size_t row)
{
    return (double)signal->by_id[AG_CHANNEL_POSITION][row] / -1000.0;
}

/* The bits of a cell of AG_CHANNEL_STOP_CODE. From 2^22 on (overloads) they do not fit 32 bits as thousandths, and the
 * cell is the code itself with a minus in front. */
static inline int32_t ag_stop_code_of(int32_t cell)
{
    if (cell == AG_SAMPLE_ABSENT) return 0;
    return cell < 0 ? -cell : cell / 1000;
}
static inline bool ag_stop_code_is_whole(int32_t cell)
{
    return cell < 0 ? cell < -(INT32_MAX / 1000) && cell > -(1 << 24) : cell % 1000 == 0;
}
