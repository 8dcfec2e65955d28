// SPDX-License-Identifier: Apache-2.0
#pragma once
/* exam.h: an answerer examined on holes of which something is known, beside baselines that answer the same holes. What
 * comes out does not depend on threads or batches; the bootstrap is a function of its seed. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/doc/json.h"
#include "core/show/table.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "learn/drilling/answerer.h"
#include "learn/drilling/known.h"
#include "learn/drilling/score.h"

typedef struct ag_exam_options {
    const char *data;       /* a prepared dataset, or a folder of drilling files, which is prepared for the while */
    const char *truth;      /* a table; NULL: truth.csv in `data`, if it is there, and experts' labels */
    bool automatic;         /* where neither says anything: the automatic labels, which are no truth */
    const ag_answerer *who; /* required */
    const ag_answerer *baselines; /* "auto" of a prepared dataset means the labels that lie there */
    size_t baseline_count;
    ag_score_options score;
    size_t batch;          /* holes asked at once; 0: 32 */
    size_t worst;          /* holes that are kept to be drawn; 0: none */
    ag_pool *pool;         /* may be NULL */
    ag_cancel *cancel;     /* may be NULL */
    ag_progress *progress; /* may be NULL */
} ag_exam_options;

typedef struct ag_exam_part { /* by one attribute */
    ag_score_attribute attribute;
    ag_score_group *groups;
    ag_score *scores; /* of each group */
    size_t count;
} ag_exam_part;

/* What baselines are compared by, beside all holes. */
enum { AG_EXAM_COMPARED = 2 };
extern const ag_score_attribute ag_exam_compared[AG_EXAM_COMPARED]; /* regime, material */

typedef struct ag_exam_baseline {
    const char *name;
    unsigned silent;            /* points that it never says and is not blamed for */
    ag_prediction *said;        /* [count] */
    const ag_prediction **list; /* likewise, as pointers */
    ag_score score;             /* its own */
    ag_score_comparison all;    /* against it */
    ag_score_comparison *by[AG_EXAM_COMPARED];
    size_t by_count[AG_EXAM_COMPARED]; /* 0: they are one group, or not known */
} ag_exam_baseline;

/* A hole with its samples, to be drawn. */
typedef struct ag_exam_worst {
    const ag_score_case *item;
    size_t index; /* among the cases */
    double error; /* mm, of the worst point; INFINITY: a wrong outcome, or a point too many or too few */
    size_t rows;
    double *depth, *torque, *thrust;
} ag_exam_worst;

typedef struct ag_exam {
    const char *who, *data, *truth;
    size_t files, known; /* holes with samples; of these, known */
    size_t truths, experts, unmatched;
    size_t unread; /* drilling files without samples, which are in no score */
    const char *first_unread;
    size_t labelled;      /* judged by a labeller's word only */
    ag_score_case *cases; /* of the known ones */
    const ag_score_case **list;
    size_t count;
    ag_score all;
    ag_exam_part parts[AG_SCORE_ATTRIBUTES];
    ag_exam_baseline *baselines;
    size_t baseline_count;
    ag_exam_worst *worst; /* the worst first */
    size_t worst_count;
    double seconds; /* of asking */
} ag_exam;

/* All of it lies in the arena. AG_EINVAL when nothing is known of any hole. */
int ag_exam_run(const ag_exam_options *options, ag_arena *arena, ag_exam *out, ag_err *err);

/* ---- what people and programs read of it ---- */

/* Tables; the caller frees them, also after a failure. */
int ag_exam_table_all(const ag_exam *exam, ag_table **out, ag_err *err);         /* a row per measure */
int ag_exam_table_part(const ag_exam_part *part, ag_table **out, ag_err *err);   /* a row per group */
int ag_exam_table_calibration(const ag_exam *exam, ag_table **out, ag_err *err); /* a row per bin */
/* "all", then a row per group of ag_exam_compared[by]; without rows when there are no groups of it, but for regimes. */
int ag_exam_table_baseline(const ag_exam_baseline *baseline, int by, ag_table **out, ag_err *err);
int ag_exam_table_confusion(const ag_exam *exam, ag_table **out, ag_err *err); /* true by said outcome */
int ag_exam_table_worst(const ag_exam *exam, ag_table **out, ag_err *err);
/* "98 of 100 answered, 1 failed, 2 abstained; ..." */
void ag_exam_words(const ag_exam *exam, ag_buf *out);
/* How scores against automatic labels are to be read; NULL when there are none. */
const char *ag_exam_caution(const ag_exam *exam, ag_arena *arena);
/* One object. */
void ag_exam_json(const ag_exam *exam, ag_json *json);
/* One page that needs nothing else; `repeat` (may be NULL) stands on it, too. */
struct ag_repeat;
int ag_exam_html(const ag_exam *exam, const struct ag_repeat *repeat, ag_arena *arena, ag_buf *out, ag_err *err);
