// SPDX-License-Identifier: Apache-2.0
/* models_compare.c: versions of models side by side. */
#include "app/cli/comparison.h"

static const ag_option options[] = {
    AG_OPTION_OF_COMPARISON,
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "VERSION",
     .type = AG_OPTION_TEXT,
     .required = true,
     .repeated = true,
     .doc = "NAME/3, NAME@ALIAS, or NAME for its newest"},
};
static const ag_example examples[] = {
    {"models compare depth@champion depth/4", "What the challenger does differently"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    size_t count;
    ag_comparison found;
    const ag_option_value *values = ag_option_values(invocation, "VERSION", &count);
    ag_version_id *ids = ag_arena_array(invocation->arena, count + 1, sizeof(*ids));
    if (!ids) return ag_fail_memory(err, count);
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        ag_version version;
        rc = ag_cli_version(invocation, ledger, values[i].text, &version, err);
        if (rc >= 0) ids[i] = (ag_version_id){ag_str_of(version.model), version.number};
    }
    if (rc >= 0) rc = ag_compare_versions(ledger, ids, count, invocation->arena, &found, err);
    if (rc >= 0) rc = ag_cli_print_comparison(invocation, "versions", &found, err);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_models_compare = {
    .path = "models compare",
    .summary = "Show versions of models side by side",
    .doc = "Shows facts, parameters, metrics and tags of versions side by side: what differs, or with --all "
           "everything. Parameters and metrics are those of the run or logged model that a version came from.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
