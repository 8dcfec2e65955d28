// SPDX-License-Identifier: Apache-2.0
/* mlflow_database.c: MLflow's database: what its schema has, and the experiments.
 * The schema changed with nearly every version, so nothing is asked by version number: columns and tables are looked
 * up, and what is not there is left out of the statements. Everything is read in one transaction, at one moment; the
 * database is opened for reading only. */
#include "ledger/exchange/mlflow_database.h"

#include "ledger_sql.h"

int64_t ag_mlflow_time(const ag_rows *rows, size_t column)
{
    int64_t at = ag_rows_int(rows, column);
    return at > INT64_MAX / 1000 || at < 0 ? 0 : at * 1000;
}

int ag_mlflow_take_pair(ag_rows *rows, size_t column, ag_arena *arena, ag_vec *into, ag_err *err)
{
    ag_pair *pair = ag_vec_add(into);
    if (!pair) return ag_fail_memory(err, sizeof(*pair));
    int rc = ag_take_str(rows, column, arena, &pair->key, err);
    if (rc >= 0) rc = ag_take_str(rows, column + 1, arena, &pair->value, err);
    return rc;
}

int ag_mlflow_query(ag_mlflow_db *m, const ag_sql *sql, const ag_cell *binds, size_t count, ag_rows **out, ag_err *err)
{
    ag_sql filled;
    int rc = ag_statement_fill(m->arena, sql, ag_tx_dialect(m->tx), m->marks, m->mark_count, &filled, err);
    return rc < 0 ? rc : ag_tx_query(m->tx, &filled, binds, count, out, err);
}

/* ---- the schema ---- */

static int has(ag_mlflow_db *m, const char *table, const char *column, bool *out, ag_err *err)
{
    int64_t found = 0;
    int rc =
        ag_tx_get_int(m->tx, &AG_SQL_MLFLOW_COLUMN, AG_BINDS(ag_cell_text(table), ag_cell_text(column)), &found, err);
    *out = found > 0;
    return rc;
}

/* `mark` stands for the column, or for nothing. */
static int mark(ag_mlflow_db *m, const char *name, const char *table, const char *column, const char *absent,
                ag_err *err)
{
    bool there;
    int rc = has(m, table, column, &there, err);
    m->marks[m->mark_count++] = (ag_mark){name, there ? column : absent};
    return rc;
}

static int read_schema(ag_mlflow_db *m, ag_err *err)
{
    bool runs, workspace;
    int rc = has(m, "runs", "lifecycle_stage", &runs, err);
    if (rc >= 0 && !runs) {
        ag_fail(err, AG_EUNSUPPORTED, "this is not the database of an MLflow server, or one of before 1.0");
        return ag_err_hint(err, "an old one is brought up to date with 'mlflow db upgrade'");
    }
    if (rc >= 0) rc = has(m, "experiments", "workspace", &workspace, err);
    if (rc >= 0) rc = has(m, "datasets", "dataset_uuid", &m->inputs, err);
    if (rc >= 0) rc = has(m, "logged_models", "model_id", &m->logged, err);
    if (rc >= 0) rc = has(m, "registered_model_aliases", "alias", &m->aliases, err);
    if (rc < 0) return rc;
    m->workspace = workspace ? "workspace = 'default'" : "1 = 1";
    m->marks[m->mark_count++] = (ag_mark){"/*workspace*/", m->workspace};
    if (rc >= 0) rc = mark(m, "/*created*/", "experiments", "creation_time", "NULL", err);
    if (rc >= 0) rc = mark(m, "/*updated*/", "experiments", "last_update_time", "NULL", err);
    if (rc >= 0) rc = mark(m, "/*deleted*/", "runs", "deleted_time", "NULL", err);
    if (rc >= 0) rc = mark(m, "/*storage*/", "model_versions", "storage_location", "NULL", err);
    if (rc >= 0) rc = mark(m, "/*step*/", "inputs", "step", "0", err);
    return rc;
}

static int read_revision(ag_mlflow_db *m, ag_arena *arena, ag_mlflow_source *source, ag_err *err)
{
    bool there;
    ag_rows *rows = NULL;
    int rc = has(m, "alembic_version", "version_num", &there, err);
    source->kind = "database";
    if (rc < 0 || !there) return rc;
    rc = ag_tx_query(m->tx, &AG_SQL_MLFLOW_SCHEMA, AG_NO_BINDS, &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0) rc = ag_take_text(rows, 0, arena, &source->schema, err);
    ag_rows_free(rows);
    return rc;
}

static int count_rows(ag_mlflow_db *m, const char *table, int64_t *out, ag_err *err)
{
    ag_sql filled;
    ag_mark name = {"/*table*/", table};
    int rc = ag_statement_fill(m->arena, &AG_SQL_MLFLOW_COUNT, ag_tx_dialect(m->tx), &name, 1, &filled, err);
    return rc < 0 ? rc : ag_tx_get_int(m->tx, &filled, AG_NO_BINDS, out, err);
}

