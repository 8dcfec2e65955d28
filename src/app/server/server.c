// SPDX-License-Identifier: Apache-2.0
/* server.c: a server's life: settings filled in, parts made, started, stopped, freed. The loop is in loop.c. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/server/peer.h"
#include "app/server/private.h"
#include "app/server/webhooks.h"
#include "core/base/mem.h"
#include "core/hash/encode.h"
#include "core/sys/clock.h"
#include "core/sys/log.h"

static void default_time(int64_t *setting, int64_t seconds)
{
    if (!*setting) *setting = seconds * AG_SECOND;
}

static void fill_defaults(ag_server_options *options)
{
    if (!options->host) options->host = "127.0.0.1";
    if (!options->groups.items) options->groups = ag_route_groups_all();
    if (!options->frame_options) options->frame_options = "SAMEORIGIN";
    if (!options->static_prefix) options->static_prefix = "";
    if (!options->mlflow_version) options->mlflow_version = AG_MLFLOW_VERSION;
    if (!options->threads) options->threads = 256;
    if (!options->connections) options->connections = 4096;
    if (!options->header_bytes) options->header_bytes = 32 * 1024;
    if (!options->json_bytes) options->json_bytes = 64 << 20;
    if (!options->stream_bytes) options->stream_bytes = UINT64_MAX;
    if (!options->slowest) options->slowest = 1024;
    default_time(&options->session_age, 30);
    default_time(&options->header_time, 10);
    default_time(&options->idle_time, 75);
    default_time(&options->stall_time, 30);
    default_time(&options->request_time, 600);
    default_time(&options->drain_time, 30);
    default_time(&options->last_time, 2);
}

static int check_options(const ag_server_options *options, ag_err *err)
{
    if (!options->certificate != !options->key) {
        ag_fail(err, AG_EINVAL, "TLS needs a certificate and its key");
        return ag_err_hint(err, "give both, or neither");
    }
    if (options->static_prefix[0] &&
        (options->static_prefix[0] != '/' || ag_str_ends(ag_str_of(options->static_prefix), AG_STR("/"))))
        return ag_fail(err, AG_EINVAL, "the prefix '%s' must begin with / and not end with one",
                       options->static_prefix);
    if (options->authenticate && !options->door)
        return ag_fail(err, AG_EINTERNAL, "authentication without anybody to ask");
    return AG_OK;
}

static int init_parts(ag_server *server, ag_err *err)
{
    const ag_server_options *options = &server->options;
    char id[33];
    int rc = check_options(options, err);
    if (rc >= 0) rc = ag_id_new(id, err);
    if (rc >= 0) rc = ag_unhex((ag_str){id, 8}, &server->id_prefix, 4, err);
    if (rc >= 0) rc = ag_cancel_new(NULL, &server->cancel, err);
    if (rc >= 0) rc = ag_events_new(&server->events, err);
    if (rc >= 0 && options->ledger)
        rc = ag_webhooks_new(options->ledger, options->webhook_private, &server->webhooks, err);
    if (rc >= 0) rc = ag_router_new(options->groups, server, &server->router, err);
    if (rc >= 0) rc = ag_stats_new(server->router, &server->stats, err);
    if (rc >= 0) rc = ag_gate_new(options, &server->gate, err);
    if (rc >= 0 && options->certificate) rc = ag_tls_new(options->certificate, options->key, &server->tls, err);
    return rc;
}

static int open_listener(ag_server *server, ag_err *err)
{
    const ag_server_options *options = &server->options;
    ag_listener listener;
    int rc = ag_listener_open(options->host, options->port, options->authenticate || options->insecure, &listener, err);
    if (rc < 0) return rc;
    server->listener = listener.fd;
    server->port = listener.port;
    ag_format(server->address, sizeof(server->address), "%s://%s", server->tls ? "https" : "http", listener.shown);
    return AG_OK;
}

static void release(ag_server *server)
{
    if (server->listener >= 0) close(server->listener);
    if (server->wake >= 0) close(server->wake);
    if (server->epoll >= 0) close(server->epoll);
    ag_tls_free(server->tls);
    ag_gate_free(server->gate);
    ag_stats_free(server->stats);
    ag_router_free(server->router);
    ag_webhooks_free(server->webhooks);
    ag_events_free(server->events);
    ag_cancel_free(server->cancel);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->work);
    pthread_cond_destroy(&server->quiet);
    ag_free(server);
}

static void init_locks(ag_server *server)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->work, &attributes);
    pthread_cond_init(&server->quiet, &attributes);
    pthread_condattr_destroy(&attributes);
}

int ag_server_start(const ag_server_options *options, ag_server **out, ag_err *err)
{
    ag_server *server = ag_calloc(1, sizeof(*server));
    if (!server) return ag_fail_memory(err, sizeof(*server));
    server->options = *options;
    server->listener = server->epoll = server->wake = -1;
    fill_defaults(&server->options);
    init_locks(server);
    int rc = init_parts(server, err);
    if (rc >= 0) rc = open_listener(server, err);
    if (rc >= 0) rc = ag_loop_start(server, err);
    if (rc < 0)
        release(server);
    else
        *out = server;
    return rc;
}

/* Under the lock: until `done` or the time has come. */
static bool wait_until(ag_server *server, bool (*done)(const ag_server *), int64_t until)
{
    while (!done(server)) {
        int64_t left = until - ag_monotonic();
        if (left <= 0) return false;
        struct timespec when;
        clock_gettime(CLOCK_MONOTONIC, &when);
        when.tv_sec += (time_t)(left / AG_SECOND) + 1;
        pthread_cond_timedwait(&server->quiet, &server->lock, &when);
    }
    return true;
}

