// SPDX-License-Identifier: Apache-2.0
/* server_test.c: a real server on a real socket, asked politely. */
#include "app/server/wire.h"

#include "core/doc/json.h"
#include "core/io/compress.h"
#include "core/io/file.h"

static ag_server *server;
static uint16_t port;

static void begin(void)
{
    ag_server_options options = wire_options();
    server = wire_start(&options);
    port = ag_server_port(server);
}

static void end(void)
{
    ag_server_free(server);
}

#define CLOSE HOST "Connection: close\r\n"

AG_TEST(test_server__small_fixed_routes)
{
    begin();
    wire_expect(port, "GET /health HTTP/1.1\r\n" CLOSE "\r\n", 200, "\r\n\r\nOK");
    wire_expect(port, "GET /version HTTP/1.1\r\n" CLOSE "\r\n", 200, "\r\n\r\n" AG_MLFLOW_VERSION);
    wire_expect(port, "GET /openapi.json HTTP/1.1\r\n" CLOSE "\r\n", 200, "\"openapi\":\"3.1.0\"");
    wire_expect(port, "GET /metrics HTTP/1.1\r\n" CLOSE "\r\n", 200,
                "auger_http_requests_total{method=\"GET\",route=\"/health\",status=\"200\"} 1\n");
    wire_expect(port, "GET /health HTTP/1.0\r\n\r\n", 200, "Connection: close");
    end();
}

AG_TEST(test_server__every_answer_is_guarded)
{
    static const char *const asked[] = {"GET /hello HTTP/1.1\r\n" CLOSE "\r\n", "GET /absent HTTP/1.1\r\n" CLOSE "\r\n",
                                        "NONSENSE\r\n\r\n", "GET /fail HTTP/1.1\r\n" CLOSE "\r\n"};
    begin();
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        char *answer = wire_ask(port, asked[i]);
        assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff\r\n"));
        assert_non_null(strstr(answer, "X-Frame-Options: SAMEORIGIN\r\n"));
        assert_non_null(strstr(answer, "Content-Security-Policy: default-src 'none'; sandbox\r\n"));
        assert_null(strstr(answer, "Access-Control-"));
        assert_null(strstr(answer, "Server:"));
        ag_free(answer);
    }
    end();
}

AG_TEST(test_server__ids_are_taken_when_they_are_harmless)
{
    begin();
    wire_expect(port, "GET /hello HTTP/1.1\r\n" CLOSE "X-Request-Id: abc-1.2_Z\r\n\r\n", 200,
                "X-Request-Id: abc-1.2_Z\r\n");
    char *answer = wire_ask(port, "GET /hello HTTP/1.1\r\n" CLOSE "X-Request-Id: a\"b\r\n\r\n");
    assert_null(strstr(answer, "a\"b"));
    assert_non_null(strstr(answer, "X-Request-Id: "));
    ag_free(answer);
    end();
}

AG_TEST(test_server__routes_methods_and_head)
{
    begin();
    wire_expect(port, "GET /absent HTTP/1.1\r\n" CLOSE "\r\n", 404, "\r\n\r\nNot Found\n");
    wire_expect(port, "DELETE /hello HTTP/1.1\r\n" CLOSE "\r\n", 405, "Allow: GET, HEAD, OPTIONS\r\n");
    wire_expect(port, "OPTIONS /echo HTTP/1.1\r\n" CLOSE "\r\n", 204, "Allow: GET, HEAD, POST, DELETE, OPTIONS\r\n");
    wire_expect(port, "OPTIONS * HTTP/1.1\r\n" CLOSE "\r\n", 204, NULL);
    char *answer = wire_ask(port, "HEAD /hello HTTP/1.1\r\n" CLOSE "\r\n");
    assert_non_null(strstr(answer, "Content-Length: 12\r\n"));
    assert_true(strcmp(answer + strlen(answer) - 4, "\r\n\r\n") == 0);
    ag_free(answer);
    wire_expect(port, "GET /echo/a%20b/and/c/d%2Fe?x=1&x=%C3%A4 HTTP/1.1\r\n" CLOSE "\r\n", 200,
                "\"captures\":[\"a b\",\"c/d/e\"],\"query\":[\"x\",\"1\",\"x\",\"\xc3\xa4\"]");
    wire_expect(port, "GET /echo/%zz/and/c HTTP/1.1\r\n" CLOSE "\r\n", 400, NULL);
    wire_expect(port, "GET /echo?a=%00 HTTP/1.1\r\n" CLOSE "\r\n", 400, NULL);
    wire_expect(port, "GET /echo?a=%ff HTTP/1.1\r\n" CLOSE "\r\n", 400, "UTF-8");
    wire_expect(port, "GET http://localhost/hello HTTP/1.1\r\n" CLOSE "\r\n", 200, "hello nobody");
    end();
}

