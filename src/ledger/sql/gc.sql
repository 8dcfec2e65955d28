-- SPDX-License-Identifier: Apache-2.0
-- Removing for ever. deleted = 3: being removed, cannot come back.

-- name: gc_runs
-- Deleted before ?1, or being removed already; after the id ?2.
SELECT id, artifact_uri, experiment_id FROM runs
WHERE deleted <> 0 AND (deleted = 3 OR deleted_at <= ?1) AND id > ?2 ORDER BY id LIMIT 100

-- name: gc_run
SELECT id, artifact_uri, experiment_id, deleted FROM runs WHERE id = ?1

-- name: gc_runs_of_experiment
SELECT id, artifact_uri, experiment_id FROM runs WHERE experiment_id = ?1 AND id > ?2 ORDER BY id LIMIT 100

-- name: gc_models
SELECT id, artifact_uri, experiment_id FROM logged_models
WHERE deleted <> 0 AND (deleted = 3 OR deleted_at <= ?1) AND id > ?2 ORDER BY id LIMIT 100

-- name: gc_models_of_experiment
SELECT id, artifact_uri, experiment_id FROM logged_models WHERE experiment_id = ?1 AND id > ?2 ORDER BY id LIMIT 100

-- name: gc_experiments
SELECT CAST(id AS TEXT), artifact_location, id FROM experiments
WHERE deleted <> 0 AND (deleted = 3 OR deleted_at <= ?1) AND CAST(id AS TEXT) > ?2 ORDER BY CAST(id AS TEXT) LIMIT 100

-- name: gc_experiment
SELECT CAST(id AS TEXT), artifact_location, id, deleted FROM experiments WHERE id = ?1

-- name: gc_experiment_active_runs
SELECT count(*) FROM runs WHERE experiment_id = ?1 AND deleted = 0

-- name: gc_experiment_left
SELECT (SELECT count(*) FROM runs WHERE experiment_id = ?1) + (SELECT count(*) FROM logged_models WHERE experiment_id = ?1)

-- name: gc_version_of_run
-- A version whose files are the run's.
SELECT m.name, v.number FROM model_versions v JOIN models m ON m.id = v.model_id
WHERE (v.run_id = ?1 AND v.logged_model_id IS NULL) OR substr(v.storage, 1, length(?2)) = ?2 LIMIT 1

-- name: gc_version_of_model
SELECT m.name, v.number FROM model_versions v JOIN models m ON m.id = v.model_id
WHERE v.logged_model_id = ?1 OR substr(v.storage, 1, length(?2)) = ?2 LIMIT 1

-- name: gc_mark_run
UPDATE runs SET deleted = 3 WHERE id = ?1 AND deleted <> 0

-- name: gc_mark_model
-- Of a deleted experiment, models that were not deleted themselves go too.
UPDATE logged_models SET deleted = 3, deleted_at = COALESCE(deleted_at, updated_at) WHERE id = ?1

-- name: gc_mark_experiment
UPDATE experiments SET deleted = 3 WHERE id = ?1 AND deleted <> 0

-- name: gc_delete_run
-- Parameters, metrics, tags and inputs go with it.
DELETE FROM runs WHERE id = ?1 AND deleted = 3

-- name: gc_delete_model
DELETE FROM logged_models WHERE id = ?1 AND deleted = 3

-- name: gc_delete_experiment
DELETE FROM experiments WHERE id = ?1 AND deleted = 3
