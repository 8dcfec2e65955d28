// SPDX-License-Identifier: Apache-2.0
/* webhook.c: rows of `webhooks`. A list of events is a text, since it is always read whole. Where a URL may lead is not
 * decided here: that depends on the server that tells. */
#include "ledger/webhook.h"

#include "core/hash/encode.h"
#include "core/io/uri.h"
#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/ledger_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum {
    MAX_NAME = 63,
    MAX_DESCRIPTION = 1000,
    MAX_URL = 500,
    MAX_SECRET = 1000,
    DEFAULT_PAGE = 100,
    LARGEST_PAGE = 1000
};

typedef struct job {
    const ag_actor *actor;
    ag_arena *arena;
    ag_str id;
    const ag_webhook *change;
    const bool *disabled;
    const ag_sql *sql;
    ag_webhook found;
    int64_t limit;
    uint64_t offset;
    ag_vec items;
} job;

/* ---- checking ---- */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int check_name(ag_str name, ag_err *err)
{
    bool good = name.size >= 1 && name.size <= MAX_NAME && is_alphanumeric(name.data[0]) &&
                is_alphanumeric(name.data[name.size - 1]);
    for (size_t i = 0; i < name.size && good; i++) {
        char c = name.data[i];
        good = is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
    }
    if (good) return AG_OK;
    return ag_fail(err, AG_EINVAL,
                   "Webhook name '%.*s' is invalid. It must start and end with a letter or digit, be less than 63 "
                   "characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).",
                   (int)ag_utf8_cut(name, 100), name.data);
}

static int check_url(ag_str url, ag_arena *arena, ag_err *err)
{
    static const char *const schemes[] = {"http", "https", NULL};
    ag_uri parsed;
    if (url.size > MAX_URL) return ag_fail(err, AG_EINVAL, "a webhook's URL has at most %d characters", MAX_URL);
    int rc = ag_uri_parse(arena, url, schemes, &parsed, err);
    if (rc == AG_ENOMEM) return rc;
    if (rc < 0) {
        if (err) err->code = AG_EINVAL;
        ag_err_prefix(err, "Invalid webhook URL");
        return AG_EINVAL;
    }
    if (!parsed.host.size)
        return ag_fail(err, AG_EINVAL, "Webhook URL must include a hostname: '%.*s'", AG_STR_ARG(url));
    if (parsed.user.data || parsed.password.data)
        return ag_fail(err, AG_EINVAL, "Invalid webhook URL: a name or password in it would be shown to every reader");
    return AG_OK;
}

static int check_text(const char *text, const char *what, size_t most, ag_err *err)
{
    if (!text) return AG_OK;
    if (ag_utf8_count(ag_str_of(text)) > most || !ag_utf8_valid(ag_str_of(text)))
        return ag_fail(err, AG_EINVAL, "a webhook's %s has at most %zu characters", what, most);
    return AG_OK;
}

static int check(const ag_webhook *webhook, ag_arena *arena, ag_err *err)
{
    int rc = check_name(ag_str_of(webhook->name), err);
    if (rc >= 0) rc = check_url(ag_str_of(webhook->url), arena, err);
    if (rc >= 0) rc = check_text(webhook->description, "description", MAX_DESCRIPTION, err);
    if (rc >= 0) rc = check_text(webhook->secret, "secret", MAX_SECRET, err);
    if (rc >= 0 && (!webhook->events || !*webhook->events))
        rc = ag_fail(err, AG_EINVAL, "Webhook events must be a non-empty list of WebhookEvent objects: [].");
    return rc;
}

/* ---- rows ---- */

