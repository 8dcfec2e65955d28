// SPDX-License-Identifier: Apache-2.0
/* The HTTP client against a server that misbehaves on purpose: a thread on a loopback socket that answers what the test
 * scripted, one connection after the other. */
#include "core/net/http.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/net/http_private.h"
#include "core/sys/clock.h"
#include "frame/test.h"

typedef struct script {
    const char *answers[8]; /* one per connection; the last again and again; NULL: accept and stay silent */
    int count;
    int listener;
    int port;
    void *(*serve)(void *); /* NULL: what the answers say */
    pthread_t thread;
    atomic_int requests;
    atomic_bool stop;
    char last[4][4096]; /* the first requests as they came */
} script;

/* Reads a head and as many bytes of body as it announces. */
static void take_request(int fd, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    while (used + 1 < size) {
        ssize_t got = recv(fd, text + used, size - 1 - used, 0);
        if (got <= 0) return;
        used += (size_t)got;
        text[used] = 0;
        char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
        if (!end) continue;
        if (strstr(text, "chunked")
                ? strstr(end, "\r\n0\r\n\r\n") != NULL
                : used >= (size_t)(end + 4 - text) + (length ? (size_t)strtoul(length + 16, NULL, 10) : 0))
            return;
    }
}

static void *serve(void *context)
{
    script *s = context;
    static char scrap[4096];
    int held[64], held_count = 0;
    while (!atomic_load(&s->stop)) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0 || atomic_load(&s->stop)) {
            if (fd >= 0) close(fd);
            break;
        }
        int number = atomic_load(&s->requests);
        take_request(fd, number < 4 ? s->last[number] : scrap, sizeof(scrap));
        atomic_fetch_add(&s->requests, 1);
        const char *answer = s->answers[number < s->count ? number : s->count - 1];
        if (answer) {
            send(fd, answer, strlen(answer), MSG_NOSIGNAL);
            close(fd);
        } else if (held_count < 64) {
            held[held_count++] = fd;
        }
    }
    while (held_count) close(held[--held_count]);
    return NULL;
}

static void script_start(script *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    while (s->count < 8 && s->answers[s->count]) s->count++;
    if (s->count == 0) s->count = 1;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    getsockname(s->listener, (struct sockaddr *)&address, &size);
    s->port = ntohs(address.sin_port);
    pthread_create(&s->thread, NULL, s->serve ? s->serve : serve, s);
}

static void script_stop(script *s)
{
    atomic_store(&s->stop, true);
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
}

/* What is silent for ten minutes is, also on a machine that stands still for a while; SOON is for servers that stay
 * silent on purpose. */
#define PATIENCE (600 * AG_SECOND)
#define SOON (AG_SECOND / 3)

static ag_http *client_of(unsigned attempts, unsigned redirects, int64_t idle_timeout)
{
    ag_err err = {0};
    ag_http *client = NULL;
    ag_http_options options = {.attempts = attempts,
                               .redirects = redirects,
                               .backoff = 1000,
                               .backoff_max = 3000,
                               .connect_timeout = PATIENCE,
                               .idle_timeout = idle_timeout,
                               .max_body_bytes = 1000,
                               .max_header_bytes = 2000};
    AG_EXPECT_OK(ag_http_new(&options, &client, &err));
    return client;
}

