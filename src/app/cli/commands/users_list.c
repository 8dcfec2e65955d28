// SPDX-License-Identifier: Apache-2.0
/* users_list.c: the users of a ledger. */
#include "app/cli/ledger.h"
#include "ledger/user.h"

static const ag_option options[] = {AG_OPTION_OF_CSV, AG_OPTION_OF_DATABASE};
static const ag_example examples[] = {{"users list", "Who may use the server"}, {NULL, NULL}};

static void write_user(ag_json *json, const void *thing)
{
    const ag_user *user = thing;
    ag_json_begin_object(json);
    ag_json_put_int(json, "id", user->id);
    ag_json_put_text(json, "username", user->name);
    ag_json_put_bool(json, "is_admin", user->admin);
    ag_json_put_bool(json, "disabled", user->disabled);
    ag_json_end_object(json);
}

static int print_table(ag_invocation *invocation, const ag_user *users, size_t count, ag_err *err)
{
    static const ag_column columns[] = {
        {"name", AG_ALIGN_LEFT, 0, 8}, {"role", AG_ALIGN_LEFT, 0, 0}, {"created", AG_ALIGN_LEFT, 1, 0}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    const char **cells = ag_arena_array(invocation->arena, count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, count);
    for (size_t i = 0; i < count; i++) {
        const char *role = users[i].disabled ? "disabled" : users[i].admin ? "admin" : "user";
        const char *row[] = {users[i].name, role, ag_cli_time(invocation->arena, users[i].created_at)};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    const ag_user *users = NULL;
    size_t count = 0;
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_user_list(ledger, invocation->arena, &users, &count, err);
    if (rc >= 0) {
        rc = ag_wants_json(invocation)
                 ? ag_cli_print_things(invocation, "users", write_user, users, sizeof(*users), count, err)
                 : print_table(invocation, users, count, err);
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_users_list = {
    .path = "users list",
    .summary = "List users",
    .doc = "Lists the people and programs that may log in to a server on this ledger.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