AG_TEST(test_server__json_bodies)
{
    begin();
#define POST(path, type, length, body) "POST " path " HTTP/1.1\r\n" CLOSE type "Content-Length: " length "\r\n\r\n" body
#define JSON "Content-Type: application/json\r\n"
    wire_expect(port, POST("/echo", JSON, "13", "{\"a\":[1,NaN]}"), 200, "\"json\":{\"a\":[1,\"NaN\"]}");
    wire_expect(port, POST("/echo", JSON, "13", "\"{\\\"a\\\":12}\" "), 200, "\"json\":{\"a\":12}");
    wire_expect(port, POST("/echo", JSON, "13", "{\"a\":1,\"a\":2}"), 200, "\"json\":{\"a\":2}");
    wire_expect(port, POST("/echo", "", "0", ""), 200, "\"json\":{}");
    wire_expect(port, POST("/echo", "", "2", "{}"), 400, "Content-Type header is missing");
    wire_expect(port, POST("/echo", "Content-Type: text/plain\r\n", "2", "{}"), 400, "['application/json']");
    wire_expect(port, POST("/echo", "Content-Type: application/json; charset=utf-8\r\n", "2", "{}"), 200,
                "\"json\":{}");
    wire_expect(port, POST("/echo", JSON, "2", "{]"), 400, "\"error\"");
    wire_expect(port, POST("/bare", "", "1", "x"), 400, "takes no body");
    wire_expect(port, POST("/bare", "", "0", ""), 200, NULL);
    wire_expect(port,
                "POST /echo HTTP/1.1\r\n" CLOSE JSON
                "Transfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n",
                200, "\"json\":{\"a\":1}");
    wire_expect(port,
                "POST /small HTTP/1.1\r\n" CLOSE JSON "Transfer-Encoding: chunked\r\n\r\n65\r\n"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "\r\n0\r\n\r\n",
                413, "larger than 100");
    wire_expect(port, "DELETE /echo HTTP/1.1\r\n" CLOSE "Content-Length: 7\r\n\r\n{\"a\":1}", 200,
                "\"json\":{\"a\":1}");
    end();
    ag_server_options options = wire_options();
    options.stall_time = AG_SECOND / 5; /* the body never comes, and the answer only after a wait for it */
    server = wire_start(&options);
    port = ag_server_port(server);
    wire_expect(port, POST("/small", JSON, "20000", ""), 413, "larger than 100");
    end();
}

AG_TEST(test_server__keeps_connections_and_answers_pipelines_in_order)
{
    begin();
    int fd = wire_open(port);
    for (int i = 0; i < 300; i++) {
        wire_say(fd, "GET /echo HTTP/1.1\r\n" HOST "X-Request-Id: one\r\n\r\n");
        char *answer = wire_answer(fd);
        assert_non_null(strstr(answer, "\"id\":\"one\""));
        ag_free(answer);
    }
    wire_say(fd, "GET /echo HTTP/1.1\r\n" HOST "X-Request-Id: r1\r\n\r\n\r\n"
                 "POST /echo HTTP/1.1\r\n" HOST JSON "X-Request-Id: r2\r\nContent-Length: 2\r\n\r\n{}"
                 "PUT /count/x HTTP/1.1\r\n" HOST
                 "X-Request-Id: r3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                 "PUT /bounded HTTP/1.1\r\n" HOST "X-Request-Id: r4\r\nContent-Length: 3\r\n\r\nabc"
                 "GET /hello HTTP/1.1\r\n" CLOSE "X-Request-Id: r5\r\n\r\nGET /never HTTP/1.1\r\n\r\n");
    char *answers = wire_rest(fd, NULL), *at = answers;
    static const char *const wanted[] = {"\"id\":\"r1\"",    "\"id\":\"r2\"", "X-Request-Id: r3", "3 294",
                                         "X-Request-Id: r4", "3 294",         "X-Request-Id: r5", "hello nobody"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        at = strstr(at, wanted[i]);
        if (!at) fail_msg("no %s in order in\n%s", wanted[i], answers);
    }
    assert_null(strstr(answers, "404"));
    ag_free(answers);
    close(fd);
    end();
}

