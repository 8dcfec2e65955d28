// SPDX-License-Identifier: Apache-2.0
/* models_alias.c: a name that points at a version. */
#include "app/cli/ledger.h"

static const ag_option options[] = {
    {.name = "remove", .type = AG_OPTION_FLAG, .doc = "take the alias away instead; VERSION is then the model's name"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "VERSION", .type = AG_OPTION_TEXT, .required = true, .doc = "NAME/3, or NAME@OTHER for another alias's"},
    {.name = "ALIAS", .type = AG_OPTION_TEXT, .required = true, .doc = "The alias"},
};
static const ag_example examples[] = {
    {"models alias depth/3 champion", "From now on depth@champion is version 3"},
    {"models alias --remove depth champion", "Take it away"},
    {NULL, NULL},
};

static int point(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_str alias, ag_err *err)
{
    ag_version version;
    ag_actor actor = ag_cli_actor();
    int rc = ag_cli_version(invocation, ledger, text, &version, err);
    if (rc >= 0) rc = ag_alias_set(ledger, &actor, ag_str_of(version.model), alias, version.number, err);
    if (rc >= 0) {
        ag_note(invocation, "%s@%.*s is now version %lld", version.model, AG_STR_ARG(alias), (long long)version.number);
    }
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_actor actor = ag_cli_actor();
    const char *text = ag_option_text(invocation, "VERSION");
    ag_str alias = ag_str_of(ag_option_text(invocation, "ALIAS"));
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) {
        rc = ag_option_flag(invocation, "remove") ? ag_alias_delete(ledger, &actor, ag_str_of(text), alias, err)
                                                  : point(invocation, ledger, text, alias, err);
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_models_alias = {
    .path = "models alias",
    .summary = "Point an alias at a version of a model",
    .doc = "Points an alias at a version. An alias names one version of its model at a time; programs that load "
           "models:/NAME@ALIAS get the new version from then on.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
