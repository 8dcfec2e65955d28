// SPDX-License-Identifier: Apache-2.0
/* intake_models.c: logged models, what runs read and made of them, and the registry. A version's files are looked for
 * where its source leads in this ledger: a source that names a run or a logged model, or lies below what one of them
 * had, follows it to its new place. */
#include <math.h>

#include "core/sys/clock.h"
#include "ledger/exchange/intake.h"
#include "ledger/ledger_private.h"
#include "ledger/source.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

typedef struct job {
    ag_intake *intake;
    const ag_logged_model *logged;
    const ag_registered_model *model;
    const ag_version *version;
    const char *place; /* of a logged model's files */
    int64_t experiment;
    bool deleted, added;
    ag_str run_id, name, alias;
    const ag_run_model *edges;
    size_t edge_count;
    bool is_output;
    int64_t number;
    ag_arena *arena;
} job;

static int write_unit(job *j, ag_db_fn run, ag_err *err)
{
    j->arena = ag_arena_new(0);
    if (!j->arena) return ag_fail_memory(err, 1);
    int rc = ag_ledger_write(j->intake->ledger, run, j, err);
    ag_arena_free(j->arena);
    return rc;
}

static void count(ag_intake_count *into, bool added)
{
    *(added ? &into->added : &into->there) += 1;
}

/* ---- logged models ---- */

static int put_texts(ag_tx *tx, const ag_sql *sql, ag_cell owner, ag_pairs pairs, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < pairs.count && rc >= 0; i++) {
        rc = ag_tx_run(tx, sql, AG_BINDS(owner, ag_cell_str(pairs.items[i].key), ag_cell_value(pairs.items[i].value)),
                       NULL, err);
    }
    return rc;
}

static int put_model_metrics(ag_tx *tx, const ag_logged_model *model, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < model->metric_count && rc >= 0; i++) {
        const ag_metric *m = &model->metrics[i];
        ag_cell value = isnan(m->value) ? ag_cell_null() : ag_cell_real(m->value);
        rc = ag_tx_run(tx, &AG_SQL_MODEL_METRIC_UPSERT,
                       AG_BINDS(ag_cell_text(model->id), ag_cell_text(m->key),
                                ag_cell_text(m->dataset_name ? m->dataset_name : ""),
                                ag_cell_text(m->dataset_digest ? m->dataset_digest : ""),
                                ag_cell_text(m->run_id ? m->run_id : ""), value, ag_cell_int(m->step),
                                ag_cell_int(m->at)),
                       NULL, err);
    }
    return rc;
}

static int put_logged(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    const ag_logged_model *m = j->logged;
    int64_t added = 0;
    ag_cell gone = j->deleted ? ag_cell_int(m->updated_at ? m->updated_at : ag_now()) : ag_cell_null();
    int rc = ag_tx_run(tx, &AG_SQL_INTAKE_LOGGED_MODEL,
                       AG_BINDS(ag_cell_text(m->id), ag_cell_int(j->experiment), ag_cell_text(m->name),
                                ag_cell_text(j->place), ag_cell_text(m->model_type), ag_cell_text(m->run_id),
                                ag_cell_text(ag_logged_status_name(m->status)), ag_cell_text(m->status_message),
                                ag_cell_int(j->deleted), ag_cell_int(m->created_at), ag_cell_int(m->updated_at), gone),
                       &added, err);
    j->added = added > 0;
    if (rc >= 0) rc = put_texts(tx, &AG_SQL_INTAKE_LOGGED_MODEL_PARAM, ag_cell_text(m->id), m->params, err);
    if (rc >= 0) rc = put_texts(tx, &AG_SQL_INTAKE_LOGGED_MODEL_TAG, ag_cell_text(m->id), m->tags, err);
    return rc < 0 ? rc : put_model_metrics(tx, m, err);
}

