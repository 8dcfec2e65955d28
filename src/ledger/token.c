// SPDX-License-Identifier: Apache-2.0
/* token.c: secrets of programs: 256 random bits behind "agr_". Only their SHA-256 is kept: what has so many bits needs
 * no slow hash, and looking up a digest tells nothing about the token that a guesser could use. */
#include <string.h>

#include "core/base/rng.h"
#include "core/hash/encode.h"
#include "core/hash/hash.h"
#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/statement.h"
#include "ledger/user_private.h"
#include "ledger_sql.h"

enum { SECRET_BYTES = 32, TOKEN_SIZE = 47, MAX_LABEL = 255 };
static const char prefix[] = "agr_";

typedef struct job {
    const ag_actor *actor;
    ag_arena *arena;
    ag_str user, label;
    char digest[65];
    int64_t expires_at, id;
    ag_user found;
    ag_vec tokens;
} job;

static int digest_of(ag_str token, char out[65], ag_err *err)
{
    ag_sha256 digest;
    int rc = ag_sha256_of(token.data, token.size, &digest, err);
    if (rc >= 0) ag_sha256_format(&digest, out);
    return rc;
}

static int make_token(ag_arena *arena, const char **out, ag_err *err)
{
    uint8_t secret[SECRET_BYTES];
    ag_buf text;
    ag_buf_init(&text, 256);
    int rc = ag_random_bytes(secret, sizeof(secret), err);
    ag_buf_add_text(&text, prefix);
    ag_base64_url(&text, (ag_str){(const char *)secret, sizeof(secret)});
    if (rc >= 0) rc = ag_buf_check(&text, "a token", err);
    if (rc >= 0 && !(*out = ag_arena_strndup(arena, text.data, text.size))) rc = ag_fail_memory(err, TOKEN_SIZE);
    ag_buf_deinit(&text);
    return rc;
}

static int run_create(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_user_find(tx, j->user, j->arena, &j->found, NULL, err);
    if (rc < 0) return rc;
    rc = ag_tx_get_int(tx, &AG_SQL_TOKEN_INSERT,
                       AG_BINDS(ag_cell_int(j->found.id), ag_cell_text(j->digest), ag_cell_str(j->label),
                                ag_cell_int(ag_now()), j->expires_at ? ag_cell_int(j->expires_at) : ag_cell_null()),
                       &j->id, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "token.create", j->user, NULL, err);
}

int ag_token_create(ag_ledger *ledger, const ag_actor *actor, ag_str user, ag_str label, int64_t expires_at,
                    ag_arena *arena, const char **token, ag_err *err)
{
    const char *made = NULL;
    job j = {.actor = actor, .arena = arena, .user = user, .expires_at = expires_at};
    j.label = label.data ? label : AG_STR("");
    if (label.size > MAX_LABEL || !ag_utf8_valid(label) || ag_str_find_char(label, '\0', 0) != SIZE_MAX) {
        return ag_fail(err, AG_EINVAL, "a token's label has at most %d bytes of UTF-8", MAX_LABEL);
    }
    if (expires_at < 0) return ag_fail(err, AG_EINVAL, "a token cannot expire before 1970");
    int rc = make_token(arena, &made, err);
    if (rc >= 0) rc = digest_of(ag_str_of(made), j.digest, err);
    if (rc >= 0) rc = ag_ledger_write(ledger, run_create, &j, err);
    if (rc >= 0) *token = made;
    return rc;
}

static int run_check(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_TOKEN_USER, AG_BINDS(ag_cell_text(j->digest), ag_cell_int(ag_now())), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0)
        rc = ag_user_take(rows, j->arena, &j->found, err);
    else if (rc == 0)
        rc = ag_fail(err, AG_EAUTH, "the token is not known or no longer good");
    ag_rows_free(rows);
    return rc;
}

int ag_token_check(ag_ledger *ledger, ag_str token, ag_arena *arena, ag_user *out, ag_err *err)
{
    job j = {.arena = arena};
    if (token.size != TOKEN_SIZE || !ag_str_starts(token, ag_str_of(prefix))) {
        return ag_fail(err, AG_EAUTH, "the token is not known or no longer good");
    }
    int rc = digest_of(token, j.digest, err);
    if (rc >= 0) rc = ag_db_read(ledger->db, NULL, run_check, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

static int run_list(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    ag_vec_clear(&j->tokens);
    int rc = ag_user_find(tx, j->user, j->arena, &j->found, NULL, err);
    if (rc >= 0) rc = ag_tx_query(tx, &AG_SQL_TOKEN_LIST, AG_BINDS(ag_cell_int(j->found.id)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_token *one = ag_vec_add(&j->tokens);
        if (!one) {
            rc = ag_fail_memory(err, sizeof(*one));
            break;
        }
        *one = (ag_token){ag_rows_int(rows, 0), NULL, ag_rows_int(rows, 2), ag_rows_int(rows, 3)};
        rc = ag_take_text(rows, 1, j->arena, &one->label, err);
    }
    ag_rows_free(rows);
    return rc;
}

int ag_token_list(ag_ledger *ledger, ag_str user, ag_arena *arena, const ag_token **out, size_t *count, ag_err *err)
{
    job j = {.arena = arena, .user = user};
    void *items = NULL;
    ag_vec_init(&j.tokens, sizeof(ag_token));
    int rc = ag_db_read(ledger->db, NULL, run_list, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.tokens, arena, &items, err);
    if (rc >= 0) {
        *out = items;
        *count = j.tokens.count;
    }
    ag_vec_deinit(&j.tokens);
    return rc;
}

static int run_revoke(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t changed;
    int rc = ag_user_find(tx, j->user, j->arena, &j->found, NULL, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_TOKEN_DELETE, AG_BINDS(ag_cell_int(j->found.id), ag_cell_int(j->id)), &changed, err);
    if (rc < 0) return rc;
    if (!changed) {
        return ag_fail(err, AG_ENOTFOUND, "user '%s' has no token %lld", j->found.name, (long long)j->id);
    }
    return ag_audit_add(tx, j->actor, "token.revoke", j->user, NULL, err);
}

int ag_token_revoke(ag_ledger *ledger, const ag_actor *actor, ag_str user, int64_t id, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    job j = {.actor = actor, .arena = arena, .user = user, .id = id};
    int rc = ag_ledger_write(ledger, run_revoke, &j, err);
    ag_arena_free(arena);
    return rc;
}
