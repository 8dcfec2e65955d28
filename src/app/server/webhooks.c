// SPDX-License-Identifier: Apache-2.0
/* webhooks.c: from a notice to signed POSTs. What is told is written when it happens, who is told is looked up by the
 * worker: so a request pays for a small block of memory, and two servers on one database tell the same listeners.
 * Where a webhook leads is somebody else's choice: only public addresses unless allowed, no redirect is followed, no
 * proxy of the environment is used, and an answer's body is read to a bound and thrown away.
 *
 * A prompt is a registered model with a tag; MLflow has events of their own for them. Whether a model is one is known
 * from its tags when it is made, and looked up otherwise. */
#include "app/server/webhooks.h"

#include <pthread.h>
#include <stdatomic.h>

#include "app/server/mlflow/notice.h"
#include "core/base/mem.h"
#include "core/doc/json.h"
#include "core/hash/encode.h"
#include "core/hash/hash.h"
#include "core/io/uri.h"
#include "core/net/address.h"
#include "core/net/http.h"
#include "core/sys/clock.h"
#include "core/sys/log.h"
#include "core/sys/thread.h"

enum { WORKERS = 4, WAITING = 1024, PAYLOAD = 2 << 20, ANSWER = 64 * 1024, SHOWN = 4096 };
#define LAST_TIME (5 * AG_SECOND) /* for what is under way when the server stops */

struct ag_webhooks {
    ag_ledger *ledger;
    bool allow_private;
    ag_cancel *cancel;
    pthread_mutex_t lock; /* guards the three below, which are NULL until there is something to tell */
    ag_pool *pool;
    ag_http *client, *trial; /* the second tries once */
    atomic_uint waiting;
};

typedef struct job {
    ag_webhooks *hooks;
    ag_notice_of of;
    bool known, prompt; /* whether it is about a prompt */
    char *what, *name;
    ag_buf data; /* JSON */
} job;

const char *const ag_webhook_events[] = {"registered_model.created",
                                         "model_version.created",
                                         "model_version_tag.set",
                                         "model_version_tag.deleted",
                                         "model_version_alias.created",
                                         "model_version_alias.deleted",
                                         "prompt.created",
                                         "prompt_version.created",
                                         "prompt_tag.set",
                                         "prompt_tag.deleted",
                                         "prompt_version_tag.set",
                                         "prompt_version_tag.deleted",
                                         "prompt_alias.created",
                                         "prompt_alias.deleted",
                                         NULL};

static const char is_prompt_tag[] = "mlflow.prompt.is_prompt", text_tag[] = "mlflow.prompt.text",
                  type_tag[] = "_mlflow_prompt_type";

int ag_webhooks_new(ag_ledger *ledger, bool allow_private, ag_webhooks **out, ag_err *err)
{
    ag_webhooks *hooks = ag_calloc(1, sizeof(*hooks));
    if (!hooks) return ag_fail_memory(err, sizeof(*hooks));
    hooks->ledger = ledger;
    hooks->allow_private = allow_private;
    pthread_mutex_init(&hooks->lock, NULL);
    int rc = ag_cancel_new(NULL, &hooks->cancel, err);
    if (rc < 0)
        ag_webhooks_free(hooks);
    else
        *out = hooks;
    return rc;
}

void ag_webhooks_free(ag_webhooks *hooks)
{
    if (!hooks) return;
    if (hooks->cancel) ag_cancel_deadline(hooks->cancel, ag_monotonic() + LAST_TIME);
    ag_pool_free(hooks->pool);
    ag_http_free(hooks->client);
    ag_http_free(hooks->trial);
    ag_cancel_free(hooks->cancel);
    pthread_mutex_destroy(&hooks->lock);
    ag_free(hooks);
}

int ag_webhooks_check_url(const ag_webhooks *hooks, const char *url, ag_arena *arena, ag_err *err)
{
    ag_uri parsed;
    if (hooks->allow_private) return AG_OK;
    int rc = ag_uri_parse(arena, ag_str_of(url), NULL, &parsed, NULL);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, strlen(url));
    if (rc < 0 || !parsed.host.size || !ag_host_is_private(parsed.host)) return AG_OK; /* the ledger says the rest */
    ag_fail(err, AG_EINVAL, "Webhook URL must not resolve to a non-public IP address: '%.*s'", AG_STR_ARG(parsed.host));
    return ag_err_hint(err, "the server's --webhook-allow-private allows it");
}

/* ---- one delivery ---- */

