// SPDX-License-Identifier: Apache-2.0
/* webhooks.c: MLflow's routes of webhooks: whom to tell of changes in the registry. A secret goes in and never out. */
#include "app/server/webhooks.h"

#include "app/server/mlflow/group.h"

enum { LARGEST_PAGE = 1000 };

/* ---- messages ---- */

/* In the order of the protocol's numbers, from 1. */
static const char *const entities[] = {
    "REGISTERED_MODEL", "MODEL_VERSION", "MODEL_VERSION_TAG",  "MODEL_VERSION_ALIAS", "PROMPT",
    "PROMPT_VERSION",   "PROMPT_TAG",    "PROMPT_VERSION_TAG", "PROMPT_ALIAS",        NULL};
static const char *const actions[] = {"CREATED", "UPDATED", "DELETED", "SET", NULL};
static const char *const statuses[] = {"ACTIVE", "DISABLED", NULL};

typedef struct webhook_event {
    const char *entity, *action;
} webhook_event;
static const ag_field webhook_event_fields[] = {
    {.name = "entity",
     .type = AG_FIELD_TEXT,
     .offset = offsetof(webhook_event, entity),
     .required = true,
     .choices = entities,
     .doc = "What it happens to."},
    {.name = "action",
     .type = AG_FIELD_TEXT,
     .offset = offsetof(webhook_event, action),
     .required = true,
     .choices = actions,
     .doc = "What happens."},
};
static const ag_description event_message = AG_MESSAGE(webhook_event, "Something that can happen in the registry.");

typedef struct webhook_create {
    const char *name, *url, *description, *secret, *status;
    ag_list events;
} webhook_create;
static const ag_field webhook_create_fields[] = {
    AG_TEXT_NEEDED(webhook_create, name, "Its name: letters, digits, dots, underscores and hyphens."),
    AG_TEXT_NEEDED(webhook_create, url, "Where to tell: http or https, a public address."),
    {.name = "events",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_STRUCT,
     .inner = &event_message,
     .offset = offsetof(webhook_create, events),
     .required = true,
     .doc = "Of what to tell."},
    AG_TEXT_FIELD(webhook_create, description, "What it is for."),
    AG_TEXT_FIELD(webhook_create, secret, "Signs deliveries; it is not given out again."),
    AG_ONE_OF(webhook_create, status, statuses, "ACTIVE when absent."),
};
static const ag_description create_message = AG_MESSAGE(webhook_create, "A new webhook.");

typedef struct webhook_update {
    const char *webhook_id, *name, *url, *description, *secret, *status;
    ag_list events;
} webhook_update;
static const ag_field webhook_update_fields[] = {
    AG_TEXT_NEEDED(webhook_update, webhook_id, "The webhook."),
    AG_TEXT_FIELD(webhook_update, name, "Its new name."),
    AG_TEXT_FIELD(webhook_update, url, "Where to tell from now on."),
    AG_LIST_FIELD(webhook_update, events, &event_message, "Of what to tell from now on."),
    AG_TEXT_FIELD(webhook_update, description, "What it is for."),
    AG_TEXT_FIELD(webhook_update, secret, "Signs deliveries from now on; empty: none does."),
    AG_ONE_OF(webhook_update, status, statuses, "Whether it is told at all."),
};
static const ag_description update_message = AG_MESSAGE(webhook_update, "What has changed about a webhook.");

typedef struct webhook_id {
    const char *webhook_id;
} webhook_id;
static const ag_field webhook_id_fields[] = {AG_TEXT_NEEDED(webhook_id, webhook_id, "The webhook.")};
static const ag_description id_message = AG_MESSAGE(webhook_id, "One webhook.");

typedef struct webhook_list {
    const char *page_token;
    int64_t max_results;
} webhook_list;
static const ag_field webhook_list_fields[] = {
    AG_PAGE_SIZE(webhook_list, max_results, LARGEST_PAGE),
    AG_PAGE_TOKEN(webhook_list),
};
static const ag_description list_message = AG_MESSAGE(webhook_list, "Webhooks, page by page.");

typedef struct webhook_try {
    const char *webhook_id;
    webhook_event event;
} webhook_try;
static const ag_field webhook_try_fields[] = {
    AG_TEXT_NEEDED(webhook_try, webhook_id, "The webhook."),
    {.name = "event",
     .type = AG_FIELD_STRUCT,
     .inner = &event_message,
     .offset = offsetof(webhook_try, event),
     .doc = "Of what an example is told; absent: the first that it hears."},
};
static const ag_description try_message = AG_MESSAGE(webhook_try, "A trial.");

