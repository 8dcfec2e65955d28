// SPDX-License-Identifier: Apache-2.0
#pragma once
/* private.h: what the files of the server share: the server, its connections and its workers. */
#include <pthread.h>
#include <stdatomic.h>

#include "app/server/gate.h"
#include "app/server/link.h"
#include "app/server/router.h"
#include "app/server/server.h"
#include "app/server/stats.h"

/* One connection. It belongs to the poller (waiting for a request) or to one worker (serving one), never to both; the
 * hand-over goes through the server's queues. */
typedef struct ag_connection {
    ag_link link;
    struct ag_connection *next, *previous; /* of all, under the server's lock */
    struct ag_connection *queued;          /* the next in a queue, under the lock */
    char *data;                            /* what has come and is not used: [at, size) */
    size_t at, size, capacity;
    size_t scanned;   /* of ag_head_end(), from `at` */
    size_t head_size; /* 0: the head is not whole */
    size_t need;      /* bytes from `at` on before a worker is of use; 0: the head is enough */
    bool malformed;   /* what came can never be a head */
    bool with_worker; /* under the lock */
    bool armed;       /* in the poller: the event queue knows it */
    bool local;       /* the other side is this machine */
    int64_t began;    /* when the first byte of the head came; 0: none has */
    int64_t deadline; /* in the poller: when it is cut off */
    char peer[48];
} ag_connection;

typedef enum ag_gathered { AG_GATHER_READY, AG_GATHER_MORE, AG_GATHER_GONE } ag_gathered;
/* Reads what is there without waiting. */
ag_gathered ag_connection_gather(const ag_server *server, ag_connection *connection);
void ag_connection_consume(ag_connection *connection, size_t size);
/* A request has been answered, and its body is used up: what is left, if anything is, is the next one. */
void ag_connection_next(ag_connection *connection);

struct ag_server {
    ag_server_options options;
    char address[320];
    uint16_t port;
    ag_router *router;
    ag_gate *gate;
    ag_stats *stats;
    ag_events *events;
    struct ag_webhooks *webhooks; /* NULL: without a ledger */
    ag_tls *tls;
    ag_cancel *cancel; /* requested when a stop has waited long enough */
    uint32_t id_prefix;
    atomic_uint_fast64_t id_count;

    int listener, epoll, wake;
    pthread_t poller;
    bool poller_runs;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t work;  /* the queue `ready` has grown, or stopping */
    pthread_cond_t quiet; /* a connection or a worker has gone */
    ag_connection *all;
    size_t connection_count;
    ag_connection *ready_first, *ready_last;
    size_t ready_count;
    ag_connection *returned;
    unsigned workers, idle_workers;
    bool stopping;
};

/* ---- loop.c ---- */
int ag_loop_start(ag_server *server, ag_err *err);
void ag_loop_wake(ag_server *server);
bool ag_server_is_stopping(ag_server *server);

/* ---- exchange.c: one request and its answer ---- */
typedef struct ag_worker { /* what a thread keeps from request to request */
    ag_server *server;
    ag_arena *arena;
    ag_cancel *cancel;
    ag_buf head;   /* of the answer */
    ag_buf answer; /* its body */
    ag_buf body;   /* of the request */
} ag_worker;

typedef enum ag_after {
    AG_AFTER_KEEP,  /* the next request may come */
    AG_AFTER_CLOSE, /* at once */
    AG_AFTER_WAIT,  /* a small body is still on its way: connection->need is set, nothing was used */
} ag_after;
/* The connection is AG_GATHER_READY. */
ag_after ag_exchange(ag_worker *worker, ag_connection *connection);
