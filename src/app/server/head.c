// SPDX-License-Identifier: Apache-2.0
/* head.c: reading the head of a request and undoing chunks.
 * Strict on purpose. A proxy in front of us and this code must never disagree on where a request ends, so everything
 * that is known to be read in two ways is refused: bare line feeds, folded lines, a blank before the colon, two lengths
 * (also equal ones), a length beside chunks, codings other than chunked, signs and blanks in numbers, two hosts. */
#include "app/server/head.h"

enum { TARGET_MAX = 8192, CHUNK_EXTRA_MAX = 4096 };

static const char *const method_names[AG_METHOD_COUNT] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

const char *ag_method_name(ag_method method)
{
    return method_names[method];
}

size_t ag_head_skip(ag_str bytes)
{
    size_t at = 0;
    for (int lines = 0; lines < 2 && bytes.size - at >= 2 && bytes.data[at] == '\r' && bytes.data[at + 1] == '\n';
         lines++)
        at += 2;
    return at;
}

ptrdiff_t ag_head_end(ag_str bytes, size_t *scanned)
{
    size_t at = *scanned; /* always just behind a line end, or 0 */
    while (at < bytes.size) {
        const char *found = memchr(bytes.data + at, '\n', bytes.size - at);
        if (!found) return 0;
        size_t end = (size_t)(found - bytes.data);
        if (end == 0 || bytes.data[end - 1] != '\r') return -1;
        if (end - 1 == at && at > 0) return (ptrdiff_t)end + 1;
        if (end - 1 == at) return -1; /* a blank line in front that ag_head_skip() left */
        at = end + 1;
        *scanned = at;
    }
    return 0;
}

static bool is_token(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
    return c && strchr("!#$%&'*+-.^_`|~", c);
}

static int parse_method(ag_str word, ag_method *out, ag_err *err)
{
    for (int i = 0; i < AG_METHOD_COUNT; i++) {
        if (ag_str_is(word, method_names[i])) {
            *out = (ag_method)i;
            return 0;
        }
    }
    if (word.size == 0 || word.size > 32) return ag_fail(err, AG_EPARSE, "the request has no method"), 400;
    for (size_t i = 0; i < word.size; i++)
        if (!is_token((unsigned char)word.data[i])) return ag_fail(err, AG_EPARSE, "the method is not a word"), 400;
    return ag_fail(err, AG_EUNSUPPORTED, "the method %.*s is not known here", AG_STR_ARG(word)), 405;
}

/* "http://host/path?query": what clients send to proxies; its host counts. */
static int split_target(ag_head *out, ag_err *err)
{
    ag_str rest = out->target;
    if (rest.size > TARGET_MAX) return ag_fail(err, AG_ELIMIT, "the address is longer than %d bytes", TARGET_MAX), 414;
    for (size_t i = 0; i < rest.size; i++) {
        unsigned char c = (unsigned char)rest.data[i];
        if (c <= 0x20 || c >= 0x7f || c == '#')
            return ag_fail(err, AG_EPARSE, "a byte of the address must be escaped"), 400;
    }
    if (ag_str_is(rest, "*") && out->method == AG_METHOD_OPTIONS) {
        out->path = rest;
        return 0;
    }
    size_t scheme = ag_str_starts(rest, AG_STR("http://")) ? 7 : ag_str_starts(rest, AG_STR("https://")) ? 8 : 0;
    if (scheme) {
        rest = ag_str_slice(rest, scheme, rest.size);
        size_t slash = ag_str_find_char(rest, '/', 0);
        if (slash == SIZE_MAX || slash == 0) return ag_fail(err, AG_EPARSE, "the address has no host or no path"), 400;
        out->host = ag_str_slice(rest, 0, slash);
        rest = ag_str_slice(rest, slash, rest.size);
    }
    if (rest.size == 0 || rest.data[0] != '/') return ag_fail(err, AG_EPARSE, "the address does not begin with /"), 400;
    size_t mark = ag_str_find_char(rest, '?', 0);
    out->path = ag_str_slice(rest, 0, mark);
    if (mark != SIZE_MAX) out->query = ag_str_slice(rest, mark + 1, rest.size);
    return 0;
}

