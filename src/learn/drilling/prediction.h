// SPDX-License-Identifier: Apache-2.0
#pragma once
/* prediction.h: what a model says of a hole, and what is known of it. The same two structs stand between strategies,
 * evaluation, `auger predict`, reports and the C API; depths are those of the tool's tip, in mm, as in label.h. Of
 * several transitions the first counts. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "data/hole.h"
#include "data/label/label.h"

typedef enum ag_point_id { AG_POINT_ENTRY, AG_POINT_TRANSITION, AG_POINT_EXIT, AG_POINTS } ag_point_id;
extern const char *const ag_point_names[AG_POINTS + 1]; /* "entry", "transition", "exit"; ended by NULL */

/* Normal deviations to either side that hold nine of ten. */
#define AG_POINT_NINE_OF_TEN 1.645

typedef struct ag_point {
    double mm;         /* NaN: there is none */
    double low, high;  /* the interval that holds the truth nine times of ten; NaN where mm is */
    double confidence; /* in [0, 1]: the chance that it is right within 0.25 mm, or that there is none */
} ag_point;

typedef struct ag_prediction {
    const char *path, *sha256; /* of the file; NULL: not from a file */
    ag_label_outcome outcome;  /* AG_LABEL_NONE: the model abstains */
    const char *reason;        /* why it abstains, or what makes it doubt; NULL: nothing */
    ag_point points[AG_POINTS];
    double confidence; /* of the whole answer: the least of its points */
    int grip_code;     /* of exit less entry; 0: none */
    int voices;        /* models that were asked */
    double spread;     /* mm by which they are apart, of the worst point; NaN: one voice */
    bool unlike;       /* another kind of hole than those that the model was calibrated on; `reason` says so, too */
} ag_prediction;

/* What a hole is known to be, to train on or to be judged by. */
typedef struct ag_known {
    ag_label_outcome outcome; /* AG_LABEL_NONE: nothing is known */
    double mm[AG_POINTS];     /* NaN: there is none */
    const char *source;       /* "expert", "truth", or a labeller's name */
    double weight;            /* in training; 0: not used */
} ag_known;
/* Its depths are a labeller's word: to learn from, but nothing to be judged by. */
bool ag_known_by_labeller(const ag_known *known);

/* A trained model, of any strategy that answers for holes. Opened from a model directory; read-only afterwards: any
 * number of threads may ask it at once. */
typedef struct ag_predictor ag_predictor;
struct ag_device;
struct ag_pool;
struct ag_cancel;
int ag_predictor_open(const char *model_dir, const struct ag_device *device, struct ag_pool *pool, ag_predictor **out,
                      ag_err *err);
void ag_predictor_free(ag_predictor *predictor); /* NULL is fine */
const char *ag_predictor_strategy(const ag_predictor *predictor);
/* `count` holes at once, which is faster than one by one. Holes that nothing can be said of get AG_LABEL_NONE and a
 * reason, never an error. Texts lie in the arena. `cancel` may be NULL. */
int ag_predictor_ask(const ag_predictor *predictor, const ag_hole *const *holes, size_t count, ag_arena *arena,
                     struct ag_cancel *cancel, ag_prediction *out, ag_err *err);
