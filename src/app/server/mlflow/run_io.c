// SPDX-License-Identifier: Apache-2.0
/* run_io.c: what a run reads and makes: data sets and models. */
#include "app/server/mlflow/group.h"
#include "app/server/mlflow/run_log.h"

/* ---- inputs ---- */

typedef struct dataset {
    const char *name, *digest, *source_type, *source, *schema, *profile;
} dataset;
static const ag_field dataset_fields[] = {
    AG_TEXT_NEEDED(dataset, name, "Its name."),
    AG_TEXT_NEEDED(dataset, digest, "A digest of its content."),
    AG_TEXT_NEEDED(dataset, source_type, "What kind of source."),
    AG_TEXT_NEEDED(dataset, source, "Where it is from."),
    AG_TEXT_FIELD(dataset, schema, "Its columns."),
    AG_TEXT_FIELD(dataset, profile, "Its statistics."),
};
static const ag_description dataset_message = AG_MESSAGE(dataset, "A data set.");

typedef struct dataset_input {
    ag_list tags;
    dataset dataset;
} dataset_input;
static const ag_field dataset_input_fields[] = {
    AG_LIST_FIELD(dataset_input, tags, &ag_message_pair_description, "For what it was read: mlflow.data.context."),
    {.name = "dataset",
     .type = AG_FIELD_STRUCT,
     .inner = &dataset_message,
     .offset = offsetof(dataset_input, dataset),
     .required = true,
     .doc = "The data set."},
};
static const ag_description input_message = AG_MESSAGE(dataset_input, "A data set that a run reads.");

typedef struct model_input {
    const char *model_id;
} model_input;
static const ag_field model_input_fields[] = {AG_TEXT_NEEDED(model_input, model_id, "The logged model.")};
static const ag_description model_input_message = AG_MESSAGE(model_input, "A model that a run reads.");

typedef struct log_inputs {
    const char *run_id;
    ag_list datasets, models;
} log_inputs;
static const ag_field log_inputs_fields[] = {
    AG_RUN_ID(log_inputs),
    AG_LIST_FIELD(log_inputs, datasets, &input_message, "Data sets."),
    AG_LIST_FIELD(log_inputs, models, &model_input_message, "Models."),
};
const ag_description ag_log_inputs_message = AG_MESSAGE(log_inputs, "What a run reads.");

int ag_log_inputs(ag_request *request, ag_response *response, ag_err *err)
{
    log_inputs message;
    int rc = ag_message_read(request, &ag_log_inputs_message, &message, err);
    if (rc < 0) return rc;
    size_t count = message.datasets.count, model_count = message.models.count;
    const dataset_input *from = message.datasets.items;
    const model_input *model_from = message.models.items;
    ag_run_input *inputs = ag_arena_array(request->arena, count + 1, sizeof(*inputs));
    ag_run_model *models = ag_arena_array(request->arena, model_count + 1, sizeof(*models));
    if (!inputs || !models) return ag_fail_memory(err, count * sizeof(*inputs));
    for (size_t i = 0; i < count && rc >= 0; i++) {
        const dataset *data = &from[i].dataset;
        inputs[i] = (ag_run_input){.name = data->name,
                                   .digest = data->digest,
                                   .source_type = data->source_type,
                                   .source = data->source,
                                   .schema = data->schema,
                                   .profile = data->profile};
        rc = ag_message_pairs(request->arena, from[i].tags, 0, &inputs[i].tags, err);
    }
    for (size_t i = 0; i < model_count; i++) models[i] = (ag_run_model){.model_id = model_from[i].model_id};
    if (rc >= 0) {
        rc = ag_run_log_inputs(request->ledger, ag_str_of(message.run_id), inputs, count, models, model_count, err);
    }
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

/* ---- outputs ---- */

typedef struct model_output {
    const char *model_id;
    int64_t step;
} model_output;
static const ag_field model_output_fields[] = {
    AG_TEXT_NEEDED(model_output, model_id, "The logged model."),
    AG_INT_FIELD(model_output, step, "The step at which it was made."),
};
static const ag_description model_output_message = AG_MESSAGE(model_output, "A model that a run makes.");

typedef struct log_outputs {
    const char *run_id;
    ag_list models;
} log_outputs;
static const ag_field log_outputs_fields[] = {
    AG_RUN_ID(log_outputs),
    {.name = "models",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_STRUCT,
     .inner = &model_output_message,
     .offset = offsetof(log_outputs, models),
     .required = true,
     .doc = "The models."},
};
const ag_description ag_log_outputs_message = AG_MESSAGE(log_outputs, "What a run makes.");

int ag_log_outputs(ag_request *request, ag_response *response, ag_err *err)
{
    log_outputs message;
    int rc = ag_message_read(request, &ag_log_outputs_message, &message, err);
    if (rc < 0) return rc;
    size_t count = message.models.count;
    const model_output *from = message.models.items;
    ag_run_model *models = ag_arena_array(request->arena, count + 1, sizeof(*models));
    if (!models) return ag_fail_memory(err, count * sizeof(*models));
    for (size_t i = 0; i < count; i++) models[i] = (ag_run_model){from[i].model_id, from[i].step};
    rc = ag_run_log_outputs(request->ledger, ag_str_of(message.run_id), models, count, err);
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

/* ---- models, as clients before MLflow 3 log them ---- */

typedef struct log_model {
    const char *run_id, *model_json;
} log_model;
static const ag_field log_model_fields[] = {
    AG_RUN_ID(log_model),
    AG_TEXT_NEEDED(log_model, model_json, "The model's MLmodel file, as JSON."),
};
const ag_description ag_log_model_message = AG_MESSAGE(log_model, "A model that a run has logged.");

static const char history_tag[] = "mlflow.log-model.history";

static int check_model(const ag_value *model, ag_err *err)
{
    static const char *const needed[] = {"artifact_path", "flavors", "utc_time_created", "run_id"};
    char missing[128] = "";
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (ag_value_get(model, needed[i])) continue;
        size_t used = strlen(missing);
        ag_format(missing + used, sizeof(missing) - used, "%s'%s'", used ? ", " : "", needed[i]);
    }
    if (!*missing) return AG_OK;
    return ag_fail(err, AG_EINVAL, "Model json is missing mandatory fields: {%s}", missing);
}

/* What the history keeps of a model: not the signature, which can be long. */
static void put_model(ag_json *json, const ag_value *model)
{
    static const char *const kept[] = {"run_id", "artifact_path", "utc_time_created", "model_uuid", "flavors"};
    ag_json_begin_object(json);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        const ag_value *value = ag_value_get(model, kept[i]);
        if (!value) continue;
        ag_json_name(json, kept[i]);
        ag_json_value(json, value);
    }
    ag_json_end_object(json);
}

