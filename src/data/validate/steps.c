// SPDX-License-Identifier: Apache-2.0
/* steps.c: validator T. Step numbers and stop codes against the program and the machine's own account of its steps.
 * Sources without stop codes among their samples (MQTT) are asked for them in their step results. */
#include <math.h>

#include "data/validator.h"

static const ag_rule rules[] = {
    {"T1", AG_SEVERITY_FAIL, NULL, "Step numbers and stop codes are integers, not negative."},
    {"T2", AG_SEVERITY_FAIL, NULL, "Each step is one run of rows, with growing numbers."},
    {"T3", AG_SEVERITY_FAIL, NULL, "The steps are the first ones of those that the program enables."},
    {"T4", AG_SEVERITY_FAIL, NULL, "Each step has exactly one stop code."},
    {"T5", AG_SEVERITY_FAIL, "code_rows", "It stands in the last rows of the step only."},
    {"T6", AG_SEVERITY_FAIL, NULL, "No safety, limit or person stopped the machine."},
    {"T7", AG_SEVERITY_FAIL, NULL, "A step that is not the last ended with a code that goes on to the next."},
    {"T8", AG_SEVERITY_FAIL, NULL, "The step results tell the same steps and codes."},
    {"T9", AG_SEVERITY_NOTE, NULL, "There is more than one step."},
    {"T10", AG_SEVERITY_FAIL, "stroke_tolerance", "A step that ended at its stroke went that far."},
};

/* -1: nobody tells. */
static int32_t code_of(const ag_hole *hole, size_t step)
{
    int32_t code = hole->steps[step].stop_code;
    return code > 0 || hole->signal.by_id[AG_CHANNEL_STOP_CODE] ? code : -1;
}

static int check_integers(ag_validation *v, ag_err *err)
{
    const int32_t *step = v->hole->signal.by_id[AG_CHANNEL_STEP], *stop = v->hole->signal.by_id[AG_CHANNEL_STOP_CODE];
    for (size_t i = 0; i < v->hole->signal.rows; i++) {
        if (i > 0 && step[i] == step[i - 1] && (!stop || stop[i] == stop[i - 1])) continue;
        if (step[i] < 0 || step[i] % 1000 != 0)
            return ag_validation_flaw(v, "T1", i, err, "the step is %.3f in row %zu", step[i] * 0.001, i + 1);
        if (stop && !ag_stop_code_is_whole(stop[i]))
            return ag_validation_flaw(v, "T1", i, err, "the stop code is %.3f in row %zu", stop[i] * 0.001, i + 1);
    }
    return AG_OK;
}

static int check_order(ag_validation *v, ag_err *err)
{
    const ag_hole *hole = v->hole;
    for (size_t i = 1; i < hole->step_count; i++)
        if (hole->steps[i].number <= hole->steps[i - 1].number)
            return ag_validation_flaw(v, "T2", hole->steps[i].begin, err, "step %d follows step %d in row %zu",
                                      (int)hole->steps[i].number, (int)hole->steps[i - 1].number,
                                      hole->steps[i].begin + 1);
    return AG_OK;
}

static int check_program(ag_validation *v, ag_err *err)
{
    const ag_hole *hole = v->hole;
    size_t at = 0;
    if (hole->program_count == 0) return AG_OK; /* M3 judges that; MQTT and CSV have none */
    for (size_t i = 0; i < hole->step_count; i++, at++) {
        while (at < hole->program_count && !hole->program[at].enabled) at++;
        if (at == hole->program_count)
            return ag_validation_flaw(v, "T3", hole->steps[i].begin, err, "step %d is not enabled in the program",
                                      (int)hole->steps[i].number);
        if (hole->program[at].number != hole->steps[i].number)
            return ag_validation_flaw(v, "T3", hole->steps[i].begin, err, "step %d runs where the program has step %d",
                                      (int)hole->steps[i].number, (int)hole->program[at].number);
    }
    return AG_OK;
}

static int check_one_code(ag_validation *v, const ag_step_run *run, ag_err *err)
{
    const int32_t *stop = v->hole->signal.by_id[AG_CHANNEL_STOP_CODE];
    if (run->stop_code == 0)
        return ag_validation_flaw(v, "T4", run->end - 1, err, "step %d ends without a stop code", (int)run->number);
    for (size_t i = run->begin; i < run->end; i++) {
        if (stop[i] == (i < run->coded ? 0 : stop[run->end - 1])) continue;
        return ag_validation_flaw(v, "T4", i, err, "step %d has stop code %d in row %zu and ends with %d",
                                  (int)run->number, (int)ag_stop_code_of(stop[i]), i + 1, (int)run->stop_code);
    }
    if (run->end - run->coded <= (uint64_t)v->limits->code_rows) return AG_OK;
    return ag_validation_flaw(v, "T5", run->coded, err, "step %d has its stop code in %zu rows, more than %lld",
                              (int)run->number, run->end - run->coded, (long long)v->limits->code_rows);
}