static int parse_first_line(ag_str line, ag_head *out, ag_err *err)
{
    size_t first = ag_str_find_char(line, ' ', 0);
    if (first == SIZE_MAX) return ag_fail(err, AG_EPARSE, "the first line is not METHOD ADDRESS HTTP/1.1"), 400;
    int status = parse_method(ag_str_slice(line, 0, first), &out->method, err);
    if (status) return status;
    size_t second = ag_str_find_char(line, ' ', first + 1);
    if (second == SIZE_MAX) return ag_fail(err, AG_EPARSE, "the first line names no version of HTTP"), 400;
    out->target = ag_str_slice(line, first + 1, second - first - 1);
    ag_str version = ag_str_slice(line, second + 1, line.size);
    if (ag_str_is(version, "HTTP/1.1"))
        out->minor = 1;
    else if (ag_str_is(version, "HTTP/1.0"))
        out->minor = 0;
    else if (version.size == 8 && ag_str_starts(version, AG_STR("HTTP/")) && version.data[6] == '.')
        return ag_fail(err, AG_EUNSUPPORTED, "only HTTP/1.1 and HTTP/1.0 are spoken here"), 505;
    else
        return ag_fail(err, AG_EPARSE, "the first line is not METHOD ADDRESS HTTP/1.1"), 400;
    return split_target(out, err);
}

