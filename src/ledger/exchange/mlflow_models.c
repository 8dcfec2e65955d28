// SPDX-License-Identifier: Apache-2.0
/* mlflow_models.c: logged models, their edges to runs, and the registry, from MLflow's database. */
#include <math.h>

#include "ledger/exchange/mlflow_database.h"
#include "ledger_sql.h"

enum { PAGE = 200 };

/* ---- logged models ---- */

typedef struct logged {
    ag_logged_model model;
    bool deleted;
} logged;

static int take_logged(ag_rows *rows, ag_arena *arena, logged *out, ag_err *err)
{
    ag_logged_model *m = &out->model;
    int64_t status = ag_rows_int(rows, 6);
    *out = (logged){.deleted = ag_str_is(ag_rows_text(rows, 7), "deleted")};
    m->created_at = ag_mlflow_time(rows, 4);
    m->updated_at = ag_mlflow_time(rows, 5);
    m->status =
        status >= AG_LOGGED_PENDING && status <= AG_LOGGED_FAILED ? (ag_logged_status)status : AG_LOGGED_PENDING;
    m->experiment_id = ag_arena_printf(arena, "%lld", (long long)ag_rows_int(rows, 1));
    if (!m->experiment_id) return ag_fail_memory(err, 24);
    const struct {
        size_t column;
        const char **into;
    } texts[] = {{0, &m->id},         {2, &m->name},   {3, &m->artifact_uri},
                 {8, &m->model_type}, {9, &m->run_id}, {10, &m->status_message}};
    int rc = AG_OK;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && rc >= 0; i++) {
        rc = ag_take_text(rows, texts[i].column, arena, texts[i].into, err);
    }
    return rc;
}

