// SPDX-License-Identifier: Apache-2.0
#pragma once
/* deliver.h: the thread that carries the spool to its ledger. */
#include "ledger/client/spool.h"
#include "ledger/client/target.h"

typedef struct ag_delivery ag_delivery;

typedef struct ag_delivery_options {
    const char *directory; /* of the spool */
    const char *name;      /* of the target, as queues know it */
    const ag_client_target *target;
    void *state;       /* of the target; closed with the delivery, also when it cannot be started */
    ag_cancel *cancel; /* what the target's requests look at; borrowed */
    ag_spool *spool;   /* borrowed */
    int64_t flush;     /* microseconds */
} ag_delivery_options;

int ag_delivery_start(const ag_delivery_options *options, ag_delivery **out, ag_err *err);
/* Breaks off what is under way, ends the thread, closes the target. NULL is fine. */
void ag_delivery_stop(ag_delivery *delivery);

/* Until what is spooled now is delivered or refused; AG_ETIMEOUT after `wait` microseconds (negative: never). */
int ag_delivery_sync(ag_delivery *delivery, int64_t wait, ag_err *err);

/* Whether the ledger has refused the very beginning of a run, so that nothing of it can be there. */
bool ag_delivery_lost(ag_delivery *delivery, const char *run);

typedef struct ag_delivery_status {
    uint64_t pending, delivered, refused;
    bool away;
    int64_t delivered_at; /* 0: nothing yet */
    char last_error[768];
} ag_delivery_status;
void ag_delivery_status_read(ag_delivery *delivery, ag_delivery_status *out);

/* The answer to a version, for who waits for it. */
typedef struct ag_version_wait {
    char operation[33];
    bool done;
    int rc;
    ag_err err;
    int64_t number;
    struct ag_version_wait *next;
} ag_version_wait;
/* Before the record is appended. */
void ag_delivery_expect(ag_delivery *delivery, ag_version_wait *wait);
/* Waits until it is done, or that long; then it is no longer expected. */
void ag_delivery_await(ag_delivery *delivery, ag_version_wait *wait, int64_t wait_for);
