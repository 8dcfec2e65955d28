// SPDX-License-Identifier: Apache-2.0
/* aws_sign.c: Signature Version 4. Headers are signed in the order of their lower-case names, values trimmed; the query
 * is canonical already. The secret and the keys derived from it are wiped from the stack. Threads: no state. */
#include "core/net/aws_sign.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/hash/hash.h"
#include "core/sys/clock.h"

#define TEXT_MAX ((size_t)1 << 20)

static int compare_pairs(const void *a, const void *b)
{
    const ag_uri_pair *x = a, *y = b;
    int order = ag_str_compare(x->name, y->name);
    return order ? order : ag_str_compare(x->value, y->value);
}

static int encode(ag_arena *arena, ag_str text, ag_str *out, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, TEXT_MAX);
    ag_percent_encode(&buf, text, "");
    int rc = ag_buf_check(&buf, "a query", err);
    if (rc >= 0) {
        out->size = buf.size;
        out->data = ag_arena_strndup(arena, buf.data ? buf.data : "", buf.size);
        if (!out->data) rc = ag_fail_memory(err, buf.size);
    }
    ag_buf_deinit(&buf);
    return rc;
}

int ag_aws_query(ag_arena *arena, const ag_uri_pair *pairs, size_t count, const char **out, ag_err *err)
{
    ag_buf buf;
    int rc = 0;
    ag_buf_init(&buf, TEXT_MAX);
    ag_uri_pair *coded = ag_arena_array(arena, count ? count : 1, sizeof(*coded));
    if (!coded) return ag_fail_memory(err, count * sizeof(*coded));
    for (size_t i = 0; i < count; i++) {
        if ((rc = encode(arena, pairs[i].name, &coded[i].name, err)) < 0) return rc;
        if ((rc = encode(arena, pairs[i].value, &coded[i].value, err)) < 0) return rc;
    }
    qsort(coded, count, sizeof(*coded), compare_pairs);
    for (size_t i = 0; i < count; i++) {
        ag_buf_addf(&buf, "%s%.*s=%.*s", i ? "&" : "", AG_STR_ARG(coded[i].name), AG_STR_ARG(coded[i].value));
    }
    rc = ag_buf_check(&buf, "a query", err);
    if (rc >= 0) {
        char *text = ag_arena_strndup(arena, buf.data ? buf.data : "", buf.size);
        if (text)
            *out = text;
        else
            rc = ag_fail_memory(err, buf.size);
    }
    ag_buf_deinit(&buf);
    return rc;
}

static char *lower(ag_arena *arena, const char *name)
{
    char *copy = ag_arena_strdup(arena, name);
    for (char *c = copy; c && *c; c++) {
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
    }
    return copy;
}

static int sort_headers(ag_arena *arena, const ag_aws_request *request, ag_uri_pair **out, ag_err *err)
{
    ag_uri_pair *sorted = ag_arena_array(arena, request->header_count, sizeof(*sorted));
    if (!sorted) return ag_fail_memory(err, request->header_count * sizeof(*sorted));
    for (size_t i = 0; i < request->header_count; i++) {
        char *name = lower(arena, request->headers[i].name);
        if (!name) return ag_fail_memory(err, 64);
        sorted[i] = (ag_uri_pair){ag_str_of(name), ag_str_trim(ag_str_of(request->headers[i].value))};
    }
    qsort(sorted, request->header_count, sizeof(*sorted), compare_pairs);
    *out = sorted;
    return 0;
}

static void add_names(ag_buf *out, const ag_uri_pair *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) ag_buf_addf(out, "%s%.*s", i ? ";" : "", AG_STR_ARG(headers[i].name));
}

/* SHA-256 of the canonical request, in hex. */
static int hash_canonical(const ag_aws_request *request, const ag_uri_pair *headers, char hex[65], ag_err *err)
{
    ag_buf text;
    ag_sha256 digest;
    ag_buf_init(&text, TEXT_MAX);
    ag_buf_addf(&text, "%s\n", request->method);
    ag_buf_add_str(&text, request->path);
    ag_buf_addf(&text, "\n%s\n", request->query ? request->query : "");
    for (size_t i = 0; i < request->header_count; i++) {
        ag_buf_addf(&text, "%.*s:%.*s\n", AG_STR_ARG(headers[i].name), AG_STR_ARG(headers[i].value));
    }
    ag_buf_add_char(&text, '\n');
    add_names(&text, headers, request->header_count);
    ag_buf_addf(&text, "\n%s", request->payload_sha256);
    int rc = ag_buf_check(&text, "a request to sign", err);
    if (rc >= 0) rc = ag_sha256_of(text.data, text.size, &digest, err);
    if (rc >= 0) ag_sha256_format(&digest, hex);
    ag_buf_deinit(&text);
    return rc;
}

static int derive_key(const ag_aws_request *request, ag_sha256 *key, ag_err *err)
{
    ag_buf first;
    ag_buf_init(&first, 512);
    ag_buf_addf(&first, "AWS4%s", request->secret_key);
    int rc = ag_buf_check(&first, "a secret key", err);
    const ag_str parts[] = {ag_str_slice(ag_str_of(request->date), 0, 8), ag_str_of(request->region),
                            ag_str_of(request->service), AG_STR("aws4_request")};
    ag_str with = ag_buf_str(&first);
    for (size_t i = 0; i < 4 && rc >= 0; i++) {
        ag_sha256 next;
        rc = ag_hmac_sha256(with, parts[i], &next, err);
        *key = next;
        with = (ag_str){(const char *)key->bytes, sizeof(key->bytes)};
        ag_wipe(&next, sizeof(next));
    }
    if (first.data) ag_wipe(first.data, first.size);
    ag_buf_deinit(&first);
    return rc;
}

int ag_aws_sign(ag_arena *arena, const ag_aws_request *request, const char **out, ag_err *err)
{
    char canonical[65], signature[65], text[512];
    ag_uri_pair *headers = NULL;
    ag_sha256 key, digest;
    ag_buf value;
    ag_buf_init(&value, TEXT_MAX);
    int rc = sort_headers(arena, request, &headers, err);
    if (rc < 0 || (rc = hash_canonical(request, headers, canonical, err)) < 0) return rc;
    if (!ag_format(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s", request->date,
                   request->date, request->region, request->service, canonical)) {
        return ag_fail(err, AG_ELIMIT, "the name of the region is too long");
    }
    rc = derive_key(request, &key, err);
    if (rc >= 0) rc = ag_hmac_sha256((ag_str){(const char *)key.bytes, 32}, ag_str_of(text), &digest, err);
    ag_wipe(&key, sizeof(key));
    if (rc < 0) return rc;
    ag_sha256_format(&digest, signature);
    ag_buf_addf(&value, "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=", request->access_key,
                request->date, request->region, request->service);
    add_names(&value, headers, request->header_count);
    ag_buf_addf(&value, ", Signature=%s", signature);
    rc = ag_buf_check(&value, "a signature", err);
    if (rc >= 0 && !(*out = ag_arena_strndup(arena, value.data, value.size))) rc = ag_fail_memory(err, value.size);
    ag_buf_deinit(&value);
    return rc;
}

void ag_aws_date(int64_t instant, char out[17])
{
    ag_date d = ag_date_utc(instant);
    ag_format(out, 17, "%04d%02d%02dT%02d%02d%02dZ", (int)d.year, d.month, d.day, d.hour, d.minute, d.second);
}
