-- SPDX-License-Identifier: Apache-2.0
-- What runs read and made: data sets and logged models.

-- name: dataset_upsert
-- Always gives the id; what is there stays as it was.
INSERT INTO datasets AS d (experiment_id, name, digest, source_type, source, schema, profile)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (experiment_id, name, digest) DO UPDATE SET source_type = d.source_type RETURNING id

-- name: run_input_insert
-- 0 rows when the run has it already: the first tags count.
INSERT INTO run_inputs (run_id, dataset_id) VALUES (?1, ?2) ON CONFLICT (run_id, dataset_id) DO NOTHING

-- name: run_input_id
SELECT id FROM run_inputs WHERE run_id = ?1 AND dataset_id = ?2

-- name: run_input_tag
INSERT INTO run_input_tags (input_id, key, value) VALUES (?1, ?2, ?3)
ON CONFLICT (input_id, key) DO UPDATE SET value = excluded.value

-- name: run_model_insert
INSERT INTO run_models (run_id, logged_model_id, is_output, step) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (run_id, is_output, logged_model_id) DO UPDATE SET step = excluded.step

-- name: run_inputs
SELECT i.run_id, i.id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
FROM run_inputs i JOIN datasets d ON d.id = i.dataset_id WHERE i.run_id IN (/*ids*/) ORDER BY i.run_id, i.id

-- name: run_inputs_tags
SELECT i.run_id, i.id, t.key, t.value FROM run_inputs i JOIN run_input_tags t ON t.input_id = i.id
WHERE i.run_id IN (/*ids*/) ORDER BY i.run_id, i.id, t.key

-- name: run_models
SELECT run_id, is_output, logged_model_id, step FROM run_models WHERE run_id IN (/*ids*/)
ORDER BY run_id, is_output, step, logged_model_id

-- name: dataset_summaries
SELECT DISTINCT d.experiment_id, d.name, d.digest, t.value FROM datasets d
JOIN run_inputs i ON i.dataset_id = d.id JOIN runs r ON r.id = i.run_id AND r.deleted = 0
LEFT JOIN run_input_tags t ON t.input_id = i.id AND t.key = 'mlflow.data.context'
WHERE d.experiment_id IN (/*ids*/) ORDER BY d.experiment_id, d.name, d.digest, t.value LIMIT 1000
