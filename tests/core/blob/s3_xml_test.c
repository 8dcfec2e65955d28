// SPDX-License-Identifier: Apache-2.0
/* What S3 servers answer, and what they had better not. */
#include "core/blob/s3_xml.h"

#include <stdlib.h>
#include <string.h>

#include "core/blob/s3_config.h"
#include "frame/test.h"

static int parse(ag_arena *arena, const char *text, s3_listing *out, ag_err *err)
{
    *out = (s3_listing){0};
    ag_vec_init(&out->entries, sizeof(s3_entry));
    return s3_xml_listing(arena, ag_str_of(text), out, err);
}

AG_TEST(test_s3_xml__a_listing)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    s3_listing l;
    AG_EXPECT_OK(parse(
        arena,
        "<?xml version=\"1.0\"?>\n<!-- c --><ListBucketResult xmlns=\"http://s3/\"><Name>b</Name>"
        "<Prefix>p/</Prefix><IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>"
        "<Contents><Key>a&lt;&#252;&#x1F600;<![CDATA[<b>]]></Key><LastModified>2026-11-21T00:00:00.000Z</LastModified>"
        "<ETag>&quot;e&quot;</ETag><Size>12</Size><Owner><ID>x</ID><Key>no</Key></Owner></Contents>"
        "<CommonPrefixes><Prefix>p/d/</Prefix></CommonPrefixes><Empty/></ListBucketResult>",
        &l, &err));
    assert_int_equal(l.entries.count, 2);
    const s3_entry *one = ag_vec_at(&l.entries, 0), *two = ag_vec_at(&l.entries, 1);
    assert_string_equal(one->key, "a<ü😀<b>");
    assert_int_equal(one->size, 12);
    assert_int_equal(one->modified, INT64_C(1795219200000000));
    assert_false(one->is_prefix);
    assert_string_equal(two->key, "p/d/");
    assert_true(two->is_prefix);
    assert_true(l.truncated);
    assert_string_equal(l.token, "t&1");
    ag_vec_deinit(&l.entries);
    ag_arena_free(arena);
}

AG_TEST(test_s3_xml__hostile_texts_are_refused)
{
    static const char *const bad[] = {
        "",
        "hello",
        "<ListBucketResult>",
        "<ListBucketResult></ListBucketResult></x>",
        "<Other></Other>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult></ListBucketResult>",
        "<ListBucketResult><Contents></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>&bomb;</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>&#0;</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>&#xD800;</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><LastModified>soon</LastModified></Contents></ListBucketResult>",
        "<ListBucketResult><![CDATA[</ListBucketResult>",
        "<ListBucketResult><!-- </ListBucketResult>",
        "<ListBucketResult a=\"></ListBucketResult>",
        "<></>",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ag_err err = {0};
        ag_arena *arena = ag_arena_new(0);
        s3_listing l;
        AG_EXPECT_ERROR(parse(arena, bad[i], &l, &err), AG_EPARSE, "");
        ag_vec_deinit(&l.entries);
        ag_arena_free(arena);
    }
    char deep[400] = "";
    for (size_t i = 0; i < 60; i++) memcpy(deep + i * 3, "<a>", 4);
    ag_err err = {0};
    s3_listing l;
    AG_EXPECT_ERROR(parse(NULL, deep, &l, &err), AG_EPARSE, "");
}

AG_TEST(test_s3_xml__an_error_is_found)
{
    ag_arena *arena = ag_arena_new(0);
    ag_str text = AG_STR("<Error><Code>NoSuchKey</Code><Message>It is gone</Message></Error>");
    assert_true(ag_str_is(s3_xml_find(arena, text, "Code"), "NoSuchKey"));
    assert_true(ag_str_is(s3_xml_find(arena, text, "Message"), "It is gone"));
    assert_null(s3_xml_find(arena, text, "Other").data);
    assert_null(s3_xml_find(arena, AG_STR("not xml <"), "Code").data);
    ag_arena_free(arena);
}

AG_TEST(test_s3_config__credentials_of_a_profile)
{
    ag_str text = AG_STR(
        "# c\n[default]\naws_access_key_id = A1\naws_secret_access_key=S=1\n\n[ two ]\r\naws_access_key_id=A2\r\n");
    assert_true(ag_str_is(s3_ini_value(text, "default", "aws_secret_access_key"), "S=1"));
    assert_true(ag_str_is(s3_ini_value(text, "two", "aws_access_key_id"), "A2"));
    assert_null(s3_ini_value(text, "two", "aws_secret_access_key").data);
    assert_null(s3_ini_value((ag_str){NULL, 0}, "x", "y").data);
}

AG_TEST(test_s3_config__addresses)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    s3_config c;
    setenv("AWS_ACCESS_KEY_ID", "a", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    unsetenv("AWS_ENDPOINT_URL");
    unsetenv("AWS_ENDPOINT_URL_S3");
    AG_EXPECT_OK(s3_config_read(arena, "s3://buck/a/b?region=eu-west-1", &c, &err));
    assert_string_equal(c.origin, "https://buck.s3.eu-west-1.amazonaws.com");
    assert_string_equal(c.host, "buck.s3.eu-west-1.amazonaws.com");
    assert_string_equal(c.prefix, "a/b/");
    assert_false(c.path_style);
    AG_EXPECT_OK(s3_config_read(arena, "s3://buck?endpoint=http://[::1]:9000", &c, &err));
    assert_string_equal(c.origin, "http://[::1]:9000");
    assert_true(c.path_style);
    AG_EXPECT_OK(s3_config_read(arena, "s3://buck?endpoint=http://h:80&style=virtual", &c, &err));
    assert_string_equal(c.host, "buck.h");
    AG_EXPECT_ERROR(s3_config_read(arena, "s3://buck/../x", &c, &err), AG_EDENIED, "");
    AG_EXPECT_ERROR(s3_config_read(arena, "s3://u:p@buck/x", &c, &err), AG_EINVAL, "credentials");
    AG_EXPECT_ERROR(s3_config_read(arena, "s3://B/x", &c, &err), AG_EINVAL, "bucket");
    AG_EXPECT_ERROR(s3_config_read(arena, "s3://buck?endpoint=ftp://h", &c, &err), AG_EDENIED, "endpoint");
    AG_EXPECT_ERROR(s3_config_read(arena, "s3://buck?endpoint=http://h/path", &c, &err), AG_EINVAL, "endpoint");
    AG_EXPECT_ERROR(s3_config_read(arena, "s3://buck?style=odd", &c, &err), AG_EINVAL, "style");
    unsetenv("AWS_ACCESS_KEY_ID");
    setenv("HOME", "/nonexistent", 1);
    unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    AG_EXPECT_ERROR(s3_config_read(arena, "s3://buck", &c, &err), AG_EAUTH, "no credentials");
    ag_arena_free(arena);
}
