// SPDX-License-Identifier: Apache-2.0
/* runs_compare.c: runs side by side. */
#include "app/cli/comparison.h"
#include "app/cli/notable.h"

static const ag_option options[] = {
    AG_OPTION_OF_COMPARISON,
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    AG_POSITIONAL_OF_RUNS,
};
static const ag_example examples[] = {
    {"runs compare 4f2a91 77b0c4", "What two runs differ in"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "RUN", &count);
    ag_str *ids = ag_arena_array(invocation->arena, count + 1, sizeof(*ids));
    ag_comparison found;
    if (!ids) return ag_fail_memory(err, count);
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    for (size_t i = 0; i < count && rc >= 0; i++) rc = ag_cli_run(invocation, ledger, values[i].text, &ids[i], err);
    if (rc >= 0) rc = ag_compare_runs(ledger, ids, count, invocation->arena, &found, err);
    if (rc >= 0) rc = ag_cli_print_comparison(invocation, "runs", &found, err);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_runs_compare = {
    .path = "runs compare",
    .summary = "Show runs side by side",
    .doc = "Shows facts, parameters, metrics and tags of up to 100 runs side by side: what differs, or with --all "
           "everything. What a run lacks is left empty. Metrics are in the order of what they tell: " AG_NOTABLE_ORDER
           "; those of the machine (system/) only with --all or --json.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
