// SPDX-License-Identifier: Apache-2.0
/* version.c: the numbered versions of a registered model: made, found, described, staged, deleted.
 * The number comes from a counter in the model's row that only grows, so none is used twice, and two that register at
 * once wait for each other there. Versions that are searched for are in version_search.c. Each call is one unit. */
#include <string.h>

#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/collect.h"
#include "ledger/logged_model_private.h"
#include "ledger/model_private.h"
#include "ledger/source.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

static const char *const stage_names[] = {
    [AG_STAGE_NONE] = "None",
    [AG_STAGE_STAGING] = "Staging",
    [AG_STAGE_PRODUCTION] = "Production",
    [AG_STAGE_ARCHIVED] = "Archived",
};

const char *ag_stage_name(ag_stage stage)
{
    return stage_names[stage <= AG_STAGE_ARCHIVED ? stage : AG_STAGE_NONE];
}

bool ag_stage_parse(ag_str name, ag_stage *out)
{
    for (size_t i = 0; i < sizeof(stage_names) / sizeof(stage_names[0]); i++) {
        if (!ag_str_equal_nocase(name, ag_str_of(stage_names[i]))) continue;
        *out = (ag_stage)i;
        return true;
    }
    return false;
}

typedef struct job {
    const ag_ledger *ledger;
    const ag_actor *actor;
    ag_arena *arena;
    const ag_version_new *new_version;
    ag_str model, description;
    int64_t number;
    ag_stage stage;
    bool archive_others;
    ag_pair tag;
    ag_version_row found;
} job;

/* ---- reading rows ---- */

int ag_version_take(ag_rows *rows, ag_arena *arena, void *row, ag_err *err)
{
    ag_version_row *out = row;
    ag_version *version = &out->version;
    const char *stage = NULL;
    *out = (ag_version_row){.model_id = ag_rows_int(rows, 0), .id = ag_rows_int(rows, 1)};
    version->number = ag_rows_int(rows, 3);
    version->created_at = ag_rows_int(rows, 4);
    version->updated_at = ag_rows_int(rows, 5);
    const struct {
        size_t column;
        const char **into;
    } texts[] = {
        {2, &version->model},     {6, &version->user_id},  {7, &version->description},
        {8, &version->source},    {9, &version->run_id},   {10, &version->run_link},
        {11, &version->model_id}, {12, &version->storage}, {13, &stage},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int rc = ag_take_text(rows, texts[i].column, arena, texts[i].into, err);
        if (rc < 0) return rc;
    }
    ag_stage_parse(ag_str_of(stage), &version->stage);
    return AG_OK;
}

static int missing(ag_str model, int64_t number, ag_err *err)
{
    return ag_fail(err, AG_ENOTFOUND, "Model Version (name=%.*s, version=%lld) not found", AG_STR_ARG(model),
                   (long long)number);
}

int ag_version_find(ag_tx *tx, ag_str model, int64_t number, ag_arena *arena, ag_version_row *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_VERSION_BY_NUMBER, AG_BINDS(ag_cell_str(model), ag_cell_int(number)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0)
        rc = ag_version_take(rows, arena, out, err);
    else if (rc == 0)
        rc = missing(model, number, err);
    ag_rows_free(rows);
    return rc;
}

static void give_tags(void *context, size_t owner, const void *items, size_t count)
{
    ((ag_version_row *)context)[owner].version.tags = (ag_pairs){items, count};
}

static int take_alias(ag_rows *rows, ag_arena *arena, void *item, ag_err *err)
{
    return ag_take_text(rows, 1, arena, (const char **)item, err);
}

static void give_aliases(void *context, size_t owner, const void *items, size_t count)
{
    ag_version *version = &((ag_version_row *)context)[owner].version;
    version->aliases = items;
    version->alias_count = count;
}

