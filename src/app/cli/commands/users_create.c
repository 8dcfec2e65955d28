// SPDX-License-Identifier: Apache-2.0
/* users_create.c: a new user. */
#include "app/cli/ledger.h"
#include "app/cli/people.h"
#include "core/base/mem.h"

static const ag_option options[] = {
    {.name = "admin", .type = AG_OPTION_FLAG, .doc = "may do everything"},
    {.name = "no-password", .type = AG_OPTION_FLAG, .doc = "can log in with tokens only"},
    AG_OPTION_OF_PASSWORD,
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {{.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Its name"}};
static const ag_example examples[] = {
    {"users create ada", "Make a user; the password is asked for"},
    {"users create robot --no-password", "A program, which will use a token"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    char password[AG_CLI_PASSWORD] = "";
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    ag_user user;
    bool wanted = !ag_option_flag(invocation, "no-password");
    int rc = ag_cli_open_ledger(invocation, true, &ledger, err);
    if (rc >= 0 && wanted) rc = ag_cli_password(invocation, password, err);
    if (rc >= 0) {
        rc = ag_user_create(ledger, &actor, ag_str_of(ag_option_text(invocation, "NAME")), ag_str_of(password),
                            ag_option_flag(invocation, "admin"), invocation->arena, &user, err);
    }
    if (rc >= 0) ag_note(invocation, "created %s %s", user.admin ? "admin" : "user", user.name);
    ag_wipe(password, sizeof(password));
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_users_create = {
    .path = "users create",
    .summary = "Make a user",
    .doc = "Makes a user. The password is asked for at the terminal or read from a file, never from the command line, "
           "where others could see it. Passwords have at least 12 characters and are kept as argon2id hashes.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
