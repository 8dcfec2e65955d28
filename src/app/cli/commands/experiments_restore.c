// SPDX-License-Identifier: Apache-2.0
/* experiments_restore.c: deleted experiments come back. */
#include "app/cli/ledger.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "EXPERIMENT", .type = AG_OPTION_TEXT, .required = true, .repeated = true, .doc = "Its id or name"},
};
static const ag_example examples[] = {
    {"experiments restore drilling", "Bring it and its runs back"},
    {NULL, NULL},
};

static int restore_experiment(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_err *err)
{
    ag_actor actor = ag_cli_actor();
    ag_experiment found;
    int rc = ag_cli_experiment(invocation, ledger, text, &found, err);
    if (rc >= 0) rc = ag_experiment_restore(ledger, &actor, ag_str_of(found.id), err);
    if (rc >= 0) ag_note(invocation, "restored experiment %s, %s", found.id, found.name);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    return ag_cli_each(invocation, "EXPERIMENT", restore_experiment, err);
}

const ag_command ag_command_experiments_restore = {
    .path = "experiments restore",
    .summary = "Restore deleted experiments",
    .doc = "Brings deleted experiments back, with the runs that went with them. Runs that were deleted by hand before "
           "stay deleted.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
