// SPDX-License-Identifier: Apache-2.0
/* projects_delete.c: projects go, with the permissions on them. */
#include "app/cli/ledger.h"
#include "ledger/user.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .repeated = true, .doc = "Which"}};
static const ag_example examples[] = {{"projects delete wing", "Remove a project; what lay in it stays"}, {NULL, NULL}};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "NAME", &count);
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        rc = ag_project_delete(ledger, &actor, ag_str_of(values[i].text), err);
        if (rc >= 0) ag_note(invocation, "deleted project %s", values[i].text);
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_projects_delete = {
    .path = "projects delete",
    .summary = "Delete projects",
    .doc =
        "Deletes projects with the permissions on them. Experiments and models that lay in them stay, in no project.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
