-- SPDX-License-Identifier: Apache-2.0
-- Metrics: a series per run and key with its latest point, and the points.

-- name: series_upsert
-- The latest point is the largest (step, at, value); NaN counts as 0 there. Always gives the id.
INSERT INTO metric_series AS s (run_id, key, last_value, last_step, last_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (run_id, key) DO UPDATE SET
    last_value = CASE WHEN (excluded.last_step, excluded.last_at, COALESCE(excluded.last_value, 0))
                         > (s.last_step, s.last_at, COALESCE(s.last_value, 0))
                 THEN excluded.last_value ELSE s.last_value END,
    last_at = CASE WHEN (excluded.last_step, excluded.last_at) > (s.last_step, s.last_at)
              THEN excluded.last_at ELSE s.last_at END,
    last_step = CASE WHEN excluded.last_step > s.last_step THEN excluded.last_step ELSE s.last_step END
RETURNING id

-- name: point_insert
-- The same point twice is one row.
INSERT INTO metric_points (series_id, step, at, value, is_nan) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING

-- name: run_metrics
SELECT run_id, key, last_value, last_at, last_step FROM metric_series WHERE run_id IN (/*ids*/) ORDER BY run_id, key

-- name: metric_history
SELECT p.value, p.is_nan, p.at, p.step FROM metric_series s JOIN metric_points p ON p.series_id = s.id
WHERE s.run_id = ?1 AND s.key = ?2 ORDER BY p.at, p.step, p.is_nan, p.value LIMIT ?3 OFFSET ?4

-- name: metric_range
-- First and last step of a series and how many points it has.
SELECT min(p.step), max(p.step), count(p.step) FROM metric_series s JOIN metric_points p ON p.series_id = s.id
WHERE s.run_id = ?1 AND s.key = ?2

-- name: metric_steps
-- The steps of one run within a range, each once.
SELECT DISTINCT p.step FROM metric_series s JOIN metric_points p ON p.series_id = s.id
WHERE s.run_id = ?1 AND s.key = ?2 AND p.step >= ?3 AND p.step <= ?4 ORDER BY p.step

-- name: metric_points_between
-- The points of one run within a range of steps.
SELECT p.value, p.is_nan, p.at, p.step FROM metric_series s JOIN metric_points p ON p.series_id = s.id
WHERE s.run_id = ?1 AND s.key = ?2 AND p.step >= ?3 AND p.step <= ?4 ORDER BY p.step, p.at, p.is_nan, p.value

-- name: metric_points_by_step
-- A whole series in step order, for thinning.
SELECT p.value, p.is_nan, p.at, p.step FROM metric_series s JOIN metric_points p ON p.series_id = s.id
WHERE s.run_id = ?1 AND s.key = ?2 AND p.step >= ?3 AND p.step <= ?4 ORDER BY p.step, p.at, p.value

-- name: model_metric_upsert
-- The latest of a logged model's metric on a data set.
INSERT INTO logged_model_metrics AS m (logged_model_id, key, dataset_name, dataset_digest, run_id, value, step, at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (logged_model_id, key, dataset_name, dataset_digest) DO UPDATE SET
    value = excluded.value, step = excluded.step, at = excluded.at, run_id = excluded.run_id
WHERE (excluded.step, excluded.at, COALESCE(excluded.value, 0)) >= (m.step, m.at, COALESCE(m.value, 0))

-- name: logged_model_exists
SELECT count(*) FROM logged_models WHERE id = ?1 AND deleted = 0
