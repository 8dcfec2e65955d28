// SPDX-License-Identifier: Apache-2.0
/* tracker.c: see tracker.h. The spool takes a GiB: a model is copied into it at the end of a training, and waits there
 * while the server is away. A training does not wait for a server that is away but for PATIENCE at its end. */
#include "learn/tracker.h"

#include <inttypes.h>

#include "core/base/answer.h"
#include "core/sys/clock.h"
#include "ledger/client/client.h"

enum { PATIENCE = 3000, PIECE = 250 }; /* milliseconds */

bool ag_tracker_is_address(const char *text)
{
    const ag_str address = ag_str_of(text);
    return ag_str_starts(address, AG_STR("http://")) || ag_str_starts(address, AG_STR("https://"));
}

int ag_tracker_open(const char *address, const auger_ledger_options *options, ag_tracker *out, ag_err *err)
{
    auger_error error;
    auger_ledger_options how = options ? *options : (auger_ledger_options){0};
    if (!ag_tracker_is_address(address))
        return ag_fail(err, AG_EINVAL, "'%.200s' is no address of a server, as http://host:5000 is", address);
    if (!how.spool_bytes) how.spool_bytes = (int64_t)1 << 30;
    how.without_system_tags = 1; /* the record has its own */
    *out = (ag_tracker){0};
    int rc = auger_ledger_open(address, &how, &out->client, &error);
    return rc < 0 ? ag_fail_answered(rc, &error, err) : 0;
}

void ag_tracker_close(ag_tracker *tracker)
{
    ag_ledger_close(tracker->ledger);
    (void)auger_ledger_close(tracker->client, 0, NULL);
    *tracker = (ag_tracker){0};
}

const char *ag_tracker_name(const ag_tracker *tracker)
{
    return tracker->client ? tracker->client->name : NULL;
}

int ag_tracker_settle(const ag_tracker *tracker, char *trouble, size_t size)
{
    auger_ledger_status status = {0};
    if (!tracker->client) return 1;
    auger_ledger_status_read(tracker->client, &status);
    int64_t patience = status.away ? PATIENCE / 4 : PATIENCE; /* it was waited for already */
    int rc = auger_ledger_sync(tracker->client, PIECE, NULL);
    auger_ledger_status_read(tracker->client, &status);
    while (rc < 0 && patience > 0) {
        if (status.away) patience -= PIECE;
        rc = auger_ledger_sync(tracker->client, PIECE, NULL);
        auger_ledger_status_read(tracker->client, &status);
    }
    if (rc < 0)
        ag_format(trouble, size,
                  "%" PRIu64 " calls wait in '%s', because %s is away (%s): 'auger runs deliver' sends them, "
                  "or the next training that is told to record there",
                  status.pending, tracker->client->directory, tracker->client->name, status.last_error);
    else if (status.refused)
        ag_format(trouble, size, "%s has refused %" PRIu64 " things (%s): they are in '%s/failed.jsonl'",
                  tracker->client->name, status.refused, status.last_error, tracker->client->directory);
    return rc >= 0 && !status.refused;
}
