-- SPDX-License-Identifier: Apache-2.0
-- Copying whole tables from one ledger to another, whatever tables there are. One of the two is always SQLite, and is
-- asked what there is; names come from the schema alone.

-- name: backup_tables
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'auger_migrations'
ORDER BY name

-- name: backup_parents
SELECT DISTINCT "table" FROM pragma_foreign_key_list(?1)

-- name: backup_columns
-- Name, and 1 when the database hands out its values.
SELECT name, upper(type) = 'INTEGER' AND pk = 1 FROM pragma_table_info(?1) ORDER BY cid

-- name: backup_read
-- sqlite:
SELECT /*columns*/ FROM /*table*/
-- postgres:
DECLARE /*cursor*/ NO SCROLL CURSOR FOR SELECT /*columns*/ FROM /*table*/

-- name: backup_next
-- sqlite:
SELECT 1
-- postgres:
FETCH FORWARD 2000 FROM /*cursor*/

-- name: backup_write
INSERT INTO /*table*/ (/*columns*/) VALUES (/*values*/) ON CONFLICT DO NOTHING

-- name: backup_ids
-- New ids go on behind those that were copied.
-- sqlite:
SELECT 1
-- postgres:
SELECT setval(pg_get_serial_sequence('/*table*/', 'id'), GREATEST((SELECT max(id) FROM /*table*/), 1))

-- name: backup_is_empty
-- 0 in a ledger that nobody has used.
SELECT (SELECT count(*) FROM audit) + (SELECT count(*) FROM runs) + (SELECT count(*) FROM users)
     + (SELECT count(*) FROM models)

-- name: backup_make_room
-- The default experiment of a fresh ledger.
DELETE FROM experiments WHERE id = 0

-- name: backup_elsewhere
-- Experiments whose files do not lie in the ledger's own store.
SELECT count(*) FROM experiments WHERE artifact_location NOT LIKE 'mlflow-artifacts:%'
