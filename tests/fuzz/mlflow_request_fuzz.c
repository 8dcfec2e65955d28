// SPDX-License-Identifier: Apache-2.0
/* mlflow_request_fuzz.c: a request as a stranger writes it, through the router to the handler on a real ledger: first
 * line "METHOD TARGET", the rest is the body. "@R", "@L" and "@M" stand for a run, a logged model and a registered
 * model that are there. Whatever is asked, the answer is an answer: nothing may fail as the server's own fault, what is
 * said is UTF-8, and what is sent as JSON is JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/server/head.h"
#include "app/server/router.h"
#include "core/base/mem.h"
#include "core/doc/json.h"
#include "core/io/file.h"
#include "ledger/logged_model.h"
#include "ledger/model.h"
#include "ledger/run.h"

enum { MOST = 64 << 10, USES = 20000 };

static ag_router *router;
static ag_ledger *ledger;
static char home[64], run_id[64], logged_id[64];
static unsigned uses;

static void require(int truth)
{
    if (!truth) abort();
}

static void remove_home(void)
{
    ag_ledger_close(ledger);
    ledger = NULL;
    if (home[0]) ag_dir_remove(home, NULL);
}

/* A fresh ledger from time to time, so that what piles up does not slow the rest. Files lie in memory where that is
 * possible: here nothing is to survive. */
static void prepare(void)
{
    static const char *const places[] = {"/dev/shm", "/tmp"};
    ag_err err = {0};
    ag_run run;
    ag_logged_model logged;
    ag_registered_model model;
    if (uses++ % USES && ledger) return;
    if (!router) {
        require(ag_router_new(ag_route_groups_all(), NULL, &router, &err) == AG_OK);
        require(atexit(remove_home) == 0);
    }
    remove_home();
    ag_format(home, sizeof(home), "%s/auger-fuzz-%d", places[access(places[0], W_OK) != 0], (int)getpid());
    ag_dir_remove(home, NULL);
    require(ag_ledger_open(&(ag_ledger_options){.home = home, .artifact_root = "mlflow-artifacts:/"}, &ledger, &err) ==
            AG_OK);
    ag_arena *arena = ag_arena_new(0);
    require(arena && ag_run_create(ledger, &(ag_run_new){.experiment_id = AG_STR("0")}, arena, &run, &err) == AG_OK);
    ag_logged_model_new wanted = {.experiment_id = AG_STR("0"), .name = AG_STR("logged")};
    require(ag_logged_model_create(ledger, NULL, &wanted, arena, &logged, &err) == AG_OK);
    require(ag_model_create(ledger, NULL, AG_STR("M"), AG_STR(""), (ag_pairs){0}, arena, &model, &err) == AG_OK);
    ag_format(run_id, sizeof(run_id), "%s", run.id);
    ag_format(logged_id, sizeof(logged_id), "%s", logged.id);
    ag_arena_free(arena);
}

static void expand(ag_str from, ag_buf *into)
{
    for (size_t i = 0; i < from.size; i++) {
        char next = i + 1 < from.size ? from.data[i + 1] : '\0';
        const char *stands_for = next == 'R' ? run_id : next == 'L' ? logged_id : next == 'M' ? "M" : NULL;
        if (from.data[i] != '@' || !stands_for) {
            ag_buf_add_char(into, from.data[i]);
            continue;
        }
        ag_buf_add_text(into, stands_for);
        i++;
    }
}

static bool find_method(ag_str name, ag_method *out)
{
    for (int i = 0; i < AG_METHOD_COUNT; i++) {
        *out = (ag_method)i;
        if (ag_str_is(name, ag_method_name(*out))) return true;
    }
    return false;
}

static void check_answer(const ag_response *response)
{
    const ag_value *value;
    ag_arena *arena = ag_arena_new(0);
    require(response->status >= 200 && response->status < 600);
    if (arena && response->kind == AG_RESPONSE_BUFFER && response->content_type &&
        strcmp(response->content_type, "application/json") == 0)
        require(ag_json_parse(arena, ag_buf_str((ag_buf *)&response->body), NULL, &value, NULL) >= 0);
    ag_arena_free(arena);
}

