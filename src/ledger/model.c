// SPDX-License-Identifier: Apache-2.0
/* model.c: registered models: names, descriptions, tags. Versions and aliases are in version.c.
 * A name is unique; deleting a model takes everything below it along, so its name is free again but its old version
 * numbers are gone with it. Each call is one unit and audited. */
#include "ledger/model.h"

#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/collect.h"
#include "ledger/model_private.h"
#include "ledger/permission.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { DEFAULT_PAGE = 100, LARGEST_PAGE = 1000, MAX_NAME = 256 };

typedef struct job {
    const ag_actor *actor;
    ag_arena *arena;
    ag_str name, new_name, description;
    ag_pairs tags;
    const ag_stage *stages;
    size_t stage_count;
    ag_model_row found;
    const ag_version *versions;
    size_t version_count;
} job;

int ag_model_name_check(ag_str name, ag_err *err)
{
    if (ag_str_trim(name).size == 0) {
        return ag_fail(err, AG_EINVAL, "Registered model name cannot be empty.");
    }
    if (ag_utf8_count(name) > MAX_NAME) {
        return ag_fail(err, AG_EINVAL, "a registered model's name has at most %d characters", MAX_NAME);
    }
    if (ag_str_find_char(name, '/', 0) != SIZE_MAX || ag_str_find_char(name, ':', 0) != SIZE_MAX) {
        return ag_fail(err, AG_EINVAL, "Invalid model name '%.*s'. Names cannot contain '/' or ':'.", AG_STR_ARG(name));
    }
    if (!ag_utf8_valid(name) || ag_str_find_char(name, '\0', 0) != SIZE_MAX) {
        return ag_fail(err, AG_EINVAL, "Invalid model name: it is not valid UTF-8 text");
    }
    return AG_OK;
}

int ag_model_tag_check(ag_pair tag, size_t max_value, ag_err *err)
{
    int rc = ag_key_check(tag.key, "tag", err);
    if (rc < 0) return rc;
    if (ag_utf8_count(tag.value) > max_value) {
        return ag_fail(err, AG_EINVAL, "Tag value had length %zu, which exceeded length limit of %zu",
                       ag_utf8_count(tag.value), max_value);
    }
    if (!ag_utf8_valid(tag.value) || ag_str_find_char(tag.value, '\0', 0) != SIZE_MAX) {
        return ag_fail(err, AG_EINVAL, "Tag value is not valid UTF-8 text");
    }
    return AG_OK;
}

bool ag_model_asks_for_prompts(ag_str filter)
{
    return ag_str_find(filter, AG_STR("mlflow.prompt.is_prompt"), 0) != SIZE_MAX;
}

/* ---- reading rows ---- */

static int take(ag_rows *rows, ag_arena *arena, ag_model_row *out, ag_err *err)
{
    int rc;
    *out = (ag_model_row){.id = ag_rows_int(rows, 0)};
    out->model.created_at = ag_rows_int(rows, 4);
    out->model.updated_at = ag_rows_int(rows, 5);
    if ((rc = ag_take_text(rows, 1, arena, &out->model.name, err)) < 0) return rc;
    if ((rc = ag_take_text(rows, 2, arena, &out->model.description, err)) < 0) return rc;
    return ag_take_text(rows, 3, arena, &out->model.user_id, err);
}

int ag_model_find(ag_tx *tx, ag_str name, ag_arena *arena, ag_model_row *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_MODEL_BY_NAME, AG_BINDS(ag_cell_str(name)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0)
        rc = take(rows, arena, out, err);
    else if (rc == 0)
        rc = ag_fail(err, AG_ENOTFOUND, "Registered Model with name=%.*s not found", AG_STR_ARG(name));
    ag_rows_free(rows);
    return rc;
}

static void give_tags(void *context, size_t owner, const void *items, size_t count)
{
    ((ag_model_row *)context)[owner].model.tags = (ag_pairs){items, count};
}

static int take_alias(ag_rows *rows, ag_arena *arena, void *item, ag_err *err)
{
    ag_alias *alias = item;
    alias->version = ag_rows_int(rows, 2);
    return ag_take_text(rows, 1, arena, &alias->name, err);
}

static void give_aliases(void *context, size_t owner, const void *items, size_t count)
{
    ag_registered_model *model = &((ag_model_row *)context)[owner].model;
    model->aliases = items;
    model->alias_count = count;
}

typedef struct latest { /* the newest versions of one model, still with keys */
    ag_version_row *rows;
    size_t count;
} latest;

static void give_latest(void *context, size_t owner, const void *items, size_t count)
{
    ((latest *)context)[owner] = (latest){(ag_version_row *)(uintptr_t)items, count};
}

