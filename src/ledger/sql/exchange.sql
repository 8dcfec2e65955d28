-- SPDX-License-Identifier: Apache-2.0
-- Bringing in what another program recorded, under its own ids and times. What is there already stays, so that an import
-- which was cut short, or is done again, adds only what is missing.

-- name: intake_experiment
-- Under its own id when that is free.
INSERT INTO experiments (id, name, artifact_location, deleted, created_at, updated_at, deleted_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING

-- name: intake_experiment_anew
INSERT INTO experiments (name, artifact_location, deleted, created_at, updated_at, deleted_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING RETURNING id

-- name: intake_experiment_ids
-- After ids that the database did not hand out itself.
-- sqlite:
SELECT 1
-- postgres:
SELECT setval(pg_get_serial_sequence('experiments', 'id'), GREATEST((SELECT max(id) FROM experiments), 1))

-- name: intake_experiment_tag
INSERT INTO experiment_tags (experiment_id, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING

-- name: intake_run
INSERT INTO runs (id, experiment_id, name, user_id, status, artifact_uri, deleted, started_at, ended_at, deleted_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING

-- name: intake_run_end
-- A run that was under way at the last import and has ended since.
UPDATE runs SET status = ?2, ended_at = ?3 WHERE id = ?1 AND status IN ('RUNNING', 'SCHEDULED')

-- name: intake_run_state
SELECT experiment_id, artifact_uri FROM runs WHERE id = ?1

-- name: intake_run_tag
INSERT INTO run_tags (run_id, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING

-- name: intake_points_of_run
SELECT count(*) FROM metric_series s JOIN metric_points p ON p.series_id = s.id WHERE s.run_id = ?1

-- name: intake_logged_model
INSERT INTO logged_models (id, experiment_id, name, artifact_uri, model_type, run_id, status, status_message, deleted,
                           created_at, updated_at, deleted_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING

-- name: intake_logged_model_place
SELECT artifact_uri FROM logged_models WHERE id = ?1

-- name: intake_logged_model_param
INSERT INTO logged_model_params (logged_model_id, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING

-- name: intake_logged_model_tag
INSERT INTO logged_model_tags (logged_model_id, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING

-- name: intake_model
INSERT INTO models (name, description, user_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO NOTHING

-- name: intake_model_id
SELECT id FROM models WHERE name = ?1

-- name: intake_model_number
-- No number that was ever used is given again.
UPDATE models SET last_version = ?2 WHERE id = ?1 AND last_version < ?2

-- name: intake_model_tag
INSERT INTO model_tags (model_id, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING

-- name: intake_version
INSERT INTO model_versions (model_id, number, source, storage, run_id, run_link, logged_model_id, description, user_id,
                            stage, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING

-- name: intake_version_id
SELECT id FROM model_versions WHERE model_id = ?1 AND number = ?2

-- name: intake_version_tag
INSERT INTO version_tags (version_id, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING

-- name: intake_alias
INSERT INTO aliases (model_id, name, version_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING
