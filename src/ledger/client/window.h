// SPDX-License-Identifier: Apache-2.0
#pragma once
/* window.h: a stretch of a queue that is delivered together: what is logged, gathered by run, or one record of another
 * kind, which waits until all before it is done. */
#include "core/base/map.h"
#include "core/base/vec.h"
#include "ledger/client/outbox.h"
#include "ledger/client/refusals.h"

enum { AG_SPOOL_WINDOW_ITEMS = 8192 };

typedef struct ag_spool_place { /* in a queue */
    ag_spool_segment *segment;
    size_t offset;
} ag_spool_place;

typedef struct ag_spool_window_run { /* what one run logs */
    ag_str run;
    ag_vec items; /* of ag_log_item */
    size_t next;  /* the first that is not done */
    size_t limit; /* of the next batch; it shrinks around what is refused */
} ag_spool_window_run;

typedef struct ag_spool_window {
    ag_arena *arena;
    ag_map *by_run;
    ag_vec runs; /* of ag_spool_window_run *, by first appearance */
    size_t items;
    bool has_other;
    bool again; /* `other` may have been sent already */
    ag_entry other;
    ag_spool_place from_other; /* where it ends */
    uint64_t records;
    uint64_t damaged; /* bytes that were passed over, in `damaged_in` */
    const char *damaged_in;
    ag_spool_place end;
} ag_spool_window;

int ag_spool_window_init(ag_spool_window *window, ag_err *err);
void ag_spool_window_deinit(ag_spool_window *window);
/* From `from` to `end` (its segment may be NULL: to the end of the queue) or as much as makes a window. Texts are
 * borrowed from the segments. 1: there is something, 0: `end` is reached and there was nothing. */
int ag_spool_window_fill(ag_spool_window *window, ag_spool_place from, ag_spool_place end, ag_err *err);

/* The next batch of a run, at most `max` things, as MLflow limits them; returns how many items it stands for. */
typedef struct ag_spool_batch {
    ag_metric *metrics; /* `max` */
    size_t max;
    ag_pair params[AG_MAX_BATCH_PARAMS], tags[AG_MAX_BATCH_TAGS];
} ag_spool_batch;
size_t ag_spool_window_batch(const ag_spool_window_run *run, ag_spool_batch *room, ag_run_batch *out);
