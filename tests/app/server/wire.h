// SPDX-License-Identifier: Apache-2.0
#pragma once
/* wire.h: a client that sends what it is told, byte for byte, and a server with routes to be asked. For tests. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/server/private.h"
#include "app/server/server.h"
#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "frame/test.h"

#define HOST "Host: localhost\r\n"
enum { WIRE_PATIENCE = 120000 }; /* milliseconds; only a test that fails waits so long */

static __attribute__((unused)) int wire_open(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* False when the other side has closed. */
static __attribute__((unused)) bool wire_send(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size) {
        ssize_t put = send(fd, at, size, MSG_NOSIGNAL);
        if (put <= 0) return false;
        at += put;
        size -= (size_t)put;
    }
    return true;
}

static __attribute__((unused)) bool wire_say(int fd, const char *text)
{
    return wire_send(fd, text, strlen(text));
}

/* Everything until the other side closes, or is silent for WIRE_PATIENCE. From ag_alloc. */
static __attribute__((unused)) char *wire_rest(int fd, size_t *size)
{
    ag_buf buf;
    ag_buf_init(&buf, 1UL << 30);
    struct pollfd one = {.fd = fd, .events = POLLIN};
    while (poll(&one, 1, WIRE_PATIENCE) > 0) {
        char piece[65536];
        ssize_t got = recv(fd, piece, sizeof(piece), 0);
        if (got <= 0) break;
        ag_buf_add(&buf, piece, (size_t)got);
    }
    ag_buf_add_char(&buf, '\0');
    if (size) *size = buf.size - 1;
    return ag_buf_steal(&buf);
}

/* Where the head in it ends; 0: not yet. One that only says to go on does not count. */
static __attribute__((unused)) size_t wire_head_end(const ag_buf *buf)
{
    const char *from = buf->data;
    if (buf->size > 12 && memcmp(from, "HTTP/1.1 100", 12) == 0) from = strstr(from, "\r\n\r\n");
    if (from && from > buf->data) from += 4;
    const char *end = from ? strstr(from, "\r\n\r\n") : NULL;
    return end ? (size_t)(end - buf->data) + 4 : 0;
}

/* One answer with a Content-Length, its head and body as text; what is behind it stays unread. */
static __attribute__((unused)) char *wire_answer(int fd)
{
    ag_buf buf;
    ag_buf_init(&buf, 1 << 20);
    size_t wanted = SIZE_MAX;
    struct pollfd one = {.fd = fd, .events = POLLIN};
    while (buf.size < wanted && poll(&one, 1, WIRE_PATIENCE) > 0) {
        char piece[4096];
        size_t before = buf.size, room = wanted - before < sizeof(piece) ? wanted - before : sizeof(piece);
        ssize_t got = recv(fd, piece, room, MSG_PEEK);
        if (got <= 0) break;
        ag_buf_add(&buf, piece, (size_t)got);
        size_t head = wanted == SIZE_MAX ? wire_head_end(&buf) : 0;
        if (head) {
            const char *length = strstr(buf.data, "Content-Length: ");
            wanted = head + (length ? strtoul(length + 16, NULL, 10) : 0);
            if (buf.size > wanted) buf.size = wanted;
        }
        if (recv(fd, piece, buf.size - before, 0) != (ssize_t)(buf.size - before)) break;
    }
    ag_buf_add_char(&buf, '\0');
    return ag_buf_steal(&buf);
}

/* One connection, one request, everything that comes back. The request should end the connection. */
static __attribute__((unused)) char *wire_ask(uint16_t port, const char *request)
{
    int fd = wire_open(port);
    wire_say(fd, request);
    char *answer = wire_rest(fd, NULL);
    close(fd);
    return answer;
}

