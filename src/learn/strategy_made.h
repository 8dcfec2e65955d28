// SPDX-License-Identifier: Apache-2.0
#pragma once
/* strategy_made.h: the directory of a trained model (OUTPUT/model): its weights, and beside them its description, one
 * object of JSON in which the strategy that made it says what must be known of them. Whoever finds a description finds
 * weights that belong to it. */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/doc/json.h"
#include "learn/strategy.h"

#define AG_STRATEGY_FILE "auger.json" /* the description; its member "strategy" names who made the model */
enum { AG_STRATEGY_FORMAT = 1 };      /* its member "format" */

/* ---- written ---- */

typedef struct ag_strategy_saving {
    const char *maker; /* "plug-in mean", for what is said of it */
    void *context;
    int (*save)(void *context, const char *directory, ag_err *err); /* all files but the description */
    void (*describe)(void *context, ag_json *json);                 /* the one object of the description */
} ag_strategy_saving;
/* Makes the directory; the description that is there is removed before `save`, and the new one is written after it. */
int ag_strategy_save(const char *directory, const ag_strategy_saving *saving, ag_err *err);
/* What every description ends with: the members "metrics" and "configuration". */
void ag_strategy_describe(ag_json *json, const ag_strategy_task *task);

/* ---- read back; all results lie in the arena ---- */

/* The model directory and its description, where `dir` is that directory or the OUTPUT that holds it. */
int ag_strategy_description_find(const char *dir, ag_arena *arena, const char **model_dir, const char **file,
                                 ag_err *err);
/* Refuses one that this program cannot know how to read. */
int ag_strategy_description_read(const char *file, ag_arena *arena, const ag_value **out, ag_err *err);
/* The same of one that was read: it is refused when its format is newer than this program, or missing. */
int ag_strategy_format_check(const ag_value *description, const char *file, ag_err *err);

/* Who made the model in `dir` (or in the OUTPUT that holds it), and what it says of itself. */
typedef struct ag_strategy_made {
    const char *model_dir;
    const ag_value *description;
    const ag_strategy *strategy;
} ag_strategy_made;
int ag_strategy_made_by(const char *dir, ag_arena *arena, ag_strategy_made *out, ag_err *err);
