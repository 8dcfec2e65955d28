// SPDX-License-Identifier: Apache-2.0
/* runs_download.c: the artifacts of a run. */
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
    AG_POSITIONAL_OF_RUN,
    {.name = "PATH", .type = AG_OPTION_TEXT, .doc = "A file or directory among its artifacts; without it, all"},
};
static const ag_example examples[] = {
    {"runs download 4f2a91 plots --output-dir plots", "A directory of its artifacts"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_str id;
    ag_run found;
    const char *path = ag_option_text(invocation, "PATH"), *directory = ag_option_text(invocation, "output-dir");
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_run(invocation, ledger, ag_option_text(invocation, "RUN"), &id, err);
    if (rc >= 0) rc = ag_run_get(ledger, id, invocation->arena, &found, err);
    if (rc >= 0) {
        rc = ag_cli_download(invocation, ledger, found.artifact_uri, ag_str_of(path ? path : ""), directory, err);
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_runs_download = {
    .path = "runs download",
    .summary = "Download the artifacts of a run",
    .doc =
        "Copies the artifacts of a run, or some of them, into a directory. Files that are there already with the same "
        "size are kept, so a download that was cut short is simply begun again.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
