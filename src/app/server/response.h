// SPDX-License-Identifier: Apache-2.0
#pragma once
/* response.h: what a handler gives back. Begin with nothing: status 200, an empty buffer. The server adds Date,
 * Content-Length or chunks, X-Request-Id, the security headers, gzip where it pays, and drops the body of HEAD. After a
 * handler has failed (< 0) its response is thrown away and the failure is told in the manner of the route's group. */
#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/doc/json.h"
#include "core/io/stream.h"

typedef struct ag_response_header {
    const char *name;
    const char *value;
    struct ag_response_header *next;
} ag_response_header;

/* Content of a known size that can be read from any place: ranges and conditional requests are then answered by the
 * server. */
typedef struct ag_content {
    uint64_t size;
    const char *etag;    /* quoted, '"abc"'; NULL: none */
    int64_t modified_at; /* microseconds; 0: unknown */
    void *context;
    int (*open)(void *context, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err);
} ag_content;

typedef enum ag_response_kind { AG_RESPONSE_BUFFER, AG_RESPONSE_STREAM, AG_RESPONSE_CONTENT } ag_response_kind;

typedef struct ag_response {
    int status;
    ag_arena *arena;          /* of the request */
    const char *content_type; /* NULL: none */
    ag_response_header *headers, *last;
    ag_response_kind kind;
    ag_buf body; /* BUFFER */
    ag_json json;
    ag_reader *stream;   /* STREAM; closed by the server */
    int64_t stream_size; /* -1: unknown, sent in chunks */
    ag_content content;  /* CONTENT */
} ag_response;

/* Adds a header. The value is copied; control characters in it are refused (AG_EINVAL). */
int ag_response_header_add(ag_response *response, const char *name, const char *value, ag_err *err);
int ag_response_header_addf(ag_response *response, ag_err *err, const char *name, const char *format, ...)
    AG_PRINTF(4, 5);

/* A writer of the body as JSON (one line; NaN and infinities as words in quotes, as protobuf writes them). End with
 * ag_response_json_end(). */
ag_json *ag_response_json(ag_response *response);
int ag_response_json_end(ag_response *response, ag_err *err);
/* A short text; text/plain. */
int ag_response_text(ag_response *response, int status, ag_err *err, const char *format, ...) AG_PRINTF(4, 5);
/* Bytes that come from a reader, which the response owns from now on, also when this fails. size -1: unknown. */
int ag_response_stream(ag_response *response, const char *content_type, ag_reader *reader, int64_t size, ag_err *err);
/* Content with ranges and conditions. The context must live as long as the arena. */
int ag_response_content(ag_response *response, const char *content_type, const ag_content *content, ag_err *err);
/* A regular file, with its time and an ETag of size and time. */
int ag_response_file(ag_response *response, const char *content_type, const char *path, ag_err *err);
/* Content-Disposition: attachment with this name (quoted, and as RFC 5987 says when it is not ASCII). */
int ag_response_attachment(ag_response *response, ag_str file_name, ag_err *err);
/* The content type for a file name: known extensions, MLmodel and the like as text, else application/octet-stream. */
const char *ag_content_type_of(ag_str file_name);
