// SPDX-License-Identifier: Apache-2.0
/* auth_test.c: who may do what: every route of the program and of the test groups against every role, over real
 * sockets, with a door of known people; and the ledger's own people behind it. */
#include <stdatomic.h>

#include "app/server/router.h"
#include "app/server/wire.h"
#include "ledger/user.h"

/* People are named after their role; the secret of each is the name and "-secret". */
static const char *const people[] = {"nobody", "reader", "editor", "manager", "admin"};
static atomic_int checks; /* how often the door was asked */

static int check_password(void *context, ag_str name, ag_str password, ag_arena *arena, ag_user *out, ag_err *err)
{
    (void)context;
    (void)arena;
    atomic_fetch_add(&checks, 1);
    for (size_t i = 0; i < 5; i++) {
        char secret[32];
        ag_format(secret, sizeof(secret), "%s-secret", people[i]);
        if (!ag_str_is(name, people[i]) || !ag_str_is(password, secret)) continue;
        *out = (ag_user){.id = (int64_t)i + 1, .name = people[i], .admin = i == 4};
        return AG_OK;
    }
    return ag_fail(err, AG_EAUTH, "no");
}

static int check_token(void *context, ag_str token, ag_arena *arena, ag_user *out, ag_err *err)
{
    ag_str name = ag_str_slice(token, 0, ag_str_find_char(token, '-', 0));
    return check_password(context, name, token, arena, out, err);
}

static int permission(void *context, ag_str user, ag_resource kind, ag_str id, ag_role *out, ag_err *err)
{
    (void)context;
    (void)kind;
    (void)id;
    (void)err;
    for (size_t i = 0; i < 5; i++)
        if (ag_str_is(user, people[i])) *out = (ag_role)i;
    return AG_OK;
}

static const ag_door door = {check_password, check_token, permission};
static ag_server *server;
static uint16_t port;

static void begin(void)
{
    ag_server_options options = wire_options();
    options.authenticate = true;
    options.door = &door;
    server = wire_start(&options);
    port = ag_server_port(server);
    atomic_store(&checks, 0);
}

static void basic(const char *name, char *out, size_t size)
{
    char plain[128];
    ag_buf coded;
    ag_buf_init(&coded, 1024);
    ag_format(plain, sizeof(plain), "%s:%s-secret", name, name);
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(plain);
    for (size_t i = 0; i < length; i += 3) {
        uint32_t three = (uint32_t)(unsigned char)plain[i] << 16;
        if (i + 1 < length) three |= (uint32_t)(unsigned char)plain[i + 1] << 8;
        if (i + 2 < length) three |= (unsigned char)plain[i + 2];
        for (int k = 0; k < 4; k++)
            ag_buf_add_char(&coded, (size_t)k > length - i ? '=' : digits[three >> (18 - 6 * k) & 63]);
    }
    ag_format(out, size, "Authorization: Basic %s\r\n", coded.data);
    ag_buf_deinit(&coded);
}

/* Asks a route as somebody (NULL: without a name), with every field that a rule could look at. Returns the status. */
static int ask(const ag_route_group *group, const ag_route *route, const char *prefix, const char *name)
{
    char path[512], line[256] = "", request[2048];
    size_t used = 0;
    ag_format(path, sizeof(path), "%s", prefix);
    used = strlen(path);
    for (const char *at = route->path; *at && used < sizeof(path) - 2; at++) {
        if (*at == '{') {
            path[used++] = '7';
            at = strchr(at, '}');
        } else {
            path[used++] = *at;
        }
    }
    path[used] = '\0';
    (void)group;
    if (name) basic(name, line, sizeof(line));
    char body[512] = "";
    const char *field = route->rule.field ? route->rule.field : "x";
    char first[64];
    ag_format(first, sizeof(first), "%.*s", (int)strcspn(field, "|"), field);
    if (route->body == AG_BODY_JSON) ag_format(body, sizeof(body), "{\"%s\":\"7\"}", first);
    ag_format(request, sizeof(request),
              "%s %s?%s=7 HTTP/1.1\r\n" HOST "Connection: close\r\n%s%sContent-Length: %zu\r\n\r\n%s",
              ag_method_name(route->method), path, first, line, body[0] ? "Content-Type: application/json\r\n" : "",
              strlen(body), body);
    char *answer = wire_ask(port, request);
    int status = wire_status(answer);
    if (status == 401) {
        assert_non_null(strstr(answer, "WWW-Authenticate: Basic realm=\"mlflow\"\r\n"));
        assert_non_null(strstr(answer, "You are not authenticated"));
    }
    if (status == 403) assert_non_null(strstr(answer, "Permission denied"));
    ag_free(answer);
    return status;
}

