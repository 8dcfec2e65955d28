// SPDX-License-Identifier: Apache-2.0
/* head_test.c: heads and chunks: what is taken, and above all what is refused. */
#include "app/server/head.h"

#include <stdio.h>
#include <string.h>

#include "frame/test.h"

static ag_head head;

static int parse(const char *text, ag_err *err)
{
    static char copy[65536];
    size_t size = strlen(text);
    memcpy(copy, text, size + 1);
    return ag_head_parse(copy, size, &head, err);
}

static void expect_status(int wanted, const char *text)
{
    ag_err problem = {0};
    int got = parse(text, &problem);
    if (got != wanted) fail_msg("wanted %d, got %d (%s) for\n%s", wanted, got, problem.text, text);
    if (got && !problem.text[0]) fail_msg("no text for\n%s", text);
}

AG_TEST(test_head__a_plain_request)
{
    expect_status(0, "GET /a/b?c=d&e HTTP/1.1\r\nHost: x:1\r\nX-Thing:  a b \t\r\nACCEPT: */*\r\n\r\n");
    assert_int_equal(head.method, AG_METHOD_GET);
    assert_true(ag_str_is(head.path, "/a/b"));
    assert_true(ag_str_is(head.query, "c=d&e"));
    assert_true(ag_str_is(head.host, "x:1"));
    assert_true(ag_str_is(ag_head_field(&head, "x-thing"), "a b"));
    assert_true(ag_str_is(ag_head_field(&head, "accept"), "*/*"));
    assert_null(ag_head_field(&head, "absent").data);
    assert_true(head.keep_alive);
    assert_int_equal(head.length, -1);
    assert_false(head.chunked);
}

