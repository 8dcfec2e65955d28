// SPDX-License-Identifier: Apache-2.0
/* logged_model.c: a model's life between the run that made it and the registry: created pending, filled with files by
 * the client, finished as ready or failed, tagged, deleted (softly; gc.c removes it for ever).
 * Parameters are immutable as those of runs are. Metrics are written by run_log.c. Each call is one unit. */
#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/hash/encode.h"
#include "core/sys/clock.h"
#include "ledger/audit.h"
#include "ledger/collect.h"
#include "ledger/logged_model_private.h"
#include "ledger/name.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

static const char *const status_names[] = {
    [AG_LOGGED_PENDING] = "LOGGED_MODEL_PENDING",
    [AG_LOGGED_READY] = "LOGGED_MODEL_READY",
    [AG_LOGGED_FAILED] = "LOGGED_MODEL_UPLOAD_FAILED",
};

const char *ag_logged_status_name(ag_logged_status status)
{
    return status_names[status >= AG_LOGGED_PENDING && status <= AG_LOGGED_FAILED ? status : AG_LOGGED_PENDING];
}

bool ag_logged_status_parse(ag_str name, ag_logged_status *out)
{
    for (int i = AG_LOGGED_PENDING; i <= AG_LOGGED_FAILED; i++) {
        if (!ag_str_is(name, status_names[i])) continue;
        *out = (ag_logged_status)i;
        return true;
    }
    return false;
}

typedef struct job {
    const ag_actor *actor;
    ag_arena *arena;
    const ag_logged_model_new *new_model;
    ag_str id, name, key;
    char new_id[35];
    ag_pairs pairs;
    ag_logged_status status;
    ag_logged_model found;
} job;

/* ---- reading rows ---- */

