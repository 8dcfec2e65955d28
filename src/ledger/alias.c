// SPDX-License-Identifier: Apache-2.0
/* alias.c: names for versions: one version per alias, many aliases per version. Setting one that is there moves it; the
 * version is looked up in the same unit, so an alias never points at nothing. */
#include "ledger/audit.h"
#include "ledger/model_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

typedef struct job {
    const ag_actor *actor;
    ag_arena *arena;
    ag_str model, alias;
    int64_t number;
    ag_version_row found;
} job;

static bool is_alias_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           (unsigned char)c >= 0x80;
}

/* "v7" would read as a version. */
static bool is_version_name(ag_str alias)
{
    if (alias.size < 2 || (alias.data[0] != 'v' && alias.data[0] != 'V')) return false;
    for (size_t i = 1; i < alias.size; i++) {
        if (alias.data[i] < '0' || alias.data[i] > '9') return false;
    }
    return true;
}

int ag_alias_name_check(ag_str alias, ag_err *err)
{
    if (alias.size == 0) return ag_fail(err, AG_EINVAL, "Registered model alias name cannot be empty.");
    for (size_t i = 0; i < alias.size; i++) {
        if (is_alias_byte(alias.data[i])) continue;
        return ag_fail(err, AG_EINVAL,
                       "Invalid alias name: '%.*s'. Names may only contain alphanumerics, underscores (_), and dashes "
                       "(-).",
                       AG_STR_ARG(ag_str_slice(alias, 0, ag_utf8_head(alias, AG_MAX_ALIAS))));
    }
    if (!ag_utf8_valid(alias)) return ag_fail(err, AG_EINVAL, "Invalid alias name: it is not valid UTF-8");
    if (ag_utf8_count(alias) > AG_MAX_ALIAS) {
        return ag_fail(err, AG_EINVAL, "'Registered model alias name' exceeds the maximum length of %d characters",
                       AG_MAX_ALIAS);
    }
    if (ag_str_equal_nocase(alias, AG_STR("latest"))) {
        return ag_fail(err, AG_EINVAL, "'latest' alias name (case insensitive) is reserved.");
    }
    if (is_version_name(alias)) {
        return ag_fail(err, AG_EINVAL, "Version alias name '%.*s' is reserved.", AG_STR_ARG(alias));
    }
    return AG_OK;
}

static int change(ag_ledger *ledger, job *j, ag_db_fn run, ag_err *err)
{
    j->arena = ag_arena_new(0);
    if (!j->arena) return ag_fail_memory(err, 1);
    int rc = ag_ledger_write(ledger, run, j, err);
    ag_arena_free(j->arena);
    return rc;
}

static int audit(ag_tx *tx, const job *j, const char *what, ag_err *err)
{
    const char *detail = ag_audit_detail(j->arena, "alias", j->alias);
    if (!detail) return ag_fail_memory(err, j->alias.size);
    return ag_audit_add(tx, j->actor, what, j->model, detail, err);
}

static int run_set(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_version_find(tx, j->model, j->number, j->arena, &j->found, err);
    if (rc < 0) return rc;
    rc =
        ag_tx_run(tx, &AG_SQL_ALIAS_SET,
                  AG_BINDS(ag_cell_int(j->found.model_id), ag_cell_str(j->alias), ag_cell_int(j->found.id)), NULL, err);
    return rc < 0 ? rc : audit(tx, j, "alias.set", err);
}

int ag_alias_set(ag_ledger *ledger, const ag_actor *actor, ag_str model, ag_str alias, int64_t version, ag_err *err)
{
    job j = {.actor = actor, .model = model, .alias = alias, .number = version};
    int rc = ag_alias_name_check(alias, err);
    return rc < 0 ? rc : change(ledger, &j, run_set, err);
}

static int run_delete(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_model_row model;
    int64_t changed;
    int rc = ag_model_find(tx, j->model, j->arena, &model, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_ALIAS_DELETE, AG_BINDS(ag_cell_int(model.id), ag_cell_str(j->alias)), &changed, err);
    return rc < 0 || !changed ? rc : audit(tx, j, "alias.delete", err);
}

int ag_alias_delete(ag_ledger *ledger, const ag_actor *actor, ag_str model, ag_str alias, ag_err *err)
{
    job j = {.actor = actor, .model = model, .alias = alias};
    int rc = ag_alias_name_check(alias, err);
    return rc < 0 ? rc : change(ledger, &j, run_delete, err);
}

static int run_get(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    int rc =
        ag_tx_query(tx, &AG_SQL_VERSION_BY_ALIAS, AG_BINDS(ag_cell_str(j->model), ag_cell_str(j->alias)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0) {
        rc = ag_version_take(rows, j->arena, &j->found, err);
    } else if (rc == 0) {
        ag_model_row model;
        rc = ag_model_find(tx, j->model, j->arena, &model, err);
        /* EINVAL and not ENOTFOUND: so it is in the protocol. */
        if (rc >= 0) rc = ag_fail(err, AG_EINVAL, "Registered model alias %.*s not found.", AG_STR_ARG(j->alias));
    }
    ag_rows_free(rows);
    return rc < 0 ? rc : ag_version_fill(tx, j->arena, &j->found, 1, err);
}

int ag_alias_get(ag_ledger *ledger, ag_str model, ag_str alias, ag_arena *arena, ag_version *out, ag_err *err)
{
    job j = {.arena = arena, .model = model, .alias = alias};
    int rc = ag_alias_name_check(alias, err);
    if (rc >= 0) rc = ag_db_read(ledger->db, NULL, run_get, &j, err);
    if (rc >= 0) *out = j.found.version;
    return rc;
}
