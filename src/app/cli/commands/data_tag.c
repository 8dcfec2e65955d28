// SPDX-License-Identifier: Apache-2.0
/* data_tag.c: the command: names for versions that may move. */
#include "app/cli/data.h"

static const ag_option options[] = {
    {.name = "move", .type = AG_OPTION_FLAG, .doc = "Take the tag from the version that has it"},
    {.name = "delete", .type = AG_OPTION_FLAG, .doc = "Take the tag away; the version stays"},
    AG_OPTION_OF_DATABASE,
    AG_OPTION_OF_BLOBS,
};
static const ag_option positionals[] = {
    {.name = "VERSION", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME@v3, or NAME with --delete"},
    {.name = "TAG", .type = AG_OPTION_TEXT, .required = true, .doc = "Letters, digits, '.', '_' and '-'"},
};
static const ag_example examples[] = {
    {"data tag drilling@v3 reviewed", "Name a version"},
    {"data tag drilling@v4 reviewed --move", "The name goes to a later one"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_version version;
    const char *tag = ag_option_text(invocation, "TAG");
    bool gone = ag_option_flag(invocation, "delete");
    int rc = ag_cli_data_open(invocation, false, &data, err);
    if (rc >= 0) rc = ag_cli_data_version(invocation, &data, "VERSION", &version, err);
    if (rc >= 0 && gone)
        rc = ag_dataset_untag(data.ledger, &data.actor, ag_str_of(version.name), ag_str_of(tag), err);
    else if (rc >= 0)
        rc =
            ag_dataset_tag(data.ledger, &data.actor, &version, ag_str_of(tag), ag_option_flag(invocation, "move"), err);
    if (rc >= 0 && ag_wants_json(invocation)) {
        ag_buf buf;
        ag_buf_init(&buf, (size_t)1 << 20);
        ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
        ag_json_begin_object(&json);
        ag_json_put_text(&json, "tag", tag);
        ag_json_put_text(&json, "version", gone ? NULL : ag_cli_data_name(invocation->arena, &version));
        ag_json_end_object(&json);
        rc = ag_print_json(invocation, &json, &buf, err);
        ag_buf_deinit(&buf);
    } else if (rc >= 0) {
        ag_print(invocation, gone ? "%s has no tag '%s' any more\n" : "%s is '%s'\n",
                 gone ? version.name : ag_cli_data_name(invocation->arena, &version), tag);
    }
    ag_cli_data_close(&data);
    return rc;
}

const ag_command ag_command_data_tag = {
    .path = "data tag",
    .summary = "Give a version of a data set a name of its own",
    .doc = "A tag is a name for a version: drilling@reviewed. A version may have several; a tag names one version and "
           "moves only with --move. Both are kept in the audit log.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
