-- SPDX-License-Identifier: Apache-2.0
-- Versions of data sets, their tags and splits. The columns of a version are the same everywhere: dataset.c takes them
-- by number.

-- name: data_name_insert
INSERT INTO data_names (name, created_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING

-- name: data_name_next
UPDATE data_names SET last_version = last_version + 1 WHERE id = ?1 RETURNING last_version

-- name: data_name_id
SELECT id FROM data_names WHERE name = ?1

-- name: data_version_insert
INSERT INTO data_versions (name_id, number, digest, parent, source, message, author, created_at, files, bytes, holes,
    labelled, table_rows)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) RETURNING id

-- name: data_version_parent
SELECT number FROM data_versions WHERE name_id = ?1 AND number < ?2 ORDER BY number DESC LIMIT 1

-- name: data_version_by_digest
SELECT v.id, n.name, v.number, v.digest, v.parent, v.source, v.message, v.author, v.created_at, v.files, v.bytes,
    v.holes, v.labelled, v.table_rows
FROM data_versions v JOIN data_names n ON n.id = v.name_id WHERE n.name = ?1 AND v.digest = ?2

-- name: data_version_by_number
SELECT v.id, n.name, v.number, v.digest, v.parent, v.source, v.message, v.author, v.created_at, v.files, v.bytes,
    v.holes, v.labelled, v.table_rows
FROM data_versions v JOIN data_names n ON n.id = v.name_id WHERE n.name = ?1 AND v.number = ?2

-- name: data_version_by_tag
SELECT v.id, n.name, v.number, v.digest, v.parent, v.source, v.message, v.author, v.created_at, v.files, v.bytes,
    v.holes, v.labelled, v.table_rows
FROM data_names n JOIN data_tags t ON t.name_id = n.id JOIN data_versions v ON v.id = t.version_id
WHERE n.name = ?1 AND t.tag = ?2

-- name: data_version_by_prefix
SELECT v.id, n.name, v.number, v.digest, v.parent, v.source, v.message, v.author, v.created_at, v.files, v.bytes,
    v.holes, v.labelled, v.table_rows
FROM data_versions v JOIN data_names n ON n.id = v.name_id
WHERE n.name = ?1 AND substr(v.digest, 1, length(?2)) = ?2 ORDER BY v.number LIMIT 2

-- name: data_version_latest
SELECT v.id, n.name, v.number, v.digest, v.parent, v.source, v.message, v.author, v.created_at, v.files, v.bytes,
    v.holes, v.labelled, v.table_rows
FROM data_versions v JOIN data_names n ON n.id = v.name_id WHERE n.name = ?1 ORDER BY v.number DESC LIMIT 1

-- name: data_version_page
-- By name and number, behind the last one seen.
SELECT v.id, n.name, v.number, v.digest, v.parent, v.source, v.message, v.author, v.created_at, v.files, v.bytes,
    v.holes, v.labelled, v.table_rows
FROM data_versions v JOIN data_names n ON n.id = v.name_id
WHERE (?1 = '' OR n.name = ?1) AND (n.name > ?2 OR (n.name = ?2 AND v.number > ?3))
ORDER BY n.name, v.number LIMIT 1000

-- name: data_version_tags
SELECT version_id, tag FROM data_tags WHERE version_id IN (/*ids*/) ORDER BY version_id, tag

-- name: data_tag_set
INSERT INTO data_tags (name_id, tag, version_id) VALUES (?1, ?2, ?3)
ON CONFLICT (name_id, tag) DO UPDATE SET version_id = excluded.version_id

-- name: data_tag_find
SELECT version_id FROM data_tags WHERE name_id = ?1 AND tag = ?2

-- name: data_tag_delete
DELETE FROM data_tags WHERE name_id = ?1 AND tag = ?2

-- name: data_split_insert
INSERT INTO data_splits (version_id, name, digest, options, report, author, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (version_id, name) DO NOTHING

-- name: data_split_digest
SELECT digest FROM data_splits WHERE version_id = ?1 AND name = ?2

-- name: data_split_list
SELECT s.name, s.digest, s.options, s.report, s.author, s.created_at FROM data_splits s
WHERE s.version_id = ?1 AND (?2 = '' OR s.name = ?2) ORDER BY s.name
