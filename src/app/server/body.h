// SPDX-License-Identifier: Apache-2.0
#pragma once
/* body.h: the body of a request as a reader, with its length or chunks undone, bounded in size and in time. */
#include "app/server/head.h"
#include "app/server/private.h"

typedef struct ag_body {
    ag_reader reader; /* never blocks longer than the patience; close does nothing */
    ag_connection *connection;
    ag_patience patience;
    uint64_t limit; /* most bytes */
    uint64_t total; /* so far */
    uint64_t left;  /* of a known length */
    ag_chunks chunks;
    bool chunked;
    bool wants_continue; /* nobody has told the client to go on yet */
    bool ended;
    ag_code failed; /* what ended it early; the connection is of no use any more */
} ag_body;

void ag_body_init(ag_body *body, ag_connection *connection, const ag_head *head, const ag_server_options *options);
/* Reads over what is left, if that is at most `most` bytes and does not let itself be waited for: true when the next
 * request can follow. */
bool ag_body_skip(ag_body *body, uint64_t most);