static int fill_latest(ag_tx *tx, ag_arena *arena, ag_model_row *rows, const ag_cell *ids, size_t count, ag_err *err)
{
    latest *all = ag_arena_array(arena, count + 1, sizeof(*all));
    if (!all) return ag_fail_memory(err, count * sizeof(*all));
    ag_collect collect = {&AG_SQL_MODEL_LATEST, sizeof(ag_version_row), ag_version_take, give_latest, all};
    int rc = ag_collect_run(&collect, tx, arena, ids, count, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        if (!all[i].count) continue;
        rc = ag_version_fill(tx, arena, all[i].rows, all[i].count, err);
        if (rc >= 0) rc = ag_version_strip(arena, all[i].rows, all[i].count, &rows[i].model.latest, err);
        rows[i].model.latest_count = all[i].count;
    }
    return rc;
}

static int fill(ag_tx *tx, ag_arena *arena, ag_model_row *rows, size_t count, ag_err *err)
{
    ag_cell *ids = ag_arena_array(arena, count + 1, sizeof(*ids));
    if (!ids) return ag_fail_memory(err, count * sizeof(*ids));
    for (size_t i = 0; i < count; i++) ids[i] = ag_cell_int(rows[i].id);
    ag_collect tags = {&AG_SQL_MODEL_TAGS, sizeof(ag_pair), ag_collect_pair, give_tags, rows};
    ag_collect aliases = {&AG_SQL_MODEL_ALIASES, sizeof(ag_alias), take_alias, give_aliases, rows};
    int rc = ag_collect_run(&tags, tx, arena, ids, count, err);
    if (rc >= 0) rc = ag_collect_run(&aliases, tx, arena, ids, count, err);
    return rc < 0 ? rc : fill_latest(tx, arena, rows, ids, count, err);
}

static int find_whole(ag_tx *tx, job *j, ag_str name, ag_err *err)
{
    int rc = ag_model_find(tx, name, j->arena, &j->found, err);
    return rc < 0 ? rc : fill(tx, j->arena, &j->found, 1, err);
}

/* ---- creating and reading ---- */

int ag_model_put_tag(ag_tx *tx, int64_t id, ag_pair tag, ag_err *err)
{
    return ag_tx_run(tx, &AG_SQL_MODEL_SET_TAG,
                     AG_BINDS(ag_cell_int(id), ag_cell_str(tag.key), ag_cell_value(tag.value)), NULL, err);
}

int ag_model_touch(ag_tx *tx, int64_t id, ag_err *err)
{
    return ag_tx_run(tx, &AG_SQL_MODEL_TOUCH, AG_BINDS(ag_cell_int(id), ag_cell_int(ag_now())), NULL, err);
}

static ag_cell text_or_null(ag_str text)
{
    return text.size ? ag_cell_str(text) : ag_cell_null();
}

static int run_create(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t id;
    int rc = ag_tx_get_int(tx, &AG_SQL_MODEL_INSERT,
                           AG_BINDS(ag_cell_str(j->name), text_or_null(j->description),
                                    ag_cell_text(j->actor ? j->actor->name : NULL), ag_cell_int(ag_now())),
                           &id, err);
    if (rc < 0) return rc;
    if (rc == 0) {
        return ag_fail(err, AG_EEXISTS, "Registered Model (name=%.*s) already exists.", AG_STR_ARG(j->name));
    }
    for (size_t i = 0; i < j->tags.count && rc >= 0; i++) rc = ag_model_put_tag(tx, id, j->tags.items[i], err);
    if (rc >= 0) rc = ag_permission_grant_maker(tx, j->actor, AG_RESOURCE_MODEL, j->name, err);
    if (rc >= 0) rc = ag_audit_add(tx, j->actor, "model.create", j->name, NULL, err);
    return rc < 0 ? rc : find_whole(tx, j, j->name, err);
}

int ag_model_create(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str description, ag_pairs tags,
                    ag_arena *arena, ag_registered_model *out, ag_err *err)
{
    job j = {.actor = actor, .arena = arena, .name = name, .description = description, .tags = tags};
    int rc = ag_model_name_check(name, err);
    for (size_t i = 0; i < tags.count && rc >= 0; i++)
        rc = ag_model_tag_check(tags.items[i], AG_MAX_VERSION_TAG_VALUE, err);
    if (rc >= 0) rc = ag_ledger_write(ledger, run_create, &j, err);
    if (rc >= 0) *out = j.found.model;
    return rc;
}

static int run_get(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    return find_whole(tx, j, j->name, err);
}

int ag_model_get(ag_ledger *ledger, ag_str name, ag_arena *arena, ag_registered_model *out, ag_err *err)
{
    job j = {.arena = arena, .name = name};
    int rc = ag_db_read(ledger->db, NULL, run_get, &j, err);
    if (rc >= 0) *out = j.found.model;
    return rc;
}

