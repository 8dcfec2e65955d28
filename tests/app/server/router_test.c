// SPDX-License-Identifier: Apache-2.0
/* router_test.c: dispatch, decoding, the check of tables, and what is printed from them. */
#include "app/server/router.h"

#include <stdlib.h>

#include "app/server/document.h"
#include "core/io/file.h"
#include "frame/test.h"

static int nothing(ag_request *request, ag_response *response, ag_err *err)
{
    (void)request;
    (void)response;
    (void)err;
    return AG_OK;
}

#define ROW(m, p) {.method = AG_METHOD_##m, .path = (p), .rule = AG_PUBLIC, .summary = (p), .handle = nothing}
static const ag_route routes[] = {
    ROW(GET, "/"),
    ROW(GET, "/runs/get"),
    ROW(POST, "/runs/search"),
    ROW(GET, "/runs/{id}"),
    ROW(DELETE, "/runs/{id}"),
    ROW(GET, "/runs/{id}/tags/{key}"),
    ROW(GET, "/runs/fixed/tags/special"),
    ROW(PUT, "/artifacts/{path...}"),
    ROW(GET, "/artifacts"),
    ROW(GET, "/artifacts/index"),
};
static const char *const prefixes[] = {"/api", "/ajax-api", NULL};
static const ag_route_group group = {
    .name = "G", .doc = "D", .prefixes = prefixes, .routes = routes, .count = sizeof(routes) / sizeof(routes[0])};
static const ag_route_group *const list[] = {&group};
static const ag_route_groups groups = {list, 1};

static ag_router *router;
static ag_arena *arena;

/* The path of the row that is found, "405" or "404". */
static const char *find(ag_method method, const char *path, ag_match *match)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_router_find(router, method, ag_str_of(path), arena, match, &err));
    if (match->row) return match->row->route->path;
    return match->allowed ? "405" : "404";
}

static void begin(void)
{
    ag_err err = {0};
    arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_router_new(groups, NULL, &router, &err));
}

static void end(void)
{
    ag_router_free(router);
    ag_arena_free(arena);
}

AG_TEST(test_router__literals_go_before_captures)
{
    ag_match match;
    begin();
    assert_string_equal(find(AG_METHOD_GET, "/api/", &match), "/");
    assert_string_equal(find(AG_METHOD_GET, "/api", &match), "404");
    assert_string_equal(find(AG_METHOD_GET, "/api/runs/get", &match), "/runs/get");
    assert_string_equal(find(AG_METHOD_GET, "/ajax-api/runs/get", &match), "/runs/get");
    assert_string_equal(find(AG_METHOD_GET, "/api/runs/search", &match), "/runs/{id}"); /* only POST is literal */
    assert_string_equal(find(AG_METHOD_GET, "/api/runs/x", &match), "/runs/{id}");
    assert_true(ag_str_is(match.captures[0], "x"));
    assert_string_equal(find(AG_METHOD_HEAD, "/api/runs/x", &match), "/runs/{id}");
    assert_string_equal(find(AG_METHOD_PATCH, "/api/runs/x", &match), "405");
    assert_int_equal(match.allowed, 1U << AG_METHOD_GET | 1U << AG_METHOD_HEAD | 1U << AG_METHOD_DELETE);
    assert_string_equal(find(AG_METHOD_GET, "/api/runs/fixed/tags/special", &match), "/runs/fixed/tags/special");
    assert_string_equal(find(AG_METHOD_GET, "/api/runs/fixed/tags/other", &match), "/runs/{id}/tags/{key}");
    assert_int_equal(match.capture_count, 2);
    assert_true(ag_str_is(match.captures[0], "fixed"));
    assert_true(ag_str_is(match.captures[1], "other"));
    end();
}

