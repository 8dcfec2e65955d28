// SPDX-License-Identifier: Apache-2.0
/* mlruns.c: reading the files of MLflow's file store. Older and newer versions write other names; what is missing has a
 * neutral value, and only a missing identity is refused. */
#include "ledger/exchange/mlruns.h"

#include "core/doc/yaml.h"

int ag_mlruns_meta(ag_arena *arena, ag_str text, const char *file, const ag_value **out, ag_err *err)
{
    ag_yaml_options options = {.file = file, .max_bytes = 64 << 20};
    int rc = ag_yaml_parse(arena, text, &options, out, err);
    if (rc < 0 || (*out)->kind == AG_OBJECT) return rc;
    return ag_fail_at(err, AG_EPARSE, file, 1, 1, "this is not a mapping of names to values");
}

int ag_mlruns_text(ag_arena *arena, const ag_value *meta, const char *name, const char **out, ag_err *err)
{
    const ag_value *value = ag_value_get(meta, name);
    char real[32];
    *out = NULL;
    if (!value || value->kind == AG_NULL) return AG_OK;
    switch (value->kind) {
    case AG_STRING:
        if (ag_str_find_char(value->string, '\0', 0) != SIZE_MAX) {
            return ag_fail(err, AG_EPARSE, "'%s' holds a NUL byte", name);
        }
        *out = ag_arena_strndup(arena, value->string.data ? value->string.data : "", value->string.size);
        break;
    case AG_INT: *out = ag_arena_printf(arena, "%lld", (long long)value->integer); break;
    case AG_BOOL: *out = ag_arena_strdup(arena, value->boolean ? "true" : "false"); break;
    case AG_REAL: /* a text of digits with an 'e' in it, like a digest, is a number to YAML */
        ag_double_format(value->real, real);
        *out = ag_arena_strdup(arena, real);
        break;
    default: return ag_fail(err, AG_EPARSE, "'%s' is not a text", name);
    }
    return *out ? AG_OK : ag_fail_memory(err, 1);
}

int64_t ag_mlruns_time(const ag_value *meta, const char *name)
{
    int64_t at;
    if (!ag_value_int(ag_value_get(meta, name), &at) || at < 0 || at > INT64_MAX / 1000) return 0;
    return at * 1000;
}

typedef struct field {
    const char *name;
    const char **into;
} field;

static int read_fields(ag_arena *arena, const ag_value *meta, const field *fields, size_t count, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < count && rc >= 0; i++) rc = ag_mlruns_text(arena, meta, fields[i].name, fields[i].into, err);
    return rc;
}
#define FIELDS(...) (const field[]){__VA_ARGS__}, sizeof((const field[]){__VA_ARGS__}) / sizeof(field)

static int required(const char *text, const char *name, ag_err *err)
{
    if (text && *text) return AG_OK;
    return ag_fail(err, AG_EPARSE, "'%s' is missing", name);
}

int ag_mlruns_experiment(ag_arena *arena, const ag_value *meta, ag_experiment *out, ag_err *err)
{
    const char *stage = NULL;
    *out = (ag_experiment){.created_at = ag_mlruns_time(meta, "creation_time"),
                           .updated_at = ag_mlruns_time(meta, "last_update_time")};
    int rc = read_fields(arena, meta,
                         FIELDS({"experiment_id", &out->id}, {"name", &out->name},
                                {"artifact_location", &out->artifact_location}, {"lifecycle_stage", &stage}),
                         err);
    if (rc >= 0) rc = required(out->id, "experiment_id", err);
    if (rc >= 0) rc = required(out->name, "name", err);
    out->deleted = stage && strcmp(stage, "deleted") == 0;
    return rc;
}

int ag_mlruns_run(ag_arena *arena, const ag_value *meta, ag_intake_run *out, ag_err *err)
{
    ag_run *run = &out->run;
    const char *stage = NULL, *uuid = NULL, *status = NULL;
    int64_t number = 0;
    *out = (ag_intake_run){.deleted_at = ag_mlruns_time(meta, "deleted_time")};
    run->started_at = ag_mlruns_time(meta, "start_time");
    run->ended_at = ag_mlruns_time(meta, "end_time");
    int rc =
        read_fields(arena, meta,
                    FIELDS({"run_id", &run->id}, {"run_uuid", &uuid}, {"run_name", &run->name}, {"status", &status},
                           {"experiment_id", &run->experiment_id}, {"artifact_uri", &run->artifact_uri},
                           {"user_id", &run->user_id}, {"lifecycle_stage", &stage}),
                    err);
    if (rc < 0) return rc;
    if (!run->id) run->id = uuid;
    if (!run->name) run->name = "";
    run->deleted = stage && strcmp(stage, "deleted") == 0;
    run->status = AG_RUN_RUNNING;
    if (ag_value_int(ag_value_get(meta, "status"), &number) && number >= AG_RUN_RUNNING && number <= AG_RUN_KILLED) {
        run->status = (ag_run_status)number;
    } else if (status) {
        ag_run_status_parse(ag_str_of(status), &run->status);
    }
    return required(run->id, "run_id", err);
}

