// SPDX-License-Identifier: Apache-2.0
#pragma once
/* verify.h: is the ledger what was written? The database's own check, the audit chain, rows that refer to nothing,
 * latest metrics against their histories, and that artifacts which the ledger claims are there. */
#include "core/sys/cancel.h"
#include "ledger/ledger.h"

typedef struct ag_verify_finding {
    const char *check; /* "database" "audit" "rows" "metrics" "artifacts" */
    const char *text;  /* what is wrong and where */
} ag_verify_finding;

typedef struct ag_verify_options {
    bool artifacts; /* also look for the files; slow on a remote store */
    void (*finding)(void *context, const ag_verify_finding *finding); /* may be NULL */
    void *context;
    ag_cancel *cancel; /* may be NULL */
} ag_verify_options;

typedef struct ag_verify_result {
    uint64_t findings, audit_entries, runs, artifacts_seen;
} ag_verify_result;

/* AG_OK whatever was found; < 0 when the looking itself failed. */
int ag_ledger_verify(ag_ledger *ledger, const ag_verify_options *options, ag_verify_result *out, ag_err *err);
