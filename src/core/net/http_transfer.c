// SPDX-License-Identifier: Apache-2.0
/* http_transfer.c: one request and its answer through libcurl. The exchange runs on a multi handle of one transfer, not
 * on curl_easy_perform, because only so can it be cancelled and timed by the microsecond. Callbacks never fail
 * silently: the first error of the body's reader, the sink or a limit is kept in the exchange and wins over libcurl's
 * words. Threads: one exchange per thread at a time. */
#include <string.h>

#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/net/address.h"
#include "core/net/http_private.h"
#include "core/sys/clock.h"

#define ERROR_BODY_MAX 65536
#define POLL_MS 100

typedef struct exchange {
    http_call *call;
    size_t body_at;
    size_t header_bytes;
    int64_t activity; /* when a byte last moved */
    curl_off_t moved;
    bool failed;  /* `why` holds the reason */
    bool refused; /* an address was not to be connected to */
    ag_err why;
} exchange;

static size_t stop(exchange *x, size_t result)
{
    x->failed = true;
    return result;
}

static size_t give_body(char *into, size_t size, size_t count, void *context)
{
    exchange *x = context;
    http_call *call = x->call;
    size_t room = size * count;
    if (!call->body_reader) {
        ag_str part = ag_str_slice(call->body, x->body_at, room);
        if (part.size) memcpy(into, part.data, part.size);
        x->body_at += part.size;
        return part.size;
    }
    call->body_begun = true;
    ptrdiff_t got = ag_read(call->body_reader, into, room, &x->why);
    if (got < 0) return stop(x, CURL_READFUNC_ABORT);
    return (size_t)got;
}

static int seek_body(void *context, curl_off_t offset, int origin)
{
    exchange *x = context;
    if (x->call->body_reader || origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
    x->body_at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* A new status line starts a new answer (100 Continue before the real one). */
static int begin_answer(exchange *x, ag_str line)
{
    ag_http_response *response = x->call->response;
    int64_t status = 0;
    size_t blank = ag_str_find_char(line, ' ', 0);
    if (blank == SIZE_MAX || !ag_str_to_int(ag_str_slice(line, blank + 1, 3), &status)) {
        return ag_fail(&x->why, AG_EPARSE, "the server's status line is not HTTP");
    }
    response->status = (int)status;
    ag_vec_clear(&response->headers);
    ag_arena_reset(response->arena);
    return 0;
}

static int keep_header(exchange *x, ag_str line)
{
    ag_http_response *response = x->call->response;
    size_t colon = ag_str_find_char(line, ':', 0);
    if (colon == SIZE_MAX) return 0;
    ag_str name = ag_str_trim(ag_str_slice(line, 0, colon)),
           value = ag_str_trim(ag_str_slice(line, colon + 1, SIZE_MAX));
    ag_http_header header = {ag_arena_strndup(response->arena, name.data, name.size),
                             ag_arena_strndup(response->arena, value.data, value.size)};
    if (!header.name || !header.value) return ag_fail_memory(&x->why, line.size);
    return ag_vec_push(&response->headers, &header, &x->why);
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    exchange *x = context;
    ag_str line = ag_str_trim((ag_str){data, size * count});
    x->header_bytes += size * count;
    int rc;
    if (x->header_bytes > x->call->options->max_header_bytes) {
        rc = ag_fail(&x->why, AG_ELIMIT, "the answer's header has more than %zu bytes",
                     x->call->options->max_header_bytes);
    } else if (ag_str_starts(line, AG_STR("HTTP/"))) {
        rc = begin_answer(x, line);
    } else {
        rc = keep_header(x, line);
    }
    return rc < 0 ? stop(x, 0) : size * count;
}

static int take_bytes(exchange *x, const char *data, size_t size)
{
    http_call *call = x->call;
    ag_http_response *response = call->response;
    bool good = response->status >= 200 && response->status < 300;
    if (!good) { /* the text of an error is for messages: a cut one will do */
        response->received += size;
        size_t room = response->body.size < ERROR_BODY_MAX ? ERROR_BODY_MAX - response->body.size : 0;
        return ag_buf_add(&response->body, data, size < room ? size : room) < 0 ? ag_fail_memory(&x->why, size) : 0;
    }
    if (!call->request->sink) {
        response->received += size;
        if (ag_buf_add(&response->body, data, size) == AG_OK) return 0;
        return ag_buf_check(&response->body, "the answer's body", &x->why);
    }
    uint64_t bound = call->request->max_sink_bytes;
    if (bound && response->received + size > bound) {
        return ag_fail(&x->why, AG_ELIMIT, "the answer's body has more than %llu bytes", (unsigned long long)bound);
    }
    response->received += size;
    return ag_write(call->request->sink, data, size, &x->why);
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    exchange *x = context;
    if (size * count == 0) return 0;
    if (ag_fault(AG_FAULT_NET)) return 0; /* as a connection that breaks: libcurl sees a short write */
    return take_bytes(x, data, size * count) < 0 ? stop(x, 0) : size * count;
}

static int watch(void *context, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total,
                 curl_off_t uploaded)
{
    exchange *x = context;
    (void)download_total;
    (void)upload_total;
    if (downloaded + uploaded != x->moved) {
        x->moved = downloaded + uploaded;
        x->activity = ag_monotonic();
    }
    return 0;
}

static bool has_body(const http_call *call)
{
    return call->body_reader || call->body.size > 0 || strcmp(call->method, "POST") == 0 ||
           strcmp(call->method, "PUT") == 0 || strcmp(call->method, "PATCH") == 0;
}

static void set_method(CURL *easy, const http_call *call)
{
    if (has_body(call)) {
        curl_off_t size = (curl_off_t)call->body.size;
        if (call->body_reader) size = call->request->body_size ? (curl_off_t)call->request->body_size : -1;
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    } else if (strcmp(call->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    }
}

/* libcurl asks for a socket to each address that it is about to connect to. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    exchange *x = context;
    (void)purpose;
    if (!ag_address_is_public(&address->addr)) {
        x->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_options(CURL *easy, const ag_http_options *options)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy ? options->proxy : "");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (options->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    if (options->ca_path) curl_easy_setopt(easy, CURLOPT_CAPATH, options->ca_path);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(options->connect_timeout / 1000 + 1));
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* a signature covers the path as written */
}

static void set_callbacks(CURL *easy, exchange *x)
{
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, x);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, x);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, watch);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, x);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    if (!x->call->options->public_only) return;
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, x);
}

