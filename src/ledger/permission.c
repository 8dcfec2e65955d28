// SPDX-License-Identifier: Apache-2.0
/* permission.c: who may do what with which experiment, model or project.
 * One rule, written twice because one asks for one thing and the other for all rows of a search: the user's own role on
 * the thing, else on the project that holds it, else the ledger's default; an admin may do everything, a disabled or
 * unknown user nothing. Subjects are ids of experiments and names of models and projects; names follow renaming
 * (ag_permission_move) and do not outlive what they named (ag_permission_forget). */
#include "ledger/permission.h"

#include "ledger/audit.h"
#include "ledger/statement.h"
#include "ledger/user_private.h"
#include "ledger_sql.h"

static const char *const role_names[] = {
    [AG_ROLE_NONE] = "none",       [AG_ROLE_READER] = "reader", [AG_ROLE_EDITOR] = "editor",
    [AG_ROLE_MANAGER] = "manager", [AG_ROLE_ADMIN] = "admin",
};

static const char *const kind_names[] = {
    [AG_RESOURCE_EXPERIMENT] = "experiment", [AG_RESOURCE_MODEL] = "model", [AG_RESOURCE_PROJECT] = "project"};

const char *ag_role_name(ag_role role)
{
    return role_names[role <= AG_ROLE_ADMIN ? role : AG_ROLE_NONE];
}

bool ag_role_parse(ag_str name, ag_role *out)
{
    static const struct {
        const char *name;
        ag_role role;
    } others[] = {{"NO_PERMISSIONS", AG_ROLE_NONE},
                  {"READ", AG_ROLE_READER},
                  {"USE", AG_ROLE_READER},
                  {"EDIT", AG_ROLE_EDITOR},
                  {"MANAGE", AG_ROLE_MANAGER}};
    for (size_t i = 0; i < sizeof(role_names) / sizeof(role_names[0]); i++) {
        if (!ag_str_is(name, role_names[i])) continue;
        *out = (ag_role)i;
        return true;
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (!ag_str_is(name, others[i].name)) continue;
        *out = others[i].role;
        return true;
    }
    return false;
}

typedef struct job {
    const ag_ledger *ledger;
    const ag_actor *actor;
    ag_arena *arena;
    ag_str user, id;
    ag_resource kind;
    ag_role role;
    ag_user found;
    ag_vec items;
} job;

/* That the thing is there: a permission for what is made later would be a surprise for its maker. */
static int expect_subject(ag_tx *tx, const job *j, ag_err *err)
{
    static const ag_sql *const lookups[] = {[AG_RESOURCE_EXPERIMENT] = &AG_SQL_EXPERIMENT_BY_ID,
                                            [AG_RESOURCE_MODEL] = &AG_SQL_MODEL_BY_NAME,
                                            [AG_RESOURCE_PROJECT] = &AG_SQL_PROJECT_BY_NAME};
    int64_t number = 0, there;
    ag_cell key = ag_cell_str(j->id);
    bool possible = j->id.size != 0;
    if (j->kind == AG_RESOURCE_EXPERIMENT) {
        possible = ag_experiment_number(j->id, &number);
        key = ag_cell_int(number);
    }
    int rc = possible ? ag_tx_get_int(tx, lookups[j->kind], &key, 1, &there, err) : 0;
    if (rc != 0) return rc;
    return ag_fail(err, AG_ENOTFOUND, "there is no %s '%.*s'", kind_names[j->kind], AG_STR_ARG(j->id));
}

static int audit(ag_tx *tx, const job *j, const char *what, ag_err *err)
{
    const char *subject = ag_arena_printf(j->arena, "%s %.*s", kind_names[j->kind], AG_STR_ARG(j->id));
    const char *detail = ag_audit_detail(j->arena, "user", j->user);
    if (!subject || !detail) return ag_fail_memory(err, j->id.size);
    return ag_audit_add(tx, j->actor, what, ag_str_of(subject), detail, err);
}

static int run_set(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_user_find(tx, j->user, j->arena, &j->found, NULL, err);
    if (rc >= 0) rc = expect_subject(tx, j, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_PERMISSION_PUT,
                   AG_BINDS(ag_cell_int(j->found.id), ag_cell_text(kind_names[j->kind]), ag_cell_str(j->id),
                            ag_cell_text(ag_role_name(j->role))),
                   NULL, err);
    return rc < 0 ? rc : audit(tx, j, "permission.set", err);
}

