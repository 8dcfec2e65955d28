// SPDX-License-Identifier: Apache-2.0
/* export_mlflow.c: the ledger as a directory of MLflow's. */
#include "app/cli/export.h"

static const ag_option options[] = {AG_OPTIONS_OF_EXPORT};
static const ag_option positionals[] = {AG_POSITIONAL_OF_EXPORT};
static const ag_example examples[] = {
    {"export mlflow mlruns", "Everything, as MLflow's file store"},
    {"export mlflow best --experiment drilling --filter \"metrics.loss < 0.1\"", "Some runs"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    return ag_cli_export(invocation, ag_export_mlflow, NULL, err);
}

const ag_command ag_command_export_mlflow = {
    .path = "export mlflow",
    .summary = "Write the ledger as a directory that MLflow reads",
    .doc =
        "Writes experiments, runs with whole histories, parameters, tags, data sets, artifacts, logged models and the "
        "registry as MLflow's file store. MLflow 2 opens it as it is (mlflow ui --backend-store-uri DIR); newer ones "
        "want MLFLOW_ALLOW_FILE_STORE=true, or turn it into a database with 'mlflow migrate-filestore'. 'auger "
        "import mlflow --from DIR' reads it back.\n"
        "\n"
        "A key that is also the name of a folder of keys ('a' beside 'a/b') cannot be a file; it is told and left "
        "out.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
