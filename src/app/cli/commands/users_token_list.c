// SPDX-License-Identifier: Apache-2.0
/* users_token_list.c: the tokens of a user, without their secrets. */
#include "app/cli/ledger.h"
#include "ledger/user.h"

static const ag_option options[] = {AG_OPTION_OF_CSV, AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {{.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Whose"}};
static const ag_example examples[] = {{"users token list robot", "Which tokens there are"}, {NULL, NULL}};

static void write_token(ag_json *json, const void *thing)
{
    const ag_token *token = thing;
    ag_json_begin_object(json);
    ag_json_put_int(json, "id", token->id);
    ag_json_put_text(json, "label", token->label);
    ag_json_put_int(json, "created_at", token->created_at);
    ag_json_put_int(json, "expires_at", token->expires_at);
    ag_json_end_object(json);
}

static int print_table(ag_invocation *invocation, const ag_token *tokens, size_t count, ag_err *err)
{
    static const ag_column columns[] = {{"id", AG_ALIGN_RIGHT, 0, 0},
                                        {"label", AG_ALIGN_LEFT, 0, 8},
                                        {"created", AG_ALIGN_LEFT, 1, 0},
                                        {"expires", AG_ALIGN_LEFT, 0, 0}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    ag_arena *arena = invocation->arena;
    const char **cells = ag_arena_array(arena, count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, count);
    for (size_t i = 0; i < count; i++) {
        const char *row[] = {ag_arena_printf(arena, "%lld", (long long)tokens[i].id), tokens[i].label,
                             ag_cli_time(arena, tokens[i].created_at),
                             tokens[i].expires_at ? ag_cli_time(arena, tokens[i].expires_at) : "never"};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    const ag_token *tokens = NULL;
    size_t count = 0;
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) {
        rc = ag_token_list(ledger, ag_str_of(ag_option_text(invocation, "NAME")), invocation->arena, &tokens, &count,
                           err);
    }
    if (rc >= 0) {
        rc = ag_wants_json(invocation)
                 ? ag_cli_print_things(invocation, "tokens", write_token, tokens, sizeof(*tokens), count, err)
                 : print_table(invocation, tokens, count, err);
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_users_token_list = {
    .path = "users token list",
    .summary = "List the tokens of a user",
    .doc = "Lists a user's tokens by number and label. The tokens themselves are shown nowhere.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
