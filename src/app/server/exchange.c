// SPDX-License-Identifier: Apache-2.0
/* exchange.c: one request from its bytes to the last byte of its answer, on one worker thread. The order: read the
 * head, the guard (Host, Origin), the route, who asks, the body, whether they may, the handler, the answer, the books.
 * Each step can refuse; a refusal is told in the manner of the route's group when there is one, else as plain text. */
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "app/cli/program.h"
#include "app/server/body.h"
#include "app/server/guard.h"
#include "app/server/reply.h"
#include "core/sys/clock.h"
#include "core/sys/log.h"

#define SMALL_BODY (16 * 1024)    /* is collected by the poller, not by a thread */
#define SKIP_BODY (256 * 1024)    /* an unread rest that is read over to keep the connection */
#define KEPT_MEMORY (1024 * 1024) /* a worker keeps no more than this between requests */
#define ANSWER_MAX (512UL << 20)
#define LAST_BYTES (64UL << 20) /* the most that a client may send that is to read an answer */

typedef struct exchange {
    ag_worker *worker;
    ag_server *server;
    ag_connection *connection;
    ag_arena *arena;
    ag_head head;
    ag_match match;
    ag_body body;
    ag_request request;
    ag_response response;
    ag_str allow_origin;
    int64_t started;
    bool keep;
} exchange;

/* ---- refusing ---- */

static void tell_plainly(exchange *x, const ag_err *err)
{
    ag_response_text(&x->response, x->response.status, NULL, "%s\n", err->text);
}

static void tell_as_json(exchange *x, const ag_err *err)
{
    ag_response *response = &x->response;
    response->content_type = "application/json";
    response->kind = AG_RESPONSE_BUFFER;
    ag_buf_clear(&response->body);
    ag_error_json(err, &response->body);
}

/* Forgets whatever the handler made. */
static void clear_response(exchange *x)
{
    ag_response *response = &x->response;
    ag_reader_close(response->stream);
    ag_buf body = response->body;
    ag_buf_clear(&body);
    *response = (ag_response){.status = 200, .arena = x->arena, .body = body};
}

static int status_of(const exchange *x, const ag_err *err)
{
    if (x->body.failed == AG_ETIMEOUT && err->code == AG_ETIMEOUT) return 408;
    if (x->body.failed == AG_ECANCELLED && err->code == AG_ECANCELLED) return 400;
    return ag_code_http_status(err->code);
}

static void log_failure(const exchange *x, const ag_err *err)
{
    char text[1024];
    ag_err_format(err, text, sizeof(text));
    const ag_log_field fields[] = {ag_log_text("request", x->request.id ? x->request.id : ""),
                                   ag_log_text("route", x->match.row ? x->match.row->label : ""),
                                   ag_log_text("error", ag_code_name(err->code))};
    ag_log_with(AG_LOG_ERROR, "http", fields, sizeof(fields) / sizeof(fields[0]), "%s", text);
}

/* What disks, databases and bugs say can name files, hosts and tables of this machine: that is for the log, where the
 * request's id leads to it. */
static const ag_err *fit_for_clients(const exchange *x, const ag_err *err, ag_err *told)
{
    const char *text;
    switch (err->code) {
    case AG_EIO: text = "the server could not read or write what this needs"; break;
    case AG_EFULL: text = "the server has no room left"; break;
    case AG_ECORRUPT: text = "what the server has stored is damaged"; break;
    case AG_EUNAVAILABLE: text = "the server cannot do this now; try again later"; break;
    case AG_EINTERNAL: text = "the server failed"; break;
    default: return err;
    }
    ag_fail(told, err->code, "%s (request %s: its log says more)", text, x->request.id ? x->request.id : "-");
    return told;
}

/* `status` 0: from the error's code. */
static void refuse(exchange *x, int status, const ag_err *err)
{
    ag_err told;
    clear_response(x);
    x->response.status = status ? status : status_of(x, err);
    if (x->response.status >= 500 && err->code != AG_EUNSUPPORTED) log_failure(x, err);
    err = fit_for_clients(x, err, &told);
    if (err->code == AG_EAUTH) ag_response_header_add(&x->response, "WWW-Authenticate", "Basic realm=\"mlflow\"", NULL);
    if (!x->match.row)
        tell_plainly(x, err);
    else if (x->match.row->group->fail)
        x->match.row->group->fail(&x->request, err, &x->response);
    else
        tell_as_json(x, err);
}

