// SPDX-License-Identifier: Apache-2.0
/* models_delete.c: models and versions go for good. */
#include "app/cli/ledger.h"

static const ag_option options[] = {
    {.name = "with-versions", .type = AG_OPTION_FLAG, .doc = "delete a model although it has versions"},
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "MODEL",
     .type = AG_OPTION_TEXT,
     .required = true,
     .repeated = true,
     .doc = "NAME/3 for a version, NAME for a whole model"},
};
static const ag_example examples[] = {
    {"models delete depth/2", "Delete a version"},
    {"models delete --with-versions depth", "Delete a model and all its versions"},
    {NULL, NULL},
};

static int delete_version(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_err *err)
{
    ag_version version;
    ag_actor actor = ag_cli_actor();
    int rc = ag_cli_version(invocation, ledger, text, &version, err);
    if (rc >= 0) rc = ag_version_delete(ledger, &actor, ag_str_of(version.model), version.number, err);
    if (rc >= 0) ag_note(invocation, "deleted %s/%lld", version.model, (long long)version.number);
    return rc;
}

static int delete_model(ag_invocation *invocation, ag_ledger *ledger, const char *name, ag_err *err)
{
    ag_registered_model model;
    ag_actor actor = ag_cli_actor();
    int rc = ag_model_get(ledger, ag_str_of(name), invocation->arena, &model, err);
    if (rc < 0) return rc;
    if (model.latest_count && !ag_option_flag(invocation, "with-versions")) {
        ag_fail(err, AG_ECONFLICT, "the model '%s' has versions", name);
        return ag_err_hint(err, "they cannot be restored; say --with-versions to delete them too");
    }
    rc = ag_model_delete(ledger, &actor, ag_str_of(name), err);
    if (rc >= 0) ag_note(invocation, "deleted %s", name);
    return rc;
}

static int delete_named(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_err *err)
{
    int rc = strpbrk(text, "@/") ? delete_version(invocation, ledger, text, err)
                                 : delete_model(invocation, ledger, text, err);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    return ag_cli_each(invocation, "MODEL", delete_named, err);
}

const ag_command ag_command_models_delete = {
    .path = "models delete",
    .summary = "Delete versions of models, or models",
    .doc =
        "Deletes versions, or a model with --with-versions if it has some. They do not come back; a version's number "
        "is never given again. The files stay where they are.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
