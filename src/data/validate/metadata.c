// SPDX-License-Identifier: Apache-2.0
/* metadata.c: validator M. Who drilled what, and whether the header belongs to these samples. Only drilling files
 * promise all fields; what messages and tables do not carry is remarked. */
#include <math.h>
#include <string.h>

#include "core/io/path.h"
#include "data/validator.h"

static const ag_rule rules[] = {
    {"M1", AG_SEVERITY_FAIL, NULL, "Version, date, rate, firmware, counter, motor, cycle time and distance are there."},
    {"M2", AG_SEVERITY_FAIL, NULL, "Control box and head can be told from others."},
    {"M3", AG_SEVERITY_FAIL, NULL, "The program has a step that is enabled."},
    {"M4", AG_SEVERITY_FAIL, "distance_tolerance", "The result's distance is that of the samples."},
    {"M5", AG_SEVERITY_WARN, NULL, "The motor has a serial number."},
    {"M6", AG_SEVERITY_WARN, NULL, "Counters in the file's name are those of the header."},
    {"M9", AG_SEVERITY_WARN, NULL, "Names of the header stand in cells of their own."},
    {"M10", AG_SEVERITY_NOTE, NULL, "The source carries the whole header."},
};

static bool is_drilling_file(const ag_hole *hole)
{
    return strcmp(hole->reader, "setitec") == 0;
}

static int check_presence(ag_validation *v, ag_err *err)
{
    static const ag_header_id needed[] = {AG_HEADER_VERSION,
                                          AG_HEADER_DATE,
                                          AG_HEADER_SAMPLE_RATE,
                                          AG_HEADER_FIRMWARE,
                                          AG_HEADER_HEAD_GLOBAL_COUNTER,
                                          AG_HEADER_MOTOR_TYPE,
                                          AG_HEADER_CYCLE_TIME,
                                          AG_HEADER_DISTANCE};
    const char *rule = is_drilling_file(v->hole) ? "M1" : "M10";
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (ag_hole_text(v->hole, needed[i]).size == 0)
            return ag_validation_flaw(v, rule, SIZE_MAX, err, "there is no %s", ag_header_names[needed[i]].id);
    return AG_OK;
}

static int check_identity(ag_validation *v, ag_err *err)
{
    if (!is_drilling_file(v->hole)) return AG_OK;
    if (ag_hole_text(v->hole, AG_HEADER_BOX_SERIAL).size + ag_hole_text(v->hole, AG_HEADER_BOX_NAME).size == 0)
        return ag_validation_flaw(v, "M2", SIZE_MAX, err, "the control box has neither name nor serial number");
    if (ag_hole_text(v->hole, AG_HEADER_HEAD_NAME).size + ag_hole_text(v->hole, AG_HEADER_HEAD_TAG).size == 0)
        return ag_validation_flaw(v, "M2", SIZE_MAX, err, "the head has neither name nor tag");
    return AG_OK;
}

static int check_program(ag_validation *v, ag_err *err)
{
    for (size_t i = 0; i < v->hole->program_count; i++)
        if (v->hole->program[i].enabled) return AG_OK;
    if (!is_drilling_file(v->hole) && v->hole->program_count == 0) return AG_OK;
    return ag_validation_flaw(v, "M3", SIZE_MAX, err, "no step of the program is enabled");
}

static int check_distance(ag_validation *v, ag_err *err)
{
    const ag_hole *hole = v->hole;
    double distance = ag_hole_number(hole, AG_HEADER_DISTANCE);
    if (!is_drilling_file(hole) || isnan(distance) || hole->signal.rows == 0) return AG_OK;
    double first = ag_signal_depth(&hole->signal, 0), last = ag_signal_depth(&hole->signal, hole->signal.rows - 1);
    if (fabs(distance - fabs(last)) <= v->limits->distance_tolerance ||
        fabs(distance - fabs(first)) <= v->limits->start_tolerance)
        return AG_OK;
    return ag_validation_flaw(v, "M4", SIZE_MAX, err, "the distance is %.3f mm, the samples go from %.3f to %.3f mm",
                              distance, first, last);
}

static int check_motor(ag_validation *v, ag_err *err)
{
    ag_str serial = ag_hole_text(v->hole, AG_HEADER_MOTOR_SERIAL);
    if (!is_drilling_file(v->hole) || (serial.size > 0 && !ag_str_is(serial, "0"))) return AG_OK;
    return ag_validation_flaw(v, "M5", SIZE_MAX, err, "the motor's serial number is '%.*s'", AG_STR_ARG(serial));
}

/* "TAG_head_ST_2412_60.xls": the two counters. False when the name is not made so. */
static bool counters_of(ag_str name, int64_t *global, int64_t *local)
{
    size_t at = SIZE_MAX;
    for (size_t next = ag_str_find(name, AG_STR("_ST_"), 0); next != SIZE_MAX;
         next = ag_str_find(name, AG_STR("_ST_"), next + 1))
        at = next;
    if (at == SIZE_MAX) return false;
    ag_str rest = ag_str_slice(name, at + 4, name.size), first, second;
    rest = ag_str_slice(rest, 0, ag_str_find_char(rest, '.', 0));
    return ag_str_next(&rest, '_', &first) && rest.data && ag_str_next(&rest, '_', &second) &&
           ag_str_to_int(first, global) && ag_str_to_int(second, local);
}

static int check_name(ag_validation *v, ag_err *err)
{
    int64_t global, local;
    if (!v->hole->file || !is_drilling_file(v->hole)) return AG_OK;
    if (!counters_of(ag_path_name(ag_str_of(v->hole->file)), &global, &local)) return AG_OK;
    double has_global = ag_hole_number(v->hole, AG_HEADER_HEAD_GLOBAL_COUNTER);
    double has_local = ag_hole_number(v->hole, AG_HEADER_HEAD_LOCAL_COUNTER);
    if (has_global == (double)global && has_local == (double)local) return AG_OK;
    return ag_validation_flaw(v, "M6", SIZE_MAX, err,
                              "the name tells hole %lld of the head, %lld of the tool; the "
                              "header %g and %g",
                              (long long)global, (long long)local, has_global, has_local);
}

static int check(ag_validation *v, ag_err *err)
{
    int rc = ag_validation_take(v, err);
    if (rc == AG_OK) rc = check_presence(v, err);
    if (rc == AG_OK) rc = check_identity(v, err);
    if (rc == AG_OK) rc = check_program(v, err);
    if (rc == AG_OK) rc = check_distance(v, err);
    if (rc == AG_OK) rc = check_motor(v, err);
    return rc == AG_OK ? check_name(v, err) : rc;
}

const ag_validator ag_validator_metadata = {
    .id = "M",
    .name = "metadata",
    .doc = "The header is there and belongs to the samples.",
    .rules = rules,
    .count = sizeof(rules) / sizeof(rules[0]),
    .check = check,
};
