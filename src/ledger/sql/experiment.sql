-- SPDX-License-Identifier: Apache-2.0
-- Experiments and their tags.

-- name: experiment_insert
-- Nothing when the name is taken.
INSERT INTO experiments (name, artifact_location, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
ON CONFLICT (name) DO NOTHING RETURNING id

-- name: experiment_insert_default
-- Experiment 0 of a fresh ledger; a client may have renamed it since.
INSERT INTO experiments (id, name, artifact_location, created_at, updated_at) VALUES (0, 'Default', ?1, ?2, ?2)
ON CONFLICT DO NOTHING

-- name: experiment_place
-- The location follows from the id when the caller gave none.
UPDATE experiments SET artifact_location = ?2 WHERE id = ?1

-- name: experiment_by_id
SELECT e.id, e.name, e.artifact_location, e.deleted, e.created_at, e.updated_at FROM experiments e WHERE e.id = ?1

-- name: experiment_by_name
SELECT e.id, e.name, e.artifact_location, e.deleted, e.created_at, e.updated_at FROM experiments e WHERE e.name = ?1

-- name: experiment_rename
UPDATE experiments SET name = ?2, updated_at = ?3 WHERE id = ?1

-- name: experiment_name_taken
SELECT count(*) FROM experiments WHERE name = ?1 AND id <> ?2

-- name: experiment_set_deleted
UPDATE experiments SET deleted = ?2, updated_at = ?3, deleted_at = CASE ?2 WHEN 1 THEN ?3 END
WHERE id = ?1 AND deleted <> 3

-- name: experiment_delete_runs
-- 2: deleted with its experiment, so that they come back with it and those deleted before do not.
UPDATE runs SET deleted = 2, deleted_at = ?2 WHERE experiment_id = ?1 AND deleted = 0

-- name: experiment_restore_runs
UPDATE runs SET deleted = 0, deleted_at = NULL WHERE experiment_id = ?1 AND deleted = 2

-- name: experiment_tags
-- Of several experiments; the list is filled in.
SELECT experiment_id, key, value FROM experiment_tags WHERE experiment_id IN (/*ids*/) ORDER BY experiment_id, key

-- name: experiment_set_tag
INSERT INTO experiment_tags (experiment_id, key, value) VALUES (?1, ?2, ?3)
ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value

-- name: experiment_delete_tag
DELETE FROM experiment_tags WHERE experiment_id = ?1 AND key = ?2

-- name: experiment_touch
UPDATE experiments SET updated_at = ?2 WHERE id = ?1

-- name: experiment_search
SELECT e.id, e.name, e.artifact_location, e.deleted, e.created_at, e.updated_at FROM experiments e /*joins*/
WHERE (?1 = 2 OR e.deleted = ?1) AND /*visible*/ AND /*where*/ ORDER BY /*order*/ LIMIT ?2 OFFSET ?3
