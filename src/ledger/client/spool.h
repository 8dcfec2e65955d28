// SPDX-License-Identifier: Apache-2.0
#pragma once
/* spool.h: the client's own queue while it grows: any number of threads append, one delivers. */
#include "ledger/client/outbox.h"

typedef struct ag_spool ag_spool;

typedef struct ag_spool_options {
    const char *directory;
    const char *target;
    uint64_t max_bytes;
    int64_t block; /* microseconds an append may wait for room */
} ag_spool_options;

/* Makes the first segment, so that an unwritable directory or a full disk is told here. */
int ag_spool_open(const ag_spool_options *options, ag_spool **out, ag_err *err);
/* Nobody may be appending. What is not delivered stays for the next client. NULL is fine. */
void ag_spool_close(ag_spool *spool);

/* A whole record (entry.h). AG_EFULL when there is no room in time; AG_ELIMIT for one of more than AG_ENTRY_MAX. */
int ag_spool_append(ag_spool *spool, const uint8_t *record, size_t size, ag_err *err);
/* A number for a file of the queue, and room for `bytes` of it, which ag_spool_release() gives back. */
int ag_spool_reserve(ag_spool *spool, uint64_t bytes, uint64_t *number, ag_err *err);
void ag_spool_release(ag_spool *spool, uint64_t bytes);

/* ---- the thread that delivers ---- */

typedef struct ag_spool_end { /* what was appended so far */
    ag_spool_segment *segment;
    size_t offset;
    uint64_t records;
} ag_spool_end;

/* Waits until there is something behind `seen` records and it has waited for company for `flush` microseconds, there is
 * much of it, or somebody urges; at most until `deadline` (ag_monotonic(), 0: none). */
void ag_spool_wait(ag_spool *spool, uint64_t seen, int64_t flush, int64_t deadline);
/* Cuts the current or next wait short. */
void ag_spool_urge(ag_spool *spool);
ag_spool_end ag_spool_end_read(ag_spool *spool);
uint64_t ag_spool_used(ag_spool *spool);    /* bytes of disk */
uint64_t ag_spool_records(ag_spool *spool); /* appended so far */
ag_outbox *ag_spool_outbox(ag_spool *spool);
/* Everything before `segment` is delivered: those files go. */
void ag_spool_drop_before(ag_spool *spool, const ag_spool_segment *segment);
