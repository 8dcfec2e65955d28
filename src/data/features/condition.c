// SPDX-License-Identifier: Apache-2.0
/* condition.c: what is the same all over a hole. The program is told by what matters of it: how many steps, and speed
 * and feed of the last but one that cuts (the slowest feed), which is the one that the hardest material gets. */
#include <math.h>
#include <string.h>

#include "data/features/feature.h"

const ag_condition ag_conditions[AG_CONDITIONS] = {
    {"tool_age", "holes", "Holes that the tool has drilled: tool_counter.", 20, 20},
    {"predrilled", "", "1 for a hole that is drilled again: its file's name ends in a third counter.", 0, 1},
    {"steps", "", "Steps that the program enables.", 2, 1},
    {"rpm", "1/min", "Speed of the step with the slowest feed.", 2000, 2000},
    {"feed", "mm/s", "That feed.", 2, 2},
};

int ag_condition_find(const char *name)
{
    for (int i = 0; i < AG_CONDITIONS; i++)
        if (strcmp(ag_conditions[i].name, name) == 0) return i;
    return -1;
}

static void take_step(double rpm, double feed, double out[AG_CONDITIONS])
{
    out[AG_CONDITION_STEPS] = isnan(out[AG_CONDITION_STEPS]) ? 1 : out[AG_CONDITION_STEPS] + 1;
    if (!(feed > 0) || (!isnan(out[AG_CONDITION_FEED]) && feed >= out[AG_CONDITION_FEED])) return;
    out[AG_CONDITION_FEED] = feed;
    out[AG_CONDITION_RPM] = rpm;
}

static double number_of(ag_str text)
{
    double value;
    return ag_str_to_double(ag_str_trim(text), &value) && isfinite(value) ? value : (double)NAN;
}

/* "..._ST_1000_1.xls" has two counters, "..._ST_1000_1_2.xls" three. */
static double predrilled_of(ag_str path)
{
    size_t at = ag_str_find(path, AG_STR("_ST_"), 0);
    if (at == SIZE_MAX) return NAN;
    size_t counters = 1;
    for (size_t i = at + 4; i < path.size && path.data[i] != '.'; i++) counters += path.data[i] == '_';
    return counters > 2;
}

static void clear(double out[AG_CONDITIONS])
{
    for (int i = 0; i < AG_CONDITIONS; i++) out[i] = NAN;
}

void ag_conditions_read(const char *program, const char *tool_counter, const char *path, double out[AG_CONDITIONS])
{
    ag_str rest = ag_str_of(program), step;
    clear(out);
    out[AG_CONDITION_TOOL_AGE] = number_of(ag_str_of(tool_counter));
    out[AG_CONDITION_PREDRILLED] = predrilled_of(ag_str_of(path));
    while (rest.data && ag_str_next(&rest, '|', &step)) {
        ag_str part;
        if (!ag_str_next(&step, '@', &part) || !step.data || !ag_str_next(&step, '/', &part) || !step.data) continue;
        take_step(number_of(part), number_of(step), out);
    }
}

void ag_conditions_of(const ag_hole *hole, double out[AG_CONDITIONS])
{
    clear(out);
    out[AG_CONDITION_TOOL_AGE] = ag_hole_number(hole, AG_HEADER_HEAD_LOCAL_COUNTER);
    out[AG_CONDITION_PREDRILLED] = predrilled_of(ag_str_of(hole->file));
    for (size_t i = 0; i < hole->program_count; i++) {
        const double *value = hole->program[i].value;
        if (hole->program[i].enabled) take_step(value[AG_PROGRAM_RPM], value[AG_PROGRAM_FEED], out);
    }
}
