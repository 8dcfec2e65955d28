// SPDX-License-Identifier: Apache-2.0
#pragma once
/* talk.h: a server with a fresh ledger and all routes, and short ways to ask it as MLflow's clients do. For tests. */
#include "app/server/wire.h"
#include "core/doc/json.h"
#include "core/io/file.h"
#include "ledger/ledger.h"

static ag_server *talk_server;
static ag_ledger *talk_ledger;
static ag_arena *talk_arena;
static char talk_home[512];

static bool talk_webhook_private __attribute__((unused));
static const char *talk_authorization = ""; /* a header line for every request */

static __attribute__((unused)) void talk_begin_with(bool authenticate)
{
    static int homes;
    ag_err err = {0};
    ag_server_options options = wire_options();
    ag_format(talk_home, sizeof(talk_home), "%s/home-%d", ag_test_dir(), ++homes);
    ag_ledger_options ledger = {.home = talk_home, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_open(&ledger, &talk_ledger, &err));
    options.ledger = talk_ledger;
    options.groups = ag_route_groups_all();
    options.serve_artifacts = true;
    options.webhook_private = talk_webhook_private;
    options.authenticate = authenticate;
    options.door = &ag_door_of_ledger;
    options.door_context = talk_ledger;
    talk_authorization = "";
    talk_server = wire_start(&options);
    talk_arena = ag_arena_new(0);
}

static __attribute__((unused)) void talk_begin(void)
{
    talk_begin_with(false);
}

static __attribute__((unused)) void talk_end(void)
{
    ag_server_free(talk_server);
    ag_ledger_close(talk_ledger);
    ag_arena_free(talk_arena);
}

/* The answer, head and body, in the arena. */
static __attribute__((unused)) const char *ask(const char *method, const char *target, const char *body)
{
    char *request = ag_arena_printf(talk_arena,
                                    "%s %s HTTP/1.1\r\n" HOST
                                    "Connection: close\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n"
                                    "\r\n%s",
                                    method, target, talk_authorization, body ? strlen(body) : 0, body ? body : "");
    assert_non_null(request);
    char *answer = wire_ask(ag_server_port(talk_server), request);
    const char *kept = ag_arena_strdup(talk_arena, answer);
    ag_free(answer);
    return kept;
}

static __attribute__((unused)) const char *body_of(const char *answer)
{
    const char *gap = strstr(answer, "\r\n\r\n");
    return gap ? gap + 4 : "";
}

/* `part` must be in the body. */
static __attribute__((unused)) void expect(const char *method, const char *target, const char *body, int status,
                                           const char *part)
{
    const char *answer = ask(method, target, body);
    if (wire_status(answer) != status || (part && !strstr(body_of(answer), part)))
        fail_msg("%s %s %.300s\nwanted %d and '%s', got:\n%.900s", method, target, body ? body : "", status,
                 part ? part : "", answer);
}

#define API "/api/2.0/mlflow/"

/* Below API. */
static __attribute__((unused)) void post(const char *path, const char *body, int status, const char *part)
{
    expect("POST", ag_arena_printf(talk_arena, API "%s", path), body, status, part);
}

static __attribute__((unused)) void get(const char *path, int status, const char *part)
{
    expect("GET", ag_arena_printf(talk_arena, API "%s", path), NULL, status, part);
}

/* The text at a path ("run.info.run_id") of a good answer. */
static __attribute__((unused)) const char *text_at(const char *answer, const char *path)
{
    ag_err err = {0};
    const ag_value *root = NULL;
    ag_str text = {0};
    if (wire_status(answer) != 200) fail_msg("not 200: %.600s", answer);
    AG_EXPECT_OK(ag_json_parse(talk_arena, ag_str_of(body_of(answer)), NULL, &root, &err));
    assert_true(ag_value_string(ag_value_at(root, path), &text));
    return ag_arena_strndup(talk_arena, text.data, text.size);
}

static __attribute__((unused)) const char *new_run(void)
{
    return text_at(ask("POST", API "runs/create", "{\"experiment_id\":\"0\"}"), "run.info.run_id");
}

/* printf into the arena. */
#define text(...) ag_arena_printf(talk_arena, __VA_ARGS__)
