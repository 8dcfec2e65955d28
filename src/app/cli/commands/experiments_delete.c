// SPDX-License-Identifier: Apache-2.0
/* experiments_delete.c: experiments go, so that they can come back. */
#include "app/cli/ledger.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "EXPERIMENT", .type = AG_OPTION_TEXT, .required = true, .repeated = true, .doc = "Its id or name"},
};
static const ag_example examples[] = {
    {"experiments delete drilling", "Delete it with its runs"},
    {NULL, NULL},
};

static int delete_experiment(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_err *err)
{
    ag_actor actor = ag_cli_actor();
    ag_experiment found;
    int rc = ag_cli_experiment(invocation, ledger, text, &found, err);
    if (rc >= 0) rc = ag_experiment_delete(ledger, &actor, ag_str_of(found.id), err);
    if (rc >= 0) ag_note(invocation, "deleted experiment %s, %s", found.id, found.name);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    return ag_cli_each(invocation, "EXPERIMENT", delete_experiment, err);
}

const ag_command ag_command_experiments_delete = {
    .path = "experiments delete",
    .summary = "Delete experiments, so that they can be restored",
    .doc = "Marks experiments and their active runs as deleted. Nothing is lost: 'auger experiments restore' brings "
           "them back. An experiment keeps its name.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
