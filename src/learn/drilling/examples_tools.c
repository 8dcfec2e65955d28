// SPDX-License-Identifier: Apache-2.0
/* examples_tools.c: which holes a tool has drilled. No file says it. But a head counts its holes and those of the tool
 * in it: sorted by the first, a new tool begins where the second falls back. A head that two machines share is one head
 * here, and two campaigns whose counter happens to rise from one to the next become one tool: both keep together what
 * might have been parted, which does no harm. Holes without a head's name or its counters are tools of their own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/drilling/examples.h"

typedef struct counted { /* a hole by the counters of its head */
    const char *head, *path;
    double of_head, of_tool;
    size_t item;
} counted;

static int ascending(const void *a, const void *b)
{
    const counted *x = a, *y = b;
    int order = strcmp(x->head, y->head);
    if (order) return order;
    if (x->of_head != y->of_head) return x->of_head > y->of_head ? 1 : -1;
    if (x->of_tool != y->of_tool) return x->of_tool > y->of_tool ? 1 : -1;
    return strcmp(x->path, y->path);
}

static bool read_counter(const char *text, double *out)
{
    return text && *text && ag_str_to_double(ag_str_of(text), out) && isfinite(*out);
}

/* Several holes of one counter (drilled again, recorded twice) are one tool's. */
int ag_examples_tools(const ag_example_set *set, ag_arena *arena, uint32_t **out, size_t *count, ag_err *err)
{
    uint32_t *tool = ag_arena_array(arena, set->count + 1, sizeof *tool);
    counted *sorted = ag_arena_array(arena, set->count + 1, sizeof *sorted);
    size_t known = 0, tools = 0;
    if (!tool || !sorted) return ag_fail_memory(err, set->count * sizeof *sorted);
    for (size_t i = 0; i < set->count; i++) {
        const ag_prepared *hole = set->items[i].hole;
        counted next = {.head = hole->head, .path = hole->path, .item = i};
        if (next.head && *next.head && read_counter(hole->head_counter, &next.of_head) &&
            read_counter(hole->tool_counter, &next.of_tool))
            sorted[known++] = next;
        else
            tool[i] = (uint32_t)tools++;
    }
    if (known) qsort(sorted, known, sizeof *sorted, ascending);
    for (size_t i = 0; i < known; i++) {
        bool runs_on =
            i && strcmp(sorted[i].head, sorted[i - 1].head) == 0 && sorted[i].of_tool >= sorted[i - 1].of_tool;
        tool[sorted[i].item] = (uint32_t)(runs_on ? tools - 1 : tools++);
    }
    *out = tool;
    *count = tools;
    return 0;
}
