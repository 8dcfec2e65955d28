// SPDX-License-Identifier: Apache-2.0
/* s3_many.c: listings page by page, and uploads part by part. An upload that fails is aborted at once, also when the
 * work was cancelled; one that a crash left is found and aborted by the sweep, by its age. Threads: one upload per
 * thread, listings any. */
#include <string.h>

#include "core/base/mem.h"
#include "core/blob/s3_private.h"

#define PARTS_MAX 10000

static void add_query(s3_call *call, const char *name, ag_str value)
{
    call->query[call->query_count++] = (ag_uri_pair){ag_str_of(name), value};
}

/* Gives the entries of a page to `visit`, with keys relative to the client's prefix. 1: as many as wanted. */
static int visit_page(s3 *client, const s3_listing *page, unsigned max, unsigned *count, s3_visit_fn visit,
                      void *context, ag_err *err)
{
    size_t skip = strlen(client->config.prefix);
    for (size_t i = 0; i < page->entries.count; i++) {
        s3_entry entry = *(const s3_entry *)ag_vec_at(&page->entries, i);
        if (strncmp(entry.key, client->config.prefix, skip) != 0) continue; /* not asked for */
        entry.key += skip;
        int rc = visit(context, &entry, err);
        if (rc < 0) return rc;
        if (max && ++*count >= max) return 1;
    }
    return 0;
}

/* One page; *token (in the arena) is NULL after the last. */
static int list_page(s3 *client, ag_arena *arena, const char *full, bool one_level, unsigned max, const char **token,
                     s3_listing *page, ag_err *err)
{
    ag_http_response response;
    s3_call call = {.what = "list", .method = "GET"};
    char count[16];
    add_query(&call, "list-type", AG_STR("2"));
    add_query(&call, "prefix", ag_str_of(full));
    if (one_level) add_query(&call, "delimiter", AG_STR("/"));
    if (max && max < 1000) {
        ag_format(count, sizeof(count), "%u", max);
        add_query(&call, "max-keys", ag_str_of(count));
    }
    if (*token) add_query(&call, "continuation-token", ag_str_of(*token));
    int rc = s3_send(client, &call, &response, err);
    if (rc >= 0) rc = s3_xml_listing(arena, ag_buf_str(&response.body), page, err);
    ag_http_response_deinit(&response);
    if (rc >= 0 && page->truncated && (!page->token || (*token && strcmp(*token, page->token) == 0)))
        rc = ag_fail(err, AG_EPARSE, "the S3 server's list does not say where it goes on");
    *token = page->truncated ? page->token : NULL;
    return rc;
}

int s3_list(s3 *client, const char *prefix, bool one_level, unsigned max, s3_visit_fn visit, void *context, ag_err *err)
{
    unsigned count = 0;
    int rc = 0;
    char *token = NULL;
    do {
        ag_arena *arena = ag_arena_new(0);
        if (!arena) rc = ag_fail_memory(err, 64);
        s3_listing page = {0};
        ag_vec_init(&page.entries, sizeof(s3_entry));
        const char *full = arena ? ag_arena_printf(arena, "%s%s", client->config.prefix, prefix) : NULL;
        if (rc >= 0 && !full) rc = ag_fail_memory(err, 64);
        const char *next = token;
        if (rc >= 0) rc = list_page(client, arena, full, one_level, max, &next, &page, err);
        char *kept = rc >= 0 && next ? ag_strdup(next) : NULL;
        if (rc >= 0 && next && !kept) rc = ag_fail_memory(err, strlen(next));
        ag_free(token);
        token = kept;
        if (rc >= 0) rc = visit_page(client, &page, max, &count, visit, context, err);
        ag_vec_deinit(&page.entries);
        ag_arena_free(arena);
    } while (rc == 0 && token);
    ag_free(token);
    return rc < 0 ? rc : 0;
}

struct s3_upload {
    s3 *client;
    ag_arena *arena;
    const char *key;
    const char *id;
    ag_vec etags; /* of const char *, in the arena */
    bool finished;
};

int s3_upload_begin(s3 *client, const char *key, s3_upload **out, ag_err *err)
{
    s3_upload *upload = ag_calloc(1, sizeof(*upload));
    if (!upload) return ag_fail_memory(err, sizeof(*upload));
    ag_http_response response = {0};
    s3_call call = {.what = "begin to upload", .method = "POST", .key = key};
    add_query(&call, "uploads", AG_STR(""));
    upload->client = client;
    ag_vec_init(&upload->etags, sizeof(char *));
    int rc = (upload->arena = ag_arena_new(0)) && (upload->key = ag_arena_strdup(upload->arena, key))
                 ? 0
                 : ag_fail_memory(err, strlen(key));
    if (rc >= 0) rc = s3_send(client, &call, &response, err);
    if (rc >= 0) {
        ag_str id = s3_xml_find(upload->arena, ag_buf_str(&response.body), "UploadId");
        if (id.size)
            upload->id = id.data;
        else
            rc = ag_fail(err, AG_EPARSE, "the S3 server does not tell the id of an upload");
    }
    ag_http_response_deinit(&response);
    if (rc < 0)
        s3_upload_free(upload);
    else
        *out = upload;
    return rc;
}

