// SPDX-License-Identifier: Apache-2.0
#pragma once
/* server.h: the HTTP server: HTTP/1.1 with keep-alive on threads of its own. Nothing here is process-wide. */
#include "app/server/events.h"
#include "app/server/route.h"

typedef enum ag_gzip_mode { AG_GZIP_AUTO, AG_GZIP_NEVER, AG_GZIP_ALWAYS } ag_gzip_mode;

/* The door: who somebody is and what they may. Between the server and the ledger's people, so that tests bring their
 * own. All are required and thread-safe. */
typedef struct ag_door {
    int (*check_password)(void *context, ag_str name, ag_str password, ag_arena *arena, ag_user *out, ag_err *err);
    int (*check_token)(void *context, ag_str token, ag_arena *arena, ag_user *out, ag_err *err);
    int (*permission)(void *context, ag_str user, ag_resource kind, ag_str id, ag_role *out, ag_err *err);
} ag_door;
extern const ag_door ag_door_of_ledger; /* context: the ledger */

typedef struct ag_server_options { /* zeros: the defaults in brackets. Texts are borrowed until the server is freed */
    const char *host;              /* [127.0.0.1] */
    uint16_t port;                 /* 0: a free one; see ag_server_port() */
    ag_ledger *ledger;             /* may be NULL: routes that need it answer 503 */
    ag_route_groups groups;        /* [ag_route_groups_all()] */

    bool authenticate;   /* ask for a name */
    bool insecure;       /* allow another address than loopback without authentication */
    const ag_door *door; /* who is asked; needed to authenticate */
    void *door_context;  /* [the ledger] */
    int64_t session_age; /* how long a checked secret is believed without a new look [30 s] */

    const char *certificate, *key; /* PEM files; both or none */
    const char *const
        *allowed_hosts; /* patterns with *, ended by NULL [this machine and private addresses]; "*": any */
    const char *const *allowed_origins; /* for CORS, ended by NULL [none]; "*": any */
    const char *frame_options;          /* X-Frame-Options [SAMEORIGIN]; "NONE": not sent */
    const char *static_prefix;          /* "/auger": routes also lie below it [""] */

    const char *mlflow_version;        /* text of /version [AG_MLFLOW_VERSION] */
    bool expose_metrics;               /* /metrics */
    bool serve_artifacts;              /* the artifact proxy */
    const char *artifacts_destination; /* where the proxy keeps them; NULL: the ledger's own root */

    unsigned threads;      /* the most that work at a time [256] */
    unsigned connections;  /* the most that are open [4096] */
    uint32_t header_bytes; /* of one request's head [32 KiB] */
    uint64_t json_bytes;   /* of a JSON or whole body [64 MiB] */
    uint64_t stream_bytes; /* of a streamed body [no limit] */
    int64_t header_time;   /* from the first byte of a head to its last [10 s] */
    int64_t idle_time;     /* of a kept connection [75 s] */
    int64_t stall_time;    /* without a byte in a body, or without one taken by the client [30 s] */
    uint32_t slowest;      /* bytes a second that a body must reach after stall_time [1024] */
    int64_t request_time;  /* what a handler may take: the deadline of request->cancel [10 min] */
    int64_t drain_time;    /* how long a stop waits for what is under way [30 s] */
    int64_t last_time;     /* for a client to read an answer that came before its body's end [2 s] */
    ag_gzip_mode gzip;     /* auto: not for clients on this machine */
    bool access_log;       /* a line per request */
    bool webhook_private;  /* webhooks may lead to this machine and to private networks */
} ag_server_options;

#define AG_MLFLOW_VERSION "3.5.1"

/* Binds and starts; refuses an address that is not loopback without authentication or `insecure`. */
int ag_server_start(const ag_server_options *options, ag_server **out, ag_err *err);
uint16_t ag_server_port(const ag_server *server);
const char *ag_server_address(const ag_server *server); /* "http://127.0.0.1:5000" */
/* Stops accepting, lets what is under way finish for at most drain_time, then cuts connections off and waits as long
 * again. AG_ETIMEOUT: a handler is still at work, so neither the server nor the ledger may be freed. */
int ag_server_stop(ag_server *server, ag_err *err);
void ag_server_free(ag_server *server); /* stops first, and waits; NULL is fine */

/* For handlers. */
ag_ledger *ag_server_ledger(const ag_server *server);
const ag_server_options *ag_server_settings(const ag_server *server); /* with the defaults filled in */
ag_events *ag_server_events(ag_server *server);
struct ag_webhooks *ag_server_webhooks(ag_server *server); /* NULL without a ledger */
/* What /metrics shows. */
int ag_server_metrics(ag_server *server, ag_buf *out, ag_err *err);
/* After a password, token or right has changed: what was believed about this user is asked anew. */
void ag_server_forget(ag_server *server, ag_str user);