/* The history from its `first` entry on with the model behind it. */
static int put_history(const ag_value *old, size_t first, const ag_value *model, ag_buf *out, ag_err *err)
{
    ag_buf_clear(out);
    ag_json json = ag_json_writer(out, 0, AG_JSON_NONFINITE_WORDS);
    ag_json_begin_array(&json);
    for (size_t i = first; old && i < old->array.count; i++) ag_json_value(&json, &old->array.items[i]);
    put_model(&json, model);
    ag_json_end_array(&json);
    return ag_json_end_document(&json, err);
}

static const ag_value *old_history(const ag_run *run, ag_arena *arena)
{
    static const ag_json_options options = {.nonfinite = AG_JSON_NONFINITE_WORDS, .allow_duplicates = true};
    const ag_value *old = NULL;
    for (size_t i = 0; i < run->tags.count; i++) {
        if (!ag_str_is(run->tags.items[i].key, history_tag)) continue;
        if (ag_json_parse(arena, run->tags.items[i].value, &options, &old, NULL) < 0) old = NULL;
    }
    return old && old->kind == AG_ARRAY ? old : NULL;
}

/* The tag has a longest value: when it is full the oldest entries go. */
static int set_history(ag_request *request, ag_str run_id, const ag_value *model, ag_err *err)
{
    ag_run run;
    ag_buf text;
    ag_buf_init(&text, (size_t)16 << 20);
    int rc = ag_run_get(request->ledger, run_id, request->arena, &run, err);
    const ag_value *old = rc < 0 ? NULL : old_history(&run, request->arena);
    size_t count = old ? old->array.count : 0;
    for (size_t first = 0; rc >= 0 && first <= count; first++) {
        rc = put_history(old, first, model, &text, err);
        if (text.size <= AG_MAX_TAG_VALUE) break;
    }
    ag_pair tag = {ag_str_of(history_tag), ag_buf_str(&text)};
    ag_run_batch batch = {.tags = {&tag, 1}};
    if (rc >= 0) rc = ag_run_log(request->ledger, run_id, &batch, err);
    ag_buf_deinit(&text);
    return rc;
}

int ag_log_model(ag_request *request, ag_response *response, ag_err *err)
{
    static const ag_json_options options = {.nonfinite = AG_JSON_NONFINITE_WORDS, .allow_duplicates = true};
    log_model message;
    const ag_value *model = NULL;
    int rc = ag_message_read(request, &ag_log_model_message, &message, err);
    if (rc < 0) return rc;
    if (ag_json_parse(request->arena, ag_str_of(message.model_json), &options, &model, NULL) < 0 ||
        model->kind != AG_OBJECT) {
        return ag_fail(err, AG_EINVAL, "Malformed model info. \n %.200s \n is not a valid JSON.", message.model_json);
    }
    rc = check_model(model, err);
    if (rc >= 0) rc = set_history(request, ag_str_of(message.run_id), model, err);
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}