int s3_upload_part(s3_upload *upload, ag_str bytes, ag_err *err)
{
    char number[16];
    ag_http_response response;
    if (upload->etags.count == PARTS_MAX)
        return ag_fail(err, AG_ELIMIT, "'%s' has more than %d parts of %zu MiB, the most S3 takes", upload->key,
                       PARTS_MAX, S3_PART_SIZE >> 20);
    s3_call call = {.what = "upload a part of", .method = "PUT", .key = upload->key, .body = bytes};
    ag_format(number, sizeof(number), "%zu", upload->etags.count + 1);
    add_query(&call, "partNumber", ag_str_of(number));
    add_query(&call, "uploadId", ag_str_of(upload->id));
    int rc = s3_send(upload->client, &call, &response, err);
    if (rc >= 0) {
        ag_str etag = ag_http_field(&response, "etag");
        char *copy = etag.size ? ag_arena_strndup(upload->arena, etag.data, etag.size) : NULL;
        if (copy)
            rc = ag_vec_push(&upload->etags, &copy, err);
        else
            rc = ag_fail(err, AG_EPARSE, "the S3 server does not confirm a part of '%s'", upload->key);
    }
    ag_http_response_deinit(&response);
    return rc;
}

static void add_escaped(ag_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            ag_buf_add_text(out, "&lt;");
        else if (*text == '&')
            ag_buf_add_text(out, "&amp;");
        else if (*text == '"')
            ag_buf_add_text(out, "&quot;");
        else
            ag_buf_add_char(out, *text);
    }
}

static int send_finish(s3_upload *upload, ag_str body, ag_err *err)
{
    ag_http_response response;
    s3_call call = {.what = "finish the upload of", .method = "POST", .key = upload->key, .body = body};
    add_query(&call, "uploadId", ag_str_of(upload->id));
    call.headers[call.header_count++] = (ag_http_header){"content-type", "application/xml"};
    int rc = s3_send(upload->client, &call, &response, err);
    if (rc >= 0 && ag_str_find(ag_buf_str(&response.body), AG_STR("<Error>"), 0) != SIZE_MAX)
        rc = s3_refuse(upload->client, &call, &response, err);
    ag_http_response_deinit(&response);
    return rc;
}

int s3_upload_finish(s3_upload *upload, ag_err *err)
{
    ag_buf body;
    ag_buf_init(&body, (size_t)4 << 20);
    ag_buf_add_text(&body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < upload->etags.count; i++) {
        ag_buf_addf(&body, "<Part><PartNumber>%zu</PartNumber><ETag>", i + 1);
        add_escaped(&body, *(const char **)ag_vec_at(&upload->etags, i));
        ag_buf_add_text(&body, "</ETag></Part>");
    }
    ag_buf_add_text(&body, "</CompleteMultipartUpload>");
    int rc = ag_buf_check(&body, "the list of parts", err);
    if (rc >= 0) rc = send_finish(upload, ag_buf_str(&body), err);
    if (rc >= 0) upload->finished = true;
    ag_buf_deinit(&body);
    return rc;
}

static int abort_upload(s3 *client, const char *key, const char *id, ag_err *err)
{
    s3_call call = {.what = "abort the upload of", .method = "DELETE", .key = key, .uncancelled = true};
    add_query(&call, "uploadId", ag_str_of(id));
    int rc = s3_do(client, &call, err);
    return rc == AG_ENOTFOUND ? 0 : rc;
}

void s3_upload_free(s3_upload *upload)
{
    if (!upload) return;
    if (upload->id && !upload->finished) abort_upload(upload->client, upload->key, upload->id, NULL);
    ag_vec_deinit(&upload->etags);
    ag_arena_free(upload->arena);
    ag_free(upload);
}

static int abort_page(s3 *client, const s3_listing *page, int64_t before, uint64_t *count, ag_err *err)
{
    size_t skip = strlen(client->config.prefix);
    for (size_t i = 0; i < page->entries.count; i++) {
        const s3_entry *entry = ag_vec_at(&page->entries, i);
        if (!entry->upload_id || entry->modified > before || strncmp(entry->key, client->config.prefix, skip) != 0)
            continue;
        int rc = abort_upload(client, entry->key + skip, entry->upload_id, err);
        if (rc < 0) return rc;
        ++*count;
    }
    return 0;
}

int s3_upload_sweep(s3 *client, int64_t before, uint64_t *count, ag_err *err)
{
    int rc = 0;
    s3_listing page = {0};
    ag_arena *arena = ag_arena_new((size_t)256 << 20);
    if (!arena) return ag_fail_memory(err, 64);
    ag_vec_init(&page.entries, sizeof(s3_entry));
    do {
        ag_http_response response;
        s3_call call = {.what = "list the uploads to", .method = "GET"};
        add_query(&call, "uploads", AG_STR(""));
        add_query(&call, "prefix", ag_str_of(client->config.prefix));
        if (page.key_marker) add_query(&call, "key-marker", ag_str_of(page.key_marker));
        if (page.upload_marker) add_query(&call, "upload-id-marker", ag_str_of(page.upload_marker));
        page.truncated = false;
        page.key_marker = page.upload_marker = NULL;
        ag_vec_clear(&page.entries);
        rc = s3_send(client, &call, &response, err);
        if (rc >= 0) rc = s3_xml_listing(arena, ag_buf_str(&response.body), &page, err);
        ag_http_response_deinit(&response);
        if (rc >= 0) rc = abort_page(client, &page, before, count, err);
    } while (rc >= 0 && page.truncated && page.key_marker);
    ag_vec_deinit(&page.entries);
    ag_arena_free(arena);
    return rc;
}
