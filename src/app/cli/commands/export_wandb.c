// SPDX-License-Identifier: Apache-2.0
/* export_wandb.c: runs as W&B's offline runs. */
#include "app/cli/export.h"

static const ag_option options[] = {
    {.name = "project",
     .letter = 'p',
     .type = AG_OPTION_TEXT,
     .doc = "the W&B project; without it, the experiment's name"},
    AG_OPTIONS_OF_EXPORT,
};
static const ag_option positionals[] = {AG_POSITIONAL_OF_EXPORT};
static const ag_example examples[] = {
    {"export wandb offline --experiment drilling", "Then: wandb sync offline/offline-run-*"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    return ag_cli_export(invocation, ag_export_wandb, ag_option_text(invocation, "project"), err);
}

const ag_command ag_command_export_wandb = {
    .path = "export wandb",
    .summary = "Write runs as offline runs that 'wandb sync' takes",
    .doc =
        "Writes a directory per run, as W&B's client leaves it when it is offline: configuration, history, summary and "
        "the artifacts as files. Nothing is sent anywhere; 'wandb sync' does that. W&B's own step only grows, so the "
        "step that was logged stands beside it as the metric 'step'.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
