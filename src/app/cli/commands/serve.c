// SPDX-License-Identifier: Apache-2.0
/* serve.c: the command: opens the ledger, starts the server, says where it is, and waits for Ctrl-C or SIGTERM. Options
 * that `mlflow server` has keep their names and meaning, so that a switch is one word. */
#include <malloc.h>

#include "app/cli/invocation.h"
#include "app/server/document.h"
#include "app/server/server.h"
#include "core/io/path.h"
#include "core/sys/log.h"
#include "ledger/ledger.h"
#include "ledger/user.h"

static const ag_option options[] = {
    {.name = "host",
     .type = AG_OPTION_TEXT,
     .value_name = "ADDRESS",
     .fallback = "127.0.0.1",
     .environment = "MLFLOW_HOST",
     .doc = "address to listen on; beyond this machine only with --auth or --insecure"},
    {.name = "port",
     .letter = 'p',
     .type = AG_OPTION_INT,
     .fallback = "5000",
     .min = 0,
     .max = 65535,
     .environment = "MLFLOW_PORT",
     .doc = "port to listen on; 0 takes a free one"},
    {.name = "backend-store-uri",
     .type = AG_OPTION_TEXT,
     .value_name = "URI",
     .environment = "MLFLOW_BACKEND_STORE_URI",
     .doc = "database: sqlite:///relative.db, sqlite:////absolute.db or postgresql://...; without it, auger.db in the "
            "home"},
    {.name = "default-artifact-root",
     .type = AG_OPTION_TEXT,
     .value_name = "URI",
     .environment = "MLFLOW_DEFAULT_ARTIFACT_ROOT",
     .doc = "where new experiments put artifacts; without it, the server takes and keeps them"},
    {.name = "artifacts-destination",
     .type = AG_OPTION_TEXT,
     .value_name = "URI",
     .environment = "MLFLOW_ARTIFACTS_DESTINATION",
     .doc = "where the server keeps the artifacts that it takes"},
    {.name = "serve-artifacts",
     .type = AG_OPTION_FLAG,
     .fallback = "true",
     .environment = "MLFLOW_SERVE_ARTIFACTS",
     .doc = "take no artifacts from clients and give none back"},
    {.name = "auth", .type = AG_OPTION_FLAG, .doc = "ask for a name and a password or token"},
    {.name = "insecure", .type = AG_OPTION_FLAG, .doc = "listen beyond this machine without asking who calls"},
    {.name = "app-name",
     .type = AG_OPTION_CHOICE,
     .choices = (const char *const[]){"basic-auth", NULL},
     .doc = "basic-auth is another word for --auth"},
    {.name = "tls-cert", .type = AG_OPTION_PATH, .doc = "certificate with its chain (PEM); turns TLS on"},
    {.name = "tls-key", .type = AG_OPTION_PATH, .doc = "key of the certificate (PEM)"},
    {.name = "static-prefix",
     .type = AG_OPTION_TEXT,
     .value_name = "PREFIX",
     .environment = "MLFLOW_STATIC_PREFIX",
     .doc = "routes also lie below this path, as /mlflow"},
    {.name = "allowed-hosts",
     .type = AG_OPTION_TEXT,
     .value_name = "LIST",
     .environment = "MLFLOW_SERVER_ALLOWED_HOSTS",
     .doc = "names, with * and commas, by which the server may be called; * allows any"},
    {.name = "cors-allowed-origins",
     .type = AG_OPTION_TEXT,
     .value_name = "LIST",
     .environment = "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS",
     .doc = "origins, with * and commas, whose pages may call"},
    {.name = "x-frame-options",
     .type = AG_OPTION_TEXT,
     .value_name = "WORD",
     .fallback = "SAMEORIGIN",
     .environment = "MLFLOW_SERVER_X_FRAME_OPTIONS",
     .doc = "SAMEORIGIN, DENY or NONE"},
    {.name = "expose-prometheus",
     .type = AG_OPTION_TEXT,
     .value_name = "DIR",
     .environment = "MLFLOW_EXPOSE_PROMETHEUS",
     .doc = "answer /metrics; the directory that MLflow needs is not used"},
    {.name = "webhook-allow-private",
     .type = AG_OPTION_FLAG,
     .environment = "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS",
     .doc = "webhooks may lead to this machine and to private networks"},
    {.name = "mlflow-version",
     .type = AG_OPTION_TEXT,
     .value_name = "VERSION",
     .fallback = AG_MLFLOW_VERSION,
     .doc = "what /version says"},
    {.name = "workers",
     .letter = 'w',
     .type = AG_OPTION_INT,
     .min = 1,
     .max = 100000,
     .environment = "MLFLOW_WORKERS",
     .doc = "accepted, not needed: threads come and go with the load"},
    {.name = "threads",
     .type = AG_OPTION_INT,
     .min = 1,
     .max = 4096,
     .fallback = "256",
     .doc = "requests at work at a time"},
    {.name = "max-connections",
     .type = AG_OPTION_INT,
     .min = 1,
     .max = 1000000,
     .fallback = "4096",
     .doc = "connections open at a time"},
    {.name = "max-header",
     .type = AG_OPTION_BYTES,
     .min = 1024,
     .max = 1 << 20,
     .fallback = "32k",
     .doc = "largest head of a request"},
    {.name = "max-body",
     .type = AG_OPTION_BYTES,
     .min = 1024,
     .max = 0x40000000,
     .fallback = "64M",
     .doc = "largest body that is not a file"},
    {.name = "max-upload", .type = AG_OPTION_BYTES, .doc = "largest file; no limit when absent"},
    {.name = "header-time",
     .type = AG_OPTION_DURATION,
     .min = 0.1,
     .max = 3600,
     .fallback = "10s",
     .doc = "a slower head of a request is cut off"},
    {.name = "idle-time",
     .type = AG_OPTION_DURATION,
     .min = 0.1,
     .max = 86400,
     .fallback = "75s",
     .doc = "how long an idle connection is kept"},
    {.name = "stall-time",
     .type = AG_OPTION_DURATION,
     .min = 0.1,
     .max = 86400,
     .fallback = "30s",
     .doc = "a body or a client that stands still longer is cut off"},
    {.name = "request-time",
     .type = AG_OPTION_DURATION,
     .min = 0.1,
     .max = 86400,
     .fallback = "10m",
     .doc = "how long a request may be worked on"},
    {.name = "drain-time",
     .type = AG_OPTION_DURATION,
     .min = 0.1,
     .max = 3600,
     .fallback = "30s",
     .doc = "how long a stop waits for requests under way"},
    {.name = "access-log", .type = AG_OPTION_FLAG, .fallback = "true", .doc = "no line on standard error per request"},
    {.name = "print-routes", .type = AG_OPTION_FLAG, .doc = "print the page of all routes (docs/api.md) and leave"},
};

