// SPDX-License-Identifier: Apache-2.0
/* users_token_revoke.c: a token is good no longer. */
#include "app/cli/ledger.h"
#include "ledger/user.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Whose"},
    {.name = "TOKEN", .type = AG_OPTION_INT, .required = true, .doc = "Its number, from 'auger users token list'"},
};
static const ag_example examples[] = {{"users token revoke robot 3", "Take token 3 away"}, {NULL, NULL}};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    int64_t id = ag_option_int(invocation, "TOKEN");
    const char *name = ag_option_text(invocation, "NAME");
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_token_revoke(ledger, &actor, ag_str_of(name), id, err);
    if (rc >= 0) ag_note(invocation, "token %lld of %s is good no longer", (long long)id, name);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_users_token_revoke = {
    .path = "users token revoke",
    .summary = "Revoke a token of a user",
    .doc =
        "Takes a token away. A server that runs refuses it from then on, at the latest after the short time for which "
        "it remembers who has logged in.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
