// SPDX-License-Identifier: Apache-2.0
/* projects_put.c: experiments and models into a project. */
#include "app/cli/ledger.h"
#include "ledger/user.h"

static const ag_option options[] = {
    {.name = "experiment",
     .letter = 'e',
     .type = AG_OPTION_TEXT,
     .repeated = true,
     .doc = "an experiment, by id or name"},
    {.name = "model", .letter = 'm', .type = AG_OPTION_TEXT, .repeated = true, .doc = "a registered model"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .required = true, .doc = "The project"}};
static const ag_example examples[] = {
    {"projects put wing -e drilling -m depth", "An experiment and a model, from wherever they were"}, {NULL, NULL}};

static int put(ag_invocation *invocation, ag_ledger *ledger, ag_resource kind, const char *text, ag_err *err)
{
    ag_actor actor = ag_cli_actor();
    ag_experiment found;
    const char *name = ag_option_text(invocation, "NAME"), *id = text;
    bool is_model = kind == AG_RESOURCE_MODEL;
    int rc = is_model ? AG_OK : ag_cli_experiment(invocation, ledger, text, &found, err);
    if (rc >= 0 && !is_model) id = found.id;
    if (rc >= 0) rc = ag_project_put(ledger, &actor, ag_str_of(name), kind, ag_str_of(id), err);
    if (rc >= 0) ag_note(invocation, "%s %s is now in project %s", is_model ? "model" : "experiment", text, name);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    size_t experiments, models;
    const ag_option_value *experiment = ag_option_values(invocation, "experiment", &experiments),
                          *model = ag_option_values(invocation, "model", &models);
    if (experiments + models == 0) return ag_fail(err, AG_EINVAL, "say what, with --experiment or --model");
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    for (size_t i = 0; i < experiments && rc >= 0; i++)
        rc = put(invocation, ledger, AG_RESOURCE_EXPERIMENT, experiment[i].text, err);
    for (size_t i = 0; i < models && rc >= 0; i++) rc = put(invocation, ledger, AG_RESOURCE_MODEL, model[i].text, err);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_projects_put = {
    .path = "projects put",
    .summary = "Move experiments and models into a project",
    .doc = "Moves them from wherever they were: a thing lies in one project at most.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
