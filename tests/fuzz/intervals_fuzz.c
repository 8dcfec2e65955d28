// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an intervals.json: what is accepted has widths that can be used, and is written and read as the same. */
#include <stdlib.h>
#include <string.h>

#include "learn/forecast/intervals.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 2, STEPS = 2 };
static const char *const names[COLUMNS] = {"a", "b"};

static void check(const ag_intervals *intervals)
{
    ag_err err = {0};
    for (size_t l = 0; l < intervals->levels; l++) {
        const double *at = ag_intervals_at(intervals, intervals->coverage[l], &err);
        for (size_t i = 0; at && i < COLUMNS * STEPS; i++)
            if (!(at[i] >= 0.0 && at[i] <= 1e30)) abort();
    }
}

static void write_again(const ag_intervals *intervals, ag_arena *arena)
{
    ag_err err = {0};
    ag_buf text, again;
    ag_intervals read;
    ag_buf_init(&text, 1 << 24);
    ag_buf_init(&again, 1 << 24);
    if (ag_intervals_write(intervals, names, &text, &err) < 0) abort();
    if (ag_intervals_parse(ag_buf_str(&text), "again", names, COLUMNS, STEPS, arena, &read, &err) < 0) abort();
    if (ag_intervals_write(&read, names, &again, &err) < 0) abort();
    if (text.size != again.size || memcmp(text.data, again.data, text.size) != 0) abort();
    ag_buf_deinit(&text);
    ag_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_err err = {0};
    ag_intervals intervals;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return 0;
    int rc =
        ag_intervals_parse((ag_str){(const char *)data, size}, "input", names, COLUMNS, STEPS, arena, &intervals, &err);
    if (rc < 0 && (!*err.text || err.code != (ag_code)rc)) abort();
    if (rc >= 0) {
        check(&intervals);
        write_again(&intervals, arena);
    }
    ag_arena_free(arena);
    return 0;
}
