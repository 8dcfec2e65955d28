-- SPDX-License-Identifier: Apache-2.0
-- Whom to tell of changes in the registry.

-- name: webhook_insert
INSERT INTO webhooks (id, name, description, url, secret, events, disabled, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)

-- name: webhook_by_id
SELECT id, name, description, url, secret, events, disabled, created_at, updated_at FROM webhooks WHERE id = ?1

-- name: webhook_update
UPDATE webhooks SET name = ?2, description = ?3, url = ?4, secret = ?5, events = ?6, disabled = ?7, updated_at = ?8
WHERE id = ?1

-- name: webhook_delete
DELETE FROM webhooks WHERE id = ?1

-- name: webhook_list
SELECT id, name, description, url, secret, events, disabled, created_at, updated_at FROM webhooks
ORDER BY created_at DESC, id LIMIT ?1 OFFSET ?2

-- name: webhook_active
SELECT id, name, description, url, secret, events, disabled, created_at, updated_at FROM webhooks
WHERE disabled = 0 ORDER BY created_at DESC, id LIMIT 1000
