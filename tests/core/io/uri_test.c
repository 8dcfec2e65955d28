// SPDX-License-Identifier: Apache-2.0
/* uri_test.c */
#include "frame/test.h"

#include <string.h>

#include "core/io/uri.h"

static ag_arena *arena;

static int parse(const char *text, ag_uri *out, ag_err *err)
{
    ag_arena_free(arena);
    arena = ag_arena_new(0);
    return ag_uri_parse(arena, ag_str_of(text), NULL, out, err);
}

static void is(ag_str text, const char *wanted)
{
    if (!wanted)
        assert_null(text.data);
    else if (!ag_str_is(text, wanted))
        fail_msg("'%.*s', not '%s'", AG_STR_ARG(text), wanted);
}

AG_TEST(test_uri__parts_are_decoded_once)
{
    ag_err err = {0};
    ag_uri u;
    AG_EXPECT_OK(
        parse("HTTPS://us%65r:p%3A%40ss@Host.Example:8443/a/b%20c/%2541?x=1&y=a+b%2B&z&x=2#fr%20ag", &u, &err));
    is(u.scheme, "https");
    is(u.user, "user");
    is(u.password, "p:@ss");
    is(u.host, "host.example");
    assert_int_equal(u.port, 8443);
    is(u.path, "/a/b c/%41");
    assert_int_equal(u.query_count, 4);
    is(ag_uri_query(&u, "x"), "1");
    is(ag_uri_query(&u, "y"), "a b+");
    is(ag_uri_query(&u, "z"), "");
    is(ag_uri_query(&u, "q"), NULL);
    is(u.fragment, "fr ag");
    AG_EXPECT_OK(parse("sqlite:///var/lib/x.db", &u, &err));
    is(u.host, "");
    is(u.path, "/var/lib/x.db");
    is(u.user, NULL);
    is(u.fragment, NULL);
    AG_EXPECT_OK(parse("sqlite:x.db", &u, &err));
    is(u.host, NULL);
    is(u.path, "x.db");
    AG_EXPECT_OK(parse("postgresql://[2001:DB8::1]:5432/db?", &u, &err));
    is(u.host, "2001:db8::1");
    assert_int_equal(u.port, 5432);
    AG_EXPECT_OK(parse("http://h:/", &u, &err));
    assert_int_equal(u.port, 0);
    AG_EXPECT_OK(parse("s3://b/gr\xc3\xbc\xc3\x9f"
                       "e?a=\xe2\x82\xac",
                       &u, &err));
    is(u.path, "/gr\xc3\xbc\xc3\x9f"
               "e");
    ag_arena_free(arena);
    arena = NULL;
}

AG_TEST(test_uri__bad_text_is_refused)
{
    static const char *const bad[] = {
        "",
        "x",
        "/a/b",
        "://h",
        "1http://h",
        "ht^tp://h",
        "http://h\\x",
        "http://a b",
        "http://h/%",
        "http://h/%4",
        "http://h/%zz",
        "http://h/%00",
        "http://h/?a=%00",
        "http://u%00@h/",
        "http://h:0",
        "http://h:65536",
        "http://h:1x",
        "http://h:-1",
        "http://[::1",
        "http://[::1]x",
        "http://[nope]/",
        "http://[fe80::1%25eth0]/",
        "http://a@b@c/",
        "http://h/a%2fb",
        "http://h/a%2Fb",
        "http://h%2f/",
        "http://h%40x/",
        "http://h%0d%0a/",
        "http://h/#a#b",
        "C:\\x",
        "c:/x",
        "http://h/\x01",
        "http://h/\xff",
        "http://\xc3\xbc/",
        "http://h/<x>",
        "http://h:99999999999999999999/",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        ag_err err = {0};
        ag_uri u;
        if (parse(bad[i], &u, &err) >= 0 || !err.text[0]) fail_msg("'%s' got through", bad[i]);
    }
    ag_arena_free(arena);
    arena = NULL;
}

