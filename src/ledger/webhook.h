// SPDX-License-Identifier: Apache-2.0
#pragma once
/* webhook.h: whom to tell of changes in the registry. The ledger keeps the list; app/server/webhooks.h tells them. */
#include "ledger/ledger.h"

typedef struct ag_webhook {
    const char *id; /* a UUID */
    const char *name, *description, *url;
    const char *secret; /* signs deliveries; NULL: they are not signed. Never for the eyes of a client */
    const char *events; /* "model_version.created model_version_tag.set", blanks between */
    bool disabled;
    int64_t created_at, updated_at;
} ag_webhook;

typedef struct ag_webhooks_page {
    const ag_webhook *items;
    size_t count;
    const char *next;
} ag_webhooks_page;

/* Makes one of all but id and times, which are set in *webhook. */
int ag_webhook_create(ag_ledger *ledger, const ag_actor *actor, ag_webhook *webhook, ag_arena *arena, ag_err *err);
int ag_webhook_get(ag_ledger *ledger, ag_str id, ag_arena *arena, ag_webhook *out, ag_err *err);
/* What is NULL in *change stays; `disabled` may be NULL. */
int ag_webhook_update(ag_ledger *ledger, const ag_actor *actor, ag_str id, const ag_webhook *change,
                      const bool *disabled, ag_arena *arena, ag_webhook *out, ag_err *err);
int ag_webhook_delete(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err);
int ag_webhook_list(ag_ledger *ledger, uint32_t max_results, ag_str token, ag_arena *arena, ag_webhooks_page *out,
                    ag_err *err);
/* Those that are to be told of "model_version.created". */
int ag_webhook_of_event(ag_ledger *ledger, const char *event, ag_arena *arena, const ag_webhook **out, size_t *count,
                        ag_err *err);
bool ag_webhook_hears(const ag_webhook *webhook, const char *event);
