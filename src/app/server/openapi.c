// SPDX-License-Identifier: Apache-2.0
/* openapi.c: the route tables as OpenAPI 3.1. A path is printed once with all its methods; of a group that is mounted
 * several times the first mount is described, the others are named in x-auger-also. Answers are described by their
 * kind: the tables know requests in full, of answers only what they are. */
#include "app/server/document.h"
#include "app/server/router.h"
#include "app/server/schema.h"

typedef struct book {
    ag_route_groups groups;
    const ag_server *server;
    ag_json *json;
} book;

static bool is_there(const book *b, const ag_route_group *group)
{
    return !b->server || !group->enabled || group->enabled(b->server);
}

static const char *first_prefix(const ag_route_group *group)
{
    return group->prefixes ? group->prefixes[0] : "";
}

/* "/a/{path...}" with its prefix, as OpenAPI writes it: "/a/{path}". */
static void write_path(const ag_route_group *group, const ag_route *route, char *out, size_t size)
{
    char whole[512];
    size_t used = 0;
    ag_format(whole, sizeof(whole), "%s%s", first_prefix(group), route->path);
    for (const char *at = whole; *at && used + 1 < size; at++)
        if (strncmp(at, "...}", 4) != 0)
            out[used++] = *at;
        else
            at += 2;
    out[used] = '\0';
}

static void put_schema_of_type(ag_json *json, const char *type)
{
    size_t size = strlen(type);
    ag_json_begin_object(json);
    if (size > 2 && strcmp(type + size - 2, "[]") == 0) {
        char item[32];
        ag_format(item, sizeof(item), "%.*s", (int)(size - 2), type);
        ag_json_put_text(json, "type", "array");
        ag_json_name(json, "items");
        put_schema_of_type(json, item);
    } else {
        ag_json_put_text(json, "type", type);
    }
    ag_json_end_object(json);
}

static void put_parameter(ag_json *json, ag_str name, const char *place, const char *type, bool required,
                          const char *doc)
{
    ag_json_begin_object(json);
    ag_json_name(json, "name");
    ag_json_str(json, name);
    ag_json_put_text(json, "in", place);
    ag_json_put_bool(json, "required", required);
    if (doc) ag_json_put_text(json, "description", doc);
    ag_json_name(json, "schema");
    put_schema_of_type(json, type);
    ag_json_end_object(json);
}

static bool is_capture(const ag_route *route, const char *name)
{
    ag_str capture;
    for (size_t i = 0; (capture = ag_route_capture_name(route->path, i)).data; i++)
        if (ag_str_is(capture, name)) return true;
    return false;
}

static void put_field_parameter(ag_json *json, const ag_field *field, const char *name)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", name);
    ag_json_put_text(json, "in", "query");
    ag_json_put_bool(json, "required", field->required && !field->alias); /* either name will do */
    ag_json_name(json, "schema");
    ag_schema_put_field(json, field);
    ag_json_end_object(json);
}

static void put_parameters(ag_json *json, const ag_route *route)
{
    ag_json_name(json, "parameters");
    ag_json_begin_array(json);
    ag_str name;
    for (size_t i = 0; (name = ag_route_capture_name(route->path, i)).data; i++)
        put_parameter(json, name, "path", "string", true, NULL);
    bool in_query = route->body != AG_BODY_JSON;
    for (const ag_route_field *field = route->fields; in_query && field && field->name; field++)
        if (!is_capture(route, field->name))
            put_parameter(json, ag_str_of(field->name), "query", field->type, field->required, field->doc);
    for (size_t i = 0; in_query && route->describes && i < route->describes->count; i++) {
        const ag_field *field = &route->describes->fields[i];
        if (is_capture(route, field->name)) continue;
        put_field_parameter(json, field, field->name);
        if (field->alias) put_field_parameter(json, field, field->alias);
    }
    ag_json_end_array(json);
}