AG_TEST(test_uri__a_scheme_that_is_not_listed_is_refused_by_name)
{
    static const char *const schemes[] = {"https", "s3", NULL}, *const none[] = {NULL};
    ag_err err = {0};
    ag_uri u;
    ag_arena *a = ag_arena_new(0);
    AG_EXPECT_OK(ag_uri_parse(a, AG_STR("S3://b"), schemes, &u, &err));
    AG_EXPECT_ERROR(ag_uri_parse(a, AG_STR("file:///etc/passwd"), schemes, &u, &err), AG_EDENIED, "'file'");
    assert_non_null(strstr(err.hint, "https"));
    AG_EXPECT_ERROR(ag_uri_parse(a, AG_STR("FILE:/etc/passwd"), schemes, &u, &err), AG_EDENIED, "'file'");
    AG_EXPECT_ERROR(ag_uri_parse(a, AG_STR("s3x://b"), schemes, &u, &err), AG_EDENIED, "'s3x'");
    AG_EXPECT_ERROR(ag_uri_parse(a, AG_STR("s3://b"), none, &u, &err), AG_EDENIED, "'s3'");
    ag_arena_free(a);
}

AG_TEST(test_uri__messages_and_show_hide_passwords)
{
    ag_err err = {0};
    ag_uri u;
    ag_buf out;
    ag_buf_init(&out, 1000);
    AG_EXPECT_OK(parse("postgresql://me:hunter2@h:1/d%20b?sslpassword=hunter2&a=b%26c&Api_Token=hunter2#f", &u, &err));
    assert_int_equal(ag_uri_show(&u, &out), 0);
    is(ag_buf_str(&out), "postgresql://me:***@h:1/d%20b?sslpassword=***&a=b%26c&Api_Token=***#f");
    assert_true(parse("http://me:hunter2@h@x/", &u, &err) < 0);
    assert_null(strstr(err.text, "hunter2"));
    assert_true(parse("http://me:hunter2%@h/", &u, &err) < 0);
    assert_null(strstr(err.text, "hunter2"));
    ag_buf_clear(&out);
    AG_EXPECT_OK(parse("http://[::1]:80/", &u, &err));
    ag_uri_show(&u, &out);
    is(ag_buf_str(&out), "http://[::1]:80/");
    ag_buf_deinit(&out);
    ag_arena_free(arena);
    arena = NULL;
}

AG_TEST(test_uri__percent_round_trips)
{
    ag_err err = {0};
    ag_buf a, b;
    ag_buf_init(&a, 100000);
    ag_buf_init(&b, 1000);
    char all[255];
    for (int i = 0; i < 255; i++) all[i] = (char)(i + 1);
    assert_int_equal(ag_percent_encode(&a, (ag_str){all, sizeof(all)}, "/"), 0);
    AG_EXPECT_OK(ag_percent_decode(&b, ag_buf_str(&a), false, &err));
    assert_int_equal(b.size, sizeof(all));
    assert_memory_equal(b.data, all, sizeof(all));
    for (size_t cut = 0; cut < 4; cut++) { /* escapes across the inner piece of 256 bytes */
        ag_buf_clear(&a);
        ag_buf_clear(&b);
        ag_buf_add_fill(&a, 'x', 253 + cut);
        ag_buf_add_text(&a, "%41z");
        AG_EXPECT_OK(ag_percent_decode(&b, ag_buf_str(&a), false, &err));
        assert_string_equal(b.data + 253 + cut, "Az");
    }
    ag_buf_clear(&b);
    AG_EXPECT_OK(ag_percent_decode(&b, AG_STR("a+b"), true, &err));
    AG_EXPECT_OK(ag_percent_decode(&b, AG_STR("a+b"), false, &err));
    is(ag_buf_str(&b), "a ba+b");
    AG_EXPECT_ERROR(ag_percent_decode(&b, AG_STR("ok%0"), false, &err), AG_EPARSE, "hexadecimal");
    AG_EXPECT_ERROR(ag_percent_decode(&b, AG_STR("ok%00"), false, &err), AG_EPARSE, "NUL");
    is(ag_buf_str(&b), "a ba+b");
    ag_buf_deinit(&a);
    ag_buf_deinit(&b);
}

AG_TEST(test_uri__long_and_out_of_memory)
{
    ag_err err = {0};
    ag_uri u;
    ag_buf text;
    ag_buf_init(&text, 100000);
    ag_buf_add_text(&text, "http://h/");
    ag_buf_add_fill(&text, 'a', 70000);
    ag_arena *small = ag_arena_new(64), *a = ag_arena_new(0);
    AG_EXPECT_ERROR(ag_uri_parse(a, ag_buf_str(&text), NULL, &u, &err), AG_ELIMIT, "longer");
    AG_EXPECT_ERROR(ag_uri_parse(small, (ag_str){text.data, 1000}, NULL, &u, &err), AG_ENOMEM, "memory");
    ag_arena_free(small);
    ag_arena_free(a);
    ag_buf_deinit(&text);
}
