// SPDX-License-Identifier: Apache-2.0
/* Amazon's published examples of Signature Version 4: the general test suite and the examples of the S3 reference. */
#include "core/net/aws_sign.h"

#include <stdio.h>
#include <string.h>

#include "core/hash/hash.h"
#include "frame/test.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct vector {
    const char *method, *path;
    ag_uri_pair query[3];
    size_t query_count;
    ag_http_header headers[6];
    size_t header_count;
    const char *payload;
    const char *names, *signature;
} vector;

static void expect_signature(const vector *v, const char *date, const char *service, const char *access,
                             const char *secret)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *query = NULL, *value = NULL;
    char wanted[300];
    AG_EXPECT_OK(ag_aws_query(arena, v->query, v->query_count, &query, &err));
    ag_aws_request request = {.method = v->method,
                              .path = ag_str_of(v->path),
                              .query = query,
                              .headers = v->headers,
                              .header_count = v->header_count,
                              .payload_sha256 = v->payload,
                              .date = date,
                              .region = "us-east-1",
                              .service = service,
                              .access_key = access,
                              .secret_key = secret};
    AG_EXPECT_OK(ag_aws_sign(arena, &request, &value, &err));
    snprintf(wanted, sizeof(wanted),
             "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, SignedHeaders=%s, Signature=%s", access,
             date, service, v->names, v->signature);
    assert_string_equal(value, wanted);
    ag_arena_free(arena);
}

AG_TEST(test_aws_sign__general_vectors)
{
    static const vector vectors[] = {
        {.method = "GET",
         .path = "/",
         .headers = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
         .header_count = 2,
         .payload = EMPTY,
         .names = "host;x-amz-date",
         .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {.method = "GET",
         .path = "/",
         .query = {{{"Param2", 6}, {"value2", 6}}, {{"Param1", 6}, {"value1", 6}}},
         .query_count = 2,
         .headers = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
         .header_count = 2,
         .payload = EMPTY,
         .names = "host;x-amz-date",
         .signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    };
    for (size_t i = 0; i < 2; i++) {
        expect_signature(&vectors[i], "20150830T123600Z", "service", "AKIDEXAMPLE",
                         "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    }
}

AG_TEST(test_aws_sign__s3_vectors)
{
    static const ag_http_header host = {"Host", "examplebucket.s3.amazonaws.com"},
                                date = {"x-amz-date", "20130524T000000Z"}, empty = {"x-amz-content-sha256", EMPTY};
    const char *hello = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    const vector vectors[] = {
        {.method = "GET",
         .path = "/test.txt",
         .headers = {host, {"Range", "bytes=0-9"}, empty, date},
         .header_count = 4,
         .payload = EMPTY,
         .names = "host;range;x-amz-content-sha256;x-amz-date",
         .signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
        {.method = "PUT",
         .path = "/test%24file.text",
         .headers = {{"x-amz-storage-class", " REDUCED_REDUNDANCY "},
                     {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                     date,
                     {"x-amz-content-sha256", hello},
                     host},
         .header_count = 5,
         .payload = hello,
         .names = "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
         .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
        {.method = "GET",
         .path = "/",
         .query = {{{"lifecycle", 9}, {"", 0}}},
         .query_count = 1,
         .headers = {host, empty, date},
         .header_count = 3,
         .payload = EMPTY,
         .names = "host;x-amz-content-sha256;x-amz-date",
         .signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
        {.method = "GET",
         .path = "/",
         .query = {{{"prefix", 6}, {"J", 1}}, {{"max-keys", 8}, {"2", 1}}},
         .query_count = 2,
         .headers = {host, empty, date},
         .header_count = 3,
         .payload = EMPTY,
         .names = "host;x-amz-content-sha256;x-amz-date",
         .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        expect_signature(&vectors[i], "20130524T000000Z", "s3", "AKIAIOSFODNN7EXAMPLE",
                         "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    }
}

AG_TEST(test_aws_sign__dates_and_queries_are_canonical)
{
    ag_err err = {0};
    char date[17];
    const char *query = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_uri_pair pairs[] = {{AG_STR("b"), AG_STR("x y/z")}, {AG_STR("a"), AG_STR("~_-.")}, {AG_STR("a"), AG_STR("+")}};
    ag_aws_date(INT64_C(1369353600000000), date);
    assert_string_equal(date, "20130524T000000Z");
    AG_EXPECT_OK(ag_aws_query(arena, pairs, 3, &query, &err));
    assert_string_equal(query, "a=%2B&a=~_-.&b=x%20y%2Fz");
    ag_arena_free(arena);
}