static bool is_credential(const char *name)
{
    ag_str text = ag_str_of(name);
    return ag_str_equal_nocase(text, AG_STR("authorization")) || ag_str_equal_nocase(text, AG_STR("cookie")) ||
           ag_str_equal_nocase(text, AG_STR("x-amz-security-token"));
}

static int add_header(struct curl_slist **list, const char *name, const char *value, ag_err *err)
{
    if (strpbrk(name, "\r\n:") || strpbrk(value, "\r\n")) {
        return ag_fail(err, AG_EINVAL, "the header '%.60s' holds a line break or colon that would forge another", name);
    }
    char line[8192];
    /* libcurl drops a header that ends in ':' and sends an empty one for ';' */
    bool fits =
        value[0] ? ag_format(line, sizeof(line), "%s: %s", name, value) : ag_format(line, sizeof(line), "%s;", name);
    if (!fits) return ag_fail(err, AG_ELIMIT, "the header '%.60s' has more than %zu bytes", name, sizeof(line));
    struct curl_slist *longer = ag_fault(AG_FAULT_ALLOC) ? NULL : curl_slist_append(*list, line);
    if (!longer) return ag_fail_memory(err, strlen(line));
    *list = longer;
    return 0;
}

static int make_headers(const http_call *call, struct curl_slist **list, ag_err *err)
{
    int rc;
    struct curl_slist *first = ag_fault(AG_FAULT_ALLOC) ? NULL : curl_slist_append(NULL, "Expect:");
    if (!first) return ag_fail_memory(err, 8);
    *list = first;
    for (size_t i = 0; i < call->request->header_count; i++) {
        const ag_http_header *header = &call->request->headers[i];
        if (!call->keep_credentials && is_credential(header->name)) continue;
        if ((rc = add_header(list, header->name, header->value, err)) < 0) return rc;
    }
    return 0;
}