AG_TEST(test_server__idle_connections_come_back_from_the_poller)
{
    begin();
    int fds[40];
    for (size_t i = 0; i < 40; i++) fds[i] = wire_open(port);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 40; i++) {
            wire_say(fds[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
            char *answer = wire_answer(fds[i]);
            assert_int_equal(wire_status(answer), 200);
            ag_free(answer);
        }
        ag_sleep(250 * 1000); /* longer than a worker stays */
    }
    for (size_t i = 0; i < 40; i++) close(fds[i]);
    end();
}

AG_TEST(test_server__a_body_in_pieces)
{
    begin();
    int fd = wire_open(port);
    for (int i = 0; i < 3; i++) { /* the poller collects it */
        wire_say(fd, "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 7\r\n\r\n{\"a");
        ag_sleep(200 * 1000);
        wire_say(fd, "\":1");
        ag_sleep(50 * 1000);
        wire_say(fd, "}");
        char *answer = wire_answer(fd);
        assert_non_null(strstr(answer, "\"json\":{\"a\":1}"));
        ag_free(answer);
    }
    wire_say(fd, "GE");
    ag_sleep(150 * 1000);
    wire_say(fd, "T /hello HTTP/1.1\r\nHost: local");
    ag_sleep(150 * 1000);
    wire_say(fd, "host\r\nConnection: close\r\n\r");
    ag_sleep(50 * 1000);
    wire_say(fd, "\n");
    char *answer = wire_rest(fd, NULL);
    assert_int_equal(wire_status(answer), 200);
    ag_free(answer);
    close(fd);
    end();
}

