-- SPDX-License-Identifier: Apache-2.0
-- Runs, parameters, tags. Metrics are in metric.sql, inputs in input.sql.

-- name: run_insert
INSERT INTO runs (id, experiment_id, name, user_id, status, artifact_uri, started_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)

-- name: run_by_id
SELECT r.id, r.experiment_id, r.name, r.user_id, r.status, r.artifact_uri, r.deleted, r.started_at, r.ended_at
FROM runs r WHERE r.id = ?1

-- name: run_state
-- Only what writing to a run must know.
SELECT deleted, experiment_id FROM runs WHERE id = ?1

-- name: run_update
-- What is null stays.
UPDATE runs SET status = COALESCE(?2, status), ended_at = COALESCE(?3, ended_at), name = COALESCE(?4, name)
WHERE id = ?1

-- name: run_set_deleted
-- Not what is being removed for ever.
UPDATE runs SET deleted = ?2, deleted_at = ?3 WHERE id = ?1 AND deleted <> 3

-- name: param_insert
-- 0 rows when the key is there already.
INSERT INTO params (run_id, key, value) VALUES (?1, ?2, ?3) ON CONFLICT (run_id, key) DO NOTHING

-- name: param_value
SELECT value FROM params WHERE run_id = ?1 AND key = ?2

-- name: run_tag_set
INSERT INTO run_tags (run_id, key, value) VALUES (?1, ?2, ?3)
ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value

-- name: run_tag_delete
DELETE FROM run_tags WHERE run_id = ?1 AND key = ?2

-- name: run_params
SELECT run_id, key, value FROM params WHERE run_id IN (/*ids*/) ORDER BY run_id, key

-- name: run_tags
SELECT run_id, key, value FROM run_tags WHERE run_id IN (/*ids*/) ORDER BY run_id, key

-- name: run_search
SELECT r.id, r.experiment_id, r.name, r.user_id, r.status, r.artifact_uri, r.deleted, r.started_at, r.ended_at
FROM runs r /*joins*/ WHERE r.experiment_id IN (/*ids*/) AND /*view*/ AND /*where*/ ORDER BY /*order*/
LIMIT ?1 OFFSET ?2

-- name: run_search_driven
-- The set is small, and the runs are found by it.
SELECT r.id, r.experiment_id, r.name, r.user_id, r.status, r.artifact_uri, r.deleted, r.started_at, r.ended_at
FROM runs r /*joins*/ WHERE r.id IN (SELECT /*set*/) AND /*+*/r.experiment_id IN (/*ids*/) AND /*view*/ AND /*where*/
ORDER BY /*order*/ LIMIT ?1 OFFSET ?2

-- name: run_search_probe
-- How many a set has, up to ?1.
SELECT count(*) FROM (SELECT /*set*/ LIMIT ?1) s

-- name: run_search_led
-- Walks the index of another table. CROSS JOIN: SQLite keeps this order of tables.
SELECT r.id, r.experiment_id, r.name, r.user_id, r.status, r.artifact_uri, r.deleted, r.started_at, r.ended_at
FROM /*from*/ CROSS JOIN runs r /*joins*/
WHERE /*part*/ AND r.id = o0.run_id AND /*+*/r.experiment_id IN (/*ids*/) AND /*view*/ AND /*where*/
ORDER BY /*order*/ LIMIT ?1 OFFSET ?2

-- name: run_search_led_count
SELECT count(*) FROM (
    SELECT 1 FROM /*from*/ CROSS JOIN runs r
    WHERE /*part*/ AND r.id = o0.run_id AND /*+*/r.experiment_id IN (/*ids*/) AND /*view*/ AND /*where*/ LIMIT ?1 OFFSET ?2) s

-- name: run_search_sample
-- Of the first entries of that index: how many there are and how many are wanted.
SELECT count(*), count(r.id)
FROM (SELECT o0.run_id FROM /*from*/ WHERE /*part*/ ORDER BY /*first*/ LIMIT ?1 OFFSET ?2) o
LEFT JOIN runs r ON r.id = o.run_id AND /*+*/r.experiment_id IN (/*ids*/) AND /*view*/ AND /*where*/
