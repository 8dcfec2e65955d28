// SPDX-License-Identifier: Apache-2.0
/* reference.c: the route tables as a page for people (docs/api.md), and the check of the tables themselves. */
#include "app/server/document.h"
#include "app/server/router.h"

int ag_rule_words(const ag_rule *rule, ag_buf *out)
{
    static const char *const roles[] = {"nobody", "reader", "editor", "manager", "administrator"};
    switch (rule->may) {
    case AG_MAY_PUBLIC: return ag_buf_add_text(out, "everybody");
    case AG_MAY_USER: return ag_buf_add_text(out, "any user");
    case AG_MAY_ADMIN: return ag_buf_add_text(out, "administrators");
    default: return ag_buf_addf(out, "%s on the %s in `%s`", roles[rule->role], rule->scope->name, rule->field);
    }
}

static void add_fields(const ag_route *route, ag_buf *out)
{
    const char *place = route->body == AG_BODY_JSON ? "Member" : "Parameter";
    if (route->describes) {
        ag_buf_add_char(out, '\n');
        ag_describe_markdown(route->describes, out);
    }
    if (!route->fields || !route->fields->name) return;
    ag_buf_addf(out, "\n| %s | Type | |\n|---|---|---|\n", place);
    for (const ag_route_field *field = route->fields; field->name; field++)
        ag_buf_addf(out, "| `%s`%s | %s | %s |\n", field->name, field->required ? " (required)" : "", field->type,
                    field->doc ? field->doc : "");
}

static void add_route(const ag_route_group *group, const ag_route *route, ag_buf *out)
{
    static const char *const bodies[] = {NULL, "a JSON object", "bytes", "bytes, streamed"};
    ag_buf_addf(out, "\n### %s %s%s\n\n%s", ag_method_name(route->method), group->prefixes ? group->prefixes[0] : "",
                route->path, route->summary);
    ag_buf_add_text(out, ". Who may: ");
    ag_rule_words(&route->rule, out);
    ag_buf_add_text(out, ".");
    if (bodies[route->body]) ag_buf_addf(out, " Body: %s.", bodies[route->body]);
    if (route->doc) ag_buf_addf(out, "\n\n%s", route->doc);
    ag_buf_add_char(out, '\n');
    add_fields(route, out);
}

static void add_group(const ag_route_group *group, ag_buf *out)
{
    ag_buf_addf(out, "\n## %s\n\n%s", group->name, group->doc);
    if (group->prefixes && group->prefixes[0] && group->prefixes[1]) {
        ag_buf_add_text(out, " Also under");
        for (size_t i = 1; group->prefixes[i]; i++) ag_buf_addf(out, "%s `%s`", i > 1 ? "," : "", group->prefixes[i]);
        ag_buf_add_char(out, '.');
    }
    ag_buf_add_char(out, '\n');
    for (size_t i = 0; i < group->count; i++) add_route(group, &group->routes[i], out);
}

int ag_routes_markdown(ag_route_groups groups, ag_buf *out, ag_err *err)
{
    ag_buf_add_text(
        out, "# The HTTP interface\n\n"
             "Printed by `auger serve --print-routes` from the tables that the server itself is driven by; the same "
             "is at `/openapi.json` as OpenAPI 3.1.\n\n"
             "Who may: where authentication is off everybody may do everything. A permission is a role on an "
             "experiment or a registered model; a higher role includes the lower ones (reader, editor, manager).\n");
    for (size_t i = 0; i < groups.count; i++) add_group(groups.items[i], out);
    return ag_buf_check(out, "the page", err);
}

/* ---- the check of the tables ---- */

static int check_captures(const ag_route *route, ag_err *err)
{
    size_t count = 0;
    for (const char *open = strchr(route->path, '{'); open; open = strchr(open + 1, '{'), count++) {
        const char *close = strchr(open, '}');
        if (!close || close == open + 1 || open == route->path || open[-1] != '/' || (close[1] && close[1] != '/'))
            return ag_fail(err, AG_EINTERNAL, "%s: a {name} is a whole part of a path", route->path);
        bool rest = close - open > 3 && strncmp(close - 3, "...", 3) == 0;
        if (rest && close[1]) return ag_fail(err, AG_EINTERNAL, "%s: a {name...} comes last", route->path);
    }
    if (count > AG_ROUTE_CAPTURES)
        return ag_fail(err, AG_EINTERNAL, "%s: more than %d captures", route->path, AG_ROUTE_CAPTURES);
    return AG_OK;
}

static int check_row(const ag_route *route, ag_err *err)
{
    const ag_rule *rule = &route->rule;
    if (!route->path || (route->path[0] != '/' && route->path[0]))
        return ag_fail(err, AG_EINTERNAL, "a route without a path");
    if (!route->summary || !route->handle)
        return ag_fail(err, AG_EINTERNAL, "%s: no summary or no handler", route->path);
    if (ag_str_ends(ag_str_of(route->summary), AG_STR(".")))
        return ag_fail(err, AG_EINTERNAL, "%s: a summary ends without a full stop", route->path);
    if (route->method == AG_METHOD_HEAD || route->method == AG_METHOD_OPTIONS)
        return ag_fail(err, AG_EINTERNAL, "%s: HEAD and OPTIONS are answered by the server", route->path);
    if (route->method == AG_METHOD_GET && route->body != AG_BODY_NONE)
        return ag_fail(err, AG_EINTERNAL, "%s: GET takes no body", route->path);
    if (rule->may == AG_MAY_ROLE && (!rule->scope || !rule->field || rule->role == AG_ROLE_NONE))
        return ag_fail(err, AG_EINTERNAL, "%s: a rule of a role names scope, field and role", route->path);
    if (rule->may != AG_MAY_ROLE && (rule->scope || rule->field || rule->role))
        return ag_fail(err, AG_EINTERNAL, "%s: only a rule of a role names scope, field and role", route->path);
    return check_captures(route, err);
}

int ag_route_groups_verify(ag_route_groups groups, ag_err *err)
{
    ag_router *router = NULL;
    int rc = AG_OK;
    for (size_t i = 0; i < groups.count && rc >= 0; i++) {
        const ag_route_group *group = groups.items[i];
        if (!group->name || !group->doc || (group->prefixes && !group->prefixes[0]))
            rc = ag_fail(err, AG_EINTERNAL, "a group without a name, words or a place");
        for (size_t k = 0; k < group->count && rc >= 0; k++) rc = check_row(&group->routes[k], err);
    }
    if (rc >= 0) rc = ag_router_new(groups, NULL, &router, err); /* finds two rows for one path */
    ag_router_free(router);
    return rc;
}
