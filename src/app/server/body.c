// SPDX-License-Identifier: Apache-2.0
/* body.c: bytes of a body, first from what came with the head, then from the connection. Of a known length they go
 * straight into the caller's memory; chunks are undone on the way through the connection's buffer. A failure sticks. */
#include "app/server/body.h"

#include "core/base/mem.h"
#include "core/sys/clock.h"

#define CHUNK_BUFFER (64 * 1024)
#define GRACE (AG_SECOND / 10) /* for a rest that nobody reads: the answer waits behind it */

static ag_body *body_of(ag_reader *reader)
{
    return (ag_body *)(void *)reader;
}

static ptrdiff_t broke(ag_body *body, ag_code code, ag_err *err, const char *text)
{
    body->failed = code;
    return ag_fail(err, code, "%s", text);
}

/* At least one byte, waiting for it; < 0: `failed` is set. */
static ptrdiff_t receive(ag_body *body, void *into, size_t size, ag_err *err)
{
    ag_link *link = &body->connection->link;
    if (body->wants_continue) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        body->wants_continue = false;
        int rc =
            ag_link_write_all(link, (ag_link_piece){go_on, sizeof(go_on) - 1}, (ag_link_piece){0}, body->patience, err);
        if (rc < 0) return body->failed = (ag_code)rc;
    }
    for (;;) {
        ptrdiff_t got = ag_link_read(link, into, size);
        if (got > 0) return got;
        if (got != AG_LINK_AGAIN)
            return broke(body, AG_ECANCELLED, err, "the client went away in the middle of the body");
        int ready = ag_link_bear(link, &body->patience, body->total);
        if (ready == 0) return broke(body, AG_ETIMEOUT, err, "the body comes too slowly");
        if (ready < 0) return broke(body, AG_EIO, err, "the connection cannot be waited for");
    }
}

static ptrdiff_t read_known(ag_body *body, void *into, size_t size, ag_err *err)
{
    ag_connection *connection = body->connection;
    if (size > body->left) size = (size_t)body->left;
    ptrdiff_t got;
    if (connection->at < connection->size) {
        size_t there = connection->size - connection->at;
        got = (ptrdiff_t)(size < there ? size : there);
        memcpy(into, connection->data + connection->at, (size_t)got);
        connection->at += (size_t)got;
    } else {
        got = receive(body, into, size, err);
        if (got < 0) return got;
    }
    body->left -= (uint64_t)got;
    body->ended = body->left == 0;
    return got;
}

static ptrdiff_t refill(ag_body *body, ag_err *err)
{
    ag_connection *connection = body->connection;
    connection->at = connection->size = 0;
    if (connection->capacity < CHUNK_BUFFER) {
        char *grown = ag_realloc_array(connection->data, CHUNK_BUFFER, 1);
        if (!grown) {
            body->failed = AG_ENOMEM;
            return ag_fail_memory(err, CHUNK_BUFFER);
        }
        connection->data = grown;
        connection->capacity = CHUNK_BUFFER;
    }
    ptrdiff_t got = receive(body, connection->data, connection->capacity, err);
    if (got > 0) connection->size = (size_t)got;
    return got;
}

static ptrdiff_t read_chunked(ag_body *body, void *into, size_t size, ag_err *err)
{
    ag_connection *connection = body->connection;
    for (;;) {
        if (connection->at == connection->size) {
            ptrdiff_t got = refill(body, err);
            if (got < 0) return got;
        }
        size_t there = connection->size - connection->at;
        ag_str data, bytes = {connection->data + connection->at, there < size ? there : size};
        ptrdiff_t used = ag_chunks_take(&body->chunks, bytes, &data, err);
        if (used < 0) return body->failed = (ag_code)used;
        connection->at += (size_t)used;
        if (data.size) {
            memcpy(into, data.data, data.size);
            return (ptrdiff_t)data.size;
        }
        if (body->chunks.done) {
            body->ended = true;
            return 0;
        }
    }
}

static ptrdiff_t read_body(ag_reader *self, void *into, size_t size, ag_err *err)
{
    ag_body *body = body_of(self);
    if (body->failed) return ag_fail(err, body->failed, "the body of the request ended early");
    if (body->ended || size == 0) return 0;
    ptrdiff_t got = body->chunked ? read_chunked(body, into, size, err) : read_known(body, into, size, err);
    if (got > 0) body->total += (uint64_t)got;
    if (got > 0 && body->total > body->limit) {
        body->failed = AG_ELIMIT;
        return ag_fail(err, AG_ELIMIT, "the body is larger than %llu bytes", (unsigned long long)body->limit);
    }
    return got;
}

void ag_body_init(ag_body *body, ag_connection *connection, const ag_head *head, const ag_server_options *options)
{
    *body = (ag_body){.reader = {.read = read_body},
                      .connection = connection,
                      .patience = {.stall = options->stall_time, .slowest = options->slowest},
                      .limit = UINT64_MAX,
                      .left = head->length > 0 ? (uint64_t)head->length : 0,
                      .chunked = head->chunked,
                      .wants_continue = head->wants_continue};
    body->ended = !body->chunked && body->left == 0;
}

bool ag_body_skip(ag_body *body, uint64_t most)
{
    char scrap[4096];
    uint64_t skipped = 0;
    if (body->failed) return false;
    if (body->ended) return true;
    if (body->wants_continue || (!body->chunked && body->left > most)) return false;
    body->limit = UINT64_MAX;
    body->patience = (ag_patience){.stall = GRACE < body->patience.stall ? GRACE : body->patience.stall,
                                   .slowest = body->patience.slowest};
    while (skipped <= most) {
        ptrdiff_t got = read_body(&body->reader, scrap, sizeof(scrap), NULL);
        if (got < 0) return false;
        if (body->ended) return true;
        skipped += (uint64_t)got;
    }
    return false;
}
