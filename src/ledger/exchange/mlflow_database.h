// SPDX-License-Identifier: Apache-2.0
#pragma once
/* mlflow_database.h: what the files that read MLflow's database share. */
#include "ledger/exchange/mlflow.h"
#include "ledger/ledger_private.h"
#include "ledger/statement.h"

typedef struct ag_mlflow_db {
    ag_intake *intake;
    ag_db *db;
    ag_tx *tx; /* one moment of the source */
    ag_arena *arena;
    const char *workspace;        /* the condition that leaves other workspaces out */
    bool inputs, logged, aliases; /* which tables there are */
    ag_mark marks[8];
    size_t mark_count;
} ag_mlflow_db;

/* The statement with the schema's marks, and its rows. */
int ag_mlflow_query(ag_mlflow_db *m, const ag_sql *sql, const ag_cell *binds, size_t count, ag_rows **out, ag_err *err);
/* Columns `column` and the next as pairs appended to `into` (of ag_pair). */
int ag_mlflow_take_pair(ag_rows *rows, size_t column, ag_arena *arena, ag_vec *into, ag_err *err);
/* Milliseconds of theirs in our microseconds; null is 0. */
int64_t ag_mlflow_time(const ag_rows *rows, size_t column);

int ag_mlflow_database_runs(ag_mlflow_db *m, ag_err *err);   /* mlflow_runs.c */
int ag_mlflow_database_points(ag_mlflow_db *m, ag_err *err); /* mlflow_points.c */
int ag_mlflow_database_models(ag_mlflow_db *m, ag_err *err); /* mlflow_models.c: logged models and edges */
int ag_mlflow_database_registry(ag_mlflow_db *m, ag_err *err);