AG_TEST(test_server__waits_for_the_word_to_go_on)
{
    begin();
    int fd = wire_open(port);
    wire_say(fd, "PUT /count/a HTTP/1.1\r\n" CLOSE "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    char go_on[26] = "";
    assert_int_equal(recv(fd, go_on, 25, MSG_WAITALL), 25);
    assert_string_equal(go_on, "HTTP/1.1 100 Continue\r\n\r\n");
    wire_say(fd, "abc");
    char *answer = wire_rest(fd, NULL);
    assert_non_null(strstr(answer, "3 294"));
    ag_free(answer);
    close(fd);
    /* One that is refused is not asked to go on. */
    wire_expect(port, "PUT /bounded HTTP/1.1\r\n" CLOSE "Expect: 100-continue\r\nContent-Length: 3000\r\n\r\n", 413,
                NULL);
    end();
}

AG_TEST(test_server__ranges_and_conditions)
{
    begin();
#define CONTENT(lines) "GET /bytes?how=content&size=1000 HTTP/1.1\r\n" CLOSE lines "\r\n"
    wire_expect(port, CONTENT(""), 200,
                "Accept-Ranges: bytes\r\nETag: \"pattern\"\r\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n");
    wire_expect(port, CONTENT("Range: bytes=26-28\r\n"), 206, "Content-Range: bytes 26-28/1000\r\n");
    wire_expect(port, CONTENT("Range: bytes=26-28\r\n"), 206, "\r\n\r\nabc");
    wire_expect(port, CONTENT("Range: bytes=-2\r\n"), 206, "\r\n\r\nkl");
    wire_expect(port, CONTENT("Range: bytes=1000-\r\n"), 416, "Content-Range: bytes */1000\r\n");
    wire_expect(port, CONTENT("Range: bytes=0-0,5-6\r\n"), 200, "Content-Length: 1000\r\n");
    wire_expect(port, CONTENT("Range: bytes=0-1\r\nIf-Range: \"pattern\"\r\n"), 206, NULL);
    wire_expect(port, CONTENT("Range: bytes=0-1\r\nIf-Range: \"other\"\r\n"), 200, NULL);
    wire_expect(port, CONTENT("Range: bytes=0-1\r\nIf-Range: Tue, 14 Nov 2023 22:13:20 GMT\r\n"), 206, NULL);
    wire_expect(port, CONTENT("If-None-Match: \"x\", \"pattern\"\r\n"), 304, NULL);
    wire_expect(port, CONTENT("If-None-Match: \"x\"\r\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n"), 200,
                NULL);
    wire_expect(port, CONTENT("If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n"), 304, NULL);
    wire_expect(port, CONTENT("If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT\r\n"), 200, NULL);
    wire_expect(port, "HEAD /bytes?how=content&size=1000 HTTP/1.1\r\n" CLOSE "\r\n", 200, "Content-Length: 1000\r\n");
    wire_expect(port, "GET /bytes?how=content&size=0 HTTP/1.1\r\n" CLOSE "\r\n", 200, "Content-Length: 0\r\n");
    char *answer = wire_ask(port, CONTENT("If-None-Match: *\r\n"));
    assert_true(strcmp(answer + strlen(answer) - 4, "\r\n\r\n") == 0);
    ag_free(answer);
    end();
}

AG_TEST(test_server__streams_of_unknown_length)
{
    begin();
    wire_expect(port, "GET /bytes?how=unknown&size=30 HTTP/1.1\r\n" CLOSE "\r\n", 200,
                "\r\n\r\n1e\r\nabcdefghijklmnopqrstuvwxyzabcd\r\n0\r\n\r\n");
    char *answer = wire_ask(port, "GET /bytes?how=unknown&size=3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_null(strstr(answer, "chunked"));
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\nabc"));
    ag_free(answer);
    /* One that breaks in the middle has no end that looks like one. */
    size_t size = 0;
    int fd = wire_open(port);
    wire_say(fd, "GET /bytes?how=broken&size=1000 HTTP/1.1\r\n" HOST "\r\n");
    answer = wire_rest(fd, &size);
    assert_non_null(strstr(answer, "Content-Length: 1001\r\n"));
    assert_true(size < 1001 + 500);
    assert_true(strlen(strstr(answer, "\r\n\r\n") + 4) == 1000);
    ag_free(answer);
    close(fd);
    end();
}

AG_TEST(test_server__files)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_response response = {.arena = arena};
    const char *dir = ag_test_dir();
    char path[512];
    ag_format(path, sizeof(path), "%s/a.txt", dir);
    AG_EXPECT_OK(ag_file_replace(path, "hello", 5, &err));
    AG_EXPECT_OK(ag_response_file(&response, "text/plain", path, &err));
    assert_int_equal(response.content.size, 5);
    assert_int_equal(response.content.etag[0], '"');
    AG_EXPECT_ERROR(ag_response_file(&response, "text/plain", dir, &err), AG_ENOTFOUND, "not a file");
    AG_EXPECT_OK(ag_response_attachment(&response, AG_STR("a b.txt"), &err));
    assert_string_equal(response.last->value, "attachment; filename=\"a b.txt\"");
    AG_EXPECT_OK(ag_response_attachment(&response, AG_STR("\"\r\n\xc3\xa4.txt"), &err));
    assert_string_equal(response.last->value,
                        "attachment; filename=\"_____.txt\"; filename*=UTF-8''%22%0D%0A%C3%A4.txt");
    AG_EXPECT_ERROR(ag_response_header_add(&response, "X", "a\nb", &err), AG_EINVAL, "control");
    assert_string_equal(ag_content_type_of(AG_STR("a/MLmodel")), "text/plain; charset=utf-8");
    assert_string_equal(ag_content_type_of(AG_STR("a/x.PNG")), "image/png");
    assert_string_equal(ag_content_type_of(AG_STR("a/x.pkl")), "application/octet-stream");
    assert_string_equal(ag_content_type_of(AG_STR("")), "application/octet-stream");
    ag_arena_free(arena);
}

AG_TEST(test_server__failures_are_told)
{
    begin();
    char *answer = wire_ask(port, "GET /fail HTTP/1.1\r\n" CLOSE "\r\n");
    assert_int_equal(wire_status(answer), 409);
    assert_non_null(strstr(answer, "it has ended"));
    assert_null(strstr(answer, "X-Lost"));
    ag_free(answer);
    wire_expect(port, "GET /fail?how=silent HTTP/1.1\r\n" CLOSE "\r\n", 500, "the server failed (request ");
    wire_expect(port, "GET /fail?how=header HTTP/1.1\r\n" CLOSE "\r\n", 400, "control character");
    end();
}

AG_TEST(test_server__gzip_where_it_pays)
{
    ag_err err = {0};
    ag_server_options options = wire_options();
    options.gzip = AG_GZIP_ALWAYS;
    server = wire_start(&options);
    port = ag_server_port(server);
    int fd = wire_open(port);
    wire_say(fd, "GET /text HTTP/1.1\r\n" CLOSE "Accept-Encoding: br, gzip\r\n\r\n");
    size_t size = 0;
    char *answer = wire_rest(fd, &size);
    assert_non_null(strstr(answer, "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"));
    char *body = strstr(answer, "\r\n\r\n") + 4;
    ag_buf plain;
    ag_buf_init(&plain, 10000);
    AG_EXPECT_OK(ag_decompress(AG_CODEC_GZIP, (ag_str){body, size - (size_t)(body - answer)}, &plain, &err));
    assert_int_equal(plain.size, 5000);
    ag_buf_deinit(&plain);
    ag_free(answer);
    close(fd);
    wire_expect(port, "GET /text HTTP/1.1\r\n" CLOSE "Accept-Encoding: gzip;q=0\r\n\r\n", 200,
                "Content-Length: 5000\r\n");
    wire_expect(port, "GET /hello HTTP/1.1\r\n" CLOSE "Accept-Encoding: gzip\r\n\r\n", 200, "Content-Length: 12\r\n");
    end();
    begin(); /* not for this machine */
    wire_expect(port, "GET /text HTTP/1.1\r\n" CLOSE "Accept-Encoding: gzip\r\n\r\n", 200, "Content-Length: 5000\r\n");
    end();
}

AG_TEST(test_server__cross_origin)
{
    const char *const origins[] = {"https://ui.corp", NULL};
    ag_server_options options = wire_options();
    options.allowed_origins = origins;
    server = wire_start(&options);
    port = ag_server_port(server);
    wire_expect(port,
                "OPTIONS /echo HTTP/1.1\r\n" CLOSE
                "Origin: https://ui.corp\r\nAccess-Control-Request-Headers: content-type\r\n\r\n",
                204, "Access-Control-Allow-Headers: content-type\r\n");
    wire_expect(port, POST("/echo", "Origin: https://ui.corp\r\n", "0", ""), 200,
                "Access-Control-Allow-Origin: https://ui.corp\r\n");
    wire_expect(port, POST("/echo", "Origin: https://evil.com\r\n", "0", ""), 403, "Cross-origin request blocked");
    char *answer = wire_ask(port, "OPTIONS /echo HTTP/1.1\r\n" CLOSE "Origin: https://evil.com\r\n\r\n");
    assert_null(strstr(answer, "Access-Control-"));
    ag_free(answer);
    wire_expect(port, "GET /hello HTTP/1.1\r\nHost: evil.com\r\nConnection: close\r\n\r\n", 403,
                "Invalid Host header - possible DNS rebinding attack detected");
    end();
}

AG_TEST(test_server__prefix)
{
    ag_server_options options = wire_options();
    options.static_prefix = "/team/ml";
    server = wire_start(&options);
    port = ag_server_port(server);
    wire_expect(port, "GET /team/ml/hello HTTP/1.1\r\n" CLOSE "\r\n", 200, NULL);
    wire_expect(port, "GET /hello HTTP/1.1\r\n" CLOSE "\r\n", 200, NULL);
    wire_expect(port, "GET /team/mlhello HTTP/1.1\r\n" CLOSE "\r\n", 404, NULL);
    end();
}

AG_TEST(test_server__refuses_to_be_open_to_the_world)
{
    ag_err err = {0};
    ag_server *none = NULL;
    ag_server_options options = wire_options();
    options.host = "0.0.0.0";
    AG_EXPECT_ERROR(ag_server_start(&options, &none, &err), AG_EDENIED, "0.0.0.0");
    assert_non_null(strstr(err.hint, "--insecure"));
    options.insecure = true;
    AG_EXPECT_OK(ag_server_start(&options, &none, &err));
    ag_server_free(none);
    options.host = "no such host.";
    AG_EXPECT_ERROR(ag_server_start(&options, &none, &err), AG_EINVAL, "no such host.");
    begin();
    options = wire_options();
    options.port = port;
    AG_EXPECT_ERROR(ag_server_start(&options, &none, &err), AG_EIO, "cannot listen");
    end();
    options = wire_options();
    options.certificate = "x";
    AG_EXPECT_ERROR(ag_server_start(&options, &none, &err), AG_EINVAL, "key");
    options.key = "y";
    AG_EXPECT_ERROR(ag_server_start(&options, &none, &err), AG_EINVAL, "certificate x");
    options = wire_options();
    options.static_prefix = "x/";
    AG_EXPECT_ERROR(ag_server_start(&options, &none, &err), AG_EINVAL, "prefix");
}

AG_TEST(test_events__are_heard_by_whom_they_concern)
{
    begin();
    int all = wire_open(port), one = wire_open(port);
    wire_say(all, "GET /api/auger/v1/events HTTP/1.1\r\n" HOST "\r\n");
    wire_say(one, "GET /api/auger/v1/events?experiment_id=7 HTTP/1.1\r\n" HOST "\r\n");
    ag_events *events = ag_server_events(server);
    char head[4096];
    assert_true(recv(all, head, sizeof(head), 0) > 0); /* who has an answer listens */
    assert_true(recv(one, head, sizeof(head), 0) > 0);
    for (int i = 6; i < 8; i++) {
        char id[2] = {(char)('0' + i), 0};
        ag_event event = {.kind = AG_EVENT_METRIC,
                          .experiment_id = ag_str_of(id),
                          .run_id = AG_STR("r"),
                          .key = AG_STR("loss\n"),
                          .value = 0.5,
                          .step = i};
        ag_events_publish(events, &event);
    }
    ag_event event = {.kind = AG_EVENT_RUN_UPDATED,
                      .experiment_id = AG_STR("7"),
                      .run_id = AG_STR("r"),
                      .status = AG_STR("FINISHED")};
    ag_events_publish(events, &event);
    ag_server_free(server); /* ends the streams */
    char *heard = wire_rest(one, NULL);
    assert_null(strstr(heard, "\"experiment_id\":\"6\""));
    assert_non_null(strstr(
        heard,
        "event: metric\ndata: "
        "{\"experiment_id\":\"7\",\"run_id\":\"r\",\"key\":\"loss\\n\",\"value\":0.5,\"step\":7,\"timestamp\":0}\n\n"));
    assert_non_null(strstr(
        heard, "event: run.updated\ndata: {\"experiment_id\":\"7\",\"run_id\":\"r\",\"status\":\"FINISHED\"}\n\n"));
    ag_free(heard);
    heard = wire_rest(all, NULL);
    assert_non_null(strstr(heard, "\"experiment_id\":\"6\""));
    ag_free(heard);
    close(all);
    close(one);
}

/* One that is connected but takes nothing is cut off when it stands still, and holds nobody up meanwhile. */
AG_TEST(test_events__a_listener_that_does_not_read_is_cut_off)
{
    ag_server_options options = wire_options();
    options.stall_time = 300 * 1000;
    ag_server *one = wire_start(&options);
    int fd = wire_open(ag_server_port(one)), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    wire_say(fd, "GET /api/auger/v1/events HTTP/1.1\r\n" HOST "\r\n");
    ag_events *events = ag_server_events(one);
    while (!ag_events_wanted(events)) ag_sleep(1000);
    char key[8001];
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    ag_event event = {.kind = AG_EVENT_METRIC, .run_id = AG_STR("r"), .key = ag_str_of(key)};
    for (int i = 0; i < 2000; i++) { /* more than all buffers between here and there hold */
        ag_events_publish(events, &event);
        if (i % 100 == 0) ag_sleep(10 * 1000);
    }
    wire_expect(ag_server_port(one), "GET /hello HTTP/1.1\r\n" CLOSE "\r\n", 200, NULL);
    bool cut_off = false; /* more and more, since a slow machine may have thrown away what the hub no longer keeps */
    for (int i = 0; i < 300000 && !cut_off; i++) {
        ag_events_publish(events, &event);
        ag_sleep(1000);
        cut_off = wire_metric(one, "auger_http_connections") < 1;
    }
    assert_true(cut_off);
    close(fd);
    ag_server_free(one);
}

static void publish_step(ag_events *events, int step)
{
    ag_event event = {.kind = AG_EVENT_METRIC, .run_id = AG_STR("r"), .key = AG_STR("loss"), .step = step};
    ag_events_publish(events, &event);
}

/* All that there is now, with a NUL behind it; the id of the last event goes to `id`. */
static void hear(ag_reader *reader, ag_buf *text, char id[40])
{
    char piece[4096];
    ptrdiff_t got;
    ag_buf_clear(text);
    while ((got = ag_read(reader, piece, sizeof(piece), NULL)) > 3) ag_buf_add(text, piece, (size_t)got);
    ag_buf_add(text, "", 1);
    for (const char *at = text->data; (at = strstr(at, "id: ")) != NULL; at += 4)
        ag_format(id, 40, "%.*s", (int)strcspn(at + 4, "\n"), at + 4);
}

AG_TEST(test_events__a_listener_goes_on_where_it_was)
{
    ag_err err = {0};
    ag_events *events = NULL;
    ag_reader *reader = NULL;
    char id[40] = "", last[40] = "";
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_OK(ag_events_new(&events, &err));
    AG_EXPECT_OK(ag_events_listen(events, &(ag_events_wish){.quiet = 1000}, &reader, &err));
    publish_step(events, 1);
    publish_step(events, 2);
    hear(reader, &text, id);
    assert_non_null(strstr(text.data, "\"step\":2"));
    ag_reader_close(reader);
    publish_step(events, 3); /* while nobody is connected */
    assert_true(ag_events_wanted(events));
    ag_events_wish wish = {.after = ag_str_of(id), .quiet = 1000};
    AG_EXPECT_OK(ag_events_listen(events, &wish, &reader, &err));
    publish_step(events, 4);
    hear(reader, &text, last);
    assert_null(strstr(text.data, "\"step\":2"));
    assert_non_null(strstr(text.data, "\"step\":3"));
    assert_non_null(strstr(text.data, "\"step\":4"));
    assert_null(strstr(text.data, "lost"));
    ag_reader_close(reader);
    static const char *const strange[] = {"00000000-1", "x", "99999999999999999999999", "-", "\xff"};
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) { /* of another process, or of nobody */
        wish.after = ag_str_of(strange[i]);
        AG_EXPECT_OK(ag_events_listen(events, &wish, &reader, &err));
        hear(reader, &text, last);
        assert_non_null(strstr(text.data, "event: lost\ndata: {\"count\":null}\n\n"));
        ag_reader_close(reader);
    }
    ag_buf_deinit(&text);
    ag_events_free(events);
}

