// SPDX-License-Identifier: Apache-2.0
/* projects_create.c: a new folder of experiments and models. */
#include "app/cli/ledger.h"
#include "ledger/user.h"

static const ag_option options[] = {AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {{.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "Its name"}};
static const ag_example examples[] = {{"projects create wing", "Make a project"}, {NULL, NULL}};

static void write_project(ag_json *json, const void *thing)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", thing);
    ag_json_end_object(json);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    const char *name = ag_option_text(invocation, "NAME");
    int rc = ag_cli_open_ledger(invocation, true, &ledger, err);
    if (rc >= 0) rc = ag_project_create(ledger, &actor, ag_str_of(name), err);
    ag_ledger_close(ledger);
    if (rc < 0) return rc;
    if (ag_wants_json(invocation)) return ag_cli_print_thing(invocation, "project", write_project, name, err);
    ag_note(invocation, "created project %s", name);
    return AG_OK;
}

const ag_command ag_command_projects_create = {
    .path = "projects create",
    .summary = "Make a project",
    .doc =
        "Makes a folder of experiments and models. 'auger projects put' fills it, and 'auger users permissions grant "
        "NAME ROLE --project PROJECT' says who may do what with all that lies in it.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