static bool no_connections(const ag_server *server)
{
    return server->connection_count == 0;
}

static bool no_workers(const ag_server *server)
{
    return server->connection_count == 0 && server->workers == 0;
}

/* The rest is cut off: whoever reads or writes sees the end. */
static void cut_off(ag_server *server)
{
    ag_cancel_request(server->cancel);
    for (ag_connection *one = server->all; one; one = one->next) shutdown(one->link.fd, SHUT_RDWR);
}

int ag_server_stop(ag_server *server, ag_err *err)
{
    int64_t drain = server->options.drain_time;
    ag_events_stop(server->events);
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    ag_loop_wake(server);
    pthread_mutex_lock(&server->lock);
    if (!wait_until(server, no_connections, ag_monotonic() + drain)) {
        ag_log(AG_LOG_WARN, "http", "%zu connections are cut off", server->connection_count);
        cut_off(server);
    }
    bool quiet = wait_until(server, no_connections, ag_monotonic() + drain);
    pthread_cond_broadcast(&server->work);
    quiet = quiet && wait_until(server, no_workers, ag_monotonic() + drain);
    pthread_mutex_unlock(&server->lock);
    if (!quiet) return ag_fail(err, AG_ETIMEOUT, "a request is still at work and does not end");
    if (server->poller_runs) pthread_join(server->poller, NULL);
    server->poller_runs = false;
    return AG_OK;
}

void ag_server_free(ag_server *server)
{
    if (!server) return;
    while (server->poller_runs && ag_server_stop(server, NULL) < 0) {
    }
    release(server);
}

uint16_t ag_server_port(const ag_server *server)
{
    return server->port;
}

const char *ag_server_address(const ag_server *server)
{
    return server->address;
}

ag_ledger *ag_server_ledger(const ag_server *server)
{
    return server->options.ledger;
}

const ag_server_options *ag_server_settings(const ag_server *server)
{
    return &server->options;
}

ag_events *ag_server_events(ag_server *server)
{
    return server->events;
}

struct ag_webhooks *ag_server_webhooks(ag_server *server)
{
    return server->webhooks;
}

void ag_server_forget(ag_server *server, ag_str user)
{
    ag_gate_forget(server->gate, user);
}

int ag_server_metrics(ag_server *server, ag_buf *out, ag_err *err)
{
    pthread_mutex_lock(&server->lock);
    size_t connections = server->connection_count;
    unsigned workers = server->workers;
    pthread_mutex_unlock(&server->lock);
    ag_db *db = server->options.ledger ? ag_ledger_db(server->options.ledger) : NULL;
    return ag_stats_print(server->stats, connections, workers, db, out, err);
}

int ag_request_may(const ag_request *request, ag_resource kind, ag_str id, ag_role role, ag_err *err)
{
    return ag_gate_may(request->server->gate, &request->who, kind, id, role, err);
}
