// SPDX-License-Identifier: Apache-2.0
#pragma once
/* exec_predict.h: models of the strategy "exec" as those who answer for holes: the program that the user's own
 * configuration names (data_config.predict) gets a hole per line and gives an answer per line, in the form of tell.h.
 * What a model directory says of programs is never run. */
#include "learn/drilling/answerer.h"
#include "learn/settings.h"

/* `settings` outlives it. One process per call of ask(). */
int ag_exec_answerer(const ag_settings *settings, const char *model_dir, ag_answerer *out, ag_err *err);

/* An answer as it was printed; texts from the arena. */
int ag_exec_answer_read(ag_str line, ag_arena *arena, ag_prediction *out, ag_err *err);
/* The line of a hole, without its end. */
void ag_exec_hole_write(const ag_hole *hole, ag_json *json);
