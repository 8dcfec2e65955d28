// SPDX-License-Identifier: Apache-2.0
#pragma once
/* events.h: what happens to runs and models, told live to whoever listens (server-sent events). Thread-safe. The hub
 * remembers the newest events while somebody listens and for a while after, so that a listener who was cut off goes on
 * where it was; one that is too slow is told how many events it has missed. Costs one load when nobody listens. */
#include "core/base/str.h"
#include "core/io/stream.h"

typedef struct ag_events ag_events;

typedef enum ag_event_kind {
    AG_EVENT_RUN_CREATED,
    AG_EVENT_RUN_UPDATED, /* its status, name, tags or parameters */
    AG_EVENT_RUN_DELETED,
    AG_EVENT_RUN_RESTORED,
    AG_EVENT_METRIC,
    AG_EVENT_ARTIFACT,
    AG_EVENT_MODEL,   /* a registered model was made, changed or deleted */
    AG_EVENT_VERSION, /* a version of it was, or its stage, or an alias */
} ag_event_kind;

typedef struct ag_event { /* texts that do not belong to the kind are empty */
    ag_event_kind kind;
    ag_str experiment_id; /* empty when not at hand: then only listeners of the run, or of everything, hear it */
    ag_str run_id;
    ag_str key;     /* METRIC */
    double value;   /* METRIC */
    int64_t step;   /* METRIC */
    int64_t at;     /* METRIC: microseconds */
    ag_str status;  /* RUN_*: "RUNNING" */
    ag_str path;    /* ARTIFACT: from the run's root */
    ag_str model;   /* MODEL, VERSION: its name */
    ag_str version; /* VERSION: its number */
    ag_str what;    /* MODEL, VERSION: "created" */
} ag_event;

int ag_events_new(ag_events **out, ag_err *err);
void ag_events_free(ag_events *events); /* every listener must be closed */
/* Never blocks for long and never fails: what cannot be kept is missing, and listeners are told. */
void ag_events_publish(ag_events *events, const ag_event *event);
/* Does anybody listen, or was there somebody just now? For callers whose event costs something to make. */
bool ag_events_wanted(ag_events *events);
/* Listeners' readers give 0 from now on. */
void ag_events_stop(ag_events *events);

typedef struct ag_events_wish { /* empty texts: everything */
    ag_str experiment_id, run_id, model;
    ag_str after;  /* id of the last event that was heard (Last-Event-ID); empty: from now on */
    int64_t quiet; /* a comment line when nothing happened for so long */
} ag_events_wish;

/* A reader of text/event-stream that blocks until something happens. AG_EUNAVAILABLE when there are too many listeners.
 */
int ag_events_listen(ag_events *events, const ag_events_wish *wish, ag_reader **out, ag_err *err);
