// SPDX-License-Identifier: Apache-2.0
/* write.c: see write.h. A list without items is left out, as protocol buffers write it. */
#include "app/server/mlflow/write.h"

enum { PER_MILLISECOND = 1000 };

void ag_write_text(ag_json *json, const char *name, const char *text)
{
    if (text) ag_json_put_text(json, name, text);
}

void ag_write_next(ag_json *json, const char *token)
{
    if (token && *token) ag_json_put_text(json, "next_page_token", token);
}

static void put_time(ag_json *json, const char *name, int64_t at)
{
    if (at) ag_json_put_int(json, name, at / PER_MILLISECOND);
}

void ag_write_pairs(ag_json *json, const char *name, ag_pairs pairs)
{
    if (!pairs.count) return;
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < pairs.count; i++) {
        ag_json_begin_object(json);
        ag_json_name(json, "key");
        ag_json_str(json, pairs.items[i].key);
        ag_json_name(json, "value");
        ag_json_str(json, pairs.items[i].value);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

void ag_write_experiment(ag_json *json, const ag_experiment *experiment)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "experiment_id", experiment->id);
    ag_json_put_text(json, "name", experiment->name);
    ag_json_put_text(json, "artifact_location", experiment->artifact_location);
    ag_json_put_text(json, "lifecycle_stage", experiment->deleted ? "deleted" : "active");
    put_time(json, "last_update_time", experiment->updated_at);
    put_time(json, "creation_time", experiment->created_at);
    ag_write_pairs(json, "tags", experiment->tags);
    ag_json_end_object(json);
}

/* ---- runs ---- */

void ag_write_metric(ag_json *json, const ag_metric *metric, const char *run_id)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "key", metric->key);
    ag_json_put_real(json, "value", metric->value);
    ag_json_put_int(json, "timestamp", metric->at / PER_MILLISECOND);
    ag_json_put_int(json, "step", metric->step);
    ag_write_text(json, "run_id", run_id);
    ag_write_text(json, "model_id", metric->model_id);
    ag_write_text(json, "dataset_name", metric->dataset_name);
    ag_write_text(json, "dataset_digest", metric->dataset_digest);
    ag_json_end_object(json);
}

static void put_metrics(ag_json *json, const ag_metric *metrics, size_t count)
{
    if (!count) return;
    ag_json_name(json, "metrics");
    ag_json_begin_array(json);
    for (size_t i = 0; i < count; i++) ag_write_metric(json, &metrics[i], NULL);
    ag_json_end_array(json);
}

void ag_write_run_info(ag_json *json, const ag_run *run)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "run_id", run->id);
    ag_json_put_text(json, "run_uuid", run->id);
    ag_json_put_text(json, "run_name", run->name ? run->name : "");
    ag_json_put_text(json, "experiment_id", run->experiment_id);
    ag_json_put_text(json, "user_id", run->user_id ? run->user_id : "");
    ag_json_put_text(json, "status", ag_run_status_name(run->status));
    put_time(json, "start_time", run->started_at);
    put_time(json, "end_time", run->ended_at);
    ag_json_put_text(json, "artifact_uri", run->artifact_uri);
    ag_json_put_text(json, "lifecycle_stage", run->deleted ? "deleted" : "active");
    ag_json_end_object(json);
}

