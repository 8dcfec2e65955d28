// SPDX-License-Identifier: Apache-2.0
/* label.c: the list of labellers, what they say together, how sure that is, and what follows from it. */
#include "data/label/label.h"

#include <math.h>
#include <string.h>

#include "core/base/median.h"
#include "core/base/mem.h"

extern const ag_labeller ag_labeller_change_points, ag_labeller_step_codes;
static const ag_labeller *const labellers[] = {&ag_labeller_change_points, &ag_labeller_step_codes};

enum { LABELLER_COUNT = sizeof(labellers) / sizeof(labellers[0]), FEWEST = 5 };
static const double contradiction_mm = 1.0;

#define AT(member) offsetof(ag_label_settings, member)
static const ag_field fields[] = {
    {.name = "high",
     .type = AG_FIELD_REAL,
     .offset = AT(high),
     .fallback = "0.9",
     .min = 0,
     .max = 1,
     .doc = "A label above this confidence is called high."},
    {.name = "medium",
     .type = AG_FIELD_REAL,
     .offset = AT(medium),
     .fallback = "0.7",
     .min = 0,
     .max = 1,
     .doc = "Above this one medium, else low."},
    {.name = "grip_pitch",
     .type = AG_FIELD_REAL,
     .offset = AT(grip_pitch),
     .fallback = "1.5875",
     .min = 0.001,
     .max = 1000,
     .doc = "Thickness per grip code, in mm: a sixteenth of an inch."},
    {.name = "grip_tolerance",
     .type = AG_FIELD_REAL,
     .offset = AT(grip_tolerance),
     .fallback = "0",
     .min = 0,
     .max = 1000,
     .doc = "A thickness may exceed the upper end of its code by this, in mm; some shops take 0.127."},
    {.name = "grip_codes",
     .type = AG_FIELD_INT,
     .offset = AT(grip_codes),
     .fallback = "25",
     .min = 1,
     .max = 1000000,
     .doc = "There are so many grip codes."},
};
const ag_description ag_label_settings_description = {
    .name = "labels", .size = sizeof(ag_label_settings), .fields = fields, .count = sizeof(fields) / sizeof(fields[0])};

int ag_label_settings_default(ag_label_settings *out, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    int rc = ag_describe_defaults(&ag_label_settings_description, arena, out, err);
    ag_arena_free(arena);
    return rc;
}

ag_labeller_table ag_labellers(void)
{
    return (ag_labeller_table){labellers, LABELLER_COUNT};
}

const ag_labeller *ag_labeller_find(const char *name)
{
    for (size_t i = 0; i < LABELLER_COUNT; i++)
        if (strcmp(labellers[i]->name, name) == 0) return labellers[i];
    return NULL;
}

const char *ag_label_outcome_name(ag_label_outcome outcome)
{
    static const char *const names[] = {"none", "found", "no exit", "empty"};
    return names[outcome];
}

static double within_one(double value)
{
    return value > 0 ? value < 1 ? value : 1 : 0;
}

static void weigh(ag_label *label)
{
    label->clarity = within_one(label->clarity);
    label->quality = within_one(label->quality);
    label->consistency = within_one(label->consistency);
    label->confidence = label->clarity * label->quality * label->consistency;
}

int ag_label_by(const ag_labeller *labeller, const ag_hole *hole, const ag_verdict *verdict, ag_arena *arena,
                ag_label *out, ag_err *err)
{
    double none = (double)NAN;
    ag_label label = {
        .entry = none, .exit = none, .full_exit = none, .point = none, .disagreement = none, .consistency = 1};
    label.source = labeller->name;
    for (size_t i = 0; i < AG_LABEL_TRANSITIONS; i++) label.transition[i] = none;
    int rc = hole->signal.rows ? labeller->label(hole, verdict, arena, &label, err) : AG_OK;
    if (rc < 0) return rc;
    weigh(&label);
    *out = label;
    return AG_OK;
}

/* What a whole label is: the ends that its outcome promises, none above the surface, each below the one before. */
static bool is_whole(const ag_label *label)
{
    double last = 0;
    if (label->outcome == AG_LABEL_FOUND && (isnan(label->entry) || isnan(label->exit))) return false;
    for (size_t i = 0; i < label->transition_count + 2; i++) {
        double depth = i == 0                             ? label->entry
                       : i == label->transition_count + 1 ? label->exit
                                                          : label->transition[i - 1];
        if (depth < last) return false; /* not when it is absent */
        if (!isnan(depth)) last = depth;
    }
    return true;
}

