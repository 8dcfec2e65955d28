// SPDX-License-Identifier: Apache-2.0
/* user.c: users and their passwords.
 * A password is kept as argon2id only (19 MiB, 2 passes: about 20 ms, which a guesser pays for each guess and a user
 * once per session). It is hashed before the unit of writing, since a unit may be run more than once. Who asks with a
 * wrong name, a wrong password or a disabled user waits the same time and reads the same text. The last admin cannot
 * be lost: deleting, disabling and demoting look for another one in the same unit. */
#include "ledger/user.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/statement.h"
#include "ledger/user_private.h"
#include "ledger_sql.h"

enum { HASH_PASSES = 2, HASH_BYTES = 19 << 20 };

/* Of no password (its digest is made up): what is checked when there is nothing to check. Same cost as a real one. */
const char ag_user_nobody[] =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$7mJ0bYxqkq5m1yTnT0S0JmZQWf3oE2n9cUuYtS4pZbA";

typedef struct job {
    const ag_actor *actor;
    ag_arena *arena;
    ag_str name;
    const char *hash;
    bool flag;
    const char *password;
    ag_user found;
    ag_vec users;
} job;

static int check_name(ag_str name, ag_err *err)
{
    bool good = name.size && name.size <= AG_MAX_USER_NAME && ag_utf8_valid(name);
    for (size_t i = 0; i < name.size && good; i++) {
        unsigned char c = (unsigned char)name.data[i];
        good = c >= ' ' && c != 0x7f && c != ':'; /* ':' ends the name in HTTP's basic authentication */
    }
    if (good) return AG_OK;
    return ag_fail(err, AG_EINVAL, "Invalid username: 1 to %d characters, no ':' and no control characters",
                   AG_MAX_USER_NAME);
}

static int check_password(ag_str password, ag_err *err)
{
    if (password.size >= AG_MIN_PASSWORD && password.size <= AG_MAX_PASSWORD) return AG_OK;
    return ag_fail(err, AG_EINVAL, "Password must be %d to %d characters long", AG_MIN_PASSWORD, AG_MAX_PASSWORD);
}

