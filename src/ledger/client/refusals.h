// SPDX-License-Identifier: Apache-2.0
#pragma once
/* refusals.h: what a ledger refused for good, as lines of JSON in SPOOL/failed.jsonl:
 *   {"at": "2026-11-21T06:30:00.000Z", "target": "http://...", "run": "...", "reason": "...", "code": "invalid",
 *    "kind": "metric", "key": "loss", "value": 0.5, "step": 3, "timestamp": 1789...}
 * kind: metric, parameter, tag, or that of a record (entry.h), or "damaged". A record has its bytes too ("record", in
 * base64), and that of a file where its content is kept ("content"). */
#include "core/base/buf.h"
#include "ledger/client/entry.h"

typedef enum ag_log_item_kind { AG_LOG_METRIC, AG_LOG_PARAM, AG_LOG_TAG } ag_log_item_kind;

typedef struct ag_log_item { /* one of a log */
    ag_log_item_kind kind;
    union {
        ag_metric metric;
        ag_pair pair;
    };
} ag_log_item;

typedef struct ag_refusals { /* lines that are not yet written */
    const char *directory, *target;
    ag_buf lines;
} ag_refusals;

void ag_refusals_item(ag_refusals *failed, ag_str run, const ag_log_item *item, const ag_err *why);
/* `kept`: where the content of a file is now; may be NULL. */
void ag_refusals_record(ag_refusals *failed, const ag_entry *record, const char *kept, const ag_err *why);
void ag_refusals_damage(ag_refusals *failed, const char *path, uint64_t bytes);
/* Appends what has gathered to the file, as a whole; on failure it stays gathered. */
int ag_refusals_write(ag_refusals *failed, ag_err *err);
