-- SPDX-License-Identifier: Apache-2.0
-- The audit chain.

-- name: audit_lock
-- One writer of the chain at a time, until the unit ends. SQLite has one writer anyhow.
-- sqlite:
SELECT 1
-- postgres:
SELECT 1 FROM (SELECT pg_advisory_xact_lock(4711206911)) AS held

-- name: audit_last
SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1

-- name: audit_insert
INSERT INTO audit (id, at, actor, request, what, subject, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)

-- name: audit_after
SELECT id, at, actor, request, what, subject, detail, hash FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2