static const ag_example examples[] = {
    {"serve", "Serve the ledger in ./.auger on http://127.0.0.1:5000"},
    {"serve --home /srv/auger --host 0.0.0.0 --auth --tls-cert cert.pem --tls-key key.pem",
     "Serve a team, with names and TLS"},
    {"serve --backend-store-uri sqlite:///mlflow.db --default-artifact-root ./mlruns --port 0",
     "Stand in for mlflow server on a free port"},
    {NULL, NULL},
};

/* "a, b" as a list ended by NULL; NULL for none. */
static int split_list(ag_invocation *invocation, const char *name, const char *const **out, ag_err *err)
{
    const char *text = ag_option_text(invocation, name);
    *out = NULL;
    if (!text) return AG_OK;
    ag_str rest = ag_str_of(text), part;
    size_t most = 2, used = 0;
    for (size_t i = 0; i < rest.size; i++) most += rest.data[i] == ',';
    const char **list = ag_arena_array(invocation->arena, most, sizeof(*list));
    if (!list) return ag_fail_memory(err, most * sizeof(*list));
    while (ag_str_next(&rest, ',', &part)) {
        part = ag_str_trim(part);
        if (part.size && !(list[used++] = ag_arena_strndup(invocation->arena, part.data, part.size)))
            return ag_fail_memory(err, part.size);
    }
    *out = list;
    return AG_OK;
}

