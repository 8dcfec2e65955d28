// SPDX-License-Identifier: Apache-2.0
#pragma once
/* notice.h: after something was done, who hears of it: listeners to live events, and webhooks. None of these can fail
 * a request: what was done is done. Private to the room. */
#include "app/server/events.h"
#include "app/server/request.h"
#include "ledger/model.h"
#include "ledger/run.h"

void ag_notice_run(const ag_request *request, ag_event_kind kind, const ag_run *run);
/* The same of a run whose row is not at hand; it is looked up only if somebody listens. */
void ag_notice_run_id(const ag_request *request, ag_event_kind kind, const char *run_id);
void ag_notice_metrics(const ag_request *request, const char *run_id, const ag_metric *metrics, size_t count);
/* `path` is one of the artifact store: "EXPERIMENT/RUN/artifacts/PATH"; others are of no run. */
void ag_notice_stored(const ag_request *request, ag_str path);
void ag_notice_artifact(const ag_request *request, const ag_run *run, ag_str path);

typedef enum ag_notice_of {
    AG_NOTICE_MODEL,
    AG_NOTICE_VERSION,
    AG_NOTICE_MODEL_TAG,
    AG_NOTICE_VERSION_TAG,
    AG_NOTICE_ALIAS,
} ag_notice_of;

typedef struct ag_notice { /* something happened in the registry */
    ag_notice_of of;
    const char *what; /* "created", "updated", "deleted", "set" */
    const char *name; /* the model's */
    const char *version;
    const char *key, *value, *alias;
    const char *description, *source, *run_id;
    ag_pairs tags;
} ag_notice;

void ag_notice_registry(const ag_request *request, const ag_notice *notice);
