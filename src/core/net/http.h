// SPDX-License-Identifier: Apache-2.0
#pragma once
/* http.h: an HTTP client: http and https only, certificates always checked, a proxy only when asked for, no redirect
 * from https to http, no credentials to another host, everything bounded in time and size. Failures name method and
 * address with secrets masked. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "core/io/stream.h"
#include "core/sys/cancel.h"

typedef struct ag_http ag_http; /* a client: settings and idle connections; any number of threads */

typedef struct ag_http_options { /* zeros: the defaults in brackets; durations in microseconds */
    const char *user_agent;      /* ["auger"] */
    const char *ca_file;         /* PEM [the system's] */
    const char *ca_path;         /* a directory of hashed certificates [the system's] */
    const char *proxy;           /* [none; the environment's variables are not looked at] */
    int64_t connect_timeout;     /* [10 s] */
    int64_t idle_timeout;        /* no byte in either direction [60 s] */
    int64_t total_timeout;       /* one call with all its attempts [none] */
    unsigned attempts;           /* tries of one request, 1: no retry [4] */
    int64_t backoff;             /* pause before the second try, doubled each time, with jitter [200 ms] */
    int64_t backoff_max;         /* also the longest Retry-After that is waited for [20 s] */
    unsigned redirects;          /* followed at most; 0: a 3xx is the answer [0] */
    size_t max_header_bytes;     /* [64 KiB] */
    size_t max_body_bytes;       /* of an answer kept in memory [64 MiB] */
    bool retry_500;              /* 500 counts as transient, as S3 asks for */
    bool public_only;            /* connect to addresses of the public internet only: the address that a name has led
                                    to is looked at when it is connected to, so no second answer can change it */
} ag_http_options;

int ag_http_new(const ag_http_options *options, ag_http **out, ag_err *err); /* `options` may be NULL */
void ag_http_free(ag_http *client);

typedef struct ag_http_header {
    const char *name;
    const char *value;
} ag_http_header;

typedef struct ag_http_request {
    const char *method; /* NULL: GET */
    const char *url;
    const ag_http_header *headers; /* Authorization and Cookie are dropped when a redirect leaves the host */
    size_t header_count;

    ag_str body;            /* bytes, or */
    ag_reader *body_reader; /* a stream; it is sent chunked unless body_size says how long it is */
    uint64_t body_size;     /* 0 with a reader: not known */
    /* Optional: makes body_reader start anew. Without it a stream that was begun is not sent twice. */
    int (*rewind)(void *context, ag_err *err);
    void *rewind_context;

    ag_writer *sink; /* gets the body of a 2xx answer; NULL: it goes to response->body. Not finished here. A call
                        whose sink has got bytes is not tried again */
    uint64_t max_sink_bytes; /* 0: no bound */
    bool idempotent;   /* may be sent twice although the method does not say so (GET, HEAD, PUT, DELETE, OPTIONS do);
                          what may not goes over a connection of its own */
    ag_cancel *cancel; /* may be NULL */
} ag_http_request;

typedef struct ag_http_response {
    int status;
    ag_buf body;    /* without a sink; and the first 64 KiB of an answer that is not 2xx */
    ag_vec headers; /* of ag_http_header, text in the arena */
    ag_arena *arena;
    uint64_t received; /* bytes of body */
    unsigned attempts; /* how often it was sent */
} ag_http_response;

/* 0 when an answer came, whatever its status. `out` is initialised here; deinit it in any case. 429, 502, 503, 504 and
 * failed connections are tried again where that is safe; the last answer is the result. */
int ag_http_send(ag_http *client, const ag_http_request *request, ag_http_response *out, ag_err *err);
void ag_http_response_deinit(ag_http_response *response); /* safe on zeroed memory and twice */
/* The first header of that name in any case; data NULL when absent. */
ag_str ag_http_field(const ag_http_response *response, const char *name);

/* An answer that is not 2xx as an error: "GET URL: 404 Not Found: beginning of its text". The code follows the status.
 */
int ag_http_check(const ag_http_request *request, const ag_http_response *response, ag_err *err);

/* The address as messages show it: the password and query values that look like secrets are "***". */
void ag_http_show_url(const char *url, char *out, size_t size);
const char *ag_http_reason(int status); /* "Not Found"; "" when unknown */
/* Microseconds since 1970 of a date as HTTP writes it, -1 when it is none. */
int64_t ag_http_date(ag_str text);