int ag_version_fill(ag_tx *tx, ag_arena *arena, ag_version_row *rows, size_t count, ag_err *err)
{
    ag_cell *ids = ag_arena_array(arena, count + 1, sizeof(*ids));
    if (!ids) return ag_fail_memory(err, count * sizeof(*ids));
    for (size_t i = 0; i < count; i++) ids[i] = ag_cell_int(rows[i].id);
    ag_collect tags = {&AG_SQL_VERSION_TAGS, sizeof(ag_pair), ag_collect_pair, give_tags, rows};
    ag_collect aliases = {&AG_SQL_VERSION_ALIASES, sizeof(const char *), take_alias, give_aliases, rows};
    int rc = ag_collect_run(&tags, tx, arena, ids, count, err);
    return rc < 0 ? rc : ag_collect_run(&aliases, tx, arena, ids, count, err);
}

int ag_version_strip(ag_arena *arena, const ag_version_row *rows, size_t count, const ag_version **out, ag_err *err)
{
    ag_version *versions = ag_arena_array(arena, count + 1, sizeof(*versions));
    if (!versions) return ag_fail_memory(err, count * sizeof(*versions));
    for (size_t i = 0; i < count; i++) versions[i] = rows[i].version;
    *out = versions;
    return AG_OK;
}

static int find_whole(ag_tx *tx, job *j, ag_err *err)
{
    int rc = ag_version_find(tx, j->model, j->number, j->arena, &j->found, err);
    return rc < 0 ? rc : ag_version_fill(tx, j->arena, &j->found, 1, err);
}

/* ---- creating ---- */

static int check_new(const ag_version_new *version, ag_err *err)
{
    if (version->number < 0) return ag_fail(err, AG_EINVAL, "a version's number is positive");
    for (size_t i = 0; i < version->tags.count; i++) {
        int rc = ag_model_tag_check(version->tags.items[i], AG_MAX_VERSION_TAG_VALUE, err);
        if (rc < 0) return rc;
    }
    const ag_str texts[] = {version->run_id, version->run_link, version->description, version->model_id};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (ag_utf8_valid(texts[i]) && ag_str_find_char(texts[i], '\0', 0) == SIZE_MAX) continue;
        return ag_fail(err, AG_EINVAL, "a model version's texts must be valid UTF-8");
    }
    return AG_OK;
}

static int take_number(ag_tx *tx, job *j, int64_t model_id, int64_t now, ag_err *err)
{
    int64_t wanted = j->new_version->number, changed;
    if (!wanted) {
        return ag_tx_get_int(tx, &AG_SQL_MODEL_NEXT_VERSION, AG_BINDS(ag_cell_int(model_id), ag_cell_int(now)),
                             &j->number, err);
    }
    int rc = ag_tx_run(tx, &AG_SQL_MODEL_CLAIM_VERSION,
                       AG_BINDS(ag_cell_int(model_id), ag_cell_int(wanted), ag_cell_int(now)), &changed, err);
    j->number = wanted;
    if (rc < 0 || changed) return rc;
    return ag_fail(err, AG_EEXISTS,
                   "Model Version (name=%.*s, version=%lld): a number is given once, and this one or "
                   "a larger one was",
                   AG_STR_ARG(j->model), (long long)wanted);
}

static ag_cell text_or_null(ag_str text)
{
    return text.size ? ag_cell_str(text) : ag_cell_null();
}

static int insert(ag_tx *tx, job *j, int64_t model_id, const char *storage, int64_t *id, ag_err *err)
{
    const ag_version_new *wanted = j->new_version;
    int64_t now = ag_now();
    int rc = take_number(tx, j, model_id, now, err);
    if (rc < 0) return rc;
    return ag_tx_get_int(tx, &AG_SQL_VERSION_INSERT,
                         AG_BINDS(ag_cell_int(model_id), ag_cell_int(j->number), ag_cell_str(wanted->source),
                                  ag_cell_text(storage), text_or_null(wanted->run_id), text_or_null(wanted->run_link),
                                  text_or_null(wanted->model_id), text_or_null(wanted->description),
                                  ag_cell_text(j->actor ? j->actor->name : NULL), ag_cell_int(now),
                                  ag_cell_text(ag_stage_name(wanted->stage))),
                         id, err);
}

static int put_tag(ag_tx *tx, int64_t id, ag_pair tag, ag_err *err)
{
    return ag_tx_run(tx, &AG_SQL_VERSION_SET_TAG,
                     AG_BINDS(ag_cell_int(id), ag_cell_str(tag.key), ag_cell_value(tag.value)), NULL, err);
}

