// SPDX-License-Identifier: Apache-2.0
/* guard.c: the Host list and cross-origin rules. /health and /version answer under any name, since load balancers ask
 * by address. An Origin that names the same host as Host is our own page. Pages of this machine may call, as with
 * MLflow, but get no CORS headers, so a browser lets them send nothing but simple requests, which carry no JSON. */
#include "app/server/guard.h"

#include "app/server/fields.h"

static bool host_allowed(const ag_server_options *options, const ag_head *head)
{
    if (ag_str_is(head->path, "/health") || ag_str_is(head->path, "/version")) return true;
    if (!head->host.data) return head->minor == 0 && !options->allowed_hosts;
    if (options->allowed_hosts) return ag_host_matches(head->host, options->allowed_hosts);
    const char *own[] = {options->host, NULL};
    return ag_host_is_near(head->host) || ag_host_matches(head->host, own);
}

static bool changes_something(ag_method method)
{
    return method == AG_METHOD_POST || method == AG_METHOD_PUT || method == AG_METHOD_PATCH ||
           method == AG_METHOD_DELETE;
}

/* "http://a:1" gives "a:1"; data NULL for "null" and nonsense. */
static ag_str authority_of(ag_str origin)
{
    size_t mark = ag_str_find(origin, AG_STR("://"), 0);
    return mark == SIZE_MAX ? (ag_str){0} : ag_str_slice(origin, mark + 3, origin.size);
}

static bool origin_listed(ag_str origin, const char *const *patterns)
{
    for (size_t i = 0; patterns && patterns[i]; i++)
        if (ag_pattern_matches(ag_str_of(patterns[i]), origin)) return true;
    return false;
}

int ag_guard_check(const ag_server_options *options, const ag_head *head, ag_str *allow_origin, ag_err *err)
{
    *allow_origin = (ag_str){0};
    if (!host_allowed(options, head)) {
        ag_fail(err, AG_EDENIED, "Invalid Host header - possible DNS rebinding attack detected");
        ag_err_hint(err, "name it with --allowed-hosts");
        return 403;
    }
    ag_str origin = ag_head_field(head, "origin");
    if (!origin.data) return 0;
    ag_str authority = authority_of(origin);
    if (authority.data && head->host.data && ag_str_equal_nocase(authority, head->host)) return 0;
    if (origin_listed(origin, options->allowed_origins)) {
        *allow_origin = origin;
        return 0;
    }
    if (!changes_something(head->method) || (authority.data && ag_host_is_loopback(authority))) return 0;
    ag_fail(err, AG_EDENIED, "Cross-origin request blocked");
    ag_err_hint(err, "name the origin with --cors-allowed-origins");
    return 403;
}
