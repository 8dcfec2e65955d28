// SPDX-License-Identifier: Apache-2.0
#pragma once
/* s3.h: requests to an S3-compatible store, for the backends of blobs and trees.
 * "s3://BUCKET/PREFIX?endpoint=URL&region=NAME&style=path|virtual&ca=FILE". What is missing comes from the environment
 * as with AWS's own tools: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN or the file
 * ~/.aws/credentials (AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE); AWS_REGION, AWS_DEFAULT_REGION; AWS_ENDPOINT_URL_S3,
 * AWS_ENDPOINT_URL. Every body is in memory, so each request is signed with its SHA-256 and can be sent again. */
#include "core/blob/s3_xml.h"
#include "core/io/uri.h"
#include "core/net/http.h"

typedef struct s3 s3;

int s3_open(const char *address, ag_cancel *cancel, s3 **out, ag_err *err);
void s3_close(s3 *client);

typedef struct s3_call {
    const char *what; /* "write", "list" ...: for messages */
    const char *method;
    const char *key; /* below the prefix; NULL: the bucket itself */
    ag_uri_pair query[6];
    size_t query_count;
    ag_http_header headers[4];
    size_t header_count;
    ag_str body;
    bool uncancelled; /* clean-up: goes on although it was asked to stop */
} s3_call;

/* 0 for a 2xx answer. Anything else is an error that names the object and what the server said; AG_ENOTFOUND for no
 * such key. Deinit `out` in any case. */
int s3_send(s3 *client, const s3_call *call, ag_http_response *out, ag_err *err);

/* The same without an answer to look at. */
int s3_do(s3 *client, const s3_call *call, ag_err *err);

typedef struct s3_info {
    uint64_t size;
    int64_t modified;
    char etag[100];
} s3_info;
int s3_head(s3 *client, const char *key, s3_info *out, ag_err *err);
int s3_put(s3 *client, const char *key, ag_str bytes, ag_err *err);
/* Up to `size` bytes from `offset`, appended; none beyond the end. `etag` (NULL: any) must still be the object's. */
int s3_get(s3 *client, const char *key, uint64_t offset, uint64_t size, const char *etag, ag_buf *out, ag_err *err);
int s3_delete(s3 *client, const char *key, ag_err *err); /* absent is fine, as S3 has it */

/* Pages through everything below `prefix` (itself below the client's), sorted; keys are told relative to the client's
 * prefix. With a delimiter only one level. `max` 0: all. */
typedef int (*s3_visit_fn)(void *context, const s3_entry *entry, ag_err *err);
int s3_list(s3 *client, const char *prefix, bool one_level, unsigned max, s3_visit_fn visit, void *context,
            ag_err *err);

/* Multi-part uploads: parts of equal size but the last. */
#define S3_PART_SIZE ((size_t)16 << 20)
typedef struct s3_upload s3_upload;
int s3_upload_begin(s3 *client, const char *key, s3_upload **out, ag_err *err);
int s3_upload_part(s3_upload *upload, ag_str bytes, ag_err *err);
int s3_upload_finish(s3_upload *upload, ag_err *err);
void s3_upload_free(s3_upload *upload); /* aborts it unless finished */
/* Aborts uploads begun before that time; *count adds up. */
int s3_upload_sweep(s3 *client, int64_t before, uint64_t *count, ag_err *err);

/* The time as it is: signatures and ages must not follow a pinned clock. */
int64_t s3_now(void);