static int run_latest(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = find_whole(tx, j, j->name, err);
    if (rc < 0) return rc;
    const ag_registered_model *model = &j->found.model;
    ag_version *chosen = ag_arena_array(j->arena, model->latest_count + 1, sizeof(*chosen));
    if (!chosen) return ag_fail_memory(err, model->latest_count * sizeof(*chosen));
    j->version_count = 0;
    for (size_t i = 0; i < model->latest_count; i++) {
        bool wanted = j->stage_count == 0;
        for (size_t s = 0; s < j->stage_count; s++) wanted |= j->stages[s] == model->latest[i].stage;
        if (wanted) chosen[j->version_count++] = model->latest[i];
    }
    j->versions = chosen;
    return rc;
}

int ag_model_latest(ag_ledger *ledger, ag_str name, const ag_stage *stages, size_t count, ag_arena *arena,
                    ag_versions *out, ag_err *err)
{
    job j = {.arena = arena, .name = name, .stages = stages, .stage_count = count};
    int rc = ag_db_read(ledger->db, NULL, run_latest, &j, err);
    if (rc >= 0) *out = (ag_versions){j.versions, j.version_count, NULL};
    return rc;
}

/* ---- changing ---- */

static int audit_rename(ag_tx *tx, const job *j, ag_err *err)
{
    const char *detail = ag_audit_detail(j->arena, "to", j->new_name);
    if (!detail) return ag_fail_memory(err, j->new_name.size);
    return ag_audit_add(tx, j->actor, "model.rename", j->name, detail, err);
}

static int run_rename(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_model_row other;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_model_find(tx, j->name, j->arena, &j->found, err);
    if (rc < 0) return rc;
    if (!ag_str_equal(j->name, j->new_name)) {
        rc = ag_model_find(tx, j->new_name, j->arena, &other, NULL);
        if (rc >= 0) {
            return ag_fail(err, AG_EEXISTS, "Registered Model (name=%.*s) already exists.", AG_STR_ARG(j->new_name));
        }
        if (rc != AG_ENOTFOUND)
            return ag_fail(err, (ag_code)rc, "the name '%.*s' could not be looked up", AG_STR_ARG(j->new_name));
    }
    rc = ag_tx_run(tx, &AG_SQL_MODEL_RENAME,
                   AG_BINDS(ag_cell_int(j->found.id), ag_cell_str(j->new_name), ag_cell_int(ag_now())), NULL, err);
    if (rc >= 0) rc = ag_permission_move(tx, AG_RESOURCE_MODEL, j->name, j->new_name, err);
    if (rc >= 0) rc = audit_rename(tx, j, err);
    return rc < 0 ? rc : find_whole(tx, j, j->new_name, err);
}

int ag_model_rename(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str new_name, ag_arena *arena,
                    ag_registered_model *out, ag_err *err)
{
    job j = {.actor = actor, .arena = arena, .name = name, .new_name = new_name};
    int rc = ag_model_name_check(new_name, err);
    if (rc >= 0) rc = ag_ledger_write(ledger, run_rename, &j, err);
    if (rc >= 0) *out = j.found.model;
    return rc;
}

static int run_describe(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_model_find(tx, j->name, j->arena, &j->found, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_MODEL_DESCRIBE,
                   AG_BINDS(ag_cell_int(j->found.id), text_or_null(j->description), ag_cell_int(ag_now())), NULL, err);
    return rc < 0 ? rc : find_whole(tx, j, j->name, err);
}

int ag_model_describe(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str description, ag_arena *arena,
                      ag_registered_model *out, ag_err *err)
{
    job j = {.actor = actor, .arena = arena, .name = name, .description = description};
    int rc = ag_ledger_write(ledger, run_describe, &j, err);
    if (rc >= 0) *out = j.found.model;
    return rc;
}

static int run_delete(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_model_find(tx, j->name, j->arena, &j->found, err);
    if (rc >= 0) rc = ag_permission_forget(tx, AG_RESOURCE_MODEL, j->name, err);
    if (rc >= 0) rc = ag_tx_run(tx, &AG_SQL_MODEL_DELETE, AG_BINDS(ag_cell_int(j->found.id)), NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "model.delete", j->name, NULL, err);
}

static int run_set_tag(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_model_find(tx, j->name, j->arena, &j->found, err);
    return rc < 0 ? rc : ag_model_put_tag(tx, j->found.id, j->tags.items[0], err);
}

static int run_delete_tag(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_model_find(tx, j->name, j->arena, &j->found, err);
    if (rc < 0) return rc;
    return ag_tx_run(tx, &AG_SQL_MODEL_DELETE_TAG,
                     AG_BINDS(ag_cell_int(j->found.id), ag_cell_str(j->tags.items[0].key)), NULL, err);
}