int ag_intake_logged_model(ag_intake *intake, const ag_logged_model *model, bool deleted, const char *files,
                           ag_err *err)
{
    job j = {.intake = intake, .logged = model, .deleted = deleted, .added = true};
    const char *experiment = ag_map_get(intake->experiments, ag_str_of(model->experiment_id));
    int rc = ag_cancel_check(intake->options.cancel, err);
    if (rc < 0) return rc;
    if (!experiment || !ag_str_to_int(ag_str_of(experiment), &j.experiment)) {
        ag_intake_skip(intake, model->id, "its experiment %s is not taken", model->experiment_id);
        return AG_OK;
    }
    rc = ag_intake_put_place(intake, model->id, experiment, true, model->artifact_uri, files, &j.place, err);
    if (rc >= 0 && !intake->options.dry_run) rc = write_unit(&j, put_logged, err);
    if (rc >= 0) count(&intake->result.logged_models, j.added);
    return rc;
}

static int put_edges(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = AG_OK;
    for (size_t i = 0; i < j->edge_count && rc >= 0; i++) {
        rc = ag_tx_run(tx, &AG_SQL_RUN_MODEL_INSERT,
                       AG_BINDS(ag_cell_str(j->run_id), ag_cell_text(j->edges[i].model_id), ag_cell_int(j->is_output),
                                ag_cell_int(j->edges[i].step)),
                       NULL, err);
    }
    return rc;
}

int ag_intake_edges(ag_intake *intake, ag_str run_id, const ag_run_model *models, size_t edge_count, bool is_output,
                    ag_err *err)
{
    job j = {.intake = intake, .run_id = run_id, .edges = models, .edge_count = edge_count, .is_output = is_output};
    bool known = ag_map_has(intake->places, run_id);
    for (size_t i = 0; i < edge_count; i++) known = known && ag_map_has(intake->places, ag_str_of(models[i].model_id));
    if (!known) {
        ag_intake_skip(intake, edge_count ? models[0].model_id : "a model", "its run, or itself, is not taken");
        return AG_OK;
    }
    intake->result.edges += edge_count;
    return intake->options.dry_run ? AG_OK : write_unit(&j, put_edges, err);
}

/* ---- the registry ---- */

static int put_model(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    const ag_registered_model *m = j->model;
    int64_t added = 0, id = 0;
    int rc = ag_tx_run(tx, &AG_SQL_INTAKE_MODEL,
                       AG_BINDS(ag_cell_text(m->name), ag_cell_text(m->description), ag_cell_text(m->user_id),
                                ag_cell_int(m->created_at), ag_cell_int(m->updated_at)),
                       &added, err);
    j->added = added > 0;
    if (rc >= 0) rc = ag_tx_get_int(tx, &AG_SQL_INTAKE_MODEL_ID, AG_BINDS(ag_cell_text(m->name)), &id, err);
    return rc < 0 ? rc : put_texts(tx, &AG_SQL_INTAKE_MODEL_TAG, ag_cell_int(id), m->tags, err);
}

int ag_intake_model(ag_intake *intake, const ag_registered_model *model, ag_err *err)
{
    job j = {.intake = intake, .model = model, .added = true};
    int rc = ag_cancel_check(intake->options.cancel, err);
    if (rc >= 0 && !intake->options.dry_run) rc = write_unit(&j, put_model, err);
    if (rc >= 0) count(&intake->result.models, j.added);
    return rc;
}

/* What lies at or below `place->from` has moved with it. */
static const char *follow(const job *j, const char *owner, const char *uri)
{
    const ag_intake_place *place = owner ? ag_map_get(j->intake->places, ag_str_of(owner)) : NULL;
    size_t size = place ? strlen(place->from) : 0;
    if (!size || strncmp(uri, place->from, size) != 0 || (uri[size] && uri[size] != '/')) return NULL;
    return ag_arena_printf(j->arena, "%s%s", place->to, uri + size);
}