static ag_http *quick_client(unsigned attempts, unsigned redirects)
{
    return client_of(attempts, redirects, PATIENCE);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Thing: one\r\nx-thing: two\r\n\r\nhello"
#define BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"

/* One request to the script; the result's code, or its status. */
static int ask(script *s, ag_http *client, ag_http_request *request, ag_http_response *response, ag_err *err)
{
    char url[200];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/path?token=abc&x=1", s->port);
    request->url = url;
    int rc = ag_http_send(client, request, response, err);
    request->url = "";
    return rc;
}

AG_TEST(test_http__an_answer_with_its_headers)
{
    ag_err err = {0};
    script s = {.answers = {OK_ANSWER}};
    script_start(&s);
    ag_http *client = quick_client(1, 0);
    ag_http_header headers[] = {{"X-Asked", "yes"}, {"X-Empty", ""}};
    ag_http_request request = {.headers = headers, .header_count = 2};
    ag_http_response response;
    AG_EXPECT_OK(ask(&s, client, &request, &response, &err));
    assert_int_equal(response.status, 200);
    assert_string_equal(response.body.data, "hello");
    assert_true(ag_str_is(ag_http_field(&response, "X-THING"), "one"));
    assert_null(ag_http_field(&response, "none").data);
    assert_non_null(strstr(s.last[0], "GET /path?token=abc&x=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(s.last[0], "X-Asked: yes\r\nX-Empty:"));
    assert_non_null(strstr(s.last[0], "User-Agent: auger\r\n"));
    ag_http_response_deinit(&response);
    script_stop(&s);
    ag_http_free(client);
}

AG_TEST(test_http__busy_is_tried_again_with_the_body)
{
    ag_err err = {0};
    script s = {.answers = {BUSY, "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", OK_ANSWER}};
    script_start(&s);
    ag_http *client = quick_client(4, 0);
    ag_http_request request = {.method = "PUT", .body = AG_STR("content")};
    ag_http_response response;
    AG_EXPECT_OK(ask(&s, client, &request, &response, &err));
    assert_int_equal(response.status, 200);
    assert_int_equal(response.attempts, 3);
    for (int i = 0; i < 3; i++) assert_non_null(strstr(s.last[i], "\r\n\r\ncontent"));
    ag_http_response_deinit(&response);
    script_stop(&s);
    ag_http_free(client);
}

AG_TEST(test_http__what_is_not_safe_is_sent_once)
{
    ag_err err = {0};
    script s = {.answers = {BUSY}};
    script_start(&s);
    ag_http *client = quick_client(4, 0);
    ag_http_request request = {.method = "POST", .body = AG_STR("content")};
    ag_http_response response;
    AG_EXPECT_OK(ask(&s, client, &request, &response, &err));
    assert_int_equal(response.status, 503);
    assert_int_equal(atomic_load(&s.requests), 1);
    request.url = "http://u:p@h/?token=abc&x=1";
    AG_EXPECT_ERROR(ag_http_check(&request, &response, &err), AG_EUNAVAILABLE,
                    "POST http://***@h/?token=***&x=1: 503 Service Unavailable: busy");
    ag_http_response_deinit(&response);
    request.idempotent = true;
    AG_EXPECT_OK(ask(&s, client, &request, &response, &err));
    assert_int_equal(response.attempts, 4);
    ag_http_response_deinit(&response);
    script_stop(&s);
    ag_http_free(client);
}

/* Answers the first request and keeps the connection; takes every later one, and ends without an answer. */
static void *serve_then_end(void *context)
{
    script *s = context;
    char text[4096];
    while (!atomic_load(&s->stop)) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0) break;
        for (bool more = true; more;) {
            take_request(fd, text, sizeof(text));
            more = strstr(text, "\r\n\r\n") && atomic_fetch_add(&s->requests, 1) == 0;
            if (more) send(fd, OK_ANSWER, strlen(OK_ANSWER), MSG_NOSIGNAL);
            struct pollfd either[2] = {{.fd = fd, .events = POLLIN}, {.fd = s->listener, .events = POLLIN}};
            more = more && poll(either, 2, 20000) > 0 && !either[1].revents;
        }
        close(fd);
    }
    return NULL;
}

AG_TEST(test_http__what_is_not_safe_is_sent_once_when_a_kept_connection_ends)
{
    ag_err err = {0};
    script s = {.serve = serve_then_end};
    script_start(&s);
    ag_http *client = quick_client(1, 0);
    ag_http_request request = {.method = "POST", .body = AG_STR("content")};
    ag_http_response response;
    AG_EXPECT_OK(ask(&s, client, &request, &response, &err));
    ag_http_response_deinit(&response);
    AG_EXPECT_ERROR(ask(&s, client, &request, &response, &err), AG_EUNAVAILABLE, "");
    ag_http_response_deinit(&response);
    assert_int_equal(atomic_load(&s.requests), 2);
    script_stop(&s);
    ag_http_free(client);
}

typedef struct once {
    ag_reader base;
    const char *left;
    unsigned rewinds;
} once;

static ptrdiff_t once_read(ag_reader *base, void *into, size_t size, ag_err *err)
{
    once *self = (once *)base;
    (void)err;
    if (!self->left[0] || size == 0) return 0;
    *(char *)into = *self->left++;
    return 1;
}

static int once_rewind(void *context, ag_err *err)
{
    once *self = context;
    (void)err;
    self->left = "stream";
    self->rewinds++;
    return 0;
}

AG_TEST(test_http__a_stream_is_sent_again_only_when_it_can_be_rewound)
{
    ag_err err = {0};
    script s = {.answers = {BUSY, BUSY, OK_ANSWER}};
    script_start(&s);
    ag_http *client = quick_client(3, 0);
    once stream = {{once_read, NULL}, "stream", 0};
    ag_http_request request = {.method = "PUT", .body_reader = &stream.base};
    ag_http_response response;
    AG_EXPECT_OK(ask(&s, client, &request, &response, &err));
    assert_int_equal(response.status, 503);
    ag_http_response_deinit(&response);
    stream.left = "stream";
    request.body_size = 6;
    request.rewind = once_rewind;
    request.rewind_context = &stream;
    AG_EXPECT_OK(ask(&s, client, &request, &response, &err));
    assert_int_equal(response.status, 200);
    assert_int_equal(stream.rewinds, 1);
    assert_non_null(strstr(s.last[2], "\r\n\r\nstream"));
    ag_http_response_deinit(&response);
    script_stop(&s);
    ag_http_free(client);
}

static void expect_failure(const char *answer, ag_code code, const char *part)
{
    ag_err err = {0};
    script s = {.answers = {answer}};
    script_start(&s);
    ag_http *client = client_of(2, 3, answer ? PATIENCE : SOON);
    ag_http_request request = {0};
    ag_http_response response;
    AG_EXPECT_ERROR(ask(&s, client, &request, &response, &err), code, part);
    assert_non_null(strstr(err.text, "GET http"));
    assert_null(strstr(err.text, "abc"));
    ag_http_response_deinit(&response);
    script_stop(&s);
    ag_http_free(client);
}

AG_TEST(test_http__broken_answers_are_errors)
{
    ag_buf many, large;
    ag_buf_init(&many, 4000);
    ag_buf_init(&large, 4000);
    ag_buf_add_text(&many, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 60; i++) ag_buf_add_text(&many, "X-Name: 0123456789012345678901234567890123\r\n");
    ag_buf_add_text(&many, "\r\n");
    ag_buf_add_text(&large, "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n");
    ag_buf_add_fill(&large, 'x', 3000);
    expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", AG_EUNAVAILABLE, "");
    expect_failure("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", AG_EUNAVAILABLE, "");
    expect_failure("", AG_EUNAVAILABLE, "");
    expect_failure(many.data, AG_ELIMIT, "header has more than 2000 bytes");
    expect_failure(large.data, AG_ELIMIT, "larger than 1000 bytes");
    expect_failure(NULL, AG_ETIMEOUT, "nothing came");
    expect_failure("HTTP/1.1 302 Go\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", AG_EDENIED,
                   "only http");
    expect_failure("HTTP/1.1 302 Go\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", AG_ELIMIT,
                   "more than 3 redirects");
    ag_buf_deinit(&many);
    ag_buf_deinit(&large);
}

AG_TEST(test_http__no_connection_names_the_address)
{
    ag_err err = {0};
    script s = {.answers = {OK_ANSWER}};
    script_start(&s);
    script_stop(&s);
    ag_http *client = quick_client(2, 0);
    ag_http_request request = {.method = "POST"};
    ag_http_response response;
    AG_EXPECT_ERROR(ask(&s, client, &request, &response, &err), AG_EUNAVAILABLE, "POST http://127.0.0.1");
    assert_int_equal(response.attempts, 2); /* nothing was sent: even a POST may be tried again */
    ag_http_response_deinit(&response);
    request.url = "ftp://127.0.0.1/";
    AG_EXPECT_ERROR(ag_http_send(client, &request, &response, &err), AG_EINVAL, "ftp");
    ag_http_response_deinit(&response);
    ag_http_free(client);
}

AG_TEST(test_http__credentials_stay_with_their_host)
{
    ag_err err = {0};
    script target = {.answers = {OK_ANSWER}}, first = {.count = 0};
    char go[300];
    script_start(&target);
    snprintf(go, sizeof(go), "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:%d/there\r\nContent-Length: 0\r\n\r\n",
             target.port);
    first.answers[0] = go;
    script_start(&first);
    ag_http *client = quick_client(1, 5);
    ag_http_header headers[] = {{"Authorization", "Bearer secret"}, {"X-Plain", "stays"}};
    ag_http_request request = {.method = "PUT", .headers = headers, .header_count = 2, .body = AG_STR("body")};
    ag_http_response response;
    AG_EXPECT_OK(ask(&first, client, &request, &response, &err));
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(first.last[0], "Bearer secret"));
    assert_null(strstr(target.last[0], "Bearer secret"));
    assert_non_null(strstr(target.last[0], "X-Plain: stays"));
    assert_non_null(strstr(target.last[0], "\r\n\r\nbody"));
    ag_http_response_deinit(&response);
    script_stop(&first);
    script_stop(&target);
    ag_http_free(client);
}