/* ---- reading ---- */

static bool is_id(ag_str text)
{
    if (text.size == 0 || text.size > 64) return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                    c == '_' || c == '.';
        if (!fine) return false;
    }
    return true;
}

static const char *choose_id(exchange *x)
{
    ag_str given = ag_head_field(&x->head, "x-request-id");
    if (is_id(given)) return ag_arena_strndup(x->arena, given.data, given.size);
    unsigned long long number = atomic_fetch_add(&x->server->id_count, 1) + 1;
    return ag_arena_printf(x->arena, "%08x-%08llx", x->server->id_prefix, number);
}

/* The path without the configured prefix. */
static ag_str route_path(const exchange *x)
{
    ag_str path = x->head.path, prefix = ag_str_of(x->server->options.static_prefix);
    if (prefix.size == 0 || !ag_str_starts(path, prefix)) return path;
    ag_str rest = ag_str_slice(path, prefix.size, path.size);
    if (rest.size == 0) return AG_STR("/");
    return rest.data[0] == '/' ? rest : path;
}

static void fill_request(exchange *x)
{
    const ag_server_options *options = &x->server->options;
    ag_request *request = &x->request;
    *request = (ag_request){.server = x->server,
                            .ledger = options->ledger,
                            .method = x->head.method,
                            .target = x->head.target,
                            .path = x->head.path,
                            .headers = x->head.fields,
                            .header_count = x->head.field_count,
                            .body_size = x->head.chunked      ? -1
                                         : x->head.length > 0 ? x->head.length
                                                              : 0,
                            .id = choose_id(x),
                            .peer = x->connection->peer,
                            .arena = x->arena,
                            .cancel = x->worker->cancel};
    request->origin = x->head.host.size ? ag_arena_printf(x->arena, "%s://%.*s", x->server->tls ? "https" : "http",
                                                          AG_STR_ARG(x->head.host))
                                        : x->server->address;
    request->actor.request = request->id;
}

/* 0 or the status to refuse with. */
static int find_route(exchange *x, ag_err *err)
{
    ag_str path = route_path(x);
    if (ag_router_find(x->server->router, x->head.method, path, x->arena, &x->match, err) < 0) return 400;
    if (x->match.row) {
        x->request.route = x->match.row->route;
        x->request.captures = x->match.captures;
        x->request.capture_count = x->match.capture_count;
    } else if (x->match.allowed) {
        return ag_fail(err, AG_EUNSUPPORTED, "Method Not Allowed"), 405;
    } else {
        return ag_fail(err, AG_ENOTFOUND, "Not Found"), 404;
    }
    return ag_decode_query(x->arena, x->head.query, &x->request.query, &x->request.query_count, err) < 0 ? 400 : 0;
}

/* ---- bodies ---- */

static int read_whole(exchange *x, uint64_t limit, ag_err *err)
{
    ag_buf *into = &x->worker->body;
    if (x->head.length > 0 && (uint64_t)x->head.length > limit)
        return ag_fail(err, AG_ELIMIT, "the body is larger than %llu bytes", (unsigned long long)limit);
    x->body.limit = limit;
    ag_buf_clear(into);
    into->max = limit;
    if (x->head.length > 0 && !ag_buf_reserve(into, (size_t)x->head.length))
        return ag_fail_memory(err, (size_t)x->head.length);
    int rc = ag_read_all(&x->body.reader, into, err);
    x->request.body = ag_buf_str(into);
    return rc;
}

