// SPDX-License-Identifier: Apache-2.0
/* run.c: a run's life: created, changed, deleted, restored.
 * Owns the rows of `runs`; what a run logs is in run_log.c, what it read in run_input.c. Deleting by hand is 1,
 * deleting with the experiment is 2 (experiment.c). Each call is one unit. */
#include "core/hash/encode.h"
#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/experiment.h"
#include "ledger/name.h"
#include "ledger/run_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

const char ag_run_name_tag[] = "mlflow.runName";

static const char *const status_names[] = {
    [AG_RUN_RUNNING] = "RUNNING", [AG_RUN_SCHEDULED] = "SCHEDULED", [AG_RUN_FINISHED] = "FINISHED",
    [AG_RUN_FAILED] = "FAILED",   [AG_RUN_KILLED] = "KILLED",
};

const char *ag_run_status_name(ag_run_status status)
{
    return status >= AG_RUN_RUNNING && status <= AG_RUN_KILLED ? status_names[status] : "RUNNING";
}

bool ag_run_status_parse(ag_str name, ag_run_status *out)
{
    for (int i = AG_RUN_RUNNING; i <= AG_RUN_KILLED; i++) {
        if (!ag_str_is(name, status_names[i])) continue;
        *out = (ag_run_status)i;
        return true;
    }
    return false;
}

typedef struct job {
    const ag_actor *actor;
    ag_arena *arena;
    ag_str id;
    const ag_run_new *new_run;
    const ag_run_change *change;
    ag_str name; /* of a new run, decided */
    char new_id[33];
    ag_run found;
} job;

/* ---- creating ---- */

/* The name given, else that of the tag, else a generated one. Both, and different, is refused. */
static int choose_name(job *j, ag_err *err)
{
    ag_str tagged = {0};
    for (size_t i = 0; i < j->new_run->tags.count; i++) {
        if (ag_str_is(j->new_run->tags.items[i].key, ag_run_name_tag)) tagged = j->new_run->tags.items[i].value;
    }
    j->name = j->new_run->name.size ? j->new_run->name : tagged;
    if (tagged.size && !ag_str_equal(j->name, tagged)) {
        return ag_fail(err, AG_EINVAL,
                       "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
                       "(run_name='%.*s', mlflow.runName='%.*s').",
                       AG_STR_ARG(j->name), AG_STR_ARG(tagged));
    }
    if (j->name.size) return AG_OK;
    char *text = ag_arena_alloc(j->arena, 48);
    if (!text) return ag_fail_memory(err, 48);
    int rc = ag_name_generate(text, err);
    j->name = ag_str_of(text);
    return rc;
}