static int find_client(ag_webhooks *hooks, bool once, ag_http **out, ag_err *err)
{
    ag_http_options options = {.user_agent = "auger-webhook",
                               .connect_timeout = 10 * AG_SECOND,
                               .idle_timeout = 30 * AG_SECOND,
                               .total_timeout = (once ? 30 : 300) * AG_SECOND,
                               .attempts = once ? 1 : 4,
                               .backoff = AG_SECOND,
                               .backoff_max = 60 * AG_SECOND,
                               .max_body_bytes = ANSWER,
                               .retry_500 = true,
                               .public_only = !hooks->allow_private};
    ag_http **client = once ? &hooks->trial : &hooks->client;
    pthread_mutex_lock(&hooks->lock);
    int rc = *client ? AG_OK : ag_http_new(&options, client, err);
    if (rc >= 0) *out = *client;
    pthread_mutex_unlock(&hooks->lock);
    return rc;
}

typedef struct delivery {
    char id[40], timestamp[24], signature[80];
    ag_buf payload;
} delivery;

static int sign(delivery *d, const char *secret, ag_err *err)
{
    ag_sha256 digest;
    ag_buf text, code;
    ag_buf_init(&text, PAYLOAD + 128);
    ag_buf_init(&code, 128);
    ag_buf_addf(&text, "%s.%s.", d->id, d->timestamp);
    ag_buf_add_str(&text, ag_buf_str(&d->payload));
    int rc = ag_buf_check(&text, "a signed text", err);
    if (rc >= 0) rc = ag_hmac_sha256(ag_str_of(secret), ag_buf_str(&text), &digest, err);
    if (rc >= 0) rc = ag_base64(&code, (ag_str){(const char *)digest.bytes, sizeof(digest.bytes)});
    if (rc >= 0) ag_format(d->signature, sizeof(d->signature), "v1,%.*s", (int)code.size, code.data);
    ag_buf_deinit(&text);
    ag_buf_deinit(&code);
    return rc;
}

/* "model_version.created" with its data, as MLflow words it. */
static int prepare(delivery *d, const char *event, ag_str data, const char *secret, ag_err *err)
{
    char hex[33], now[40];
    const char *dot = strchr(event, '.');
    int rc = ag_id_new(hex, err);
    if (rc < 0 || !dot) return rc;
    ag_format(d->id, sizeof(d->id), "%.8s-%.4s-4%.3s-a%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
    ag_format(d->timestamp, sizeof(d->timestamp), "%lld", (long long)(ag_now() / AG_SECOND));
    ag_instant_format(ag_now(), 6, now);
    ag_buf_addf(&d->payload,
                "{\"entity\": \"%.*s\", \"action\": \"%s\", \"timestamp\": \"%s\", \"data\": ", (int)(dot - event),
                event, dot + 1, now);
    ag_buf_add_str(&d->payload, data);
    ag_buf_add_char(&d->payload, '}');
    rc = ag_buf_check(&d->payload, "a webhook's payload", err);
    return rc < 0 || !secret ? rc : sign(d, secret, err);
}

static int deliver(ag_webhooks *hooks, bool once, const ag_webhook *webhook, const char *event, ag_str data,
                   ag_http_response *response, ag_err *err)
{
    delivery d = {.id = ""};
    ag_http *client = NULL;
    ag_buf_init(&d.payload, PAYLOAD);
    int rc = find_client(hooks, once, &client, err);
    if (rc >= 0) rc = prepare(&d, event, data, webhook->secret, err);
    const ag_http_header headers[] = {{"Content-Type", "application/json"},
                                      {"X-MLflow-Delivery-Id", d.id},
                                      {"X-MLflow-Timestamp", d.timestamp},
                                      {"X-MLflow-Signature", d.signature}};
    ag_http_request request = {.method = "POST",
                               .url = webhook->url,
                               .headers = headers,
                               .header_count = webhook->secret ? 4 : 3,
                               .body = ag_buf_str(&d.payload),
                               .idempotent = true, /* the receiver knows a second try by its delivery id */
                               .cancel = hooks->cancel};
    if (rc >= 0) rc = ag_http_send(client, &request, response, err);
    ag_buf_deinit(&d.payload);
    return rc;
}

/* ---- from notices to deliveries ---- */

static void free_job(job *j)
{
    if (!j) return;
    ag_buf_deinit(&j->data);
    ag_free(j->what);
    ag_free(j->name);
    ag_free(j);
}

static bool has_prompt_tag(ag_pairs tags)
{
    for (size_t i = 0; i < tags.count; i++)
        if (ag_str_is(tags.items[i].key, is_prompt_tag))
            return ag_str_equal_nocase(tags.items[i].value, AG_STR("true"));
    return false;
}

/* NULL: nobody is told of such things. */
static const char *event_of(const job *j, char *out, size_t size)
{
    static const char *const plain[] = {"registered_model", "model_version", NULL, "model_version_tag",
                                        "model_version_alias"};
    static const char *const prompts[] = {"prompt", "prompt_version", "prompt_tag", "prompt_version_tag",
                                          "prompt_alias"};
    const char *entity = j->prompt ? prompts[j->of] : plain[j->of];
    if (!entity) return NULL;
    ag_format(out, size, "%s.%s", entity, j->what);
    for (const char *const *one = ag_webhook_events; *one; one++)
        if (strcmp(*one, out) == 0) return out;
    return NULL;
}

static int tell_all(job *j, ag_arena *arena, ag_err *err)
{
    char text[64];
    ag_registered_model model;
    const ag_webhook *items;
    size_t count;
    int rc = AG_OK;
    if (!j->known) rc = ag_model_get(j->hooks->ledger, ag_str_of(j->name), arena, &model, err);
    if (rc == AG_ENOTFOUND) return AG_OK; /* gone already */
    if (rc < 0) return rc;
    if (!j->known) j->prompt = has_prompt_tag(model.tags);
    const char *event = event_of(j, text, sizeof(text));
    if (!event) return AG_OK;
    rc = ag_webhook_of_event(j->hooks->ledger, event, arena, &items, &count, err);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        ag_http_response response = {0};
        ag_err failure = {0};
        int sent = deliver(j->hooks, false, &items[i], event, ag_buf_str(&j->data), &response, &failure);
        if (sent >= 0 && response.status >= 300) ag_fail(&failure, AG_EUNAVAILABLE, "it answered %d", response.status);
        if (failure.code)
            ag_log(AG_LOG_WARN, "webhooks", "%s was not delivered to webhook '%s': %s", event, items[i].name,
                   failure.text);
        ag_http_response_deinit(&response);
    }
    return rc;
}