static void put_dataset_inputs(ag_json *json, const ag_run *run)
{
    if (!run->input_count) return;
    ag_json_name(json, "dataset_inputs");
    ag_json_begin_array(json);
    for (size_t i = 0; i < run->input_count; i++) {
        const ag_run_input *input = &run->inputs[i];
        ag_json_begin_object(json);
        ag_write_pairs(json, "tags", input->tags);
        ag_json_name(json, "dataset");
        ag_json_begin_object(json);
        ag_json_put_text(json, "name", input->name);
        ag_json_put_text(json, "digest", input->digest);
        ag_json_put_text(json, "source_type", input->source_type);
        ag_json_put_text(json, "source", input->source);
        ag_write_text(json, "schema", input->schema);
        ag_write_text(json, "profile", input->profile);
        ag_json_end_object(json);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static void put_models(ag_json *json, const char *name, const ag_run_model *models, size_t count, bool with_step)
{
    if (!count) return;
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "model_id", models[i].model_id);
        if (with_step) ag_json_put_int(json, "step", models[i].step);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

void ag_write_run(ag_json *json, const ag_run *run)
{
    ag_json_begin_object(json);
    ag_json_name(json, "info");
    ag_write_run_info(json, run);
    ag_json_name(json, "data");
    ag_json_begin_object(json);
    put_metrics(json, run->metrics, run->metric_count);
    ag_write_pairs(json, "params", run->params);
    ag_write_pairs(json, "tags", run->tags);
    ag_json_end_object(json);
    ag_json_name(json, "inputs");
    ag_json_begin_object(json);
    put_dataset_inputs(json, run);
    put_models(json, "model_inputs", run->model_inputs, run->model_input_count, false);
    ag_json_end_object(json);
    if (run->model_output_count) {
        ag_json_name(json, "outputs");
        ag_json_begin_object(json);
        put_models(json, "model_outputs", run->model_outputs, run->model_output_count, true);
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
}

/* ---- the registry ---- */

static void put_number(ag_json *json, const char *name, int64_t number) /* as a string: versions are names */
{
    char text[24];
    ag_format(text, sizeof(text), "%lld", (long long)number);
    ag_json_put_text(json, name, text);
}

void ag_write_version(ag_json *json, const ag_version *version)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", version->model);
    put_number(json, "version", version->number);
    put_time(json, "creation_timestamp", version->created_at);
    put_time(json, "last_updated_timestamp", version->updated_at);
    ag_write_text(json, "user_id", version->user_id);
    ag_json_put_text(json, "current_stage", ag_stage_name(version->stage));
    ag_write_text(json, "description", version->description);
    ag_write_text(json, "source", version->source);
    ag_write_text(json, "run_id", version->run_id);
    ag_json_put_text(json, "status", "READY");
    ag_write_pairs(json, "tags", version->tags);
    ag_write_text(json, "run_link", version->run_link);
    if (version->alias_count) {
        ag_json_name(json, "aliases");
        ag_json_begin_array(json);
        for (size_t i = 0; i < version->alias_count; i++) ag_json_text(json, version->aliases[i]);
        ag_json_end_array(json);
    }
    ag_write_text(json, "model_id", version->model_id);
    ag_json_end_object(json);
}

void ag_write_model(ag_json *json, const ag_registered_model *model)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", model->name);
    put_time(json, "creation_timestamp", model->created_at);
    put_time(json, "last_updated_timestamp", model->updated_at);
    ag_write_text(json, "user_id", model->user_id);
    ag_write_text(json, "description", model->description);
    if (model->latest_count) {
        ag_json_name(json, "latest_versions");
        ag_json_begin_array(json);
        for (size_t i = 0; i < model->latest_count; i++) ag_write_version(json, &model->latest[i]);
        ag_json_end_array(json);
    }
    ag_write_pairs(json, "tags", model->tags);
    if (model->alias_count) {
        ag_json_name(json, "aliases");
        ag_json_begin_array(json);
        for (size_t i = 0; i < model->alias_count; i++) {
            ag_json_begin_object(json);
            ag_json_put_text(json, "alias", model->aliases[i].name);
            put_number(json, "version", model->aliases[i].version);
            ag_json_end_object(json);
        }
        ag_json_end_array(json);
    }
    ag_json_end_object(json);
}

/* ---- logged models ---- */

void ag_write_logged_model(ag_json *json, const ag_logged_model *model)
{
    static const char *const statuses[] = {[AG_LOGGED_PENDING] = "LOGGED_MODEL_PENDING",
                                           [AG_LOGGED_READY] = "LOGGED_MODEL_READY",
                                           [AG_LOGGED_FAILED] = "LOGGED_MODEL_UPLOAD_FAILED"};
    ag_json_begin_object(json);
    ag_json_name(json, "info");
    ag_json_begin_object(json);
    ag_json_put_text(json, "model_id", model->id);
    ag_json_put_text(json, "experiment_id", model->experiment_id);
    ag_json_put_text(json, "name", model->name);
    put_time(json, "creation_timestamp_ms", model->created_at);
    put_time(json, "last_updated_timestamp_ms", model->updated_at);
    ag_json_put_text(json, "artifact_uri", model->artifact_uri);
    ag_json_put_text(json, "status", statuses[model->status]);
    ag_write_text(json, "creator_id", model->user_id);
    ag_write_text(json, "model_type", model->model_type);
    ag_write_text(json, "source_run_id", model->run_id);
    ag_write_text(json, "status_message", model->status_message);
    ag_write_pairs(json, "tags", model->tags);
    ag_json_end_object(json);
    ag_json_name(json, "data");
    ag_json_begin_object(json);
    ag_write_pairs(json, "params", model->params);
    put_metrics(json, model->metrics, model->metric_count);
    ag_json_end_object(json);
    ag_json_end_object(json);
}