AG_TEST(test_http__a_sink_gets_good_answers_only)
{
    ag_err err = {0};
    script s = {.answers = {BUSY, OK_ANSWER, OK_ANSWER}};
    script_start(&s);
    ag_http *client = quick_client(2, 0);
    ag_buf out;
    ag_writer *sink = NULL;
    ag_buf_init(&out, 100);
    AG_EXPECT_OK(ag_writer_to_buf(&out, &sink, &err));
    ag_http_request request = {.sink = sink};
    ag_http_response response;
    AG_EXPECT_OK(ask(&s, client, &request, &response, &err));
    assert_string_equal(out.data, "hello");
    ag_http_response_deinit(&response);
    request.max_sink_bytes = 3;
    AG_EXPECT_ERROR(ask(&s, client, &request, &response, &err), AG_ELIMIT, "more than 3 bytes");
    ag_http_response_deinit(&response);
    ag_writer_close(sink);
    ag_buf_deinit(&out);
    script_stop(&s);
    ag_http_free(client);
}

static void *cancel_soon(void *context)
{
    ag_sleep(50000);
    ag_cancel_request(context);
    return NULL;
}

AG_TEST(test_http__a_cancelled_call_ends)
{
    ag_err err = {0};
    script s = {.answers = {NULL}};
    ag_cancel *cancel = NULL;
    pthread_t thread;
    script_start(&s);
    ag_http *client = quick_client(9, 0);
    AG_EXPECT_OK(ag_cancel_new(NULL, &cancel, &err));
    pthread_create(&thread, NULL, cancel_soon, cancel);
    ag_http_request request = {.cancel = cancel};
    ag_http_response response;
    AG_EXPECT_ERROR(ask(&s, client, &request, &response, &err), AG_ECANCELLED, "GET");
    pthread_join(thread, NULL);
    ag_http_response_deinit(&response);
    ag_cancel_free(cancel);
    script_stop(&s);
    ag_http_free(client);
}