static void work(void *context)
{
    job *j = context;
    ag_webhooks *hooks = j->hooks;
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? tell_all(j, arena, &err) : ag_fail_memory(&err, 1);
    if (rc < 0) ag_log_error("webhooks", &err);
    ag_arena_free(arena);
    free_job(j);
    atomic_fetch_sub(&hooks->waiting, 1);
}

static void put(ag_json *json, const char *name, const char *text)
{
    if (text) ag_json_put_text(json, name, text);
}

static void put_or_null(ag_json *json, const char *name, const char *text)
{
    ag_json_name(json, name);
    if (text && *text)
        ag_json_text(json, text);
    else
        ag_json_null(json);
}

/* {"key": "value"}; of a prompt without the tags that make it one. */
static void put_tags(ag_json *json, ag_pairs tags, bool prompt)
{
    ag_json_name(json, "tags");
    ag_json_begin_object(json);
    for (size_t i = 0; i < tags.count; i++) {
        ag_str key = tags.items[i].key;
        if (prompt && (ag_str_is(key, is_prompt_tag) || ag_str_is(key, text_tag) || ag_str_is(key, type_tag))) continue;
        bool last = true; /* of equal keys the last counts */
        for (size_t k = i + 1; k < tags.count; k++) last = last && !ag_str_equal(tags.items[k].key, key);
        if (!last) continue;
        ag_json_name_str(json, key);
        ag_json_str(json, tags.items[i].value.data ? tags.items[i].value : AG_STR(""));
    }
    ag_json_end_object(json);
}

static void put_template(ag_json *json, ag_pairs tags)
{
    ag_json_name(json, "template");
    for (size_t i = 0; i < tags.count; i++) {
        if (!ag_str_is(tags.items[i].key, text_tag)) continue;
        ag_json_str(json, tags.items[i].value);
        return;
    }
    ag_json_null(json);
}

static void put_data(ag_json *json, const ag_notice *notice, bool prompt)
{
    bool created = strcmp(notice->what, "created") == 0 && notice->of <= AG_NOTICE_VERSION;
    ag_json_begin_object(json);
    put(json, "name", notice->name);
    put(json, "version", notice->version);
    put(json, "alias", notice->alias);
    put(json, "key", notice->key);
    if (notice->key && strcmp(notice->what, "set") == 0) put(json, "value", notice->value ? notice->value : "");
    if (created && prompt && notice->of == AG_NOTICE_VERSION) put_template(json, notice->tags);
    if (created && !prompt && notice->of == AG_NOTICE_VERSION) {
        put(json, "source", notice->source);
        put_or_null(json, "run_id", notice->run_id);
    }
    if (created) {
        put_tags(json, notice->tags, prompt);
        put_or_null(json, "description", notice->description);
    }
    ag_json_end_object(json);
}