/* ---- words ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* "model_version.created"; AG_EINVAL when an entity has no such action. */
static int event_text(const webhook_event *event, char *out, size_t size, ag_err *err)
{
    ag_format(out, size, "%s.%s", event->entity, event->action);
    for (char *at = out; *at; at++) *at = lower(*at);
    for (const char *const *one = ag_webhook_events; *one; one++)
        if (strcmp(*one, out) == 0) return AG_OK;
    return ag_fail(err, AG_EINVAL, "Invalid action '%s' for entity '%s'.", strchr(out, '.') + 1, event->entity);
}

static int events_text(const ag_request *request, ag_list list, const char **out, ag_err *err)
{
    const webhook_event *from = list.items;
    ag_buf all;
    char one[64];
    int rc = AG_OK;
    *out = NULL;
    ag_buf_init(&all, 4096);
    for (size_t i = 0; i < list.count && rc >= 0; i++) {
        rc = event_text(&from[i], one, sizeof(one), err);
        if (rc >= 0 && !(all.data && strstr(all.data, one))) ag_buf_addf(&all, "%s%s", i ? " " : "", one);
    }
    if (rc >= 0) rc = ag_buf_check(&all, "the list of events", err);
    if (rc >= 0 && list.count && !(*out = ag_arena_strndup(request->arena, all.data, all.size)))
        rc = ag_fail_memory(err, all.size);
    ag_buf_deinit(&all);
    return rc;
}

/* "model_version.created" as {"entity": "MODEL_VERSION", "action": "CREATED"}. */
static void put_event(ag_json *json, ag_str event)
{
    char text[64];
    ag_format(text, sizeof(text), "%.*s", AG_STR_ARG(event));
    for (char *at = text; *at; at++)
        if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 32);
    char *dot = strchr(text, '.');
    if (!dot) return;
    *dot = '\0';
    ag_json_begin_object(json);
    ag_json_put_text(json, "entity", text);
    ag_json_put_text(json, "action", dot + 1);
    ag_json_end_object(json);
}

static void put_webhook(ag_json *json, const ag_webhook *webhook)
{
    ag_str rest = ag_str_of(webhook->events), part;
    ag_json_begin_object(json);
    ag_json_put_text(json, "webhook_id", webhook->id);
    ag_json_put_text(json, "name", webhook->name);
    ag_write_text(json, "description", webhook->description && *webhook->description ? webhook->description : NULL);
    ag_json_put_text(json, "url", webhook->url);
    ag_json_name(json, "events");
    ag_json_begin_array(json);
    while (ag_str_next(&rest, ' ', &part)) put_event(json, part);
    ag_json_end_array(json);
    ag_json_put_text(json, "status", statuses[webhook->disabled]);
    ag_json_put_int(json, "creation_timestamp", webhook->created_at / 1000);
    ag_json_put_int(json, "last_updated_timestamp", webhook->updated_at / 1000);
    ag_json_end_object(json);
}

static int answer(ag_response *response, const ag_webhook *webhook, ag_err *err)
{
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "webhook");
    put_webhook(json, webhook);
    return ag_mlflow_end(response, json, err);
}

/* ---- handlers ---- */

static int check_url(const ag_request *request, const char *url, ag_err *err)
{
    ag_webhooks *hooks = request->server ? ag_server_webhooks(request->server) : NULL;
    return url && hooks ? ag_webhooks_check_url(hooks, url, request->arena, err) : AG_OK;
}

static int create(ag_request *request, ag_response *response, ag_err *err)
{
    webhook_create message;
    ag_webhook webhook;
    const char *events = NULL;
    int rc = ag_message_read(request, &create_message, &message, err);
    if (rc >= 0) rc = events_text(request, message.events, &events, err);
    if (rc >= 0) rc = check_url(request, message.url, err);
    if (rc < 0) return rc;
    webhook = (ag_webhook){.name = message.name,
                           .description = message.description,
                           .url = message.url,
                           .secret = message.secret && *message.secret ? message.secret : NULL,
                           .events = events,
                           .disabled = message.status == statuses[1]};
    rc = ag_webhook_create(request->ledger, &request->actor, &webhook, request->arena, err);
    return rc < 0 ? rc : answer(response, &webhook, err);
}

