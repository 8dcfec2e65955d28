// SPDX-License-Identifier: Apache-2.0
/* client.c: opening and closing of the public C API's ledger: which target an address means, where its spool lies, and
 * the two threads between them (spool.c, deliver.c). Nothing is kept in static memory: a process may have any number of
 * ledgers open, also of one address, each with a queue of its own. */
#include "ledger/client/client.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/answer.h"
#include "core/base/mem.h"
#include "core/hash/hash.h"
#include "core/io/path.h"
#include "core/io/uri.h"
#include "core/sys/clock.h"
#include "ledger/system.h"

enum { LEAST_SPOOL = 1 << 20, DEFAULT_SPOOL = 256 << 20, DEFAULT_BLOCK = 1000, DEFAULT_FLUSH = 200 };
enum { DEFAULT_REQUEST = 30000 };

typedef struct place { /* what an address means */
    bool server;
    const char *name; /* as queues know it: an address without a password, or an absolute directory */
    const char *home; /* of a local ledger */
    const char *user, *password;
} place;

static const char *home_of_user(void)
{
    const char *home = getenv("AUGER_HOME");
    return home && *home ? home : ".auger";
}

static int parse_server(ag_arena *arena, const char *where, place *out, ag_err *err)
{
    static const char *const schemes[] = {"http", "https", NULL};
    ag_uri uri;
    int rc = ag_uri_parse(arena, ag_str_of(where), schemes, &uri, err);
    if (rc < 0) return rc;
    if (!uri.host.size || uri.query_count || uri.fragment.data)
        return ag_fail(err, AG_EINVAL, "the address of a server is like http://host:5000, without '?' and '#'");
    if (uri.user.data) out->user = ag_arena_strndup(arena, uri.user.data, uri.user.size);
    if (uri.password.data) out->password = ag_arena_strndup(arena, uri.password.data, uri.password.size);
    bool brackets = ag_str_find_char(uri.host, ':', 0) != SIZE_MAX;
    ag_str path = uri.path;
    while (ag_str_ends(path, AG_STR("/"))) path.size--;
    char port[16] = "";
    if (uri.port) ag_format(port, sizeof(port), ":%u", uri.port);
    out->name = ag_arena_printf(arena, "%.*s://%s%.*s%s%s%.*s", AG_STR_ARG(uri.scheme), brackets ? "[" : "",
                                AG_STR_ARG(uri.host), brackets ? "]" : "", port, AG_STR_ARG(path));
    bool whole = out->name && (out->user || !uri.user.data) && (out->password || !uri.password.data);
    return whole ? AG_OK : ag_fail_memory(err, strlen(where));
}

static int find_place(ag_arena *arena, const char *where, place *out, ag_err *err)
{
    ag_str text = ag_str_of(where);
    out->server = ag_str_starts(text, AG_STR("http://")) || ag_str_starts(text, AG_STR("https://"));
    if (out->server) return parse_server(arena, where, out, err);
    if (ag_str_find(text, AG_STR("://"), 0) != SIZE_MAX) {
        ag_fail(err, AG_EINVAL, "'%s' is neither a directory nor an address of http or https", where);
        return ag_err_hint(err, "a database is named when its server is started: auger serve --db URL");
    }
    out->home = where && *where ? where : home_of_user();
    int rc = ag_dir_make(out->home, err);
    char *absolute = NULL;
    if (rc >= 0) rc = ag_path_absolute(arena, out->home, &absolute, err);
    out->name = absolute;
    return rc;
}

int ag_client_name(ag_arena *arena, const char *where, const char **out, ag_err *err)
{
    place at = {0};
    int rc = find_place(arena, where, &at, err);
    if (rc >= 0) *out = at.name;
    return rc;
}

/* ---- opening ---- */

static int open_server(auger_ledger *ledger, const auger_ledger_options *options, const place *at, void **state,
                       ag_err *err)
{
    /* The ids that other servers choose are kept by address, beside the queues. */
    const char *runs = ag_arena_printf(ledger->arena, "%s/runs-%016llx.txt", ledger->directory,
                                       (unsigned long long)ag_hash_fast(at->name, strlen(at->name), 0));
    if (!runs) return ag_fail_memory(err, strlen(ledger->directory));
    ledger->runs = runs;
    int64_t timeout = options->request_ms > 0 ? options->request_ms : DEFAULT_REQUEST;
    ag_client_target_server_options server = {.url = at->name,
                                              .token = options->token,
                                              .user = options->user ? options->user : at->user,
                                              .password = options->password ? options->password : at->password,
                                              .ca_file = options->ca_file,
                                              .timeout = timeout > INT64_MAX / 1000 ? INT64_MAX : timeout * 1000,
                                              .runs = runs,
                                              .cancel = ledger->cancel};
    return ag_client_target_server_open(&server, state, err);
}

