// SPDX-License-Identifier: Apache-2.0
/* examples_doubt.c: whether labels of people and tables can be right. The automatic labels of the same holes are off by
 * tenths of a millimetre, to either side; labels that lie a millimetre to one side of them on the median have another
 * zero or another unit, and a model would learn that. It is told, not refused: the labellers may be the ones that err,
 * in a material that they do not know. */
#include <math.h>

#include "core/base/median.h"
#include "learn/drilling/examples_parts.h"

int ag_examples_doubt(ag_example_set *set, const ag_labelled_set *labelled, ag_arena *arena, ag_err *err)
{
    double *entry = ag_arena_array(arena, set->count + 1, sizeof *entry);
    double *exit = ag_arena_array(arena, set->count + 1, sizeof *exit);
    size_t count = 0;
    if (!entry || !exit) return ag_fail_memory(err, set->count * sizeof *entry);
    for (size_t i = 0; i < set->count; i++) {
        const ag_example *e = &set->items[i];
        const ag_label_event *automatic = &labelled->items[e->hole - labelled->prepared.holes].automatic;
        if (e->known.outcome != AG_LABEL_FOUND || ag_known_by_labeller(&e->known)) continue;
        if (automatic->outcome != AG_LABEL_FOUND) continue;
        entry[count] = e->known.mm[AG_POINT_ENTRY] - automatic->entry;
        exit[count] = e->known.mm[AG_POINT_EXIT] - automatic->exit;
        if (!isnan(entry[count]) && !isnan(exit[count])) count++;
    }
    set->doubt.compared = count;
    if (count == 0) return 0;
    set->doubt.entry_mm = ag_median(entry, count);
    set->doubt.exit_mm = ag_median(exit, count);
    return 0;
}
