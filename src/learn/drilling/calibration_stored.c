// SPDX-License-Identifier: Apache-2.0
/* calibration_stored.c: a calibration before anything is fitted, and in auger.json and back: an object per point.
 * Numbers that a reader cannot find, or that are not finite, are refused: intervals must not come from half a file. */
#include <math.h>
#include <string.h>

#include "learn/drilling/calibration.h"

enum { TERMS = AG_CALIBRATION_TERMS, STAIRS = AG_CALIBRATION_STAIRS, SIGNS = AG_CALIBRATION_SIGNS };
enum { FIRST_TERMS = 6 }; /* that models of before have; what came later counts for nothing there */
static const double first_blend[TERMS] = {0, 0.5, 0, 0, 0, 0}, first_scale[TERMS] = {-3.5, 0.5, 0.2, 0, 0, 0};
static const double usual_width = 1.9;

void ag_calibration_default(bool refine, ag_calibration *out)
{
    *out = (ag_calibration){.refine = refine};
    for (int k = 0; k < AG_POINTS; k++) {
        ag_point_calibration *p = &out->point[k];
        memcpy(p->blend, first_blend, sizeof p->blend);
        memcpy(p->scale, first_scale, sizeof p->scale);
        p->labeller = (double)NAN;
        p->signs = (ag_usual_signs){.noise = (double)NAN};
        p->width = usual_width;
        p->stairs = 2;
        p->error[0] = 0.1;
        p->confidence[0] = 0.9;
        p->error[1] = 0.25;
        p->confidence[1] = 0.6;
    }
}

static void write_numbers(ag_json *json, const char *name, const double *values, size_t count)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < count; i++) ag_json_real(json, values[i]);
    ag_json_end_array(json);
}

/* Middle, deviation and slope of each sign; none, unless all are known. */
static void write_signs(ag_json *json, const ag_usual_signs *usual)
{
    double noise[] = {usual->noise, usual->least_noise, usual->most_noise}, signs[3 * SIGNS];
    if (isnan(usual->noise)) return;
    for (int s = 0; s < SIGNS; s++) {
        signs[3 * s] = usual->sign[s].middle;
        signs[3 * s + 1] = usual->sign[s].deviation;
        signs[3 * s + 2] = usual->sign[s].slope;
    }
    write_numbers(json, "usual_noise", noise, 3);
    write_numbers(json, "usual_signs", signs, 3 * SIGNS);
}

void ag_calibration_write(const ag_calibration *calibration, ag_json *json)
{
    ag_json_begin_object(json);
    ag_json_put_bool(json, "refine", calibration->refine);
    for (int k = 0; k < AG_POINTS; k++) {
        const ag_point_calibration *p = &calibration->point[k];
        ag_json_name(json, ag_point_names[k]);
        ag_json_begin_object(json);
        write_numbers(json, "blend", p->blend, TERMS);
        if (!isnan(p->labeller)) ag_json_put_real(json, "labeller_mm", p->labeller);
        write_numbers(json, "scale", p->scale, TERMS);
        ag_json_put_real(json, "width", p->width);
        write_numbers(json, "usual_error_mm", p->error, p->stairs);
        write_numbers(json, "confidence", p->confidence, p->stairs);
        write_signs(json, &p->signs);
        ag_json_put_int(json, "holes", (int64_t)p->count);
        ag_json_put_int(json, "tools", (int64_t)p->tools);
        if (p->simulated) ag_json_put_int(json, "simulated_tools", (int64_t)p->simulated);
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
}

static bool read_numbers(const ag_value *array, double *out, size_t least, size_t most, size_t *count)
{
    if (!array || array->kind != AG_ARRAY || array->array.count < least || array->array.count > most) return false;
    for (size_t i = 0; i < array->array.count; i++)
        if (!ag_value_real(&array->array.items[i], &out[i]) || !isfinite(out[i])) return false;
    *count = array->array.count;
    return true;
}

/* Models of before have none. */
static bool read_signs(const ag_value *point, ag_usual_signs *out)
{
    const ag_value *of_noise = ag_value_get(point, "usual_noise"), *of_signs = ag_value_get(point, "usual_signs");
    double noise[3], signs[3 * SIGNS];
    size_t n;
    *out = (ag_usual_signs){.noise = (double)NAN};
    if (!of_noise && !of_signs) return true;
    if (!read_numbers(of_noise, noise, 3, 3, &n) || !read_numbers(of_signs, signs, 3 * SIGNS, 3 * SIGNS, &n) ||
        noise[1] > noise[2])
        return false;
    *out = (ag_usual_signs){.noise = noise[0], .least_noise = noise[1], .most_noise = noise[2]};
    for (int s = 0; s < SIGNS; s++) {
        out->sign[s].middle = signs[3 * s];
        out->sign[s].deviation = signs[3 * s + 1];
        out->sign[s].slope = signs[3 * s + 2];
        if (!(out->sign[s].deviation > 0)) return false;
    }
    return true;
}

static bool read_point_calibration(const ag_value *value, ag_point_calibration *out)
{
    size_t n, stairs;
    int64_t holes = 0, tools = 0, simulated = 0;
    const ag_value *labeller = ag_value_get(value, "labeller_mm");
    out->labeller = (double)NAN;
    if (labeller && (!ag_value_real(labeller, &out->labeller) || !(out->labeller >= 0) || !isfinite(out->labeller)))
        return false;
    if (!read_numbers(ag_value_get(value, "blend"), out->blend, FIRST_TERMS, TERMS, &n) ||
        !read_numbers(ag_value_get(value, "scale"), out->scale, FIRST_TERMS, TERMS, &n) ||
        !read_signs(value, &out->signs) || !ag_value_real(ag_value_get(value, "width"), &out->width) ||
        !(out->width > 0) ||
        !read_numbers(ag_value_get(value, "usual_error_mm"), out->error, 1, STAIRS, &out->stairs) ||
        !read_numbers(ag_value_get(value, "confidence"), out->confidence, 1, STAIRS, &stairs) || stairs != out->stairs)
        return false;
    if (ag_value_int(ag_value_get(value, "holes"), &holes) && holes > 0) out->count = (size_t)holes;
    if (ag_value_int(ag_value_get(value, "tools"), &tools) && tools > 0) out->tools = (size_t)tools;
    if (ag_value_int(ag_value_get(value, "simulated_tools"), &simulated) && simulated > 0)
        out->simulated = (size_t)simulated;
    return true;
}

int ag_calibration_read(const ag_value *value, const char *file, ag_calibration *out, ag_err *err)
{
    ag_calibration c = {0};
    if (!ag_value_bool(ag_value_get(value, "refine"), &c.refine))
        return ag_fail_at(err, AG_EPARSE, file, 0, 0, "calibration.refine is missing or wrong");
    for (int k = 0; k < AG_POINTS; k++)
        if (!read_point_calibration(ag_value_get(value, ag_point_names[k]), &c.point[k]))
            return ag_fail_at(err, AG_EPARSE, file, 0, 0, "calibration.%s is missing or wrong", ag_point_names[k]);
    *out = c;
    return 0;
}
