// SPDX-License-Identifier: Apache-2.0
#pragma once
/* logged_model.h: a model that a run made (MLflow 3): between a run and the registry. Ids are "m-" and 32 hex digits.
 */
#include "ledger/ledger.h"
#include "ledger/metric.h"

typedef enum ag_logged_status {
    AG_LOGGED_PENDING = 1, /* numbers of MLflow's protocol */
    AG_LOGGED_READY = 2,
    AG_LOGGED_FAILED = 3,
} ag_logged_status;

const char *ag_logged_status_name(ag_logged_status status); /* "LOGGED_MODEL_PENDING" */
bool ag_logged_status_parse(ag_str name, ag_logged_status *out);

typedef struct ag_logged_model {
    const char *id, *experiment_id, *name, *artifact_uri;
    const char *model_type, *run_id, *user_id, *status_message; /* each may be NULL */
    ag_logged_status status;
    int64_t created_at, updated_at;
    ag_pairs params, tags;
    const ag_metric *metrics;
    size_t metric_count;
} ag_logged_model;

typedef struct ag_logged_models {
    const ag_logged_model *items;
    size_t count;
    const char *next;
} ag_logged_models;

typedef struct ag_logged_model_new {
    ag_str experiment_id, name, model_type, run_id; /* all but the first may be empty; an empty name is generated */
    ag_pairs params, tags;
} ag_logged_model_new;

int ag_logged_model_create(ag_ledger *ledger, const ag_actor *actor, const ag_logged_model_new *new_model,
                           ag_arena *arena, ag_logged_model *out, ag_err *err);
int ag_logged_model_get(ag_ledger *ledger, ag_str id, ag_arena *arena, ag_logged_model *out, ag_err *err);
int ag_logged_model_finish(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_logged_status status,
                           ag_arena *arena, ag_logged_model *out, ag_err *err);
int ag_logged_model_delete(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err);
int ag_logged_model_set_tags(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_pairs tags, ag_err *err);
int ag_logged_model_delete_tag(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_str key, ag_err *err);
int ag_logged_model_log_params(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_pairs params, ag_err *err);
/* Narrowed to data sets when `dataset_count` > 0 (metrics on them). */
int ag_logged_model_search(ag_ledger *ledger, const ag_str *experiment_ids, size_t experiment_count,
                           const ag_pair *datasets, size_t dataset_count, const ag_page_request *page, ag_arena *arena,
                           ag_logged_models *out, ag_err *err);
