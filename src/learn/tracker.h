// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tracker.h: where runs are recorded: a ledger that is open here, or one on a server ("http://..."), which is delivered
 * to by the client of the ledger (include/auger/ledger.h) with its spool. At most one of the two; none: nowhere. */
#include "auger/ledger.h"
#include "core/base/err.h"
#include "ledger/ledger.h"

typedef struct ag_tracker {
    ag_ledger *ledger;
    auger_ledger *client;
} ag_tracker;

/* "http://..." or "https://..." */
bool ag_tracker_is_address(const char *text);
/* `options` may be NULL; its texts are copied. Asks the server nothing. */
int ag_tracker_open(const char *address, const auger_ledger_options *options, ag_tracker *out, ag_err *err);
/* Both kinds; what is still in a spool stays there. */
void ag_tracker_close(ag_tracker *tracker);
static inline bool ag_tracker_is_open(const ag_tracker *tracker)
{
    return tracker->ledger || tracker->client;
}
/* Delivers what is in the spool, as long as the server takes it; not longer than a few seconds from a server that is
 * away. 1: all is there. 0: `trouble` says in a sentence what is not, and what becomes of it. */
int ag_tracker_settle(const ag_tracker *tracker, char *trouble, size_t size);
/* Whose "run.json" says so goes on in the same run; NULL for a ledger that is open here. */
const char *ag_tracker_name(const ag_tracker *tracker);