/* "model/3" */
static int audit(ag_tx *tx, const job *j, const char *what, const char *detail, ag_err *err)
{
    const char *subject = ag_arena_printf(j->arena, "%.*s/%lld", AG_STR_ARG(j->model), (long long)j->number);
    if (!subject) return ag_fail_memory(err, j->model.size + 24);
    return ag_audit_add(tx, j->actor, what, ag_str_of(subject), detail, err);
}

/* Of equal keys the last counts. */
static bool is_prompt(ag_pairs tags)
{
    bool prompt = false;
    for (size_t i = 0; i < tags.count; i++) {
        if (ag_str_is(tags.items[i].key, "mlflow.prompt.is_prompt"))
            prompt = ag_str_equal_nocase(tags.items[i].value, AG_STR("true"));
    }
    return prompt;
}

static int run_create(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    const ag_version_new *wanted = j->new_version;
    ag_model_row model;
    ag_source_request source = {wanted->source, wanted->run_id, wanted->model_id, is_prompt(wanted->tags)};
    const char *storage;
    int64_t id = 0;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_model_find(tx, j->model, j->arena, &model, err);
    if (rc >= 0) rc = ag_source_resolve(tx, j->ledger, &source, j->arena, &storage, err);
    if (rc >= 0) rc = insert(tx, j, model.id, storage, &id, err);
    for (size_t i = 0; i < wanted->tags.count && rc >= 0; i++) rc = put_tag(tx, id, wanted->tags.items[i], err);
    if (rc >= 0 && wanted->model_id.size) {
        rc = ag_logged_model_register(tx, wanted->model_id, j->model, j->number, j->arena, err);
    }
    if (rc >= 0) rc = audit(tx, j, "version.create", NULL, err);
    return rc < 0 ? rc : find_whole(tx, j, err);
}

int ag_version_create(ag_ledger *ledger, const ag_actor *actor, const ag_version_new *new_version, ag_arena *arena,
                      ag_version *out, ag_err *err)
{
    job j = {.ledger = ledger, .actor = actor, .arena = arena, .new_version = new_version, .model = new_version->model};
    int rc = check_new(new_version, err);
    if (rc >= 0) rc = ag_ledger_write(ledger, run_create, &j, err);
    if (rc >= 0) *out = j.found.version;
    return rc;
}

/* ---- reading ---- */

static int run_get(ag_tx *tx, void *context, ag_err *err)
{
    return find_whole(tx, context, err);
}

int ag_version_get(ag_ledger *ledger, ag_str model, int64_t number, ag_arena *arena, ag_version *out, ag_err *err)
{
    job j = {.arena = arena, .model = model, .number = number};
    int rc = ag_db_read(ledger->db, NULL, run_get, &j, err);
    if (rc >= 0) *out = j.found.version;
    return rc;
}

/* ---- changing ---- */

static int run_describe(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = find_whole(tx, j, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_VERSION_DESCRIBE,
                   AG_BINDS(ag_cell_int(j->found.id), text_or_null(j->description), ag_cell_int(ag_now())), NULL, err);
    return rc < 0 ? rc : find_whole(tx, j, err);
}

int ag_version_describe(ag_ledger *ledger, const ag_actor *actor, ag_str model, int64_t number, ag_str description,
                        ag_arena *arena, ag_version *out, ag_err *err)
{
    job j = {.actor = actor, .arena = arena, .model = model, .number = number, .description = description};
    int rc = AG_OK;
    if (!ag_utf8_valid(description) || ag_str_find_char(description, '\0', 0) != SIZE_MAX) {
        rc = ag_fail(err, AG_EINVAL, "a model version's description must be valid UTF-8");
    }
    if (rc >= 0) rc = ag_ledger_write(ledger, run_describe, &j, err);
    if (rc >= 0) *out = j.found.version;
    return rc;
}