AG_TEST(test_events__a_slow_listener_is_told_what_it_lost)
{
    ag_err err = {0};
    ag_events *events = NULL;
    ag_reader *reader = NULL, *many[64] = {0};
    AG_EXPECT_OK(ag_events_new(&events, &err));
    assert_false(ag_events_wanted(events));
    AG_EXPECT_OK(ag_events_listen(events, &(ag_events_wish){.run_id = AG_STR("r"), .quiet = 1000}, &reader, &err));
    assert_true(ag_events_wanted(events));
    for (int i = 0; i < 10000; i++) {
        ag_event event = {.kind = AG_EVENT_METRIC, .run_id = AG_STR("r"), .key = AG_STR("loss"), .step = i};
        ag_events_publish(events, &event);
    }
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    char piece[1000];
    ptrdiff_t got;
    while ((got = ag_read(reader, piece, sizeof(piece), &err)) != 3) ag_buf_add(&text, piece, (size_t)got);
    assert_int_equal(memcmp(piece, ":\n\n", 3), 0); /* a comment line: nothing new */
    assert_int_equal(ag_buf_add(&text, "", 1), 0);
    assert_non_null(strstr(text.data, "event: lost\ndata: {\"count\":1808}\n\nid: "));
    assert_non_null(strstr(text.data, "\"step\":9999"));
    assert_null(strstr(text.data, "\"step\":1807,"));
    ag_event event = {.kind = AG_EVENT_RUN_CREATED, .run_id = AG_STR("r")};
    ag_events_publish(events, &event);
    got = ag_read(reader, piece, sizeof(piece) - 1, &err);
    piece[got] = '\0';
    assert_non_null(strstr(piece, "run.created"));
    assert_null(strstr(piece, "lost"));
    for (size_t i = 0; i < 63; i++)
        AG_EXPECT_OK(ag_events_listen(events, &(ag_events_wish){.quiet = 1000}, &many[i], &err));
    AG_EXPECT_ERROR(ag_events_listen(events, &(ag_events_wish){.quiet = 1000}, &many[63], &err), AG_EUNAVAILABLE, "64");
    for (size_t i = 0; i < 63; i++) ag_reader_close(many[i]);
    ag_events_stop(events);
    assert_int_equal(ag_read(reader, piece, sizeof(piece), &err), 0);
    ag_reader_close(reader);
    ag_buf_deinit(&text);
    ag_events_free(events);
}
