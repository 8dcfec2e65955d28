// SPDX-License-Identifier: Apache-2.0
/* experiment.c: the life of experiments.
 * A name belongs to one experiment for ever, also while it is deleted. Deleting marks its active runs with 2, so that
 * restoring brings back just those. Each call is one unit; changes are audited in it. */
#include "ledger/experiment.h"

#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/collect.h"
#include "ledger/ledger_private.h"
#include "ledger/permission.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { DEFAULT_PAGE = 1000, LARGEST_PAGE = 50000 };

typedef struct job { /* one call: what it was given and what it found */
    ag_ledger *ledger;
    const ag_actor *actor;
    ag_arena *arena;
    ag_str id;
    ag_str name;
    ag_str location;
    ag_pairs tags;
    ag_experiment found;
    const char *new_id;
} job;

static int missing(ag_str id, ag_err *err)
{
    return ag_fail(err, AG_ENOTFOUND, "No Experiment with id=%.*s exists", AG_STR_ARG(id));
}

static int take(ag_rows *rows, ag_arena *arena, ag_experiment *out, ag_err *err)
{
    int rc;
    *out = (ag_experiment){
        .deleted = ag_rows_int(rows, 3) != 0, .created_at = ag_rows_int(rows, 4), .updated_at = ag_rows_int(rows, 5)};
    if (!(out->id = ag_arena_printf(arena, "%lld", (long long)ag_rows_int(rows, 0)))) return ag_fail_memory(err, 20);
    if ((rc = ag_take_text(rows, 1, arena, &out->name, err)) < 0) return rc;
    return ag_take_text(rows, 2, arena, &out->artifact_location, err);
}

static void give_tags(void *context, size_t owner, const void *items, size_t count)
{
    ag_experiment *experiments = context;
    experiments[owner].tags = (ag_pairs){items, count};
}

static int take_tags(ag_tx *tx, ag_arena *arena, ag_experiment *items, size_t count, ag_err *err)
{
    ag_collect tags = {&AG_SQL_EXPERIMENT_TAGS, sizeof(ag_pair), ag_collect_pair, give_tags, items};
    ag_cell *owners = ag_arena_array(arena, count + 1, sizeof(*owners));
    if (!owners) return ag_fail_memory(err, count * sizeof(*owners));
    for (size_t i = 0; i < count; i++) {
        int64_t number = 0;
        ag_experiment_number(ag_str_of(items[i].id), &number);
        owners[i] = ag_cell_int(number);
    }
    return ag_collect_run(&tags, tx, arena, owners, count, err);
}

/* 1 found, 0 not. */
static int find(ag_tx *tx, const ag_sql *sql, ag_cell key, ag_arena *arena, ag_experiment *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, sql, &key, 1, &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0) {
        int taken = take(rows, arena, out, err);
        if (taken < 0) rc = taken;
    }
    ag_rows_free(rows);
    return rc;
}

static int find_by_id(ag_tx *tx, job *j, ag_err *err)
{
    int64_t number;
    if (!ag_experiment_number(j->id, &number)) {
        return ag_fail(err, AG_EINVAL, "Invalid experiment ID '%.*s'. Experiment ID must be a valid integer.",
                       (int)ag_utf8_cut(j->id, 100), j->id.data);
    }
    int rc = find(tx, &AG_SQL_EXPERIMENT_BY_ID, ag_cell_int(number), j->arena, &j->found, err);
    return rc == 0 ? missing(j->id, err) : rc;
}

/* ---- creating ---- */

static int check_new(const job *j, ag_err *err)
{
    if (ag_str_trim(j->name).size == 0) {
        return ag_fail(err, AG_EINVAL, "Invalid experiment name: ''. The name must not be empty");
    }
    if (ag_utf8_count(j->name) > AG_MAX_EXPERIMENT_NAME) {
        return ag_fail(err, AG_EINVAL, "'name' exceeds the maximum length of %d characters", AG_MAX_EXPERIMENT_NAME);
    }
    if (!ag_utf8_valid(j->name) || ag_str_find_char(j->name, '\0', 0) != SIZE_MAX) {
        return ag_fail(err, AG_EINVAL, "Invalid experiment name: it is not valid UTF-8 text");
    }
    return AG_OK;
}

static int check_tag(ag_pair tag, ag_err *err)
{
    int rc = ag_key_check(tag.key, "experiment tag", err);
    if (rc < 0) return rc;
    if (ag_utf8_count(tag.value) > AG_MAX_EXPERIMENT_TAG_VALUE) {
        return ag_fail(err, AG_EINVAL, "Experiment tag value had length %zu, which exceeded length limit of %d",
                       ag_utf8_count(tag.value), AG_MAX_EXPERIMENT_TAG_VALUE);
    }
    return AG_OK;
}

