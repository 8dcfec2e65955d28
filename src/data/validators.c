// SPDX-License-Identifier: Apache-2.0
/* validators.c: the list of validators, and a hole's way through them. Classes are found here, because several
 * validators ask for them. A new validator is one file in validate/ and one line here. */
#include "data/validator.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VALIDATORS(ROW) ROW(format) ROW(signal) ROW(steps) ROW(time) ROW(metadata)

#define DECLARE(name) extern const ag_validator ag_validator_##name;
VALIDATORS(DECLARE)

#define REFER(name) &ag_validator_##name,
static const ag_validator *const validators[] = {VALIDATORS(REFER)};

enum { VALIDATOR_COUNT = sizeof(validators) / sizeof(validators[0]) };

ag_validator_table ag_validators(void)
{
    return (ag_validator_table){validators, VALIDATOR_COUNT};
}

const ag_rule *ag_rule_find(const char *id, const ag_validator **validator)
{
    for (size_t v = 0; v < VALIDATOR_COUNT; v++)
        for (size_t r = 0; r < validators[v]->count; r++)
            if (strcmp(validators[v]->rules[r].id, id) == 0) {
                if (validator) *validator = validators[v];
                return &validators[v]->rules[r];
            }
    return NULL;
}

static int add_flaw(ag_validation *v, const ag_flaw *flaw, ag_err *err, const char *text)
{
    const ag_rule *rule = ag_rule_find(flaw->rule, NULL);
    if (!rule) return ag_fail(err, AG_EINTERNAL, "there is no rule '%s'", flaw->rule);
    ag_flaw copy = *flaw;
    copy.rule = rule->id;
    copy.severity = rule->severity;
    if (rule->severity == AG_SEVERITY_FAIL) {
        v->verdict->valid = false;
        v->verdict->fail_count++;
        for (size_t i = 0; i < VALIDATOR_COUNT; i++)
            if (validators[i] == v->validator) v->verdict->failed |= 1u << i;
    } else if (rule->severity == AG_SEVERITY_WARN) {
        v->verdict->warn_count++;
    } else {
        v->verdict->note_count++;
    }
    return ag_flaw_add(&v->verdict->flaws, v->arena, &copy, err, "%s", text);
}

int ag_validation_flaw(ag_validation *validation, const char *rule, size_t row, ag_err *err, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return add_flaw(validation, &(ag_flaw){.rule = rule, .row = row}, err, text);
}

int ag_validation_take(ag_validation *validation, ag_err *err)
{
    int rc = AG_OK;
    for (const ag_flaw *flaw = validation->hole->flaws.first; rc == AG_OK && flaw; flaw = flaw->next)
        if (flaw->rule[0] == validation->validator->id[0]) rc = add_flaw(validation, flaw, err, flaw->text);
    return rc;
}

void ag_flaws_rules(const ag_flaws *flaws, bool fails, ag_buf *out)
{
    size_t begun = out->size;
    for (const ag_flaw *flaw = flaws->first; flaw; flaw = flaw->next) {
        if ((flaw->severity == AG_SEVERITY_FAIL) != fails) continue;
        bool told = false;
        for (const ag_flaw *before = flaws->first; before != flaw && !told; before = before->next)
            told = strcmp(before->rule, flaw->rule) == 0;
        if (!told) ag_buf_addf(out, "%s%s", out->size > begun ? "|" : "", flaw->rule);
    }
}

const char *ag_flaws_failure(const ag_flaws *flaws)
{
    for (const ag_flaw *flaw = flaws->first; flaw; flaw = flaw->next)
        if (flaw->severity == AG_SEVERITY_FAIL) return flaw->text;
    return NULL;
}

bool ag_step_pecks(const ag_hole *hole, const ag_limits *limits, const ag_program_step *step)
{
    ag_str type = ag_hole_text(hole, AG_HEADER_MOTOR_TYPE), name = ag_hole_text(hole, AG_HEADER_MOTOR_NAME);
    if (!ag_str_is(type, "M_EDU") && !ag_str_is(name, "M_EDU")) return false;
    return step && step->value[AG_PROGRAM_RPM] <= limits->micropeck_rpm &&
           ag_hole_number(hole, AG_HEADER_MICROPECK_OSCILLATIONS) > 0;
}

/* Peaks of the torque, and what kind of hole this is. */
static void classify(const ag_validation *v)
{
    const ag_hole *hole = v->hole;
    const int32_t *torque = hole->signal.by_id[AG_CHANNEL_TORQUE], *idle = hole->signal.by_id[AG_CHANNEL_TORQUE_EMPTY];
    int64_t net = 0, total = 0;
    for (size_t i = 0; i < hole->signal.rows; i++) {
        int64_t sum = (int64_t)torque[i] + (idle ? idle[i] : 0);
        if (torque[i] > net) net = torque[i];
        if (sum > total) total = sum;
    }
    ag_verdict *verdict = v->verdict;
    verdict->peak_torque = (double)net / 1000;
    verdict->peak_total = (double)total / 1000;
    if (verdict->peak_torque < v->limits->air_torque)
        verdict->classes |= AG_CLASS_AIR;
    else if (verdict->peak_torque < v->limits->weak_torque)
        verdict->classes |= AG_CLASS_WEAK;
    if (hole->step_count == 1) verdict->classes |= AG_CLASS_SINGLE_STEP;
    for (size_t i = 0; i < hole->step_count; i++) {
        if (hole->steps[i].stop_code & 2) verdict->classes |= AG_CLASS_SEIZED;
        if (ag_step_pecks(hole, v->limits, hole->steps[i].program)) verdict->classes |= AG_CLASS_MICROPECK;
    }
}

int ag_validate(const ag_hole *hole, const ag_limits *limits, ag_arena *arena, ag_verdict *out, ag_err *err)
{
    ag_verdict verdict = {.valid = true};
    ag_validation validation = {.hole = hole, .limits = limits, .arena = arena, .verdict = &verdict};
    classify(&validation);
    for (size_t i = 0; i < VALIDATOR_COUNT; i++) {
        validation.validator = validators[i];
        int rc = validators[i]->check(&validation, err);
        if (rc < 0) return rc;
    }
    *out = verdict;
    return AG_OK;
}

void ag_class_format(unsigned classes, char out[64])
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{AG_CLASS_AIR, "air"},
                 {AG_CLASS_SEIZED, "seized"},
                 {AG_CLASS_MICROPECK, "micro-peck"},
                 {AG_CLASS_SINGLE_STEP, "single-step"},
                 {AG_CLASS_WEAK, "weak"}};
    size_t at = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!(classes & names[i].bit)) continue;
        int written = snprintf(out + at, 64 - at, "%s%s", at ? "+" : "", names[i].name);
        at += written > 0 ? (size_t)written : 0;
    }
    if (at == 0) snprintf(out, 64, "cut");
}
