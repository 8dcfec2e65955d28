// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tell.h: a prediction for people and for programs. Nothing that there is not is ever written as a number: JSON has
 * null, CSV an empty cell. */
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/doc/json.h"
#include "core/io/csv.h"
#include "learn/drilling/prediction.h"

/* "entry 6.412, transition 16.902, exit 21.037 mm, 14.625 thick (grip 10)"; "nothing was cut"; "no exit: the tool
 * seized, or the recording ends inside the stack; entry 6.412 mm"; "no answer: there is no step 2". */
void ag_prediction_words(const ag_prediction *said, ag_buf *out);
/* Members of the object that is open. */
void ag_prediction_json(const ag_prediction *said, ag_json *json);

/* A row of a table, and its first one. The caller ends the rows. */
int ag_prediction_csv_header(ag_csv_writer *csv, ag_err *err);
int ag_prediction_csv(const ag_prediction *said, ag_csv_writer *csv, ag_err *err);

/* Exit less entry; NaN when one is missing. */
double ag_prediction_thickness(const ag_prediction *said);
