// SPDX-License-Identifier: Apache-2.0
#pragma once
/* head.h: the head of a request (RFC 9112) and the chunks of a body, taken strictly: what two programs could read in
 * two ways is refused. Pure functions over bytes. */
#include "app/server/request.h"

enum { AG_HEAD_FIELDS = 100 }; /* the most header lines */

typedef struct ag_head {
    ag_method method;
    ag_str target; /* as sent */
    ag_str path;   /* begins with '/'; still encoded; "*" for OPTIONS * */
    ag_str query;  /* without '?', still encoded; data NULL when there is none */
    ag_str host;   /* of the target, else of the Host line; data NULL in HTTP/1.0 without one */
    int minor;     /* of HTTP/1.x */
    bool keep_alive;
    bool chunked;
    bool wants_continue;
    int64_t length; /* of the body; -1: not said, so none unless chunked */
    ag_uri_pair fields[AG_HEAD_FIELDS];
    size_t field_count;
} ag_head;

/* Where the head ends in what has come so far: its size with the blank line; 0: more must come; -1: it never can be one
 * (a line that ends without a carriage return). *scanned (starts at 0) keeps what need not be looked at again. Blank
 * lines before the head are not part of it: skip them with ag_head_skip(). */
ptrdiff_t ag_head_end(ag_str bytes, size_t *scanned);
size_t ag_head_skip(ag_str bytes); /* bytes of line ends in front, at most two lines */

/* Reads a whole head; names of fields are made lower case in place; slices point into it. 0, or the HTTP status to
 * refuse it with (400, 405, 414, 417, 431, 501, 505) and why. */
int ag_head_parse(char *bytes, size_t size, ag_head *out, ag_err *err);

ag_str ag_head_field(const ag_head *head, const char *name); /* the first; data NULL when absent */

/* The chunks of a body as they come. Zeroed at the start. */
typedef struct ag_chunks {
    int state;
    uint64_t left;   /* of the chunk */
    unsigned digits; /* of its size */
    unsigned extra;  /* bytes of extensions and trailers */
    bool done;
} ag_chunks;
/* Takes bytes up to the end of one piece of data: returns how many were used, *data is what they held (maybe nothing).
 * Call again with the rest until all is used or `done`. AG_EPARSE for what is not chunked. */
ptrdiff_t ag_chunks_take(ag_chunks *chunks, ag_str bytes, ag_str *data, ag_err *err);