static void check_failure(int rc, const ag_err *err)
{
    static const ag_code ours[] = {AG_EIO, AG_EINTERNAL, AG_ECORRUPT, AG_EUNAVAILABLE, AG_ETIMEOUT, AG_EFULL};
    require((int)err->code == rc && err->text[0] && ag_utf8_valid(ag_str_of(err->text)));
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (err->code != ours[i]) continue;
        fprintf(stderr, "%s: %s\n", ag_code_name(err->code), err->text);
        abort();
    }
}

/* The body as the server reads it. False: refused there. */
static bool give_body(ag_request *request, ag_str body, ag_err *err)
{
    static const ag_value empty = {.kind = AG_OBJECT};
    ag_json_options options = {.nonfinite = AG_JSON_NONFINITE_WORDS, .allow_duplicates = true};
    request->body = body;
    request->body_size = (int64_t)body.size;
    if (request->route->body == AG_BODY_STREAM)
        return ag_reader_of_memory(body.data, body.size, &request->stream, err) >= 0;
    if (request->route->body != AG_BODY_JSON) return true;
    request->json = &empty;
    if (ag_str_trim(body).size == 0) return true;
    int rc = ag_json_parse(request->arena, body, &options, &request->json, err);
    if (rc >= 0 && request->json->kind == AG_STRING)
        rc = ag_json_parse(request->arena, request->json->string, &options, &request->json, err);
    return rc >= 0;
}

static void handle(ag_arena *arena, ag_method method, ag_str target, ag_str body)
{
    ag_err err = {0};
    ag_match match;
    size_t mark = ag_str_find_char(target, '?', 0);
    ag_str path = ag_str_slice(target, 0, mark), query = {0};
    if (mark != SIZE_MAX) query = ag_str_slice(target, mark + 1, target.size);
    if (ag_router_find(router, method, path, arena, &match, &err) < 0 || !match.row) return;
    if (!match.row->group->fail) return;                             /* of the server itself: they need one */
    if (strcmp(match.row->group->name, "MLflow users") == 0) return; /* a password's hash takes long on purpose */
    ag_request request = {.ledger = ledger,
                          .route = match.row->route,
                          .method = method,
                          .target = target,
                          .path = path,
                          .captures = match.captures,
                          .capture_count = match.capture_count,
                          .id = "fuzz",
                          .peer = "127.0.0.1",
                          .origin = "http://127.0.0.1",
                          .who = {.admin = true},
                          .arena = arena};
    ag_response response = {.status = 200, .arena = arena};
    ag_buf_init(&response.body, (size_t)64 << 20);
    if (ag_decode_query(arena, query, &request.query, &request.query_count, &err) >= 0 &&
        give_body(&request, body, &err)) {
        int rc = match.row->route->handle(&request, &response, &err);
        if (rc < 0)
            check_failure(rc, &err);
        else
            check_answer(&response);
    }
    ag_reader_close(response.stream);
    ag_reader_close(request.stream);
    ag_buf_deinit(&response.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_buf text;
    ag_method method;
    prepare();
    ag_arena *arena = ag_arena_new(0);
    if (!arena || size > MOST) {
        ag_arena_free(arena);
        return 0;
    }
    ag_buf_init(&text, (size_t)8 << 20);
    expand((ag_str){(const char *)data, size}, &text);
    ag_str all = ag_buf_str(&text), line = ag_str_slice(all, 0, ag_str_find_char(all, '\n', 0));
    ag_str body = line.size < all.size ? ag_str_slice(all, line.size + 1, all.size) : (ag_str){"", 0};
    size_t blank = ag_str_find_char(line, ' ', 0);
    if (!text.failed && blank != SIZE_MAX && find_method(ag_str_slice(line, 0, blank), &method))
        handle(arena, method, ag_str_slice(line, blank + 1, line.size), body);
    ag_buf_deinit(&text);
    ag_arena_free(arena);
    return 0;
}
