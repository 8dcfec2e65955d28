// SPDX-License-Identifier: Apache-2.0
/* export_tensorboard.c: histories as TensorBoard's event files. */
#include "app/cli/export.h"

static const ag_option options[] = {AG_OPTIONS_OF_EXPORT};
static const ag_option positionals[] = {AG_POSITIONAL_OF_EXPORT};
static const ag_example examples[] = {
    {"export tensorboard logs --experiment drilling", "Then: tensorboard --logdir logs"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    return ag_cli_export(invocation, ag_export_tensorboard, NULL, err);
}

const ag_command ag_command_export_tensorboard = {
    .path = "export tensorboard",
    .summary = "Write histories as event files that TensorBoard opens",
    .doc =
        "Writes one event file per run: every point of every metric as a scalar, and parameters for the hparams view. "
        "Runs lie in DIR/EXPERIMENT/NAME-ID. TensorBoard keeps scalars as 32-bit floats. Artifacts are no part of "
        "it.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