/* 1 when it was made, 0 when the name is taken. */
static int insert(ag_tx *tx, job *j, ag_err *err)
{
    int64_t number;
    const char *location = j->location.size ? ag_arena_strndup(j->arena, j->location.data, j->location.size) : "";
    if (!location) return ag_fail_memory(err, j->location.size);
    int rc = ag_tx_get_int(tx, &AG_SQL_EXPERIMENT_INSERT,
                           AG_BINDS(ag_cell_str(j->name), ag_cell_text(location), ag_cell_int(ag_now())), &number, err);
    if (rc <= 0) return rc;
    if (!(j->new_id = ag_arena_printf(j->arena, "%lld", (long long)number))) return ag_fail_memory(err, 20);
    if (!*location) {
        location = ag_ledger_location(j->arena, j->ledger->artifact_root, j->new_id);
        if (!location) return ag_fail_memory(err, 1);
        rc = ag_tx_run(tx, &AG_SQL_EXPERIMENT_PLACE, AG_BINDS(ag_cell_int(number), ag_cell_text(location)), NULL, err);
    }
    for (size_t i = 0; i < j->tags.count && rc >= 0; i++) {
        const ag_pair *tag = &j->tags.items[i];
        rc = ag_tx_run(tx, &AG_SQL_EXPERIMENT_SET_TAG,
                       AG_BINDS(ag_cell_int(number), ag_cell_str(tag->key), ag_cell_value(tag->value)), NULL, err);
    }
    if (rc >= 0) {
        rc = ag_permission_grant_maker(tx, j->actor, AG_RESOURCE_EXPERIMENT, ag_str_of(j->new_id), err);
    }
    if (rc >= 0) rc = ag_audit_add(tx, j->actor, "experiment.create", ag_str_of(j->new_id), NULL, err);
    return rc < 0 ? rc : 1;
}

static int run_create(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = insert(tx, j, err);
    return rc ? rc : ag_fail(err, AG_EEXISTS, "Experiment(name=%.*s) already exists.", AG_STR_ARG(j->name));
}

int ag_experiment_create(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str artifact_location, ag_pairs tags,
                         ag_arena *arena, const char **id, ag_err *err)
{
    job j = {
        .ledger = ledger, .actor = actor, .arena = arena, .name = name, .location = artifact_location, .tags = tags};
    int rc = check_new(&j, err);
    for (size_t i = 0; i < tags.count && rc >= 0; i++) rc = check_tag(tags.items[i], err);
    if (rc >= 0) rc = ag_artifact_location_check(artifact_location, err);
    if (rc >= 0) rc = ag_ledger_write(ledger, run_create, &j, err);
    if (rc >= 0) *id = j.new_id;
    return rc;
}

static int run_ensure(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = find(tx, &AG_SQL_EXPERIMENT_BY_NAME, ag_cell_str(j->name), j->arena, &j->found, err);
    if (rc == 0) {
        if ((rc = insert(tx, j, err)) != 0) return rc;
        /* Somebody else made it since we looked: now it is there. */
        rc = find(tx, &AG_SQL_EXPERIMENT_BY_NAME, ag_cell_str(j->name), j->arena, &j->found, err);
    }
    if (rc > 0 && j->found.deleted) {
        ag_fail(err, AG_ECONFLICT, "experiment '%.*s' is deleted", AG_STR_ARG(j->name));
        return ag_err_hint(err, "restore it, or choose another name");
    }
    j->new_id = j->found.id;
    return rc;
}

int ag_experiment_ensure(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_arena *arena, const char **id,
                         ag_err *err)
{
    job j = {.ledger = ledger, .actor = actor, .arena = arena, .name = name};
    int rc = check_new(&j, err);
    if (rc >= 0) rc = ag_ledger_write(ledger, run_ensure, &j, err);
    if (rc >= 0) *id = j.new_id;
    return rc;
}

/* ---- reading ---- */

static int read_by_id(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = find_by_id(tx, j, err);
    return rc < 0 ? rc : take_tags(tx, j->arena, &j->found, 1, err);
}