/* What the ledger has no room for, told with its number. */
static int tell_left_out(ag_mlflow_db *m, ag_err *err)
{
    static const struct {
        const char *table, *column, *what;
    } others[] = {
        {"trace_info", "request_id", "traces"},
        {"assessments", "assessment_id", "assessments of traces"},
        {"evaluation_datasets", "dataset_id", "evaluation data sets"},
        {"webhooks", "webhook_id", "webhooks"},
        {"scorers", "scorer_id", "scorers"},
        {"users", "username", "users of MLflow's basic authentication"},
    };
    int rc = AG_OK;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && rc >= 0; i++) {
        bool there;
        int64_t number = 0;
        rc = has(m, others[i].table, others[i].column, &there, err);
        if (rc >= 0 && there) rc = count_rows(m, others[i].table, &number, err);
        if (rc >= 0 && number) {
            ag_intake_skip(m->intake, others[i].what, "%lld of them are not taken over", (long long)number);
        }
    }
    return rc;
}

static int count_all(ag_mlflow_db *m, ag_err *err)
{
    int64_t runs = 0, points = 0;
    int rc = count_rows(m, "runs", &runs, err);
    if (rc >= 0) rc = count_rows(m, "metrics", &points, err);
    if (rc >= 0) ag_progress_total(m->intake->options.progress, (uint64_t)(runs + points));
    return rc;
}

/* ---- experiments ---- */

static int read_tags(ag_mlflow_db *m, int64_t experiment, ag_vec *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_mlflow_query(m, &AG_SQL_MLFLOW_EXPERIMENT_TAGS, AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        if (ag_rows_int(rows, 0) == experiment) rc = ag_mlflow_take_pair(rows, 1, m->arena, out, err);
    }
    ag_rows_free(rows);
    return rc;
}

static int take_experiment(ag_rows *rows, ag_arena *arena, ag_experiment *out, ag_err *err)
{
    *out = (ag_experiment){.created_at = ag_mlflow_time(rows, 4), .updated_at = ag_mlflow_time(rows, 5)};
    out->deleted = ag_str_is(ag_rows_text(rows, 3), "deleted");
    out->id = ag_arena_printf(arena, "%lld", (long long)ag_rows_int(rows, 0));
    int rc = out->id ? ag_take_text(rows, 1, arena, &out->name, err) : ag_fail_memory(err, 24);
    return rc < 0 ? rc : ag_take_text(rows, 2, arena, &out->artifact_location, err);
}

static int take_experiments(ag_mlflow_db *m, ag_err *err)
{
    ag_rows *rows = NULL;
    ag_vec found, tags;
    ag_vec_init(&found, sizeof(ag_experiment));
    int rc = ag_mlflow_query(m, &AG_SQL_MLFLOW_EXPERIMENTS, AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_experiment *one = ag_vec_add(&found);
        rc = one ? take_experiment(rows, m->arena, one, err) : ag_fail_memory(err, sizeof(*one));
    }
    ag_rows_free(rows);
    for (size_t i = 0; i < found.count && rc >= 0; i++) {
        ag_experiment *one = ag_vec_at(&found, i);
        int64_t id = 0;
        ag_vec_init(&tags, sizeof(ag_pair));
        ag_str_to_int(ag_str_of(one->id), &id);
        rc = read_tags(m, id, &tags, err);
        one->tags = (ag_pairs){tags.items, tags.count};
        if (rc >= 0) rc = ag_intake_experiment(m->intake, one, err);
        ag_vec_deinit(&tags);
    }
    ag_vec_deinit(&found);
    return rc;
}

int ag_mlflow_import_database(ag_intake *intake, const char *url, ag_arena *arena, ag_mlflow_source *source,
                              ag_err *err)
{
    ag_db_options options = {.read_only = true, .must_exist = true, .connections = 2};
    ag_mlflow_db m = {.intake = intake, .arena = ag_arena_new(0)};
    int rc = m.arena ? ag_db_open(url, &options, &m.db, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_db_read_begin(m.db, intake->options.cancel, &m.tx, err);
    if (rc >= 0) rc = read_schema(&m, err);
    if (rc >= 0) rc = read_revision(&m, arena, source, err);
    if (rc >= 0) rc = tell_left_out(&m, err);
    if (rc >= 0) rc = count_all(&m, err);
    if (rc >= 0) rc = take_experiments(&m, err);
    ag_progress_stage(intake->options.progress, "runs");
    if (rc >= 0) rc = ag_mlflow_database_runs(&m, err);
    if (rc >= 0 && m.logged) rc = ag_mlflow_database_models(&m, err);
    ag_progress_stage(intake->options.progress, "histories");
    if (rc >= 0) rc = ag_mlflow_database_points(&m, err);
    if (rc >= 0) rc = ag_mlflow_database_registry(&m, err);
    ag_db_read_end(m.tx);
    ag_db_close(m.db);
    ag_arena_free(m.arena);
    return rc < 0 ? rc : AG_OK;
}
