-- SPDX-License-Identifier: Apache-2.0
-- Registered models, versions, aliases.

-- name: model_insert
-- Nothing when the name is taken.
INSERT INTO models (name, description, user_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)
ON CONFLICT (name) DO NOTHING RETURNING id

-- name: model_by_name
SELECT m.id, m.name, m.description, m.user_id, m.created_at, m.updated_at FROM models m WHERE m.name = ?1

-- name: model_rename
UPDATE models SET name = ?2, updated_at = ?3 WHERE id = ?1

-- name: model_describe
UPDATE models SET description = ?2, updated_at = ?3 WHERE id = ?1

-- name: model_touch
UPDATE models SET updated_at = ?2 WHERE id = ?1

-- name: model_delete
-- Versions, tags and aliases go with it.
DELETE FROM models WHERE id = ?1

-- name: model_next_version
UPDATE models SET last_version = last_version + 1, updated_at = ?2 WHERE id = ?1 RETURNING last_version

-- name: model_claim_version
-- For imports: 0 rows when that number, or a larger one, was given before.
UPDATE models SET last_version = ?2, updated_at = ?3 WHERE id = ?1 AND last_version < ?2

-- name: model_set_tag
INSERT INTO model_tags (model_id, key, value) VALUES (?1, ?2, ?3)
ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value

-- name: model_delete_tag
DELETE FROM model_tags WHERE model_id = ?1 AND key = ?2

-- name: model_tags
SELECT model_id, key, value FROM model_tags WHERE model_id IN (/*ids*/) ORDER BY model_id, key

-- name: model_aliases
SELECT a.model_id, a.name, v.number FROM aliases a JOIN model_versions v ON v.id = a.version_id
WHERE a.model_id IN (/*ids*/) ORDER BY a.model_id, a.name

-- name: model_latest
-- The newest version of each stage of each model.
SELECT v.model_id, v.id, m.name, v.number, v.created_at, v.updated_at, v.user_id, v.description, v.source, v.run_id,
       v.run_link, v.logged_model_id, v.storage, v.stage
FROM model_versions v JOIN models m ON m.id = v.model_id
WHERE v.model_id IN (/*ids*/) AND v.number = (
    SELECT max(w.number) FROM model_versions w WHERE w.model_id = v.model_id AND w.stage = v.stage)
ORDER BY v.model_id, v.number

-- name: model_search
SELECT m.id, m.name, m.description, m.user_id, m.created_at, m.updated_at FROM models m
WHERE /*prompts*/ AND /*visible*/ AND /*where*/ ORDER BY /*order*/ LIMIT ?1 OFFSET ?2

-- name: version_insert
INSERT INTO model_versions (model_id, number, source, storage, run_id, run_link, logged_model_id, description, user_id,
                            stage, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?11, ?10, ?10) RETURNING id

-- name: version_by_number
SELECT v.model_id, v.id, m.name, v.number, v.created_at, v.updated_at, v.user_id, v.description, v.source, v.run_id,
       v.run_link, v.logged_model_id, v.storage, v.stage
FROM model_versions v JOIN models m ON m.id = v.model_id WHERE m.name = ?1 AND v.number = ?2

-- name: version_by_alias
SELECT v.model_id, v.id, m.name, v.number, v.created_at, v.updated_at, v.user_id, v.description, v.source, v.run_id,
       v.run_link, v.logged_model_id, v.storage, v.stage
FROM aliases a JOIN model_versions v ON v.id = a.version_id JOIN models m ON m.id = v.model_id
WHERE m.name = ?1 AND a.name = ?2

-- name: version_describe
UPDATE model_versions SET description = ?2, updated_at = ?3 WHERE id = ?1

-- name: version_delete
DELETE FROM model_versions WHERE id = ?1

-- name: version_set_stage
UPDATE model_versions SET stage = ?2, updated_at = ?3 WHERE id = ?1

-- name: version_archive_others
UPDATE model_versions SET stage = 'Archived', updated_at = ?4 WHERE model_id = ?1 AND stage = ?2 AND id <> ?3

-- name: version_set_tag
INSERT INTO version_tags (version_id, key, value) VALUES (?1, ?2, ?3)
ON CONFLICT (version_id, key) DO UPDATE SET value = excluded.value

-- name: version_delete_tag
DELETE FROM version_tags WHERE version_id = ?1 AND key = ?2

-- name: version_tags
SELECT version_id, key, value FROM version_tags WHERE version_id IN (/*ids*/) ORDER BY version_id, key

-- name: version_aliases
SELECT version_id, name FROM aliases WHERE version_id IN (/*ids*/) ORDER BY version_id, name

-- name: version_search
SELECT v.model_id, v.id, m.name, v.number, v.created_at, v.updated_at, v.user_id, v.description, v.source, v.run_id,
       v.run_link, v.logged_model_id, v.storage, v.stage
FROM model_versions v JOIN models m ON m.id = v.model_id
WHERE /*prompts*/ AND /*visible*/ AND /*where*/ ORDER BY /*order*/ LIMIT ?1 OFFSET ?2

-- name: alias_set
INSERT INTO aliases (model_id, name, version_id) VALUES (?1, ?2, ?3)
ON CONFLICT (model_id, name) DO UPDATE SET version_id = excluded.version_id

-- name: alias_delete
DELETE FROM aliases WHERE model_id = ?1 AND name = ?2