typedef struct many {
    script *script;
    ag_http *client;
    atomic_int good;
} many;

static void *ask_often(void *context)
{
    many *m = context;
    for (int i = 0; i < 10; i++) {
        ag_err err = {0};
        ag_http_request request = {0};
        ag_http_response response;
        if (ask(m->script, m->client, &request, &response, &err) >= 0 && response.status == 200)
            atomic_fetch_add(&m->good, 1);
        ag_http_response_deinit(&response);
    }
    return NULL;
}

AG_TEST(test_http__threads_share_a_client)
{
    script s = {.answers = {OK_ANSWER}};
    pthread_t threads[6];
    script_start(&s);
    many m = {.script = &s, .client = quick_client(2, 0)};
    for (int i = 0; i < 6; i++) pthread_create(&threads[i], NULL, ask_often, &m);
    for (int i = 0; i < 6; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&m.good), 60);
    script_stop(&s);
    ag_http_free(m.client);
}

static int one_call(void *context, ag_err *err)
{
    ag_http *client = NULL;
    ag_http_options options = {.attempts = 1};
    ag_http_header header = {"X-A", "b"};
    ag_http_request request = {.headers = &header, .header_count = 1};
    ag_http_response response = {0};
    int rc = ag_http_new(&options, &client, err);
    if (rc >= 0) rc = ask(context, client, &request, &response, err);
    ag_http_response_deinit(&response);
    ag_http_free(client);
    return rc;
}

