// SPDX-License-Identifier: Apache-2.0
/* events.c: the live stream of what happens to runs. */
#include "app/server/events.h"

#include "app/server/server.h"
#include "core/sys/clock.h"

/* Whose events may this person hear? A listener hears what fits all of its wishes, so a right on one is enough. */
static int check_right(const ag_request *request, const ag_events_wish *wish, ag_err *err)
{
    ag_resource kind = AG_RESOURCE_EXPERIMENT;
    ag_str id = wish->experiment_id;
    int rc = AG_OK;
    if (request->who.admin) return AG_OK;
    if (wish->model.size) {
        kind = AG_RESOURCE_MODEL;
        id = wish->model;
    } else if (!id.size && wish->run_id.size) {
        rc = ag_scope_run.find(request, wish->run_id, &kind, &id, err);
    } else if (!id.size) {
        rc = ag_fail(err, AG_EDENIED, "Permission denied");
    }
    return rc < 0 ? rc : ag_request_may(request, kind, id, AG_ROLE_READER, err);
}

static int listen_to_runs(ag_request *request, ag_response *response, ag_err *err)
{
    ag_events_wish wish = {.experiment_id = ag_request_query(request, "experiment_id"),
                           .run_id = ag_request_query(request, "run_id"),
                           .model = ag_request_query(request, "model"),
                           .after = ag_request_header(request, "last-event-id"),
                           .quiet = 15 * AG_SECOND};
    ag_reader *reader = NULL;
    if (!wish.after.size) wish.after = ag_request_query(request, "after");
    int rc = check_right(request, &wish, err);
    if (rc >= 0 && request->method == AG_METHOD_HEAD) {
        response->content_type = "text/event-stream";
        return AG_OK;
    }
    if (rc >= 0) rc = ag_events_listen(ag_server_events(request->server), &wish, &reader, err);
    return rc < 0 ? rc : ag_response_stream(response, "text/event-stream", reader, -1, err);
}

static const ag_route_field fields[] = {
    {.name = "experiment_id", .type = "string", .doc = "only events of this experiment's runs"},
    {.name = "run_id", .type = "string", .doc = "only events of this run"},
    {.name = "model", .type = "string", .doc = "only events of this registered model"},
    {.name = "after", .type = "string", .doc = "the id of the last event that was heard; also as Last-Event-ID"},
    {0},
};

static const ag_route routes[] = {
    {.method = AG_METHOD_GET,
     .path = "/events",
     .rule = AG_ANY_USER,
     .summary = "Listen to what happens to runs and models",
     .doc =
         "Server-sent events `run.created`, `run.updated`, `run.deleted`, `run.restored`, `metric`, `artifact`, "
         "`model` and `version`, each with a JSON object as data. A listener that comes back with the id of its last "
         "event hears what it has missed, as far as that is kept; `lost` tells how many events are not, `null`: "
         "nobody knows. Without a filter only an administrator may listen.",
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
