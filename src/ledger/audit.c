// SPDX-License-Identifier: Apache-2.0
/* audit.c: the chain of changes.
 * Invariant: row n + 1 holds SHA-256(hash of row n, then each field with its length). The first row follows 64 zeros.
 * Lengths go in so that no two different rows have the same bytes. Numbers have no gaps: the writer of a row holds the
 * chain's lock until its unit ends. */
#include "ledger/audit.h"

#include <string.h>

#include "core/doc/json.h"
#include "core/hash/hash.h"
#include "core/sys/clock.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

static const char first_hash[65] = "0000000000000000000000000000000000000000000000000000000000000000";

enum { VERIFY_PAGE = 1000 };

static void add_field(ag_buf *buf, const char *text)
{
    if (!text) {
        ag_buf_add_text(buf, "-;");
        return;
    }
    ag_buf_addf(buf, "%zu:%s;", strlen(text), text);
}

static int hash_entry(const char *previous, const ag_audit_entry *entry, char out[65], ag_err *err)
{
    ag_buf buf;
    ag_sha256 digest;
    ag_buf_init(&buf, 64 << 20);
    ag_buf_addf(&buf, "%s;%lld;%lld;", previous, (long long)entry->id, (long long)entry->at);
    add_field(&buf, entry->actor);
    add_field(&buf, entry->request);
    add_field(&buf, entry->what);
    add_field(&buf, entry->subject);
    add_field(&buf, entry->detail);
    int rc = ag_buf_check(&buf, "an audit entry", err);
    if (rc >= 0) rc = ag_sha256_of(buf.data, buf.size, &digest, err);
    if (rc >= 0) ag_sha256_format(&digest, out);
    ag_buf_deinit(&buf);
    return rc;
}

static int read_last(ag_tx *tx, int64_t *id, char hash[65], ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_AUDIT_LAST, AG_NO_BINDS, &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    *id = 0;
    memcpy(hash, first_hash, 65);
    if (rc > 0) {
        ag_str text = ag_rows_text(rows, 1);
        *id = ag_rows_int(rows, 0);
        if (text.size == 64) memcpy(hash, text.data, 64);
    }
    ag_rows_free(rows);
    return rc < 0 ? rc : AG_OK;
}

int ag_audit_begin(ag_tx *tx, ag_err *err)
{
    int64_t held;
    int rc = ag_tx_get_int(tx, &AG_SQL_AUDIT_LOCK, AG_NO_BINDS, &held, err);
    return rc < 0 ? rc : AG_OK;
}

int ag_audit_add(ag_tx *tx, const ag_actor *actor, const char *what, ag_str subject, const char *detail, ag_err *err)
{
    char previous[65], hash[65];
    int64_t last;
    int rc = ag_audit_begin(tx, err);
    if (rc < 0 || (rc = read_last(tx, &last, previous, err)) < 0) return rc;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_audit_entry entry = {
        .id = last + 1,
        .at = ag_now(),
        .actor = actor ? actor->name : NULL,
        .request = actor ? actor->request : NULL,
        .what = what,
        .subject = ag_arena_strndup(arena, subject.data, subject.size),
        .detail = detail,
    };
    rc = entry.subject ? hash_entry(previous, &entry, hash, err) : ag_fail_memory(err, subject.size + 1);
    if (rc >= 0) {
        rc = ag_tx_run(tx, &AG_SQL_AUDIT_INSERT,
                       AG_BINDS(ag_cell_int(entry.id), ag_cell_int(entry.at), ag_cell_text(entry.actor),
                                ag_cell_text(entry.request), ag_cell_text(what), ag_cell_text(entry.subject),
                                ag_cell_text(detail), ag_cell_text(hash)),
                       NULL, err);
    }
    ag_arena_free(arena);
    return rc;
}

const char *ag_audit_detail(ag_arena *arena, const char *name, ag_str value)
{
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_name(&json, name);
    ag_json_str(&json, value);
    ag_json_end_object(&json);
    const char *copy = ag_json_end_document(&json, NULL) < 0 ? NULL : ag_arena_strndup(arena, text.data, text.size);
    ag_buf_deinit(&text);
    return copy;
}

typedef struct list_job {
    int64_t after;
    size_t count;
    ag_arena *arena;
    ag_vec entries;
    ag_vec hashes; /* const char *, beside the entries */
} list_job;