AG_TEST(test_http__every_failing_call_is_clean)
{
    script s = {.answers = {OK_ANSWER}};
    script_start(&s);
    uint64_t rounds = ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_NET, one_call, NULL, &s);
    if (ag_fault_available()) assert_true(rounds > 8);
    script_stop(&s);
}

AG_TEST(test_http__addresses_are_shown_without_secrets)
{
    static const char *const rows[][2] = {
        {"http://h/p?a=1&X-Amz-Signature=zz&b", "http://h/p?a=1&X-Amz-Signature=***&b"},
        {"https://me:pa@ss@h:1/p?api_key=1#token", "https://***@h:1/p?api_key=***"},
        {"s3://b/p?endpoint=http://h", "s3://b/p?endpoint=http://h"},
        {"/plain/dir", "/plain/dir"},
        {"http://h/\r\nX: y", "http://h/??X: y"},
    };
    char out[200];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ag_http_show_url(rows[i][0], out, sizeof(out));
        assert_string_equal(out, rows[i][1]);
    }
    ag_http_show_url("http://host/", out, 5);
    assert_string_equal(out, "http");
}

AG_TEST(test_http__redirect_targets)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    char *to = NULL;
    bool same = false;
    AG_EXPECT_OK(http_redirect_target(arena, "http://h:80/a/b?c", AG_STR("../d"), &to, &same, &err));
    assert_string_equal(to, "http://h:80/d");
    assert_true(same);
    AG_EXPECT_OK(http_redirect_target(arena, "http://h/a", AG_STR("https://h/a"), &to, &same, &err));
    assert_false(same);
    AG_EXPECT_OK(http_redirect_target(arena, "http://h/a", AG_STR("http://h.evil/a"), &to, &same, &err));
    assert_false(same);
    AG_EXPECT_ERROR(http_redirect_target(arena, "https://h/a", AG_STR("http://h/a"), &to, &same, &err), AG_EDENIED,
                    "not encrypted");
    AG_EXPECT_ERROR(http_redirect_target(arena, "https://h/a", AG_STR("gopher://h/a"), &to, &same, &err), AG_EDENIED,
                    "only http");
    ag_arena_free(arena);
}

AG_TEST(test_http__retry_after_is_seconds_or_a_date)
{
    assert_int_equal(http_retry_after(AG_STR(" 7 "), 0), 7 * AG_SECOND);
    assert_int_equal(http_retry_after(AG_STR("Thu, 01 Jan 1970 00:00:30 GMT"), 10 * AG_SECOND), 20 * AG_SECOND);
    assert_int_equal(http_retry_after(AG_STR("Thu, 01 Jan 1970 00:00:30 GMT"), 50 * AG_SECOND), 0);
    assert_int_equal(http_retry_after(AG_STR("soon"), 0), -1);
    assert_int_equal(http_retry_after(AG_STR("-5"), 0), -1);
    assert_int_equal(http_retry_after(AG_STR("99999999999999999999"), 0), -1);
}
