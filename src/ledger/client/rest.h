// SPDX-License-Identifier: Apache-2.0
#pragma once
/* rest.h: asking a server in MLflow's REST: one request, its answer as a document, its failure as our codes. */
#include "core/doc/json.h"
#include "core/net/http.h"
#include "ledger/client/target.h"

typedef struct ag_rest {
    ag_http *http;
    char *url;           /* without '/' at the end */
    char *authorization; /* the whole value; NULL: none */
    ag_arena *arena;     /* of one operation */
    ag_cancel *cancel;
    bool once; /* the next request must not be sent twice */
} ag_rest;

int ag_rest_open(const ag_client_target_server_options *options, ag_rest *out, ag_err *err);
void ag_rest_close(ag_rest *rest); /* safe on zeroed memory */

/* `path` below "/api/2.0/mlflow/", with its query. `body`: JSON, NULL: none. `out` (may be NULL): the answer, an object
 * in the arena. Codes as target.h tells: what did not come from a server of this protocol (a proxy's page) is
 * AG_EUNAVAILABLE. */
int ag_rest_ask(ag_rest *rest, const char *method, const char *path, const ag_buf *body, const ag_value **out,
                ag_err *err);
/* PUT of a file to an absolute address. */
int ag_rest_put(ag_rest *rest, const char *url, const char *file, uint64_t size, ag_err *err);

/* The text at a path ("run.info.run_id") of an answer; AG_EUNAVAILABLE when it is not there. */
int ag_rest_text(const ag_value *answer, const char *path, ag_str *out, ag_err *err);