/* The type is only looked at where there is something to be read. */
static int check_json_type(const exchange *x, ag_err *err)
{
    if (x->head.method != AG_METHOD_POST && x->head.method != AG_METHOD_PUT) return AG_OK;
    ag_str type = ag_head_field(&x->head, "content-type");
    if (!type.data) return ag_fail(err, AG_EINVAL, "Bad Request. Content-Type header is missing.");
    type = ag_str_trim(ag_str_slice(type, 0, ag_str_find_char(type, ';', 0)));
    if (ag_str_equal_nocase(type, AG_STR("application/json"))) return AG_OK;
    return ag_fail(err, AG_EINVAL, "Bad Request. Content-Type must be one of ['application/json'].");
}

static int read_json(exchange *x, uint64_t limit, ag_err *err)
{
    static const ag_value empty = {.kind = AG_OBJECT};
    ag_json_options options = {.max_bytes = limit, .nonfinite = AG_JSON_NONFINITE_WORDS, .allow_duplicates = true};
    int rc = read_whole(x, limit, err);
    if (rc < 0) return rc;
    x->request.json = &empty;
    if (ag_str_trim(x->request.body).size == 0) return AG_OK;
    if ((rc = check_json_type(x, err)) < 0) return rc;
    rc = ag_json_parse(x->arena, x->request.body, &options, &x->request.json, err);
    if (rc >= 0 && x->request.json->kind == AG_STRING)
        rc = ag_json_parse(x->arena, x->request.json->string, &options, &x->request.json, err);
    return rc;
}

static int read_body(exchange *x, ag_err *err)
{
    const ag_route *route = x->match.row->route;
    const ag_server_options *options = &x->server->options;
    uint64_t whole = route->limit ? route->limit : options->json_bytes;
    uint64_t stream = route->limit ? route->limit : options->stream_bytes;
    switch (route->body) {
    case AG_BODY_JSON: return read_json(x, whole, err);
    case AG_BODY_BYTES: return read_whole(x, whole, err);
    case AG_BODY_STREAM:
        if (x->head.length > 0 && (uint64_t)x->head.length > stream)
            return ag_fail(err, AG_ELIMIT, "the body is larger than %llu bytes", (unsigned long long)stream);
        x->body.limit = stream;
        x->request.stream = &x->body.reader;
        return AG_OK;
    default:
        if (x->body.ended || x->head.method == AG_METHOD_DELETE || x->head.method == AG_METHOD_GET) return AG_OK;
        if (!x->body.chunked) return ag_fail(err, AG_EINVAL, "this route takes no body");
        return AG_OK;
    }
}

/* ---- the steps ---- */

static void answer_options(exchange *x)
{
    ag_response *response = &x->response;
    response->status = 204;
    if (!x->allow_origin.data) return;
    ag_str wanted = ag_head_field(&x->head, "access-control-request-headers");
    ag_response_header_add(response, "Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE", NULL);
    ag_response_header_add(response, "Access-Control-Max-Age", "600", NULL);
    if (wanted.size)
        ag_response_header_addf(response, NULL, "Access-Control-Allow-Headers", "%.*s", AG_STR_ARG(wanted));
}

static void add_allow(exchange *x)
{
    char text[128];
    size_t size = 0;
    unsigned allowed = x->match.allowed | 1U << AG_METHOD_OPTIONS;
    for (int i = 0; i < AG_METHOD_COUNT; i++)
        if (allowed & 1U << i)
            size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s", size ? ", " : "",
                                     ag_method_name((ag_method)i));
    ag_response_header_add(&x->response, "Allow", text, NULL);
}

static void refuse_route(exchange *x, int status, const ag_err *err)
{
    if (x->head.method == AG_METHOD_OPTIONS && (status == 405 || ag_str_is(x->head.path, "*"))) {
        answer_options(x);
        if (status == 405) add_allow(x);
        return;
    }
    refuse(x, status, err);
    if (status == 405) add_allow(x);
}

static int identify(exchange *x, ag_err *err)
{
    int64_t retry_after = 0;
    bool open = x->match.row->route->rule.may == AG_MAY_PUBLIC;
    ag_str authorization = open ? (ag_str){0} : ag_head_field(&x->head, "authorization");
    int rc = ag_gate_identify(x->server->gate, authorization, x->connection->peer, x->arena, &x->request.who,
                              &retry_after, err);
    if (rc < 0 && open) rc = AG_OK;
    x->request.actor.name = x->request.who.name;
    if (rc >= 0) return 0;
    refuse(x, rc == AG_ELIMIT ? 429 : 0, err);
    if (retry_after) ag_response_header_addf(&x->response, NULL, "Retry-After", "%lld", (long long)retry_after);
    return rc;
}

