// SPDX-License-Identifier: Apache-2.0
/* users_delete.c: users go, with their tokens and permissions. */
#include "app/cli/ledger.h"
#include "ledger/user.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .repeated = true, .doc = "Who"}};
static const ag_example examples[] = {{"users delete ada", "Remove a user"}, {NULL, NULL}};

static int delete_user(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_err *err)
{
    ag_actor actor = ag_cli_actor();
    int rc = ag_user_delete(ledger, &actor, ag_str_of(text), err);
    if (rc >= 0) ag_note(invocation, "deleted user %s", text);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    return ag_cli_each(invocation, "NAME", delete_user, err);
}

const ag_command ag_command_users_delete = {
    .path = "users delete",
    .summary = "Delete users",
    .doc =
        "Deletes users with their tokens and permissions. What they made stays. 'auger users role NAME disabled' locks "
        "somebody out and keeps the rest.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
