// SPDX-License-Identifier: Apache-2.0
#pragma once
/* webhooks.h: tells of changes in the registry to the addresses that were registered (ledger/webhook.h), as MLflow 3
 * does: a signed POST, tried again with growing pauses. A request never waits for a delivery. Deliveries that are under
 * way when the server stops get a few seconds; those of a server that dies are lost. Thread-safe. */
#include "ledger/webhook.h"

typedef struct ag_webhooks ag_webhooks;
struct ag_notice;

/* `allow_private`: also to addresses of this machine and of private networks. */
int ag_webhooks_new(ag_ledger *ledger, bool allow_private, ag_webhooks **out, ag_err *err);
void ag_webhooks_free(ag_webhooks *hooks); /* NULL is fine */

/* Something happened: whoever wants to hear of it is told, some time. Never fails; what cannot be kept is logged. */
void ag_webhooks_notice(ag_webhooks *hooks, const struct ag_notice *notice);

/* May a webhook lead there, as far as the text tells? AG_EINVAL. */
int ag_webhooks_check_url(const ag_webhooks *hooks, const char *url, ag_arena *arena, ag_err *err);

typedef struct ag_webhook_trial {
    bool success;
    int status;       /* 0: no answer */
    const char *body; /* its beginning; NULL: no answer */
    const char *error;
    int64_t took; /* microseconds */
} ag_webhook_trial;
/* One delivery of an example, now. Fails only for want of memory; what went wrong is in *out. */
int ag_webhooks_try(ag_webhooks *hooks, const ag_webhook *webhook, const char *event, ag_arena *arena,
                    ag_webhook_trial *out, ag_err *err);

/* The events there are: "registered_model.created" ..., ended by NULL. */
extern const char *const ag_webhook_events[];
