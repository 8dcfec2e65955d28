// SPDX-License-Identifier: Apache-2.0
#pragma once
/* again.h: what a ledger refused goes back into a queue, after the cause is gone. It is delivered from there as
 * anything that waits: whoever opens the ledger next takes the queue over.
 *
 * Lines of SPOOL/failed.jsonl change hands under the lock SPOOL/failed.lock:
 *   SPOOL/again-ID/      a queue in the making: its segments, contents of files, "target"
 *   SPOOL/failed.next    what failed.jsonl will be. With it the exchange is decided: again-ID becomes queue-ID,
 * contents that are in the queue go from SPOOL/failed/, and failed.next becomes failed.jsonl. A process that dies
 * before failed.next is there has changed nothing; one that dies behind it is finished by the next that takes the lock.
 */
#include "core/base/arena.h"
#include "core/io/file.h"

typedef struct ag_again {
    const char *target; /* whose lines; in the arena; NULL: there are none that can be sent again */
    size_t taken;       /* lines that are in a queue now */
    size_t kept;        /* lines of that target that stay: damaged, of an older version, their content is gone */
} ag_again;

/* All lines of `target` that can be sent again into a queue. NULL: of the only target there is; AG_EINVAL when there
 * are several. */
int ag_again_queue(const char *spool, const char *target, ag_arena *arena, ag_again *out, ag_err *err);

/* For who writes failed.jsonl: takes the lock, and finishes an exchange that was decided. */
int ag_again_lock(const char *spool, ag_lock **out, ag_err *err);
