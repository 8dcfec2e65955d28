// SPDX-License-Identifier: Apache-2.0
/* reply.c: writing answers. A buffer goes out with its head in one system call. A stream is copied in pieces; when its
 * reader fails in the middle the connection is cut, which is the only way left to say so. Conditions and ranges are
 * worked out here for all content of a known size. */
#include "app/server/reply.h"

#include "app/server/fields.h"
#include "core/base/mem.h"
#include "core/io/compress.h"
#include "core/sys/clock.h"
#include "core/sys/log.h"

#define PIECE (128 * 1024)
#define WORTH_GZIP 1024
#define GZIP_LEVEL 1 /* the network waits for the processor here, not the disk for the last percent */

const char *ag_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].status == status) return rows[i].text;
    return "Status";
}

static bool has_header(const ag_response *response, const char *name)
{
    for (const ag_response_header *one = response->headers; one; one = one->next)
        if (ag_str_equal_nocase(ag_str_of(one->name), ag_str_of(name))) return true;
    return false;
}

static ag_str asked(const ag_reply *reply, const char *name)
{
    return reply->request ? ag_head_field(reply->request, name) : (ag_str){0};
}

static bool is_bodiless(int status)
{
    return status == 204 || status == 304 || status < 200;
}

/* ---- what is sent ---- */

static bool worth_gzip(const ag_reply *reply)
{
    const ag_response *response = reply->response;
    if (reply->options->gzip == AG_GZIP_NEVER || response->kind != AG_RESPONSE_BUFFER) return false;
    if (reply->options->gzip == AG_GZIP_AUTO && reply->connection->local) return false;
    if (response->body.size < WORTH_GZIP || !response->content_type || has_header(response, "Content-Encoding"))
        return false;
    ag_str type = ag_str_of(response->content_type);
    return (ag_str_starts(type, AG_STR("text/")) || ag_str_starts(type, AG_STR("application/json"))) &&
           ag_accepts_coding(asked(reply, "accept-encoding"), "gzip");
}

static void compress(ag_reply *reply)
{
    ag_response *response = reply->response;
    ag_buf packed;
    ag_buf_init(&packed, response->body.size);
    bool smaller = ag_compress(AG_CODEC_GZIP, GZIP_LEVEL, ag_buf_str(&response->body), &packed, NULL) == AG_OK;
    if (smaller && ag_response_header_add(response, "Content-Encoding", "gzip", NULL) == AG_OK &&
        ag_response_header_add(response, "Vary", "Accept-Encoding", NULL) == AG_OK) {
        ag_buf old = response->body;
        response->body = packed;
        packed = old;
    }
    ag_buf_deinit(&packed);
}

/* Conditional requests: is what the client has still good? */
static bool not_modified(const ag_reply *reply)
{
    const ag_content *content = &reply->response->content;
    ag_str tags = asked(reply, "if-none-match"), since = asked(reply, "if-modified-since");
    int64_t instant;
    if (tags.data) return ag_etag_matches(tags, content->etag, true);
    if (!since.data || !content->modified_at || !ag_http_date_parse(since, &instant)) return false;
    return content->modified_at / AG_SECOND <= instant / AG_SECOND;
}

/* If-Range: a range only of the very same content. */
static bool same_content(const ag_reply *reply)
{
    const ag_content *content = &reply->response->content;
    ag_str condition = asked(reply, "if-range");
    int64_t instant;
    if (!condition.data) return true;
    if (condition.size && condition.data[0] == '"') return ag_etag_matches(condition, content->etag, false);
    return content->modified_at && ag_http_date_parse(condition, &instant) &&
           content->modified_at / AG_SECOND == instant / AG_SECOND;
}

