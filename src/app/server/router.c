// SPDX-License-Identifier: Apache-2.0
/* router.c: dispatch by a tree of path parts. The children of a node are sorted, so a path of six parts costs six
 * binary searches however many routes there are. A literal part goes before a {capture}, a {capture} before a
 * {rest...}; the search goes back when the better-looking branch ends nowhere. Parts are compared after decoding, so an
 * escaped letter cannot walk around a rule. Memory lives in one arena, nothing changes after ag_router_new(). */
#include "app/server/router.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/vec.h"

typedef struct node {
    ag_str name;
    struct node **literals;
    size_t literal_count, literal_capacity;
    struct node *capture;
    struct node *rest;
    const ag_route_row *rows[AG_METHOD_COUNT];
} node;

struct ag_router {
    ag_arena *arena;
    node root;
    ag_vec rows; /* of ag_route_row * */
};

/* ---- building ---- */

static node *literal_of(const node *at, ag_str name)
{
    size_t low = 0, high = at->literal_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = ag_str_compare(at->literals[middle]->name, name);
        if (order == 0) return at->literals[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static node *add_literal(ag_router *router, node *at, ag_str name)
{
    node *found = literal_of(at, name);
    if (found) return found;
    if (at->literal_count == at->literal_capacity) {
        size_t capacity = at->literal_capacity ? at->literal_capacity * 2 : 8;
        node **grown = ag_arena_array(router->arena, capacity, sizeof(*grown));
        if (!grown) return NULL;
        if (at->literal_count) memcpy(grown, at->literals, at->literal_count * sizeof(*grown));
        at->literals = grown;
        at->literal_capacity = capacity;
    }
    node *made = ag_arena_alloc(router->arena, sizeof(*made));
    if (!made) return NULL;
    made->name = name;
    size_t place = at->literal_count++;
    while (place > 0 && ag_str_compare(at->literals[place - 1]->name, name) > 0) {
        at->literals[place] = at->literals[place - 1];
        place--;
    }
    at->literals[place] = made;
    return made;
}

static node *add_part(ag_router *router, node *at, ag_str part)
{
    if (part.size < 2 || part.data[0] != '{') return add_literal(router, at, part);
    node **slot = ag_str_ends(part, AG_STR("...}")) ? &at->rest : &at->capture;
    if (!*slot) *slot = ag_arena_alloc(router->arena, sizeof(node));
    return *slot;
}

static int add_path(ag_router *router, ag_str path, const ag_route_row *row, ag_err *err)
{
    node *at = &router->root;
    ag_str part, rest = ag_str_slice(path, 1, path.size);
    if (path.size == 0 || path.data[0] != '/')
        return ag_fail(err, AG_EINTERNAL, "the route %.*s does not begin with /", AG_STR_ARG(path));
    while (ag_str_next(&rest, '/', &part))
        if (!(at = add_part(router, at, part))) return ag_fail_memory(err, sizeof(node));
    const ag_route_row **slot = &at->rows[row->route->method];
    if (*slot)
        return ag_fail(err, AG_EINTERNAL, "two routes for %s %.*s", ag_method_name(row->route->method),
                       AG_STR_ARG(path));
    *slot = row;
    return AG_OK;
}

static int add_route(ag_router *router, const ag_route_group *group, const ag_route *route, ag_err *err)
{
    static const char *const once[] = {"", NULL};
    const char *const *prefixes = group->prefixes ? group->prefixes : once;
    ag_route_row *row = ag_arena_alloc(router->arena, sizeof(*row));
    if (!row) return ag_fail_memory(err, sizeof(*row));
    row->route = route;
    row->group = group;
    row->index = router->rows.count;
    int rc = ag_vec_push(&router->rows, &row, err);
    for (size_t i = 0; prefixes[i] && rc >= 0; i++) {
        const char *path = ag_arena_printf(router->arena, "%s%s", prefixes[i], route->path);
        if (!path) return ag_fail_memory(err, strlen(route->path));
        if (i == 0) row->label = path;
        rc = add_path(router, ag_str_of(path), row, err);
    }
    return rc;
}

int ag_router_new(ag_route_groups groups, const ag_server *server, ag_router **out, ag_err *err)
{
    int rc = AG_OK;
    ag_router *router = ag_calloc(1, sizeof(*router));
    if (!router) return ag_fail_memory(err, sizeof(*router));
    ag_vec_init(&router->rows, sizeof(ag_route_row *));
    if (!(router->arena = ag_arena_new(0))) rc = ag_fail_memory(err, 1);
    for (size_t i = 0; i < groups.count && rc >= 0; i++) {
        const ag_route_group *group = groups.items[i];
        if (server && group->enabled && !group->enabled(server)) continue;
        for (size_t k = 0; k < group->count && rc >= 0; k++) rc = add_route(router, group, &group->routes[k], err);
    }
    if (rc < 0)
        ag_router_free(router);
    else
        *out = router;
    return rc;
}

void ag_router_free(ag_router *router)
{
    if (!router) return;
    ag_vec_deinit(&router->rows);
    ag_arena_free(router->arena);
    ag_free(router);
}

size_t ag_router_count(const ag_router *router)
{
    return router->rows.count;
}

const ag_route_row *ag_router_row(const ag_router *router, size_t index)
{
    ag_route_row **row = ag_vec_at(&router->rows, index);
    return row ? *row : NULL;
}

/* ---- decoding ---- */

int ag_decode_text(ag_arena *arena, ag_str text, bool plus_is_blank, ag_str *out, ag_err *err)
{
    bool escaped = memchr(text.data ? text.data : "", '%', text.size) ||
                   (plus_is_blank && memchr(text.data ? text.data : "", '+', text.size));
    if (escaped) {
        ag_buf plain;
        ag_buf_init(&plain, text.size);
        int rc = ag_percent_decode(&plain, text, plus_is_blank, err);
        char *copy = rc < 0 ? NULL : ag_arena_strndup(arena, plain.data ? plain.data : "", plain.size);
        if (rc >= 0 && !copy) rc = ag_fail_memory(err, plain.size);
        *out = (ag_str){copy, plain.size};
        ag_buf_deinit(&plain);
        if (rc < 0) return rc;
    } else {
        *out = (ag_str){text.data ? text.data : "", text.size};
    }
    if (!ag_utf8_valid(*out)) return ag_fail(err, AG_EPARSE, "a part of the address is not UTF-8");
    return AG_OK;
}

int ag_decode_query(ag_arena *arena, ag_str query, ag_uri_pair **out, size_t *count, ag_err *err)
{
    enum { MOST = 2000 };
    size_t most = 1;
    for (size_t i = 0; i < query.size; i++) most += query.data[i] == '&';
    if (most > MOST) return ag_fail(err, AG_ELIMIT, "more than %d parameters in the address", MOST);
    ag_uri_pair *pairs = ag_arena_array(arena, most, sizeof(*pairs));
    if (!pairs) return ag_fail_memory(err, most * sizeof(*pairs));
    size_t used = 0;
    ag_str part;
    while (query.data && ag_str_next(&query, '&', &part)) {
        if (part.size == 0) continue;
        size_t equals = ag_str_find_char(part, '=', 0);
        ag_str value = equals == SIZE_MAX ? AG_STR("") : ag_str_slice(part, equals + 1, part.size);
        int rc = ag_decode_text(arena, ag_str_slice(part, 0, equals), true, &pairs[used].name, err);
        if (rc >= 0) rc = ag_decode_text(arena, value, true, &pairs[used].value, err);
        if (rc < 0) return rc;
        used++;
    }
    *out = pairs;
    *count = used;
    return AG_OK;
}

ag_str ag_route_capture_name(const char *path, size_t index)
{
    for (const char *open = strchr(path, '{'); open; open = strchr(open + 1, '{')) {
        if (index-- > 0) continue;
        size_t size = strcspn(open + 1, ".}");
        return (ag_str){open + 1, size};
    }
    return (ag_str){0};
}

/* ---- finding ---- */

typedef struct search {
    const ag_str *parts; /* decoded */
    const ag_str *raw;
    size_t count;
    const char *end; /* of the path */
    ag_method method;
    ag_match *match;
    size_t rest_from; /* the part with which a {rest...} begins; SIZE_MAX: none */
} search;

/* Notes what this node has; true when it has the method. */
static bool settle(search *job, const node *at)
{
    for (int i = 0; i < AG_METHOD_COUNT; i++) {
        if (!at->rows[i]) continue;
        job->match->allowed |= 1U << i;
        if (i == AG_METHOD_GET) job->match->allowed |= 1U << AG_METHOD_HEAD;
    }
    ag_method method = job->method == AG_METHOD_HEAD && !at->rows[AG_METHOD_HEAD] ? AG_METHOD_GET : job->method;
    job->match->row = at->rows[method];
    return job->match->row != NULL;
}

static bool descend(search *job, const node *at, size_t depth)
{
    if (depth == job->count) return settle(job, at);
    const node *next = literal_of(at, job->parts[depth]);
    if (next && descend(job, next, depth + 1)) return true;
    ag_match *match = job->match;
    if (match->capture_count == AG_ROUTE_CAPTURES) return false;
    if (at->capture && job->parts[depth].size) {
        match->captures[match->capture_count++] = job->parts[depth];
        if (descend(job, at->capture, depth + 1)) return true;
        match->capture_count--;
    }
    if (!at->rest || job->raw[depth].data == job->end) return false;
    job->rest_from = depth;
    match->capture_count++;
    if (settle(job, at->rest)) return true;
    match->capture_count--;
    job->rest_from = SIZE_MAX;
    return false;
}

int ag_router_find(const ag_router *router, ag_method method, ag_str path, ag_arena *arena, ag_match *out, ag_err *err)
{
    ag_str raw[AG_ROUTE_PARTS], parts[AG_ROUTE_PARTS];
    search job = {.parts = parts,
                  .raw = raw,
                  .end = path.data + path.size,
                  .method = method,
                  .match = out,
                  .rest_from = SIZE_MAX};
    *out = (ag_match){0};
    if (path.size == 0 || path.data[0] != '/') return AG_OK;
    ag_str rest = ag_str_slice(path, 1, path.size), part;
    while (ag_str_next(&rest, '/', &part)) {
        if (job.count == AG_ROUTE_PARTS) break; /* what is deeper can only be part of a {rest...} */
        int rc = ag_decode_text(arena, part, false, &parts[job.count], err);
        if (rc < 0) return rc;
        raw[job.count++] = part;
    }
    if (!descend(&job, &router->root, 0) || job.rest_from == SIZE_MAX) return AG_OK;
    ag_str tail = {raw[job.rest_from].data, (size_t)(job.end - raw[job.rest_from].data)};
    return ag_decode_text(arena, tail, false, &out->captures[out->capture_count - 1], err);
}
