// SPDX-License-Identifier: Apache-2.0
/* experiments_rename.c: a new name for an experiment. */
#include "app/cli/ledger.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "EXPERIMENT", .type = AG_OPTION_TEXT, .required = true, .doc = "Its id or name"},
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Its new name"},
};
static const ag_example examples[] = {
    {"experiments rename drilling drilling-2025", "Give it another name"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    ag_experiment found;
    ag_str name = ag_str_of(ag_option_text(invocation, "NAME"));
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) {
        rc = ag_cli_experiment(invocation, ledger, ag_option_text(invocation, "EXPERIMENT"), &found, err);
    }
    if (rc >= 0) rc = ag_experiment_rename(ledger, &actor, ag_str_of(found.id), name, err);
    if (rc >= 0) ag_note(invocation, "experiment %s, %s, is now %.*s", found.id, found.name, AG_STR_ARG(name));
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_experiments_rename = {
    .path = "experiments rename",
    .summary = "Rename an experiment",
    .doc = "Gives an experiment another name. Its id, runs and artifacts stay where they are.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
