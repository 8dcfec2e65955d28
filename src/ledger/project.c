// SPDX-License-Identifier: Apache-2.0
/* project.c: folders of experiments and models. A thing lies in one project at most (the key of project_members);
 * deleting a project takes the permissions on it along and leaves what it held. */
#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/permission.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { MAX_NAME = 255 };

typedef struct job {
    const ag_actor *actor;
    ag_arena *arena;
    ag_str project, id;
    ag_resource kind;
    ag_vec items;
} job;

static const char *kind_name(ag_resource kind)
{
    return kind == AG_RESOURCE_EXPERIMENT ? "experiment" : "model";
}

static int find_project(ag_tx *tx, ag_str name, int64_t *id, ag_err *err)
{
    int rc = ag_tx_get_int(tx, &AG_SQL_PROJECT_BY_NAME, AG_BINDS(ag_cell_str(name)), id, err);
    return rc != 0 ? rc : ag_fail(err, AG_ENOTFOUND, "there is no project '%.*s'", AG_STR_ARG(name));
}

static int run_create(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t id;
    int rc =
        ag_tx_get_int(tx, &AG_SQL_PROJECT_INSERT, AG_BINDS(ag_cell_str(j->project), ag_cell_int(ag_now())), &id, err);
    if (rc < 0) return rc;
    if (rc == 0) return ag_fail(err, AG_EEXISTS, "project '%.*s' exists already", AG_STR_ARG(j->project));
    rc = ag_permission_grant_maker(tx, j->actor, AG_RESOURCE_PROJECT, j->project, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "project.create", j->project, NULL, err);
}

int ag_project_create(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_err *err)
{
    job j = {.actor = actor, .project = name};
    if (ag_str_trim(name).size == 0 || name.size > MAX_NAME || !ag_utf8_valid(name) ||
        ag_str_find_char(name, '\0', 0) != SIZE_MAX) {
        return ag_fail(err, AG_EINVAL, "a project's name has 1 to %d bytes of UTF-8", MAX_NAME);
    }
    return ag_ledger_write(ledger, run_create, &j, err);
}

static int run_delete(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t id;
    int rc = find_project(tx, j->project, &id, err);
    if (rc >= 0) rc = ag_permission_forget(tx, AG_RESOURCE_PROJECT, j->project, err);
    if (rc >= 0) rc = ag_tx_run(tx, &AG_SQL_PROJECT_DELETE, AG_BINDS(ag_cell_int(id)), NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "project.delete", j->project, NULL, err);
}

int ag_project_delete(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_err *err)
{
    job j = {.actor = actor, .project = name};
    return ag_ledger_write(ledger, run_delete, &j, err);
}

static int expect_subject(ag_tx *tx, const job *j, ag_err *err)
{
    int64_t number = 0, there;
    int rc;
    if (j->kind == AG_RESOURCE_EXPERIMENT) {
        if (!ag_experiment_number(j->id, &number)) number = -1;
        rc = ag_tx_get_int(tx, &AG_SQL_EXPERIMENT_BY_ID, AG_BINDS(ag_cell_int(number)), &there, err);
    } else {
        rc = ag_tx_get_int(tx, &AG_SQL_MODEL_BY_NAME, AG_BINDS(ag_cell_str(j->id)), &there, err);
    }
    if (rc != 0) return rc;
    return ag_fail(err, AG_ENOTFOUND, "there is no %s '%.*s'", kind_name(j->kind), AG_STR_ARG(j->id));
}

static int run_put(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t id;
    const ag_cell kind = ag_cell_text(kind_name(j->kind)), subject = ag_cell_str(j->id);
    int rc = expect_subject(tx, j, err);
    if (rc >= 0 && j->project.size == 0) {
        rc = ag_tx_run(tx, &AG_SQL_PROJECT_TAKE_OUT, AG_BINDS(kind, subject), NULL, err);
    } else if (rc >= 0) {
        rc = find_project(tx, j->project, &id, err);
        if (rc >= 0) rc = ag_tx_run(tx, &AG_SQL_PROJECT_PUT, AG_BINDS(ag_cell_int(id), kind, subject), NULL, err);
    }
    if (rc < 0) return rc;
    const char *what = ag_arena_printf(j->arena, "%s %.*s", kind_name(j->kind), AG_STR_ARG(j->id));
    const char *detail = ag_audit_detail(j->arena, "project", j->project);
    if (!what || !detail) return ag_fail_memory(err, j->id.size);
    return ag_audit_add(tx, j->actor, "project.put", ag_str_of(what), detail, err);
}

int ag_project_put(ag_ledger *ledger, const ag_actor *actor, ag_str project, ag_resource kind, ag_str id, ag_err *err)
{
    if (kind != AG_RESOURCE_EXPERIMENT && kind != AG_RESOURCE_MODEL) {
        return ag_fail(err, AG_EINVAL, "a project holds experiments and models");
    }
    job j = {.actor = actor, .arena = ag_arena_new(0), .project = project, .kind = kind, .id = id};
    if (!j.arena) return ag_fail_memory(err, 1);
    int rc = ag_ledger_write(ledger, run_put, &j, err);
    ag_arena_free(j.arena);
    return rc;
}

/* ---- reading ---- */

static int run_list(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    ag_vec_clear(&j->items);
    int rc = ag_tx_query(tx, &AG_SQL_PROJECT_LIST, AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        const char **name = ag_vec_add(&j->items);
        rc = name ? ag_take_text(rows, 0, j->arena, name, err) : ag_fail_memory(err, sizeof(*name));
    }
    ag_rows_free(rows);
    return rc;
}

static int run_members(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    int64_t id;
    ag_vec_clear(&j->items);
    int rc = find_project(tx, j->project, &id, err);
    if (rc >= 0) rc = ag_tx_query(tx, &AG_SQL_PROJECT_MEMBERS, AG_BINDS(ag_cell_str(j->project)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_project_member *member = ag_vec_add(&j->items);
        if (!member) {
            rc = ag_fail_memory(err, sizeof(*member));
            break;
        }
        member->kind = ag_str_is(ag_rows_text(rows, 0), "model") ? AG_RESOURCE_MODEL : AG_RESOURCE_EXPERIMENT;
        rc = ag_take_text(rows, 1, j->arena, &member->id, err);
    }
    ag_rows_free(rows);
    return rc;
}

static int read_all(ag_ledger *ledger, job *j, size_t item_size, ag_db_fn run, void **items, size_t *count, ag_err *err)
{
    ag_vec_init(&j->items, item_size);
    int rc = ag_db_read(ledger->db, NULL, run, j, err);
    if (rc >= 0) rc = ag_take_items(&j->items, j->arena, items, err);
    if (rc >= 0) *count = j->items.count;
    ag_vec_deinit(&j->items);
    return rc;
}

int ag_project_list(ag_ledger *ledger, ag_arena *arena, const char *const **out, size_t *count, ag_err *err)
{
    job j = {.arena = arena};
    void *items = NULL;
    int rc = read_all(ledger, &j, sizeof(const char *), run_list, &items, count, err);
    if (rc >= 0) *out = items;
    return rc;
}

int ag_project_members(ag_ledger *ledger, ag_str project, ag_arena *arena, const ag_project_member **out, size_t *count,
                       ag_err *err)
{
    job j = {.arena = arena, .project = project};
    void *items = NULL;
    int rc = read_all(ledger, &j, sizeof(ag_project_member), run_members, &items, count, err);
    if (rc >= 0) *out = items;
    return rc;
}