static void handle(exchange *x)
{
    ag_err err = {0};
    const ag_route *route = x->match.row->route;
    if (identify(x, &err) < 0) return;
    int rc = read_body(x, &err);
    if (rc >= 0) rc = ag_gate_permit(x->server->gate, &x->request, &route->rule, &err);
    if (rc >= 0) {
        ag_cancel_deadline(x->worker->cancel, x->started + x->server->options.request_time);
        rc = route->handle(&x->request, &x->response, &err);
        ag_cancel_deadline(x->worker->cancel, 0);
    }
    if (rc < 0 && !err.code) ag_fail(&err, AG_EINTERNAL, "%s failed without a reason", x->match.row->label);
    if (rc < 0) refuse(x, 0, &err);
}

static void answer(exchange *x)
{
    ag_err err = {0};
    int status = ag_guard_check(&x->server->options, &x->head, &x->allow_origin, &err);
    if (status) {
        refuse(x, status, &err);
        return;
    }
    status = find_route(x, &err);
    if (status)
        refuse_route(x, status, &err);
    else
        handle(x);
}

/* ---- the end ---- */

static void write_log(exchange *x, int status, int64_t took, uint64_t sent)
{
    char target[256];
    ag_str shown = ag_str_slice(x->head.target, 0, sizeof(target) - 1);
    ag_format(target, sizeof(target), "%.*s", AG_STR_ARG(shown));
    const ag_log_field fields[] = {
        ag_log_text("request", x->request.id ? x->request.id : ""),
        ag_log_text("peer", x->connection->peer),
        ag_log_text("user", x->request.who.name ? x->request.who.name : ""),
        ag_log_text("method", x->head.path.data ? ag_method_name(x->head.method) : ""),
        ag_log_text("target", target),
        ag_log_text("route", x->match.row ? x->match.row->label : ""),
        ag_log_int("status", status),
        ag_log_int("received", (int64_t)x->body.total),
        ag_log_int("sent", (int64_t)sent),
        ag_log_int("microseconds", took),
    };
    ag_log_with(AG_LOG_INFO, "http", fields, sizeof(fields) / sizeof(fields[0]), "request");
}

/* The client may still be sending: closing now would make its system throw our answer away. Under TLS what it sends is
 * read over as it comes, behind our own word that this is the end. */
static void last_words(const ag_server *server, ag_connection *connection)
{
    char scrap[16384];
    ag_patience patience = {.stall = server->options.last_time};
    ag_tls_close(connection->link.tls);
    connection->link.tls = NULL;
    connection->link.wants = POLLIN;
    if (shutdown(connection->link.fd, SHUT_WR) < 0) return;
    for (size_t read = 0; read < LAST_BYTES;) {
        ptrdiff_t got = ag_link_read(&connection->link, scrap, sizeof(scrap));
        if (got == AG_LINK_AGAIN ? ag_link_bear(&connection->link, &patience, 0) <= 0 : got <= 0) return;
        if (got > 0) read += (size_t)got;
    }
}

static ag_after finish(exchange *x, bool readable)
{
    ag_err err = {0};
    bool large = x->response.status == 413; /* its body may be as long as it says, and need not be waited for */
    bool whole = readable && ag_body_skip(&x->body, large ? 0 : SKIP_BODY);
    x->keep = whole && x->head.keep_alive && !ag_server_is_stopping(x->server);
    ag_reply reply = {.options = &x->server->options,
                      .connection = x->connection,
                      .request = readable ? &x->head : NULL,
                      .response = &x->response,
                      .scratch = &x->worker->head,
                      .id = x->request.id,
                      .allow_origin = x->allow_origin,
                      .keep = x->keep};
    int rc = ag_reply_send(&reply, &err);
    int64_t took = ag_monotonic() - x->started;
    int status = rc < 0 && err.code == AG_EIO && x->response.status < 400 ? 499 : x->response.status;
    ag_stats_end(x->server->stats, x->match.row, x->head.method, status, took, x->body.total, reply.sent);
    if (x->server->options.access_log) write_log(x, status, took, reply.sent);
    if (rc < 0 && err.code != AG_EIO && err.code != AG_ETIMEOUT) ag_log_error("http", &err);
    if (rc >= 0 && !whole) last_words(x->server, x->connection);
    ag_reader_close(x->response.stream);
    return reply.keep ? AG_AFTER_KEEP : AG_AFTER_CLOSE;
}

