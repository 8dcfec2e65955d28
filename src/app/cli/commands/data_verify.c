// SPDX-License-Identifier: Apache-2.0
/* data_verify.c: the command: reads everything and says what is not what was stored. Exit status 1 when anything is. */
#include "app/cli/data.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE, AG_OPTION_OF_BLOBS};
static const ag_option positionals[] = {
    {.name = "VERSION", .type = AG_OPTION_TEXT, .doc = "NAME@v3; without it, every version and all that is stored"},
};
static const ag_example examples[] = {
    {"data verify", "Everything"},
    {"data verify drilling@v3", "One version"},
    {NULL, NULL},
};

typedef struct findings {
    ag_invocation *invocation;
    ag_json *json; /* NULL: text */
} findings;

static void report(void *context, const ag_dataset_damage *damage)
{
    findings *f = context;
    ag_arena *arena = f->invocation->arena;
    const char *version = damage->version ? ag_cli_data_name(arena, damage->version) : NULL;
    if (!f->json) {
        ag_print(f->invocation, "damaged: %s%s%s: %s (blob %.16s...)\n",
                 version ? version : "in the store, needed by nobody", version ? ", " : "",
                 version ? (damage->path ? damage->path : "its manifest") : "", damage->why->text, damage->blob);
        if (*damage->holes) ag_print(f->invocation, "         holes: %s\n", damage->holes);
        return;
    }
    ag_json_begin_object(f->json);
    ag_json_put_text(f->json, "version", version);
    ag_json_put_text(f->json, "path", damage->path);
    ag_json_put_text(f->json, "blob", damage->blob);
    ag_json_put_text(f->json, "holes", damage->holes);
    ag_json_put_text(f->json, "text", damage->why->text);
    ag_json_end_object(f->json);
}

static int verify(ag_invocation *invocation, ag_cli_data *data, findings *f, ag_dataset_verified *done, ag_err *err)
{
    ag_dataset_version version;
    bool one = ag_option_given(invocation, "VERSION");
    int rc = one ? ag_cli_data_version(invocation, data, "VERSION", &version, err) : AG_OK;
    if (rc < 0) return rc;
    data->place.progress = ag_begin_progress(invocation, "files", one ? (uint64_t)version.files : 0);
    rc = ag_dataset_verify(&data->place, one ? &version : NULL, report, f, done, err);
    ag_progress_free(data->place.progress);
    data->place.progress = NULL;
    return rc;
}

static int run_json(ag_invocation *invocation, ag_cli_data *data, ag_dataset_verified *done, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)256 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    findings f = {invocation, &json};
    ag_json_begin_object(&json);
    ag_json_name(&json, "damage");
    ag_json_begin_array(&json);
    int rc = verify(invocation, data, &f, done, err);
    ag_json_end_array(&json);
    ag_json_put_int(&json, "versions", (int64_t)done->versions);
    ag_json_put_int(&json, "files", (int64_t)done->files);
    ag_json_put_int(&json, "bytes", (int64_t)done->bytes);
    ag_json_put_int(&json, "damaged", (int64_t)done->damaged);
    ag_json_end_object(&json);
    if (rc >= 0 || done->damaged) {
        int printed = ag_print_json(invocation, &json, &buf, err);
        if (printed < 0) rc = printed;
    }
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_verified done = {0};
    findings f = {invocation, NULL};
    int rc = ag_cli_data_open(invocation, false, &data, err);
    if (rc >= 0)
        rc = ag_wants_json(invocation) ? run_json(invocation, &data, &done, err)
                                       : verify(invocation, &data, &f, &done, err);
    if (rc >= 0 && !ag_wants_json(invocation))
        ag_print(invocation, "all right: %llu versions, %llu files, %s read and compared\n",
                 (unsigned long long)done.versions, (unsigned long long)done.files,
                 ag_cli_data_bytes(invocation->arena, (double)done.bytes));
    ag_cli_data_close(&data);
    if (rc == AG_ECORRUPT && done.damaged) return 1; /* all has been said */
    return rc;
}

const ag_command ag_command_data_verify = {
    .path = "data verify",
    .summary = "Read every byte of data sets and find what is damaged",
    .doc =
        "Compares the SHA-256 of every file, manifest and stored piece with what it was when it was added, and names "
        "the data set, file, hole and blob of everything that differs: one flipped bit is found. Exit status 1 when "
        "there is damage.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