static void put_body_schema(ag_json *json, const ag_route *route)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "type", "object");
    ag_json_name(json, "properties");
    ag_json_begin_object(json);
    for (const ag_route_field *field = route->fields; field && field->name; field++) {
        ag_json_name(json, field->name);
        put_schema_of_type(json, field->type);
    }
    ag_json_end_object(json);
    ag_json_name(json, "required");
    ag_json_begin_array(json);
    for (const ag_route_field *field = route->fields; field && field->name; field++)
        if (field->required) ag_json_text(json, field->name);
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static void put_body(ag_json *json, const ag_route *route)
{
    if (route->body == AG_BODY_NONE) return;
    ag_json_name(json, "requestBody");
    ag_json_begin_object(json);
    ag_json_name(json, "content");
    ag_json_begin_object(json);
    ag_json_name(json, route->body == AG_BODY_JSON ? "application/json" : "application/octet-stream");
    ag_json_begin_object(json);
    ag_json_name(json, "schema");
    if (route->body == AG_BODY_JSON && route->describes) {
        ag_schema_put(json, route->describes);
    } else if (route->body == AG_BODY_JSON) {
        put_body_schema(json, route);
    } else {
        ag_json_begin_object(json);
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
    ag_json_end_object(json);
    ag_json_end_object(json);
}

static void put_rule(ag_json *json, const ag_rule *rule)
{
    ag_buf words;
    ag_buf_init(&words, 1024);
    ag_rule_words(rule, &words);
    ag_json_put_text(json, "x-auger-permission", words.data ? words.data : "");
    ag_buf_deinit(&words);
    if (rule->may != AG_MAY_PUBLIC) return;
    ag_json_name(json, "security");
    ag_json_begin_array(json);
    ag_json_end_array(json);
}

static void put_id(ag_json *json, const ag_route *route, const char *path)
{
    char id[600];
    size_t used = 0;
    ag_format(id, sizeof(id), "%s%s", ag_method_name(route->method), path);
    for (const char *at = id; *at; at++) {
        bool word = (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        if (word || (used && id[used - 1] != '_')) id[used++] = word ? *at : '_';
    }
    id[used] = '\0';
    ag_json_put_text(json, "operationId", id);
}

/* {"application/json": {"schema": {"type": "object", "required": [...]}}}; no members: any content of that type. */
static void put_content(ag_json *json, const char *type, const char *const *members)
{
    ag_json_name(json, type);
    ag_json_begin_object(json);
    ag_json_name(json, "schema");
    ag_json_begin_object(json);
    if (members) {
        ag_json_put_text(json, "type", "object");
        ag_json_name(json, "required");
        ag_json_begin_array(json);
        for (; *members; members++) ag_json_text(json, *members);
        ag_json_end_array(json);
    }
    ag_json_end_object(json);
    ag_json_end_object(json);
}

static void put_answer(ag_json *json, ag_gives gives)
{
    static const char *const types[] = {"application/json", "text/plain", "*/*", "text/event-stream", "text/html"};
    static const char *const none[] = {NULL};
    ag_json_name(json, "200");
    ag_json_begin_object(json);
    ag_json_put_text(json, "description", "What was asked for");
    ag_json_name(json, "content");
    ag_json_begin_object(json);
    put_content(json, types[gives], gives == AG_GIVES_JSON ? none : NULL);
    ag_json_end_object(json);
    ag_json_end_object(json);
}

/* Refusals before a route is found, and of a route that is off, are plain text. */
static void put_failure(ag_json *json, const ag_route_group *group)
{
    static const char *const mlflow[] = {"error_code", "message", NULL}, *const own[] = {"error", NULL};
    ag_json_name(json, "default");
    ag_json_begin_object(json);
    ag_json_put_text(json, "description", "What went wrong");
    ag_json_name(json, "content");
    ag_json_begin_object(json);
    put_content(json, "application/json", group->fail ? mlflow : own);
    put_content(json, "text/plain", NULL);
    ag_json_end_object(json);
    ag_json_end_object(json);
}

static void put_operation(ag_json *json, const ag_route_group *group, const ag_route *route, const char *path)
{
    static const char *const names[AG_METHOD_COUNT] = {"get", "head", "post", "put", "patch", "delete", "options"};
    ag_json_name(json, names[route->method]);
    ag_json_begin_object(json);
    put_id(json, route, path);
    ag_json_put_text(json, "summary", route->summary);
    if (route->doc) ag_json_put_text(json, "description", route->doc);
    ag_json_name(json, "tags");
    ag_json_begin_array(json);
    ag_json_text(json, group->name);
    ag_json_end_array(json);
    put_rule(json, &route->rule);
    put_parameters(json, route);
    put_body(json, route);
    ag_json_name(json, "responses");
    ag_json_begin_object(json);
    put_answer(json, route->gives);
    put_failure(json, group);
    ag_json_end_object(json);
    ag_json_end_object(json);
}

static void put_other_mounts(ag_json *json, const ag_route_group *group)
{
    if (!group->prefixes || !group->prefixes[0] || !group->prefixes[1]) return;
    ag_json_name(json, "x-auger-also");
    ag_json_begin_array(json);
    for (size_t i = 1; group->prefixes[i]; i++) ag_json_text(json, group->prefixes[i]);
    ag_json_end_array(json);
}

/* All methods of the path of row (g, r), unless an earlier row has printed them. */
static void put_path(const book *b, size_t g, size_t r)
{
    char path[512], other[512];
    bool open = false;
    write_path(b->groups.items[g], &b->groups.items[g]->routes[r], path, sizeof(path));
    for (size_t i = 0; i < b->groups.count; i++) {
        const ag_route_group *group = b->groups.items[i];
        if (!is_there(b, group)) continue;
        for (size_t k = 0; k < group->count; k++) {
            write_path(group, &group->routes[k], other, sizeof(other));
            if (strcmp(path, other) != 0) continue;
            if (!open && (i != g || k != r)) return;
            if (!open) {
                ag_json_name(b->json, path);
                ag_json_begin_object(b->json);
                put_other_mounts(b->json, group);
            }
            open = true;
            put_operation(b->json, group, &group->routes[k], path);
        }
    }
    if (open) ag_json_end_object(b->json);
}

static void put_info(const book *b, const char *origin)
{
    ag_json *json = b->json;
    ag_json_put_text(json, "openapi", "3.1.0");
    ag_json_name(json, "info");
    ag_json_begin_object(json);
    ag_json_put_text(json, "title", "Auger");
    ag_json_put_text(json, "version", AG_VERSION);
    ag_json_put_text(json, "description", "Models through their whole life: one ledger, many clients.");
    ag_json_end_object(json);
    ag_json_name(json, "servers");
    ag_json_begin_array(json);
    ag_json_begin_object(json);
    ag_json_put_text(json, "url", origin ? origin : "/");
    ag_json_end_object(json);
    ag_json_end_array(json);
    ag_json_name(json, "tags");
    ag_json_begin_array(json);
    for (size_t i = 0; i < b->groups.count; i++) {
        if (!is_there(b, b->groups.items[i])) continue;
        ag_json_begin_object(json);
        ag_json_put_text(json, "name", b->groups.items[i]->name);
        ag_json_put_text(json, "description", b->groups.items[i]->doc);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static void put_security(ag_json *json)
{
    static const char *const schemes[] = {"basic", "bearer"};
    ag_json_name(json, "components");
    ag_json_begin_object(json);
    ag_json_name(json, "securitySchemes");
    ag_json_begin_object(json);
    for (size_t i = 0; i < 2; i++) {
        ag_json_name(json, schemes[i]);
        ag_json_begin_object(json);
        ag_json_put_text(json, "type", "http");
        ag_json_put_text(json, "scheme", schemes[i]);
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
    ag_json_end_object(json);
    ag_json_name(json, "security");
    ag_json_begin_array(json);
    ag_json_begin_object(json); /* nothing: where authentication is off */
    ag_json_end_object(json);
    for (size_t i = 0; i < 2; i++) {
        ag_json_begin_object(json);
        ag_json_name(json, schemes[i]);
        ag_json_begin_array(json);
        ag_json_end_array(json);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

int ag_openapi_print(ag_route_groups groups, const ag_server *server, const char *origin, ag_buf *out, ag_err *err)
{
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    book b = {groups, server, &json};
    ag_json_begin_object(&json);
    put_info(&b, origin);
    ag_json_name(&json, "paths");
    ag_json_begin_object(&json);
    for (size_t i = 0; i < groups.count; i++)
        for (size_t k = 0; is_there(&b, groups.items[i]) && k < groups.items[i]->count; k++) put_path(&b, i, k);
    ag_json_end_object(&json);
    put_security(&json);
    ag_json_end_object(&json);
    return ag_json_end_document(&json, err);
}
