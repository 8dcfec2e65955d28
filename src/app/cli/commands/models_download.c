// SPDX-License-Identifier: Apache-2.0
/* models_download.c: the files of a version of a model. */
#include "app/cli/ledger.h"

static const ag_option options[] = {
    {.name = "output-dir",
     .letter = 'o',
     .type = AG_OPTION_PATH,
     .required = true,
     .doc = "where the files go; made when absent"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "VERSION", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME/3, NAME@ALIAS, or NAME for its newest"},
};
static const ag_example examples[] = {
    {"models download depth@champion --output-dir model", "The model that serves"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_version version;
    const char *directory = ag_option_text(invocation, "output-dir");
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_version(invocation, ledger, ag_option_text(invocation, "VERSION"), &version, err);
    if (rc >= 0) rc = ag_cli_download(invocation, ledger, version.storage, AG_STR(""), directory, err);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_models_download = {
    .path = "models download",
    .summary = "Download the files of a version of a model",
    .doc =
        "Copies the files of a version into a directory. Files that are there already with the same size are kept, so "
        "a download that was cut short is simply begun again.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
