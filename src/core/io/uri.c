// SPDX-License-Identifier: Apache-2.0
/* uri.c: addresses by RFC 3986, read in one pass. The text is cut at its delimiters first and each part is decoded
 * after that, once; so an escaped delimiter never delimits. Beyond the grammar: raw UTF-8 is allowed in path, query and
 * fragment (people type it), backslashes and blanks are not; a scheme of one letter is taken for a drive letter; an
 * escaped '/' in a path, or an escape that means NUL, is refused. Messages never show the text: it may hold a password.
 * Threads: any; no state. */
#include "core/io/uri.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#define MAX_TEXT ((size_t)64 << 10)

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_unreserved(char c)
{
    return is_alpha(c) || is_digit(c) || (c && strchr("-._~", c));
}

/* Decodes `text` into `to` (text.size bytes at least); the length, or < 0. */
static ptrdiff_t decode(ag_str text, bool plus_is_blank, char *to, ag_err *err)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = text.size - i > 2 ? hex_digit(text.data[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
            if (low < 0) return ag_fail(err, AG_EPARSE, "'%%' is not followed by two hexadecimal digits");
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c == '\0') return ag_fail(err, AG_EPARSE, "a NUL byte is not allowed");
        to[size++] = c;
    }
    return (ptrdiff_t)size;
}

int ag_percent_decode(ag_buf *out, ag_str text, bool plus_is_blank, ag_err *err)
{
    size_t before = out->size;
    while (text.size > 0) {
        char piece[256];
        size_t cut = text.size < sizeof(piece) ? text.size : sizeof(piece);
        if (cut < text.size) { /* never through an escape */
            if (text.data[cut - 1] == '%')
                cut -= 1;
            else if (text.data[cut - 2] == '%')
                cut -= 2;
        }
        ptrdiff_t size = decode(ag_str_slice(text, 0, cut), plus_is_blank, piece, err);
        if (size < 0) {
            out->size = before;
            return (int)size;
        }
        ag_buf_add(out, piece, (size_t)size);
        text = ag_str_slice(text, cut, text.size);
    }
    return ag_buf_check(out, "decoded text", err);
}

int ag_percent_encode(ag_buf *out, ag_str text, const char *keep)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (is_unreserved(c) || (c && keep && strchr(keep, c))) {
            ag_buf_add_char(out, c);
        } else {
            char escape[3] = {'%', digits[(unsigned char)c >> 4], digits[(unsigned char)c & 15]};
            ag_buf_add(out, escape, sizeof(escape));
        }
    }
    return out->failed;
}

/* A decoded copy in the arena, NUL-terminated. `what` names the part in messages. */
static int take(ag_arena *arena, ag_str raw, bool plus_is_blank, const char *what, ag_str *out, ag_err *err)
{
    char *copy = ag_arena_alloc(arena, raw.size + 1);
    if (!copy) return ag_fail_memory(err, raw.size + 1);
    ptrdiff_t size = decode(raw, plus_is_blank, copy, err);
    if (size < 0) return ag_err_prefix(err, "the %s of the address", what), (int)size;
    *out = (ag_str){copy, (size_t)size};
    return AG_OK;
}

static void lower(ag_str text)
{
    char *at = (char *)(uintptr_t)text.data; /* our own copy in the arena */
    for (size_t i = 0; i < text.size; i++)
        if (at[i] >= 'A' && at[i] <= 'Z') at[i] = (char)(at[i] | 0x20);
}

static int check_text(ag_str text, ag_err *err)
{
    if (text.size == 0) return ag_fail(err, AG_EPARSE, "the address is empty");
    if (text.size > MAX_TEXT) return ag_fail(err, AG_ELIMIT, "the address is longer than %zu bytes", MAX_TEXT);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= 0x20 || c == 0x7f || strchr("\"<>\\^`{|}", c))
            return ag_fail(err, AG_EPARSE,
                           "the address has the byte 0x%02x, which must be written as %%%02X, at position %zu", c, c,
                           i + 1);
    }
    if (!ag_utf8_valid(text)) return ag_fail(err, AG_EPARSE, "the address is not valid UTF-8");
    return AG_OK;
}