static int take(ag_rows *rows, ag_arena *arena, ag_webhook *out, ag_err *err)
{
    const char **const texts[] = {&out->id, &out->name, &out->description, &out->url, &out->secret, &out->events};
    *out = (ag_webhook){
        .disabled = ag_rows_int(rows, 6) != 0, .created_at = ag_rows_int(rows, 7), .updated_at = ag_rows_int(rows, 8)};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int rc = ag_take_text(rows, i, arena, texts[i], err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int find(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_WEBHOOK_BY_ID, AG_BINDS(ag_cell_str(j->id)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0)
        rc = take(rows, j->arena, &j->found, err);
    else if (rc == 0)
        rc = ag_fail(err, AG_ENOTFOUND, "Webhook with ID %.*s not found.", AG_STR_ARG(j->id));
    ag_rows_free(rows);
    return rc;
}

/* ---- changing ---- */

static int run_create(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    const ag_webhook *w = &j->found;
    int rc = ag_tx_run(tx, &AG_SQL_WEBHOOK_INSERT,
                       AG_BINDS(ag_cell_text(w->id), ag_cell_text(w->name), ag_cell_text(w->description),
                                ag_cell_text(w->url), ag_cell_text(w->secret), ag_cell_text(w->events),
                                ag_cell_int(w->disabled), ag_cell_int(w->created_at)),
                       NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "webhook.create", ag_str_of(w->id), NULL, err);
}

/* A random UUID (version 4). */
static int make_id(ag_arena *arena, const char **out, ag_err *err)
{
    char hex[33];
    int rc = ag_id_new(hex, err);
    if (rc < 0) return rc;
    hex[12] = '4';
    hex[16] = "89ab"[hex[16] & 3];
    *out = ag_arena_printf(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return *out ? AG_OK : ag_fail_memory(err, 40);
}

int ag_webhook_create(ag_ledger *ledger, const ag_actor *actor, ag_webhook *webhook, ag_arena *arena, ag_err *err)
{
    job j = {.actor = actor, .arena = arena, .found = *webhook};
    int rc = check(webhook, arena, err);
    if (rc >= 0) rc = make_id(arena, &j.found.id, err);
    j.found.created_at = j.found.updated_at = ag_now();
    if (rc >= 0) rc = ag_ledger_write(ledger, run_create, &j, err);
    if (rc >= 0) *webhook = j.found;
    return rc;
}

static void merge(const ag_webhook *change, const bool *disabled, ag_webhook *into)
{
    if (change->name) into->name = change->name;
    if (change->description) into->description = change->description;
    if (change->url) into->url = change->url;
    if (change->secret) into->secret = *change->secret ? change->secret : NULL;
    if (change->events) into->events = change->events;
    if (disabled) into->disabled = *disabled;
    into->updated_at = ag_now();
}

static int run_update(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_webhook *w = &j->found;
    int rc = find(tx, j, err);
    if (rc < 0) return rc;
    merge(j->change, j->disabled, w);
    if ((rc = check(w, j->arena, err)) < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_WEBHOOK_UPDATE,
                   AG_BINDS(ag_cell_text(w->id), ag_cell_text(w->name), ag_cell_text(w->description),
                            ag_cell_text(w->url), ag_cell_text(w->secret), ag_cell_text(w->events),
                            ag_cell_int(w->disabled), ag_cell_int(w->updated_at)),
                   NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "webhook.update", ag_str_of(w->id), NULL, err);
}

int ag_webhook_update(ag_ledger *ledger, const ag_actor *actor, ag_str id, const ag_webhook *change,
                      const bool *disabled, ag_arena *arena, ag_webhook *out, ag_err *err)
{
    job j = {.actor = actor, .arena = arena, .id = id, .change = change, .disabled = disabled};
    int rc = ag_ledger_write(ledger, run_update, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

static int run_delete(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = find(tx, j, err);
    if (rc >= 0) rc = ag_tx_run(tx, &AG_SQL_WEBHOOK_DELETE, AG_BINDS(ag_cell_str(j->id)), NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "webhook.delete", j->id, NULL, err);
}

int ag_webhook_delete(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err)
{
    job j = {.actor = actor, .arena = ag_arena_new(0), .id = id};
    if (!j.arena) return ag_fail_memory(err, 1);
    int rc = ag_ledger_write(ledger, run_delete, &j, err);
    ag_arena_free(j.arena);
    return rc;
}

/* ---- reading ---- */

int ag_webhook_get(ag_ledger *ledger, ag_str id, ag_arena *arena, ag_webhook *out, ag_err *err)
{
    job j = {.arena = arena, .id = id};
    int rc = ag_db_read(ledger->db, NULL, find, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

static int run_list(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_rows *rows = NULL;
    ag_cell binds[] = {ag_cell_int(j->limit), ag_cell_int((int64_t)j->offset)};
    ag_vec_clear(&j->items);
    int rc = ag_tx_query(tx, j->sql, binds, j->limit ? 2 : 0, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_webhook *one = ag_vec_add(&j->items);
        rc = one ? take(rows, j->arena, one, err) : ag_fail_memory(err, sizeof(*one));
    }
    ag_rows_free(rows);
    return rc;
}

int ag_webhook_list(ag_ledger *ledger, uint32_t max_results, ag_str token, ag_arena *arena, ag_webhooks_page *out,
                    ag_err *err)
{
    job j = {.arena = arena, .sql = &AG_SQL_WEBHOOK_LIST};
    void *items = NULL;
    uint32_t size = 0;
    const char *next = NULL;
    ag_vec_init(&j.items, sizeof(ag_webhook));
    int rc = ag_page_size(max_results, DEFAULT_PAGE, LARGEST_PAGE, &size, err);
    if (rc >= 0) rc = ag_page_offset(token, &j.offset, err);
    j.limit = (int64_t)size + 1;
    if (rc >= 0) rc = ag_db_read(ledger->db, NULL, run_list, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.items, arena, &items, err);
    bool more = j.items.count > size;
    if (rc >= 0 && more && !(next = ag_page_token(arena, j.offset + size))) rc = ag_fail_memory(err, 1);
    if (rc >= 0) *out = (ag_webhooks_page){items, more ? size : j.items.count, next};
    ag_vec_deinit(&j.items);
    return rc;
}

bool ag_webhook_hears(const ag_webhook *webhook, const char *event)
{
    ag_str rest = ag_str_of(webhook->events), part;
    while (ag_str_next(&rest, ' ', &part))
        if (ag_str_is(part, event)) return true;
    return false;
}

int ag_webhook_of_event(ag_ledger *ledger, const char *event, ag_arena *arena, const ag_webhook **out, size_t *count,
                        ag_err *err)
{
    job j = {.arena = arena, .sql = &AG_SQL_WEBHOOK_ACTIVE};
    void *items = NULL;
    size_t kept = 0;
    ag_vec_init(&j.items, sizeof(ag_webhook));
    int rc = ag_db_read(ledger->db, NULL, run_list, &j, err);
    for (size_t i = 0; rc >= 0 && i < j.items.count; i++) {
        ag_webhook *all = j.items.items;
        if (ag_webhook_hears(&all[i], event)) all[kept++] = all[i];
    }
    if (rc >= 0) rc = ag_take_items(&j.items, arena, &items, err);
    ag_vec_deinit(&j.items);
    if (rc < 0) return rc;
    *out = items;
    *count = kept;
    return AG_OK;
}
