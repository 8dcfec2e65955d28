// SPDX-License-Identifier: Apache-2.0
/* confusion.c: what a training's models take for what: OUTPUT/confusion.csv, a row for each true outcome and each said
 * one that occurred, and the same counts as metrics, so that runs can be searched and compared by them. */
#include <string.h>

#include "core/io/csv.h"
#include "core/io/path.h"
#include "learn/drilling/run.h"
#include "learn/drilling/score.h"
#include "learn/strategy_tools.h"

static const char *name_of(int outcome)
{
    return outcome == AG_LABEL_NONE ? "no answer" : ag_label_outcome_name((ag_label_outcome)outcome);
}

static int write_rows(const ag_score_confusion *c, ag_csv_writer *csv, ag_err *err)
{
    static const char *const columns[] = {"outcome", "predicted_outcome", "holes", "failed"};
    int rc = ag_csv_add_texts(csv, columns, sizeof columns / sizeof *columns, err);
    if (rc >= 0) rc = ag_csv_end_row(csv, err);
    for (int is = AG_LABEL_FOUND; is < AG_SCORE_OUTCOMES; is++)
        for (int said = 0; said < AG_SCORE_OUTCOMES && rc >= 0; said++) {
            if (!c->holes[is][said]) continue;
            rc = ag_csv_add(csv, ag_str_of(name_of(is)), err);
            if (rc >= 0) rc = ag_csv_add(csv, ag_str_of(name_of(said)), err);
            if (rc >= 0) rc = ag_csv_add_int(csv, (int64_t)c->holes[is][said], err);
            if (rc >= 0) rc = ag_csv_add_int(csv, (int64_t)c->failed[is][said], err);
            if (rc >= 0) rc = ag_csv_end_row(csv, err);
        }
    return rc;
}

static int write_table(const ag_strategy_task *task, const ag_score_confusion *c, ag_err *err)
{
    ag_csv_writer *csv = NULL;
    const ag_csv_format format = {.neutralise = true};
    const char *path = ag_path_join(task->arena, task->output_dir, "confusion.csv");
    int rc = path ? ag_csv_writer_to_file(path, &format, &csv, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = write_rows(c, csv, err);
    if (rc >= 0) rc = ag_csv_finish(csv, err);
    ag_csv_writer_free(csv);
    return rc;
}

/* "val_found_as_no_exit": holes that are the one and were said to be the other. */
static int tell_metrics(ag_strategy_task *task, const char *prefix, const ag_score_confusion *c, ag_err *err)
{
    int rc = 0;
    for (int is = AG_LABEL_FOUND; is < AG_SCORE_OUTCOMES; is++)
        for (int said = 0; said < AG_SCORE_OUTCOMES && rc >= 0; said++) {
            char name[96];
            if (!c->holes[is][said]) continue;
            ag_format(name, sizeof name, "%s%s_as_%s", prefix, name_of(is), name_of(said));
            for (char *at = name; *at; at++)
                if (*at == ' ') *at = '_';
            rc = ag_strategy_metric_found(task, name, (double)c->holes[is][said], err);
        }
    return rc;
}

int ag_drilling_confusion(ag_strategy_task *task, const char *prefix, const ag_score_confusion *confusion, ag_err *err)
{
    int rc = tell_metrics(task, prefix, confusion, err);
    return rc < 0 ? rc : write_table(task, confusion, err);
}
