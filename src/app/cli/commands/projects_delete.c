// SPDX-License-Identifier: Apache-2.0
/* projects_delete.c: projects go, with the permissions on them. */
#include "app/cli/ledger.h"
#include "ledger/user.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .repeated = true, .doc = "Which"}};
static const ag_example examples[] = {{"projects delete wing", "Remove a project; what lay in it stays"}, {NULL, NULL}};

static int delete_project(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_err *err)
{
    ag_actor actor = ag_cli_actor();
    int rc = ag_project_delete(ledger, &actor, ag_str_of(text), err);
    if (rc >= 0) ag_note(invocation, "deleted project %s", text);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    return ag_cli_each(invocation, "NAME", delete_project, err);
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
