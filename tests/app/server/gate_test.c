// SPDX-License-Identifier: Apache-2.0
/* gate_test.c: sessions, the limiter, the guard of hosts and origins. */
#include "app/server/gate.h"

#include <pthread.h>

#include "app/server/guard.h"
#include "app/server/limiter.h"
#include "app/server/sessions.h"
#include "core/sys/clock.h"
#include "frame/test.h"

AG_TEST(test_sessions__are_found_until_they_expire_or_are_forgotten)
{
    ag_err err = {0};
    ag_sessions *sessions = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_sha256 key, other;
    ag_who who = {.name = "ada", .id = 7, .known = true}, found = {0};
    AG_EXPECT_OK(ag_sessions_new(&sessions, &err));
    AG_EXPECT_OK(ag_sessions_key(sessions, AG_STR("Basic abc"), &key, &err));
    AG_EXPECT_OK(ag_sessions_key(sessions, AG_STR("Basic abd"), &other, &err));
    assert_false(ag_sessions_find(sessions, &key, arena, &found));
    ag_sessions_keep(sessions, &key, &who, AG_SECOND * 60, ag_sessions_generation(sessions));
    assert_true(ag_sessions_find(sessions, &key, arena, &found));
    assert_string_equal(found.name, "ada");
    assert_int_equal(found.id, 7);
    assert_true(found.known && !found.admin);
    assert_false(ag_sessions_find(sessions, &other, arena, &found));
    ag_sessions_forget(sessions, AG_STR("bob"));
    assert_true(ag_sessions_find(sessions, &key, arena, &found));
    uint64_t before = ag_sessions_generation(sessions);
    ag_sessions_forget(sessions, AG_STR("ada"));
    assert_false(ag_sessions_find(sessions, &key, arena, &found));
    ag_sessions_keep(sessions, &key, &who, AG_SECOND * 60, before); /* checked before the change: too old */
    assert_false(ag_sessions_find(sessions, &key, arena, &found));
    ag_sessions_keep(sessions, &key, &who, 0, ag_sessions_generation(sessions));
    assert_false(ag_sessions_find(sessions, &key, arena, &found));
    ag_sessions_free(sessions);
    ag_arena_free(arena);
}

AG_TEST(test_sessions__are_bounded)
{
    ag_err err = {0};
    ag_sessions *sessions = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_who who = {.name = "ada", .known = true}, found;
    ag_sha256 key;
    AG_EXPECT_OK(ag_sessions_new(&sessions, &err));
    for (int i = 0; i < 20000; i++) {
        char text[32];
        ag_format(text, sizeof(text), "Basic %d", i);
        AG_EXPECT_OK(ag_sessions_key(sessions, ag_str_of(text), &key, &err));
        ag_sessions_keep(sessions, &key, &who, AG_SECOND * 60, 0);
        assert_true(ag_sessions_find(sessions, &key, arena, &found)); /* the newest is always there */
    }
    ag_sessions_free(sessions);
    ag_arena_free(arena);
}

AG_TEST(test_limiter__waits_grow_and_success_clears)
{
    ag_err err = {0};
    ag_limiter *limiter = NULL;
    ag_str ada = AG_STR("ada");
    int64_t now = 1000 * AG_SECOND;
    AG_EXPECT_OK(ag_limiter_new(&limiter, &err));
    for (int i = 0; i < 4; i++) ag_limiter_failed(limiter, ada, "a", now);
    assert_int_equal(ag_limiter_wait(limiter, ada, "a", now), 0);
    ag_limiter_failed(limiter, ada, "a", now);
    assert_int_equal(ag_limiter_wait(limiter, ada, "a", now), AG_SECOND);
    ag_limiter_failed(limiter, ada, "a", now);
    assert_int_equal(ag_limiter_wait(limiter, ada, "a", now), 2 * AG_SECOND);
    assert_int_equal(ag_limiter_wait(limiter, ada, "b", now), 0); /* from elsewhere she may */
    assert_int_equal(ag_limiter_wait(limiter, AG_STR("bob"), "a", now), 0);
    assert_int_equal(ag_limiter_wait(limiter, ada, "a", now + 2 * AG_SECOND), 0);
    for (int i = 0; i < 40; i++) ag_limiter_failed(limiter, ada, "a", now);
    assert_int_equal(ag_limiter_wait(limiter, ada, "a", now), 900 * AG_SECOND); /* not longer */
    assert_int_equal(ag_limiter_wait(limiter, ada, "a", now + 3601 * AG_SECOND), 0);
    ag_limiter_succeeded(limiter, ada, "a");
    assert_int_equal(ag_limiter_wait(limiter, ada, "a", now), 0);
    ag_limiter_free(limiter);
}

