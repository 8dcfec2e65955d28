// SPDX-License-Identifier: Apache-2.0
/* data_gc.c: the command: what no version needs. The work is data/dataset/collect.c. */
#include "app/cli/data.h"

static const ag_option options[] = {
    {.name = "apply", .type = AG_OPTION_FLAG, .doc = "Remove it; otherwise it is only counted"},
    {.name = "grace",
     .type = AG_OPTION_DURATION,
     .fallback = "1d",
     .doc = "What was stored within this time stays in any case"},
    AG_OPTION_OF_DATABASE,
    AG_OPTION_OF_BLOBS,
};
static const ag_example examples[] = {
    {"data gc", "How much could be removed"},
    {"data gc --apply", "Remove what was left more than a day ago"},
    {NULL, NULL},
};

static int print_json(ag_invocation *invocation, const ag_dataset_garbage *garbage, bool dry, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_bool(&json, "dry_run", dry);
    ag_json_put_int(&json, "objects", (int64_t)garbage->objects);
    ag_json_put_int(&json, "bytes", (int64_t)garbage->bytes);
    ag_json_put_int(&json, "kept", (int64_t)garbage->kept);
    ag_json_put_int(&json, "freed", (int64_t)garbage->freed);
    ag_json_put_int(&json, "adds_under_way", (int64_t)garbage->adds);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_garbage garbage;
    bool dry = !ag_option_flag(invocation, "apply");
    int rc = ag_cli_data_open(invocation, false, &data, err);
    if (rc >= 0) rc = ag_dataset_gc(&data.place, dry, ag_option_duration(invocation, "grace"), &garbage, err);
    if (rc >= 0 && ag_wants_json(invocation)) {
        rc = print_json(invocation, &garbage, dry, err);
    } else if (rc >= 0 && dry) {
        ag_print(invocation, "%llu objects (%s before compression) are needed by no version, %llu are\n",
                 (unsigned long long)garbage.objects, ag_cli_data_bytes(invocation->arena, (double)garbage.bytes),
                 (unsigned long long)garbage.kept);
        ag_print(invocation,
                 "'auger data gc --apply' removes them when they are old enough, and pieces of files that were "
                 "never stored whole, which are not counted here\n");
    } else if (rc >= 0) {
        ag_print(invocation, "%llu objects removed, %s of the store came back, %llu objects stay\n",
                 (unsigned long long)garbage.objects, ag_cli_data_bytes(invocation->arena, (double)garbage.freed),
                 (unsigned long long)garbage.kept);
    }
    if (rc >= 0 && garbage.adds)
        ag_note(invocation, "%llu adds are under way; what they store is left alone", (unsigned long long)garbage.adds);
    ag_cli_data_close(&data);
    return rc;
}

const ag_command ag_command_data_gc = {
    .path = "data gc",
    .summary = "Remove stored bytes that no version of a data set needs",
    .doc =
        "Bytes that a killed or cancelled 'auger data add' has left. Without --apply nothing is removed. Versions are "
        "never touched, nor is what an add that runs at the same time has stored.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