AG_TEST(test_head__the_host_of_a_whole_address_counts)
{
    expect_status(0, "GET http://good/path HTTP/1.1\r\nHost: other\r\n\r\n");
    assert_true(ag_str_is(head.host, "good"));
    assert_true(ag_str_is(head.path, "/path"));
    expect_status(400, "GET http:///path HTTP/1.1\r\nHost: other\r\n\r\n");
    expect_status(400, "GET ftp://a/path HTTP/1.1\r\nHost: other\r\n\r\n");
    expect_status(0, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n");
}

AG_TEST(test_head__versions_and_keeping)
{
    expect_status(0, "GET / HTTP/1.0\r\n\r\n");
    assert_false(head.keep_alive);
    assert_null(head.host.data);
    expect_status(0, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert_true(head.keep_alive);
    expect_status(0, "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n");
    assert_false(head.keep_alive);
    expect_status(505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n");
    expect_status(400, "GET / HTTP/1\r\nHost: a\r\n\r\n");
    expect_status(400, "GET / http/1.1\r\nHost: a\r\n\r\n");
    expect_status(400, "GET /\r\n\r\n");
    expect_status(400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n");
    expect_status(400, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n");
}

AG_TEST(test_head__methods)
{
    expect_status(405, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(405, "get / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(400, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(400, " / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(405, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(405, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
}

AG_TEST(test_head__bytes_that_must_be_escaped)
{
    expect_status(400, "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(400, "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(400, "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_status(400, "GET /\t HTTP/1.1\r\nHost: a\r\n\r\n");
    char text[20000] = "GET /";
    memset(text + 5, 'a', 9000);
    memcpy(text + 9005, " HTTP/1.1\r\nHost: a\r\n\r\n", 23);
    expect_status(414, text);
}

AG_TEST(test_head__framing_that_can_be_read_in_two_ways)
{
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n");
    expect_status(501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
    expect_status(501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n");
    expect_status(501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n");
    expect_status(400,
                  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect_status(400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\n Transfer-Encoding: chunked\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n");
    expect_status(400, "POST / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n");
    expect_status(0, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n");
    assert_true(head.chunked);
    expect_status(0, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\n");
    assert_int_equal(head.length, 5);
}

AG_TEST(test_head__hosts)
{
    expect_status(400, "GET / HTTP/1.1\r\n\r\n");
    expect_status(400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
    expect_status(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
    expect_status(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    expect_status(400, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n");
    expect_status(0, "GET / HTTP/1.1\r\nHost: [::1]:5000\r\n\r\n");
}

AG_TEST(test_head__expectations)
{
    expect_status(417, "GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n");
    expect_status(0, "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n");
    assert_true(head.wants_continue);
    expect_status(0, "GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
    assert_false(head.wants_continue);
}

AG_TEST(test_head__too_many_lines)
{
    char text[8192];
    size_t used = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < AG_HEAD_FIELDS; i++) used += (size_t)snprintf(text + used, sizeof(text) - used, "A: b\r\n");
    snprintf(text + used, sizeof(text) - used, "\r\n");
    expect_status(431, text);
}

static ptrdiff_t end_of(const char *text)
{
    size_t scanned = 0;
    return ag_head_end(ag_str_of(text), &scanned);
}

AG_TEST(test_head__the_end_is_found_whatever_comes_when)
{
    const char *text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
    size_t scanned = 0, whole = strlen(text) - 4;
    for (size_t i = 0; i < whole; i++) assert_int_equal(ag_head_end((ag_str){text, i}, &scanned), 0);
    assert_int_equal(ag_head_end((ag_str){text, whole}, &scanned), whole);
    assert_int_equal(end_of(text), whole);
    assert_int_equal(end_of("GET / HTTP/1.1\n\n"), -1);
    assert_int_equal(end_of("\n"), -1);
    assert_int_equal(end_of("\r\n"), -1);
    assert_int_equal(end_of("GET / HTTP/1.1\r\nA: b\n\r\n"), -1);
    assert_int_equal(ag_head_skip(AG_STR("\r\n\r\n\r\nGET")), 4);
    assert_int_equal(ag_head_skip(AG_STR("\r")), 0);
}

/* Undoes chunks in pieces of `step` bytes. Returns how many bytes were used, or < 0. */
static ptrdiff_t undo(ag_str text, size_t step, char *out, bool *done)
{
    ag_chunks chunks = {0};
    size_t at = 0, used = 0;
    while (at < text.size && !chunks.done) {
        ag_str data, piece = ag_str_slice(text, at, step);
        ptrdiff_t took = ag_chunks_take(&chunks, piece, &data, NULL);
        if (took < 0) return took;
        memcpy(out + used, data.data, data.size);
        used += data.size;
        out[used] = '\0';
        at += (size_t)took;
    }
    *done = chunks.done;
    return (ptrdiff_t)at;
}

AG_TEST(test_chunks__are_undone_in_pieces_of_any_size)
{
    ag_str text = AG_STR("5\r\nhello\r\n1;a=b\r\n \r\n00B\r\nbig\r\nworld!\r\n0\r\nTrailer: x\r\n\r\nGET");
    for (size_t step = 1; step <= text.size; step++) {
        char out[64] = "";
        bool done = false;
        assert_int_equal(undo(text, step, out, &done), text.size - 3);
        assert_true(done);
        assert_string_equal(out, "hello big\r\nworld!");
    }
}

AG_TEST(test_chunks__what_is_broken_is_refused)
{
    static const char *const broken[] = {
        "x\r\n",           "\r\n",         "5\nhello\r\n", "5 \r\nhello\r\n",       "-5\r\n",  "+5\r\n",      "0x5\r\n",
        "5\r\nhelloX\r\n", "5\r\nhello\n", "5\rX",         "1234567890abcdef0\r\n", "0\r\n\n", "0\r\nA: b\n", "5;a\n",
        ";a\r\n",          "0\r\n\rX",
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        char out[64];
        bool done = false;
        ptrdiff_t got = undo(ag_str_of(broken[i]), 64, out, &done);
        if (got >= 0) fail_msg("taken: %s", broken[i]);
    }
}

AG_TEST(test_chunks__extensions_and_trailers_are_bounded)
{
    static char text[20000];
    char out[64];
    bool done = false;
    memset(text, 'a', sizeof(text));
    memcpy(text, "5;", 2);
    assert_true(undo((ag_str){text, sizeof(text)}, 4096, out, &done) < 0);
    memcpy(text, "0\r\n", 3);
    assert_true(undo((ag_str){text, sizeof(text)}, 4096, out, &done) < 0);
}
