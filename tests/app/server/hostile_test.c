// SPDX-License-Identifier: Apache-2.0
/* hostile_test.c: a real server on a real socket, attacked: slow bytes, smuggling, broken chunks, floods, hang-ups.
 * After each attack it must still answer, and hold no connection. */
#include <errno.h>
#include <pthread.h>

#include "app/server/wire.h"
#include "core/io/file.h"

static ag_server *server;
static uint16_t port;

static void begin_with(const ag_server_options *options)
{
    server = wire_start(options);
    port = ag_server_port(server);
}

static void begin(void)
{
    ag_server_options options = wire_options();
    begin_with(&options);
}

/* Cuts slow clients off soon; for tests whose clients are slow on purpose. */
static void begin_impatient(void)
{
    ag_server_options options = wire_options();
    options.header_time = options.stall_time = options.last_time = AG_SECOND / 4;
    begin_with(&options);
}

static void end(void)
{
    wire_expect(port, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200, "hello");
    ag_server_free(server);
}

/* The value of a line of /metrics. */
static double metric(const char *name)
{
    char *answer = wire_ask(port, "GET /metrics HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    char line[128];
    ag_format(line, sizeof(line), "\n%s ", name);
    const char *at = strstr(answer, line);
    double value = at ? strtod(at + strlen(line), NULL) : -1;
    ag_free(answer);
    return value;
}

/* Waits until the server holds no connection but the asking one. */
static void expect_no_connections(void)
{
    for (int i = 0; i < 6000; i++) {
        if (metric("auger_http_connections") == 1) return;
        ag_sleep(50 * 1000);
    }
    fail_msg("connections are left over");
}

AG_TEST(test_hostile__slow_heads_are_cut_off)
{
    begin_impatient();
    enum { CROWD = 100 };
    int fds[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        fds[i] = wire_open(port);
        wire_say(fds[i], "GET /hello HTTP/1.1\r\nX: ");
    }
    bool open = true; /* a byte now and then does not help */
    for (int second = 0; second < 100 && open; second++) {
        for (size_t i = 0; i < CROWD; i++) send(fds[i], "a", 1, MSG_NOSIGNAL);
        wire_expect(port, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200,
                    NULL); /* others are served */
        struct pollfd one = {.fd = fds[0], .events = POLLIN};
        open = poll(&one, 1, 100) == 0;
    }
    assert_false(open);
    char *answer = wire_rest(fds[0], NULL);
    assert_int_equal(wire_status(answer), 408);
    ag_free(answer);
    expect_no_connections();
    assert_true(metric("auger_http_workers") < 20); /* they cost no threads */
    for (size_t i = 0; i < CROWD; i++) close(fds[i]);
    end();
}

AG_TEST(test_hostile__slow_bodies_are_cut_off)
{
    begin_impatient();
    static const char *const asked[] = {
        "PUT /count/a HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\nabc",
        "PUT /count/a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) wire_expect(port, asked[i], 408, NULL);
    int fd = wire_open(port); /* one byte at a time: slower than the least speed */
    wire_say(fd, "PUT /count/a HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
    bool open = true;
    for (int i = 0; i < 200 && open; i++) {
        open = send(fd, "a", 1, MSG_NOSIGNAL) == 1;
        struct pollfd one = {.fd = fd, .events = POLLIN};
        if (poll(&one, 1, 50) > 0) open = false;
    }
    assert_false(open);
    close(fd);
    expect_no_connections();
    end();
}

AG_TEST(test_hostile__slow_readers_are_cut_off)
{
    begin_impatient();
    int fd = wire_open(port);
    int small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    wire_say(fd, "GET /bytes?how=known&size=500000000 HTTP/1.1\r\n" HOST "\r\n");
    expect_no_connections(); /* nothing is read */
    close(fd);
    end();
}

AG_TEST(test_hostile__smuggled_requests_are_not_served)
{
    static const char *const asked[] = {
        "POST /echo HTTP/1.1\r\n" HOST
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 40\r\n\r\nGET /hello HTTP/1.1\r\n" HOST
        "\r\n",
        "POST /echo HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding:\x0b"
        "chunked\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST
        "\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST
        "\r\n",
        "POST /echo HTTP/1.1\r\n" HOST
        "Foo: bar\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
        "PUT /count/a HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
        "PUT /count/a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nX\n\r\nGET /hello HTTP/1.1\r\n" HOST
        "\r\n",
        "PUT /count/a HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.1\nHost: localhost\n\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.1\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
    };
    begin();
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        char *answer = wire_ask(port, asked[i]);
        int status = wire_status(answer);
        if (status < 400 || status >= 600 || status == 500 || strstr(answer, "hello nobody"))
            fail_msg("asked\n%s\ngot\n%s", asked[i], answer);
        assert_non_null(strstr(answer, "Connection: close"));
        ag_free(answer);
    }
    expect_no_connections();
    end();
}

AG_TEST(test_hostile__large_heads_and_bodies)
{
    begin();
    size_t size = 200000;
    char *text = ag_alloc(size + 1);
    assert_non_null(text);
    memset(text, 'a', size);
    text[size] = '\0';
    memcpy(text, "GET /hello HTTP/1.1\r\nX: ", 24);
    wire_expect(port, text, 431, "larger than");
    memcpy(text, "GET /aaaaaaaaaaaaaaaaaaa", 24);
    wire_expect(port, text, 431, NULL);
    ag_free(text);
    end();
    begin();
    /* More than the limit in chunks, and a client that sends all of it before it reads. */
    int fd = wire_open(port);
    wire_say(fd, "PUT /bounded HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    char piece[1009];
    memset(piece, 'a', sizeof(piece));
    memcpy(piece, "3e8\r\n", 5);
    memcpy(piece + 1005, "\r\n", 2);
    for (int i = 0; i < 50; i++)
        if (!wire_send(fd, piece, 1007)) break;
    char *answer = wire_rest(fd, NULL);
    assert_int_equal(wire_status(answer), 413);
    ag_free(answer);
    close(fd);
    expect_no_connections();
    end();
}

/* The answer does not wait for bodies that never come: here it would wait for ever. */
AG_TEST(test_hostile__what_is_too_large_is_refused_by_its_head)
{
    ag_server_options options = wire_options();
    options.stall_time = options.header_time = 3600 * AG_SECOND;
    options.json_bytes = 1000;
    begin_with(&options);
    static const char *const asked[] = {
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", /* few enough to be collected */
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\nabc",
        "PUT /bounded HTTP/1.1\r\n" HOST "Content-Length: 20000\r\n\r\n",
        "PUT /bounded HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 20000\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        wire_expect(port, asked[i], 413, "is larger than");
        wire_expect(port, asked[i], 413, "Connection: close");
    }
    /* What is refused for another reason is answered too: the body that does not come is given a moment. */
    wire_expect(port, "PUT /nowhere HTTP/1.1\r\n" HOST "Content-Length: 20000\r\n\r\n", 404, "Connection: close");
    end();
}

/* A client that sends all of a large body before it reads finds the answer: what it sends is read over. */
AG_TEST(test_hostile__who_sends_too_much_still_reads_the_answer)
{
    begin();
    const size_t size = 8 << 20;
    char *bytes = ag_calloc(size, 1);
    assert_non_null(bytes);
    for (int i = 0; i < 3; i++) {
        int fd = wire_open(port);
        wire_say(fd, "PUT /bounded HTTP/1.1\r\n" HOST "Content-Length: 8388608\r\n\r\n");
        assert_true(wire_send(fd, bytes, size));
        char *answer = wire_rest(fd, NULL);
        assert_int_equal(wire_status(answer), 413);
        ag_free(answer);
        close(fd);
    }
    ag_free(bytes);
    expect_no_connections();
    end();
}

AG_TEST(test_hostile__hang_ups_at_every_byte)
{
    static const char request[] =
        "PUT /count/a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        "GET /bytes?how=unknown&size=300000 HTTP/1.1\r\n" HOST "\r\n";
    begin();
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        int fd = wire_open(port);
        wire_send(fd, request, i);
        if (i % 2) { /* a reset instead of an end */
            struct linger hard = {.l_onoff = 1};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        }
        close(fd);
    }
    expect_no_connections();
    end();
}

AG_TEST(test_hostile__noise)
{
    begin();
    uint64_t random = 88172645463325252ULL;
    for (int i = 0; i < 300; i++) {
        char noise[300];
        for (size_t k = 0; k < sizeof(noise); k++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            noise[k] = (char)random;
        }
        if (i % 3 == 0) memcpy(noise, "GET / HTTP/1.1\r\n", 16);
        memcpy(noise + sizeof(noise) - 4, "\r\n\r\n", 4);
        int fd = wire_open(port);
        wire_send(fd, noise, sizeof(noise));
        char *answer = wire_rest(fd, NULL);
        int status = wire_status(answer);
        if (status != 400 && status != 405 && status != 501 && status != 505) fail_msg("noise gives %d", status);
        ag_free(answer);
        close(fd);
    }
    end();
}

AG_TEST(test_hostile__more_connections_than_are_allowed)
{
    ag_server_options options = wire_options();
    options.connections = 20;
    begin_with(&options);
    int fds[60];
    for (size_t i = 0; i < 60; i++) { /* idle ones make room for new ones */
        fds[i] = wire_open(port);
        wire_say(fds[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        char *answer = wire_answer(fds[i]);
        assert_int_equal(wire_status(answer), 200);
        ag_free(answer);
        ag_sleep(10 * 1000);
    }
    assert_true(metric("auger_http_connections") <= 20);
    for (size_t i = 0; i < 60; i++) close(fds[i]);
    end();
}

/* ---- much at a time ---- */

static void *ask_often(void *context)
{
    int fd = wire_open(port);
    size_t good = 0;
    for (int i = 100; i < 200; i++) {
        char request[256];
        ag_format(request, sizeof(request),
                  "POST /echo?n=%d HTTP/1.1\r\n" HOST
                  "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"number\":%d}",
                  i, i);
        wire_say(fd, request);
        char *answer = wire_answer(fd), wanted[32];
        ag_format(wanted, sizeof(wanted), "{\"number\":%d}", i);
        if (strstr(answer, wanted)) good++;
        ag_free(answer);
    }
    close(fd);
    *(size_t *)context = good;
    return NULL;
}

AG_TEST(test_load__many_clients_at_a_time)
{
    enum { CLIENTS = 64 };
    begin();
    pthread_t threads[CLIENTS];
    size_t good[CLIENTS] = {0};
    for (size_t i = 0; i < CLIENTS; i++) assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &good[i]), 0);
    for (size_t i = 0; i < CLIENTS; i++) pthread_join(threads[i], NULL);
    for (size_t i = 0; i < CLIENTS; i++) assert_int_equal(good[i], 100);
    end();
}

enum { TOGETHER = 64 }; /* far more than processors */

static void *ask_together(void *context)
{
    char *answer = wire_ask(port, "GET /together?of=64 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    *(int *)context = wire_status(answer);
    ag_free(answer);
    return NULL;
}

AG_TEST(test_load__waiting_handlers_do_not_wait_for_each_other)
{
    begin();
    pthread_t threads[TOGETHER];
    int status[TOGETHER] = {0};
    for (size_t i = 0; i < TOGETHER; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_together, &status[i]), 0);
    for (size_t i = 0; i < TOGETHER; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(status[i], 200);
    }
    end();
}

static double resident(void)
{
    return metric("process_resident_memory_bytes") / 1e6;
}

AG_TEST(test_load__megabytes_pass_in_constant_memory)
{
    int megabytes = (int)ag_test_rounds(64, 300);
    begin();
    char *piece = ag_alloc(1 << 20);
    memset(piece, 1, 1 << 20);
    double before = resident();
    int fd = wire_open(port);
    char head[128];
    ag_format(head, sizeof(head), "PUT /count/big HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", megabytes << 20);
    wire_say(fd, head);
    for (int i = 0; i < megabytes; i++) assert_true(wire_send(fd, piece, 1 << 20));
    char *answer = wire_answer(fd), wanted[64];
    ag_format(wanted, sizeof(wanted), "%d %d", megabytes << 20, megabytes << 20);
    assert_non_null(strstr(answer, wanted));
    ag_free(answer);
    ag_format(head, sizeof(head), "GET /bytes?how=unknown&size=%d HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
              megabytes << 20);
    wire_say(fd, head);
    size_t total = 0;
    ssize_t got;
    while ((got = recv(fd, piece, 1 << 20, 0)) > 0) total += (size_t)got;
    assert_true(total > (size_t)megabytes << 20);
    close(fd);
    ag_free(piece);
    double after = resident();
    if (after > before + 20) fail_msg("grew from %.1f to %.1f MB", before, after);
    end();
}

/* ---- the end ---- */

AG_TEST(test_stop__finishes_what_is_under_way)
{
    ag_err err = {0};
    begin_impatient(); /* for the half head, which holds the stop up for as long as a slow one may take */
    int busy = wire_open(port), idle = wire_open(port), half = wire_open(port);
    wire_say(half, "GET /hello HT");
    wire_say(idle, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    char *answer = wire_answer(idle);
    ag_free(answer);
    wire_await(server, "auger_http_requests_in_flight", 0);
    wire_say(busy, "GET /slow?until=stop HTTP/1.1\r\n" HOST "\r\n");
    wire_await(server, "auger_http_requests_in_flight", 1);
    AG_EXPECT_OK(ag_server_stop(server, &err));
    answer = wire_rest(busy, NULL);
    assert_int_equal(wire_status(answer), 200);
    assert_non_null(strstr(answer, "Connection: close"));
    assert_non_null(strstr(answer, "done"));
    ag_free(answer);
    char byte;
    assert_int_equal(recv(idle, &byte, 1, 0), 0);
    close(busy);
    close(idle);
    close(half);
    ag_server_free(server);
}

/* A kept connection has nothing under way, whatever it sent before; a stop that waited for it would wait for ever. */
AG_TEST(test_stop__does_not_wait_for_who_has_sent_a_body)
{
    ag_err err = {0};
    ag_server_options options = wire_options();
    options.drain_time = options.header_time = options.stall_time = 3600 * AG_SECOND;
    begin_with(&options);
    int together = wire_open(port), chunked = wire_open(port);
    wire_say(together, "PUT /count/a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    ag_free(wire_answer(together));
    wire_say(chunked, "PUT /count/a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    ag_free(wire_answer(chunked));
    wire_await(server, "auger_http_requests_in_flight", 0);
    AG_EXPECT_OK(ag_server_stop(server, &err));
    ag_server_free(server);
    close(together);
    close(chunked);
}

AG_TEST(test_stop__cuts_off_what_does_not_end)
{
    ag_err err = {0};
    ag_server_options options = wire_options();
    options.drain_time = AG_SECOND / 5;
    begin_with(&options);
    int slow = wire_open(port), stream = wire_open(port);
    wire_say(slow, "GET /slow?ms=100000 HTTP/1.1\r\n" HOST "\r\n");
    wire_say(stream, "GET /bytes?how=known&size=500000000 HTTP/1.1\r\n" HOST "\r\n");
    wire_await(server, "auger_http_requests_in_flight", 2);
    int rc = ag_server_stop(server, &err);
    while (rc == AG_ETIMEOUT) rc = ag_server_stop(server, &err);
    assert_int_equal(rc, AG_OK);
    ag_server_free(server);
    close(slow);
    close(stream);
}

AG_TEST(test_stop__requests_that_take_too_long_are_told_so)
{
    ag_server_options options = wire_options();
    options.request_time = AG_SECOND / 10;
    server = wire_start(&options);
    port = ag_server_port(server);
    wire_expect(port, "GET /slow?ms=5000 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 504, NULL);
    end();
}

/* ---- failing calls ---- */

static int start_and_stop(void *context, ag_err *err)
{
    ag_server_options options = wire_options();
    ag_server *one = NULL;
    (void)context;
    int rc = ag_server_start(&options, &one, err);
    if (rc >= 0) ag_server_free(one);
    return rc;
}

AG_TEST(test_faults__every_failing_call_of_the_start_is_told)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_NET, start_and_stop, NULL, NULL);
}

AG_TEST(test_faults__a_failing_call_costs_one_request_at_most)
{
    if (!ag_fault_available()) ag_test_skip("this build injects no failures");
    begin();
    for (uint64_t n = 1; n < 120; n++) {
        int fd = wire_open(port);
        ag_fault_arm(n, AG_FAULT_ALLOC | AG_FAULT_NET);
        wire_say(fd, "POST /echo?a=%20 HTTP/1.1\r\n" HOST
                     "Connection: close\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
        struct pollfd one = {.fd = fd, .events = POLLIN};
        poll(&one, 1, 3000);
        char scrap[4096];
        while (poll(&one, 1, 3000) > 0 && recv(fd, scrap, sizeof(scrap), 0) > 0) {
        }
        ag_fault_arm(0, 0);
        close(fd);
        if (n % 10 != 0) continue;
        expect_no_connections(); /* the failure has cost what it costs; it must not be this one's turn */
        wire_expect(port, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200, NULL);
    }
    expect_no_connections();
    end();
}
