// SPDX-License-Identifier: Apache-2.0
/* runs_delete.c: runs go, so that they can come back. */
#include "app/cli/ledger.h"

static const ag_option options[] = {
    {.name = "restore", .type = AG_OPTION_FLAG, .doc = "bring deleted runs back instead"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    AG_POSITIONAL_OF_RUNS,
};
static const ag_example examples[] = {
    {"runs delete 4f2a91 77b0c4", "Delete two runs"},
    {"runs delete --restore 4f2a91", "Bring one of them back"},
    {NULL, NULL},
};

static int delete_run(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_err *err)
{
    ag_actor actor = ag_cli_actor();
    bool back = ag_option_flag(invocation, "restore");
    ag_str id;
    int rc = ag_cli_run(invocation, ledger, text, &id, err);
    if (rc >= 0) rc = back ? ag_run_restore(ledger, &actor, id, err) : ag_run_delete(ledger, &actor, id, err);
    if (rc >= 0) ag_note(invocation, "%s run %.*s", back ? "restored" : "deleted", AG_STR_ARG(id));
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    return ag_cli_each(invocation, "RUN", delete_run, err);
}

const ag_command ag_command_runs_delete = {
    .path = "runs delete",
    .summary = "Delete runs, so that they can be restored",
    .doc = "Marks runs as deleted. Nothing is lost: with --restore they come back.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
