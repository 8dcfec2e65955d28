// SPDX-License-Identifier: Apache-2.0
/* http.c: the client: idle connections, redirects, retries. Owns a list of idle workers (a libcurl multi and easy
 * handle each, with their connections); a call takes one or makes one and gives it back. libcurl's share interface is
 * not used for connections: it is not safe across threads in the versions we support. Redirects are followed here and
 * not by libcurl, so that one place decides about schemes and credentials. Threads: any; the lock guards the list only.
 */
#include "core/net/http.h"

#include <pthread.h>
#include <string.h>

#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/net/http_private.h"
#include "core/sys/clock.h"

#define IDLE_MAX 16

typedef struct worker {
    struct worker *next;
    CURLM *multi;
    CURL *easy;
} worker;

struct ag_http {
    ag_http_options options;
    char *texts[4]; /* copies of the options' strings */
    pthread_mutex_t lock;
    worker *idle;
    unsigned idle_count;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_state;

static void start_curl(void)
{
    curl_state = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void worker_free(worker *w)
{
    if (!w) return;
    curl_easy_cleanup(w->easy);
    if (w->multi) curl_multi_cleanup(w->multi);
    ag_free(w);
}

static int worker_new(worker **out, ag_err *err)
{
    worker *w = ag_calloc(1, sizeof(*w));
    if (!w) return ag_fail_memory(err, sizeof(*w));
    w->multi = ag_fault(AG_FAULT_ALLOC) ? NULL : curl_multi_init();
    w->easy = curl_easy_init();
    if (!w->multi || !w->easy) {
        worker_free(w);
        return ag_fail_memory(err, sizeof(*w));
    }
    *out = w;
    return 0;
}

static int worker_take(ag_http *client, worker **out, ag_err *err)
{
    pthread_mutex_lock(&client->lock);
    worker *w = client->idle;
    if (w) {
        client->idle = w->next;
        client->idle_count--;
    }
    pthread_mutex_unlock(&client->lock);
    if (!w) return worker_new(out, err);
    *out = w;
    return 0;
}

static void worker_give(ag_http *client, worker *w)
{
    pthread_mutex_lock(&client->lock);
    if (client->idle_count < IDLE_MAX) {
        w->next = client->idle;
        client->idle = w;
        client->idle_count++;
        w = NULL;
    }
    pthread_mutex_unlock(&client->lock);
    worker_free(w);
}

static int64_t default_time(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static void fill_defaults(ag_http_options *o)
{
    if (!o->user_agent) o->user_agent = "auger";
    o->connect_timeout = default_time(o->connect_timeout, 10 * AG_SECOND);
    o->idle_timeout = default_time(o->idle_timeout, 60 * AG_SECOND);
    o->backoff = default_time(o->backoff, AG_SECOND / 5);
    o->backoff_max = default_time(o->backoff_max, 20 * AG_SECOND);
    if (!o->attempts) o->attempts = 4;
    if (!o->max_header_bytes) o->max_header_bytes = 65536;
    if (!o->max_body_bytes) o->max_body_bytes = (size_t)64 << 20;
}

int ag_http_new(const ag_http_options *options, ag_http **out, ag_err *err)
{
    pthread_once(&curl_once, start_curl);
    if (curl_state != CURLE_OK)
        return ag_fail(err, AG_EINTERNAL, "libcurl does not start: %s", curl_easy_strerror(curl_state));
    ag_http *client = ag_calloc(1, sizeof(*client));
    if (!client) return ag_fail_memory(err, sizeof(*client));
    pthread_mutex_init(&client->lock, NULL);
    if (options) client->options = *options;
    fill_defaults(&client->options);
    const char **texts[4] = {&client->options.user_agent, &client->options.ca_file, &client->options.ca_path,
                             &client->options.proxy};
    for (size_t i = 0; i < 4; i++) {
        if (!*texts[i]) continue;
        if (!(client->texts[i] = ag_strdup(*texts[i]))) {
            ag_http_free(client);
            return ag_fail_memory(err, 64);
        }
        *texts[i] = client->texts[i];
    }
    *out = client;
    return 0;
}

void ag_http_free(ag_http *client)
{
    if (!client) return;
    while (client->idle) {
        worker *w = client->idle;
        client->idle = w->next;
        worker_free(w);
    }
    for (size_t i = 0; i < 4; i++) ag_free(client->texts[i]);
    pthread_mutex_destroy(&client->lock);
    ag_free(client);
}

void ag_http_response_deinit(ag_http_response *response)
{
    ag_buf_deinit(&response->body);
    ag_vec_deinit(&response->headers);
    ag_arena_free(response->arena);
    response->arena = NULL;
}

ag_str ag_http_field(const ag_http_response *response, const char *name)
{
    for (size_t i = 0; i < response->headers.count; i++) {
        const ag_http_header *header = ag_vec_at(&response->headers, i);
        if (ag_str_equal_nocase(ag_str_of(header->name), ag_str_of(name))) return ag_str_of(header->value);
    }
    return (ag_str){NULL, 0};
}

bool http_is_idempotent(const http_call *call)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    if (call->request->idempotent) return true;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(call->method, methods[i]) == 0) return true;
    }
    return false;
}

static bool is_transient(const ag_http_options *options, int status)
{
    return status == 429 || (status >= 502 && status <= 504) || (status == 500 && options->retry_500);
}

