// SPDX-License-Identifier: Apache-2.0
/* users_permissions_grant.c: what a user may do with one thing. */
#include "app/cli/ledger.h"
#include "app/cli/people.h"

static const char *const roles[] = {"none", "reader", "editor", "manager", NULL};
static const ag_option options[] = {AG_OPTIONS_OF_RESOURCE, AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Who"},
    {.name = "ROLE", .type = AG_OPTION_CHOICE, .required = true, .choices = roles, .doc = "What they may do"},
};
static const ag_example examples[] = {
    {"users permissions grant ada editor --experiment drilling", "May log runs there"},
    {"users permissions grant eve none --model depth", "May not even see it"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    ag_resource kind = AG_RESOURCE_EXPERIMENT;
    ag_str id;
    ag_role role = (ag_role)ag_option_choice(invocation, "ROLE");
    const char *name = ag_option_text(invocation, "NAME");
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_resource(invocation, ledger, &kind, &id, err);
    if (rc >= 0) rc = ag_permission_set(ledger, &actor, ag_str_of(name), kind, id, role, err);
    if (rc >= 0) {
        ag_note(invocation, "%s is now %s of %s %.*s", name, ag_role_name(role), ag_cli_resource_name(kind),
                AG_STR_ARG(id));
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_users_permissions_grant = {
    .path = "users permissions grant",
    .summary = "Give a user a role on an experiment, a model or a project",
    .doc =
        "A reader sees, an editor also writes, a manager also deletes and gives permissions; none hides the thing. A "
        "role on the thing itself counts before that of its project, and that before the server's default.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