static int change(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_db_fn run, ag_pairs tags, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    job j = {.actor = actor, .arena = arena, .name = name, .tags = tags};
    int rc = ag_ledger_write(ledger, run, &j, err);
    ag_arena_free(arena);
    return rc;
}

int ag_model_delete(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_err *err)
{
    return change(ledger, actor, name, run_delete, (ag_pairs){0}, err);
}

int ag_model_set_tag(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_pair tag, ag_err *err)
{
    int rc = ag_model_tag_check(tag, AG_MAX_MODEL_TAG_VALUE, err);
    return rc < 0 ? rc : change(ledger, actor, name, run_set_tag, (ag_pairs){&tag, 1}, err);
}

int ag_model_delete_tag(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str key, ag_err *err)
{
    ag_pair tag = {.key = key};
    return change(ledger, actor, name, run_delete_tag, (ag_pairs){&tag, 1}, err);
}

/* ---- searching ---- */

static const char without_prompts[] =
    "NOT EXISTS (SELECT 1 FROM model_tags pt WHERE pt.model_id = m.id AND pt.key = 'mlflow.prompt.is_prompt' AND "
    "pt.value = 'true')";

typedef struct search_job {
    const ag_ledger *ledger;
    uint32_t size;
    uint64_t offset;
    bool prompts;
    const char *reader;
    const ag_search_sql *search;
    ag_arena *arena;
    ag_vec rows;
} search_job;

static int run_search(ag_tx *tx, void *context, ag_err *err)
{
    search_job *j = context;
    ag_sql sql;
    ag_rows *rows = NULL;
    size_t count;
    ag_vec_clear(&j->rows);
    ag_cell fixed[] = {ag_cell_int((int64_t)j->size + 1), ag_cell_int((int64_t)j->offset)};
    ag_cell *binds = ag_statement_binds(j->arena, fixed, 2, j->search, &count);
    if (!binds) return ag_fail_memory(err, 1);
    const char *visible;
    int rc = ag_visible_rule(tx, j->ledger, j->reader, AG_RESOURCE_MODEL, "m.name", j->arena, &visible, err);
    if (rc < 0) return rc;
    ag_mark marks[] = {{"/*prompts*/", j->prompts ? "1 = 1" : without_prompts},
                       {"/*visible*/", visible},
                       {"/*where*/", j->search->where},
                       {"/*order*/", j->search->order}};
    rc = ag_statement_fill(j->arena, &AG_SQL_MODEL_SEARCH, ag_tx_dialect(tx), marks, 4, &sql, err);
    if (rc >= 0) rc = ag_tx_query(tx, &sql, binds, count, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_model_row *row = ag_vec_add(&j->rows);
        rc = row ? take(rows, j->arena, row, err) : ag_fail_memory(err, sizeof(*row));
    }
    ag_rows_free(rows);
    return rc < 0 ? rc : fill(tx, j->arena, j->rows.items, j->rows.count, err);
}

static int finish_search(const search_job *j, ag_models *out, ag_err *err)
{
    bool more = j->rows.count > j->size;
    size_t count = more ? j->size : j->rows.count;
    ag_registered_model *models = ag_arena_array(j->arena, count + 1, sizeof(*models));
    if (!models) return ag_fail_memory(err, count * sizeof(*models));
    for (size_t i = 0; i < count; i++) models[i] = ((ag_model_row *)ag_vec_at(&j->rows, i))->model;
    *out = (ag_models){models, count, NULL};
    if (more && !(out->next = ag_page_token(j->arena, j->offset + j->size))) return ag_fail_memory(err, 1);
    return AG_OK;
}

int ag_model_search(ag_ledger *ledger, const ag_page_request *page, ag_arena *arena, ag_models *out, ag_err *err)
{
    ag_search_sql search;
    search_job j = {.search = &search,
                    .arena = arena,
                    .ledger = ledger,
                    .reader = page->reader,
                    .prompts = ag_model_asks_for_prompts(page->filter)};
    ag_search_request request = {.filter = page->filter,
                                 .order_by = page->order_by,
                                 .order_count = page->order_count,
                                 .dialect = ag_db_dialect(ledger->db),
                                 .first_placeholder = 3};
    ag_vec_init(&j.rows, sizeof(ag_model_row));
    int rc = ag_page_size(page->max_results, DEFAULT_PAGE, LARGEST_PAGE, &j.size, err);
    if (rc >= 0) rc = ag_page_offset(page->token, &j.offset, err);
    if (rc >= 0) rc = ag_search_compile(&ag_search_models, &request, arena, &search, err);
    if (rc >= 0) rc = ag_db_read(ledger->db, NULL, run_search, &j, err);
    if (rc >= 0) rc = finish_search(&j, out, err);
    ag_vec_deinit(&j.rows);
    return rc;
}