static void tidy(ag_worker *worker, ag_buf *body)
{
    if (body->capacity > KEPT_MEMORY) {
        ag_buf_deinit(body);
        ag_buf_init(body, ANSWER_MAX);
    }
    worker->answer = *body;
    if (worker->body.capacity > KEPT_MEMORY) ag_buf_deinit(&worker->body);
    if (ag_arena_used(worker->arena) <= KEPT_MEMORY) return;
    ag_arena *fresh = ag_arena_new(0);
    if (!fresh) return;
    ag_arena_free(worker->arena);
    worker->arena = fresh;
}

/* The small body of this request is not all there: let the poller collect it. */
static bool should_wait(const exchange *x)
{
    const ag_connection *connection = x->connection;
    if (x->head.wants_continue || x->head.length <= 0 || x->head.length > SMALL_BODY) return false;
    if ((uint64_t)x->head.length > x->server->options.json_bytes) return false; /* is refused whether it comes or not */
    return connection->size - connection->at < connection->head_size + (size_t)x->head.length;
}

/* Reads the head from a copy, since the connection's buffer will take the body. 0, a status, or -1: wait. */
static int read_head(exchange *x, ag_err *err)
{
    ag_connection *connection = x->connection;
    size_t size = connection->head_size;
    if (connection->malformed) {
        bool large = connection->size - connection->at >= x->server->options.header_bytes;
        if (large)
            return ag_fail(err, AG_ELIMIT, "the head of the request is larger than %u bytes",
                           x->server->options.header_bytes),
                   431;
        return ag_fail(err, AG_EPARSE, "a line of the request does not end in CR LF"), 400;
    }
    char *copy = ag_arena_strndup(x->arena, connection->data + connection->at, size);
    if (!copy) return ag_fail_memory(err, size), 503;
    int status = ag_head_parse(copy, size, &x->head, err);
    if (status) return status;
    if (should_wait(x)) {
        connection->need = size + (size_t)x->head.length;
        return -1;
    }
    ag_connection_consume(connection, size);
    ag_body_init(&x->body, connection, &x->head, &x->server->options);
    return 0;
}

ag_after ag_exchange(ag_worker *worker, ag_connection *connection)
{
    exchange x;
    ag_err err = {0};
    x.worker = worker;
    x.server = worker->server;
    x.connection = connection;
    x.arena = worker->arena;
    ag_arena_reset(x.arena);
    x.match = (ag_match){0};
    x.body = (ag_body){0};
    x.request = (ag_request){0};
    x.allow_origin = (ag_str){0};
    x.head.path = x.head.target = (ag_str){0};
    x.head.field_count = 0;
    x.started = ag_monotonic();
    if (!worker->answer.max) ag_buf_init(&worker->answer, ANSWER_MAX);
    ag_buf_clear(&worker->answer);
    x.response = (ag_response){.status = 200, .arena = x.arena, .body = worker->answer};
    int status = read_head(&x, &err);
    if (status < 0) return AG_AFTER_WAIT;
    ag_stats_begin(x.server->stats);
    bool readable = status == 0;
    if (readable) fill_request(&x);
    if (readable)
        answer(&x);
    else
        refuse(&x, status, &err);
    if (!readable && status == 405)
        ag_response_header_add(&x.response, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", NULL);
    ag_after after = finish(&x, readable);
    ag_connection_next(connection);
    ag_buf body = x.response.body;
    tidy(worker, &body);
    return after;
}
