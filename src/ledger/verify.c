// SPDX-License-Identifier: Apache-2.0
/* verify.c: looking whether the ledger is what was written, in five checks, each of which goes on after the findings of
 * those before. Nothing is changed and nothing is kept in memory but a page. A database that is so damaged that a
 * question cannot be answered is a finding, not a failure. */
#include "ledger/verify.h"

#include "ledger/artifact.h"
#include "ledger/audit.h"
#include "ledger/ledger_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { PAGE = 200 };

static const struct {
    const char *check;
    const ag_sql *sql;
} questions[] = {
    {"rows", &AG_SQL_VERIFY_RUNS},       {"rows", &AG_SQL_VERIFY_RUN_STATES},
    {"rows", &AG_SQL_VERIFY_PARAMS},     {"rows", &AG_SQL_VERIFY_RUN_TAGS},
    {"rows", &AG_SQL_VERIFY_SERIES},     {"rows", &AG_SQL_VERIFY_INPUTS},
    {"rows", &AG_SQL_VERIFY_RUN_MODELS}, {"rows", &AG_SQL_VERIFY_LOGGED_MODELS},
    {"rows", &AG_SQL_VERIFY_VERSIONS},   {"rows", &AG_SQL_VERIFY_VERSION_NUMBERS},
    {"rows", &AG_SQL_VERIFY_ALIASES},    {"rows", &AG_SQL_VERIFY_PERMISSIONS},
    {"metrics", &AG_SQL_VERIFY_POINTS},  {"metrics", &AG_SQL_VERIFY_LATEST},
};

typedef struct job {
    ag_ledger *ledger;
    const ag_verify_options *options;
    ag_verify_result *result;
    const ag_sql *sql;
    const char *last;
    int64_t count;
    ag_arena *arena;
    ag_vec items;
} job;

typedef struct claim { /* that files are somewhere */
    const char *what, *uri, *id;
} claim;

static void tell(const job *j, const char *check, const char *text)
{
    j->result->findings++;
    ag_verify_finding finding = {check, text};
    if (j->options->finding) j->options->finding(j->options->context, &finding);
}

/* A failure that says something about the data is told; others are passed on. */
static int tell_failure(const job *j, const char *check, int rc, const ag_err *found, ag_err *err)
{
    if (rc >= 0) return AG_OK;
    if (rc != AG_ECORRUPT && rc != AG_EPARSE) {
        if (err) *err = *found;
        return rc;
    }
    tell(j, check, found->text);
    return AG_OK;
}

static int check_database(job *j, ag_err *err)
{
    ag_err found = {0};
    int rc = ag_db_verify(j->ledger->db, j->options->cancel, &found);
    return tell_failure(j, "database", rc, &found, err);
}

static int check_audit(job *j, ag_err *err)
{
    ag_err found = {0};
    int rc = ag_audit_verify(j->ledger, &j->result->audit_entries, &found);
    return tell_failure(j, "audit", rc, &found, err);
}

/* ---- rows ---- */

static int read_texts(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    ag_vec_clear(&j->items);
    int rc = ag_tx_query(tx, j->sql, AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        const char **text = ag_vec_add(&j->items);
        rc = text ? ag_take_text(rows, 0, j->arena, text, err) : ag_fail_memory(err, sizeof(*text));
    }
    ag_rows_free(rows);
    return rc;
}

static int ask(job *j, const char *check, const ag_sql *sql, ag_err *err)
{
    ag_err found = {0};
    j->sql = sql;
    ag_arena_reset(j->arena);
    ag_vec_init(&j->items, sizeof(const char *));
    int rc = ag_db_read(j->ledger->db, j->options->cancel, read_texts, j, &found);
    for (size_t i = 0; rc >= 0 && i < j->items.count; i++) tell(j, check, *(const char **)ag_vec_at(&j->items, i));
    ag_vec_deinit(&j->items);
    return tell_failure(j, check, rc, &found, err);
}

static int check_rows(job *j, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]) && rc >= 0; i++) {
        rc = ask(j, questions[i].check, questions[i].sql, err);
    }
    return rc;
}