static __attribute__((unused)) int wire_status(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static __attribute__((unused)) void wire_expect(uint16_t port, const char *request, int status, const char *part)
{
    char *answer = wire_ask(port, request);
    if (wire_status(answer) != status || (part && !strstr(answer, part)))
        fail_msg("asked:\n%.400s\nwanted %d and '%s', got:\n%.800s", request, status, part ? part : "", answer);
    ag_free(answer);
}

/* ---- routes to be asked ---- */

static int say_hello(ag_request *request, ag_response *response, ag_err *err)
{
    return ag_response_text(response, 200, err, "hello %s", request->who.name ? request->who.name : "nobody");
}

/* What the server made of the request, as JSON. */
static int echo(ag_request *request, ag_response *response, ag_err *err)
{
    ag_json *json = ag_response_json(response);
    ag_json_begin_object(json);
    ag_json_put_text(json, "method", ag_method_name(request->method));
    ag_json_name(json, "captures");
    ag_json_begin_array(json);
    for (size_t i = 0; i < request->capture_count; i++) ag_json_str(json, request->captures[i]);
    ag_json_end_array(json);
    ag_json_name(json, "query");
    ag_json_begin_array(json);
    for (size_t i = 0; i < request->query_count; i++) {
        ag_json_str(json, request->query[i].name);
        ag_json_str(json, request->query[i].value);
    }
    ag_json_end_array(json);
    if (request->json) {
        ag_json_name(json, "json");
        ag_json_value(json, request->json);
    }
    ag_json_put_text(json, "id", request->id);
    ag_json_end_object(json);
    return ag_response_json_end(response, err);
}

/* Reads a stream and says how much it was and its sum. */
static int count_bytes(ag_request *request, ag_response *response, ag_err *err)
{
    static const size_t piece = 65536;
    unsigned char *bytes = ag_alloc(piece);
    unsigned long long total = 0, sum = 0;
    ptrdiff_t got;
    if (!bytes) return ag_fail_memory(err, piece);
    while ((got = ag_read(request->stream, bytes, piece, err)) > 0) {
        for (ptrdiff_t i = 0; i < got; i++) sum += bytes[i];
        total += (unsigned long long)got;
    }
    ag_free(bytes);
    return got < 0 ? (int)got : ag_response_text(response, 200, err, "%llu %llu", total, sum);
}

typedef struct pattern_reader {
    ag_reader reader;
    uint64_t at, end;
    bool breaks;
} pattern_reader;

static ptrdiff_t read_pattern(ag_reader *self, void *into, size_t size, ag_err *err)
{
    pattern_reader *pattern = (pattern_reader *)(void *)self;
    unsigned char *bytes = into;
    if (pattern->at == pattern->end && pattern->breaks) return ag_fail(err, AG_ECORRUPT, "broken on purpose");
    size_t i = 0;
    while (i < size && pattern->at < pattern->end) { /* a line of the alphabet at a time */
        static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz";
        size_t from = (size_t)(pattern->at % 26), count = 26 - from;
        if (count > size - i) count = size - i;
        if (count > pattern->end - pattern->at) count = (size_t)(pattern->end - pattern->at);
        memcpy(bytes + i, alphabet + from, count);
        pattern->at += count;
        i += count;
    }
    return (ptrdiff_t)i;
}

static void close_pattern(ag_reader *self)
{
    ag_free(self);
}

static int open_pattern(void *context, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err)
{
    (void)context;
    pattern_reader *pattern = ag_calloc(1, sizeof(*pattern));
    if (!pattern) return ag_fail_memory(err, sizeof(*pattern));
    pattern->reader = (ag_reader){.read = read_pattern, .close = close_pattern};
    pattern->at = offset;
    pattern->end = offset + size;
    *out = &pattern->reader;
    return AG_OK;
}

/* ?size= bytes of a pattern; ?how= known, unknown, content, broken. */
static int give_bytes(ag_request *request, ag_response *response, ag_err *err)
{
    uint64_t size = 0;
    ag_str how = ag_request_query(request, "how");
    if (!ag_str_to_uint(ag_request_query(request, "size"), &size)) return ag_fail(err, AG_EINVAL, "size is no number");
    if (ag_str_is(how, "content")) {
        ag_content content = {
            .size = size, .etag = "\"pattern\"", .modified_at = 1700000000 * AG_SECOND, .open = open_pattern};
        return ag_response_content(response, "text/plain", &content, err);
    }
    ag_reader *reader = NULL;
    int rc = open_pattern(NULL, 0, size, &reader, err);
    if (rc < 0) return rc;
    bool broken = ag_str_is(how, "broken"), known = ag_str_is(how, "known") || broken;
    ((pattern_reader *)(void *)reader)->breaks = broken;
    return ag_response_stream(response, "application/octet-stream", reader, known ? (int64_t)size + broken : -1, err);
}

static int give_text(ag_request *request, ag_response *response, ag_err *err)
{
    (void)request;
    ag_response_text(response, 200, err, "%s", "");
    ag_buf_add_fill(&response->body, 'x', 5000);
    return AG_OK;
}

static int fail_oddly(ag_request *request, ag_response *response, ag_err *err)
{
    ag_response_header_add(response, "X-Lost", "yes", NULL);
    ag_str how = ag_request_query(request, "how");
    if (ag_str_is(how, "silent")) return AG_EIO;
    if (ag_str_is(how, "header")) return ag_response_header_add(response, "X-A", "a\r\nSet-Cookie: b", err);
    return ag_fail(err, AG_ECONFLICT, "it has ended");
}

/* Takes ?ms=, or with ?until=stop as long as the server runs. */
static int work_slowly(ag_request *request, ag_response *response, ag_err *err)
{
    int64_t milliseconds = 200;
    bool until_stop = ag_str_is(ag_request_query(request, "until"), "stop");
    int rc = AG_OK;
    ag_str_to_int(ag_request_query(request, "ms"), &milliseconds);
    while (rc >= 0 && until_stop && !ag_server_is_stopping(request->server))
        rc = ag_cancel_sleep(request->cancel, 5000, err);
    if (rc >= 0 && !until_stop) rc = ag_cancel_sleep(request->cancel, milliseconds * 1000, err);
    return rc < 0 ? rc : ag_response_text(response, 200, err, "done");
}

/* Answers when ?of= requests are at work in here. */
static int work_together(ag_request *request, ag_response *response, ag_err *err)
{
    static atomic_int inside;
    int64_t wanted = 0;
    int rc = AG_OK;
    if (!ag_str_to_int(ag_request_query(request, "of"), &wanted)) return ag_fail(err, AG_EINVAL, "of is no number");
    for (atomic_fetch_add(&inside, 1); rc >= 0 && atomic_load(&inside) < wanted;)
        rc = ag_cancel_sleep(request->cancel, 5000, err);
    return rc < 0 ? rc : ag_response_text(response, 200, err, "done");
}

static const ag_route wire_routes[] = {
    {.method = AG_METHOD_GET, .path = "/hello", .rule = AG_PUBLIC, .summary = "Say hello", .handle = say_hello},
    {.method = AG_METHOD_GET, .path = "/me", .rule = AG_ANY_USER, .summary = "Say who", .handle = say_hello},
    {.method = AG_METHOD_GET,
     .path = "/echo/{one}/and/{rest...}",
     .rule = AG_PUBLIC,
     .summary = "Echo",
     .handle = echo},
    {.method = AG_METHOD_GET, .path = "/echo", .rule = AG_PUBLIC, .summary = "Echo", .handle = echo},
    {.method = AG_METHOD_DELETE,
     .path = "/echo",
     .rule = AG_PUBLIC,
     .body = AG_BODY_JSON,
     .summary = "Echo",
     .handle = echo},
    {.method = AG_METHOD_POST,
     .path = "/echo",
     .rule = AG_PUBLIC,
     .body = AG_BODY_JSON,
     .summary = "Echo",
     .handle = echo},
    {.method = AG_METHOD_POST,
     .path = "/small",
     .rule = AG_PUBLIC,
     .body = AG_BODY_JSON,
     .limit = 100,
     .summary = "Echo",
     .handle = echo},
    {.method = AG_METHOD_POST, .path = "/bare", .rule = AG_PUBLIC, .summary = "Take nothing", .handle = say_hello},
    {.method = AG_METHOD_PUT,
     .path = "/count/{path...}",
     .rule = AG_PUBLIC,
     .body = AG_BODY_STREAM,
     .summary = "Count",
     .handle = count_bytes},
    {.method = AG_METHOD_PUT,
     .path = "/bounded",
     .rule = AG_PUBLIC,
     .body = AG_BODY_STREAM,
     .limit = 1000,
     .summary = "Count",
     .handle = count_bytes},
    {.method = AG_METHOD_GET, .path = "/bytes", .rule = AG_PUBLIC, .summary = "Give bytes", .handle = give_bytes},
    {.method = AG_METHOD_GET, .path = "/text", .rule = AG_PUBLIC, .summary = "Give text", .handle = give_text},
    {.method = AG_METHOD_GET, .path = "/fail", .rule = AG_PUBLIC, .summary = "Fail", .handle = fail_oddly},
    {.method = AG_METHOD_GET, .path = "/slow", .rule = AG_PUBLIC, .summary = "Take time", .handle = work_slowly},
    {.method = AG_METHOD_GET,
     .path = "/together",
     .rule = AG_PUBLIC,
     .summary = "Wait for each other",
     .handle = work_together},
    {.method = AG_METHOD_POST,
     .path = "/read",
     .rule = AG_NEEDS(READER, experiment, "experiment_id"),
     .body = AG_BODY_JSON,
     .summary = "Read",
     .handle = say_hello},
    {.method = AG_METHOD_POST,
     .path = "/edit",
     .rule = AG_NEEDS(EDITOR, model, "name|model"),
     .body = AG_BODY_JSON,
     .summary = "Edit",
     .handle = say_hello},
    {.method = AG_METHOD_PUT,
     .path = "/manage/{experiment_id}",
     .rule = AG_NEEDS(MANAGER, experiment, "experiment_id"),
     .body = AG_BODY_STREAM,
     .summary = "Manage",
     .handle = say_hello},
    {.method = AG_METHOD_GET, .path = "/admin", .rule = AG_ADMIN_ONLY, .summary = "Administer", .handle = say_hello},
};

static const ag_route_group wire_group = {
    .name = "Test", .doc = "For tests.", .routes = wire_routes, .count = sizeof(wire_routes) / sizeof(wire_routes[0])};
extern const ag_route_group ag_route_group_server, ag_route_group_events;
static const ag_route_group *const wire_list[] = {&wire_group, &ag_route_group_server, &ag_route_group_events};
static __attribute__((unused)) const ag_route_groups wire_groups = {wire_list, 3};

/* Options to begin with. The times are long: a machine that stands still for a while must not look like a client that
 * does. */
static __attribute__((unused)) ag_server_options wire_options(void)
{
    return (ag_server_options){.groups = wire_groups,
                               .header_time = 60 * AG_SECOND,
                               .idle_time = 60 * AG_SECOND,
                               .stall_time = 60 * AG_SECOND,
                               .drain_time = 60 * AG_SECOND,
                               .last_time = 60 * AG_SECOND,
                               .session_age = 3600 * AG_SECOND,
                               .expose_metrics = true};
}

static __attribute__((unused)) ag_server *wire_start(const ag_server_options *options)
{
    ag_err err = {0};
    ag_server *server = NULL;
    signal(SIGPIPE, SIG_IGN);
    AG_EXPECT_OK(ag_server_start(options, &server, &err));
    return server;
}

/* ---- what a server counts, asked without a request of its own ---- */

/* `name` with its labels, if it has some; -1 when there is no such line. */
static __attribute__((unused)) double wire_metric(ag_server *server, const char *name)
{
    ag_err err = {0};
    ag_buf text;
    char line[256];
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_OK(ag_server_metrics(server, &text, &err));
    ag_format(line, sizeof(line), "\n%s ", name);
    const char *at = strstr(text.data, line);
    double value = at ? strtod(at + strlen(line), NULL) : -1;
    ag_buf_deinit(&text);
    return value;
}

/* Waits until it is that: a number changes a moment after the answer that it counts has gone out. */
static __attribute__((unused)) void wire_await(ag_server *server, const char *name, double wanted)
{
    double value = 0;
    for (int i = 0; i < 60000; i++) {
        value = wire_metric(server, name);
        if (value >= wanted && value <= wanted) return;
        ag_sleep(5000);
    }
    fail_msg("%s is %g, not %g", name, value, wanted);
}
