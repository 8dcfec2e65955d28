// SPDX-License-Identifier: Apache-2.0
#pragma once
/* aws_sign.h: AWS Signature Version 4, as a pure function of the request, the keys and the time. */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/io/uri.h"
#include "core/net/http.h"

typedef struct ag_aws_request {
    const char *method;
    ag_str path;                   /* percent-encoded, as it is sent; "/" at least */
    const char *query;             /* from ag_aws_query(); NULL or "" when there is none */
    const ag_http_header *headers; /* all are signed; host and x-amz-date must be among them */
    size_t header_count;
    const char *payload_sha256; /* hex, or UNSIGNED-PAYLOAD */
    const char *date;           /* "20130524T000000Z" */
    const char *region, *service;
    const char *access_key, *secret_key;
} ag_aws_request;

/* The query in canonical form: encoded, sorted. It is also what must be sent. From the arena. */
int ag_aws_query(ag_arena *arena, const ag_uri_pair *pairs, size_t count, const char **out, ag_err *err);
/* The value of the Authorization header, from the arena. */
int ag_aws_sign(ag_arena *arena, const ag_aws_request *request, const char **out, ag_err *err);
/* "20130524T000000Z" of an instant. */
void ag_aws_date(int64_t instant, char out[17]);
