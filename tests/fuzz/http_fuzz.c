// SPDX-License-Identifier: Apache-2.0
/* http_fuzz.c: what a stranger's bytes meet first: the head of a request, dispatch of its path, the query, the fields
 * with a grammar, and the chunks of a body. The head must read the same however its bytes arrive, and undoing chunks
 * must not depend on where they are cut. */
#include <stdlib.h>

#include "app/server/fields.h"
#include "app/server/guard.h"
#include "app/server/head.h"
#include "app/server/router.h"
#include "core/base/mem.h"

static void require(int truth)
{
    if (!truth) abort();
}

static void use_fields(const ag_head *head, ag_arena *arena)
{
    uint64_t offset = 0, count = 1000;
    int64_t instant;
    ag_str name = {0}, secret = {0}, origin;
    for (size_t i = 0; i < head->field_count; i++) {
        ag_str value = head->fields[i].value;
        if (ag_range_parse(value, 1000, &offset, &count) == AG_RANGE_PART)
            require(count > 0 && offset < 1000 && count <= 1000 - offset);
        ag_accepts_coding(value, "gzip");
        ag_etag_matches(value, "\"a\"", true);
        ag_http_date_parse(value, &instant);
        if (ag_authorization_parse(value, arena, &name, &secret) == AG_SCHEME_BASIC) require(ag_utf8_valid(name));
        const char *const patterns[] = {"*.corp", "a*b*c", NULL};
        ag_host_matches(value, patterns);
        if (ag_host_is_loopback(value)) require(ag_host_is_near(value));
    }
    ag_server_options options = {.host = "localhost"};
    ag_err err = {0};
    int status = ag_guard_check(&options, head, &origin, &err);
    require(status == 0 || (status == 403 && err.text[0]));
}

static void use_head(const ag_router *router, char *bytes, size_t size)
{
    static ag_head head;
    ag_err err = {0};
    int status = ag_head_parse(bytes, size, &head, &err);
    require(status == 0 || (status >= 400 && err.text[0]));
    if (status) return;
    require(!(head.chunked && head.length >= 0));
    ag_arena *arena = ag_arena_new(1 << 20);
    if (!arena) return;
    ag_match match;
    ag_uri_pair *pairs = NULL;
    size_t count = 0;
    if (ag_router_find(router, head.method, head.path, arena, &match, &err) == AG_OK && match.row)
        for (size_t i = 0; i < match.capture_count; i++) require(ag_utf8_valid(match.captures[i]));
    if (ag_decode_query(arena, head.query, &pairs, &count, &err) == AG_OK)
        for (size_t i = 0; i < count; i++)
            require(ag_utf8_valid(pairs[i].value) && !memchr(pairs[i].value.data, 0, pairs[i].value.size));
    use_fields(&head, arena);
    ag_arena_free(arena);
}

/* The sum of the data and where it ended, or -1. */
static int64_t undo(ag_str text, size_t step)
{
    ag_chunks chunks = {0};
    uint64_t sum = 0;
    size_t at = 0;
    while (at < text.size && !chunks.done) {
        ag_str data;
        ptrdiff_t took = ag_chunks_take(&chunks, ag_str_slice(text, at, step), &data, NULL);
        if (took < 0) return -1;
        require(took > 0 || chunks.done);
        for (size_t i = 0; i < data.size; i++) sum = sum * 31 + (unsigned char)data.data[i];
        at += (size_t)took;
    }
    return (int64_t)((sum + at * 7 + chunks.done) & 0xffffffff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ag_router *router;
    if (!router && ag_router_new(ag_route_groups_all(), NULL, &router, NULL) < 0) return 0;
    if (size > 65536) return 0;
    char *copy = ag_strndup((const char *)data, size);
    if (!copy) return 0;
    ag_str text = {copy, size};
    size_t skip = ag_head_skip(text), whole = 0, bit_by_bit = 0;
    ag_str rest = ag_str_slice(text, skip, size);
    ptrdiff_t end = rest.size ? ag_head_end(rest, &whole) : 0, grown = 0;
    for (size_t i = 1; i <= rest.size && grown == 0; i++) grown = ag_head_end((ag_str){rest.data, i}, &bit_by_bit);
    require(end == grown);
    size_t body = end > 0 ? skip + (size_t)end : 0;
    int64_t at_once = undo(ag_str_slice(text, body, size), size + 1);
    require(undo(ag_str_slice(text, body, size), 1) == at_once);
    require(undo(ag_str_slice(text, body, size), 7) == at_once);
    if (end > 0) use_head(router, copy + skip, (size_t)end);
    ag_free(copy);
    return 0;
}
