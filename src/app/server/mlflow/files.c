// SPDX-License-Identifier: Apache-2.0
/* files.c: artifacts on their way out, from whatever tree they lie in. Always an attachment, so that no browser shows
 * what somebody uploaded as a page of ours. Ranges and conditional requests are the server's business. */
#include "app/server/mlflow/files.h"

static int put_entry(ag_request *request, const ag_tree_entry *entry, const char *prefix, ag_json *json, ag_err *err)
{
    const char *path = entry->name;
    if (prefix && *prefix) path = ag_arena_printf(request->arena, "%s/%s", prefix, entry->name);
    if (!path) return ag_fail_memory(err, 1);
    ag_json_begin_object(json);
    ag_json_put_text(json, "path", path);
    ag_json_put_bool(json, "is_dir", entry->is_directory);
    if (!entry->is_directory) {
        ag_json_name(json, "file_size");
        ag_json_uint(json, entry->size);
    }
    ag_json_end_object(json);
    return AG_OK;
}

int ag_files_list(ag_request *request, const ag_artifact_place *place, const char *prefix, ag_json *json, ag_err *err)
{
    ag_vec entries;
    ag_vec_init(&entries, sizeof(ag_tree_entry));
    int rc = ag_tree_list(place->tree, place->path, request->arena, &entries, err);
    if (rc == AG_ENOTFOUND || rc == AG_EINVAL) rc = AG_OK;
    if (rc < 0) rc = ag_files_refuse(place, rc, err);
    if (rc >= 0 && entries.count) {
        ag_json_name(json, "files");
        ag_json_begin_array(json);
        for (size_t i = 0; i < entries.count && rc >= 0; i++) {
            rc = put_entry(request, ag_vec_at(&entries, i), prefix, json, err);
        }
        ag_json_end_array(json);
    }
    ag_vec_deinit(&entries);
    return rc;
}

int ag_files_refuse(const ag_artifact_place *place, int rc, ag_err *err)
{
    switch (rc) {
    case AG_ENOTFOUND: return ag_fail(err, AG_ENOTFOUND, "No such artifact: '%s'", place->path);
    case AG_EDENIED: return ag_fail(err, AG_EDENIED, "Permission denied: '%s'", place->path);
    case AG_EINVAL:
    case AG_EEXISTS:
    case AG_ECONFLICT: return ag_fail(err, AG_EINVAL, "Invalid path: '%s'", place->path);
    default: return rc;
    }
}

static int open_file(void *context, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err)
{
    const ag_artifact_place *place = context;
    return ag_tree_get(place->tree, place->path, offset, size, out, err);
}

int ag_files_send(ag_request *request, const ag_artifact_place *place, ag_response *response, ag_err *err)
{
    ag_tree_entry entry;
    ag_str path = ag_str_of(place->path);
    size_t slash = path.size;
    while (slash && path.data[slash - 1] != '/') slash--;
    ag_str name = ag_str_slice(path, slash, path.size - slash);
    int rc = ag_tree_stat(place->tree, place->path, &entry, err);
    if (rc < 0) return ag_files_refuse(place, rc, err);
    if (entry.is_directory) {
        return ag_fail(err, AG_EINVAL, "'%.*s' is a directory, not a file: list it", AG_STR_ARG(name));
    }
    ag_artifact_place *kept = ag_arena_alloc(request->arena, sizeof(*kept));
    char *etag = ag_arena_printf(request->arena, "\"%llx-%llx\"", (unsigned long long)entry.modified,
                                 (unsigned long long)entry.size);
    if (!kept || !etag) return ag_fail_memory(err, sizeof(*kept));
    *kept = *place;
    ag_content content = {
        .size = entry.size, .etag = etag, .modified_at = entry.modified, .context = kept, .open = open_file};
    rc = ag_response_attachment(response, name, err);
    return rc < 0 ? rc : ag_response_content(response, ag_content_type_of(name), &content, err);
}
