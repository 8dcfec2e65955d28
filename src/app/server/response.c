// SPDX-License-Identifier: Apache-2.0
/* response.c: filling in an answer. Text lives in the request's arena, the body in a buffer that the worker keeps. */
#include "app/server/response.h"

#include "core/io/file.h"
#include "core/io/path.h"
#include "core/io/uri.h"

static bool is_clean(ag_str text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) return false;
    return true;
}

int ag_response_header_add(ag_response *response, const char *name, const char *value, ag_err *err)
{
    if (!is_clean(ag_str_of(value)))
        return ag_fail(err, AG_EINVAL, "the header %s would hold a control character", name);
    ag_response_header *header = ag_arena_alloc(response->arena, sizeof(*header));
    char *copy = ag_arena_strdup(response->arena, value);
    if (!header || !copy) return ag_fail_memory(err, sizeof(*header));
    header->name = name;
    header->value = copy;
    if (response->last)
        response->last->next = header;
    else
        response->headers = header;
    response->last = header;
    return AG_OK;
}

int ag_response_header_addf(ag_response *response, ag_err *err, const char *name, const char *format, ...)
{
    ag_buf text;
    ag_buf_init(&text, 16384);
    va_list arguments;
    va_start(arguments, format);
    ag_buf_vaddf(&text, format, arguments);
    va_end(arguments);
    int rc = ag_buf_check(&text, "a header", err);
    if (rc >= 0) rc = ag_response_header_add(response, name, text.data ? text.data : "", err);
    ag_buf_deinit(&text);
    return rc;
}

ag_json *ag_response_json(ag_response *response)
{
    response->content_type = "application/json";
    response->kind = AG_RESPONSE_BUFFER;
    ag_buf_clear(&response->body);
    response->json = ag_json_writer(&response->body, 0, AG_JSON_NONFINITE_TEXT);
    return &response->json;
}

int ag_response_json_end(ag_response *response, ag_err *err)
{
    return ag_json_end_document(&response->json, err);
}

int ag_response_text(ag_response *response, int status, ag_err *err, const char *format, ...)
{
    response->status = status;
    response->content_type = "text/plain; charset=utf-8";
    response->kind = AG_RESPONSE_BUFFER;
    ag_buf_clear(&response->body);
    va_list arguments;
    va_start(arguments, format);
    ag_buf_vaddf(&response->body, format, arguments);
    va_end(arguments);
    return ag_buf_check(&response->body, "the answer", err);
}

int ag_response_stream(ag_response *response, const char *content_type, ag_reader *reader, int64_t size, ag_err *err)
{
    if (response->stream) {
        ag_reader_close(reader);
        return ag_fail(err, AG_EINTERNAL, "an answer with two streams");
    }
    response->content_type = content_type;
    response->kind = AG_RESPONSE_STREAM;
    response->stream = reader;
    response->stream_size = size;
    return AG_OK;
}

int ag_response_content(ag_response *response, const char *content_type, const ag_content *content, ag_err *err)
{
    if (!content->open) return ag_fail(err, AG_EINTERNAL, "content that cannot be opened");
    response->content_type = content_type;
    response->kind = AG_RESPONSE_CONTENT;
    response->content = *content;
    return AG_OK;
}

static int open_file(void *context, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err)
{
    return ag_reader_of_range(context, offset, size, out, err);
}

int ag_response_file(ag_response *response, const char *content_type, const char *path, ag_err *err)
{
    ag_file_info info;
    int rc = ag_file_stat(path, &info, err);
    if (rc < 0) return rc;
    if (!info.is_regular) return ag_fail(err, AG_ENOTFOUND, "%s is not a file", path);
    char *copy = ag_arena_strdup(response->arena, path);
    char *etag = ag_arena_printf(response->arena, "\"%llx-%llx\"", (unsigned long long)info.size,
                                 (unsigned long long)info.modified);
    if (!copy || !etag) return ag_fail_memory(err, strlen(path));
    ag_content content = {
        .size = info.size, .etag = etag, .modified_at = info.modified, .context = copy, .open = open_file};
    return ag_response_content(response, content_type, &content, err);
}

int ag_response_attachment(ag_response *response, ag_str file_name, ag_err *err)
{
    ag_buf plain, coded;
    ag_buf_init(&plain, 4096);
    ag_buf_init(&coded, 16384);
    bool ascii = true;
    for (size_t i = 0; i < file_name.size; i++) {
        unsigned char c = (unsigned char)file_name.data[i];
        bool simple = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
        ascii = ascii && simple;
        ag_buf_add_char(&plain, simple ? (char)c : '_');
    }
    ag_percent_encode(&coded, file_name, "");
    int rc = ag_buf_check(&coded, "the file name", err);
    if (rc >= 0 && ascii)
        rc = ag_response_header_addf(response, err, "Content-Disposition", "attachment; filename=\"%s\"",
                                     plain.data ? plain.data : "");
    else if (rc >= 0)
        rc = ag_response_header_addf(response, err, "Content-Disposition",
                                     "attachment; filename=\"%s\"; filename*=UTF-8''%s", plain.data ? plain.data : "",
                                     coded.data ? coded.data : "");
    ag_buf_deinit(&plain);
    ag_buf_deinit(&coded);
    return rc;
}

const char *ag_content_type_of(ag_str file_name)
{
    static const struct {
        const char *extension, *type;
    } rows[] = {
        {"css", "text/css; charset=utf-8"},
        {"csv", "text/csv; charset=utf-8"},
        {"gif", "image/gif"},
        {"htm", "text/html; charset=utf-8"},
        {"html", "text/html; charset=utf-8"},
        {"ico", "image/x-icon"},
        {"jpeg", "image/jpeg"},
        {"jpg", "image/jpeg"},
        {"js", "text/javascript; charset=utf-8"},
        {"json", "application/json"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"pdf", "application/pdf"},
        {"png", "image/png"},
        {"svg", "image/svg+xml"},
        {"wasm", "application/wasm"},
        {"webp", "image/webp"},
        {"woff2", "font/woff2"},
        {"xml", "application/xml"},
        {"zip", "application/zip"},
    };
    static const char *const plain[] = {"txt",  "log",  "err", "out", "cfg",     "conf",     "py",      "md",
                                        "rst",  "yaml", "yml", "sh",  "r",       "java",     "jsonnet", "ini",
                                        "toml", "c",    "h",   "sql", "mlmodel", "mlproject"};
    ag_str name = ag_path_name(file_name), extension = ag_path_extension(name);
    if (!extension.size) extension = name; /* MLmodel, MLproject */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (ag_str_equal_nocase(extension, ag_str_of(rows[i].extension))) return rows[i].type;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (ag_str_equal_nocase(extension, ag_str_of(plain[i]))) return "text/plain; charset=utf-8";
    return "application/octet-stream";
}
