-- SPDX-License-Identifier: Apache-2.0
-- What cannot be in a ledger that was only written by this program: each gives the first few offenders as text.

-- name: verify_runs
SELECT 'run ' || r.id || ' belongs to no experiment' FROM runs r
WHERE NOT EXISTS (SELECT 1 FROM experiments e WHERE e.id = r.experiment_id) LIMIT 100

-- name: verify_run_states
SELECT 'run ' || r.id || ' has a state that does not exist' FROM runs r
WHERE r.status NOT IN ('RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED') OR r.deleted NOT IN (0, 1, 2, 3)
   OR (r.deleted = 0) <> (r.deleted_at IS NULL) LIMIT 100

-- name: verify_params
SELECT 'parameter ' || p.key || ' belongs to no run (' || p.run_id || ')' FROM params p
WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = p.run_id) LIMIT 100

-- name: verify_run_tags
SELECT 'tag ' || t.key || ' belongs to no run (' || t.run_id || ')' FROM run_tags t
WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = t.run_id) LIMIT 100

-- name: verify_series
SELECT 'metric ' || s.key || ' belongs to no run (' || s.run_id || ')' FROM metric_series s
WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = s.run_id) LIMIT 100

-- name: verify_inputs
SELECT 'an input of run ' || i.run_id || ' leads nowhere' FROM run_inputs i
WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = i.run_id)
   OR NOT EXISTS (SELECT 1 FROM datasets d WHERE d.id = i.dataset_id) LIMIT 100

-- name: verify_run_models
SELECT 'an edge between run ' || e.run_id || ' and logged model ' || e.logged_model_id || ' leads nowhere'
FROM run_models e WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = e.run_id)
   OR NOT EXISTS (SELECT 1 FROM logged_models g WHERE g.id = e.logged_model_id) LIMIT 100

-- name: verify_logged_models
SELECT 'logged model ' || g.id || ' belongs to no experiment or has a state that does not exist' FROM logged_models g
WHERE NOT EXISTS (SELECT 1 FROM experiments e WHERE e.id = g.experiment_id)
   OR g.status NOT IN ('LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED') LIMIT 100

-- name: verify_versions
SELECT 'version ' || CAST(v.number AS TEXT) || ' belongs to no model' FROM model_versions v
WHERE NOT EXISTS (SELECT 1 FROM models m WHERE m.id = v.model_id) LIMIT 100

-- name: verify_version_numbers
SELECT 'model ' || m.name || ' has a version above the last number given, ' || CAST(m.last_version AS TEXT) FROM models m
WHERE EXISTS (SELECT 1 FROM model_versions v WHERE v.model_id = m.id AND v.number > m.last_version) LIMIT 100

-- name: verify_aliases
SELECT 'alias ' || a.name || ' points at a version of another model, or at none' FROM aliases a
WHERE NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.id = a.version_id AND v.model_id = a.model_id) LIMIT 100

-- name: verify_permissions
SELECT 'a permission on ' || p.kind || ' ' || p.subject || ' is of no user' FROM permissions p
WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = p.user_id) LIMIT 100

-- name: verify_latest
-- The latest point of a series is its largest.
SELECT 'metric ' || s.key || ' of run ' || s.run_id || ': its latest point is not the last of its history'
FROM metric_series s
WHERE s.last_step <> COALESCE((SELECT max(p.step) FROM metric_points p WHERE p.series_id = s.id), s.last_step + 1)
   OR s.last_at <> (SELECT max(p.at) FROM metric_points p WHERE p.series_id = s.id AND p.step = s.last_step) LIMIT 100

-- name: verify_points
-- Counts that a history which lost its series would spoil.
SELECT 'points of series ' || CAST(p.series_id AS TEXT) || ' belong to no metric' FROM metric_points p
WHERE NOT EXISTS (SELECT 1 FROM metric_series s WHERE s.id = p.series_id) LIMIT 1

-- name: verify_run_count
SELECT count(*) FROM runs WHERE deleted = 0

-- name: verify_ready_models
SELECT 'logged model ' || id, artifact_uri, id FROM logged_models
WHERE status = 'LOGGED_MODEL_READY' AND deleted = 0 AND id > ?1 ORDER BY id LIMIT 200

-- name: verify_version_files
SELECT 'model version ' || m.name || '/' || CAST(v.number AS TEXT), v.storage, CAST(v.id AS TEXT)
FROM model_versions v JOIN models m ON m.id = v.model_id WHERE CAST(v.id AS TEXT) > ?1
ORDER BY CAST(v.id AS TEXT) LIMIT 200