int ag_experiment_get(ag_ledger *ledger, ag_str id, ag_arena *arena, ag_experiment *out, ag_err *err)
{
    job j = {.ledger = ledger, .arena = arena, .id = id};
    int rc = ag_db_read(ledger->db, NULL, read_by_id, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

static int read_by_name(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = find(tx, &AG_SQL_EXPERIMENT_BY_NAME, ag_cell_str(j->name), j->arena, &j->found, err);
    if (rc == 0) {
        return ag_fail(err, AG_ENOTFOUND, "Could not find experiment with name '%.*s'", AG_STR_ARG(j->name));
    }
    return rc < 0 ? rc : take_tags(tx, j->arena, &j->found, 1, err);
}

int ag_experiment_by_name(ag_ledger *ledger, ag_str name, ag_arena *arena, ag_experiment *out, ag_err *err)
{
    job j = {.ledger = ledger, .arena = arena, .name = name};
    int rc = ag_db_read(ledger->db, NULL, read_by_name, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

/* ---- changing ---- */

static int set_name(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t number = 0, taken = 0;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = find_by_id(tx, j, err);
    if (rc < 0) return rc;
    if (j->found.deleted) return ag_fail(err, AG_ECONFLICT, "Cannot rename a non-active experiment.");
    ag_experiment_number(j->id, &number);
    rc = ag_tx_get_int(tx, &AG_SQL_EXPERIMENT_NAME_TAKEN, AG_BINDS(ag_cell_str(j->name), ag_cell_int(number)), &taken,
                       err);
    if (rc < 0) return rc;
    if (taken) return ag_fail(err, AG_EEXISTS, "Experiment(name=%.*s) already exists.", AG_STR_ARG(j->name));
    rc = ag_tx_run(tx, &AG_SQL_EXPERIMENT_RENAME,
                   AG_BINDS(ag_cell_int(number), ag_cell_str(j->name), ag_cell_int(ag_now())), NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "experiment.rename", j->id, NULL, err);
}

int ag_experiment_rename(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_str name, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    job j = {.ledger = ledger, .actor = actor, .arena = arena, .id = id, .name = name};
    int rc = check_new(&j, err);
    if (rc >= 0) rc = ag_ledger_write(ledger, set_name, &j, err);
    ag_arena_free(arena);
    return rc;
}

static int set_deleted(ag_tx *tx, job *j, bool deleted, ag_err *err)
{
    int64_t number = 0, changed = 0, now = ag_now();
    int rc = find_by_id(tx, j, err);
    if (rc < 0) return rc;
    if (j->found.deleted == deleted) {
        /* MLflow's stores differ here; its clients know this code for both. */
        return deleted ? missing(j->id, err)
                       : ag_fail(err, AG_ENOTFOUND, "No deleted experiment with id=%.*s exists", AG_STR_ARG(j->id));
    }
    ag_experiment_number(j->id, &number);
    rc = ag_tx_run(tx, &AG_SQL_EXPERIMENT_SET_DELETED,
                   AG_BINDS(ag_cell_int(number), ag_cell_int(deleted), ag_cell_int(now)), &changed, err);
    if (rc < 0) return rc;
    if (!changed) {
        return ag_fail(err, AG_ECONFLICT, "experiment %.*s is being removed for ever", AG_STR_ARG(j->id));
    }
    rc = deleted
             ? ag_tx_run(tx, &AG_SQL_EXPERIMENT_DELETE_RUNS, AG_BINDS(ag_cell_int(number), ag_cell_int(now)), NULL, err)
             : ag_tx_run(tx, &AG_SQL_EXPERIMENT_RESTORE_RUNS, AG_BINDS(ag_cell_int(number)), NULL, err);
    if (rc < 0) return rc;
    return ag_audit_add(tx, j->actor, deleted ? "experiment.delete" : "experiment.restore", j->id, NULL, err);
}

static int run_delete(ag_tx *tx, void *context, ag_err *err)
{
    return set_deleted(tx, context, true, err);
}

static int run_restore(ag_tx *tx, void *context, ag_err *err)
{
    return set_deleted(tx, context, false, err);
}

static int change(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_db_fn run, ag_pairs tags, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    job j = {.ledger = ledger, .actor = actor, .arena = arena, .id = id, .tags = tags};
    int rc = ag_ledger_write(ledger, run, &j, err);
    ag_arena_free(arena);
    return rc;
}

int ag_experiment_delete(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err)
{
    return change(ledger, actor, id, run_delete, (ag_pairs){0}, err);
}

int ag_experiment_restore(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err)
{
    return change(ledger, actor, id, run_restore, (ag_pairs){0}, err);
}

static int find_active(ag_tx *tx, job *j, int64_t *number, ag_err *err)
{
    int rc = find_by_id(tx, j, err);
    if (rc < 0) return rc;
    ag_experiment_number(j->id, number);
    if (!j->found.deleted) return AG_OK;
    return ag_fail(err, AG_EINVAL, "The experiment %.*s must be in the 'active' state. Current state is deleted.",
                   AG_STR_ARG(j->id));
}

static int run_set_tag(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t number;
    int rc = find_active(tx, j, &number, err);
    if (rc < 0) return rc;
    const ag_pair *tag = j->tags.items;
    rc = ag_tx_run(tx, &AG_SQL_EXPERIMENT_SET_TAG,
                   AG_BINDS(ag_cell_int(number), ag_cell_str(tag->key), ag_cell_value(tag->value)), NULL, err);
    if (rc < 0) return rc;
    return ag_tx_run(tx, &AG_SQL_EXPERIMENT_TOUCH, AG_BINDS(ag_cell_int(number), ag_cell_int(ag_now())), NULL, err);
}

int ag_experiment_set_tag(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_pair tag, ag_err *err)
{
    int rc = check_tag(tag, err);
    return rc < 0 ? rc : change(ledger, actor, id, run_set_tag, (ag_pairs){&tag, 1}, err);
}

static int run_delete_tag(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t number, changed;
    int rc = find_active(tx, j, &number, err);
    if (rc < 0) return rc;
    ag_str key = j->tags.items->key;
    rc = ag_tx_run(tx, &AG_SQL_EXPERIMENT_DELETE_TAG, AG_BINDS(ag_cell_int(number), ag_cell_str(key)), &changed, err);
    if (rc < 0 || changed) return rc;
    return ag_fail(err, AG_ENOTFOUND, "No tag with name: %.*s in experiment with id %.*s", AG_STR_ARG(key),
                   AG_STR_ARG(j->id));
}

int ag_experiment_delete_tag(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_str key, ag_err *err)
{
    ag_pair tag = {.key = key};
    return change(ledger, actor, id, run_delete_tag, (ag_pairs){&tag, 1}, err);
}

/* ---- searching ---- */

typedef struct search_job {
    const ag_ledger *ledger;
    const char *reader;
    ag_view view;
    uint32_t size;
    uint64_t offset;
    const ag_search_sql *search;
    ag_arena *arena;
    ag_vec items;
} search_job;

static int run_search(ag_tx *tx, void *context, ag_err *err)
{
    search_job *j = context;
    ag_sql sql;
    ag_rows *rows = NULL;
    size_t count;
    ag_vec_clear(&j->items);
    ag_cell fixed[] = {ag_cell_int(j->view), ag_cell_int((int64_t)j->size + 1), ag_cell_int((int64_t)j->offset)};
    ag_cell *binds = ag_statement_binds(j->arena, fixed, 3, j->search, &count);
    if (!binds) return ag_fail_memory(err, 1);
    const char *visible;
    int rc = ag_visible_rule(tx, j->ledger, j->reader, AG_RESOURCE_EXPERIMENT, "CAST(e.id AS TEXT)", j->arena, &visible,
                             err);
    if (rc < 0) return rc;
    ag_mark marks[] = {{"/*joins*/", j->search->joins},
                       {"/*visible*/", visible},
                       {"/*where*/", j->search->where},
                       {"/*order*/", j->search->order}};
    rc = ag_statement_fill(j->arena, &AG_SQL_EXPERIMENT_SEARCH, ag_tx_dialect(tx), marks, 4, &sql, err);
    if (rc >= 0) rc = ag_tx_query(tx, &sql, binds, count, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_experiment *item = ag_vec_add(&j->items);
        rc = item ? take(rows, j->arena, item, err) : ag_fail_memory(err, sizeof(*item));
    }
    ag_rows_free(rows);
    return rc < 0 ? rc : take_tags(tx, j->arena, j->items.items, j->items.count, err);
}

int ag_experiment_search(ag_ledger *ledger, ag_view view, const ag_page_request *page, ag_arena *arena,
                         ag_experiments *out, ag_err *err)
{
    ag_search_sql search;
    search_job j = {.ledger = ledger, .reader = page->reader, .view = view, .search = &search, .arena = arena};
    ag_search_request request = {.filter = page->filter,
                                 .order_by = page->order_by,
                                 .order_count = page->order_count,
                                 .dialect = ag_db_dialect(ledger->db),
                                 .first_placeholder = 4};
    void *items = NULL;
    ag_vec_init(&j.items, sizeof(ag_experiment));
    int rc = ag_page_size(page->max_results, DEFAULT_PAGE, LARGEST_PAGE, &j.size, err);
    if (rc >= 0) rc = ag_page_offset(page->token, &j.offset, err);
    if (rc >= 0) rc = ag_search_compile(&ag_search_experiments, &request, arena, &search, err);
    if (rc >= 0) rc = ag_db_read(ledger->db, NULL, run_search, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.items, arena, &items, err);
    if (rc >= 0) {
        bool more = j.items.count > j.size;
        *out = (ag_experiments){items, more ? j.size : j.items.count, NULL};
        if (more && !(out->next = ag_page_token(arena, j.offset + j.size))) rc = ag_fail_memory(err, 1);
    }
    ag_vec_deinit(&j.items);
    return rc;
}