/* Cuts "scheme:" off the front. */
static int parse_scheme(ag_arena *arena, ag_str *rest, const char *const *schemes, ag_uri *out, ag_err *err)
{
    size_t colon = 0;
    while (colon < rest->size &&
           (is_alpha(rest->data[colon]) || is_digit(rest->data[colon]) || strchr("+-.", rest->data[colon])))
        colon++;
    if (colon == 0 || colon == rest->size || rest->data[colon] != ':' || !is_alpha(rest->data[0]))
        return ag_fail(err, AG_EPARSE, "the address does not start with a scheme such as \"https:\"");
    if (colon == 1) return ag_fail(err, AG_EPARSE, "the address starts with a drive letter, not with a scheme");
    int rc = take(arena, ag_str_slice(*rest, 0, colon), false, "scheme", &out->scheme, err);
    if (rc < 0) return rc;
    lower(out->scheme);
    *rest = ag_str_slice(*rest, colon + 1, rest->size);
    for (size_t i = 0; schemes && schemes[i]; i++)
        if (ag_str_is(out->scheme, schemes[i])) return AG_OK;
    if (!schemes) return AG_OK;
    ag_fail(err, AG_EDENIED, "addresses of the scheme '%.*s' are not allowed here", AG_STR_ARG(out->scheme));
    return ag_err_hint(err, "a scheme that is: %s", schemes[0] ? schemes[0] : "none"), AG_EDENIED;
}

static int parse_port(ag_str text, uint16_t *out, ag_err *err)
{
    uint64_t port = 0;
    if (text.size == 0) return AG_OK; /* "host:" is in the grammar */
    for (size_t i = 0; i < text.size; i++)
        if (!is_digit(text.data[i])) return ag_fail(err, AG_EPARSE, "the port of the address is not a number");
    if (text.size > 5 || !ag_str_to_uint(text, &port) || port == 0 || port > UINT16_MAX)
        return ag_fail(err, AG_EPARSE, "the port of the address is not in 1 ... 65535");
    *out = (uint16_t)port;
    return AG_OK;
}

/* "[v6]" or a name; what follows must be empty or ":port". */
static int parse_host(ag_arena *arena, ag_str text, ag_uri *out, ag_err *err)
{
    int rc;
    bool bracket = text.size > 0 && text.data[0] == '[';
    size_t end = ag_str_find_char(text, bracket ? ']' : ':', 0);
    if (bracket && end == SIZE_MAX) return ag_fail(err, AG_EPARSE, "the address has '[' without ']'");
    if (end == SIZE_MAX) end = text.size;
    ag_str after = ag_str_slice(text, bracket ? end + 1 : end, text.size);
    if (after.size > 0 && after.data[0] != ':') return ag_fail(err, AG_EPARSE, "the address has text behind ']'");
    if (after.size > 0 && (rc = parse_port(ag_str_slice(after, 1, after.size), &out->port, err)) < 0) return rc;
    ag_str name = bracket ? ag_str_slice(text, 1, end - 1) : ag_str_slice(text, 0, end);
    if ((rc = take(arena, name, false, "host", &out->host, err)) < 0) return rc;
    lower(out->host);
    struct in6_addr ignored;
    if (bracket && inet_pton(AF_INET6, out->host.data, &ignored) != 1)
        return ag_fail(err, AG_EPARSE, "the address has something else than an IPv6 address in brackets");
    for (size_t i = 0; !bracket && i < out->host.size; i++)
        if (!is_unreserved(out->host.data[i]) && !strchr("!$&'()*+,;=", out->host.data[i]))
            return ag_fail(err, AG_EPARSE, "the host of the address has the byte 0x%02x",
                           (unsigned char)out->host.data[i]);
    return AG_OK;
}

static int parse_authority(ag_arena *arena, ag_str text, ag_uri *out, ag_err *err)
{
    int rc;
    size_t at = ag_str_find_char(text, '@', 0);
    if (at == SIZE_MAX) return parse_host(arena, text, out, err);
    ag_str user = ag_str_slice(text, 0, at), host = ag_str_slice(text, at + 1, text.size);
    if (ag_str_find_char(host, '@', 0) != SIZE_MAX)
        return ag_fail(err, AG_EPARSE, "the address has more than one '@' before its path: write %%40 in a password");
    size_t colon = ag_str_find_char(user, ':', 0);
    if (colon != SIZE_MAX) {
        ag_str password = ag_str_slice(user, colon + 1, user.size);
        if ((rc = take(arena, password, false, "password", &out->password, err)) < 0) return rc;
        user = ag_str_slice(user, 0, colon);
    }
    if ((rc = take(arena, user, false, "user", &out->user, err)) < 0) return rc;
    return parse_host(arena, host, out, err);
}

static int parse_path(ag_arena *arena, ag_str raw, ag_uri *out, ag_err *err)
{
    for (size_t i = 0; i + 2 < raw.size; i++)
        if (raw.data[i] == '%' && raw.data[i + 1] == '2' && (raw.data[i + 2] | 0x20) == 'f')
            return ag_fail(err, AG_EPARSE, "the path of the address has an escaped '/'");
    return take(arena, raw, false, "path", &out->path, err);
}

