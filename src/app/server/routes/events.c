// SPDX-License-Identifier: Apache-2.0
/* events.c: the live stream of what happens to runs. */
#include "app/server/events.h"

#include "app/server/server.h"
#include "core/sys/clock.h"

/* Whose events may this person hear? */
static int check_right(const ag_request *request, ag_str experiment_id, ag_str run_id, ag_err *err)
{
    ag_resource kind = AG_RESOURCE_EXPERIMENT;
    ag_str id = experiment_id;
    if (request->who.admin) return AG_OK;
    if (!experiment_id.size && !run_id.size) return ag_fail(err, AG_EDENIED, "Permission denied");
    if (experiment_id.size) return ag_request_may(request, kind, id, AG_ROLE_READER, err);
    int rc = ag_scope_run.find(request, run_id, &kind, &id, err);
    return rc < 0 ? rc : ag_request_may(request, kind, id, AG_ROLE_READER, err);
}

static int listen_to_runs(ag_request *request, ag_response *response, ag_err *err)
{
    ag_str experiment_id = ag_request_query(request, "experiment_id"), run_id = ag_request_query(request, "run_id");
    ag_reader *reader = NULL;
    int rc = check_right(request, experiment_id, run_id, err);
    if (rc >= 0 && request->method == AG_METHOD_HEAD) {
        response->content_type = "text/event-stream";
        return AG_OK;
    }
    if (rc >= 0)
        rc = ag_events_listen(ag_server_events(request->server), experiment_id, run_id, 15 * AG_SECOND, &reader, err);
    return rc < 0 ? rc : ag_response_stream(response, "text/event-stream", reader, -1, err);
}

static const ag_route_field fields[] = {
    {.name = "experiment_id", .type = "string", .doc = "only events of this experiment's runs"},
    {.name = "run_id", .type = "string", .doc = "only events of this run"},
    {0},
};

static const ag_route routes[] = {
    {.method = AG_METHOD_GET,
     .path = "/events",
     .rule = AG_ANY_USER,
     .summary = "Listen to what happens to runs",
     .doc =
         "Server-sent events `run.created`, `run.updated` and `metric`, each with a JSON object as data. `lost` tells "
         "how many events a listener was too slow for. Without a filter only an administrator may listen.",
     .fields = fields,
     .handle = listen_to_runs,
     .gives = AG_GIVES_EVENTS},
};

static const char *const prefixes[] = {"/api/auger/v1", NULL};

const ag_route_group ag_route_group_events = {
    .name = "Events",
    .doc = "What happens, as it happens.",
    .prefixes = prefixes,
    .routes = routes,
    .count = sizeof(routes) / sizeof(routes[0]),
};
