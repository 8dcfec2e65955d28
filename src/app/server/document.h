// SPDX-License-Identifier: Apache-2.0
#pragma once
/* document.h: what is printed from the route tables. */
#include "app/server/route.h"

/* OpenAPI 3.1 of the groups that are there (`server` NULL: all). `origin` "http://host:port", or NULL. */
int ag_openapi_print(ag_route_groups groups, const ag_server *server, const char *origin, ag_buf *out, ag_err *err);
/* docs/api.md: every route by group, with its permission and fields. */
int ag_routes_markdown(ag_route_groups groups, ag_buf *out, ag_err *err);
/* "reader on the run `run_id`": the rule in words. */
int ag_rule_words(const ag_rule *rule, ag_buf *out);