/* As SQLAlchemy reads it: three slashes begin a relative path, four an absolute one. */
static int database_url(ag_invocation *invocation, const char **out, ag_err *err)
{
    const char *uri = ag_option_text(invocation, "backend-store-uri");
    *out = uri;
    if (!uri || !ag_str_starts(ag_str_of(uri), AG_STR("sqlite://"))) return AG_OK;
    if (!ag_str_starts(ag_str_of(uri), AG_STR("sqlite:///")) || !uri[10]) {
        ag_fail(err, AG_EINVAL, "'%s' names no database file", uri);
        return ag_err_hint(err, "write sqlite:///relative.db or sqlite:////absolute/path.db");
    }
    *out = ag_arena_printf(invocation->arena, "sqlite:%s", uri + 10);
    return *out ? AG_OK : ag_fail_memory(err, strlen(uri));
}

static int open_ledger(ag_invocation *invocation, ag_ledger **out, ag_err *err)
{
    ag_ledger_options ledger = {.home = ag_home(invocation),
                                .artifact_root = ag_option_text(invocation, "default-artifact-root"),
                                .artifact_store = ag_option_text(invocation, "artifacts-destination")};
    int rc = database_url(invocation, &ledger.database, err);
    if (rc < 0) return rc;
    if (!ledger.artifact_root && ag_option_flag(invocation, "serve-artifacts"))
        ledger.artifact_root = "mlflow-artifacts:/";
    return ag_ledger_open(&ledger, out, err);
}

static int read_options(ag_invocation *invocation, ag_ledger *ledger, ag_server_options *out, ag_err *err)
{
    *out = (ag_server_options){
        .host = ag_option_text(invocation, "host"),
        .port = (uint16_t)ag_option_int(invocation, "port"),
        .ledger = ledger,
        .authenticate = ag_option_flag(invocation, "auth") || ag_option_given(invocation, "app-name"),
        .insecure = ag_option_flag(invocation, "insecure"),
        .door = &ag_door_of_ledger,
        .door_context = ledger,
        .certificate = ag_option_text(invocation, "tls-cert"),
        .key = ag_option_text(invocation, "tls-key"),
        .frame_options = ag_option_text(invocation, "x-frame-options"),
        .static_prefix = ag_option_text(invocation, "static-prefix"),
        .mlflow_version = ag_option_text(invocation, "mlflow-version"),
        .expose_metrics = ag_option_given(invocation, "expose-prometheus"),
        .serve_artifacts = ag_option_flag(invocation, "serve-artifacts"),
        .artifacts_destination = ag_option_text(invocation, "artifacts-destination"),
        .threads = (unsigned)ag_option_int(invocation, "threads"),
        .connections = (unsigned)ag_option_int(invocation, "max-connections"),
        .header_bytes = (uint32_t)ag_option_bytes(invocation, "max-header"),
        .json_bytes = ag_option_bytes(invocation, "max-body"),
        .stream_bytes = ag_option_bytes(invocation, "max-upload"),
        .header_time = ag_option_duration(invocation, "header-time"),
        .idle_time = ag_option_duration(invocation, "idle-time"),
        .stall_time = ag_option_duration(invocation, "stall-time"),
        .request_time = ag_option_duration(invocation, "request-time"),
        .drain_time = ag_option_duration(invocation, "drain-time"),
        .access_log = ag_option_flag(invocation, "access-log"),
        .webhook_private = ag_option_flag(invocation, "webhook-allow-private"),
    };
    int rc = split_list(invocation, "allowed-hosts", &out->allowed_hosts, err);
    return rc < 0 ? rc : split_list(invocation, "cors-allowed-origins", &out->allowed_origins, err);
}

