// SPDX-License-Identifier: Apache-2.0
/* notice.c: see notice.h. */
#include "app/server/mlflow/notice.h"

#include "app/server/server.h"
#include "app/server/webhooks.h"

/* NULL: nobody listens. */
static ag_events *listened(const ag_request *request)
{
    ag_events *events = request->server ? ag_server_events(request->server) : NULL;
    return events && ag_events_wanted(events) ? events : NULL;
}

static ag_str str(const char *text)
{
    return ag_str_of(text ? text : "");
}

void ag_notice_run(const ag_request *request, ag_event_kind kind, const ag_run *run)
{
    ag_events *events = listened(request);
    if (!events) return;
    ag_event event = {.kind = kind,
                      .experiment_id = str(run->experiment_id),
                      .run_id = str(run->id),
                      .status = ag_str_of(ag_run_status_name(run->status))};
    ag_events_publish(events, &event);
}

void ag_notice_run_id(const ag_request *request, ag_event_kind kind, const char *run_id)
{
    ag_run run;
    if (!listened(request)) return;
    if (ag_run_get(request->ledger, ag_str_of(run_id), request->arena, &run, NULL) < 0) return;
    ag_notice_run(request, kind, &run);
}

void ag_notice_metrics(const ag_request *request, const char *run_id, const ag_metric *metrics, size_t count)
{
    ag_run run;
    ag_events *events = listened(request);
    if (!events || !count) return;
    int rc = ag_run_get(request->ledger, ag_str_of(run_id), request->arena, &run, NULL);
    for (size_t i = 0; i < count; i++) {
        ag_event event = {.kind = AG_EVENT_METRIC,
                          .experiment_id = rc < 0 ? (ag_str){0} : str(run.experiment_id),
                          .run_id = ag_str_of(run_id),
                          .key = ag_str_of(metrics[i].key),
                          .value = metrics[i].value,
                          .step = metrics[i].step,
                          .at = metrics[i].at};
        ag_events_publish(events, &event);
    }
}

void ag_notice_artifact(const ag_request *request, const ag_run *run, ag_str path)
{
    ag_events *events = listened(request);
    if (!events) return;
    ag_event event = {
        .kind = AG_EVENT_ARTIFACT, .experiment_id = str(run->experiment_id), .run_id = str(run->id), .path = path};
    ag_events_publish(events, &event);
}

void ag_notice_stored(const ag_request *request, ag_str path)
{
    ag_events *events = listened(request);
    ag_str experiment, run, folder;
    if (!events || !path.data || !ag_str_next(&path, '/', &experiment) || !path.data) return;
    if (!ag_str_next(&path, '/', &run) || !path.data || !ag_str_next(&path, '/', &folder) || !path.data) return;
    if (!ag_str_is(folder, "artifacts")) return;
    ag_event event = {.kind = AG_EVENT_ARTIFACT, .experiment_id = experiment, .run_id = run, .path = path};
    ag_events_publish(events, &event);
}

void ag_notice_registry(const ag_request *request, const ag_notice *notice)
{
    ag_events *events = listened(request);
    struct ag_webhooks *hooks = request->server ? ag_server_webhooks(request->server) : NULL;
    if (hooks) ag_webhooks_notice(hooks, notice);
    if (!events) return;
    bool model = notice->of == AG_NOTICE_MODEL || notice->of == AG_NOTICE_MODEL_TAG;
    ag_event event = {.kind = model ? AG_EVENT_MODEL : AG_EVENT_VERSION,
                      .model = str(notice->name),
                      .version = str(notice->version),
                      .what = str(notice->what)};
    ag_events_publish(events, &event);
}
