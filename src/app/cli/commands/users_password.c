// SPDX-License-Identifier: Apache-2.0
/* users_password.c: a new password. */
#include "app/cli/ledger.h"
#include "app/cli/people.h"
#include "core/base/mem.h"

static const ag_option options[] = {AG_OPTION_OF_PASSWORD, AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {{.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Whose"}};
static const ag_example examples[] = {{"users password ada", "Give a new password"}, {NULL, NULL}};

static int run(ag_invocation *invocation, ag_err *err)
{
    char password[AG_CLI_PASSWORD] = "";
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    ag_str name = ag_str_of(ag_option_text(invocation, "NAME"));
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_password(invocation, password, err);
    if (rc >= 0) rc = ag_user_set_password(ledger, &actor, name, ag_str_of(password), err);
    if (rc >= 0) ag_note(invocation, "%.*s has a new password", AG_STR_ARG(name));
    ag_wipe(password, sizeof(password));
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_users_password = {
    .path = "users password",
    .summary = "Give a user a new password",
    .doc = "Gives a user a new password, asked for at the terminal or read from a file. A server that runs takes it at "
           "the next login.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
