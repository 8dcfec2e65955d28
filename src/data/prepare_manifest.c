// SPDX-License-Identifier: Apache-2.0
/* prepare_manifest.c: what lies in a prepared dataset, with hashes, so that any later change is found. */
#include <string.h>

#include "core/base/buf.h"
#include "core/doc/json_file.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/prepare_parts.h"

enum { MOST_BYTES = 256 << 20, LABELS_AT = 3 }; /* labels stand behind holes.csv and the two reports */

static void write_channels(ag_json *json)
{
    ag_json_name(json, "channels");
    ag_json_begin_array(json);
    for (size_t i = 0; i < AG_CHANNEL_COUNT; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "name", ag_channel_names[i].id);
        ag_json_put_text(json, "unit", ag_channel_names[i].unit);
        ag_json_put_text(json, "doc", ag_channel_names[i].doc);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_put_real(json, "scale", 0.001);
    ag_json_put_int(json, "absent", AG_SAMPLE_ABSENT);
}

static int write_file(ag_json *json, ag_arena *arena, const char *output_dir, const char *name, ag_err *err)
{
    ag_sha256 digest;
    uint64_t size;
    char hex[65];
    char *path = ag_path_join(arena, output_dir, name);
    if (!path) return ag_fail_memory(err, 4096);
    int rc = ag_sha256_of_file(path, &digest, &size, err);
    if (rc < 0) return rc;
    ag_sha256_format(&digest, hex);
    ag_json_begin_object(json);
    ag_json_put_text(json, "path", name);
    ag_json_put_int(json, "bytes", (int64_t)size);
    ag_json_put_text(json, "sha256", hex);
    ag_json_end_object(json);
    return AG_OK;
}

/* Of labels.csv and labels.jsonl, those that are there. */
static int write_labels(ag_json *json, ag_arena *arena, const char *output_dir, ag_err *err)
{
    static const char *const names[] = {"labels.csv", "labels.jsonl"};
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < 2; i++) {
        char *path = ag_path_join(arena, output_dir, names[i]);
        if (!path) return ag_fail_memory(err, 4096);
        if (ag_file_exists(path)) rc = write_file(json, arena, output_dir, names[i], err);
    }
    return rc;
}

static int write_files(ag_json *json, ag_arena *arena, const char *output_dir, size_t parts, ag_err *err)
{
    static const char *const names[] = {"holes.csv", "quality.json", "quality.html"};
    int rc = AG_OK;
    ag_json_name(json, "files");
    ag_json_begin_array(json);
    for (size_t i = 0; rc == AG_OK && i < sizeof(names) / sizeof(names[0]); i++)
        rc = write_file(json, arena, output_dir, names[i], err);
    if (rc == AG_OK) rc = write_labels(json, arena, output_dir, err);
    for (size_t i = 0; rc == AG_OK && i < parts; i++) {
        char name[40];
        ag_prepare_part_name(i, name);
        rc = write_file(json, arena, output_dir, name, err);
    }
    ag_json_end_array(json);
    return rc;
}

int ag_prepare_write_manifest(const char *output_dir, const ag_prepare_options *options,
                              const ag_prepare_summary *summary, ag_err *err)
{
    ag_buf buf;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 4096);
    ag_buf_init(&buf, MOST_BYTES);
    ag_json json = ag_json_writer(&buf, 2, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "format", "auger-prepared-holes");
    ag_json_put_int(&json, "format_version", 1);
    ag_json_put_int(&json, "holes", (int64_t)summary->count);
    ag_json_put_int(&json, "samples", (int64_t)summary->rows);
    ag_json_put_bool(&json, "validated", options->validate);
    ag_json_put_bool(&json, "labelled", options->auto_label);
    write_channels(&json);
    int rc = write_files(&json, arena, output_dir, summary->parts, err);
    ag_json_end_object(&json);
    char *path = ag_path_join(arena, output_dir, "manifest.json");
    if (rc == AG_OK) rc = path ? ag_json_file_write(&json, path, err) : ag_fail_memory(err, 4096);
    ag_buf_deinit(&buf);
    ag_arena_free(arena);
    return rc;
}

/* ---- after labels have changed ---- */

static bool is_of_labels(const ag_value *file)
{
    ag_str path;
    return ag_value_string(ag_value_get(file, "path"), &path) &&
           (ag_str_is(path, "labels.csv") || ag_str_is(path, "labels.jsonl"));
}

static int write_changed(const ag_value *root, const char *output_dir, const char *path, ag_arena *arena, ag_err *err)
{
    int rc = AG_OK;
    ag_buf text;
    ag_buf_init(&text, MOST_BYTES);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    for (size_t i = 0; rc == AG_OK && i < root->object.count; i++) {
        const ag_member *member = &root->object.members[i];
        ag_json_name_str(&json, member->name);
        if (!ag_str_is(member->name, "files") || member->value.kind != AG_ARRAY) {
            ag_json_value(&json, &member->value);
            continue;
        }
        ag_json_begin_array(&json);
        for (size_t k = 0; k < member->value.array.count; k++) {
            const ag_value *file = &member->value.array.items[k];
            if (k == LABELS_AT) rc = write_labels(&json, arena, output_dir, err);
            if (!is_of_labels(file)) ag_json_value(&json, file);
        }
        if (rc == AG_OK && member->value.array.count <= LABELS_AT) rc = write_labels(&json, arena, output_dir, err);
        ag_json_end_array(&json);
    }
    ag_json_end_object(&json);
    if (rc == AG_OK) rc = ag_json_file_write(&json, path, err);
    ag_buf_deinit(&text);
    return rc;
}

int ag_prepare_refresh_manifest(const char *output_dir, ag_err *err)
{
    const ag_value *root;
    ag_arena *arena = ag_arena_new(0);
    char *path = arena ? ag_path_join(arena, output_dir, "manifest.json") : NULL;
    const ag_json_options options = {.max_bytes = MOST_BYTES};
    int rc = path ? ag_json_file_read(arena, path, &options, &root, err) : ag_fail_memory(err, 4096);
    if (rc == AG_OK && root->kind != AG_OBJECT) rc = ag_fail(err, AG_ECORRUPT, "'%s' is no manifest", path);
    if (rc == AG_OK) rc = write_changed(root, output_dir, path, arena, err);
    ag_arena_free(arena);
    return rc;
}
