// SPDX-License-Identifier: Apache-2.0
#pragma once
/* link.h: the bytes of one connection, plain or through TLS, never blocking, and waiting with a deadline. */
#include "app/server/tls.h"
#include "core/base/err.h"

enum { AG_LINK_AGAIN = -1000 }; /* nothing now: wait */

typedef struct ag_link {
    int fd;
    ag_tls_session *tls; /* NULL: plain */
    short wants;         /* what to poll for after AG_LINK_AGAIN */
} ag_link;

/* Bytes read, 0 at the end, AG_LINK_AGAIN, or < 0: the connection is of no use any more. */
ptrdiff_t ag_link_read(ag_link *link, void *into, size_t size);

typedef struct ag_link_piece {
    const void *data;
    size_t size;
} ag_link_piece;
/* Bytes written of up to two pieces, AG_LINK_AGAIN or < 0. */
ptrdiff_t ag_link_write(ag_link *link, ag_link_piece first, ag_link_piece second);

/* Until it can go on or the monotonic time has come: 1, 0 (time), < 0. What has come already counts, however late. */
int ag_link_wait(const ag_link *link, int64_t until);

/* How long a slow other side is borne: `stall` microseconds at a time, and in all `stall` plus a second for every
 * `slowest` bytes. Only time in which this process waited counts: not that of its own work, nor that in which it was
 * stopped itself. */
typedef struct ag_patience {
    int64_t stall;
    uint32_t slowest;
    int64_t waited; /* so far, for this message; begins at 0 */
} ag_patience;
/* ag_link_wait() while the patience lasts; `bytes` have come or gone so far. */
int ag_link_bear(const ag_link *link, ag_patience *patience, uint64_t bytes);

/* All of it, or AG_ETIMEOUT, or AG_EIO when the other side has gone. */
int ag_link_write_all(ag_link *link, ag_link_piece first, ag_link_piece second, ag_patience patience, ag_err *err);
void ag_link_close(ag_link *link);