static int read_pairs(ag_mlflow_db *m, const ag_sql *sql, const char *owner, ag_vec *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_mlflow_query(m, sql, AG_BINDS(ag_cell_text(owner)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) rc = ag_mlflow_take_pair(rows, 1, m->arena, out, err);
    ag_rows_free(rows);
    return rc;
}

static int read_metrics(ag_mlflow_db *m, const char *id, ag_vec *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_mlflow_query(m, &AG_SQL_MLFLOW_LOGGED_MODEL_METRICS, AG_BINDS(ag_cell_text(id)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_metric *one = ag_vec_add(out);
        if (!one) {
            rc = ag_fail_memory(err, sizeof(*one));
            break;
        }
        one->value = ag_rows_is_null(rows, 1) ? (double)NAN : ag_rows_real(rows, 1);
        one->at = ag_mlflow_time(rows, 2);
        one->step = ag_rows_int(rows, 3);
        rc = ag_take_text(rows, 0, m->arena, &one->key, err);
        if (rc >= 0) rc = ag_take_text(rows, 4, m->arena, &one->run_id, err);
        if (rc >= 0) rc = ag_take_text(rows, 5, m->arena, &one->dataset_name, err);
        if (rc >= 0) rc = ag_take_text(rows, 6, m->arena, &one->dataset_digest, err);
    }
    ag_rows_free(rows);
    return rc;
}

static int hand_over(ag_mlflow_db *m, logged *one, ag_err *err)
{
    ag_vec params, tags, metrics;
    ag_vec_init(&params, sizeof(ag_pair));
    ag_vec_init(&tags, sizeof(ag_pair));
    ag_vec_init(&metrics, sizeof(ag_metric));
    int rc = read_pairs(m, &AG_SQL_MLFLOW_LOGGED_MODEL_PARAMS, one->model.id, &params, err);
    if (rc >= 0) rc = read_pairs(m, &AG_SQL_MLFLOW_LOGGED_MODEL_TAGS, one->model.id, &tags, err);
    if (rc >= 0) rc = read_metrics(m, one->model.id, &metrics, err);
    one->model.params = (ag_pairs){params.items, params.count};
    one->model.tags = (ag_pairs){tags.items, tags.count};
    one->model.metrics = metrics.items;
    one->model.metric_count = metrics.count;
    if (rc >= 0) rc = ag_intake_logged_model(m->intake, &one->model, one->deleted, NULL, err);
    ag_vec_deinit(&params);
    ag_vec_deinit(&tags);
    ag_vec_deinit(&metrics);
    return rc;
}

static int take_page(ag_mlflow_db *m, char last[80], size_t *count, ag_err *err)
{
    ag_rows *rows = NULL;
    ag_vec found;
    ag_vec_init(&found, sizeof(logged));
    int rc =
        ag_mlflow_query(m, &AG_SQL_MLFLOW_LOGGED_MODELS, AG_BINDS(ag_cell_text(last), ag_cell_int(PAGE)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        logged *one = ag_vec_add(&found);
        rc = one ? take_logged(rows, m->arena, one, err) : ag_fail_memory(err, sizeof(*one));
    }
    ag_rows_free(rows);
    for (size_t i = 0; i < found.count && rc >= 0; i++) {
        logged *one = ag_vec_at(&found, i);
        ag_format(last, 80, "%s", one->model.id);
        rc = hand_over(m, one, err);
    }
    *count = found.count;
    ag_vec_deinit(&found);
    return rc;
}

static int take_edges(ag_mlflow_db *m, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_mlflow_query(m, &AG_SQL_MLFLOW_EDGES, AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        char id[80];
        ag_format(id, sizeof(id), "%.*s", AG_STR_ARG(ag_rows_text(rows, 1)));
        ag_run_model edge = {id, ag_rows_int(rows, 3)};
        rc = ag_intake_edges(m->intake, ag_rows_text(rows, 0), &edge, 1, ag_rows_int(rows, 2) != 0, err);
    }
    ag_rows_free(rows);
    return rc;
}

int ag_mlflow_database_models(ag_mlflow_db *m, ag_err *err)
{
    char last[80] = "";
    size_t count;
    int rc;
    do {
        rc = take_page(m, last, &count, err);
    } while (rc >= 0 && count == PAGE);
    return rc < 0 ? rc : take_edges(m, err);
}

/* ---- the registry ---- */

typedef struct version_row {
    ag_version version;
    bool deleted;
} version_row;

static int take_version(ag_rows *rows, ag_arena *arena, version_row *out, ag_err *err)
{
    ag_version *v = &out->version;
    *out = (version_row){.version = {.number = ag_rows_int(rows, 1)}};
    v->created_at = ag_mlflow_time(rows, 2);
    v->updated_at = ag_mlflow_time(rows, 3);
    v->stage = ag_mlflow_stage(ag_rows_text(rows, 6), &out->deleted);
    const struct {
        size_t column;
        const char **into;
    } texts[] = {{0, &v->model},  {4, &v->description}, {5, &v->user_id}, {7, &v->source},
                 {8, &v->run_id}, {9, &v->run_link},    {10, &v->storage}};
    int rc = AG_OK;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && rc >= 0; i++) {
        rc = ag_take_text(rows, texts[i].column, arena, texts[i].into, err);
    }
    if (rc >= 0 && !v->source) v->source = "";
    if (rc >= 0) v->model_id = ag_mlflow_model_of(arena, v->source);
    return rc;
}

/* The tags of all versions of a model, each given to its own. */
static int read_version_tags(ag_mlflow_db *m, const char *name, int64_t number, ag_vec *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_mlflow_query(m, &AG_SQL_MLFLOW_VERSION_TAGS, AG_BINDS(ag_cell_text(name)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        if (ag_rows_int(rows, 0) == number) rc = ag_mlflow_take_pair(rows, 1, m->arena, out, err);
    }
    ag_rows_free(rows);
    return rc;
}

static int take_versions(ag_mlflow_db *m, const char *name, ag_err *err)
{
    ag_rows *rows = NULL;
    ag_vec found, tags;
    ag_vec_init(&found, sizeof(version_row));
    int rc = ag_mlflow_query(m, &AG_SQL_MLFLOW_VERSIONS, AG_BINDS(ag_cell_text(name)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        version_row *one = ag_vec_add(&found);
        rc = one ? take_version(rows, m->arena, one, err) : ag_fail_memory(err, sizeof(*one));
    }
    ag_rows_free(rows);
    for (size_t i = 0; i < found.count && rc >= 0; i++) {
        version_row *one = ag_vec_at(&found, i);
        ag_vec_init(&tags, sizeof(ag_pair));
        rc = read_version_tags(m, name, one->version.number, &tags, err);
        one->version.tags = (ag_pairs){tags.items, tags.count};
        if (rc >= 0) rc = ag_intake_version(m->intake, &one->version, one->deleted, err);
        ag_vec_deinit(&tags);
    }
    ag_vec_deinit(&found);
    return rc;
}

static int take_aliases(ag_mlflow_db *m, const char *name, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_mlflow_query(m, &AG_SQL_MLFLOW_ALIASES, AG_BINDS(ag_cell_text(name)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        rc = ag_intake_alias(m->intake, ag_str_of(name), ag_rows_text(rows, 0), ag_rows_int(rows, 1), err);
    }
    ag_rows_free(rows);
    return rc;
}

static int take_model(ag_mlflow_db *m, ag_registered_model *model, ag_err *err)
{
    ag_vec tags;
    ag_vec_init(&tags, sizeof(ag_pair));
    int rc = read_pairs(m, &AG_SQL_MLFLOW_MODEL_TAGS, model->name, &tags, err);
    model->tags = (ag_pairs){tags.items, tags.count};
    if (rc >= 0) rc = ag_intake_model(m->intake, model, err);
    ag_vec_deinit(&tags);
    if (rc >= 0) rc = take_versions(m, model->name, err);
    return rc < 0 || !m->aliases ? rc : take_aliases(m, model->name, err);
}

int ag_mlflow_database_registry(ag_mlflow_db *m, ag_err *err)
{
    ag_rows *rows = NULL;
    ag_vec found;
    ag_vec_init(&found, sizeof(ag_registered_model));
    int rc = ag_mlflow_query(m, &AG_SQL_MLFLOW_MODELS, AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_registered_model *one = ag_vec_add(&found);
        if (!one) {
            rc = ag_fail_memory(err, sizeof(*one));
            break;
        }
        one->created_at = ag_mlflow_time(rows, 1);
        one->updated_at = ag_mlflow_time(rows, 2);
        rc = ag_take_text(rows, 0, m->arena, &one->name, err);
        if (rc >= 0) rc = ag_take_text(rows, 3, m->arena, &one->description, err);
    }
    ag_rows_free(rows);
    for (size_t i = 0; i < found.count && rc >= 0; i++) rc = take_model(m, ag_vec_at(&found, i), err);
    ag_vec_deinit(&found);
    return rc;
}
