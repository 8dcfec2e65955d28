// SPDX-License-Identifier: Apache-2.0
/* request.c: looking things up in a request. Lists are short, so looking is linear. */
#include "app/server/request.h"

#include "app/server/router.h"

static ag_str find(const ag_uri_pair *pairs, size_t count, const char *name, size_t at)
{
    for (size_t i = 0; i < count; i++)
        if (ag_str_is(pairs[i].name, name) && at-- == 0) return pairs[i].value;
    return (ag_str){0};
}

ag_str ag_request_query(const ag_request *request, const char *name)
{
    return find(request->query, request->query_count, name, 0);
}

ag_str ag_request_query_at(const ag_request *request, const char *name, size_t at)
{
    return find(request->query, request->query_count, name, at);
}

ag_str ag_request_header(const ag_request *request, const char *name)
{
    return find(request->headers, request->header_count, name, 0);
}

ag_str ag_request_capture(const ag_request *request, const char *name)
{
    for (size_t i = 0; request->route && i < request->capture_count; i++)
        if (ag_str_is(ag_route_capture_name(request->route->path, i), name)) return request->captures[i];
    return (ag_str){0};
}

static ag_str field_of_body(const ag_request *request, const char *name)
{
    const ag_value *value = ag_value_get(request->json, name);
    ag_str text = {0};
    int64_t number;
    if (!value || ag_value_string(value, &text)) return text;
    if (value->kind != AG_INT || !ag_value_int(value, &number)) return text;
    return ag_str_of(ag_arena_printf(request->arena, "%lld", (long long)number));
}

ag_str ag_request_field(const ag_request *request, const char *name)
{
    while (*name) {
        char one[64];
        size_t size = strcspn(name, "|");
        ag_format(one, sizeof(one), "%.*s", (int)size, name);
        ag_str value = ag_request_capture(request, one);
        if (!value.size) value = request->json ? field_of_body(request, one) : ag_request_query(request, one);
        if (value.size) return value;
        name += size + (name[size] == '|');
    }
    return (ag_str){0};
}
