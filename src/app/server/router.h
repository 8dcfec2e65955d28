// SPDX-License-Identifier: Apache-2.0
#pragma once
/* router.h: from a method and a path to a row. Built once; then read by all threads. */
#include "app/server/route.h"

enum { AG_ROUTE_CAPTURES = 8, AG_ROUTE_PARTS = 64 };

typedef struct ag_router ag_router;

typedef struct ag_route_row {
    const ag_route *route;
    const ag_route_group *group;
    const char *label; /* the whole path as documented: "/api/2.0/mlflow/runs/get" */
    size_t index;      /* of this row among all; the mounts of a group share it */
} ag_route_row;

typedef struct ag_match {
    const ag_route_row *row; /* NULL: nothing here (allowed == 0) or not this method */
    ag_str captures[AG_ROUTE_CAPTURES];
    size_t capture_count;
    unsigned allowed; /* a bit per method that this path has */
} ag_match;

/* `server` (may be NULL: everything) is asked by groups whether they are there. The groups must outlive the router. */
int ag_router_new(ag_route_groups groups, const ag_server *server, ag_router **out, ag_err *err);
void ag_router_free(ag_router *router);
/* Parts are decoded, once, before they are compared. AG_EPARSE for a path that cannot be decoded. */
int ag_router_find(const ag_router *router, ag_method method, ag_str path, ag_arena *arena, ag_match *out, ag_err *err);
size_t ag_router_count(const ag_router *router);
const ag_route_row *ag_router_row(const ag_router *router, size_t index);

/* Percent escapes undone once; refuses bad ones, NUL and what is not UTF-8. */
int ag_decode_text(ag_arena *arena, ag_str text, bool plus_is_blank, ag_str *out, ag_err *err);
/* "a=1&b=2": pairs in order. At most 2000. */
int ag_decode_query(ag_arena *arena, ag_str query, ag_uri_pair **out, size_t *count, ag_err *err);
/* The `index`-th {name} of a pattern, without braces and dots; data NULL when there are fewer. */
ag_str ag_route_capture_name(const char *path, size_t index);