AG_TEST(test_limiter__one_address_many_names_and_one_name_many_addresses)
{
    ag_err err = {0};
    ag_limiter *limiter = NULL;
    AG_EXPECT_OK(ag_limiter_new(&limiter, &err));
    for (int i = 0; i < 51; i++) {
        char name[16];
        ag_format(name, sizeof(name), "user%d", i);
        ag_limiter_failed(limiter, ag_str_of(name), "attacker", 0);
    }
    assert_true(ag_limiter_wait(limiter, AG_STR("new"), "attacker", 0) > 0);
    assert_int_equal(ag_limiter_wait(limiter, AG_STR("new"), "elsewhere", 0), 0);
    for (int i = 0; i < 101; i++) {
        char peer[16];
        ag_format(peer, sizeof(peer), "10.0.0.%d", i);
        ag_limiter_failed(limiter, AG_STR("admin"), peer, 0);
    }
    assert_true(ag_limiter_wait(limiter, AG_STR("admin"), "10.9.9.9", 0) > 0);
    for (int i = 0; i < 200; i++) { /* wrong tokens name nobody: only their address is slowed */
        char peer[16];
        ag_format(peer, sizeof(peer), "10.1.0.%d", i);
        ag_limiter_failed(limiter, AG_STR(""), peer, 0);
    }
    assert_int_equal(ag_limiter_wait(limiter, AG_STR(""), "10.8.8.8", 0), 0);
    for (int i = 0; i < 100000; i++) { /* bounded: a flood of names ends */
        char name[16];
        ag_format(name, sizeof(name), "x%d", i);
        ag_limiter_failed(limiter, ag_str_of(name), name, i);
    }
    ag_limiter_free(limiter);
}

/* ---- the guard ---- */

static int guard(const ag_server_options *options, const char *request, ag_str *allowed)
{
    static ag_head head;
    static char copy[4096];
    ag_err err = {0};
    size_t size = strlen(request);
    memcpy(copy, request, size);
    assert_int_equal(ag_head_parse(copy, size, &head, &err), 0);
    return ag_guard_check(options, &head, allowed, &err);
}

AG_TEST(test_guard__hosts)
{
    ag_server_options options = {.host = "ml.corp"};
    const char *const listed[] = {"a.example", NULL}, *const any[] = {"*", NULL};
    ag_str allowed;
    assert_int_equal(guard(&options, "GET /x HTTP/1.1\r\nHost: localhost:1\r\n\r\n", &allowed), 0);
    assert_int_equal(guard(&options, "GET /x HTTP/1.1\r\nHost: ml.corp:1\r\n\r\n", &allowed), 0);
    assert_int_equal(guard(&options, "GET /x HTTP/1.1\r\nHost: evil.com\r\n\r\n", &allowed), 403);
    assert_int_equal(guard(&options, "GET /x HTTP/1.1\r\nHost: \r\n\r\n", &allowed), 403);
    assert_int_equal(guard(&options, "GET http://evil.com/x HTTP/1.1\r\nHost: localhost\r\n\r\n", &allowed), 403);
    assert_int_equal(guard(&options, "GET /health HTTP/1.1\r\nHost: evil.com\r\n\r\n", &allowed), 0);
    assert_int_equal(guard(&options, "GET /health/../x HTTP/1.1\r\nHost: evil.com\r\n\r\n", &allowed), 403);
    options.allowed_hosts = listed;
    assert_int_equal(guard(&options, "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n", &allowed), 0);
    assert_int_equal(guard(&options, "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", &allowed), 403);
    assert_int_equal(guard(&options, "GET /x HTTP/1.0\r\n\r\n", &allowed), 403);
    options.allowed_hosts = any;
    assert_int_equal(guard(&options, "GET /x HTTP/1.1\r\nHost: evil.com\r\n\r\n", &allowed), 0);
}

AG_TEST(test_guard__origins)
{
    ag_server_options options = {.host = "127.0.0.1"};
    const char *const listed[] = {"https://*.corp", NULL};
    ag_str allowed;
#define FROM(method, origin) method " /x HTTP/1.1\r\nHost: localhost:5000\r\nOrigin: " origin "\r\n\r\n"
    assert_int_equal(guard(&options, FROM("POST", "http://localhost:5000"), &allowed), 0);
    assert_null(allowed.data);
    assert_int_equal(guard(&options, FROM("POST", "http://localhost:3000"), &allowed), 0);
    assert_int_equal(guard(&options, FROM("POST", "http://evil.com"), &allowed), 403);
    assert_int_equal(guard(&options, FROM("DELETE", "http://localhost.evil.com"), &allowed), 403);
    assert_int_equal(guard(&options, FROM("PUT", "null"), &allowed), 403);
    assert_int_equal(guard(&options, FROM("PATCH", ""), &allowed), 403);
    assert_int_equal(guard(&options, FROM("GET", "http://evil.com"), &allowed), 0);
    assert_null(allowed.data);
    options.allowed_origins = listed;
    assert_int_equal(guard(&options, FROM("POST", "https://ui.corp"), &allowed), 0);
    assert_true(ag_str_is(allowed, "https://ui.corp"));
    assert_int_equal(guard(&options, FROM("POST", "https://ui.corp.evil.com"), &allowed), 403);
    assert_int_equal(guard(&options, FROM("POST", "http://ui.corp"), &allowed), 403);
}
