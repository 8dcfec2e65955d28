// SPDX-License-Identifier: Apache-2.0
/* s3.c: one signed request, and the operations on one object. Bodies are at most a piece or a part long and lie in
 * memory: so every payload is signed, every request can be repeated, and a broken connection costs one piece. Threads:
 * any; the configuration never changes. */
#include "core/blob/s3.h"

#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/blob/blob_backend.h"
#include "core/blob/s3_private.h"
#include "core/hash/hash.h"
#include "core/net/aws_sign.h"
#include "core/sys/clock.h"

int64_t s3_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * AG_SECOND + now.tv_nsec / 1000;
}

int s3_open(const char *address, ag_cancel *cancel, s3 **out, ag_err *err)
{
    s3 *client = ag_calloc(1, sizeof(*client));
    if (!client) return ag_fail_memory(err, sizeof(*client));
    client->cancel = cancel;
    int rc = (client->arena = ag_arena_new(0)) ? 0 : ag_fail_memory(err, 64);
    if (rc >= 0) rc = s3_config_read(client->arena, address, &client->config, err);
    if (rc >= 0) {
        ag_http_options options = {.ca_file = client->config.ca_file,
                                   .retry_500 = true,
                                   .attempts = 5,
                                   .max_body_bytes = AG_PIECE_MAX + 65536};
        rc = ag_http_new(&options, &client->http, err);
    }
    if (rc < 0)
        s3_close(client);
    else
        *out = client;
    return rc;
}

void s3_close(s3 *client)
{
    if (!client) return;
    ag_http_free(client->http);
    if (client->config.secret_key) { /* the arena's own memory, told as const to everyone else */
        ag_wipe((void *)(uintptr_t)client->config.secret_key, strlen(client->config.secret_key));
    }
    ag_arena_free(client->arena);
    ag_free(client);
}

/* What the server says, or what its status means, as one error. */
static int explain(s3 *client, const s3_call *call, const ag_http_response *response, ag_err *err)
{
    static const struct {
        const char *code, *hint;
    } hints[] = {
        {"SignatureDoesNotMatch", "The secret key is not the one that belongs to the access key."},
        {"InvalidAccessKeyId", "The server does not know this access key."},
        {"RequestTimeTooSkewed", "The clocks of this machine and of the server differ too much."},
        {"NoSuchBucket", "Make the bucket first."},
        {"AccessDenied", "The access key has no permission for this."},
        {"AuthorizationHeaderMalformed", "The region is probably another one; add ?region=NAME to the address."},
        {"PermanentRedirect", "The bucket is in another region; add ?region=NAME to the address."},
    };
    ag_http_request request = {.method = call->method, .url = client->config.origin};
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 64);
    ag_str code = s3_xml_find(arena, ag_buf_str(&response->body), "Code");
    ag_str message = s3_xml_find(arena, ag_buf_str(&response->body), "Message");
    int rc = ag_http_check(&request, response, err);
    if (rc == 0) rc = AG_EUNAVAILABLE; /* an error inside of a 200 */
    if (response->status == 404 && code.data && ag_str_is(code, "NoSuchBucket")) rc = AG_EINVAL;
    if (code.data && (ag_str_is(code, "RequestTimeTooSkewed") || ag_str_is(code, "InvalidAccessKeyId"))) rc = AG_EAUTH;
    ag_str shown = code.data ? code : ag_str_of(ag_http_reason(response->status));
    ag_fail(err, (ag_code)rc, "cannot %s 's3://%s/%s%s' at %s: %d %.*s%s%.*s", call->what, client->config.bucket,
            client->config.prefix, call->key ? call->key : "", client->config.origin, response->status,
            AG_STR_ARG(shown), message.size ? ": " : "", AG_STR_ARG(message));
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (code.data && ag_str_is(code, hints[i].code)) ag_err_hint(err, "%s", hints[i].hint);
    }
    ag_arena_free(arena);
    return rc;
}

/* The path as it is sent and signed. */
static int make_path(s3 *client, ag_arena *arena, const char *key, ag_str *out, ag_err *err)
{
    ag_buf path;
    ag_buf_init(&path, 65536);
    ag_buf_add_char(&path, '/');
    if (client->config.path_style) ag_buf_addf(&path, "%s%s", client->config.bucket, key ? "/" : "");
    if (key) {
        ag_percent_encode(&path, ag_str_of(client->config.prefix), "/");
        ag_percent_encode(&path, ag_str_of(key), "/");
    }
    int rc = ag_buf_check(&path, "an S3 path", err);
    if (rc >= 0) {
        out->size = path.size;
        out->data = ag_arena_strndup(arena, path.data, path.size);
        if (!out->data) rc = ag_fail_memory(err, path.size);
    }
    ag_buf_deinit(&path);
    return rc;
}

typedef struct signed_parts {
    char date[17];
    char payload[65];
    ag_http_header headers[12];
    size_t count;
} signed_parts;

static void add_header(signed_parts *parts, const char *name, const char *value)
{
    parts->headers[parts->count++] = (ag_http_header){name, value};
}