static int take_entry(list_job *job, ag_rows *rows, ag_err *err)
{
    ag_audit_entry entry = {.id = ag_rows_int(rows, 0), .at = ag_rows_int(rows, 1)};
    const char *hash;
    int rc;
    if ((rc = ag_take_text(rows, 2, job->arena, &entry.actor, err)) < 0) return rc;
    if ((rc = ag_take_text(rows, 3, job->arena, &entry.request, err)) < 0) return rc;
    if ((rc = ag_take_text(rows, 4, job->arena, &entry.what, err)) < 0) return rc;
    if ((rc = ag_take_text(rows, 5, job->arena, &entry.subject, err)) < 0) return rc;
    if ((rc = ag_take_text(rows, 6, job->arena, &entry.detail, err)) < 0) return rc;
    if ((rc = ag_take_text(rows, 7, job->arena, &hash, err)) < 0) return rc;
    if ((rc = ag_vec_push(&job->entries, &entry, err)) < 0) return rc;
    return ag_vec_push(&job->hashes, &hash, err);
}

static int read_page(ag_tx *tx, void *context, ag_err *err)
{
    list_job *job = context;
    ag_rows *rows = NULL;
    ag_vec_clear(&job->entries);
    ag_vec_clear(&job->hashes);
    int rc = ag_tx_query(tx, &AG_SQL_AUDIT_AFTER, AG_BINDS(ag_cell_int(job->after), ag_cell_int((int64_t)job->count)),
                         &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) rc = take_entry(job, rows, err);
    ag_rows_free(rows);
    return rc;
}

static void init_job(list_job *job, int64_t after, size_t count, ag_arena *arena)
{
    *job = (list_job){.after = after, .count = count, .arena = arena};
    ag_vec_init(&job->entries, sizeof(ag_audit_entry));
    ag_vec_init(&job->hashes, sizeof(const char *));
}

static void deinit_job(list_job *job)
{
    ag_vec_deinit(&job->entries);
    ag_vec_deinit(&job->hashes);
}

int ag_audit_list(ag_ledger *ledger, int64_t after, size_t count, ag_arena *arena, const ag_audit_entry **out,
                  size_t *out_count, ag_err *err)
{
    list_job job;
    init_job(&job, after, count, arena);
    void *items = NULL;
    int rc = ag_db_read(ag_ledger_db(ledger), NULL, read_page, &job, err);
    if (rc >= 0) rc = ag_take_items(&job.entries, arena, &items, err);
    if (rc >= 0) {
        *out = items;
        *out_count = job.entries.count;
    }
    deinit_job(&job);
    return rc;
}

/* Checks one page against the hash before it, which it moves on. */
static int verify_page(const list_job *job, char previous[65], ag_err *err)
{
    for (size_t i = 0; i < job->entries.count; i++) {
        const ag_audit_entry *entry = ag_vec_at(&job->entries, i);
        const char *stored = *(const char *const *)ag_vec_at(&job->hashes, i);
        int64_t expected = job->after + 1 + (int64_t)i;
        if (entry->id != expected) {
            return ag_fail(err, AG_ECORRUPT, "audit entry %lld is missing", (long long)expected);
        }
        char hash[65];
        int rc = hash_entry(previous, entry, hash, err);
        if (rc < 0) return rc;
        if (!stored || strcmp(stored, hash) != 0) {
            return ag_fail(err, AG_ECORRUPT,
                           "audit entry %lld (%s of '%s') is not what was written: it or the one before was altered",
                           (long long)entry->id, entry->what, entry->subject);
        }
        memcpy(previous, hash, 65);
    }
    return AG_OK;
}

int ag_audit_verify(ag_ledger *ledger, uint64_t *entries, ag_err *err)
{
    char previous[65];
    memcpy(previous, first_hash, 65);
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    list_job job;
    init_job(&job, 0, VERIFY_PAGE, arena);
    int rc;
    do {
        ag_arena_reset(arena);
        rc = ag_db_read(ag_ledger_db(ledger), NULL, read_page, &job, err);
        if (rc >= 0) rc = verify_page(&job, previous, err);
        job.after += (int64_t)job.entries.count;
    } while (rc >= 0 && job.entries.count == VERIFY_PAGE);
    if (rc >= 0 && entries) *entries = (uint64_t)job.after;
    deinit_job(&job);
    ag_arena_free(arena);
    return rc;
}