/* Runs the transfer to its end. 0: *code is libcurl's verdict. */
static int drive(CURLM *multi, exchange *x, CURLcode *code, ag_err *err)
{
    const http_call *call = x->call;
    int running = 1, left, rc;
    for (;;) {
        CURLMcode wrong = curl_multi_perform(multi, &running);
        if (wrong != CURLM_OK) return ag_fail(err, AG_EUNAVAILABLE, "%s", curl_multi_strerror(wrong));
        CURLMsg *message = curl_multi_info_read(multi, &left);
        if (message && message->msg == CURLMSG_DONE) {
            *code = message->data.result;
            return 0;
        }
        if ((rc = ag_cancel_check(call->request->cancel, err)) < 0) return rc;
        int64_t now = ag_monotonic();
        if (now >= call->deadline) return ag_fail(err, AG_ETIMEOUT, "no whole answer within the time allowed");
        if (now - x->activity > call->options->idle_timeout) {
            return ag_fail(err, AG_ETIMEOUT, "nothing came or went for %lld ms",
                           (long long)(call->options->idle_timeout / 1000));
        }
        curl_multi_poll(multi, NULL, 0, POLL_MS, NULL);
    }
}

static int explain(CURLcode code, const char *detail, http_outcome *outcome, ag_err *err)
{
    const char *text = detail[0] ? detail : curl_easy_strerror(code);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        outcome->transient = outcome->never_sent = true;
        return ag_fail(err, AG_EUNAVAILABLE, "%s", text);
    case CURLE_WRITE_ERROR: /* only an injected one comes here */
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR: outcome->transient = true; return ag_fail(err, AG_EUNAVAILABLE, "%s", text);
    case CURLE_OPERATION_TIMEDOUT:
        outcome->transient = outcome->never_sent = true; /* only the time to connect is libcurl's to watch */
        return ag_fail(err, AG_ETIMEOUT, "%s", text);
    case CURLE_PEER_FAILED_VERIFICATION:
        ag_fail(err, AG_EDENIED, "%s", text);
        return ag_err_hint(err, "The server's certificate is not trusted; name its authority's PEM file.");
    case CURLE_OUT_OF_MEMORY: return ag_fail_memory(err, 0);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return ag_fail(err, AG_EINVAL, "%s", text);
    default: return ag_fail(err, AG_EUNAVAILABLE, "%s", text);
    }
}

static int exchange_run(CURLM *multi, CURL *easy, exchange *x, http_outcome *outcome, ag_err *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    CURLcode code = CURLE_OK;
    if (ag_fault(AG_FAULT_NET)) {
        outcome->transient = outcome->never_sent = true;
        return ag_fail(err, AG_EUNAVAILABLE, "the connection failed (injected)");
    }
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    x->activity = ag_monotonic();
    if (curl_multi_add_handle(multi, easy) != CURLM_OK) return ag_fail_memory(err, 0);
    int rc = drive(multi, x, &code, err);
    if (rc == AG_ETIMEOUT) outcome->transient = ag_monotonic() < x->call->deadline;
    curl_multi_remove_handle(multi, easy);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    if (x->failed) {
        if (err) *err = x->why;
        return x->why.code;
    }
    if (rc < 0 || code == CURLE_OK) return rc;
    if (x->refused && code == CURLE_COULDNT_CONNECT)
        return ag_fail(err, AG_EDENIED, "the address is not one of the public internet");
    return explain(code, detail, outcome, err);
}

int http_exchange(CURLM *multi, CURL *easy, http_call *call, http_outcome *outcome, ag_err *err)
{
    exchange x = {.call = call};
    struct curl_slist *headers = NULL;
    int rc = make_headers(call, &headers, err);
    if (rc < 0) goto out;
    ag_vec_clear(&call->response->headers);
    ag_arena_reset(call->response->arena);
    ag_buf_clear(&call->response->body);
    call->response->received = 0;
    call->response->status = 0;
    curl_easy_reset(easy); /* keeps connections, forgets the last request */
    set_options(easy, call->options);
    set_callbacks(easy, &x);
    set_method(easy, call);
    /* On a kept connection that ends without an answer libcurl sends a request again by itself, whatever it is. */
    if (!http_is_idempotent(call)) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    if (curl_easy_setopt(easy, CURLOPT_URL, call->url) || curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers)) {
        rc = ag_fail_memory(err, strlen(call->url));
        goto out;
    }
    rc = exchange_run(multi, easy, &x, outcome, err);
out:
    curl_slist_free_all(headers);
    return rc;
}
