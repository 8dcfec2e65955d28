// SPDX-License-Identifier: Apache-2.0
/* runs_restore.c: deleted runs come back. */
#include "app/cli/ledger.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    AG_POSITIONAL_OF_RUNS,
};
static const ag_example examples[] = {
    {"runs restore 4f2a91", "Bring a run back"},
    {NULL, NULL},
};

static int restore_run(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_err *err)
{
    ag_actor actor = ag_cli_actor();
    ag_str id;
    int rc = ag_cli_run(invocation, ledger, text, &id, err);
    if (rc >= 0) rc = ag_run_restore(ledger, &actor, id, err);
    if (rc >= 0) ag_note(invocation, "restored run %.*s", AG_STR_ARG(id));
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    return ag_cli_each(invocation, "RUN", restore_run, err);
}

const ag_command ag_command_runs_restore = {
    .path = "runs restore",
    .summary = "Restore deleted runs",
    .doc = "Brings deleted runs back, with all that they logged.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
