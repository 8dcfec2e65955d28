// SPDX-License-Identifier: Apache-2.0
/* models_stage.c: a version moves to another stage. */
#include "app/cli/ledger.h"

static const char *const stages[] = {"none", "staging", "production", "archived", NULL};
static const ag_option options[] = {
    {.name = "archive-others",
     .type = AG_OPTION_FLAG,
     .doc = "move what is in that stage now to Archived; for Staging and Production"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "VERSION", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME/3 or NAME@ALIAS"},
    {.name = "STAGE", .type = AG_OPTION_CHOICE, .required = true, .choices = stages, .doc = "Where it goes"},
};
static const ag_example examples[] = {
    {"models stage depth/3 production --archive-others", "Version 3 takes over"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    ag_version version;
    ag_stage stage = (ag_stage)ag_option_choice(invocation, "STAGE");
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_version(invocation, ledger, ag_option_text(invocation, "VERSION"), &version, err);
    if (rc >= 0) {
        rc = ag_version_stage(ledger, &actor, ag_str_of(version.model), version.number, stage,
                              ag_option_flag(invocation, "archive-others"), invocation->arena, &version, err);
    }
    if (rc >= 0) {
        ag_note(invocation, "%s/%lld is now in %s", version.model, (long long)version.number,
                ag_stage_name(version.stage));
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_models_stage = {
    .path = "models stage",
    .summary = "Move a version of a model to another stage",
    .doc = "Moves a version to the stage None, Staging, Production or Archived. Aliases do the same job with names of "
           "your own: see 'auger models alias'.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