static int change(ag_ledger *ledger, job *j, ag_db_fn run, ag_err *err)
{
    if (j->kind > AG_RESOURCE_PROJECT) return ag_fail(err, AG_EINVAL, "unknown kind of resource");
    j->arena = ag_arena_new(0);
    if (!j->arena) return ag_fail_memory(err, 1);
    int rc = ag_ledger_write(ledger, run, j, err);
    ag_arena_free(j->arena);
    return rc;
}

int ag_permission_set(ag_ledger *ledger, const ag_actor *actor, ag_str user, ag_resource kind, ag_str id, ag_role role,
                      ag_err *err)
{
    job j = {.actor = actor, .user = user, .kind = kind, .id = id, .role = role};
    if (role > AG_ROLE_MANAGER) {
        return ag_fail(err, AG_EINVAL,
                       "a permission is none, reader, editor or manager; admins are made with the user");
    }
    return change(ledger, &j, run_set, err);
}

static int run_delete(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t changed;
    int rc = ag_user_find(tx, j->user, j->arena, &j->found, NULL, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_PERMISSION_DELETE,
                   AG_BINDS(ag_cell_int(j->found.id), ag_cell_text(kind_names[j->kind]), ag_cell_str(j->id)), &changed,
                   err);
    if (rc < 0) return rc;
    if (!changed) {
        return ag_fail(err, AG_ENOTFOUND, "user '%s' has no permission of their own on %s '%.*s'", j->found.name,
                       kind_names[j->kind], AG_STR_ARG(j->id));
    }
    return audit(tx, j, "permission.delete", err);
}

int ag_permission_delete(ag_ledger *ledger, const ag_actor *actor, ag_str user, ag_resource kind, ag_str id,
                         ag_err *err)
{
    job j = {.actor = actor, .user = user, .kind = kind, .id = id};
    return change(ledger, &j, run_delete, err);
}

/* ---- the rule for one thing ---- */