/* Turns content into a stream of the part that is to be sent. */
static int choose_part(ag_reply *reply, ag_err *err)
{
    ag_response *response = reply->response;
    const ag_content *content = &response->content;
    uint64_t offset = 0, count = content->size;
    char date[32];
    int rc = ag_response_header_add(response, "Accept-Ranges", "bytes", err);
    if (rc >= 0 && content->etag) rc = ag_response_header_add(response, "ETag", content->etag, err);
    if (rc >= 0 && content->modified_at) {
        ag_http_date_format(content->modified_at, date);
        rc = ag_response_header_add(response, "Last-Modified", date, err);
    }
    response->kind = AG_RESPONSE_BUFFER;
    if (rc < 0) return rc;
    if (response->status == 200 && not_modified(reply)) {
        response->status = 304;
        return AG_OK;
    }
    ag_str range = response->status == 200 && same_content(reply) ? asked(reply, "range") : (ag_str){0};
    ag_range_kind kind = range.data ? ag_range_parse(range, content->size, &offset, &count) : AG_RANGE_WHOLE;
    if (kind == AG_RANGE_OUTSIDE) {
        response->status = 416;
        response->content_type = NULL;
        return ag_response_header_addf(response, err, "Content-Range", "bytes */%llu",
                                       (unsigned long long)content->size);
    }
    if (kind == AG_RANGE_PART) {
        response->status = 206;
        rc = ag_response_header_addf(response, err, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)offset,
                                     (unsigned long long)(offset + count - 1), (unsigned long long)content->size);
    }
    if (rc < 0) return rc;
    response->kind = AG_RESPONSE_STREAM;
    response->stream_size = (int64_t)count;
    bool head_only = reply->request && reply->request->method == AG_METHOD_HEAD;
    return count && !head_only ? content->open(content->context, offset, count, &response->stream, err) : AG_OK;
}

/* ---- the head ---- */

static void add_line(ag_buf *out, const char *name, const char *value)
{
    ag_buf_add_text(out, name);
    ag_buf_add(out, ": ", 2);
    ag_buf_add_text(out, value);
    ag_buf_add(out, "\r\n", 2);
}

static void add_default(const ag_reply *reply, const char *name, const char *value)
{
    if (!has_header(reply->response, name)) add_line(reply->scratch, name, value);
}

/* What keeps a browser from doing with an answer what was not meant: guessing types, running scripts, framing. */
static void add_security(const ag_reply *reply)
{
    const char *frame = reply->options->frame_options;
    add_default(reply, "X-Content-Type-Options", "nosniff");
    if (!ag_str_equal_nocase(ag_str_of(frame), AG_STR("none"))) add_default(reply, "X-Frame-Options", frame);
    add_default(reply, "Content-Security-Policy", "default-src 'none'; sandbox");
    add_default(reply, "Referrer-Policy", "no-referrer");
    add_default(reply, "Cache-Control", "no-cache");
}

static void add_cors(const ag_reply *reply)
{
    if (!reply->allow_origin.data) return;
    ag_buf_add_text(reply->scratch, "Access-Control-Allow-Origin: ");
    ag_buf_add_str(reply->scratch, reply->allow_origin);
    ag_buf_add_text(reply->scratch,
                    "\r\nAccess-Control-Allow-Credentials: true\r\n"
                    "Access-Control-Expose-Headers: X-Request-Id, ETag, Content-Disposition\r\nVary: Origin\r\n");
}

static int make_head(ag_reply *reply, int64_t size, bool chunked, ag_err *err)
{
    const ag_response *response = reply->response;
    ag_buf *out = reply->scratch;
    char date[32];
    ag_buf_clear(out);
    ag_http_date_format(ag_now(), date);
    ag_buf_addf(out, "HTTP/1.1 %d %s\r\n", response->status, ag_status_text(response->status));
    add_line(out, "Date", date);
    if (response->content_type && !is_bodiless(response->status)) add_line(out, "Content-Type", response->content_type);
    if (chunked)
        add_line(out, "Transfer-Encoding", "chunked");
    else if (size >= 0 && !is_bodiless(response->status))
        ag_buf_addf(out, "Content-Length: %lld\r\n", (long long)size);
    for (const ag_response_header *one = response->headers; one; one = one->next) add_line(out, one->name, one->value);
    if (reply->id) add_line(out, "X-Request-Id", reply->id);
    add_security(reply);
    add_cors(reply);
    if (!reply->keep)
        add_line(out, "Connection", "close");
    else if (reply->request && reply->request->minor == 0)
        add_line(out, "Connection", "keep-alive");
    ag_buf_add(out, "\r\n", 2);
    return ag_buf_check(out, "response headers", err);
}