static int make_job(ag_webhooks *hooks, const ag_notice *notice, job **out, ag_err *err)
{
    bool created = strcmp(notice->what, "created") == 0 && notice->of <= AG_NOTICE_VERSION;
    job *j = ag_calloc(1, sizeof(*j));
    if (!j) return ag_fail_memory(err, sizeof(*j));
    j->hooks = hooks;
    j->of = notice->of;
    j->known = created;
    j->prompt = created && has_prompt_tag(notice->tags);
    ag_buf_init(&j->data, PAYLOAD);
    ag_json json = ag_json_writer(&j->data, 0, AG_JSON_NONFINITE_TEXT);
    put_data(&json, notice, j->prompt);
    int rc = ag_json_end_document(&json, err);
    if (rc >= 0 && (!(j->what = ag_strdup(notice->what)) || !(j->name = ag_strdup(notice->name))))
        rc = ag_fail_memory(err, strlen(notice->name));
    if (rc < 0)
        free_job(j);
    else
        *out = j;
    return rc;
}

static int submit(ag_webhooks *hooks, job *j, ag_err *err)
{
    pthread_mutex_lock(&hooks->lock);
    int rc = hooks->pool ? AG_OK : ag_pool_new(WORKERS, &hooks->pool, err);
    if (rc >= 0) rc = ag_pool_submit(hooks->pool, work, j, err);
    pthread_mutex_unlock(&hooks->lock);
    return rc;
}

void ag_webhooks_notice(ag_webhooks *hooks, const ag_notice *notice)
{
    ag_err err = {0};
    job *j = NULL;
    if (atomic_fetch_add(&hooks->waiting, 1) >= WAITING) {
        atomic_fetch_sub(&hooks->waiting, 1);
        ag_log(AG_LOG_WARN, "webhooks", "%d deliveries wait already: one about '%s' is dropped", WAITING, notice->name);
        return;
    }
    int rc = make_job(hooks, notice, &j, &err);
    if (rc >= 0) rc = submit(hooks, j, &err);
    if (rc >= 0) return;
    free_job(j);
    atomic_fetch_sub(&hooks->waiting, 1);
    ag_log_error("webhooks", &err);
}

/* ---- trying one ---- */

static void put_example(ag_json *json, const char *event)
{
    static const ag_pair tag = {{"example_key", 11}, {"example_value", 13}};
    bool prompt = ag_str_starts(ag_str_of(event), AG_STR("prompt")), version = strstr(event, "version") != NULL;
    bool created = strstr(event, ".created") != NULL, alias = strstr(event, "alias") != NULL;
    bool tagged = strstr(event, "tag") != NULL;
    ag_notice notice = {.of = alias    ? AG_NOTICE_ALIAS
                              : tagged ? (version ? AG_NOTICE_VERSION_TAG : AG_NOTICE_MODEL_TAG)
                                       : (version ? AG_NOTICE_VERSION : AG_NOTICE_MODEL),
                        .what = created                 ? "created"
                                : strstr(event, ".set") ? "set"
                                                        : "deleted",
                        .name = prompt ? "example_prompt" : "example_model",
                        .version = (alias && created) || (version && !alias) ? "1" : NULL,
                        .alias = alias ? "example_alias" : NULL,
                        .key = tagged ? "example_key" : NULL,
                        .value = tagged ? "example_value" : NULL,
                        .source = "models:/123",
                        .run_id = "abcd1234abcd5678",
                        .description = "An example",
                        .tags = {&tag, 1}};
    put_data(json, &notice, prompt);
}

int ag_webhooks_try(ag_webhooks *hooks, const ag_webhook *webhook, const char *event, ag_arena *arena,
                    ag_webhook_trial *out, ag_err *err)
{
    ag_buf data;
    ag_http_response response = {0};
    ag_err failure = {0};
    ag_buf_init(&data, PAYLOAD);
    ag_json json = ag_json_writer(&data, 0, AG_JSON_NONFINITE_TEXT);
    put_example(&json, event);
    int64_t began = ag_monotonic();
    int rc = ag_json_end_document(&json, &failure);
    if (rc >= 0) rc = deliver(hooks, true, webhook, event, ag_buf_str(&data), &response, &failure);
    *out = (ag_webhook_trial){.took = ag_monotonic() - began};
    if (rc < 0) {
        out->error = ag_arena_printf(arena, "Failed to test webhook: %s", failure.text);
    } else {
        size_t size = response.body.size < SHOWN ? response.body.size : SHOWN;
        ag_str body = ag_str_slice(ag_buf_str(&response.body), 0, size);
        out->status = response.status;
        out->success = response.status < 400;
        out->body = ag_utf8_valid(body) || ag_utf8_valid((ag_str){body.data, ag_utf8_cut(body, size)})
                        ? ag_arena_strndup(arena, body.data ? body.data : "", ag_utf8_cut(body, size))
                        : ag_arena_strdup(arena, "");
    }
    ag_http_response_deinit(&response);
    ag_buf_deinit(&data);
    return out->error || out->body ? AG_OK : ag_fail_memory(err, SHOWN);
}
