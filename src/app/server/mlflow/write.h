// SPDX-License-Identifier: Apache-2.0
#pragma once
/* write.h: the ledger's things as MLflow's JSON: names in snake case, enums by name, times in milliseconds, 64-bit
 * integers as numbers, what is not set left out. Straight into the writer; nothing is built in between. */
#include "core/doc/json.h"
#include "ledger/experiment.h"
#include "ledger/logged_model.h"
#include "ledger/model.h"
#include "ledger/run.h"

/* Each writes one value. */
void ag_write_experiment(ag_json *json, const ag_experiment *experiment);
void ag_write_run(ag_json *json, const ag_run *run);
void ag_write_run_info(ag_json *json, const ag_run *run);
void ag_write_metric(ag_json *json, const ag_metric *metric, const char *run_id); /* run_id may be NULL */
void ag_write_version(ag_json *json, const ag_version *version);
void ag_write_model(ag_json *json, const ag_registered_model *model);
void ag_write_logged_model(ag_json *json, const ag_logged_model *model);

/* "name": [{"key":, "value":}], nothing when there are none. */
void ag_write_pairs(ag_json *json, const char *name, ag_pairs pairs);
/* "name": "text", nothing for NULL. */
void ag_write_text(ag_json *json, const char *name, const char *text);
/* "next_page_token", nothing for NULL or "". */
void ag_write_next(ag_json *json, const char *token);
