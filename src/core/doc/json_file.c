// SPDX-License-Identifier: Apache-2.0
/* json_file.c: see json_file.h. */
#include "core/doc/json_file.h"

#include "core/io/file.h"

int ag_json_file_read(ag_arena *arena, const char *path, const ag_json_options *options, const ag_value **out,
                      ag_err *err)
{
    ag_buf text;
    ag_json_options how = options ? *options : (ag_json_options){0};
    if (!how.file) how.file = path;
    if (!how.max_bytes) how.max_bytes = AG_JSON_MAX_BYTES;
    ag_buf_init(&text, how.max_bytes);
    int rc = ag_file_read(path, how.max_bytes, &text, err);
    if (rc >= 0) rc = ag_json_parse(arena, ag_buf_str(&text), &how, out, err);
    ag_buf_deinit(&text);
    return rc;
}

int ag_json_file_write(ag_json *json, const char *path, ag_err *err)
{
    ag_buf *text = json->out;
    int rc = ag_json_end_document(json, err);
    ag_buf_add_char(text, '\n');
    if (rc >= 0) rc = ag_buf_check(text, path, err);
    return rc < 0 ? rc : ag_file_replace(path, text->data, text->size, err);
}
