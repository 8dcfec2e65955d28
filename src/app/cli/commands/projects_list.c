// SPDX-License-Identifier: Apache-2.0
/* projects_list.c: the projects of a ledger with what lies in them. */
#include "app/cli/ledger.h"
#include "app/cli/people.h"

static const ag_option options[] = {AG_OPTION_OF_CSV, AG_OPTION_OF_DATABASE};
static const ag_example examples[] = {
    {"projects list", "Names, and how much lies in each"}, {"projects list --json", "What lies in each"}, {NULL, NULL}};

typedef struct project {
    const char *name;
    const ag_project_member *members;
    size_t member_count, experiments, models;
} project;

static int read_projects(ag_invocation *invocation, ag_ledger *ledger, project **out, size_t *count, ag_err *err)
{
    const char *const *names;
    int rc = ag_project_list(ledger, invocation->arena, &names, count, err);
    if (rc < 0) return rc;
    project *all = ag_arena_array(invocation->arena, *count + 1, sizeof(*all));
    if (!all) return ag_fail_memory(err, *count);
    for (size_t i = 0; i < *count; i++) {
        project *one = &all[i];
        *one = (project){.name = names[i]};
        rc =
            ag_project_members(ledger, ag_str_of(one->name), invocation->arena, &one->members, &one->member_count, err);
        if (rc < 0) return rc;
        for (size_t m = 0; m < one->member_count; m++) {
            if (one->members[m].kind == AG_RESOURCE_MODEL)
                one->models++;
            else
                one->experiments++;
        }
    }
    *out = all;
    return AG_OK;
}

static void write_members(ag_json *json, const project *one, const char *name, ag_resource kind)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < one->member_count; i++) {
        if (one->members[i].kind == kind) ag_json_text(json, one->members[i].id);
    }
    ag_json_end_array(json);
}

static void write_project(ag_json *json, const void *thing)
{
    const project *one = thing;
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", one->name);
    write_members(json, one, "experiments", AG_RESOURCE_EXPERIMENT);
    write_members(json, one, "models", AG_RESOURCE_MODEL);
    ag_json_end_object(json);
}

static int print_table(ag_invocation *invocation, const project *all, size_t count, ag_err *err)
{
    static const ag_column columns[] = {
        {"name", AG_ALIGN_LEFT, 0, 8}, {"experiments", AG_ALIGN_RIGHT, 0, 0}, {"models", AG_ALIGN_RIGHT, 0, 0}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    const char **cells = ag_arena_array(invocation->arena, count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, count);
    for (size_t i = 0; i < count; i++) {
        const char **row = cells + i * COLUMNS;
        row[0] = all[i].name;
        row[1] = ag_arena_printf(invocation->arena, "%zu", all[i].experiments);
        row[2] = ag_arena_printf(invocation->arena, "%zu", all[i].models);
        if (!row[1] || !row[2]) return ag_fail_memory(err, count);
    }
    ag_cli_list list = {columns, COLUMNS, cells, count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    project *all = NULL;
    size_t count = 0;
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = read_projects(invocation, ledger, &all, &count, err);
    if (rc >= 0) {
        rc = ag_wants_json(invocation)
                 ? ag_cli_print_things(invocation, "projects", write_project, all, sizeof(*all), count, err)
                 : print_table(invocation, all, count, err);
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_projects_list = {
    .path = "projects list",
    .summary = "List projects",
    .doc = "Lists the folders of experiments and models that permissions can be given on, with how much lies in each.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