/* The controller's word is coarse: it stands in where the shapes say nothing and it is a whole answer, and casts doubt
 * where they contradict it. */
static void combine(ag_label *shape, const ag_label *code)
{
    if (shape->outcome == AG_LABEL_NONE) {
        if (code->outcome != AG_LABEL_NONE && is_whole(code)) *shape = *code;
        return;
    }
    double worst = NAN;
    if (!isnan(shape->entry) && !isnan(code->entry)) worst = fmax(worst, fabs(shape->entry - code->entry));
    if (!isnan(shape->exit) && !isnan(code->exit)) worst = fmax(worst, fabs(shape->exit - code->exit));
    shape->disagreement = worst;
    if (worst > contradiction_mm) shape->clarity *= contradiction_mm / worst;
    weigh(shape);
}

int ag_label_hole(const ag_hole *hole, const ag_verdict *verdict, ag_arena *arena, ag_label *out, ag_err *err)
{
    ag_label code;
    int rc = ag_label_by(&ag_labeller_change_points, hole, verdict, arena, out, err);
    if (rc == AG_OK) rc = ag_label_by(&ag_labeller_step_codes, hole, verdict, arena, &code, err);
    if (rc == AG_OK) combine(out, &code);
    return rc;
}

/* ---------------------------------------------------------------------------------------------------- consistency --
 */

enum { MOST_ALIKE = 3 };
static const double alike_mm = 0.25;

/* What can be compared of a hole: thickness, and how deep under the entry the first transition lies. */
static double trait_of(const ag_label *label, int trait)
{
    if (label->outcome != AG_LABEL_FOUND) return NAN;
    if (trait == 0) return label->exit - label->entry;
    return label->transition_count > 0 ? label->transition[0] - label->entry : (double)NAN;
}

/* A trait within 0.25 mm of the middle, or two and a half robust deviations where holes really differ, is as good as
 * any; beyond that doubt grows with the distance. */
static void compare_trait(ag_label *const *labels, size_t count, int trait, double *values)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(trait_of(labels[i], trait))) values[found++] = trait_of(labels[i], trait);
    if (found < FEWEST) return;
    double middle = ag_median(values, found);
    for (size_t i = 0; i < found; i++) values[i] = fabs(values[i] - middle);
    double limit = fmax(2.5 * 1.4826 * ag_median(values, found), alike_mm);
    for (size_t i = 0; i < count; i++) {
        double away = fabs(trait_of(labels[i], trait) - middle);
        if (away > limit) labels[i]->consistency = fmin(labels[i]->consistency, limit / away);
    }
}

/* Where three of four holes have the same number of transitions, another number is doubtful. */
static void compare_transitions(ag_label *const *labels, size_t count)
{
    size_t found = 0, with[AG_LABEL_TRANSITIONS + 1] = {0}, usual = 0;
    for (size_t i = 0; i < count; i++) {
        if (labels[i]->outcome != AG_LABEL_FOUND) continue;
        found++;
        with[labels[i]->transition_count]++;
    }
    for (size_t k = 1; k <= AG_LABEL_TRANSITIONS; k++)
        if (with[k] > with[usual]) usual = k;
    if (found < FEWEST || with[usual] * 4 < found * MOST_ALIKE) return;
    for (size_t i = 0; i < count; i++)
        if (labels[i]->outcome == AG_LABEL_FOUND && labels[i]->transition_count != usual)
            labels[i]->consistency = fmin(labels[i]->consistency, 0.7);
}

int ag_label_compare(ag_label *const *labels, size_t count, ag_err *err)
{
    double *values = ag_alloc_array(count ? count : 1, sizeof(double));
    if (!values) return ag_fail_memory(err, count * sizeof(double));
    compare_trait(labels, count, 0, values);
    compare_trait(labels, count, 1, values);
    compare_transitions(labels, count);
    for (size_t i = 0; i < count; i++)
        if (labels[i]->outcome == AG_LABEL_FOUND) weigh(labels[i]);
    ag_free(values);
    return AG_OK;
}

const char *ag_label_category(const ag_label *label, const ag_label_settings *settings)
{
    if (label->outcome == AG_LABEL_EMPTY) return "empty";
    return label->confidence > settings->high ? "high" : label->confidence > settings->medium ? "medium" : "low";
}

int ag_label_grip(double thickness, const ag_label_settings *settings)
{
    if (!(thickness > 0)) return 0;
    double code = ceil((thickness - settings->grip_tolerance) / settings->grip_pitch);
    if (code < 1) code = 1;
    return code > (double)settings->grip_codes ? 0 : (int)code;
}
