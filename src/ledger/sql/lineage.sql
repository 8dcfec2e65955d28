-- SPDX-License-Identifier: Apache-2.0
-- The neighbours of one thing in the graph of lineage. Columns: kind (0 data set, 1 run, 2 logged model, 3 version,
-- 4 deployment), name, the rest of the id (a digest, a number, or empty), a label, and what the edge is.

-- name: lineage_dataset
-- Versions of data sets are known by the first 32 digits of their digest, as runs name them.
SELECT 0, d.name, d.digest, d.name, '' FROM datasets d WHERE d.name = ?1 AND d.digest = ?2
UNION
SELECT 0, n.name, substr(v.digest, 1, 32), n.name, '' FROM data_versions v JOIN data_names n ON n.id = v.name_id
WHERE n.name = ?1 AND substr(v.digest, 1, 32) = ?2

-- name: lineage_dataset_up
SELECT 0, n.name, substr(p.digest, 1, 32), n.name, 'parent' FROM data_names n JOIN data_versions v ON v.name_id = n.id
JOIN data_versions p ON p.name_id = n.id AND p.number = v.parent
WHERE n.name = ?1 AND substr(v.digest, 1, 32) = ?2 ORDER BY 2, 3 LIMIT ?3

-- name: lineage_dataset_down
SELECT 1, r.id, '', r.name, 'read' FROM datasets d JOIN run_inputs i ON i.dataset_id = d.id
JOIN runs r ON r.id = i.run_id WHERE d.name = ?1 AND d.digest = ?2
UNION
SELECT 0, n.name, substr(c.digest, 1, 32), n.name, 'parent' FROM data_names n JOIN data_versions v ON v.name_id = n.id
JOIN data_versions c ON c.name_id = n.id AND c.parent = v.number
WHERE n.name = ?1 AND substr(v.digest, 1, 32) = ?2 ORDER BY 1, 2, 3 LIMIT ?3

-- name: lineage_run
SELECT 1, r.id, '', r.name, '' FROM runs r WHERE r.id = ?1

-- name: lineage_run_up
SELECT 0, d.name, d.digest, d.name, 'read' FROM run_inputs i JOIN datasets d ON d.id = i.dataset_id WHERE i.run_id = ?1
UNION ALL
SELECT 2, g.id, '', g.name, 'read' FROM run_models e JOIN logged_models g ON g.id = e.logged_model_id
WHERE e.run_id = ?1 AND e.is_output = 0
UNION ALL
SELECT 1, r.id, '', r.name, 'parent' FROM run_tags t JOIN runs r ON r.id = t.value
WHERE t.run_id = ?1 AND t.key = 'mlflow.parentRunId'
ORDER BY 1, 2, 3 LIMIT ?2

-- name: lineage_run_down
SELECT 2, g.id, '', g.name, 'made' FROM logged_models g WHERE g.run_id = ?1
UNION
SELECT 2, g.id, '', g.name, 'made' FROM run_models e JOIN logged_models g ON g.id = e.logged_model_id
WHERE e.run_id = ?1 AND e.is_output = 1
UNION
SELECT 3, m.name, CAST(v.number AS TEXT), m.name, 'registered' FROM model_versions v JOIN models m ON m.id = v.model_id
WHERE v.run_id = ?1 AND v.logged_model_id IS NULL
UNION
SELECT 1, r.id, '', r.name, 'parent' FROM run_tags t JOIN runs r ON r.id = t.run_id
WHERE t.key = 'mlflow.parentRunId' AND substr(t.value, 1, 64) = substr(?1, 1, 64) AND t.value = ?1
ORDER BY 1, 2, 3 LIMIT ?2

-- name: lineage_logged_model
SELECT 2, g.id, '', g.name, '' FROM logged_models g WHERE g.id = ?1

-- name: lineage_logged_model_up
SELECT 1, r.id, '', r.name, 'made' FROM logged_models g JOIN runs r ON r.id = g.run_id WHERE g.id = ?1
UNION
SELECT 1, r.id, '', r.name, 'made' FROM run_models e JOIN runs r ON r.id = e.run_id
WHERE e.logged_model_id = ?1 AND e.is_output = 1
ORDER BY 1, 2, 3 LIMIT ?2

-- name: lineage_logged_model_down
SELECT 3, m.name, CAST(v.number AS TEXT), m.name, 'registered' FROM model_versions v JOIN models m ON m.id = v.model_id
WHERE v.logged_model_id = ?1
UNION ALL
SELECT 1, r.id, '', r.name, 'read' FROM run_models e JOIN runs r ON r.id = e.run_id
WHERE e.logged_model_id = ?1 AND e.is_output = 0
ORDER BY 1, 2, 3 LIMIT ?2

-- name: lineage_version
SELECT 3, m.name, CAST(v.number AS TEXT), m.name, '' FROM model_versions v JOIN models m ON m.id = v.model_id
WHERE m.name = ?1 AND v.number = ?2

-- name: lineage_version_up
SELECT 2, g.id, '', g.name, 'registered' FROM model_versions v JOIN models m ON m.id = v.model_id
JOIN logged_models g ON g.id = v.logged_model_id WHERE m.name = ?1 AND v.number = ?2
UNION ALL
SELECT 1, r.id, '', r.name, 'registered' FROM model_versions v JOIN models m ON m.id = v.model_id
JOIN runs r ON r.id = v.run_id WHERE m.name = ?1 AND v.number = ?2 AND v.logged_model_id IS NULL
ORDER BY 1, 2, 3 LIMIT ?3

-- name: lineage_version_down
SELECT DISTINCT 4, d.target, '', d.target, 'served' FROM deployments d WHERE d.model = ?1 AND d.version = ?2
ORDER BY 2 LIMIT ?3

-- name: lineage_deployment
SELECT DISTINCT 4, d.target, '', d.target, '' FROM deployments d WHERE d.target = ?1

-- name: lineage_deployment_up
SELECT DISTINCT 3, m.name, CAST(v.number AS TEXT), m.name, 'served' FROM deployments d JOIN models m ON m.name = d.model
JOIN model_versions v ON v.model_id = m.id AND v.number = d.version WHERE d.target = ?1 ORDER BY 2, 3 LIMIT ?2
