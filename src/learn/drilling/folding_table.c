// SPDX-License-Identifier: Apache-2.0
/* folding_table.c: out_of_fold.csv: a row for every hole and model that judged it, in the order of folds: what is
 * known, what the model said of a hole that it had never seen, and how far that is off. Failures are found by sorting
 * it. */
#include <math.h>
#include <string.h>

#include "core/io/csv.h"
#include "core/io/path.h"
#include "learn/drilling/folding.h"

static int add_mm(ag_csv_writer *csv, double value, ag_err *err)
{
    return isnan(value) ? ag_csv_add(csv, AG_STR(""), err) : ag_csv_add_double(csv, round(value * 1e4) / 1e4, err);
}

static int write_head(ag_csv_writer *csv, ag_err *err)
{
    static const char *const columns[] = {"path",       "sha256",    "model", "source", "outcome", "predicted_outcome",
                                          "confidence", "grip_code", "reason"};
    static const char *const each[] = {"mm", "predicted_mm", "error_mm", "low_mm", "high_mm", NULL};
    char name[64];
    int rc = ag_csv_add_texts(csv, columns, sizeof columns / sizeof *columns, err);
    for (int p = 0; p < AG_POINTS; p++)
        for (size_t i = 0; each[i] && rc >= 0; i++) {
            ag_format(name, sizeof name, "%s_%s", ag_point_names[p], each[i]);
            rc = ag_csv_add(csv, ag_str_of(name), err);
        }
    return rc < 0 ? rc : ag_csv_end_row(csv, err);
}

static int write_row(ag_csv_writer *csv, const ag_example *e, size_t fold, const ag_prediction *p, ag_err *err)
{
    char number[24];
    ag_format(number, sizeof number, "%zu", fold + 1);
    const char *const texts[] = {e->hole->path,
                                 e->hole->sha256,
                                 number,
                                 e->known.source,
                                 ag_label_outcome_name(e->known.outcome),
                                 ag_label_outcome_name(p->outcome)};
    int rc = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && rc >= 0; i++) rc = ag_csv_add(csv, ag_str_of(texts[i]), err);
    if (rc >= 0) rc = add_mm(csv, p->confidence, err);
    if (rc >= 0) rc = ag_csv_add_int(csv, p->grip_code, err);
    if (rc >= 0) rc = ag_csv_add(csv, ag_str_of(p->reason), err);
    for (int k = 0; k < AG_POINTS && rc >= 0; k++) {
        const ag_point *point = &p->points[k];
        const double numbers[] = {e->known.mm[k], point->mm, point->mm - e->known.mm[k], point->low, point->high};
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers && rc >= 0; i++) rc = add_mm(csv, numbers[i], err);
    }
    return rc < 0 ? rc : ag_csv_end_row(csv, err);
}

static int write_rows(const ag_folding *f, ag_csv_writer *csv, ag_err *err)
{
    const ag_grip grip = {f->run.data.grip_pitch, f->run.data.grip_tolerance, f->run.data.grip_codes};
    int rc = write_head(csv, err);
    for (size_t part = 0; part < f->parts; part++)
        for (size_t i = 0; i < f->chosen_count && rc >= 0; i++) {
            if (f->part[i] != part || !f->readings[i].voices) continue;
            const ag_example *example = &f->run.set.items[f->chosen[i]];
            ag_prediction answer = {0};
            ag_calibration_answer(&f->calibration, &grip, &example->drilled, &f->readings[i], &answer);
            rc = write_row(csv, example, part, &answer, err);
        }
    return rc;
}

int ag_folding_table(const ag_folding *f, const ag_strategy_task *task, ag_err *err)
{
    ag_csv_writer *csv = NULL;
    const ag_csv_format format = {.neutralise = true};
    const char *path = ag_path_join(task->arena, task->output_dir, "out_of_fold.csv");
    int rc = path ? ag_csv_writer_to_file(path, &format, &csv, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = write_rows(f, csv, err);
    if (rc >= 0) rc = ag_csv_finish(csv, err);
    ag_csv_writer_free(csv);
    return rc;
}
