// SPDX-License-Identifier: Apache-2.0
/* prepare_manifest.c: what lies in a prepared dataset, with hashes, so that any later change is found. */
#include <string.h>

#include "core/base/buf.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/prepare_parts.h"

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

static int write_files(ag_json *json, ag_arena *arena, const char *output_dir, size_t parts, bool labels, ag_err *err)
{
    static const char *const names[] = {"holes.csv", "quality.json", "quality.html"};
    int rc = AG_OK;
    ag_json_name(json, "files");
    ag_json_begin_array(json);
    for (size_t i = 0; rc == AG_OK && i < sizeof(names) / sizeof(names[0]); i++)
        rc = write_file(json, arena, output_dir, names[i], err);
    if (rc == AG_OK && labels) rc = write_file(json, arena, output_dir, "labels.csv", err);
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
    ag_buf_init(&buf, (size_t)256 << 20);
    ag_json json = ag_json_writer(&buf, 2, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "format", "auger-prepared-holes");
    ag_json_put_int(&json, "format_version", 1);
    ag_json_put_int(&json, "holes", (int64_t)summary->count);
    ag_json_put_int(&json, "samples", (int64_t)summary->rows);
    ag_json_put_bool(&json, "validated", options->validate);
    ag_json_put_bool(&json, "labelled", options->auto_label);
    write_channels(&json);
    int rc = write_files(&json, arena, output_dir, summary->parts, options->auto_label, err);
    ag_json_end_object(&json);
    if (rc == AG_OK) rc = ag_json_end_document(&json, err);
    if (rc == AG_OK) ag_buf_add_char(&buf, '\n');
    if (rc == AG_OK) rc = ag_buf_check(&buf, "manifest", err);
    char *path = ag_path_join(arena, output_dir, "manifest.json");
    if (rc == AG_OK && !path) rc = ag_fail_memory(err, 4096);
    if (rc == AG_OK) rc = ag_file_replace(path, buf.data, buf.size, err);
    ag_buf_deinit(&buf);
    ag_arena_free(arena);
    return rc;
}