int ag_mlruns_logged_model(ag_arena *arena, const ag_value *meta, ag_logged_model *out, bool *deleted, ag_err *err)
{
    int64_t status = 0;
    const char *stage = NULL;
    *out = (ag_logged_model){.created_at = ag_mlruns_time(meta, "creation_timestamp"),
                             .updated_at = ag_mlruns_time(meta, "last_updated_timestamp"),
                             .status = AG_LOGGED_PENDING};
    int rc = read_fields(arena, meta,
                         FIELDS({"model_id", &out->id}, {"experiment_id", &out->experiment_id}, {"name", &out->name},
                                {"artifact_location", &out->artifact_uri}, {"model_type", &out->model_type},
                                {"source_run_id", &out->run_id}, {"status_message", &out->status_message},
                                {"lifecycle_stage", &stage}),
                         err);
    if (rc < 0) return rc;
    *deleted = stage && strcmp(stage, "deleted") == 0;
    if (ag_value_int(ag_value_get(meta, "status"), &status) && status >= AG_LOGGED_PENDING &&
        status <= AG_LOGGED_FAILED) {
        out->status = (ag_logged_status)status;
    } else {
        ag_str name;
        char whole[64];
        if (ag_value_string(ag_value_get(meta, "status"), &name)) {
            ag_format(whole, sizeof(whole), "LOGGED_MODEL_%.*s", AG_STR_ARG(ag_str_slice(name, 0, 40)));
            if (!ag_logged_status_parse(name, &out->status)) ag_logged_status_parse(ag_str_of(whole), &out->status);
        }
    }
    if (!out->name) out->name = "";
    return required(out->id, "model_id", err);
}

int ag_mlruns_model(ag_arena *arena, const ag_value *meta, ag_registered_model *out, ag_err *err)
{
    *out = (ag_registered_model){.created_at = ag_mlruns_time(meta, "creation_timestamp"),
                                 .updated_at = ag_mlruns_time(meta, "last_updated_timestamp")};
    int rc = read_fields(arena, meta, FIELDS({"name", &out->name}, {"description", &out->description}), err);
    return rc < 0 ? rc : required(out->name, "name", err);
}

int ag_mlruns_version(ag_arena *arena, const ag_value *meta, ag_version *out, bool *deleted, ag_err *err)
{
    const char *stage = NULL, *number = NULL;
    *out = (ag_version){.created_at = ag_mlruns_time(meta, "creation_timestamp"),
                        .updated_at = ag_mlruns_time(meta, "last_updated_timestamp")};
    int rc = read_fields(arena, meta,
                         FIELDS({"name", &out->model}, {"version", &number}, {"current_stage", &stage},
                                {"description", &out->description}, {"user_id", &out->user_id},
                                {"source", &out->source}, {"run_id", &out->run_id}, {"run_link", &out->run_link},
                                {"storage_location", &out->storage}, {"model_id", &out->model_id}),
                         err);
    if (rc < 0) return rc;
    if (!number || !ag_str_to_int(ag_str_of(number), &out->number) || out->number <= 0) {
        return ag_fail(err, AG_EPARSE, "'version' is not a positive number");
    }
    if (!out->source) out->source = "";
    out->stage = ag_mlflow_stage(ag_str_of(stage ? stage : "None"), deleted);
    if (!out->model_id) out->model_id = ag_mlflow_model_of(arena, out->source);
    return required(out->model, "name", err);
}

int ag_mlruns_dataset(ag_arena *arena, const ag_value *meta, ag_run_input *out, ag_err *err)
{
    *out = (ag_run_input){0};
    int rc = read_fields(arena, meta,
                         FIELDS({"name", &out->name}, {"digest", &out->digest}, {"source_type", &out->source_type},
                                {"source", &out->source}, {"schema", &out->schema}, {"profile", &out->profile}),
                         err);
    if (rc >= 0) rc = required(out->name, "name", err);
    if (rc >= 0) rc = required(out->digest, "digest", err);
    if (!out->source_type) out->source_type = "";
    if (!out->source) out->source = "";
    return rc;
}

int ag_mlruns_tags(ag_arena *arena, const ag_value *meta, ag_pairs *out, ag_err *err)
{
    const ag_value *tags = ag_value_get(meta, "tags");
    *out = (ag_pairs){0};
    if (!tags || tags->kind != AG_OBJECT) return AG_OK;
    ag_pair *pairs = ag_arena_array(arena, tags->object.count + 1, sizeof(*pairs));
    if (!pairs) return ag_fail_memory(err, tags->object.count);
    for (size_t i = 0; i < tags->object.count; i++) {
        const ag_member *member = &tags->object.members[i];
        const char *value;
        char *name = ag_arena_strndup(arena, member->name.data ? member->name.data : "", member->name.size);
        if (!name) return ag_fail_memory(err, member->name.size);
        int rc = ag_mlruns_text(arena, tags, name, &value, err);
        if (rc < 0) return rc;
        pairs[i] = (ag_pair){member->name, ag_str_of(value ? value : "")};
    }
    *out = (ag_pairs){pairs, tags->object.count};
    return AG_OK;
}

bool ag_mlruns_point(ag_str line, ag_metric *out, ag_str *more)
{
    ag_str rest = ag_str_trim(line), at, value, step = {0};
    *out = (ag_metric){0};
    *more = (ag_str){"", 0};
    if (!rest.size || !ag_str_next(&rest, ' ', &at) || !rest.data || !ag_str_next(&rest, ' ', &value)) return false;
    if (rest.data) ag_str_next(&rest, ' ', &step);
    if (rest.data) *more = rest;
    int64_t milliseconds;
    if (!ag_str_to_int(at, &milliseconds) || milliseconds < 0 || milliseconds > INT64_MAX / 1000) return false;
    out->at = milliseconds * 1000;
    if (!ag_str_to_double(value, &out->value)) return false;
    return step.size == 0 || ag_str_to_int(step, &out->step);
}
