// SPDX-License-Identifier: Apache-2.0
/* tell.c: predictions in words, JSON and CSV: one list of columns for all. */
#include "learn/drilling/tell.h"

#include <math.h>

double ag_prediction_thickness(const ag_prediction *said)
{
    return said->points[AG_POINT_EXIT].mm - said->points[AG_POINT_ENTRY].mm;
}

static bool add_points(const ag_prediction *said, ag_buf *out)
{
    bool any = false;
    for (int p = 0; p < AG_POINTS; p++) {
        if (isnan(said->points[p].mm)) continue;
        ag_buf_addf(out, "%s%s %.3f", any ? ", " : "", ag_point_names[p], said->points[p].mm);
        any = true;
    }
    if (any) ag_buf_add_text(out, " mm");
    return any;
}

void ag_prediction_words(const ag_prediction *said, ag_buf *out)
{
    double thickness = ag_prediction_thickness(said);
    switch (said->outcome) {
    case AG_LABEL_NONE: ag_buf_addf(out, "no answer: %s", said->reason ? said->reason : "it cannot tell"); return;
    case AG_LABEL_EMPTY: ag_buf_add_text(out, "nothing was cut"); break;
    case AG_LABEL_NO_EXIT:
        ag_buf_add_text(out, "no exit: the tool seized, or the recording ends inside the stack");
        if (!isnan(said->points[AG_POINT_ENTRY].mm)) ag_buf_add_text(out, "; ");
        (void)add_points(said, out);
        break;
    case AG_LABEL_FOUND:
        (void)add_points(said, out);
        if (!isnan(thickness)) ag_buf_addf(out, ", %.3f thick", thickness);
        if (said->grip_code > 0) ag_buf_addf(out, " (grip %d)", said->grip_code);
        break;
    default: break;
    }
    if (said->reason) ag_buf_addf(out, "; %s", said->reason);
}

/* ---- JSON ---- */

static void put_real(ag_json *json, const char *name, double value)
{
    ag_json_name(json, name);
    if (isfinite(value))
        ag_json_real(json, value);
    else
        ag_json_null(json);
}

void ag_prediction_json(const ag_prediction *said, ag_json *json)
{
    ag_buf words;
    ag_buf_init(&words, 4096);
    ag_prediction_words(said, &words);
    ag_json_put_text(json, "path", said->path);
    ag_json_put_text(json, "sha256", said->sha256);
    ag_json_put_text(json, "outcome", ag_label_outcome_name(said->outcome));
    ag_json_put_text(json, "words", words.data ? words.data : "");
    for (int p = 0; p < AG_POINTS; p++) {
        const ag_point *point = &said->points[p];
        ag_json_name(json, ag_point_names[p]);
        ag_json_begin_object(json);
        put_real(json, "mm", point->mm);
        put_real(json, "low_mm", point->low);
        put_real(json, "high_mm", point->high);
        put_real(json, "confidence", point->confidence);
        ag_json_end_object(json);
    }
    put_real(json, "thickness_mm", ag_prediction_thickness(said));
    ag_json_name(json, "grip_code");
    if (said->grip_code > 0)
        ag_json_int(json, said->grip_code);
    else
        ag_json_null(json);
    put_real(json, "confidence", said->confidence);
    ag_json_put_int(json, "voices", said->voices);
    put_real(json, "spread_mm", said->spread);
    ag_json_put_text(json, "reason", said->reason);
    ag_buf_deinit(&words);
}

/* ---- CSV ---- */

static int add_text(ag_csv_writer *csv, const char *text, ag_err *err)
{
    return ag_csv_add(csv, text ? ag_str_of(text) : AG_STR(""), err);
}

static int add_real(ag_csv_writer *csv, double value, const char *format, ag_err *err)
{
    char text[40] = "";
    if (isfinite(value)) ag_format(text, sizeof text, *format == '3' ? "%.3f" : "%.4f", value);
    return ag_csv_add(csv, ag_str_of(text), err);
}

int ag_prediction_csv_header(ag_csv_writer *csv, ag_err *err)
{
    static const char *const of_point[] = {"mm", "low_mm", "high_mm", "confidence"};
    static const char *const behind[] = {"thickness_mm", "grip_code", "confidence", "voices", "spread_mm", "reason"};
    int rc = add_text(csv, "path", err);
    if (rc == AG_OK) rc = add_text(csv, "sha256", err);
    if (rc == AG_OK) rc = add_text(csv, "outcome", err);
    for (int p = 0; p < AG_POINTS; p++)
        for (size_t k = 0; rc == AG_OK && k < sizeof of_point / sizeof *of_point; k++) {
            char name[40];
            ag_format(name, sizeof name, "%s_%s", ag_point_names[p], of_point[k]);
            rc = add_text(csv, name, err);
        }
    for (size_t k = 0; rc == AG_OK && k < sizeof behind / sizeof *behind; k++) rc = add_text(csv, behind[k], err);
    return rc;
}

int ag_prediction_csv(const ag_prediction *said, ag_csv_writer *csv, ag_err *err)
{
    int rc = add_text(csv, said->path, err);
    if (rc == AG_OK) rc = add_text(csv, said->sha256, err);
    if (rc == AG_OK) rc = add_text(csv, ag_label_outcome_name(said->outcome), err);
    for (int p = 0; rc == AG_OK && p < AG_POINTS; p++) {
        const ag_point *point = &said->points[p];
        rc = add_real(csv, point->mm, "3", err);
        if (rc == AG_OK) rc = add_real(csv, point->low, "3", err);
        if (rc == AG_OK) rc = add_real(csv, point->high, "3", err);
        if (rc == AG_OK) rc = add_real(csv, point->confidence, "4", err);
    }
    if (rc == AG_OK) rc = add_real(csv, ag_prediction_thickness(said), "3", err);
    if (rc == AG_OK) rc = said->grip_code > 0 ? ag_csv_add_int(csv, said->grip_code, err) : add_text(csv, "", err);
    if (rc == AG_OK) rc = add_real(csv, said->confidence, "4", err);
    if (rc == AG_OK) rc = ag_csv_add_int(csv, said->voices, err);
    if (rc == AG_OK) rc = add_real(csv, said->spread, "3", err);
    return rc == AG_OK ? add_text(csv, said->reason, err) : rc;
}
