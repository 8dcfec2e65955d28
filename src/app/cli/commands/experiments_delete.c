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

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "EXPERIMENT", &count);
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        ag_experiment found;
        rc = ag_cli_experiment(invocation, ledger, values[i].text, &found, err);
        if (rc >= 0) rc = ag_experiment_delete(ledger, &actor, ag_str_of(found.id), err);
        if (rc >= 0) ag_note(invocation, "deleted experiment %s, %s", found.id, found.name);
    }
    ag_ledger_close(ledger);
    return rc;
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
