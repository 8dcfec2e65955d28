// SPDX-License-Identifier: Apache-2.0
/* data_checkout.c: the command: a version as files again. */
#include "app/cli/data.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE, AG_OPTION_OF_BLOBS};
static const ag_option positionals[] = {
    {.name = "VERSION", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME@v3, NAME@TAG, or NAME for the newest"},
    {.name = "DIRECTORY", .type = AG_OPTION_PATH, .required = true, .doc = "Where the files go; made when absent"},
};
static const ag_example examples[] = {
    {"data checkout drilling@v3 work", "The files of a version, byte for byte"},
    {NULL, NULL},
};

static int print(ag_invocation *invocation, const ag_dataset_version *version, const ag_dataset_checked_out *done,
                 ag_err *err)
{
    if (!ag_wants_json(invocation)) {
        ag_print(invocation, "%s: %llu files written (%s), %llu were there already\n",
                 ag_cli_data_name(invocation->arena, version), (unsigned long long)done->written,
                 ag_cli_data_bytes(invocation->arena, (double)done->bytes), (unsigned long long)done->kept);
        return AG_OK;
    }
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "version", ag_cli_data_name(invocation->arena, version));
    ag_json_put_text(&json, "digest", version->digest);
    ag_json_put_int(&json, "written", (int64_t)done->written);
    ag_json_put_int(&json, "kept", (int64_t)done->kept);
    ag_json_put_int(&json, "bytes", (int64_t)done->bytes);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_version version;
    ag_dataset_checked_out done;
    int rc = ag_cli_data_open(invocation, false, &data, err);
    if (rc >= 0) rc = ag_cli_data_version(invocation, &data, "VERSION", &version, err);
    if (rc >= 0) {
        data.place.progress = ag_begin_progress(invocation, "files", (uint64_t)version.files);
        rc = ag_dataset_checkout(&data.place, &version, ag_option_text(invocation, "DIRECTORY"), &done, err);
        ag_progress_free(data.place.progress);
        data.place.progress = NULL;
    }
    if (rc >= 0) rc = print(invocation, &version, &done, err);
    ag_cli_data_close(&data);
    return rc;
}

const ag_command ag_command_data_checkout = {
    .path = "data checkout",
    .summary = "Write the files of a version into a directory",
    .doc =
        "Every file of the version, byte for byte, with its labels. A file that is there and is another one is never "
        "written over: the command refuses before it writes anything. Cut short, the same command goes on.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