static int run_stage(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t now = ag_now();
    const char *stage = ag_stage_name(j->stage);
    int rc = ag_audit_begin(tx, err); /* two that archive each other would both stay */
    if (rc >= 0) rc = ag_version_find(tx, j->model, j->number, j->arena, &j->found, err);
    if (rc < 0) return rc;
    if (j->archive_others) {
        rc = ag_tx_run(
            tx, &AG_SQL_VERSION_ARCHIVE_OTHERS,
            AG_BINDS(ag_cell_int(j->found.model_id), ag_cell_text(stage), ag_cell_int(j->found.id), ag_cell_int(now)),
            NULL, err);
    }
    if (rc >= 0) {
        rc = ag_tx_run(tx, &AG_SQL_VERSION_SET_STAGE,
                       AG_BINDS(ag_cell_int(j->found.id), ag_cell_text(stage), ag_cell_int(now)), NULL, err);
    }
    if (rc >= 0) rc = ag_model_touch(tx, j->found.model_id, err);
    const char *detail = ag_audit_detail(j->arena, "stage", ag_str_of(stage));
    if (!detail) return ag_fail_memory(err, 64);
    if (rc >= 0) rc = audit(tx, j, "version.stage", detail, err);
    return rc < 0 ? rc : find_whole(tx, j, err);
}

int ag_version_stage(ag_ledger *ledger, const ag_actor *actor, ag_str model, int64_t number, ag_stage stage,
                     bool archive_others, ag_arena *arena, ag_version *out, ag_err *err)
{
    job j = {.actor = actor,
             .arena = arena,
             .model = model,
             .number = number,
             .stage = stage,
             .archive_others = archive_others};
    if (archive_others && stage != AG_STAGE_STAGING && stage != AG_STAGE_PRODUCTION) {
        return ag_fail(err, AG_EINVAL,
                       "Model version transition cannot archive existing model versions because '%s' is not an Active "
                       "stage. Valid stages are Staging, Production",
                       ag_stage_name(stage));
    }
    int rc = ag_ledger_write(ledger, run_stage, &j, err);
    if (rc >= 0) *out = j.found.version;
    return rc;
}

static int run_delete(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_audit_begin(tx, err);
    if (rc >= 0) rc = ag_version_find(tx, j->model, j->number, j->arena, &j->found, err);
    if (rc >= 0) rc = ag_tx_run(tx, &AG_SQL_VERSION_DELETE, AG_BINDS(ag_cell_int(j->found.id)), NULL, err);
    if (rc >= 0) rc = ag_model_touch(tx, j->found.model_id, err);
    return rc < 0 ? rc : audit(tx, j, "version.delete", NULL, err);
}

static int run_set_tag(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_version_find(tx, j->model, j->number, j->arena, &j->found, err);
    return rc < 0 ? rc : put_tag(tx, j->found.id, j->tag, err);
}

static int run_delete_tag(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_version_find(tx, j->model, j->number, j->arena, &j->found, err);
    if (rc < 0) return rc;
    return ag_tx_run(tx, &AG_SQL_VERSION_DELETE_TAG, AG_BINDS(ag_cell_int(j->found.id), ag_cell_str(j->tag.key)), NULL,
                     err);
}

static int change(ag_ledger *ledger, job *j, ag_db_fn run, ag_err *err)
{
    j->arena = ag_arena_new(0);
    if (!j->arena) return ag_fail_memory(err, 1);
    int rc = ag_ledger_write(ledger, run, j, err);
    ag_arena_free(j->arena);
    return rc;
}

int ag_version_delete(ag_ledger *ledger, const ag_actor *actor, ag_str model, int64_t number, ag_err *err)
{
    job j = {.actor = actor, .model = model, .number = number};
    return change(ledger, &j, run_delete, err);
}

int ag_version_set_tag(ag_ledger *ledger, const ag_actor *actor, ag_str model, int64_t number, ag_pair tag, ag_err *err)
{
    job j = {.actor = actor, .model = model, .number = number, .tag = tag};
    int rc = ag_model_tag_check(tag, AG_MAX_VERSION_TAG_VALUE, err);
    return rc < 0 ? rc : change(ledger, &j, run_set_tag, err);
}

int ag_version_delete_tag(ag_ledger *ledger, const ag_actor *actor, ag_str model, int64_t number, ag_str key,
                          ag_err *err)
{
    job j = {.actor = actor, .model = model, .number = number, .tag = {.key = key}};
    return change(ledger, &j, run_delete_tag, err);
}
