// SPDX-License-Identifier: Apache-2.0
#pragma once
/* target.h: where a client delivers to. Each operation may come a second time, when an answer was lost or a process
 * died, and must then change nothing; `again` says that it may have been done. Called by one thread at a time.
 *
 * A failure is transient (tried again later) when its code is AG_EUNAVAILABLE, AG_ETIMEOUT, AG_EIO, AG_ENOMEM,
 * AG_EFULL, AG_EAUTH or AG_ECANCELLED, and a few times when it is AG_EINTERNAL or AG_ECORRUPT; any other is a refusal
 * for good. */
#include "core/sys/cancel.h"
#include "ledger/client/entry.h"

typedef struct ag_client_target {
    size_t batch_max; /* metrics, parameters and tags in one log */
    int (*start)(void *state, const ag_entry *record, bool again, ag_err *err);
    int (*log)(void *state, ag_str run, const ag_run_batch *batch, ag_err *err);
    int (*check)(void *state, ag_str run, ag_err *err); /* asked after a refused log: refuses when no log can succeed */
    int (*finish)(void *state, const ag_entry *record, ag_err *err);
    int (*artifact)(void *state, const ag_entry *record, const char *file, ag_err *err);
    int (*input)(void *state, const ag_entry *record, ag_err *err);
    int (*version)(void *state, const ag_entry *record, int64_t *number, ag_err *err);
    void (*close)(void *state); /* frees the state */
} ag_client_target;

/* A ledger of this machine. */
int ag_client_target_local_open(const char *home, void **state, ag_err *err);
extern const ag_client_target ag_client_target_local;

typedef struct ag_client_target_server_options {
    const char *url;                               /* without user and password */
    const char *token, *user, *password, *ca_file; /* each may be NULL */
    int64_t timeout;                               /* microseconds without a byte */
    const char *runs;                              /* a file in which ids that the server chose are kept */
    ag_cancel *cancel;                             /* borrowed */
} ag_client_target_server_options;

/* A server that speaks MLflow's REST. Connects to nothing yet. */
int ag_client_target_server_open(const ag_client_target_server_options *options, void **state, ag_err *err);
extern const ag_client_target ag_client_target_server;

/* The tags by which something that was delivered is known again. */
#define AG_CLIENT_RUN_TAG "auger.client_run"
#define AG_CLIENT_OPERATION_TAG "auger.client_operation"
#define AG_PARENT_TAG "mlflow.parentRunId"