static int expect_experiment(ag_tx *tx, job *j, int64_t *number, const char **location, ag_err *err)
{
    ag_rows *rows = NULL;
    ag_str id = j->new_run->experiment_id;
    if (!ag_experiment_number(id, number)) {
        return ag_fail(err, AG_ENOTFOUND, "No Experiment with id=%.*s exists", AG_STR_ARG(id));
    }
    int rc = ag_tx_query(tx, &AG_SQL_EXPERIMENT_BY_ID, AG_BINDS(ag_cell_int(*number)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc == 0) {
        rc = ag_fail(err, AG_ENOTFOUND, "No Experiment with id=%.*s exists", AG_STR_ARG(id));
    } else if (rc > 0 && ag_rows_int(rows, 3)) {
        rc = ag_fail(err, AG_EINVAL, "The experiment %.*s must be in the 'active' state. Current state is deleted.",
                     AG_STR_ARG(id));
    } else if (rc > 0) {
        rc = ag_take_text(rows, 2, j->arena, location, err);
    }
    ag_rows_free(rows);
    return rc;
}

/* The id that the caller chose, or a new one. */
static int choose_id(job *j, ag_err *err)
{
    ag_str id = j->new_run->id;
    if (!id.size) return ag_id_new(j->new_id, err);
    bool good = id.size == sizeof j->new_id - 1;
    for (size_t i = 0; good && i < id.size; i++) good = strchr("0123456789abcdef", id.data[i]) && id.data[i];
    if (!good)
        return ag_fail(err, AG_EINVAL, "the id of a run is 32 lower-case hex digits, not '%.*s'", AG_STR_ARG(id));
    memcpy(j->new_id, id.data, id.size);
    return AG_OK;
}

static int expect_no_run(ag_tx *tx, ag_str id, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_RUN_STATE, AG_BINDS(ag_cell_str(id)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0) rc = ag_fail(err, AG_EEXISTS, "A run with id=%.*s exists already", AG_STR_ARG(id));
    ag_rows_free(rows);
    return rc;
}

static int run_create(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t number;
    const char *location;
    int rc = expect_experiment(tx, j, &number, &location, err);
    if (rc >= 0 && j->new_run->id.size) rc = expect_no_run(tx, j->new_run->id, err);
    if (rc < 0) return rc;
    const char *below = ag_ledger_location(j->arena, location, j->new_id);
    const char *uri = below ? ag_ledger_location(j->arena, below, "artifacts") : NULL;
    if (!uri) return ag_fail_memory(err, 1);
    int64_t started = j->new_run->started_at ? j->new_run->started_at : ag_now();
    ag_cell user = j->new_run->user_id.size ? ag_cell_str(j->new_run->user_id) : ag_cell_null();
    rc = ag_tx_run(tx, &AG_SQL_RUN_INSERT,
                   AG_BINDS(ag_cell_text(j->new_id), ag_cell_int(number), ag_cell_str(j->name), user,
                            ag_cell_text(status_names[AG_RUN_RUNNING]), ag_cell_text(uri), ag_cell_int(started)),
                   NULL, err);
    ag_pair name = {ag_str_of(ag_run_name_tag), j->name};
    if (rc >= 0) rc = ag_run_put_tags(tx, ag_str_of(j->new_id), j->new_run->tags, err);
    if (rc >= 0) rc = ag_run_put_tags(tx, ag_str_of(j->new_id), (ag_pairs){&name, 1}, err);
    if (rc >= 0) rc = ag_run_find(tx, ag_str_of(j->new_id), j->arena, &j->found, err);
    return rc < 0 ? rc : ag_run_fill(tx, j->arena, &j->found, 1, err);
}

int ag_run_create(ag_ledger *ledger, const ag_run_new *new_run, ag_arena *arena, ag_run *out, ag_err *err)
{
    job j = {.arena = arena, .new_run = new_run};
    int rc = ag_run_check_tags(new_run->tags, err);
    if (rc >= 0) rc = choose_name(&j, err);
    if (rc >= 0) rc = choose_id(&j, err);
    if (rc >= 0) rc = ag_ledger_write(ledger, run_create, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

/* ---- reading ---- */

static int run_get(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_run_find(tx, j->id, j->arena, &j->found, err);
    return rc < 0 ? rc : ag_run_fill(tx, j->arena, &j->found, 1, err);
}

int ag_run_get(ag_ledger *ledger, ag_str id, ag_arena *arena, ag_run *out, ag_err *err)
{
    job j = {.arena = arena, .id = id};
    int rc = ag_db_read(ledger->db, NULL, run_get, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

int ag_run_expect_active(ag_tx *tx, ag_str id, int64_t *experiment, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_RUN_STATE, AG_BINDS(ag_cell_str(id)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc == 0) {
        rc = ag_fail(err, AG_ENOTFOUND, "Run with id=%.*s not found", AG_STR_ARG(id));
    } else if (rc > 0 && ag_rows_int(rows, 0)) {
        rc = ag_fail(err, AG_EINVAL, "The run %.*s must be in the 'active' state. Current state is deleted.",
                     AG_STR_ARG(id));
    } else if (rc > 0 && experiment) {
        *experiment = ag_rows_int(rows, 1);
    }
    ag_rows_free(rows);
    return rc;
}

/* ---- changing ---- */

static int run_update(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    const ag_run_change *change = j->change;
    int rc = ag_run_expect_active(tx, j->id, NULL, err);
    if (rc < 0) return rc;
    ag_cell status = change->status ? ag_cell_text(ag_run_status_name(*change->status)) : ag_cell_null();
    ag_cell ended = change->ended_at ? ag_cell_int(*change->ended_at) : ag_cell_null();
    ag_cell name = change->name && change->name->size ? ag_cell_str(*change->name) : ag_cell_null();
    rc = ag_tx_run(tx, &AG_SQL_RUN_UPDATE, AG_BINDS(ag_cell_str(j->id), status, ended, name), NULL, err);
    if (rc >= 0 && name.type == AG_CELL_TEXT) {
        rc = ag_tx_run(tx, &AG_SQL_RUN_TAG_SET, AG_BINDS(ag_cell_str(j->id), ag_cell_text(ag_run_name_tag), name), NULL,
                       err);
    }
    if (rc >= 0) rc = ag_run_find(tx, j->id, j->arena, &j->found, err);
    return rc;
}

int ag_run_update(ag_ledger *ledger, ag_str id, const ag_run_change *change, ag_arena *arena, ag_run *out, ag_err *err)
{
    job j = {.arena = arena, .id = id, .change = change};
    int rc = AG_OK;
    if (change->name && ag_utf8_count(*change->name) > AG_MAX_TAG_VALUE) {
        rc = ag_fail(err, AG_EINVAL, "a run's name has at most %d characters", AG_MAX_TAG_VALUE);
    }
    if (rc >= 0) rc = ag_ledger_write(ledger, run_update, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

static int set_deleted(ag_tx *tx, job *j, bool deleted, ag_err *err)
{
    int rc = ag_run_find(tx, j->id, j->arena, &j->found, err);
    if (rc < 0 || j->found.deleted == deleted) return rc;
    int64_t changed;
    rc = ag_tx_run(tx, &AG_SQL_RUN_SET_DELETED,
                   AG_BINDS(ag_cell_str(j->id), ag_cell_int(deleted), deleted ? ag_cell_int(ag_now()) : ag_cell_null()),
                   &changed, err);
    if (rc >= 0 && !changed) rc = ag_fail(err, AG_ECONFLICT, "run %.*s is being removed for ever", AG_STR_ARG(j->id));
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, deleted ? "run.delete" : "run.restore", j->id, NULL, err);
}

static int run_delete(ag_tx *tx, void *context, ag_err *err)
{
    return set_deleted(tx, context, true, err);
}

static int run_restore(ag_tx *tx, void *context, ag_err *err)
{
    return set_deleted(tx, context, false, err);
}

static int change_life(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_db_fn run, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    job j = {.actor = actor, .arena = arena, .id = id};
    int rc = ag_ledger_write(ledger, run, &j, err);
    ag_arena_free(arena);
    return rc;
}

int ag_run_delete(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err)
{
    return change_life(ledger, actor, id, run_delete, err);
}

int ag_run_restore(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err)
{
    return change_life(ledger, actor, id, run_restore, err);
}