static int check_meaning(ag_validation *v, size_t step, ag_err *err)
{
    const ag_hole *hole = v->hole;
    const ag_step_run *run = &hole->steps[step];
    int32_t code = code_of(hole, step);
    if (code <= 0) return AG_OK;
    char text[200];
    ag_buf words;
    ag_buf_init(&words, sizeof(text) - 1);
    ag_stop_describe(code, &words);
    ag_format(text, sizeof(text), "%.*s", AG_STR_ARG(ag_buf_str(&words)));
    ag_buf_deinit(&words);
    ag_stop_kind kind = ag_stop_kind_of(code);
    if (kind == AG_STOP_FAULT)
        return ag_validation_flaw(v, "T6", run->end - 1, err, "step %d was stopped by %s", (int)run->number, text);
    if (kind == AG_STOP_END && step + 1 < hole->step_count)
        return ag_validation_flaw(v, "T7", run->end - 1, err, "step %d ended the cycle with %s, but step %d follows",
                                  (int)run->number, text, (int)hole->steps[step + 1].number);
    return AG_OK;
}

static int check_codes(ag_validation *v, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < v->hole->step_count; i++) {
        if (v->hole->signal.by_id[AG_CHANNEL_STOP_CODE]) rc = check_one_code(v, &v->hole->steps[i], err);
        if (rc == AG_OK) rc = check_meaning(v, i, err);
    }
    return rc;
}

static int check_results(ag_validation *v, ag_err *err)
{
    const ag_hole *hole = v->hole;
    if (hole->result_count == 0) return AG_OK; /* older versions write none */
    if (hole->result_count != hole->step_count)
        return ag_validation_flaw(v, "T8", SIZE_MAX, err, "there are %zu step results for %zu steps",
                                  hole->result_count, hole->step_count);
    for (size_t i = 0; i < hole->step_count; i++) {
        const double *value = hole->results[i].value;
        int32_t code = code_of(hole, i);
        if (value[AG_RESULT_STEP] == hole->steps[i].number && (code < 0 || value[AG_RESULT_STOP_CODE] == code))
            continue;
        return ag_validation_flaw(v, "T8", hole->steps[i].begin, err,
                                  "the result tells step %g with code %g, the samples step %d with code %d",
                                  value[AG_RESULT_STEP], value[AG_RESULT_STOP_CODE], (int)hole->steps[i].number,
                                  (int)code);
    }
    return AG_OK;
}

static int check_strokes(ag_validation *v, ag_err *err)
{
    const ag_hole *hole = v->hole;
    double before = 0;
    for (size_t i = 0; i < hole->step_count; i++) {
        const ag_step_run *run = &hole->steps[i];
        double depth = ag_signal_depth(&hole->signal, run->end - 1);
        double stroke = run->program ? run->program->value[AG_PROGRAM_STROKE] : NAN;
        if (code_of(hole, i) == 64 && fabs(depth - before - stroke) > v->limits->stroke_tolerance)
            return ag_validation_flaw(v, "T10", run->end - 1, err, "step %d went %.3f mm, its stroke is %.3f mm",
                                      (int)run->number, depth - before, stroke);
        before = depth;
    }
    return AG_OK;
}

static int check(ag_validation *v, ag_err *err)
{
    int rc = check_integers(v, err);
    if (rc == AG_OK) rc = check_order(v, err);
    if (rc == AG_OK) rc = check_program(v, err);
    if (rc == AG_OK) rc = check_codes(v, err);
    if (rc == AG_OK) rc = check_results(v, err);
    if (rc == AG_OK && v->hole->step_count == 1) rc = ag_validation_flaw(v, "T9", SIZE_MAX, err, "there is one step");
    if (rc == AG_OK) rc = check_strokes(v, err);
    return rc;
}

const ag_validator ag_validator_steps = {
    .id = "T",
    .name = "step codes",
    .doc = "The machine did what the program says and came to its end.",
    .rules = rules,
    .count = sizeof(rules) / sizeof(rules[0]),
    .check = check,
};