static int hash_password(ag_str password, char out[crypto_pwhash_STRBYTES], ag_err *err)
{
    memset(out, 0, crypto_pwhash_STRBYTES);
    if (password.size == 0) return AG_OK; /* no password: only tokens */
    int rc = check_password(password, err);
    if (rc < 0) return rc;
    if (sodium_init() < 0) return ag_fail(err, AG_EINTERNAL, "libsodium cannot be used on this machine");
    if (crypto_pwhash_str_alg(out, password.data, password.size, HASH_PASSES, HASH_BYTES,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return ag_fail_memory(err, HASH_BYTES);
    }
    return AG_OK;
}

/* ---- reading rows ---- */

int ag_user_take(ag_rows *rows, ag_arena *arena, ag_user *out, ag_err *err)
{
    *out = (ag_user){.id = ag_rows_int(rows, 0),
                     .admin = ag_rows_int(rows, 2) != 0,
                     .disabled = ag_rows_int(rows, 3) != 0,
                     .created_at = ag_rows_int(rows, 4)};
    return ag_take_text(rows, 1, arena, &out->name, err);
}

int ag_user_find(ag_tx *tx, ag_str name, ag_arena *arena, ag_user *out, const char **password, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_USER_BY_NAME, AG_BINDS(ag_cell_str(name)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0) {
        rc = ag_user_take(rows, arena, out, err);
        if (rc >= 0 && password) rc = ag_take_text(rows, 5, arena, password, err);
    } else if (rc == 0) {
        rc = ag_fail(err, AG_ENOTFOUND, "User with username=%.*s not found", AG_STR_ARG(name));
    }
    ag_rows_free(rows);
    return rc;
}

/* ---- creating and reading ---- */

static int run_create(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t id;
    int rc = ag_tx_get_int(
        tx, &AG_SQL_USER_INSERT,
        AG_BINDS(ag_cell_str(j->name), ag_cell_text(j->hash), ag_cell_int(j->flag), ag_cell_int(ag_now())), &id, err);
    if (rc < 0) return rc;
    if (rc == 0) return ag_fail(err, AG_EEXISTS, "User (username=%.*s) already exists.", AG_STR_ARG(j->name));
    rc = ag_audit_add(tx, j->actor, "user.create", j->name, NULL, err);
    return rc < 0 ? rc : ag_user_find(tx, j->name, j->arena, &j->found, NULL, err);
}

int ag_user_create(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str password, bool admin, ag_arena *arena,
                   ag_user *out, ag_err *err)
{
    char hash[crypto_pwhash_STRBYTES];
    job j = {.actor = actor, .arena = arena, .name = name, .hash = hash, .flag = admin};
    int rc = check_name(name, err);
    if (rc >= 0) rc = hash_password(password, hash, err);
    if (rc >= 0) rc = ag_ledger_write(ledger, run_create, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

static int run_get(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    return ag_user_find(tx, j->name, j->arena, &j->found, &j->password, err);
}

int ag_user_get(ag_ledger *ledger, ag_str name, ag_arena *arena, ag_user *out, ag_err *err)
{
    job j = {.arena = arena, .name = name};
    int rc = ag_db_read(ledger->db, NULL, run_get, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

static int run_list(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    ag_vec_clear(&j->users);
    int rc = ag_tx_query(tx, &AG_SQL_USER_LIST, AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_user *user = ag_vec_add(&j->users);
        rc = user ? ag_user_take(rows, j->arena, user, err) : ag_fail_memory(err, sizeof(*user));
    }
    ag_rows_free(rows);
    return rc;
}

int ag_user_list(ag_ledger *ledger, ag_arena *arena, const ag_user **out, size_t *count, ag_err *err)
{
    job j = {.arena = arena};
    void *items = NULL;
    ag_vec_init(&j.users, sizeof(ag_user));
    int rc = ag_db_read(ledger->db, NULL, run_list, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.users, arena, &items, err);
    if (rc >= 0) {
        *out = items;
        *count = j.users.count;
    }
    ag_vec_deinit(&j.users);
    return rc;
}

/* 1 it is, 0 it is not. */
static int verify(const char *hash, ag_str password, ag_err *err)
{
    if (sodium_init() < 0) return ag_fail(err, AG_EINTERNAL, "libsodium cannot be used on this machine");
    bool possible = hash && *hash && password.size <= AG_MAX_PASSWORD;
    ag_str tried = ag_str_slice(password, 0, AG_MAX_PASSWORD);
    errno = 0;
    int differs = crypto_pwhash_str_verify(possible ? hash : ag_user_nobody, tried.data ? tried.data : "", tried.size);
    if (differs && errno == ENOMEM) return ag_fail_memory(err, HASH_BYTES);
    return possible && !differs;
}

int ag_user_check_password(ag_ledger *ledger, ag_str name, ag_str password, ag_arena *arena, ag_user *out, ag_err *err)
{
    job j = {.arena = arena, .name = name};
    int rc = ag_db_read(ledger->db, NULL, run_get, &j, err);
    if (rc < 0 && rc != AG_ENOTFOUND) return rc;
    bool known = rc >= 0;
    if ((rc = verify(known ? j.password : NULL, password, err)) < 0) return rc;
    if (!rc || !known || j.found.disabled) return ag_fail(err, AG_EAUTH, "the user name or the password is wrong");
    *out = j.found;
    return AG_OK;
}

/* ---- changing ---- */

/* Before an admin stops being one. */
static int expect_other_admin(ag_tx *tx, const ag_user *user, ag_err *err)
{
    int64_t others = 0;
    if (!user->admin || user->disabled) return AG_OK;
    int rc = ag_tx_get_int(tx, &AG_SQL_USER_OTHER_ADMINS, AG_BINDS(ag_cell_int(user->id)), &others, err);
    if (rc < 0 || others) return rc;
    ag_fail(err, AG_ECONFLICT, "user '%s' is the last admin", user->name);
    return ag_err_hint(err, "make another user an admin first");
}

static int run_set_password(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_user_find(tx, j->name, j->arena, &j->found, NULL, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_USER_SET_PASSWORD, AG_BINDS(ag_cell_int(j->found.id), ag_cell_text(j->hash)), NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "user.password", j->name, NULL, err);
}

static int run_set_admin(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_user_find(tx, j->name, j->arena, &j->found, NULL, err);
    if (rc >= 0 && !j->flag) rc = expect_other_admin(tx, &j->found, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_USER_SET_ADMIN, AG_BINDS(ag_cell_int(j->found.id), ag_cell_int(j->flag)), NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, j->flag ? "user.admin" : "user.no-admin", j->name, NULL, err);
}

static int run_set_disabled(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_user_find(tx, j->name, j->arena, &j->found, NULL, err);
    if (rc >= 0 && j->flag) rc = expect_other_admin(tx, &j->found, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_USER_SET_DISABLED, AG_BINDS(ag_cell_int(j->found.id), ag_cell_int(j->flag)), NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, j->flag ? "user.disable" : "user.enable", j->name, NULL, err);
}

static int run_delete(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_user_find(tx, j->name, j->arena, &j->found, NULL, err);
    if (rc >= 0) rc = expect_other_admin(tx, &j->found, err);
    if (rc >= 0) rc = ag_tx_run(tx, &AG_SQL_USER_DELETE, AG_BINDS(ag_cell_int(j->found.id)), NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "user.delete", j->name, NULL, err);
}

static int change(ag_ledger *ledger, job *j, ag_db_fn run, ag_err *err)
{
    j->arena = ag_arena_new(0);
    if (!j->arena) return ag_fail_memory(err, 1);
    int rc = ag_ledger_write(ledger, run, j, err);
    ag_arena_free(j->arena);
    return rc;
}

int ag_user_set_password(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str password, ag_err *err)
{
    char hash[crypto_pwhash_STRBYTES];
    job j = {.actor = actor, .name = name, .hash = hash};
    int rc = hash_password(password, hash, err);
    return rc < 0 ? rc : change(ledger, &j, run_set_password, err);
}

int ag_user_set_admin(ag_ledger *ledger, const ag_actor *actor, ag_str name, bool admin, ag_err *err)
{
    job j = {.actor = actor, .name = name, .flag = admin};
    return change(ledger, &j, run_set_admin, err);
}

int ag_user_set_disabled(ag_ledger *ledger, const ag_actor *actor, ag_str name, bool disabled, ag_err *err)
{
    job j = {.actor = actor, .name = name, .flag = disabled};
    return change(ledger, &j, run_set_disabled, err);
}

int ag_user_delete(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_err *err)
{
    job j = {.actor = actor, .name = name};
    return change(ledger, &j, run_delete, err);
}
