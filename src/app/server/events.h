// SPDX-License-Identifier: Apache-2.0
#pragma once
/* events.h: what happens to runs, told live to whoever listens (server-sent events). Thread-safe. A listener that is
 * too slow loses what does not fit and is told so. Costs one load when nobody listens. */
#include "core/base/str.h"
#include "core/io/stream.h"

typedef struct ag_events ag_events;

typedef enum ag_event_kind { AG_EVENT_RUN_CREATED, AG_EVENT_RUN_UPDATED, AG_EVENT_METRIC } ag_event_kind;

typedef struct ag_event {
    ag_event_kind kind;
    ag_str experiment_id; /* empty when not at hand: then only listeners of the run, or of everything, hear it */
    ag_str run_id;
    ag_str key;    /* METRIC */
    double value;  /* METRIC */
    int64_t step;  /* METRIC */
    int64_t at;    /* METRIC: microseconds */
    ag_str status; /* RUN_*: "RUNNING"; may be empty */
} ag_event;

int ag_events_new(ag_events **out, ag_err *err);
void ag_events_free(ag_events *events); /* every listener must be closed */
/* Never blocks for long and never fails: what does not fit is lost to the listener, who is told. */
void ag_events_publish(ag_events *events, const ag_event *event);
/* Is anybody listening? For callers whose event costs something to make. */
bool ag_events_wanted(ag_events *events);
/* Listeners' readers give 0 from now on. */
void ag_events_stop(ag_events *events);

/* A reader of text/event-stream that blocks until something happens; a comment line every `quiet` microseconds. Empty
 * ids: everything. AG_EUNAVAILABLE when there are too many listeners. */
int ag_events_listen(ag_events *events, ag_str experiment_id, ag_str run_id, int64_t quiet, ag_reader **out,
                     ag_err *err);
