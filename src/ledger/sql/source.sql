-- SPDX-License-Identifier: Apache-2.0
-- Where the files of runs, logged models and versions lie.

-- name: source_of_run
SELECT artifact_uri FROM runs WHERE id = ?1

-- name: source_of_logged_model
SELECT artifact_uri FROM logged_models WHERE id = ?1 AND deleted = 0

-- name: source_of_version
SELECT v.storage FROM model_versions v JOIN models m ON m.id = v.model_id WHERE m.name = ?1 AND v.number = ?2

-- name: source_of_alias
SELECT v.storage FROM aliases a JOIN model_versions v ON v.id = a.version_id JOIN models m ON m.id = v.model_id
WHERE m.name = ?1 AND a.name = ?2