AG_TEST(test_router__what_is_not_there)
{
    static const char *const absent[] = {"/",
                                         "",
                                         "/api/runs/",
                                         "/api//runs/get",
                                         "//api/runs/get",
                                         "/api/runs/get/",
                                         "/API/runs/get",
                                         "/api/runs/./get",
                                         "/api/x/../runs/get",
                                         "api/runs/get",
                                         "/api/runs/a/tags/",
                                         "/api/runs/{id}/x",
                                         "/api/artifacts/"};
    ag_match match;
    begin();
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        if (strcmp(find(AG_METHOD_GET, absent[i], &match), "404") != 0) fail_msg("%s is found", absent[i]);
    end();
}

AG_TEST(test_router__parts_are_decoded_once)
{
    ag_err err = {0};
    ag_match match;
    begin();
    assert_string_equal(find(AG_METHOD_GET, "/api/run%73/%67et", &match), "/runs/get");
    find(AG_METHOD_GET, "/api/runs/a%2Fb%20c+d", &match);
    assert_true(ag_str_is(match.captures[0], "a/b c+d"));
    find(AG_METHOD_GET, "/api/runs/%252e%252e", &match);
    assert_true(ag_str_is(match.captures[0], "%2e%2e"));
    assert_string_equal(find(AG_METHOD_PUT, "/api/artifacts/a/b%2fc/../%2e%2e/d//", &match), "/artifacts/{path...}");
    assert_true(ag_str_is(match.captures[0], "a/b/c/../../d//"));
    assert_string_equal(find(AG_METHOD_PUT, "/api/artifacts/index", &match), "/artifacts/{path...}");
    assert_string_equal(find(AG_METHOD_PUT, "/api/artifacts/", &match), "404");
    end();
    begin();
    static const char *const bad[] = {"/api/runs/%",   "/api/runs/%4",  "/api/runs/%zz",
                                      "/api/runs/%00", "/api/runs/%ff", "/api/runs/%c3"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        AG_EXPECT_ERROR(ag_router_find(router, AG_METHOD_GET, ag_str_of(bad[i]), arena, &match, &err), AG_EPARSE, "");
    end();
}

AG_TEST(test_router__deep_paths)
{
    ag_match match;
    begin();
    char path[4096] = "/api/artifacts";
    size_t used = strlen(path);
    for (int i = 0; i < 500; i++) {
        memcpy(path + used, "/a", 3);
        used += 2;
    }
    assert_string_equal(find(AG_METHOD_PUT, path, &match), "/artifacts/{path...}");
    assert_int_equal(match.captures[0].size, 999);
    memcpy(path, "/api/artifactz", 14);
    assert_string_equal(find(AG_METHOD_PUT, path, &match), "404");
    end();
}

AG_TEST(test_query__pairs)
{
    ag_err err = {0};
    ag_uri_pair *pairs = NULL;
    size_t count = 0;
    arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_decode_query(arena, AG_STR("a=1&b=x+y%26&&a=2&c&=d&e=f=g"), &pairs, &count, &err));
    assert_int_equal(count, 6);
    assert_true(ag_str_is(pairs[1].value, "x y&"));
    assert_true(ag_str_is(pairs[2].name, "a"));
    assert_true(ag_str_is(pairs[3].name, "c") && pairs[3].value.size == 0);
    assert_true(pairs[4].name.size == 0 && ag_str_is(pairs[4].value, "d"));
    assert_true(ag_str_is(pairs[5].value, "f=g"));
    AG_EXPECT_OK(ag_decode_query(arena, (ag_str){0}, &pairs, &count, &err));
    assert_int_equal(count, 0);
    AG_EXPECT_ERROR(ag_decode_query(arena, AG_STR("a=%"), &pairs, &count, &err), AG_EPARSE, "");
    AG_EXPECT_ERROR(ag_decode_query(arena, AG_STR("%00=a"), &pairs, &count, &err), AG_EPARSE, "");
    static char many[5000];
    memset(many, '&', sizeof(many));
    AG_EXPECT_ERROR(ag_decode_query(arena, (ag_str){many, sizeof(many)}, &pairs, &count, &err), AG_ELIMIT,
                    "parameters");
    ag_arena_free(arena);
}