/* What the rule says for somebody of this role (-1: without a name). */
static int wanted(const ag_rule *rule, int role)
{
    if (rule->may == AG_MAY_PUBLIC) return 200;
    if (role < 0) return 401;
    if (role == AG_ROLE_ADMIN || rule->may == AG_MAY_USER) return 200;
    if (rule->may == AG_MAY_ADMIN) return 403;
    return role >= (int)rule->role ? 200 : 403;
}

/* A route that streams for ever, or that needs a ledger behind it, is only asked by whom it must refuse. */
static void check_route(const ag_route_group *group, const ag_route *route, const char *prefix)
{
    for (int role = -1; role <= AG_ROLE_ADMIN; role++) {
        int expected = wanted(&route->rule, role);
        bool of_experiment = !route->rule.scope || route->rule.scope == &ag_scope_experiment ||
                             route->rule.scope == &ag_scope_model || route->rule.scope == &ag_scope_artifact;
        if (expected == 200 && (group->prefixes || !of_experiment)) continue;
        if (expected == 403 && !of_experiment) continue;
        int status = ask(group, route, prefix, role < 0 ? NULL : people[role]);
        bool fits = expected == 200 ? status != 401 && status != 403 : status == expected;
        if (!fits)
            fail_msg("%s %s%s as %s: wanted %d, got %d", ag_method_name(route->method), prefix, route->path,
                     role < 0 ? "nobody known" : people[role], expected, status);
    }
}

static void check_groups(ag_route_groups groups)
{
    static const char *const once[] = {"", NULL};
    for (size_t i = 0; i < groups.count; i++) {
        const ag_route_group *group = groups.items[i];
        for (const char *const *prefix = group->prefixes ? group->prefixes : once; *prefix; prefix++)
            for (size_t k = 0; k < group->count; k++) check_route(group, &group->routes[k], *prefix);
    }
}

AG_TEST(test_matrix__every_role_on_every_test_route)
{
    begin();
    check_groups(wire_groups);
    ag_server_free(server);
}

AG_TEST(test_matrix__every_role_on_every_route_of_the_program)
{
    ag_server_options options = wire_options();
    options.groups = ag_route_groups_all();
    options.authenticate = true;
    options.serve_artifacts = true;
    options.door = &door;
    server = wire_start(&options);
    port = ag_server_port(server);
    check_groups(options.groups);
    ag_server_free(server);
}

AG_TEST(test_auth__schemes_and_refusals)
{
    char line[256];
    begin();
    basic("reader", line, sizeof(line));
    char request[512];
    ag_format(request, sizeof(request), "GET /me HTTP/1.1\r\n" HOST "Connection: close\r\n%s\r\n", line);
    wire_expect(port, request, 200, "hello reader");
    wire_expect(port, "GET /me HTTP/1.1\r\n" HOST "Connection: close\r\nAuthorization: Bearer editor-secret\r\n\r\n",
                200, "hello editor");
    wire_expect(port, "GET /me HTTP/1.1\r\n" HOST "Connection: close\r\nAuthorization: Bearer wrong\r\n\r\n", 401,
                NULL);
    wire_expect(port, "GET /me HTTP/1.1\r\n" HOST "Connection: close\r\nAuthorization: Basic !\r\n\r\n", 401, NULL);
    wire_expect(port, "GET /me HTTP/1.1\r\n" HOST "Connection: close\r\nAuthorization: Digest a\r\n\r\n", 401, NULL);
    wire_expect(port, "GET /me HTTP/1.1\r\n" HOST "Connection: close\r\nAuthorization:\r\n\r\n", 401, NULL);
    wire_expect(port, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\nAuthorization: Basic !\r\n\r\n", 200,
                "hello nobody");
    /* A rule's field that is absent is refused, not passed. */
    ag_format(request, sizeof(request),
              "POST /read HTTP/1.1\r\n" HOST "Connection: close\r\n%sContent-Length: 0\r\n\r\n", line);
    wire_expect(port, request, 400, "Missing value for required parameter 'experiment_id'.");
    ag_server_free(server);
}