static int open_spool(auger_ledger *ledger, const auger_ledger_options *options, const place *at, ag_err *err)
{
    const char *home = at->home ? at->home : home_of_user();
    ledger->directory = options->spool ? ag_arena_strdup(ledger->arena, options->spool)
                                       : ag_arena_printf(ledger->arena, "%s/spool", home);
    if (!ledger->directory) return ag_fail_memory(err, strlen(home));
    int64_t block = options->block_ms ? options->block_ms : DEFAULT_BLOCK;
    int64_t bytes = options->spool_bytes ? options->spool_bytes : DEFAULT_SPOOL;
    if (bytes < LEAST_SPOOL) return ag_fail(err, AG_EINVAL, "spool_bytes is less than %d", LEAST_SPOOL);
    ag_spool_options spool = {.directory = ledger->directory,
                              .target = at->name,
                              .max_bytes = (uint64_t)bytes,
                              .block = block < 0           ? 0
                                       : block > INT32_MAX ? (int64_t)INT32_MAX * 1000
                                                           : block * 1000};
    return ag_spool_open(&spool, &ledger->spool, err);
}

static int start_delivery(auger_ledger *ledger, const auger_ledger_options *options, const place *at, ag_err *err)
{
    void *state = NULL;
    int64_t flush = options->flush_ms > 0 ? options->flush_ms : DEFAULT_FLUSH;
    int rc =
        at->server ? open_server(ledger, options, at, &state, err) : ag_client_target_local_open(at->home, &state, err);
    if (rc < 0) return rc;
    ag_delivery_options delivery = {.directory = ledger->directory,
                                    .name = at->name,
                                    .target = at->server ? &ag_client_target_server : &ag_client_target_local,
                                    .state = state,
                                    .cancel = ledger->cancel,
                                    .spool = ledger->spool,
                                    .flush = flush > INT32_MAX ? (int64_t)INT32_MAX * 1000 : flush * 1000};
    return ag_delivery_start(&delivery, &ledger->delivery, err);
}

static void free_ledger(auger_ledger *ledger)
{
    ag_delivery_stop(ledger->delivery);
    ag_spool_close(ledger->spool);
    ag_cancel_free(ledger->cancel);
    ag_arena_free(ledger->arena);
    ag_free(ledger);
}

static int open_ledger(auger_ledger *ledger, const char *where, const auger_ledger_options *options, ag_err *err)
{
    place at = {0};
    ledger->pinned = getenv("AUGER_NOW") != NULL;
    if (!(ledger->arena = ag_arena_new(0))) return ag_fail_memory(err, sizeof(*ledger));
    const char *experiment = options->experiment ? options->experiment : "Default";
    int rc = ag_client_check_text(experiment, "the name of an experiment", AG_MAX_EXPERIMENT_NAME, err);
    if (rc >= 0 && !*experiment) rc = ag_fail(err, AG_EINVAL, "the name of an experiment is empty");
    if (rc >= 0 && !(ledger->experiment = ag_arena_strdup(ledger->arena, experiment)))
        rc = ag_fail_memory(err, strlen(experiment));
    if (rc >= 0) rc = find_place(ledger->arena, where, &at, err);
    ledger->name = at.name;
    if (rc >= 0) rc = ag_cancel_new(NULL, &ledger->cancel, err);
    if (rc >= 0 && !options->without_system_tags)
        rc = ag_system_tags(&(ag_system_options){0}, ledger->arena, &ledger->system_tags, err);
    if (rc >= 0) rc = open_spool(ledger, options, &at, err);
    if (rc >= 0) rc = start_delivery(ledger, options, &at, err);
    return rc;
}

int auger_ledger_open(const char *where, const auger_ledger_options *options, auger_ledger **out, auger_error *error)
{
    static const auger_ledger_options defaults;
    ag_err err = {0};
    auger_ledger *ledger = ag_calloc(1, sizeof(*ledger));
    if (!ledger) return ag_answer(ag_fail_memory(&err, sizeof(*ledger)), &err, error);
    int rc = open_ledger(ledger, where, options ? options : &defaults, &err);
    if (rc < 0)
        free_ledger(ledger);
    else
        *out = ledger;
    return ag_answer(rc, &err, error);
}

/* ---- waiting, asking, closing ---- */

static int64_t microseconds(int64_t milliseconds)
{
    return milliseconds > INT64_MAX / 1000 ? INT64_MAX : milliseconds < 0 ? -1 : milliseconds * 1000;
}

int auger_ledger_sync(auger_ledger *ledger, int64_t wait_ms, auger_error *error)
{
    ag_err err = {0};
    return ag_answer(ag_delivery_sync(ledger->delivery, microseconds(wait_ms), &err), &err, error);
}

int auger_ledger_close(auger_ledger *ledger, int64_t wait_ms, auger_error *error)
{
    ag_err err = {0};
    if (!ledger) return ag_answer(AG_OK, &err, error);
    int rc = ag_delivery_sync(ledger->delivery, microseconds(wait_ms), &err);
    free_ledger(ledger);
    return ag_answer(rc, &err, error);
}

void auger_ledger_status_read(auger_ledger *ledger, auger_ledger_status *out)
{
    ag_delivery_status status;
    ag_delivery_status_read(ledger->delivery, &status);
    *out = (auger_ledger_status){.pending = status.pending,
                                 .delivered = status.delivered,
                                 .refused = status.refused,
                                 .spool_bytes = ag_spool_used(ledger->spool),
                                 .away = status.away,
                                 .delivered_at_ms = status.delivered_at / 1000};
    ag_format(out->last_error, sizeof(out->last_error), "%s", status.last_error);
}