/* ---- tables ---- */

static void unsound(ag_route route, const char *part)
{
    ag_err err = {0};
    const ag_route two[] = {ROW(GET, "/fine"), route};
    const ag_route_group bad = {.name = "G", .doc = "D", .routes = two, .count = 2};
    const ag_route_group *const one[] = {&bad};
    AG_EXPECT_ERROR(ag_route_groups_verify((ag_route_groups){one, 1}, &err), AG_EINTERNAL, part);
}

AG_TEST(test_tables__unsound_ones_are_found)
{
    unsound((ag_route)ROW(GET, "/fine"), "two routes");
    unsound((ag_route)ROW(GET, "fine"), "without a path");
    unsound((ag_route)ROW(GET, "/a{b}"), "whole part");
    unsound((ag_route)ROW(GET, "/{}"), "whole part");
    unsound((ag_route)ROW(GET, "/{a"), "whole part");
    unsound((ag_route)ROW(GET, "/{a...}/b"), "comes last");
    unsound((ag_route)ROW(HEAD, "/b"), "HEAD");
    unsound((ag_route)ROW(GET, "/1/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"), "captures");
    ag_route route = ROW(GET, "/b");
    route.summary = NULL;
    unsound(route, "no summary");
    route = (ag_route)ROW(GET, "/b");
    route.body = AG_BODY_JSON;
    unsound(route, "no body");
    route = (ag_route)ROW(GET, "/b");
    route.rule = (ag_rule){.may = AG_MAY_ROLE};
    unsound(route, "scope");
    route.rule = (ag_rule){.may = AG_MAY_USER, .role = AG_ROLE_EDITOR};
    unsound(route, "scope");
}

AG_TEST(test_tables__ours_are_sound)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_route_groups_verify(ag_route_groups_all(), &err));
    AG_EXPECT_OK(ag_route_groups_verify(groups, &err));
}

AG_TEST(test_tables__openapi_is_json_that_names_every_path)
{
    ag_err err = {0};
    ag_buf text;
    ag_buf_init(&text, 64 << 20);
    arena = ag_arena_new(0);
    const ag_value *root = NULL;
    AG_EXPECT_OK(ag_openapi_print(ag_route_groups_all(), NULL, "http://x", &text, &err));
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&text), NULL, &root, &err)); /* refuses a path that is there twice */
    assert_non_null(ag_value_get(ag_value_get(root, "paths"), "/health"));
    ag_buf_clear(&text);
    AG_EXPECT_OK(ag_openapi_print(groups, NULL, NULL, &text, &err));
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&text), NULL, &root, &err));
    const ag_value *path = ag_value_get(ag_value_get(root, "paths"), "/api/artifacts/{path}");
    assert_non_null(ag_value_get(path, "put"));
    path = ag_value_get(ag_value_get(root, "paths"), "/api/runs/{id}");
    assert_non_null(ag_value_get(path, "get"));
    assert_non_null(ag_value_get(path, "delete"));
    ag_arena_free(arena);
    ag_buf_deinit(&text);
}

AG_TEST(test_tables__docs_api_is_current)
{
    ag_err err = {0};
    const char *source = getenv("AUGER_SOURCE");
    if (!source) ag_test_skip("AUGER_SOURCE is not set");
    char path[4096];
    ag_format(path, sizeof(path), "%s/docs/api.md", source);
    ag_buf wanted, there;
    ag_buf_init(&wanted, 64 << 20);
    ag_buf_init(&there, 64 << 20);
    AG_EXPECT_OK(ag_routes_markdown(ag_route_groups_all(), &wanted, &err));
    AG_EXPECT_OK(ag_file_read(path, 64 << 20, &there, &err));
    if (!ag_str_equal(ag_buf_str(&wanted), ag_buf_str(&there)))
        fail_msg("docs/api.md is old: run 'build/auger serve --print-routes > docs/api.md'");
    ag_buf_deinit(&wanted);
    ag_buf_deinit(&there);
}
