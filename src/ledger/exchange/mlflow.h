// SPDX-License-Identifier: Apache-2.0
#pragma once
/* mlflow.h: from an MLflow tracking store into the ledger: experiments, runs with whole histories, parameters, tags,
 * data sets, artifacts, logged models and the registry. Versions 2.x and 3.x, databases and directories. The source is
 * only read. Doing it again adds what is new; one that was killed is taken up by doing it again. */
#include "ledger/exchange/intake.h"

typedef struct ag_mlflow_source { /* what was found at the address */
    const char *kind;             /* "database", "directory" */
    const char *schema;           /* the database's revision; NULL */
} ag_mlflow_source;

/* `address`: "sqlite:///FILE" as MLflow reads it (three slashes: relative), a plain path, "postgresql://..." with or
 * without "+driver", or a directory of the file store ("mlruns"). `source` (may be NULL) lives in the arena. */
int ag_mlflow_import(ag_ledger *ledger, const ag_actor *actor, const char *address, const ag_intake_options *options,
                     ag_arena *arena, ag_mlflow_source *source, ag_intake_result *out, ag_err *err);

/* ---- private to the folder ---- */
int ag_mlflow_import_database(ag_intake *intake, const char *url, ag_arena *arena, ag_mlflow_source *source,
                              ag_err *err);
int ag_mlflow_import_directory(ag_intake *intake, const char *path, ag_err *err);
/* After all rows: histories that did not come over whole are told. */
ag_stage ag_mlflow_stage(ag_str name, bool *deleted);
/* "models:/m-..." names the logged model that a version came from; NULL when it does not. */
const char *ag_mlflow_model_of(ag_arena *arena, const char *source);
