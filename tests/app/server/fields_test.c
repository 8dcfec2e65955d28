// SPDX-License-Identifier: Apache-2.0
/* fields_test.c: header values with a grammar of their own. */
#include "app/server/fields.h"

#include "frame/test.h"

static void range(const char *text, uint64_t size, ag_range_kind kind, uint64_t offset, uint64_t count)
{
    uint64_t at = 0, many = size;
    ag_range_kind got = ag_range_parse(ag_str_of(text), size, &at, &many);
    if (got != kind) fail_msg("%s of %llu gave %d", text, (unsigned long long)size, got);
    if (kind != AG_RANGE_PART) return;
    assert_int_equal(at, offset);
    assert_int_equal(many, count);
}

AG_TEST(test_range__parts)
{
    range("bytes=0-9", 100, AG_RANGE_PART, 0, 10);
    range("bytes=90-", 100, AG_RANGE_PART, 90, 10);
    range("bytes=90-1000", 100, AG_RANGE_PART, 90, 10);
    range("bytes=90-18446744073709551615", 100, AG_RANGE_PART, 90, 10);
    range("bytes=-10", 100, AG_RANGE_PART, 90, 10);
    range("bytes=-1000", 100, AG_RANGE_PART, 0, 100);
    range("bytes=0-0", 1, AG_RANGE_PART, 0, 1);
    range("bytes=100-", 100, AG_RANGE_OUTSIDE, 0, 0);
    range("bytes=0-", 0, AG_RANGE_OUTSIDE, 0, 0);
    range("bytes=-0", 100, AG_RANGE_OUTSIDE, 0, 0);
    range("bytes=-5", 0, AG_RANGE_OUTSIDE, 0, 0);
}

AG_TEST(test_range__nonsense_gives_the_whole)
{
    static const char *const texts[] = {"",          "bytes",      "bytes=",
                                        "bytes=a-b", "bytes=5-1",  "bytes=0-1,3-4",
                                        "lines=0-1", "bytes=-",    "bytes=--1",
                                        "bytes=1",   "bytes=+1-2", "bytes=0x1-2",
                                        "bytes= - ", "bytes=1 -2", "bytes=99999999999999999999-"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) range(texts[i], 100, AG_RANGE_WHOLE, 0, 0);
}

AG_TEST(test_coding__accepted_or_not)
{
    assert_true(ag_accepts_coding(AG_STR("gzip"), "gzip"));
    assert_true(ag_accepts_coding(AG_STR("deflate, GZIP;q=0.5"), "gzip"));
    assert_true(ag_accepts_coding(AG_STR("*"), "gzip"));
    assert_false(ag_accepts_coding(AG_STR("*;q=0"), "gzip"));
    assert_false(ag_accepts_coding(AG_STR("gzip;q=0, *"), "gzip"));
    assert_false(ag_accepts_coding(AG_STR("gzip; q=0.000"), "gzip"));
    assert_false(ag_accepts_coding(AG_STR("gzip;q=nan"), "gzip"));
    assert_false(ag_accepts_coding(AG_STR("gzipped"), "gzip"));
    assert_false(ag_accepts_coding((ag_str){0}, "gzip"));
}

AG_TEST(test_etag__lists_and_stars)
{
    assert_true(ag_etag_matches(AG_STR("\"a\", \"b\""), "\"b\"", false));
    assert_true(ag_etag_matches(AG_STR("*"), "\"b\"", false));
    assert_true(ag_etag_matches(AG_STR("W/\"b\""), "\"b\"", true));
    assert_false(ag_etag_matches(AG_STR("W/\"b\""), "\"b\"", false));
    assert_false(ag_etag_matches(AG_STR("b"), "\"b\"", true));
    assert_false(ag_etag_matches(AG_STR("*"), NULL, true));
}

AG_TEST(test_date__there_and_back)
{
    char text[32];
    int64_t back;
    for (int64_t at = 0; at < 4000000000; at += 86399 * 977) {
        ag_http_date_format(at * 1000000, text);
        assert_true(ag_http_date_parse(ag_str_of(text), &back));
        assert_int_equal(back, at * 1000000);
    }
    ag_http_date_format(INT64_C(784111777) * 1000000, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    static const char *const bad[] = {"",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 25:49:37 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Xyz 1994 08:49:37 GMT",
                                      "Sun, -6 Nov 1994 08:49:37 GMT",
                                      "Sunday, 06-Nov-94 08:49:37 GMT"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ag_http_date_parse(ag_str_of(bad[i]), &back));
}

AG_TEST(test_authorization__schemes)
{
    ag_arena *arena = ag_arena_new(0);
    ag_str name = {0}, secret = {0};
    assert_int_equal(ag_authorization_parse((ag_str){0}, arena, &name, &secret), AG_SCHEME_NONE);
    assert_int_equal(ag_authorization_parse(AG_STR("Basic QWxhZGRpbjpvcGVuOnNlc2FtZQ=="), arena, &name, &secret),
                     AG_SCHEME_BASIC);
    assert_true(ag_str_is(name, "Aladdin"));
    assert_true(ag_str_is(secret, "open:sesame")); /* the first colon parts them */
    assert_int_equal(ag_authorization_parse(AG_STR("bearer  abc"), arena, &name, &secret), AG_SCHEME_BEARER);
    assert_true(ag_str_is(secret, "abc"));
    static const char *const bad[] = {
        "",           "Basic",      "Basic ",         "Basic !!!",     "Basic QWxhZGRpbg==",
        "Digest a=b", "Basic AAA=", "Basic gIA6gA==", "Basic YQBiOmM="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ag_authorization_parse(ag_str_of(bad[i]), arena, &name, &secret), AG_SCHEME_OTHER);
    ag_arena_free(arena);
}

AG_TEST(test_host__patterns)
{
    const char *const list[] = {"ml.example.org", "*.corp:8080", NULL};
    assert_true(ag_host_matches(AG_STR("ML.example.org"), list));
    assert_true(ag_host_matches(AG_STR("ml.example.org:5000"), list));
    assert_true(ag_host_matches(AG_STR("a.corp:8080"), list));
    assert_false(ag_host_matches(AG_STR("a.corp:8081"), list));
    assert_false(ag_host_matches(AG_STR("ml.example.org.evil.com"), list));
    assert_false(ag_host_matches(AG_STR("ml.example.org:5000:1"), list));
    assert_false(ag_host_matches(AG_STR(""), list));
    assert_true(ag_pattern_matches(AG_STR("a*b*c"), AG_STR("axxbyybzc")));
    assert_false(ag_pattern_matches(AG_STR("a*b*c"), AG_STR("axxbyybz")));
    assert_true(ag_pattern_matches(AG_STR("*"), AG_STR("")));
}

AG_TEST(test_host__near_ones)
{
    static const char *const near[] = {"localhost",      "LOCALHOST:1", "127.0.0.1:5000", "127.9.9.9",
                                       "[::1]:5000",     "10.0.0.1",    "192.168.1.1:80", "172.16.0.1",
                                       "172.31.255.255", "0.0.0.0:5000"};
    static const char *const far[] = {"evil.com",
                                      "localhost.evil.com",
                                      "10.0.0.1.evil.com",
                                      "127.0.0.1.evil.com",
                                      "172.32.0.1",
                                      "8.8.8.8",
                                      "10.0.0",
                                      "10.0.0.256",
                                      "",
                                      "127.1",
                                      "0x7f.0.0.1"};
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) assert_true(ag_host_is_near(ag_str_of(near[i])));
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
        if (ag_host_is_near(ag_str_of(far[i]))) fail_msg("%s is taken for near", far[i]);
}
