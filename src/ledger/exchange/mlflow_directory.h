// SPDX-License-Identifier: Apache-2.0
#pragma once
/* mlflow_directory.h: what the files that read MLflow's file store share. */
#include "ledger/exchange/mlruns.h"

typedef struct ag_mlflow_dir {
    ag_intake *intake;
    const char *root;
    ag_arena *arena; /* of one thing; reset often */
} ag_mlflow_dir;

/* A meta.yaml below `path`. 1 read, 0 there is none or it was skipped (and told). */
int ag_mlflow_read_meta(ag_mlflow_dir *d, const char *path, const ag_value **out, ag_err *err);
/* Every file below path/folder: its relative path is the key, its content the value. Keys that cannot be kept are told.
 */
int ag_mlflow_read_pairs(ag_mlflow_dir *d, const char *path, const char *folder, const char *what, ag_pairs *out,
                         ag_err *err);
/* Names of the directories in a directory; none when it is absent. In the arena given. */
int ag_mlflow_folders(const char *path, ag_arena *arena, ag_vec *names, ag_err *err);

int ag_mlflow_directory_runs(ag_mlflow_dir *d, const char *experiment, ag_err *err);   /* mlflow_files.c */
int ag_mlflow_directory_models(ag_mlflow_dir *d, const char *experiment, ag_err *err); /* mlflow_file_models.c */
int ag_mlflow_directory_histories(ag_mlflow_dir *d, const char *experiment, ag_err *err);
int ag_mlflow_directory_registry(ag_mlflow_dir *d, ag_err *err);