AG_TEST(test_auth__secrets_are_believed_for_a_while)
{
    static const char asked[] =
        "GET /me HTTP/1.1\r\n" HOST "Connection: close\r\nAuthorization: Bearer reader-secret\r\n\r\n";
    begin();
    for (int i = 0; i < 50; i++) wire_expect(port, asked, 200, "hello reader");
    assert_int_equal(atomic_load(&checks), 1);
    ag_server_forget(server, AG_STR("other"));
    wire_expect(port, asked, 200, NULL);
    assert_int_equal(atomic_load(&checks), 1);
    ag_server_forget(server, AG_STR("reader"));
    wire_expect(port, asked, 200, NULL);
    assert_int_equal(atomic_load(&checks), 2);
    ag_server_free(server);
}

/* Who guesses so slowly that his wait is over each time waits twice as long the next time. */
AG_TEST(test_auth__guessing_is_slowed_down)
{
    static const char guess[] =
        "GET /me HTTP/1.1\r\n" HOST "Connection: close\r\nAuthorization: Basic cmVhZGVyOng=\r\n\r\n";
    begin();
    for (int i = 0; i < 5; i++) wire_expect(port, guess, 401, NULL);
    char *answer = wire_ask(port, guess);
    for (int i = 0; i < 15 && wire_status(answer) == 401; i++) {
        ag_free(answer);
        answer = wire_ask(port, guess);
    }
    assert_int_equal(wire_status(answer), 429);
    assert_non_null(strstr(answer, "Retry-After: "));
    ag_free(answer);
    /* Others from the same address may still come in. */
    wire_expect(port, "GET /me HTTP/1.1\r\n" HOST "Connection: close\r\nAuthorization: Bearer editor-secret\r\n\r\n",
                200, NULL);
    ag_server_free(server);
}

AG_TEST(test_auth__the_people_of_the_ledger)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_user user;
    const char *token = NULL;
    AG_EXPECT_OK(ag_ledger_open(&(ag_ledger_options){.home = ag_test_dir()}, &ledger, &err));
    ag_actor actor = {.name = "test"};
    AG_EXPECT_OK(ag_user_create(ledger, &actor, AG_STR("reader"), AG_STR("reader-secret"), false, arena, &user, &err));
    AG_EXPECT_OK(ag_token_create(ledger, &actor, AG_STR("reader"), AG_STR("t"), 0, arena, &token, &err));
    AG_EXPECT_OK(
        ag_permission_set(ledger, &actor, AG_STR("reader"), AG_RESOURCE_EXPERIMENT, AG_STR("0"), AG_ROLE_EDITOR, &err));
    ag_server_options options = wire_options();
    options.authenticate = true;
    options.ledger = ledger;
    options.door = &ag_door_of_ledger;
    options.door_context = ledger;
    server = wire_start(&options);
    port = ag_server_port(server);
    char line[256], request[512];
    basic("reader", line, sizeof(line));
    ag_format(request, sizeof(request), "GET /me HTTP/1.1\r\n" HOST "Connection: close\r\n%s\r\n", line);
    wire_expect(port, request, 200, "hello reader");
    ag_format(request, sizeof(request),
              "PUT /manage/0 HTTP/1.1\r\n" HOST
              "Connection: close\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\n\r\n",
              token);
    wire_expect(port, request, 403, "Permission denied");
    AG_EXPECT_OK(ag_permission_set(ledger, &actor, AG_STR("reader"), AG_RESOURCE_EXPERIMENT, AG_STR("0"),
                                   AG_ROLE_MANAGER, &err));
    wire_expect(port, request, 200, NULL);
    AG_EXPECT_OK(ag_user_delete(ledger, &actor, AG_STR("reader"), &err));
    ag_server_forget(server, AG_STR("reader"));
    wire_expect(port, request, 401, NULL);
    ag_server_free(server);
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}