int ag_logged_model_take(ag_rows *rows, ag_arena *arena, ag_logged_model *out, ag_err *err)
{
    *out = (ag_logged_model){.created_at = ag_rows_int(rows, 9), .updated_at = ag_rows_int(rows, 10)};
    if (!ag_logged_status_parse(ag_rows_text(rows, 7), &out->status)) out->status = AG_LOGGED_PENDING;
    out->experiment_id = ag_arena_printf(arena, "%lld", (long long)ag_rows_int(rows, 1));
    if (!out->experiment_id) return ag_fail_memory(err, 20);
    const struct {
        size_t column;
        const char **into;
    } texts[] = {
        {0, &out->id},     {2, &out->name},    {3, &out->artifact_uri},   {4, &out->model_type},
        {5, &out->run_id}, {6, &out->user_id}, {8, &out->status_message},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int rc = ag_take_text(rows, texts[i].column, arena, texts[i].into, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static void give_params(void *context, size_t owner, const void *items, size_t count)
{
    ((ag_logged_model *)context)[owner].params = (ag_pairs){items, count};
}

static void give_tags(void *context, size_t owner, const void *items, size_t count)
{
    ((ag_logged_model *)context)[owner].tags = (ag_pairs){items, count};
}

static int take_metric(ag_rows *rows, ag_arena *arena, void *item, ag_err *err)
{
    ag_metric *metric = item;
    metric->value = ag_rows_is_null(rows, 2) ? (double)NAN : ag_rows_real(rows, 2);
    metric->at = ag_rows_int(rows, 3);
    metric->step = ag_rows_int(rows, 4);
    int rc = ag_take_text(rows, 0, arena, &metric->model_id, err);
    if (rc >= 0) rc = ag_take_text(rows, 1, arena, &metric->key, err);
    if (rc >= 0) rc = ag_take_text(rows, 5, arena, &metric->dataset_name, err);
    if (rc >= 0) rc = ag_take_text(rows, 6, arena, &metric->dataset_digest, err);
    if (rc >= 0) rc = ag_take_text(rows, 7, arena, &metric->run_id, err);
    if (rc >= 0 && !*metric->dataset_name) metric->dataset_name = metric->dataset_digest = NULL;
    return rc;
}

static void give_metrics(void *context, size_t owner, const void *items, size_t count)
{
    ag_logged_model *model = &((ag_logged_model *)context)[owner];
    model->metrics = items;
    model->metric_count = count;
}

int ag_logged_model_fill(ag_tx *tx, ag_arena *arena, ag_logged_model *models, size_t count, ag_err *err)
{
    ag_cell *ids = ag_arena_array(arena, count + 1, sizeof(*ids));
    if (!ids) return ag_fail_memory(err, count * sizeof(*ids));
    for (size_t i = 0; i < count; i++) ids[i] = ag_cell_text(models[i].id);
    const ag_collect parts[] = {
        {&AG_SQL_LOGGED_MODEL_PARAMS, sizeof(ag_pair), ag_collect_pair, give_params, models},
        {&AG_SQL_LOGGED_MODEL_TAGS, sizeof(ag_pair), ag_collect_pair, give_tags, models},
        {&AG_SQL_LOGGED_MODEL_METRICS, sizeof(ag_metric), take_metric, give_metrics, models},
    };
    int rc = AG_OK;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc >= 0; i++) {
        rc = ag_collect_run(&parts[i], tx, arena, ids, count, err);
    }
    return rc;
}

int ag_logged_model_find(ag_tx *tx, ag_str id, ag_arena *arena, ag_logged_model *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_LOGGED_MODEL_BY_ID, AG_BINDS(ag_cell_str(id)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0)
        rc = ag_logged_model_take(rows, arena, out, err);
    else if (rc == 0)
        rc = ag_fail(err, AG_ENOTFOUND, "Logged model with ID '%.*s' not found.", AG_STR_ARG(id));
    ag_rows_free(rows);
    return rc;
}

static int find_whole(ag_tx *tx, job *j, ag_str id, ag_err *err)
{
    int rc = ag_logged_model_find(tx, id, j->arena, &j->found, err);
    return rc < 0 ? rc : ag_logged_model_fill(tx, j->arena, &j->found, 1, err);
}

/* ---- checking ---- */

static int check_pairs(ag_pairs pairs, const char *what, size_t max_value, ag_err *err)
{
    for (size_t i = 0; i < pairs.count; i++) {
        const ag_pair *pair = &pairs.items[i];
        int rc = ag_key_check(pair->key, what, err);
        if (rc < 0) return rc;
        if (ag_utf8_count(pair->value) > max_value || !ag_utf8_valid(pair->value) ||
            ag_str_find_char(pair->value, '\0', 0) != SIZE_MAX) {
            return ag_fail(err, AG_EINVAL, "the value of %s '%.*s' is not UTF-8 text or exceeds length limit of %zu",
                           what, AG_STR_ARG(pair->key), max_value);
        }
    }
    return AG_OK;
}

/* MLflow's rule: such characters would make names of files and URIs ambiguous. */
static int check_name(ag_str name, ag_err *err)
{
    static const char bad[] = "/:.%\"'";
    bool good = ag_utf8_count(name) <= AG_MAX_EXPERIMENT_NAME && ag_utf8_valid(name);
    for (size_t i = 0; i < name.size && good; i++)
        good = (unsigned char)name.data[i] >= ' ' && !strchr(bad, name.data[i]);
    if (good) return AG_OK;
    return ag_fail(err, AG_EINVAL,
                   "Invalid model name ('%.*s') provided. Model name must be a non-empty string and cannot contain the "
                   "following characters: ('/', ':', '.', '%%', '\"', ''')",
                   AG_STR_ARG(ag_str_slice(name, 0, ag_utf8_cut(name, 200))));
}

static int check_new(const ag_logged_model_new *model, ag_err *err)
{
    int rc = check_name(model->name, err);
    if (rc >= 0) rc = check_pairs(model->params, "param", AG_MAX_PARAM_VALUE, err);
    if (rc >= 0) rc = check_pairs(model->tags, "tag", AG_MAX_TAG_VALUE, err);
    if (rc >= 0 && (!ag_utf8_valid(model->model_type) || ag_utf8_count(model->model_type) > AG_MAX_EXPERIMENT_NAME)) {
        rc = ag_fail(err, AG_EINVAL, "a model's type has at most %d characters of UTF-8", AG_MAX_EXPERIMENT_NAME);
    }
    return rc;
}

/* ---- creating ---- */

static int put_params(ag_tx *tx, ag_str id, ag_pairs params, ag_err *err);

static int put_tags(ag_tx *tx, ag_str id, ag_pairs tags, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < tags.count && rc >= 0; i++) {
        const ag_pair *tag = &tags.items[i];
        rc = ag_tx_run(tx, &AG_SQL_LOGGED_MODEL_SET_TAG,
                       AG_BINDS(ag_cell_str(id), ag_cell_str(tag->key), ag_cell_value(tag->value)), NULL, err);
    }
    return rc;
}

/* The experiment must be there and active; where its models' files go. */
static int choose_place(ag_tx *tx, const job *j, int64_t *number, const char **uri, ag_err *err)
{
    ag_rows *rows = NULL;
    ag_str id = j->new_model->experiment_id;
    const char *location = NULL;
    int rc = ag_experiment_number(id, number) ? AG_OK : AG_ENOTFOUND;
    if (rc >= 0) rc = ag_tx_query(tx, &AG_SQL_EXPERIMENT_BY_ID, AG_BINDS(ag_cell_int(*number)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc == 0 || (rc < 0 && !rows && rc == AG_ENOTFOUND)) {
        rc = ag_fail(err, AG_ENOTFOUND, "No Experiment with id=%.*s exists", AG_STR_ARG(id));
    } else if (rc > 0 && ag_rows_int(rows, 3)) {
        rc = ag_fail(err, AG_EINVAL, "The experiment %.*s must be in the 'active' state. Current state is deleted.",
                     AG_STR_ARG(id));
    } else if (rc > 0) {
        rc = ag_take_text(rows, 2, j->arena, &location, err);
    }
    ag_rows_free(rows);
    if (rc < 0) return rc;
    const char *below = ag_arena_printf(j->arena, "models/%s/artifacts", j->new_id);
    *uri = below ? ag_ledger_location(j->arena, location, below) : NULL;
    return *uri ? AG_OK : ag_fail_memory(err, 64);
}

static ag_cell text_or_null(ag_str text)
{
    return text.size ? ag_cell_str(text) : ag_cell_null();
}

static int run_create(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t number;
    const char *uri;
    ag_str id = ag_str_of(j->new_id);
    int rc = choose_place(tx, j, &number, &uri, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_LOGGED_MODEL_INSERT,
                   AG_BINDS(ag_cell_str(id), ag_cell_int(number), ag_cell_str(j->name), ag_cell_text(uri),
                            text_or_null(j->new_model->model_type), text_or_null(j->new_model->run_id),
                            ag_cell_text(j->actor ? j->actor->name : NULL),
                            ag_cell_text(status_names[AG_LOGGED_PENDING]), ag_cell_int(ag_now())),
                   NULL, err);
    if (rc >= 0) rc = put_params(tx, id, j->new_model->params, err);
    if (rc >= 0) rc = put_tags(tx, id, j->new_model->tags, err);
    return rc < 0 ? rc : find_whole(tx, j, id, err);
}

int ag_logged_model_create(ag_ledger *ledger, const ag_actor *actor, const ag_logged_model_new *new_model,
                           ag_arena *arena, ag_logged_model *out, ag_err *err)
{
    job j = {.actor = actor, .arena = arena, .new_model = new_model, .name = new_model->name};
    char generated[48], id[33];
    int rc = check_new(new_model, err);
    if (rc >= 0 && j.name.size == 0) {
        rc = ag_name_generate(generated, err);
        j.name = ag_str_of(generated);
    }
    if (rc >= 0) rc = ag_id_new(id, err);
    if (rc < 0) return rc;
    ag_format(j.new_id, sizeof(j.new_id), "m-%s", id);
    rc = ag_ledger_write(ledger, run_create, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

/* ---- reading ---- */

static int run_get(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    return find_whole(tx, j, j->id, err);
}

int ag_logged_model_get(ag_ledger *ledger, ag_str id, ag_arena *arena, ag_logged_model *out, ag_err *err)
{
    job j = {.arena = arena, .id = id};
    int rc = ag_db_read(ledger->db, NULL, run_get, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

/* ---- changing ---- */

static int run_finish(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_logged_model_find(tx, j->id, j->arena, &j->found, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_LOGGED_MODEL_FINISH,
                   AG_BINDS(ag_cell_str(j->id), ag_cell_text(ag_logged_status_name(j->status)), ag_cell_int(ag_now())),
                   NULL, err);
    return rc < 0 ? rc : find_whole(tx, j, j->id, err);
}

int ag_logged_model_finish(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_logged_status status,
                           ag_arena *arena, ag_logged_model *out, ag_err *err)
{
    job j = {.actor = actor, .arena = arena, .id = id, .status = status};
    if (status != AG_LOGGED_READY && status != AG_LOGGED_FAILED) {
        return ag_fail(err, AG_EINVAL,
                       "Invalid model status: %d. Expected statuses: LOGGED_MODEL_READY, LOGGED_MODEL_UPLOAD_FAILED",
                       (int)status);
    }
    int rc = ag_ledger_write(ledger, run_finish, &j, err);
    if (rc >= 0) *out = j.found;
    return rc;
}

static int run_delete(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_logged_model_find(tx, j->id, j->arena, &j->found, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_LOGGED_MODEL_DELETE, AG_BINDS(ag_cell_str(j->id), ag_cell_int(ag_now())), NULL, err);
    return rc < 0 ? rc : ag_audit_add(tx, j->actor, "logged-model.delete", j->id, NULL, err);
}

static int touch(ag_tx *tx, ag_str id, ag_err *err)
{
    return ag_tx_run(tx, &AG_SQL_LOGGED_MODEL_TOUCH, AG_BINDS(ag_cell_str(id), ag_cell_int(ag_now())), NULL, err);
}

static int run_set_tags(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_logged_model_find(tx, j->id, j->arena, &j->found, err);
    if (rc >= 0) rc = put_tags(tx, j->id, j->pairs, err);
    return rc < 0 ? rc : touch(tx, j->id, err);
}

static int run_delete_tag(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t changed;
    int rc = ag_logged_model_find(tx, j->id, j->arena, &j->found, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_LOGGED_MODEL_DELETE_TAG, AG_BINDS(ag_cell_str(j->id), ag_cell_str(j->key)), &changed,
                   err);
    if (rc < 0) return rc;
    if (changed) return touch(tx, j->id, err);
    return ag_fail(err, AG_ENOTFOUND, "No tag with key '%.*s' found for model with ID '%.*s'.", AG_STR_ARG(j->key),
                   AG_STR_ARG(j->id));
}

static int expect_same(ag_tx *tx, ag_str id, const ag_pair *param, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_LOGGED_MODEL_PARAM_VALUE, AG_BINDS(ag_cell_str(id), ag_cell_str(param->key)),
                         &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0 && !ag_str_equal(ag_rows_text(rows, 0), param->value)) {
        rc = ag_fail(err, AG_EINVAL,
                     "Changing param values is not allowed. Param with key='%.*s' was already logged for model ID "
                     "'%.*s' with another value.",
                     AG_STR_ARG(param->key), AG_STR_ARG(id));
    }
    ag_rows_free(rows);
    return rc;
}

static int put_params(ag_tx *tx, ag_str id, ag_pairs params, ag_err *err)
{
    for (size_t i = 0; i < params.count; i++) {
        const ag_pair *param = &params.items[i];
        int64_t added;
        int rc =
            ag_tx_run(tx, &AG_SQL_LOGGED_MODEL_PARAM_INSERT,
                      AG_BINDS(ag_cell_str(id), ag_cell_str(param->key), ag_cell_value(param->value)), &added, err);
        if (rc >= 0 && !added) rc = expect_same(tx, id, param, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int run_log_params(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_logged_model_find(tx, j->id, j->arena, &j->found, err);
    if (rc >= 0) rc = put_params(tx, j->id, j->pairs, err);
    return rc < 0 ? rc : touch(tx, j->id, err);
}

static int change(ag_ledger *ledger, job *j, ag_db_fn run, ag_err *err)
{
    j->arena = ag_arena_new(0);
    if (!j->arena) return ag_fail_memory(err, 1);
    int rc = ag_ledger_write(ledger, run, j, err);
    ag_arena_free(j->arena);
    return rc;
}

int ag_logged_model_delete(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err)
{
    job j = {.actor = actor, .id = id};
    return change(ledger, &j, run_delete, err);
}

int ag_logged_model_set_tags(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_pairs tags, ag_err *err)
{
    job j = {.actor = actor, .id = id, .pairs = tags};
    int rc = check_pairs(tags, "tag", AG_MAX_TAG_VALUE, err);
    return rc < 0 ? rc : change(ledger, &j, run_set_tags, err);
}

int ag_logged_model_delete_tag(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_str key, ag_err *err)
{
    job j = {.actor = actor, .id = id, .key = key};
    return change(ledger, &j, run_delete_tag, err);
}

int ag_logged_model_log_params(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_pairs params, ag_err *err)
{
    job j = {.actor = actor, .id = id, .pairs = params};
    int rc = check_pairs(params, "param", AG_MAX_PARAM_VALUE, err);
    return rc < 0 ? rc : change(ledger, &j, run_log_params, err);
}

/* ---- for the registry ---- */

/* The old list with one more; a tag that a client filled with something else is replaced. */
static int add_to_list(ag_buf *text, ag_str old, ag_str model, int64_t number, ag_arena *arena, ag_err *err)
{
    const ag_value *list = NULL;
    ag_json json = ag_json_writer(text, 0, AG_JSON_REFUSE_NONFINITE);
    if (old.size && ag_json_parse(arena, old, NULL, &list, NULL) < 0) list = NULL;
    ag_json_begin_array(&json);
    for (size_t i = 0; list && list->kind == AG_ARRAY && i < list->array.count; i++) {
        ag_json_value(&json, &list->array.items[i]);
    }
    ag_json_begin_object(&json);
    ag_json_name(&json, "name");
    ag_json_str(&json, model);
    ag_json_put_int(&json, "version", number);
    ag_json_end_object(&json);
    ag_json_end_array(&json);
    return ag_json_end_document(&json, err);
}

int ag_logged_model_register(ag_tx *tx, ag_str id, ag_str model, int64_t number, ag_arena *arena, ag_err *err)
{
    static const ag_str key = {"mlflow.modelVersions", 20};
    ag_logged_model found;
    ag_rows *rows = NULL;
    ag_str old = {0};
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    int rc = ag_logged_model_find(tx, id, arena, &found, err);
    if (rc >= 0) {
        rc = ag_tx_query(tx, &AG_SQL_LOGGED_MODEL_TAG_VALUE, AG_BINDS(ag_cell_str(id), ag_cell_str(key)), &rows, err);
    }
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0) rc = ag_take_str(rows, 0, arena, &old, err);
    ag_rows_free(rows);
    if (rc >= 0) rc = add_to_list(&text, old, model, number, arena, err);
    if (rc >= 0) {
        const ag_pair tag = {key, ag_buf_str(&text)};
        rc = put_tags(tx, id, (ag_pairs){&tag, 1}, err);
    }
    ag_buf_deinit(&text);
    return rc;
}
