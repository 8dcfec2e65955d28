// SPDX-License-Identifier: Apache-2.0
/* http_url.c: what the HTTP client decides from text alone: what may be shown of an address, where a redirect may lead,
 * how long a server asks to wait. No network here, so that tests and fuzzing reach all of it. Addresses are taken apart
 * by libcurl's own parser, so that this file and the transfer never disagree about which host an address names. */
#include <stdio.h>
#include <string.h>

#include "core/base/fault.h"
#include "core/net/http_private.h"
#include "core/sys/clock.h"

static const char *const secret_words[] = {"token", "secret", "signature", "password", "credential", "key", "auth"};

static bool is_secret(ag_str name)
{
    for (size_t i = 0; i < sizeof(secret_words) / sizeof(secret_words[0]); i++) {
        ag_str word = ag_str_of(secret_words[i]);
        for (size_t at = 0; at + word.size <= name.size; at++) {
            if (ag_str_equal_nocase(ag_str_slice(name, at, word.size), word)) return true;
        }
    }
    return false;
}

typedef struct cut_text {
    char *out;
    size_t size, used;
} cut_text;

static void show(cut_text *text, ag_str part)
{
    for (size_t i = 0; i < part.size && text->used + 1 < text->size; i++) {
        unsigned char c = (unsigned char)part.data[i];
        text->out[text->used++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    if (text->size) text->out[text->used] = 0;
}

static void show_query(cut_text *text, ag_str query)
{
    ag_str pair;
    bool first = true;
    while (ag_str_next(&query, '&', &pair)) {
        show(text, first ? AG_STR("?") : AG_STR("&"));
        first = false;
        size_t equals = ag_str_find_char(pair, '=', 0);
        ag_str name = ag_str_slice(pair, 0, equals);
        if (equals != SIZE_MAX && is_secret(name)) {
            show(text, name);
            show(text, AG_STR("=***"));
        } else {
            show(text, pair);
        }
    }
}

void ag_http_show_url(const char *url, char *out, size_t size)
{
    cut_text text = {out, size, 0};
    if (size) out[0] = 0;
    ag_str rest = ag_str_slice(ag_str_of(url), 0, 2048);
    size_t fragment = ag_str_find_char(rest, '#', 0);
    if (fragment != SIZE_MAX) rest.size = fragment;
    size_t question = ag_str_find_char(rest, '?', 0);
    ag_str front = ag_str_slice(rest, 0, question);
    size_t start = ag_str_find(front, AG_STR("://"), 0);
    if (start != SIZE_MAX) {
        size_t host = start + 3, end = ag_str_find_char(front, '/', host);
        if (end == SIZE_MAX) end = front.size;
        size_t user_end = SIZE_MAX;
        for (size_t i = host; i < end; i++) {
            if (front.data[i] == '@') user_end = i;
        }
        show(&text, ag_str_slice(front, 0, host));
        if (user_end != SIZE_MAX) show(&text, AG_STR("***"));
        front = ag_str_slice(front, user_end == SIZE_MAX ? host : user_end, SIZE_MAX);
    }
    show(&text, front);
    if (question != SIZE_MAX) show_query(&text, ag_str_slice(rest, question + 1, SIZE_MAX));
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *left = NULL, *right = NULL;
    bool same = curl_url_get(a, part, &left, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_get(b, part, &right, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                ag_str_equal_nocase(ag_str_of(left), ag_str_of(right));
    curl_free(left);
    curl_free(right);
    return same;
}

static int check_scheme(CURLU *from, CURLU *to, const char *shown, ag_err *err)
{
    char *old = NULL, *new = NULL;
    int rc = 0;
    if (curl_url_get(from, CURLUPART_SCHEME, &old, 0) || curl_url_get(to, CURLUPART_SCHEME, &new, 0)) {
        rc = ag_fail(err, AG_EPARSE, "the server redirects to '%s', which is no address", shown);
    } else if (!ag_str_equal_nocase(ag_str_of(new), AG_STR("https")) &&
               !ag_str_equal_nocase(ag_str_of(new), AG_STR("http"))) {
        rc = ag_fail(err, AG_EDENIED, "the server redirects to '%s'; only http and https are followed", shown);
    } else if (ag_str_equal_nocase(ag_str_of(old), AG_STR("https")) &&
               ag_str_equal_nocase(ag_str_of(new), AG_STR("http"))) {
        rc = ag_fail(err, AG_EDENIED, "the server redirects from https to '%s', which is not encrypted", shown);
    }
    curl_free(old);
    curl_free(new);
    return rc;
}

int http_redirect_target(ag_arena *arena, const char *base, ag_str location, char **out, bool *same_host, ag_err *err)
{
    char shown[256], *text = NULL;
    CURLU *from = NULL, *to = NULL;
    int rc = 0;
    char *target = ag_arena_strndup(arena, location.data ? location.data : "", location.size);
    if (!target) return ag_fail_memory(err, location.size);
    ag_http_show_url(target, shown, sizeof(shown));
    if (ag_fault(AG_FAULT_ALLOC) || !(from = curl_url()) ||
        curl_url_set(from, CURLUPART_URL, base, 0) == CURLUE_OUT_OF_MEMORY || !(to = curl_url_dup(from))) {
        rc = ag_fail_memory(err, location.size);
        goto out;
    }
    if (curl_url_set(to, CURLUPART_URL, target, CURLU_NON_SUPPORT_SCHEME) ||
        curl_url_get(to, CURLUPART_URL, &text, 0)) {
        rc = ag_fail(err, AG_EPARSE, "the server redirects to '%s', which is no address", shown);
        goto out;
    }
    if ((rc = check_scheme(from, to, shown, err)) < 0) goto out;
    *same_host = same_part(from, to, CURLUPART_SCHEME) && same_part(from, to, CURLUPART_HOST) &&
                 same_part(from, to, CURLUPART_PORT);
    char *copy = ag_arena_strdup(arena, text);
    if (copy)
        *out = copy;
    else
        rc = ag_fail_memory(err, strlen(text));
out:
    curl_free(text);
    curl_url_cleanup(from);
    curl_url_cleanup(to);
    return rc;
}

int64_t ag_http_date(ag_str text)
{
    char date[64];
    if (text.size == 0 || text.size >= sizeof(date)) return -1;
    memcpy(date, text.data, text.size);
    date[text.size] = 0;
    time_t at = curl_getdate(date, NULL);
    return at < 0 || at > INT64_MAX / AG_SECOND ? -1 : (int64_t)at * AG_SECOND;
}

int64_t http_retry_after(ag_str value, int64_t now)
{
    uint64_t seconds;
    value = ag_str_trim(value);
    if (ag_str_to_uint(value, &seconds)) return (int64_t)(seconds > 1000000 ? 1000000 : seconds) * AG_SECOND;
    int64_t at = ag_http_date(value);
    if (at < 0) return -1;
    return at > now ? at - now : 0;
}

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {416, "Range Not Satisfiable"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {507, "Insufficient Storage"},
};

const char *ag_http_reason(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) return reasons[i].reason;
    }
    return "";
}

static ag_code code_of(int status)
{
    if (status == 401) return AG_EAUTH;
    if (status == 403) return AG_EDENIED;
    if (status == 404 || status == 410) return AG_ENOTFOUND;
    if (status == 409 || status == 412) return AG_ECONFLICT;
    if (status == 408) return AG_ETIMEOUT;
    if (status == 413) return AG_ELIMIT;
    if (status == 507) return AG_EFULL;
    if (status == 429 || status >= 500) return AG_EUNAVAILABLE;
    return AG_EINVAL;
}

int ag_http_check(const ag_http_request *request, const ag_http_response *response, ag_err *err)
{
    if (response->status >= 200 && response->status < 300) return 0;
    char url[160], body[161];
    ag_http_show_url(request->url, url, sizeof(url));
    cut_text text = {body, sizeof(body), 0};
    body[0] = 0;
    show(&text, ag_str_slice(ag_str_trim(ag_buf_str(&response->body)), 0, 160));
    return ag_fail(err, code_of(response->status), "%s %s: %d %s%s%s", request->method ? request->method : "GET", url,
                   response->status, ag_http_reason(response->status), body[0] ? ": " : "", body);
}