static int find_storage(ag_tx *tx, job *j, const char **out, ag_err *err)
{
    const ag_version *v = j->version;
    const char *named = v->storage && *v->storage ? v->storage : v->source;
    bool ours = strncmp(named, "runs:/", 6) == 0 || strncmp(named, "models:/", 8) == 0;
    if (ours) {
        ag_source_request request = {.source = ag_str_of(named),
                                     .run_id = ag_str_of(v->run_id ? v->run_id : ""),
                                     .model_id = ag_str_of(v->model_id ? v->model_id : "")};
        int rc = ag_source_resolve(tx, j->intake->ledger, &request, j->arena, out, err);
        if (rc != AG_ENOTFOUND && rc != AG_EINVAL) return rc;
        *out = named;
        return AG_OK;
    }
    const char *moved = follow(j, v->model_id, named);
    if (!moved) moved = follow(j, v->run_id, named);
    *out = moved ? moved : named;
    return AG_OK;
}

static int put_version(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    const ag_version *v = j->version;
    const char *storage = NULL;
    int64_t model = 0, version = 0, added = 0;
    int rc = ag_tx_get_int(tx, &AG_SQL_INTAKE_MODEL_ID, AG_BINDS(ag_cell_text(v->model)), &model, err);
    if (rc >= 0) {
        rc =
            ag_tx_run(tx, &AG_SQL_INTAKE_MODEL_NUMBER, AG_BINDS(ag_cell_int(model), ag_cell_int(v->number)), NULL, err);
    }
    if (rc < 0 || j->deleted) return rc;
    if ((rc = find_storage(tx, j, &storage, err)) < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_INTAKE_VERSION,
                   AG_BINDS(ag_cell_int(model), ag_cell_int(v->number), ag_cell_text(v->source), ag_cell_text(storage),
                            ag_cell_text(v->run_id), ag_cell_text(v->run_link), ag_cell_text(v->model_id),
                            ag_cell_text(v->description), ag_cell_text(v->user_id),
                            ag_cell_text(ag_stage_name(v->stage)), ag_cell_int(v->created_at),
                            ag_cell_int(v->updated_at)),
                   &added, err);
    j->added = added > 0;
    if (rc >= 0) {
        rc = ag_tx_get_int(tx, &AG_SQL_INTAKE_VERSION_ID, AG_BINDS(ag_cell_int(model), ag_cell_int(v->number)),
                           &version, err);
    }
    return rc < 0 ? rc : put_texts(tx, &AG_SQL_INTAKE_VERSION_TAG, ag_cell_int(version), v->tags, err);
}

int ag_intake_version(ag_intake *intake, const ag_version *version, bool deleted, ag_err *err)
{
    job j = {.intake = intake, .version = version, .deleted = deleted, .added = true};
    int rc = ag_cancel_check(intake->options.cancel, err);
    if (rc >= 0 && !intake->options.dry_run) rc = write_unit(&j, put_version, err);
    if (rc >= 0 && !deleted) count(&intake->result.versions, j.added);
    return rc;
}

static int put_alias(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t model = 0, version = 0;
    int rc = ag_tx_get_int(tx, &AG_SQL_INTAKE_MODEL_ID, AG_BINDS(ag_cell_str(j->name)), &model, err);
    if (rc > 0) {
        rc = ag_tx_get_int(tx, &AG_SQL_INTAKE_VERSION_ID, AG_BINDS(ag_cell_int(model), ag_cell_int(j->number)),
                           &version, err);
    }
    if (rc <= 0) return rc; /* an alias of a version that is no more */
    return ag_tx_run(tx, &AG_SQL_INTAKE_ALIAS,
                     AG_BINDS(ag_cell_int(model), ag_cell_str(j->alias), ag_cell_int(version)), NULL, err);
}

int ag_intake_alias(ag_intake *intake, ag_str model, ag_str alias, int64_t version, ag_err *err)
{
    job j = {.intake = intake, .name = model, .alias = alias, .number = version};
    intake->result.aliases++;
    return intake->options.dry_run ? AG_OK : write_unit(&j, put_alias, err);
}
