// SPDX-License-Identifier: Apache-2.0
#pragma once
/* http_private.h: shared by the files of the HTTP client. */
#include <curl/curl.h>

#include "core/net/http.h"

/* What one exchange tells the retry logic. */
typedef struct http_outcome {
    bool transient;  /* trying again may help */
    bool never_sent; /* nothing reached the server: safe to send again whatever the method */
} http_outcome;

typedef struct http_call { /* one ag_http_send(), across attempts and redirects */
    const ag_http_options *options;
    const ag_http_request *request;
    ag_http_response *response;
    const char *method; /* changes with a redirect */
    const char *url;
    ag_str body;
    ag_reader *body_reader;
    bool body_begun; /* the stream has given bytes */
    bool keep_credentials;
    int64_t deadline; /* monotonic; INT64_MAX: none */
} http_call;

/* May be sent twice. */
bool http_is_idempotent(const http_call *call);

/* One exchange on `easy`, driven by `multi`. 0: an answer is in call->response. */
int http_exchange(CURLM *multi, CURL *easy, http_call *call, http_outcome *outcome, ag_err *err);

/* The address a redirect leads to, from the arena; refuses other schemes and https to http. *same_host tells whether
 * scheme, host and port stay. */
int http_redirect_target(ag_arena *arena, const char *base, ag_str location, char **out, bool *same_host, ag_err *err);
/* Microseconds of a Retry-After value (seconds or a date), -1 when it is neither. */
int64_t http_retry_after(ag_str value, int64_t now);
