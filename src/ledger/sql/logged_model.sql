-- SPDX-License-Identifier: Apache-2.0
-- Logged models. Their metrics are written with those of runs (metric.sql).

-- name: logged_model_insert
INSERT INTO logged_models (id, experiment_id, name, artifact_uri, model_type, run_id, user_id, status, created_at,
                           updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)

-- name: logged_model_by_id
SELECT g.id, g.experiment_id, g.name, g.artifact_uri, g.model_type, g.run_id, g.user_id, g.status, g.status_message,
       g.created_at, g.updated_at
FROM logged_models g WHERE g.id = ?1 AND g.deleted = 0

-- name: logged_model_finish
UPDATE logged_models SET status = ?2, updated_at = ?3 WHERE id = ?1

-- name: logged_model_touch
UPDATE logged_models SET updated_at = ?2 WHERE id = ?1

-- name: logged_model_delete
UPDATE logged_models SET deleted = 1, deleted_at = ?2, updated_at = ?2 WHERE id = ?1

-- name: logged_model_set_tag
INSERT INTO logged_model_tags (logged_model_id, key, value) VALUES (?1, ?2, ?3)
ON CONFLICT (logged_model_id, key) DO UPDATE SET value = excluded.value

-- name: logged_model_delete_tag
DELETE FROM logged_model_tags WHERE logged_model_id = ?1 AND key = ?2

-- name: logged_model_tag_value
SELECT value FROM logged_model_tags WHERE logged_model_id = ?1 AND key = ?2

-- name: logged_model_param_insert
-- 0 rows when the key is there already.
INSERT INTO logged_model_params (logged_model_id, key, value) VALUES (?1, ?2, ?3)
ON CONFLICT (logged_model_id, key) DO NOTHING

-- name: logged_model_param_value
SELECT value FROM logged_model_params WHERE logged_model_id = ?1 AND key = ?2

-- name: logged_model_params
SELECT logged_model_id, key, value FROM logged_model_params WHERE logged_model_id IN (/*ids*/)
ORDER BY logged_model_id, key

-- name: logged_model_tags
SELECT logged_model_id, key, value FROM logged_model_tags WHERE logged_model_id IN (/*ids*/)
ORDER BY logged_model_id, key

-- name: logged_model_metrics
SELECT logged_model_id, key, value, at, step, dataset_name, dataset_digest, run_id FROM logged_model_metrics
WHERE logged_model_id IN (/*ids*/) ORDER BY logged_model_id, key, dataset_name, dataset_digest

-- name: logged_model_search
SELECT g.id, g.experiment_id, g.name, g.artifact_uri, g.model_type, g.run_id, g.user_id, g.status, g.status_message,
       g.created_at, g.updated_at
FROM logged_models g /*joins*/ WHERE g.experiment_id IN (/*ids*/) AND g.deleted = 0 AND /*datasets*/ AND /*where*/
ORDER BY /*order*/ LIMIT ?1 OFFSET ?2
