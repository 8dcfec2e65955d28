// SPDX-License-Identifier: Apache-2.0
/* uri_fuzz.c: an address that is taken must show itself without its password and be taken again with the same parts. */
#include <stdlib.h>
#include <string.h>

#include "core/io/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

/* Encoding and decoding are inverse for all text without NUL. */
static void check_percent(ag_str text)
{
    ag_buf encoded, decoded;
    ag_err err;
    ag_buf_init(&encoded, SIZE_MAX / 2);
    ag_buf_init(&decoded, SIZE_MAX / 2);
    check(ag_percent_encode(&encoded, text, "/") >= 0);
    if (!text.size || !memchr(text.data, 0, text.size)) {
        check(ag_percent_decode(&decoded, ag_buf_str(&encoded), false, &err) >= 0);
        check(ag_str_equal(ag_buf_str(&decoded), text));
    }
    ag_buf_deinit(&encoded);
    ag_buf_deinit(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_str text = {(const char *)data, size};
    ag_uri uri, again;
    ag_err err = {0};
    ag_buf shown;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return 0;
    ag_buf_init(&shown, SIZE_MAX / 2);
    check_percent(text);
    if (ag_uri_parse(arena, text, NULL, &uri, &err) < 0) {
        check(err.code < 0 && err.text[0]);
    } else {
        check(!memchr(uri.path.data, 0, uri.path.size));
        check(ag_uri_show(&uri, &shown) >= 0);
        if (shown.size <= 65536) {
            check(ag_uri_parse(arena, ag_buf_str(&shown), NULL, &again, &err) >= 0);
            check(ag_str_equal(uri.scheme, again.scheme) && ag_str_equal(uri.host, again.host));
            check(ag_str_equal(uri.user, again.user) && uri.port == again.port);
            check(ag_str_equal(uri.path, again.path) && ag_str_equal(uri.fragment, again.fragment));
            check(!uri.password.data || ag_str_is(again.password, "***"));
        }
    }
    ag_buf_deinit(&shown);
    ag_arena_free(arena);
    return 0;
}
