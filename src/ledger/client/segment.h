// SPDX-License-Identifier: Apache-2.0
#pragma once
/* segment.h: one file of the spool, mapped into memory: a head of 128 bytes, then records, of which the last may only
 * be begun, then zeros.
 *
 * The head: "AUGSPOOL", version (4 bytes, 1), size of the head (4), number of the segment (8), size of the file (8), id
 * of the queue (16 raw bytes), fast hash of these 48 bytes (8); at 64 how far it is delivered (8, an offset in the
 * file) and its complement (8), at 80 how far something may have been sent already, likewise; zeros. Little-endian. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { AG_SPOOL_SEGMENT_HEAD = 128, AG_SPOOL_SEGMENT_LEAST = 1 << 16 };

typedef struct ag_spool_segment {
    char *path;
    uint64_t number;
    uint8_t *map;
    size_t size; /* of the file */
    size_t tail; /* where the next record goes; of one that was found: the size */
    struct ag_spool_segment *next;
} ag_spool_segment;

/* Makes the file with all its blocks, so that a full disk is told here and never by a signal later. */
int ag_spool_segment_make(const char *path, uint64_t number, const uint8_t queue[16], size_t size,
                          ag_spool_segment **out, ag_err *err);
/* One that a process has left. AG_EUNSUPPORTED for a newer version; a head that is damaged is taken as one of which
 * nothing is delivered; AG_ENOTFOUND for a file in which nothing can be (its making was cut short). */
int ag_spool_segment_open(const char *path, ag_spool_segment **out, ag_err *err);
/* All of it is on the disk: for what is nowhere else. */
int ag_spool_segment_sync(const ag_spool_segment *segment, ag_err *err);
void ag_spool_segment_close(ag_spool_segment *segment); /* the file stays; NULL is fine */

/* False when there is no room. A process that dies in the midst leaves all of it, or what is read as nothing. */
bool ag_spool_segment_append(ag_spool_segment *segment, const uint8_t *record, size_t size);

/* The record at or behind *offset, before `limit`: its size, with *offset moved to it; 0 when there is none. Bytes that
 * are no record are passed over and counted in *damaged, unless they are zeros or a last append that was cut short. */
size_t ag_spool_segment_next(const uint8_t *bytes, size_t limit, size_t *offset, uint64_t *damaged);

size_t ag_spool_segment_delivered(const ag_spool_segment *segment);
void ag_spool_segment_set_delivered(ag_spool_segment *segment, size_t offset);
size_t ag_spool_segment_attempted(const ag_spool_segment *segment);
void ag_spool_segment_set_attempted(ag_spool_segment *segment, size_t offset);