/* 1 with *out, 0 when nothing is said. */
static int read_role(ag_tx *tx, const ag_sql *sql, const job *j, ag_role *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(
        tx, sql, AG_BINDS(ag_cell_int(j->found.id), ag_cell_text(kind_names[j->kind]), ag_cell_str(j->id)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0 && !ag_role_parse(ag_rows_text(rows, 0), out)) *out = AG_ROLE_NONE;
    ag_rows_free(rows);
    return rc;
}

static int run_get(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_user_find(tx, j->user, j->arena, &j->found, NULL, err);
    if (rc < 0) return rc;
    j->role = j->found.admin ? AG_ROLE_ADMIN : AG_ROLE_NONE;
    if (j->found.disabled) j->role = AG_ROLE_NONE;
    if (j->found.disabled || j->found.admin) return AG_OK;
    rc = read_role(tx, &AG_SQL_PERMISSION_OWN, j, &j->role, err);
    if (rc == 0) rc = read_role(tx, &AG_SQL_PERMISSION_OF_PROJECT, j, &j->role, err);
    if (rc == 0) j->role = j->ledger->default_role;
    return rc;
}

int ag_permission_get(ag_ledger *ledger, ag_str user, ag_resource kind, ag_str id, ag_role *out, ag_err *err)
{
    job j = {.ledger = ledger, .user = user, .kind = kind, .id = id};
    if (kind > AG_RESOURCE_PROJECT) return ag_fail(err, AG_EINVAL, "unknown kind of resource");
    if (!(j.arena = ag_arena_new(0))) return ag_fail_memory(err, 1);
    int rc = ag_db_read(ledger->db, NULL, run_get, &j, err);
    if (rc >= 0) *out = j.role;
    ag_arena_free(j.arena);
    return rc;
}

/* ---- the rule for the rows of a search ---- */

int ag_visible_rule(ag_tx *tx, const ag_ledger *ledger, const char *reader, ag_resource kind, const char *id,
                    ag_arena *arena, const char **rule, ag_err *err)
{
    ag_user user = {0};
    *rule = "1 = 1";
    if (!reader) return AG_OK;
    int rc = ag_user_find(tx, ag_str_of(reader), arena, &user, NULL, err);
    if (rc < 0 && rc != AG_ENOTFOUND) return rc;
    if (rc < 0 || user.disabled) *rule = "1 = 0";
    if (rc < 0 || user.disabled || user.admin) return AG_OK;
    const char *name = kind_names[kind];
    *rule = ag_arena_printf(
        arena,
        "COALESCE((SELECT vp.role FROM permissions vp WHERE vp.user_id = %lld AND vp.kind = '%s' AND vp.subject = %s), "
        "(SELECT vp.role FROM project_members vb JOIN projects vj ON vj.id = vb.project_id JOIN permissions vp ON "
        "vp.user_id = %lld AND vp.kind = 'project' AND vp.subject = vj.name WHERE vb.kind = '%s' AND vb.subject = %s), "
        "'%s') <> 'none'",
        (long long)user.id, name, id, (long long)user.id, name, id, ag_role_name(ledger->default_role));
    return *rule ? AG_OK : ag_fail_memory(err, 512);
}

/* ---- what is given ---- */

static int take_permission(ag_rows *rows, ag_arena *arena, ag_permission *out, ag_err *err)
{
    ag_str kind = ag_rows_text(rows, 1);
    for (size_t i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
        if (ag_str_is(kind, kind_names[i])) out->kind = (ag_resource)i;
    }
    if (!ag_role_parse(ag_rows_text(rows, 3), &out->role)) out->role = AG_ROLE_NONE;
    int rc = ag_take_text(rows, 0, arena, &out->user, err);
    return rc < 0 ? rc : ag_take_text(rows, 2, arena, &out->id, err);
}

static int run_list(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    ag_vec_clear(&j->items);
    int rc = ag_tx_query(tx, &AG_SQL_PERMISSION_LIST,
                         AG_BINDS(ag_cell_str(j->user.data ? j->user : AG_STR("")), ag_cell_text(kind_names[j->kind]),
                                  ag_cell_str(j->id.data ? j->id : AG_STR(""))),
                         &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_permission *one = ag_vec_add(&j->items);
        rc = one ? take_permission(rows, j->arena, one, err) : ag_fail_memory(err, sizeof(*one));
    }
    ag_rows_free(rows);
    return rc;
}

int ag_permission_list(ag_ledger *ledger, ag_str user, ag_resource kind, ag_str id, ag_arena *arena,
                       const ag_permission **out, size_t *count, ag_err *err)
{
    job j = {.arena = arena, .user = user, .kind = kind, .id = id};
    void *items = NULL;
    if (kind > AG_RESOURCE_PROJECT) return ag_fail(err, AG_EINVAL, "unknown kind of resource");
    ag_vec_init(&j.items, sizeof(ag_permission));
    int rc = ag_db_read(ledger->db, NULL, run_list, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.items, arena, &items, err);
    if (rc >= 0) {
        *out = items;
        *count = j.items.count;
    }
    ag_vec_deinit(&j.items);
    return rc;
}

/* ---- for the other rooms ---- */

int ag_permission_grant_maker(ag_tx *tx, const ag_actor *actor, ag_resource kind, ag_str id, ag_err *err)
{
    if (!actor || !actor->name) return AG_OK;
    return ag_tx_run(tx, &AG_SQL_PERMISSION_GRANT,
                     AG_BINDS(ag_cell_text(actor->name), ag_cell_text(kind_names[kind]), ag_cell_str(id)), NULL, err);
}

int ag_permission_move(ag_tx *tx, ag_resource kind, ag_str from, ag_str to, ag_err *err)
{
    if (ag_str_equal(from, to)) return AG_OK;
    const ag_cell binds[] = {ag_cell_text(kind_names[kind]), ag_cell_str(from), ag_cell_str(to)};
    int rc = ag_tx_run(tx, &AG_SQL_PERMISSION_MOVE, binds, 3, NULL, err);
    return rc < 0 ? rc : ag_tx_run(tx, &AG_SQL_PERMISSION_MOVE_MEMBER, binds, 3, NULL, err);
}

int ag_permission_forget(ag_tx *tx, ag_resource kind, ag_str id, ag_err *err)
{
    const ag_cell binds[] = {ag_cell_text(kind_names[kind]), ag_cell_str(id)};
    int rc = ag_tx_run(tx, &AG_SQL_PERMISSION_FORGET, binds, 2, NULL, err);
    return rc < 0 ? rc : ag_tx_run(tx, &AG_SQL_PROJECT_TAKE_OUT, binds, 2, NULL, err);
}
