-- SPDX-License-Identifier: Apache-2.0
-- Which version served where.

-- name: deployment_insert
INSERT INTO deployments (target, model, version, mode, percent, user_id, started_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id

-- name: deployment_replace
-- What serves under a target until now.
UPDATE deployments SET ended_at = ?2 WHERE target = ?1 AND ended_at IS NULL

-- name: deployment_by_id
SELECT target, ended_at FROM deployments WHERE id = ?1

-- name: deployment_end
UPDATE deployments SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL

-- name: deployment_list
SELECT id, target, model, version, mode, percent, user_id, started_at, ended_at FROM deployments
WHERE (?1 = '' OR target = ?1) AND (?2 = 0 OR ended_at IS NULL) ORDER BY id DESC LIMIT 10000
