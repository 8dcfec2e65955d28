// SPDX-License-Identifier: Apache-2.0
/* Answers of an S3 server, its credentials file, and what of HTTP is decided from text. */
#include <stddef.h>
#include <stdint.h>

#include "core/blob/s3_config.h"
#include "core/blob/s3_xml.h"
#include "core/net/http_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_err err = {0};
    ag_str text = {(const char *)data, size};
    ag_arena *arena = ag_arena_new((size_t)64 << 20);
    s3_listing listing = {0};
    char shown[100], *target = NULL;
    bool same;
    if (!arena) return 0;
    ag_vec_init(&listing.entries, sizeof(s3_entry));
    s3_xml_listing(arena, text, &listing, &err);
    s3_xml_find(arena, text, "Code");
    s3_ini_value(text, "default", "aws_access_key_id");
    http_retry_after(text, 0);
    http_redirect_target(arena, "https://host/path?query", text, &target, &same, &err);
    const char *copy = ag_arena_strndup(arena, text.data, text.size);
    if (copy) ag_http_show_url(copy, shown, sizeof(shown));
    ag_vec_deinit(&listing.entries);
    ag_arena_free(arena);
    return 0;
}
