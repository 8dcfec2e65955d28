// SPDX-License-Identifier: Apache-2.0
/* users_permissions_list.c: the roles that were given. */
#include "app/cli/ledger.h"
#include "app/cli/people.h"

static const ag_option options[] = {AG_OPTION_OF_CSV, AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {{.name = "NAME", .type = AG_OPTION_TEXT, .doc = "Whose; without it, all"}};
static const ag_example examples[] = {{"users permissions list ada", "What a user may do"}, {NULL, NULL}};

static void write_permission(ag_json *json, const void *thing)
{
    const ag_permission *one = thing;
    ag_json_begin_object(json);
    ag_json_put_text(json, "username", one->user);
    ag_json_put_text(json, "kind", ag_cli_resource_name(one->kind));
    ag_json_put_text(json, "id", one->id);
    ag_json_put_text(json, "role", ag_role_name(one->role));
    ag_json_end_object(json);
}

/* Of all three kinds, in one vector. */
static int collect(ag_invocation *invocation, ag_ledger *ledger, ag_vec *out, ag_err *err)
{
    const char *name = ag_option_text(invocation, "NAME");
    ag_user user;
    int rc = name ? ag_user_get(ledger, ag_str_of(name), invocation->arena, &user, err) : AG_OK;
    for (int kind = AG_RESOURCE_EXPERIMENT; kind <= AG_RESOURCE_PROJECT && rc >= 0; kind++) {
        const ag_permission *found = NULL;
        size_t count = 0;
        rc = ag_permission_list(ledger, ag_str_of(name ? name : ""), (ag_resource)kind, AG_STR(""), invocation->arena,
                                &found, &count, err);
        for (size_t i = 0; i < count && rc >= 0; i++) rc = ag_vec_push(out, &found[i], err);
    }
    return rc;
}

static int print_table(ag_invocation *invocation, const ag_vec *found, ag_err *err)
{
    static const ag_column columns[] = {{"user", AG_ALIGN_LEFT, 0, 8},
                                        {"kind", AG_ALIGN_LEFT, 0, 0},
                                        {"what", AG_ALIGN_LEFT, 0, 8},
                                        {"role", AG_ALIGN_LEFT, 0, 0}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    const char **cells = ag_arena_array(invocation->arena, found->count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, found->count);
    for (size_t i = 0; i < found->count; i++) {
        const ag_permission *one = ag_vec_at(found, i);
        const char *row[] = {one->user, ag_cli_resource_name(one->kind), one->id, ag_role_name(one->role)};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, found->count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_vec found;
    ag_vec_init(&found, sizeof(ag_permission));
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = collect(invocation, ledger, &found, err);
    if (rc >= 0) {
        rc = ag_wants_json(invocation) ? ag_cli_print_things(invocation, "permissions", write_permission, found.items,
                                                             sizeof(ag_permission), found.count, err)
                                       : print_table(invocation, &found, err);
    }
    ag_vec_deinit(&found);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_users_permissions_list = {
    .path = "users permissions list",
    .summary = "List the roles that users were given",
    .doc = "Lists the roles on experiments, models and projects that were given by hand or to whoever made the thing.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