/* Nobody can come in yet: an administrator without a password, and a token that is shown this once. */
static int greet_first_start(ag_invocation *invocation, ag_ledger *ledger, ag_err *err)
{
    static const ag_actor actor = {.name = "first start"};
    const ag_user *users = NULL;
    const char *token = NULL;
    ag_user user;
    size_t count = 0;
    int rc = ag_user_list(ledger, invocation->arena, &users, &count, err);
    if (rc < 0 || count > 0) return rc;
    rc = ag_user_create(ledger, &actor, AG_STR("admin"), AG_STR(""), true, invocation->arena, &user, err);
    if (rc >= 0)
        rc = ag_token_create(ledger, &actor, AG_STR("admin"), AG_STR("first start"), 0, invocation->arena, &token, err);
    if (rc < 0) return rc;
    ag_output_addf(invocation->err, "The first administrator is 'admin'. This token is shown once:\n%s\n", token);
    return ag_output_flush(invocation->err, err);
}

static int say_address(ag_invocation *invocation, const ag_server *server, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, 4096);
    int rc = AG_OK;
    if (ag_wants_json(invocation)) {
        ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
        ag_json_begin_object(&json);
        ag_json_put_text(&json, "address", ag_server_address(server));
        ag_json_put_int(&json, "port", ag_server_port(server));
        ag_json_end_object(&json);
        rc = ag_print_json(invocation, &json, &buf, err);
    } else {
        ag_print(invocation, "%s\n", ag_server_address(server));
    }
    ag_buf_deinit(&buf);
    return rc < 0 ? rc : ag_output_flush(invocation->out, err);
}

static int wait_for_stop(ag_invocation *invocation)
{
    while (ag_cancel_sleep(invocation->cancel, 3600 * INT64_C(1000000), NULL) >= 0) {
    }
    return AG_OK;
}

static int serve(ag_invocation *invocation, ag_ledger *ledger, ag_err *err)
{
    ag_server_options settings;
    ag_server *server = NULL;
    int rc = read_options(invocation, ledger, &settings, err);
    if (rc >= 0 && settings.authenticate) rc = greet_first_start(invocation, ledger, err);
    if (rc >= 0) rc = ag_server_start(&settings, &server, err);
    if (rc < 0) return rc;
    rc = say_address(invocation, server, err);
    if (rc >= 0) ag_note(invocation, "auger serves at %s; Ctrl-C stops it", ag_server_address(server));
    if (rc >= 0) rc = wait_for_stop(invocation);
    ag_err trouble = {0};
    if (ag_server_stop(server, &trouble) < 0) { /* a handler holds the ledger: the end of the process releases both */
        if (err) *err = trouble;
        return AG_ETIMEOUT;
    }
    ag_server_free(server);
    return rc;
}

static int print_routes(ag_invocation *invocation, ag_err *err)
{
    ag_buf page;
    ag_buf_init(&page, 16 << 20);
    int rc = ag_routes_markdown(ag_route_groups_all(), &page, err);
    if (rc >= 0) ag_print_str(invocation, ag_buf_str(&page));
    ag_buf_deinit(&page);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    if (ag_option_flag(invocation, "print-routes")) return print_routes(invocation, err);
    mallopt(M_ARENA_MAX, 4); /* hundreds of short-lived threads would leave a heap each */
    int rc = open_ledger(invocation, &ledger, err);
    if (rc < 0) return rc;
    rc = serve(invocation, ledger, err);
    if (rc != AG_ETIMEOUT) ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_serve = {
    .path = "serve",
    .summary = "Serve the ledger over HTTP, to MLflow's clients too",
    .doc = "Starts the server and prints its address on standard output, one line, once it answers. Ctrl-C or SIGTERM "
           "stops "
           "it: what is under way is finished, nothing that was acknowledged is lost.\n\n"
           "It listens on this machine only, and then asks nobody who they are. Any other address needs --auth, or "
           "--insecure where everybody who can reach it may do everything.\n\n"
           "The options of `mlflow server` keep their names and meaning; clients switch by changing one URL.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