static int read_count(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    return ag_tx_get_int(tx, &AG_SQL_VERIFY_RUN_COUNT, AG_NO_BINDS, &j->count, err);
}

/* ---- artifacts ---- */

static int read_claims(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    ag_vec_clear(&j->items);
    int rc = ag_tx_query(tx, j->sql, AG_BINDS(ag_cell_text(j->last)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        claim *one = ag_vec_add(&j->items);
        if (!one) {
            rc = ag_fail_memory(err, sizeof(*one));
            break;
        }
        rc = ag_take_text(rows, 0, j->arena, &one->what, err);
        if (rc >= 0) rc = ag_take_text(rows, 1, j->arena, &one->uri, err);
        if (rc >= 0) rc = ag_take_text(rows, 2, j->arena, &one->id, err);
    }
    ag_rows_free(rows);
    return rc;
}

/* Places that are not ours to look into are left alone. */
static int check_claim(job *j, const claim *one, ag_err *err)
{
    ag_artifact_place place;
    ag_tree_entry entry;
    ag_err found = {0};
    ag_vec entries;
    ag_vec_init(&entries, sizeof(ag_tree_entry));
    int rc = ag_artifact_resolve(j->ledger, one->uri, AG_STR(""), j->arena, &place, &found);
    if (rc == AG_EDENIED || rc == AG_EINVAL) return AG_OK;
    if (rc >= 0) rc = ag_tree_list(place.tree, place.path, j->arena, &entries, &found);
    bool empty = rc >= 0 && entries.count == 0;
    ag_vec_deinit(&entries);
    if (rc == AG_EINVAL) rc = ag_tree_stat(place.tree, place.path, &entry, &found); /* a single file is fine */
    if (rc == AG_ENOTFOUND || empty) {
        const char *text = ag_arena_printf(j->arena, "the files of %s are not at %s", one->what, one->uri);
        if (!text) return ag_fail_memory(err, 64);
        tell(j, "artifacts", text);
        return AG_OK;
    }
    if (rc >= 0) j->result->artifacts_seen++;
    return tell_failure(j, "artifacts", rc, &found, err);
}

static int check_claims(job *j, const ag_sql *sql, ag_err *err)
{
    char last[64] = "";
    size_t got;
    int rc;
    j->sql = sql;
    j->last = last;
    do {
        ag_arena_reset(j->arena);
        ag_vec_init(&j->items, sizeof(claim));
        rc = ag_db_read(j->ledger->db, j->options->cancel, read_claims, j, err);
        got = j->items.count;
        for (size_t i = 0; i < got && rc >= 0; i++) {
            const claim *one = ag_vec_at(&j->items, i);
            ag_format(last, sizeof(last), "%s", one->id);
            rc = ag_cancel_check(j->options->cancel, err);
            if (rc >= 0) rc = check_claim(j, one, err);
        }
        ag_vec_deinit(&j->items);
    } while (rc >= 0 && got == PAGE);
    j->last = NULL;
    return rc;
}

int ag_ledger_verify(ag_ledger *ledger, const ag_verify_options *options, ag_verify_result *out, ag_err *err)
{
    static const ag_verify_options plain = {0};
    ag_verify_result result = {0};
    ag_err found = {0};
    job j = {.ledger = ledger, .options = options ? options : &plain, .result = &result, .arena = ag_arena_new(0)};
    if (!j.arena) return ag_fail_memory(err, 1);
    int rc = check_database(&j, err);
    if (rc >= 0) rc = check_audit(&j, err);
    if (rc >= 0) rc = check_rows(&j, err);
    if (rc >= 0) rc = tell_failure(&j, "rows", ag_db_read(ledger->db, NULL, read_count, &j, &found), &found, err);
    result.runs = (uint64_t)j.count;
    if (rc >= 0 && j.options->artifacts) rc = check_claims(&j, &AG_SQL_VERIFY_READY_MODELS, err);
    if (rc >= 0 && j.options->artifacts) rc = check_claims(&j, &AG_SQL_VERIFY_VERSION_FILES, err);
    if (rc >= 0) *out = result;
    ag_arena_free(j.arena);
    return rc;
}
