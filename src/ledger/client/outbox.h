// SPDX-License-Identifier: Apache-2.0
#pragma once
/* outbox.h: what one opened client has spooled: SPOOL/queue-ID/ with its segments ("000001.seg"), the contents of files
 * ("file-7") and "target", the ledger that all of it is for; held by the lock SPOOL/queue-ID.lock. A process that dies
 * lets go of the lock, and the next client of the same ledger takes the queue over. */
#include "core/base/arena.h"
#include "core/base/vec.h"
#include "core/io/file.h"
#include "ledger/client/segment.h"

typedef struct ag_outbox {
    char id[33];
    char *directory;
    char *lock_path;
    ag_lock *lock;
    ag_spool_segment *first, *last; /* in order */
    uint64_t segments_made;
} ag_outbox;

/* Makes the spool directory too when it is absent. */
int ag_outbox_make(const char *spool, const char *target, ag_outbox **out, ag_err *err);
/* All queues of this target whose processes have died, into a vector of ag_outbox *. What belongs to others, and what
 * cannot be opened, is left as it is; *failed (may be NULL) tells of the last such. Removes what holds nothing. */
int ag_outbox_adopt(const char *spool, const char *target, ag_vec *out, ag_err *failed, ag_err *err);
/* Whom a queue is for; NULL: it was not made to its end. */
typedef struct ag_outbox_found {
    const char *target; /* in the arena */
    bool alive;         /* its process still has it */
} ag_outbox_found;
/* What lies in a spool directory, into a vector of ag_outbox_found; nothing when there is no directory. */
int ag_outbox_list(const char *spool, ag_arena *arena, ag_vec *out, ag_err *err);
/* Closes the files and lets go of the lock. `remove`: all is delivered. NULL is fine. */
void ag_outbox_free(ag_outbox *queue, bool remove);

/* The next segment, not yet in the list. */
int ag_outbox_segment(ag_outbox *queue, uint64_t number, size_t size, ag_spool_segment **out, ag_err *err);
void ag_outbox_link(ag_outbox *queue, ag_spool_segment *segment);
/* Where the content of a file lies; AG_ELIMIT when the path is too long. */
int ag_outbox_file(const ag_outbox *queue, uint64_t number, char *out, size_t size, ag_err *err);
