// SPDX-License-Identifier: Apache-2.0
/* hole.c: what every reader needs to finish a hole: the indexes, the runs of step numbers, flaws, the digest of a
 * trace. */
#include "data/hole.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/hash/hash.h"
#include "core/sys/clock.h"

static int need_channels(const ag_hole *hole, ag_err *err)
{
    static const ag_channel_id needed[] = {AG_CHANNEL_POSITION, AG_CHANNEL_TORQUE, AG_CHANNEL_THRUST, AG_CHANNEL_STEP};
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (!hole->signal.by_id[needed[i]]) {
            ag_fail(err, AG_EPARSE, "there is no %s channel", ag_channel_names[needed[i]].id);
            return ag_err_place(err, hole->file, 0, 0);
        }
    return AG_OK;
}

/* Rows from the end that repeat the last sample in position, torque and thrust. */
static size_t find_held(const ag_signal *signal, size_t begin, size_t end)
{
    const int32_t *position = signal->by_id[AG_CHANNEL_POSITION], *torque = signal->by_id[AG_CHANNEL_TORQUE],
                  *thrust = signal->by_id[AG_CHANNEL_THRUST];
    size_t held = end - 1;
    while (held > begin && position[held - 1] == position[end - 1] && torque[held - 1] == torque[end - 1] &&
           thrust[held - 1] == thrust[end - 1])
        held--;
    return held + 1; /* the first of the equal rows is a sample of its own */
}

/* The stop code of the step results, 0 when there is none. */
static int32_t told_code(const ag_hole *hole, int32_t number)
{
    for (size_t i = 0; i < hole->result_count; i++) {
        const double *value = hole->results[i].value;
        if (value[AG_RESULT_STEP] == number && value[AG_RESULT_STOP_CODE] >= 0 && value[AG_RESULT_STOP_CODE] <= 1e9)
            return (int32_t)value[AG_RESULT_STOP_CODE];
    }
    return 0;
}

static void fill_run(const ag_hole *hole, ag_step_run *run)
{
    const int32_t *step = hole->signal.by_id[AG_CHANNEL_STEP], *stop = hole->signal.by_id[AG_CHANNEL_STOP_CODE];
    run->number = step[run->begin] / 1000;
    run->program = ag_hole_program(hole, run->number);
    run->held = find_held(&hole->signal, run->begin, run->end);
    run->coded = run->end;
    if (!stop) {
        run->stop_code = told_code(hole, run->number);
        return;
    }
    run->stop_code = ag_stop_code_of(stop[run->end - 1]);
    while (run->coded > run->begin && stop[run->coded - 1] != 0) run->coded--;
}

static int find_runs(ag_hole *hole, ag_err *err)
{
    const int32_t *step = hole->signal.by_id[AG_CHANNEL_STEP];
    size_t rows = hole->signal.rows, count = rows > 0;
    for (size_t i = 1; i < rows; i++) count += step[i] != step[i - 1];
    hole->steps = ag_arena_array(hole->arena, count, sizeof(*hole->steps));
    if (!hole->steps) return ag_fail_memory(err, count * sizeof(*hole->steps));
    for (size_t begin = 0; begin < rows;) {
        size_t end = begin + 1;
        while (end < rows && step[end] == step[begin]) end++;
        ag_step_run *run = &hole->steps[hole->step_count++];
        *run = (ag_step_run){.begin = begin, .end = end};
        fill_run(hole, run);
        begin = end;
    }
    return AG_OK;
}

int ag_hole_finish(ag_hole *hole, ag_err *err)
{
    for (size_t i = hole->field_count; i-- > 0;)
        if (hole->fields[i].id < AG_HEADER_COUNT) hole->by_id[hole->fields[i].id] = &hole->fields[i];
    for (size_t i = hole->signal.count; i-- > 0;)
        if (hole->signal.channels[i].id < AG_CHANNEL_COUNT)
            hole->signal.by_id[hole->signal.channels[i].id] = hole->signal.channels[i].values;
    int rc = need_channels(hole, err);
    if (rc < 0) return rc;
    if (!(hole->signal.rate > 0)) {
        double rate = ag_hole_number(hole, AG_HEADER_SAMPLE_RATE);
        hole->signal.rate = rate > 0 && rate < 1e9 ? rate : 0;
    }
    return find_runs(hole, err);
}

bool ag_hole_breaks_off(const ag_hole *hole)
{
    const int32_t *stop = hole->signal.by_id[AG_CHANNEL_STOP_CODE];
    size_t rows = hole->signal.rows;
    bool any = false;
    for (size_t i = 0; stop && i < rows && !any; i++) any = stop[i] != AG_SAMPLE_ABSENT;
    return any && ag_stop_code_of(stop[rows - 1]) == 0;
}

ag_str ag_hole_text(const ag_hole *hole, ag_header_id id)
{
    return hole->by_id[id] ? hole->by_id[id]->text : AG_STR("");
}

double ag_hole_number(const ag_hole *hole, ag_header_id id)
{
    return hole->by_id[id] ? hole->by_id[id]->number : NAN;
}

const ag_program_step *ag_hole_program(const ag_hole *hole, int32_t number)
{
    for (size_t i = 0; i < hole->program_count; i++)
        if (hole->program[i].number == number) return &hole->program[i];
    return NULL;
}

bool ag_hole_date(const ag_hole *hole, int64_t *out)
{
    ag_str text = ag_hole_text(hole, AG_HEADER_DATE);
    char copy[40];
    if (text.size < 19 || text.size >= sizeof(copy)) return false;
    memcpy(copy, text.data, text.size);
    if (copy[10] == ':') copy[10] = 'T'; /* 2021-11-12:12:12:56 */
    return ag_instant_parse((ag_str){copy, text.size}, out, NULL) == AG_OK;
}

int ag_flaw_add(ag_flaws *flaws, ag_arena *arena, const ag_flaw *flaw, ag_err *err, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    ag_flaw *added = ag_arena_alloc(arena, sizeof(*added));
    char *copy = ag_arena_strdup(arena, text);
    if (!added || !copy) return ag_fail_memory(err, sizeof(*added) + sizeof(text));
    *added = *flaw;
    added->text = copy;
    added->next = NULL;
    if (flaws->last)
        flaws->last->next = added;
    else
        flaws->first = added;
    flaws->last = added;
    flaws->count++;
    return AG_OK;
}

int ag_hole_trace_digest(const ag_hole *hole, uint8_t out[32], ag_err *err)
{
    static const ag_channel_id covered[] = {AG_CHANNEL_POSITION, AG_CHANNEL_TORQUE, AG_CHANNEL_THRUST, AG_CHANNEL_STEP};
    ag_hasher *hasher = NULL;
    int rc = ag_hasher_new(&hasher, err);
    for (size_t i = 0; rc == AG_OK && i < sizeof(covered) / sizeof(covered[0]); i++)
        rc = ag_hasher_add(hasher, hole->signal.by_id[covered[i]], hole->signal.rows * sizeof(int32_t), err);
    ag_sha256 digest;
    if (rc == AG_OK) rc = ag_hasher_finish(hasher, &digest, err);
    if (rc == AG_OK) memcpy(out, digest.bytes, sizeof(digest.bytes));
    ag_hasher_free(hasher);
    return rc;
}
