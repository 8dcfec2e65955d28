// SPDX-License-Identifier: Apache-2.0
/* server.c: the routes about the server itself. */
#include "app/server/server.h"
#include "app/server/document.h"

static int health(ag_request *request, ag_response *response, ag_err *err)
{
    (void)request;
    return ag_response_text(response, 200, err, "OK");
}

static int version(ag_request *request, ag_response *response, ag_err *err)
{
    return ag_response_text(response, 200, err, "%s", ag_server_settings(request->server)->mlflow_version);
}

static int openapi(ag_request *request, ag_response *response, ag_err *err)
{
    response->content_type = "application/json";
    return ag_openapi_print(ag_server_settings(request->server)->groups, request->server, request->origin,
                            &response->body, err);
}

static int metrics(ag_request *request, ag_response *response, ag_err *err)
{
    if (!ag_server_settings(request->server)->expose_metrics)
        return ag_fail(err, AG_ENOTFOUND, "metrics are off; start the server with --expose-prometheus");
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return ag_server_metrics(request->server, &response->body, err);
}

static const ag_route routes[] = {
    {.method = AG_METHOD_GET,
     .path = "/health",
     .rule = AG_PUBLIC,
     .summary = "Say whether the server answers",
     .doc = "The text `OK`.",
     .handle = health,
     .gives = AG_GIVES_TEXT},
    {.method = AG_METHOD_GET,
     .path = "/version",
     .rule = AG_PUBLIC,
     .summary = "Say which version of MLflow this server stands in for",
     .doc = "MLflow's clients compare this text with their own version.",
     .handle = version,
     .gives = AG_GIVES_TEXT},
    {.method = AG_METHOD_GET,
     .path = "/metrics",
     .rule = AG_ANY_USER,
     .summary = "Give the server's own numbers in Prometheus' text format",
     .doc = "Only with `--expose-prometheus`.",
     .handle = metrics,
     .gives = AG_GIVES_TEXT},
    {.method = AG_METHOD_GET,
     .path = "/openapi.json",
     .rule = AG_ANY_USER,
     .summary = "Describe every route as OpenAPI 3.1",
     .handle = openapi},
};

const ag_route_group ag_route_group_server = {
    .name = "Server",
    .doc = "Whether it answers, what it is, and what it counts.",
    .routes = routes,
    .count = sizeof(routes) / sizeof(routes[0]),
};
