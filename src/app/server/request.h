// SPDX-License-Identifier: Apache-2.0
#pragma once
/* request.h: what a handler is given. Everything here is borrowed and dies with the request; what a handler allocates
 * for it comes from `arena`. One thread has it; it may block. */
#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/doc/value.h"
#include "core/io/stream.h"
#include "core/io/uri.h"
#include "core/sys/cancel.h"
#include "ledger/ledger.h"
#include "ledger/user.h"

typedef struct ag_server ag_server;
typedef struct ag_route ag_route;

typedef enum ag_method {
    AG_METHOD_GET,
    AG_METHOD_HEAD,
    AG_METHOD_POST,
    AG_METHOD_PUT,
    AG_METHOD_PATCH,
    AG_METHOD_DELETE,
    AG_METHOD_OPTIONS,
} ag_method;
#define AG_METHOD_COUNT 7
const char *ag_method_name(ag_method method); /* "GET" */

/* Who asks. Without authentication everybody is the nameless administrator of their own machine. */
typedef struct ag_who {
    const char *name; /* NULL: nobody in particular */
    int64_t id;       /* of the user; 0: none */
    bool admin;
    bool known; /* a name and a secret were shown and are right */
} ag_who;

typedef struct ag_request {
    ag_server *server;
    ag_ledger *ledger; /* NULL in a server without one */
    const ag_route *route;
    ag_method method; /* of a HEAD request that a GET route answers: AG_METHOD_HEAD */
    ag_str target;    /* as it was sent */
    ag_str path;      /* as it was sent, without the query; for messages only */
    ag_str *captures; /* of the route's {names}, in order, each decoded once; a {rest...} may hold '/' */
    size_t capture_count;
    ag_uri_pair *query; /* decoded once, in order, with repeats */
    size_t query_count;
    ag_uri_pair *headers; /* names in lower case, values trimmed, in order, with repeats */
    size_t header_count;
    /* AG_BODY_JSON: the document, an empty object when there was none. A string that holds JSON is taken as that JSON,
     * as MLflow's clients may send it. NaN, Infinity and -Infinity are taken as bare words; the last of two equal names
     * counts. Other bodies: NULL. */
    const ag_value *json;
    ag_str body;        /* AG_BODY_JSON and AG_BODY_BYTES: as it came */
    ag_reader *stream;  /* AG_BODY_STREAM: read it until it gives 0; chunks are undone; a failure ends the connection */
    int64_t body_size;  /* as announced; -1: unknown (chunked) */
    const char *id;     /* of the request, also in X-Request-Id and the log */
    const char *peer;   /* address of the other side, without its port */
    const char *origin; /* "http://host:port" as the client sees this server; for links */
    ag_who who;
    ag_actor actor; /* the same for the ledger */
    ag_arena *arena;
    ag_cancel *cancel; /* the time a request may take, and the server's stop */
} ag_request;

/* Data NULL when absent. The names of headers in lower case. The first of several. */
ag_str ag_request_capture(const ag_request *request, const char *name);
ag_str ag_request_query(const ag_request *request, const char *name);
ag_str ag_request_header(const ag_request *request, const char *name);
/* The `at`-th value of a repeated query name, from 0. */
ag_str ag_request_query_at(const ag_request *request, const char *name, size_t at);
/* A capture, else a top-level string or integer (as text) of the body where the route takes JSON, or a query pair where
 * it does not: only what the handler reads, or one name would be checked and another used. `name` may be several
 * with '|' between: the first that is there and not empty. Data NULL when absent. */
ag_str ag_request_field(const ag_request *request, const char *name);