/* The pause before the next try: exponential with half of it random, or what the server asks for; < 0: not worth it. */
static int64_t pause_before(const http_call *call, unsigned attempt, bool answered)
{
    const ag_http_options *o = call->options;
    if (answered) {
        ag_str asked = ag_http_field(call->response, "retry-after");
        int64_t wait = asked.data ? http_retry_after(asked, ag_now()) : -1;
        if (wait > o->backoff_max) return -1;
        if (wait >= 0) return wait;
    }
    int64_t wait = o->backoff;
    for (unsigned i = 1; i < attempt && wait < o->backoff_max; i++) wait *= 2;
    if (wait > o->backoff_max) wait = o->backoff_max;
    uint32_t random = 0;
    if (ag_random_bytes(&random, sizeof(random), NULL) < 0) random = 0;
    return wait / 2 + (int64_t)((uint64_t)(wait / 2) * random >> 32);
}

/* Makes the body ready to be sent again. False when it cannot be. */
static bool body_again(http_call *call)
{
    if (!call->body_reader || !call->body_begun) return true;
    if (!call->request->rewind || call->request->rewind(call->request->rewind_context, NULL) < 0) return false;
    call->body_begun = false;
    return true;
}

/* One address, with retries. */
static int send_one(ag_http *client, worker *w, http_call *call, ag_err *err)
{
    const ag_http_options *o = call->options;
    for (unsigned attempt = 1;; attempt++) {
        http_outcome outcome = {0};
        int rc = http_exchange(w->multi, w->easy, call, &outcome, err);
        call->response->attempts++;
        bool again = rc < 0 ? outcome.transient : is_transient(o, call->response->status);
        bool safe =
            http_is_idempotent(call) || (rc < 0 && outcome.never_sent) || (rc == 0 && call->response->status == 429);
        bool untouched = !call->request->sink || rc == 0 || call->response->received == 0;
        if (!again || !safe || !untouched || attempt >= client->options.attempts) return rc;
        int64_t wait = pause_before(call, attempt, rc == 0);
        if (wait < 0 || ag_monotonic() + wait >= call->deadline || !body_again(call)) return rc;
        ag_err stopped = {0};
        int cancelled = ag_cancel_sleep(call->request->cancel, wait, &stopped);
        if (cancelled < 0) {
            if (err) *err = stopped;
            return cancelled;
        }
    }
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Points the call at where its answer leads. 1: go on, 0: the answer stands. */
static int follow(http_call *call, ag_arena *arena, ag_err *err)
{
    int status = call->response->status, rc;
    ag_str location = ag_http_field(call->response, "location");
    if (!is_redirect(status) || !location.data) return 0;
    bool same_host = false;
    char *url = NULL;
    if ((rc = http_redirect_target(arena, call->url, location, &url, &same_host, err)) < 0) return rc;
    bool to_get =
        (status == 303 && strcmp(call->method, "HEAD") != 0) || (status < 303 && strcmp(call->method, "POST") == 0);
    if (to_get) {
        call->method = "GET";
        call->body = (ag_str){NULL, 0};
        call->body_reader = NULL;
    } else if (!body_again(call)) {
        return ag_fail(err, AG_EUNSUPPORTED, "the server redirects a body that cannot be sent twice");
    }
    call->url = url;
    if (!same_host) call->keep_credentials = false;
    return 1;
}

static int send_following(ag_http *client, worker *w, http_call *call, ag_arena *arena, ag_err *err)
{
    for (unsigned hops = 0;; hops++) {
        int rc = send_one(client, w, call, err);
        if (rc < 0 || client->options.redirects == 0) return rc;
        if ((rc = follow(call, arena, err)) <= 0) return rc;
        if (hops == client->options.redirects) {
            return ag_fail(err, AG_ELIMIT, "more than %u redirects", client->options.redirects);
        }
    }
}

int ag_http_send(ag_http *client, const ag_http_request *request, ag_http_response *out, ag_err *err)
{
    worker *w = NULL;
    ag_arena *urls = NULL;
    ag_err local = {0};
    if (!err) err = &local;
    *out = (ag_http_response){0};
    ag_buf_init(&out->body, client->options.max_body_bytes);
    ag_vec_init(&out->headers, sizeof(ag_http_header));
    int64_t total = client->options.total_timeout;
    http_call call = {.options = &client->options,
                      .request = request,
                      .response = out,
                      .method = request->method ? request->method : "GET",
                      .url = request->url,
                      .body = request->body,
                      .body_reader = request->body_reader,
                      .keep_credentials = true,
                      .deadline = total > 0 ? ag_monotonic() + total : INT64_MAX};
    int rc = ag_cancel_check(request->cancel, err);
    if (rc < 0) goto out;
    if (!(out->arena = ag_arena_new(0)) || !(urls = ag_arena_new(0))) {
        rc = ag_fail_memory(err, sizeof(call));
        goto out;
    }
    if ((rc = worker_take(client, &w, err)) < 0) goto out;
    rc = send_following(client, w, &call, urls, err);
out:
    if (rc < 0) {
        char shown[200];
        ag_http_show_url(call.url, shown, sizeof(shown));
        ag_err_prefix(err, "%s %s", call.method, shown);
    }
    if (w) worker_give(client, w);
    ag_arena_free(urls);
    return rc;
}
