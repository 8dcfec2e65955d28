// SPDX-License-Identifier: Apache-2.0
/* step_codes.c: the labeller that believes the controller where it knows the material. A step that ended because torque
 * rose above a low level ended at the entry; above a high one, at a transition; one that its detector of the exit ended
 * (2048) left the material its gap before. Steps that end at their stroke say nothing, whatever their number. */
#include <math.h>

#include "data/label/label.h"

static const double contact = 0.5, metal = 2.0, contact_lag = 0.5, metal_lag = 0.3, point = 1.6, left = 0.85;

static double program_value(const ag_step_run *run, ag_program_id id)
{
    return run->program ? run->program->value[id] : (double)NAN;
}

static int label(const ag_hole *hole, const ag_verdict *verdict, ag_arena *arena, ag_label *out, ag_err *err)
{
    (void)arena;
    (void)err;
    if (verdict->classes & AG_CLASS_AIR) {
        if (ag_hole_breaks_off(hole)) return AG_OK; /* what would have come is not known */
        out->outcome = AG_LABEL_EMPTY;
        out->clarity = out->quality = 1;
        return AG_OK;
    }
    bool seized = verdict->classes & AG_CLASS_SEIZED;
    for (size_t i = 0; i < hole->step_count; i++) {
        const ag_step_run *run = &hole->steps[i];
        double end = ag_signal_depth(&hole->signal, run->end - 1), most = program_value(run, AG_PROGRAM_TORQUE_MAX);
        if (!isnan(out->exit)) break; /* what follows is a countersink */
        if (run->stop_code == 1 && most > 0 && most <= contact) out->entry = end - contact_lag;
        if (run->stop_code == 1 && most >= metal && i == 0) out->transition[out->transition_count++] = end - metal_lag;
        if (run->stop_code == 2048 && !seized) {
            out->full_exit = end - program_value(run, AG_PROGRAM_GAP);
            out->exit = out->full_exit - left * point;
        }
    }
    bool any = !isnan(out->entry) || out->transition_count || !isnan(out->exit);
    if (any) out->outcome = isnan(out->exit) ? AG_LABEL_NO_EXIT : AG_LABEL_FOUND;
    if (any && isnan(out->full_exit)) out->full_exit = out->exit;
    out->point = point;
    out->uncertainty = 0.4;
    out->clarity = any ? 0.6 : 0;
    out->quality = verdict->valid ? 1 : 0.6;
    return AG_OK;
}

const ag_labeller ag_labeller_step_codes = {
    .name = "step-codes",
    .doc = "Events that the controller itself has seen: contact, metal, the exit",
    .label = label,
};