static int parse_field(char *line, size_t size, ag_head *out, ag_err *err)
{
    size_t colon = 0;
    while (colon < size && is_token((unsigned char)line[colon])) {
        if (line[colon] >= 'A' && line[colon] <= 'Z') line[colon] = (char)(line[colon] + 32);
        colon++;
    }
    if (colon == 0 || colon == size || line[colon] != ':')
        return ag_fail(err, AG_EPARSE, "a header line is not 'Name: value'"), 400;
    for (size_t i = colon + 1; i < size; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return ag_fail(err, AG_EPARSE, "a control byte in a header"), 400;
    }
    if (out->field_count == AG_HEAD_FIELDS)
        return ag_fail(err, AG_ELIMIT, "more than %d header lines", AG_HEAD_FIELDS), 431;
    ag_str value = {line + colon + 1, size - colon - 1};
    while (value.size && (value.data[0] == ' ' || value.data[0] == '\t')) value = ag_str_slice(value, 1, value.size);
    while (value.size && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t')) value.size--;
    out->fields[out->field_count++] = (ag_uri_pair){{line, colon}, value};
    return 0;
}

static int take_length(ag_str value, ag_head *out, ag_err *err)
{
    if (out->length >= 0) return ag_fail(err, AG_EPARSE, "two Content-Length lines"), 400;
    uint64_t length = 0;
    bool digits = value.size > 0;
    for (size_t i = 0; i < value.size; i++) digits = digits && value.data[i] >= '0' && value.data[i] <= '9';
    if (!digits || !ag_str_to_uint(value, &length) || length > INT64_MAX)
        return ag_fail(err, AG_EPARSE, "Content-Length is not a number"), 400;
    out->length = (int64_t)length;
    return 0;
}

static int take_coding(ag_str value, ag_head *out, ag_err *err)
{
    if (out->minor == 0) return ag_fail(err, AG_EPARSE, "Transfer-Encoding in HTTP/1.0"), 400;
    if (out->chunked) return ag_fail(err, AG_EPARSE, "two Transfer-Encoding lines"), 400;
    if (!ag_str_equal_nocase(value, AG_STR("chunked")))
        return ag_fail(err, AG_EUNSUPPORTED, "of the transfer encodings only chunked is known here"), 501;
    out->chunked = true;
    return 0;
}

static void take_connection(ag_str value, ag_head *out)
{
    ag_str part;
    while (ag_str_next(&value, ',', &part)) {
        part = ag_str_trim(part);
        if (ag_str_equal_nocase(part, AG_STR("close"))) out->keep_alive = false;
        if (ag_str_equal_nocase(part, AG_STR("keep-alive")) && out->minor == 0) out->keep_alive = true;
    }
}

static int check_host(ag_str value, ag_err *err)
{
    for (size_t i = 0; value.data && i < value.size; i++) {
        char c = value.data[i];
        bool mark = c == '[' || c == ']' || c == ':'; /* not strchr(), which finds NUL too */
        if (!is_token((unsigned char)c) && !mark) return ag_fail(err, AG_EPARSE, "Host is not a name"), 400;
    }
    return 0;
}

/* What the framing of the request depends on. */
static int apply_fields(ag_head *out, ag_err *err)
{
    ag_str host = {0};
    int status = 0;
    for (size_t i = 0; i < out->field_count && !status; i++) {
        ag_str name = out->fields[i].name, value = out->fields[i].value;
        if (ag_str_is(name, "content-length")) {
            status = take_length(value, out, err);
        } else if (ag_str_is(name, "transfer-encoding")) {
            status = take_coding(value, out, err);
        } else if (ag_str_is(name, "connection")) {
            take_connection(value, out);
        } else if (ag_str_is(name, "host")) {
            if (host.data) return ag_fail(err, AG_EPARSE, "two Host lines"), 400;
            host = value;
        } else if (ag_str_is(name, "expect")) {
            if (!ag_str_equal_nocase(value, AG_STR("100-continue")))
                return ag_fail(err, AG_EUNSUPPORTED, "only 'Expect: 100-continue' is known here"), 417;
            out->wants_continue = out->minor == 1;
        }
    }
    if (status) return status;
    if (out->chunked && out->length >= 0)
        return ag_fail(err, AG_EPARSE, "Content-Length beside Transfer-Encoding"), 400;
    if (!host.data && out->minor == 1) return ag_fail(err, AG_EPARSE, "HTTP/1.1 needs a Host line"), 400;
    if (!out->host.data) out->host = host;
    return check_host(out->host, err);
}

int ag_head_parse(char *bytes, size_t size, ag_head *out, ag_err *err)
{
    out->target = out->path = out->query = out->host = (ag_str){0};
    out->chunked = out->wants_continue = false;
    out->length = -1;
    out->field_count = 0;
    bool first = true;
    size_t at = 0;
    while (at < size) {
        char *end = memchr(bytes + at, '\n', size - at);
        if (!end || end == bytes + at || end[-1] != '\r')
            return ag_fail(err, AG_EPARSE, "a line does not end in CR LF"), 400;
        size_t length = (size_t)(end - 1 - (bytes + at));
        int status = 0;
        if (first) {
            status = parse_first_line((ag_str){bytes + at, length}, out, err);
            out->keep_alive = out->minor == 1;
        } else if (length == 0) {
            return apply_fields(out, err);
        } else {
            status = parse_field(bytes + at, length, out, err);
        }
        if (status) return status;
        first = false;
        at += length + 2;
    }
    return ag_fail(err, AG_EPARSE, "the head of the request has no end"), 400;
}

ag_str ag_head_field(const ag_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (ag_str_is(head->fields[i].name, name)) return head->fields[i].value;
    return (ag_str){0};
}

/* ---- chunks ---- */

enum { SIZE, EXTENSION, SIZE_END, DATA, DATA_CR, DATA_LF, TRAILER_START, TRAILER, TRAILER_LF, LAST_LF };

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static int broken(ag_err *err)
{
    return ag_fail(err, AG_EPARSE, "the body is not in chunks as Transfer-Encoding says");
}

/* One byte that is not data. */
static int step(ag_chunks *chunks, char c, ag_err *err)
{
    int digit = hex_value(c);
    switch (chunks->state) {
    case SIZE:
        if (digit >= 0 && chunks->digits < 15) {
            chunks->left = chunks->left * 16 + (uint64_t)digit;
            chunks->digits++;
            return AG_OK;
        }
        if (chunks->digits == 0 || (c != '\r' && c != ';')) return broken(err);
        chunks->state = c == ';' ? EXTENSION : SIZE_END;
        return AG_OK;
    case EXTENSION:
        if (c == '\r') chunks->state = SIZE_END;
        return c == '\n' || ++chunks->extra > CHUNK_EXTRA_MAX ? broken(err) : AG_OK;
    case SIZE_END:
        chunks->state = chunks->left ? DATA : TRAILER_START;
        chunks->digits = 0;
        return c == '\n' ? AG_OK : broken(err);
    case DATA_CR: chunks->state = DATA_LF; return c == '\r' ? AG_OK : broken(err);
    case DATA_LF: chunks->state = SIZE; return c == '\n' ? AG_OK : broken(err);
    case TRAILER_START:
    case TRAILER:
        if (c == '\r')
            chunks->state = chunks->state == TRAILER_START ? LAST_LF : TRAILER_LF;
        else
            chunks->state = TRAILER;
        return c == '\n' || ++chunks->extra > CHUNK_EXTRA_MAX ? broken(err) : AG_OK;
    case TRAILER_LF: chunks->state = TRAILER_START; return c == '\n' ? AG_OK : broken(err);
    default: chunks->done = c == '\n'; return c == '\n' ? AG_OK : broken(err);
    }
}

ptrdiff_t ag_chunks_take(ag_chunks *chunks, ag_str bytes, ag_str *data, ag_err *err)
{
    *data = (ag_str){bytes.data, 0};
    size_t at = 0;
    while (at < bytes.size && !chunks->done) {
        if (chunks->state == DATA) {
            size_t size = bytes.size - at < chunks->left ? bytes.size - at : (size_t)chunks->left;
            *data = (ag_str){bytes.data + at, size};
            chunks->left -= size;
            if (!chunks->left) chunks->state = DATA_CR;
            return (ptrdiff_t)(at + size);
        }
        int rc = step(chunks, bytes.data[at], err);
        if (rc < 0) return rc;
        at++;
    }
    return (ptrdiff_t)at;
}
