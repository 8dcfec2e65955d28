// SPDX-License-Identifier: Apache-2.0
/* blob_s3.c: a content-addressed store below a prefix of an S3 bucket. S3 makes a PUT atomic and durable, so a piece is
 * one object. It has neither touch nor locks: the core writes an old piece again to make it young, and between the look
 * at a piece's age and its removal lies one round trip, which the grace period of a collection must cover. Listings and
 * reads are strongly consistent, on AWS since 2020 and on what speaks its protocol. Threads: any. */
#include "core/blob/blob_backend.h"
#include "core/blob/s3.h"

typedef struct blob_s3 {
    s3 *client;
} blob_s3;

static int open_s3(void *state, const char *address, bool read_only, ag_cancel *cancel, ag_err *err)
{
    blob_s3 *self = state;
    (void)read_only;
    return s3_open(address, cancel, &self->client, err);
}

static void close_s3(void *state)
{
    blob_s3 *self = state;
    s3_close(self->client);
    self->client = NULL;
}

static int write_piece(void *state, const char *key, ag_str bytes, ag_err *err)
{
    return s3_put(((blob_s3 *)state)->client, key, bytes, err);
}

static int read_piece(void *state, const char *key, uint64_t offset, uint64_t size, ag_buf *out, ag_err *err)
{
    return s3_get(((blob_s3 *)state)->client, key, offset, size, NULL, out, err);
}

static int stat_piece(void *state, const char *key, ag_piece_info *out, ag_err *err)
{
    s3_info info;
    int rc = s3_head(((blob_s3 *)state)->client, key, &info, err);
    if (rc >= 0) *out = (ag_piece_info){info.size, info.modified};
    return rc;
}

static int remove_piece(void *state, const char *key, int64_t before, ag_err *err)
{
    blob_s3 *self = state;
    s3_info info;
    int rc = s3_head(self->client, key, &info, err);
    if (rc < 0) return rc;
    if (info.modified > before) return 0;
    rc = s3_delete(self->client, key, err);
    return rc < 0 ? rc : 1;
}

typedef struct walk_s3 {
    ag_piece_visit_fn visit;
    void *context;
} walk_s3;

static int visit_entry(void *context, const s3_entry *entry, ag_err *err)
{
    walk_s3 *walk = context;
    ag_piece_info info = {entry->size, entry->modified};
    return walk->visit(walk->context, entry->key, &info, err);
}

static int walk_pieces(void *state, const char *folder, ag_piece_visit_fn visit, void *context, ag_err *err)
{
    char prefix[64];
    walk_s3 walk = {visit, context};
    ag_format(prefix, sizeof(prefix), "%s/", folder);
    return s3_list(((blob_s3 *)state)->client, prefix, false, 0, visit_entry, &walk, err);
}

const ag_blob_backend ag_blob_backend_s3 = {
    .scheme = "s3",
    .state_size = sizeof(blob_s3),
    .open = open_s3,
    .close = close_s3,
    .write = write_piece,
    .read = read_piece,
    .stat = stat_piece,
    .remove = remove_piece,
    .walk = walk_pieces,
};
