// SPDX-License-Identifier: Apache-2.0
/* users_role.c: what a user is: an admin, a user, or locked out. */
#include "app/cli/ledger.h"
#include "ledger/user.h"

static const char *const roles[] = {"user", "admin", "disabled", NULL};
enum { ROLE_USER, ROLE_ADMIN, ROLE_DISABLED };
static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Who"},
    {.name = "ROLE", .type = AG_OPTION_CHOICE, .required = true, .choices = roles, .doc = "What they are from now on"},
};
static const ag_example examples[] = {
    {"users role ada admin", "May do everything"},
    {"users role eve disabled", "Lock somebody out"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    ag_str name = ag_str_of(ag_option_text(invocation, "NAME"));
    size_t role = ag_option_choice(invocation, "ROLE");
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_user_set_disabled(ledger, &actor, name, role == ROLE_DISABLED, err);
    if (rc >= 0 && role != ROLE_DISABLED) rc = ag_user_set_admin(ledger, &actor, name, role == ROLE_ADMIN, err);
    if (rc >= 0) ag_note(invocation, "%.*s is now %s", AG_STR_ARG(name), roles[role]);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_users_role = {
    .path = "users role",
    .summary = "Make a user an admin, an ordinary user, or lock them out",
    .doc =
        "An admin may do everything. An ordinary user may do what permissions say. A disabled one can neither log in "
        "nor use a token. The last admin stays one.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
