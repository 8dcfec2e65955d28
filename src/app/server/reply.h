// SPDX-License-Identifier: Apache-2.0
#pragma once
/* reply.h: an answer on its way out: status line, headers, conditions and ranges, gzip, chunks. */
#include "app/server/head.h"
#include "app/server/private.h"

typedef struct ag_reply {
    const ag_server_options *options;
    ag_connection *connection;
    const ag_head *request; /* what was asked; NULL when it could not be read */
    ag_response *response;
    ag_buf *scratch; /* for the head */
    const char *id;
    ag_str allow_origin; /* for CORS; data NULL: none */
    bool keep;           /* the connection stays open; may become false */
    uint64_t sent;       /* bytes of the body */
} ag_reply;

/* Sends it. < 0: the connection is of no use any more (keep is false). */
int ag_reply_send(ag_reply *reply, ag_err *err);
const char *ag_status_text(int status);