static int list(ag_request *request, ag_response *response, ag_err *err)
{
    webhook_list message;
    ag_webhooks_page found;
    int rc = ag_message_read(request, &list_message, &message, err);
    if (rc >= 0) rc = ag_message_page(request, message.max_results, err);
    if (rc < 0) return rc;
    rc = ag_webhook_list(request->ledger, (uint32_t)message.max_results, ag_message_str(message.page_token),
                         request->arena, &found, err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    if (found.count) {
        ag_json_name(json, "webhooks");
        ag_json_begin_array(json);
        for (size_t i = 0; i < found.count; i++) put_webhook(json, &found.items[i]);
        ag_json_end_array(json);
    }
    ag_write_next(json, found.next);
    return ag_mlflow_end(response, json, err);
}

static int get(ag_request *request, ag_response *response, ag_err *err)
{
    webhook_id message;
    ag_webhook webhook;
    int rc = ag_message_read(request, &id_message, &message, err);
    if (rc >= 0) rc = ag_webhook_get(request->ledger, ag_str_of(message.webhook_id), request->arena, &webhook, err);
    return rc < 0 ? rc : answer(response, &webhook, err);
}

static const char *filled(const char *text)
{
    return text && *text ? text : NULL;
}

static int update(ag_request *request, ag_response *response, ag_err *err)
{
    webhook_update message;
    ag_webhook change = {0}, webhook;
    int rc = ag_message_read(request, &update_message, &message, err);
    if (rc >= 0) rc = events_text(request, message.events, &change.events, err);
    if (rc >= 0) rc = check_url(request, filled(message.url), err);
    if (rc < 0) return rc;
    change.name = filled(message.name);
    change.url = filled(message.url);
    change.description = message.description;
    change.secret = message.secret;
    bool disabled = message.status == statuses[1];
    rc = ag_webhook_update(request->ledger, &request->actor, ag_str_of(message.webhook_id), &change,
                           message.status ? &disabled : NULL, request->arena, &webhook, err);
    return rc < 0 ? rc : answer(response, &webhook, err);
}

static int remove_one(ag_request *request, ag_response *response, ag_err *err)
{
    webhook_id message;
    int rc = ag_message_read(request, &id_message, &message, err);
    if (rc >= 0) rc = ag_webhook_delete(request->ledger, &request->actor, ag_str_of(message.webhook_id), err);
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

static int try_one(ag_request *request, ag_response *response, ag_err *err)
{
    webhook_try message;
    ag_webhook webhook;
    ag_webhook_trial trial;
    char event[64];
    ag_webhooks *hooks = request->server ? ag_server_webhooks(request->server) : NULL;
    int rc = ag_message_read(request, &try_message, &message, err);
    if (rc >= 0) rc = ag_webhook_get(request->ledger, ag_str_of(message.webhook_id), request->arena, &webhook, err);
    if (rc < 0) return rc;
    ag_format(event, sizeof(event), "%.*s", (int)strcspn(webhook.events, " "), webhook.events);
    if (message.event.entity) rc = event_text(&message.event, event, sizeof(event), err);
    if (rc >= 0 && !hooks) rc = ag_fail(err, AG_EUNSUPPORTED, "this server has no webhooks");
    if (rc >= 0) rc = ag_webhooks_try(hooks, &webhook, event, request->arena, &trial, err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "result");
    ag_json_begin_object(json);
    ag_json_put_bool(json, "success", trial.success);
    if (trial.status) ag_json_put_int(json, "response_status", trial.status);
    ag_write_text(json, "response_body", trial.body);
    ag_write_text(json, "error_message", trial.error);
    ag_json_put_int(json, "response_time_ms", trial.took / 1000);
    ag_json_end_object(json);
    return ag_mlflow_end(response, json, err);
}

/* ---- routes ---- */

static const ag_route routes[] = {
    {AG_METHOD_POST, "/webhooks", AG_ADMIN_ONLY, AG_BODY_JSON, .summary = "Make a webhook",
     .doc = "It is told of changes in the registry by a POST whose X-MLflow-Signature is \"v1,\" and the base64 of the "
            "HMAC-SHA-256 of \"DELIVERY-ID.TIMESTAMP.BODY\" under its secret.",
     .describes = &create_message, .handle = create},
    {AG_METHOD_GET, "/webhooks", AG_ADMIN_ONLY, AG_BODY_NONE, .summary = "List webhooks", .describes = &list_message,
     .handle = list},
    {AG_METHOD_GET, "/webhooks/{webhook_id}", AG_ADMIN_ONLY, AG_BODY_NONE, .summary = "Tell about a webhook",
     .handle = get},
    {AG_METHOD_PATCH, "/webhooks/{webhook_id}", AG_ADMIN_ONLY, AG_BODY_JSON, .summary = "Change a webhook",
     .describes = &update_message, .handle = update},
    {AG_METHOD_DELETE, "/webhooks/{webhook_id}", AG_ADMIN_ONLY, AG_BODY_JSON, .summary = "Delete a webhook",
     .handle = remove_one},
    {AG_METHOD_POST, "/webhooks/{webhook_id}/test", AG_ADMIN_ONLY, AG_BODY_JSON,
     .summary = "Send an example to a webhook", .describes = &try_message, .handle = try_one},
};

const ag_route_group ag_route_group_mlflow_webhooks = {
    .name = "MLflow webhooks",
    .doc = "Whom to tell of changes in the registry.",
    .prefixes = ag_mlflow_prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};