static int parse_query(ag_arena *arena, ag_str raw, ag_uri *out, ag_err *err)
{
    size_t count = 1;
    for (size_t i = 0; i < raw.size; i++) count += raw.data[i] == '&';
    if (!(out->query = ag_arena_array(arena, count, sizeof(*out->query))))
        return ag_fail_memory(err, count * sizeof(*out->query));
    ag_str part;
    while (ag_str_next(&raw, '&', &part)) {
        if (part.size == 0) continue;
        ag_uri_pair *pair = &out->query[out->query_count];
        size_t equals = ag_str_find_char(part, '=', 0);
        ag_str value = equals == SIZE_MAX ? AG_STR("") : ag_str_slice(part, equals + 1, part.size);
        int rc = take(arena, ag_str_slice(part, 0, equals), true, "query", &pair->name, err);
        if (rc >= 0) rc = take(arena, value, true, "query", &pair->value, err);
        if (rc < 0) return rc;
        out->query_count++;
    }
    return AG_OK;
}

/* Cuts what follows the first `mark` off the end; false when there is none. */
static bool split_tail(ag_str *text, char mark, ag_str *tail)
{
    size_t at = ag_str_find_char(*text, mark, 0);
    if (at == SIZE_MAX) return false;
    *tail = ag_str_slice(*text, at + 1, text->size);
    *text = ag_str_slice(*text, 0, at);
    return true;
}

int ag_uri_parse(ag_arena *arena, ag_str text, const char *const *schemes, ag_uri *out, ag_err *err)
{
    ag_uri uri = {0};
    ag_str tail;
    int rc = check_text(text, err);
    if (rc < 0) return rc;
    if ((rc = parse_scheme(arena, &text, schemes, &uri, err)) < 0) return rc;
    if (split_tail(&text, '#', &tail)) {
        if (ag_str_find_char(tail, '#', 0) != SIZE_MAX)
            return ag_fail(err, AG_EPARSE, "the address has more than one '#'");
        if ((rc = take(arena, tail, false, "fragment", &uri.fragment, err)) < 0) return rc;
    }
    if (split_tail(&text, '?', &tail) && (rc = parse_query(arena, tail, &uri, err)) < 0) return rc;
    if (ag_str_starts(text, AG_STR("//"))) {
        size_t slash = ag_str_find_char(text, '/', 2);
        if (slash == SIZE_MAX) slash = text.size;
        if ((rc = parse_authority(arena, ag_str_slice(text, 2, slash - 2), &uri, err)) < 0) return rc;
        text = ag_str_slice(text, slash, text.size);
    }
    if ((rc = parse_path(arena, text, &uri, err)) < 0) return rc;
    *out = uri;
    return AG_OK;
}

ag_str ag_uri_query(const ag_uri *uri, const char *name)
{
    for (size_t i = 0; i < uri->query_count; i++)
        if (ag_str_is(uri->query[i].name, name)) return uri->query[i].value;
    return (ag_str){NULL, 0};
}

static bool is_secret(ag_str name)
{
    static const char *const words[] = {"password", "passwd", "secret", "token", "signature"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        ag_str word = ag_str_of(words[i]);
        for (size_t at = 0; at + word.size <= name.size; at++)
            if (ag_str_equal_nocase(ag_str_slice(name, at, word.size), word)) return true;
    }
    return false;
}

static void show_authority(const ag_uri *uri, ag_buf *out)
{
    bool is_v6 = ag_str_find_char(uri->host, ':', 0) != SIZE_MAX;
    ag_buf_add_text(out, "//");
    if (uri->user.data) {
        ag_percent_encode(out, uri->user, "!$&'()*+,;=");
        ag_buf_add_text(out, uri->password.data ? ":***@" : "@");
    }
    if (is_v6)
        ag_buf_addf(out, "[%.*s]", AG_STR_ARG(uri->host));
    else
        ag_percent_encode(out, uri->host, "!$&'()*+,;=");
    if (uri->port) ag_buf_addf(out, ":%u", uri->port);
}

int ag_uri_show(const ag_uri *uri, ag_buf *out)
{
    ag_buf_add_str(out, uri->scheme);
    ag_buf_add_char(out, ':');
    if (uri->host.data) show_authority(uri, out);
    ag_percent_encode(out, uri->path, "/!$&'()*+,;=:@");
    for (size_t i = 0; i < uri->query_count; i++) {
        ag_buf_add_char(out, i ? '&' : '?');
        ag_percent_encode(out, uri->query[i].name, "!$'()*,;:@/?");
        ag_buf_add_char(out, '=');
        if (is_secret(uri->query[i].name))
            ag_buf_add_text(out, "***");
        else
            ag_percent_encode(out, uri->query[i].value, "!$'()*,;:@/?=");
    }
    if (uri->fragment.data) {
        ag_buf_add_char(out, '#');
        ag_percent_encode(out, uri->fragment, "!$&'()*+,;=:@/?");
    }
    return out->failed;
}