static int make_headers(s3 *client, ag_arena *arena, const s3_call *call, ag_str path, const char *query,
                        signed_parts *parts, ag_err *err)
{
    ag_sha256 digest;
    const s3_config *config = &client->config;
    int rc = ag_sha256_of(call->body.data ? call->body.data : "", call->body.size, &digest, err);
    if (rc < 0) return rc;
    ag_sha256_format(&digest, parts->payload);
    ag_aws_date(s3_now(), parts->date);
    add_header(parts, "host", config->host);
    add_header(parts, "x-amz-content-sha256", parts->payload);
    add_header(parts, "x-amz-date", parts->date);
    if (config->token) add_header(parts, "x-amz-security-token", config->token);
    for (size_t i = 0; i < call->header_count; i++) add_header(parts, call->headers[i].name, call->headers[i].value);
    ag_aws_request request = {.method = call->method,
                              .path = path,
                              .query = query,
                              .headers = parts->headers,
                              .header_count = parts->count,
                              .payload_sha256 = parts->payload,
                              .date = parts->date,
                              .region = config->region,
                              .service = "s3",
                              .access_key = config->access_key,
                              .secret_key = config->secret_key};
    const char *authorization = NULL;
    if ((rc = ag_aws_sign(arena, &request, &authorization, err)) < 0) return rc;
    add_header(parts, "authorization", authorization);
    return 0;
}

int s3_send(s3 *client, const s3_call *call, ag_http_response *out, ag_err *err)
{
    *out = (ag_http_response){0};
    signed_parts parts = {.count = 0};
    ag_str path;
    const char *query = NULL;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 64);
    int rc = make_path(client, arena, call->key, &path, err);
    if (rc >= 0) rc = ag_aws_query(arena, call->query, call->query_count, &query, err);
    if (rc >= 0) rc = make_headers(client, arena, call, path, query, &parts, err);
    char *url = NULL;
    if (rc >= 0 && !(url = ag_arena_printf(arena, "%s%.*s%s%s", client->config.origin, AG_STR_ARG(path),
                                           query[0] ? "?" : "", query))) {
        rc = ag_fail_memory(err, path.size);
    }
    if (rc >= 0) {
        ag_http_request request = {.method = call->method,
                                   .url = url,
                                   .headers = parts.headers,
                                   .header_count = parts.count,
                                   .body = call->body,
                                   .cancel = call->uncancelled ? NULL : client->cancel};
        rc = ag_http_send(client->http, &request, out, err);
        bool good = rc >= 0 && out->status >= 200 && out->status < 300;
        if (rc >= 0 && !good) rc = explain(client, call, out, err);
    }
    ag_arena_free(arena);
    return rc;
}

int s3_do(s3 *client, const s3_call *call, ag_err *err)
{
    ag_http_response response;
    int rc = s3_send(client, call, &response, err);
    ag_http_response_deinit(&response);
    return rc;
}

int s3_refuse(s3 *client, const s3_call *call, const ag_http_response *response, ag_err *err)
{
    return explain(client, call, response, err);
}

int s3_head(s3 *client, const char *key, s3_info *out, ag_err *err)
{
    ag_http_response response;
    s3_call call = {.what = "look at", .method = "HEAD", .key = key};
    int rc = s3_send(client, &call, &response, err);
    if (rc >= 0) {
        s3_info info = {0};
        ag_str size = ag_http_field(&response, "content-length"), etag = ag_http_field(&response, "etag");
        int64_t age = ag_http_date(ag_http_field(&response, "last-modified"));
        if (!ag_str_to_uint(size, &info.size) || age < 0) {
            rc = ag_fail(err, AG_EPARSE, "the S3 server does not tell size and time of '%s'", key);
        } else {
            info.modified = age;
            ag_format(info.etag, sizeof(info.etag), "%.*s", AG_STR_ARG(etag));
            *out = info;
        }
    }
    ag_http_response_deinit(&response);
    return rc;
}

int s3_put(s3 *client, const char *key, ag_str bytes, ag_err *err)
{
    s3_call call = {.what = "write", .method = "PUT", .key = key, .body = bytes};
    return s3_do(client, &call, err);
}

/* A whole answer to a request for a part: take the part. */
static int take_part(const ag_http_response *response, uint64_t offset, uint64_t size, ag_buf *out, ag_err *err)
{
    ag_str body = ag_buf_str(&response->body);
    if (response->status != 206 && offset)
        body = ag_str_slice(body, offset > SIZE_MAX ? SIZE_MAX : (size_t)offset, SIZE_MAX);
    if (body.size > size) body.size = (size_t)size;
    return ag_buf_add_str(out, body) < 0 ? ag_buf_check(out, "an S3 object", err) : 0;
}

int s3_get(s3 *client, const char *key, uint64_t offset, uint64_t size, const char *etag, ag_buf *out, ag_err *err)
{
    char range[64];
    ag_http_response response;
    s3_call call = {.what = "read", .method = "GET", .key = key};
    if (size == 0) return 0;
    uint64_t last = size - 1 > UINT64_MAX - offset ? UINT64_MAX : offset + size - 1;
    if (offset || size != UINT64_MAX) {
        ag_format(range, sizeof(range), last == UINT64_MAX ? "bytes=%llu-" : "bytes=%llu-%llu",
                  (unsigned long long)offset, (unsigned long long)last);
        call.headers[call.header_count++] = (ag_http_header){"range", range};
    }
    if (etag && etag[0]) call.headers[call.header_count++] = (ag_http_header){"if-match", etag};
    int rc = s3_send(client, &call, &response, err);
    if (rc >= 0)
        rc = take_part(&response, offset, size, out, err);
    else if (response.status == 416)
        rc = 0; /* begins at or behind the end */
    ag_http_response_deinit(&response);
    return rc;
}

int s3_delete(s3 *client, const char *key, ag_err *err)
{
    s3_call call = {.what = "remove", .method = "DELETE", .key = key};
    int rc = s3_do(client, &call, err);
    return rc == AG_ENOTFOUND ? 0 : rc;
}
