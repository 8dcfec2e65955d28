// SPDX-License-Identifier: Apache-2.0
/* users_token_create.c: a token for a program. */
#include "app/cli/ledger.h"
#include "core/sys/clock.h"
#include "ledger/user.h"

static const ag_option options[] = {
    {.name = "label", .letter = 'l', .type = AG_OPTION_TEXT, .fallback = "command line", .doc = "what it is for"},
    {.name = "expires",
     .type = AG_OPTION_DURATION,
     .min = 1,
     .max = 3153600000.0,
     .doc = "how long it is good for, like 90d; without it, for ever"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {{.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Whose"}};
static const ag_example examples[] = {
    {"users token create robot --label nightly --expires 90d", "A token for three months"}, {NULL, NULL}};

static void write_token(ag_json *json, const void *token)
{
    ag_json_text(json, token);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    const char *token = NULL;
    int64_t lasts = ag_option_duration(invocation, "expires");
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) {
        rc = ag_token_create(ledger, &actor, ag_str_of(ag_option_text(invocation, "NAME")),
                             ag_str_of(ag_option_text(invocation, "label")), lasts ? ag_now() + lasts : 0,
                             invocation->arena, &token, err);
    }
    if (rc >= 0 && ag_wants_json(invocation)) {
        rc = ag_cli_print_thing(invocation, "token", write_token, token, err);
    } else if (rc >= 0) {
        ag_print(invocation, "%s\n", token);
        ag_note(invocation, "this is the only time it is shown; clients put it into MLFLOW_TRACKING_TOKEN");
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_users_token_create = {
    .path = "users token create",
    .summary = "Make a token for a user",
    .doc = "Makes a token and prints it, this one time: only its hash is kept. A client sends it as a bearer token.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
