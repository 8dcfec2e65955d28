// SPDX-License-Identifier: Apache-2.0
/* deployment.c: the record of what served. Rows are added and ended, never changed otherwise; the version must be there
 * when it starts, and its name and number stay in the record when it is deleted. */
#include "ledger/deployment.h"

#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/model_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { MAX_TARGET = 255 };

typedef struct job {
    const ag_actor *actor;
    ag_arena *arena;
    const ag_deployment_new *deployment;
    ag_str target;
    bool only_current;
    int64_t id;
    ag_vec items;
} job;

static int check_new(const ag_deployment_new *deployment, ag_err *err)
{
    static const char *const modes[] = {"replace", "shadow", "ab"};
    bool known = false;
    for (size_t i = 0; i < 3; i++) known |= ag_str_is(deployment->mode, modes[i]);
    if (!known) {
        return ag_fail(err, AG_EINVAL, "a deployment's mode is replace, shadow or ab, not '%.*s'",
                       AG_STR_ARG(ag_str_slice(deployment->mode, 0, 40)));
    }
    if (deployment->percent < 0 || deployment->percent > 100) {
        return ag_fail(err, AG_EINVAL, "a deployment gets 0 to 100 percent of the requests");
    }
    if (deployment->target.size == 0 || deployment->target.size > MAX_TARGET || !ag_utf8_valid(deployment->target) ||
        ag_str_find_char(deployment->target, '\0', 0) != SIZE_MAX) {
        return ag_fail(err, AG_EINVAL, "a target's name has 1 to %d bytes of UTF-8", MAX_TARGET);
    }
    return AG_OK;
}

static int run_start(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    const ag_deployment_new *d = j->deployment;
    ag_version_row version;
    int64_t now = ag_now();
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_version_find(tx, d->model, d->version, j->arena, &version, err);
    if (rc >= 0 && ag_str_is(d->mode, "replace")) {
        rc = ag_tx_run(tx, &AG_SQL_DEPLOYMENT_REPLACE, AG_BINDS(ag_cell_str(d->target), ag_cell_int(now)), NULL, err);
    }
    if (rc < 0) return rc;
    rc = ag_tx_get_int(tx, &AG_SQL_DEPLOYMENT_INSERT,
                       AG_BINDS(ag_cell_str(d->target), ag_cell_str(d->model), ag_cell_int(d->version),
                                ag_cell_str(d->mode), ag_cell_int(d->percent),
                                ag_cell_text(j->actor ? j->actor->name : NULL), ag_cell_int(now)),
                       &j->id, err);
    if (rc < 0) return rc;
    const char *what = ag_arena_printf(j->arena, "%.*s/%lld", AG_STR_ARG(d->model), (long long)d->version);
    const char *detail = what ? ag_audit_detail(j->arena, "version", ag_str_of(what)) : NULL;
    if (!detail) return ag_fail_memory(err, d->model.size);
    return ag_audit_add(tx, j->actor, "deployment.start", d->target, detail, err);
}

int ag_deployment_start(ag_ledger *ledger, const ag_actor *actor, const ag_deployment_new *deployment, int64_t *id,
                        ag_err *err)
{
    int rc = check_new(deployment, err);
    if (rc < 0) return rc;
    job j = {.actor = actor, .arena = ag_arena_new(0), .deployment = deployment};
    if (!j.arena) return ag_fail_memory(err, 1);
    rc = ag_ledger_write(ledger, run_start, &j, err);
    if (rc >= 0 && id) *id = j.id;
    ag_arena_free(j.arena);
    return rc;
}

static int run_end(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    const char *target = NULL;
    bool ended = false;
    int rc = ag_tx_query(tx, &AG_SQL_DEPLOYMENT_BY_ID, AG_BINDS(ag_cell_int(j->id)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0) {
        ended = !ag_rows_is_null(rows, 1);
        rc = ag_take_text(rows, 0, j->arena, &target, err);
    } else if (rc == 0) {
        rc = ag_fail(err, AG_ENOTFOUND, "there is no deployment %lld", (long long)j->id);
    }
    ag_rows_free(rows);
    if (rc < 0 || ended) return rc;
    rc = ag_tx_run(tx, &AG_SQL_DEPLOYMENT_END, AG_BINDS(ag_cell_int(j->id), ag_cell_int(ag_now())), NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "deployment.end", ag_str_of(target), NULL, err);
}

int ag_deployment_end(ag_ledger *ledger, const ag_actor *actor, int64_t id, ag_err *err)
{
    job j = {.actor = actor, .arena = ag_arena_new(0), .id = id};
    if (!j.arena) return ag_fail_memory(err, 1);
    int rc = ag_ledger_write(ledger, run_end, &j, err);
    ag_arena_free(j.arena);
    return rc;
}

static int take(ag_rows *rows, ag_arena *arena, ag_deployment *out, ag_err *err)
{
    *out = (ag_deployment){.id = ag_rows_int(rows, 0),
                           .version = ag_rows_int(rows, 3),
                           .percent = ag_rows_int(rows, 5),
                           .started_at = ag_rows_int(rows, 7),
                           .ended_at = ag_rows_int(rows, 8)};
    int rc = ag_take_text(rows, 1, arena, &out->target, err);
    if (rc >= 0) rc = ag_take_text(rows, 2, arena, &out->model, err);
    if (rc >= 0) rc = ag_take_text(rows, 4, arena, &out->mode, err);
    return rc < 0 ? rc : ag_take_text(rows, 6, arena, &out->user_id, err);
}

static int run_list(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    ag_vec_clear(&j->items);
    int rc = ag_tx_query(tx, &AG_SQL_DEPLOYMENT_LIST,
                         AG_BINDS(ag_cell_str(j->target.data ? j->target : AG_STR("")), ag_cell_int(j->only_current)),
                         &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_deployment *one = ag_vec_add(&j->items);
        rc = one ? take(rows, j->arena, one, err) : ag_fail_memory(err, sizeof(*one));
    }
    ag_rows_free(rows);
    return rc;
}

int ag_deployment_list(ag_ledger *ledger, ag_str target, bool only_current, ag_arena *arena, const ag_deployment **out,
                       size_t *count, ag_err *err)
{
    job j = {.arena = arena, .target = target, .only_current = only_current};
    void *items = NULL;
    ag_vec_init(&j.items, sizeof(ag_deployment));
    int rc = ag_db_read(ledger->db, NULL, run_list, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.items, arena, &items, err);
    if (rc >= 0) {
        *out = items;
        *count = j.items.count;
    }
    ag_vec_deinit(&j.items);
    return rc;
}