/* ---- sending ---- */

static int put(ag_reply *reply, ag_str first, ag_str second, ag_err *err)
{
    ag_patience patience = {.stall = reply->options->stall_time, .slowest = reply->options->slowest};
    return ag_link_write_all(&reply->connection->link, (ag_link_piece){first.data, first.size},
                             (ag_link_piece){second.data, second.size}, patience, err);
}

static int put_piece(ag_reply *reply, char *piece, size_t size, bool chunked, ag_err *err)
{
    if (!chunked) return put(reply, (ag_str){piece, size}, (ag_str){0}, err);
    char length[24];
    ag_format(length, sizeof(length), "%zx\r\n", size);
    piece[size] = '\r'; /* the buffer has room for both */
    piece[size + 1] = '\n';
    return put(reply, ag_str_of(length), (ag_str){piece, size + 2}, err);
}

static int send_stream(ag_reply *reply, bool chunked, ag_err *err)
{
    ag_response *response = reply->response;
    char *piece = ag_alloc(PIECE + 2);
    if (!piece) return ag_fail_memory(err, PIECE);
    int rc = AG_OK;
    for (;;) {
        ptrdiff_t got = ag_read(response->stream, piece, PIECE, err);
        if (got <= 0) {
            rc = (int)got;
            break;
        }
        if (response->stream_size >= 0 && (uint64_t)got > (uint64_t)response->stream_size - reply->sent)
            got = (ptrdiff_t)((uint64_t)response->stream_size - reply->sent);
        if (got == 0 || (rc = put_piece(reply, piece, (size_t)got, chunked, err)) < 0) break;
        reply->sent += (uint64_t)got;
    }
    ag_free(piece);
    if (rc >= 0 && response->stream_size >= 0 && reply->sent != (uint64_t)response->stream_size)
        rc = ag_fail(err, AG_EIO, "the content ended after %llu of %lld bytes", (unsigned long long)reply->sent,
                     (long long)response->stream_size);
    if (rc >= 0 && chunked) rc = put(reply, AG_STR("0\r\n\r\n"), (ag_str){0}, err);
    return rc;
}

/* Something went wrong before a byte was sent: say so instead. */
static void replace_by_failure(ag_reply *reply, const ag_err *why)
{
    ag_response *response = reply->response;
    ag_log_error("http", why);
    response->headers = response->last = NULL;
    response->kind = AG_RESPONSE_BUFFER;
    response->status = ag_code_http_status(why->code);
    response->content_type = "text/plain; charset=utf-8";
    ag_buf_clear(&response->body);
    ag_buf_addf(&response->body, "%s\n", why->text);
}

int ag_reply_send(ag_reply *reply, ag_err *err)
{
    ag_response *response = reply->response;
    ag_err trouble = {0};
    int rc = AG_OK;
    if (response->kind == AG_RESPONSE_CONTENT && choose_part(reply, &trouble) < 0) replace_by_failure(reply, &trouble);
    if (response->kind == AG_RESPONSE_BUFFER && ag_buf_check(&response->body, "the answer", &trouble) < 0)
        replace_by_failure(reply, &trouble);
    if (worth_gzip(reply)) compress(reply);
    bool no_body = is_bodiless(response->status) || (reply->request && reply->request->method == AG_METHOD_HEAD);
    bool streams = response->kind == AG_RESPONSE_STREAM;
    int64_t size = streams ? response->stream_size : (int64_t)response->body.size;
    bool chunked = streams && size < 0 && reply->request && reply->request->minor == 1;
    if (streams && size < 0 && !chunked) reply->keep = false; /* HTTP/1.0: the end of the connection is the end */
    rc = make_head(reply, size, chunked, err);
    ag_str body = no_body || streams ? (ag_str){0} : ag_buf_str(&response->body);
    if (rc >= 0) rc = put(reply, ag_buf_str(reply->scratch), body, err);
    if (rc >= 0) reply->sent = body.size;
    if (rc >= 0 && streams && !no_body && response->stream) rc = send_stream(reply, chunked, err);
    if (rc < 0) reply->keep = false;
    return rc;
}
