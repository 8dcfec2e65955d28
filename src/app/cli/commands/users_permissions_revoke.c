// SPDX-License-Identifier: Apache-2.0
/* users_permissions_revoke.c: a permission goes; what is left is the project's, or the default. */
#include "app/cli/ledger.h"
#include "app/cli/people.h"

static const ag_option options[] = {AG_OPTIONS_OF_RESOURCE, AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {{.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Whose"}};
static const ag_example examples[] = {
    {"users permissions revoke ada --experiment drilling", "Take the role there away"}, {NULL, NULL}};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    ag_resource kind = AG_RESOURCE_EXPERIMENT;
    ag_str id;
    const char *name = ag_option_text(invocation, "NAME");
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_resource(invocation, ledger, &kind, &id, err);
    if (rc >= 0) rc = ag_permission_delete(ledger, &actor, ag_str_of(name), kind, id, err);
    if (rc >= 0) {
        ag_note(invocation, "%s has no role of their own on %s %.*s", name, ag_cli_resource_name(kind), AG_STR_ARG(id));
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_users_permissions_revoke = {
    .path = "users permissions revoke",
    .summary = "Take a user's role on an experiment, a model or a project away",
    .doc =
        "Removes what 'auger users permissions grant' gave. The role of the project that holds the thing counts then, "
        "or the server's default.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
