-- SPDX-License-Identifier: Apache-2.0
-- Reading the database of an MLflow server (2.x and 3.x). The schema is theirs; what older or newer ones lack is left
-- out by marks. Only plain types come out, so that both databases read alike.

-- name: mlflow_column
-- 1 when the table has the column.
-- sqlite:
SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2
-- postgres:
SELECT count(*) FROM information_schema.columns
WHERE table_schema = ANY (current_schemas(false)) AND table_name = ?1 AND column_name = ?2

-- name: mlflow_schema
SELECT version_num FROM alembic_version

-- name: mlflow_count
SELECT count(*) FROM /*table*/

-- name: mlflow_experiments
SELECT CAST(experiment_id AS BIGINT), name, artifact_location, lifecycle_stage, /*created*/, /*updated*/
FROM experiments WHERE /*workspace*/ ORDER BY experiment_id

-- name: mlflow_experiment_tags
SELECT CAST(experiment_id AS BIGINT), key, value FROM experiment_tags ORDER BY experiment_id, key

-- name: mlflow_runs
-- By pages in order of id.
SELECT run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri,
       CAST(experiment_id AS BIGINT), /*deleted*/
FROM runs WHERE run_uuid > ?1 ORDER BY run_uuid LIMIT ?2

-- name: mlflow_params
SELECT run_uuid, key, value FROM params WHERE run_uuid >= ?1 AND run_uuid <= ?2 ORDER BY run_uuid, key

-- name: mlflow_tags
SELECT run_uuid, key, value FROM tags WHERE run_uuid >= ?1 AND run_uuid <= ?2 ORDER BY run_uuid, key

-- name: mlflow_inputs
SELECT i.destination_id, i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema,
       d.dataset_profile
FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id >= ?1 AND i.destination_id <= ?2
ORDER BY i.destination_id, i.input_uuid

-- name: mlflow_input_tags
SELECT i.destination_id, t.input_uuid, t.name, t.value FROM input_tags t JOIN inputs i ON i.input_uuid = t.input_uuid
WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id >= ?1 AND i.destination_id <= ?2
ORDER BY i.destination_id, t.input_uuid, t.name

-- name: mlflow_point_counts
SELECT run_uuid, count(*) FROM metrics GROUP BY run_uuid ORDER BY run_uuid

-- name: mlflow_points
-- The whole table as a stream, run by run. PostgreSQL gives its rows in pieces, through a cursor.
-- sqlite:
SELECT run_uuid, key, value, timestamp, step, is_nan FROM metrics ORDER BY run_uuid, key
-- postgres:
DECLARE auger_points NO SCROLL CURSOR FOR
SELECT run_uuid, key, value, timestamp, step, CAST(is_nan AS INTEGER) FROM metrics ORDER BY run_uuid, key

-- name: mlflow_points_next
-- sqlite:
SELECT 1
-- postgres:
FETCH FORWARD 5000 FROM auger_points

-- name: mlflow_logged_models
SELECT model_id, CAST(experiment_id AS BIGINT), name, artifact_location, creation_timestamp_ms, last_updated_timestamp_ms,
       status, lifecycle_stage, model_type, source_run_id, status_message
FROM logged_models WHERE model_id > ?1 ORDER BY model_id LIMIT ?2

-- name: mlflow_logged_model_params
SELECT model_id, param_key, param_value FROM logged_model_params WHERE model_id = ?1 ORDER BY param_key

-- name: mlflow_logged_model_tags
SELECT model_id, tag_key, tag_value FROM logged_model_tags WHERE model_id = ?1 ORDER BY tag_key

-- name: mlflow_logged_model_metrics
SELECT metric_name, metric_value, metric_timestamp_ms, metric_step, run_id, dataset_name, dataset_digest
FROM logged_model_metrics WHERE model_id = ?1 ORDER BY metric_step, metric_timestamp_ms

-- name: mlflow_edges
-- Run, model, 1 when the run made it, step.
SELECT source_id, destination_id, CASE source_type WHEN 'RUN_OUTPUT' THEN 1 ELSE 0 END, /*step*/ FROM inputs
WHERE source_type IN ('RUN_OUTPUT', 'RUN_INPUT') AND destination_type IN ('MODEL_OUTPUT', 'MODEL_INPUT')
ORDER BY source_id, destination_id

-- name: mlflow_models
SELECT name, creation_time, last_updated_time, description FROM registered_models WHERE /*workspace*/ ORDER BY name

-- name: mlflow_model_tags
SELECT name, key, value FROM registered_model_tags WHERE /*workspace*/ AND name = ?1 ORDER BY key

-- name: mlflow_versions
SELECT name, version, creation_time, last_updated_time, description, user_id, current_stage, source, run_id, run_link,
       /*storage*/, status
FROM model_versions WHERE /*workspace*/ AND name = ?1 ORDER BY version

-- name: mlflow_version_tags
SELECT version, key, value FROM model_version_tags WHERE /*workspace*/ AND name = ?1 ORDER BY version, key

-- name: mlflow_aliases
SELECT alias, version FROM registered_model_aliases WHERE /*workspace*/ AND name = ?1 ORDER BY alias
