-- SPDX-License-Identifier: Apache-2.0
-- Users, tokens, projects, permissions.

-- name: user_insert
-- Nothing when the name is taken.
INSERT INTO users (name, password, admin, created_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO NOTHING RETURNING id

-- name: user_by_name
SELECT id, name, admin, disabled, created_at, password FROM users WHERE name = ?1

-- name: user_list
SELECT id, name, admin, disabled, created_at, password FROM users ORDER BY name

-- name: user_set_password
UPDATE users SET password = ?2 WHERE id = ?1

-- name: user_set_admin
UPDATE users SET admin = ?2 WHERE id = ?1

-- name: user_set_disabled
UPDATE users SET disabled = ?2 WHERE id = ?1

-- name: user_delete
-- Tokens and permissions go with it.
DELETE FROM users WHERE id = ?1

-- name: user_other_admins
SELECT count(*) FROM users WHERE admin = 1 AND disabled = 0 AND id <> ?1

-- name: token_insert
INSERT INTO tokens (user_id, digest, label, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id

-- name: token_user
-- Who shows a token that is still good.
SELECT u.id, u.name, u.admin, u.disabled, u.created_at FROM tokens t JOIN users u ON u.id = t.user_id
WHERE t.digest = ?1 AND (t.expires_at IS NULL OR t.expires_at > ?2) AND u.disabled = 0

-- name: token_list
SELECT id, label, created_at, expires_at FROM tokens WHERE user_id = ?1 ORDER BY id

-- name: token_delete
DELETE FROM tokens WHERE user_id = ?1 AND id = ?2

-- name: permission_put
INSERT INTO permissions (user_id, kind, subject, role) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (user_id, kind, subject) DO UPDATE SET role = excluded.role

-- name: permission_grant
-- To an actor, when that is a user.
INSERT INTO permissions (user_id, kind, subject, role) SELECT u.id, ?2, ?3, 'manager' FROM users u WHERE u.name = ?1
ON CONFLICT (user_id, kind, subject) DO UPDATE SET role = excluded.role

-- name: permission_delete
DELETE FROM permissions WHERE user_id = ?1 AND kind = ?2 AND subject = ?3

-- name: permission_move
UPDATE permissions SET subject = ?3 WHERE kind = ?1 AND subject = ?2

-- name: permission_move_member
UPDATE project_members SET subject = ?3 WHERE kind = ?1 AND subject = ?2

-- name: permission_forget
DELETE FROM permissions WHERE kind = ?1 AND subject = ?2

-- name: permission_own
SELECT role FROM permissions WHERE user_id = ?1 AND kind = ?2 AND subject = ?3

-- name: permission_of_project
-- What a user may do in the project that holds a thing.
SELECT p.role FROM project_members b JOIN projects j ON j.id = b.project_id
JOIN permissions p ON p.user_id = ?1 AND p.kind = 'project' AND p.subject = j.name WHERE b.kind = ?2 AND b.subject = ?3

-- name: permission_list
SELECT u.name, p.kind, p.subject, p.role FROM permissions p JOIN users u ON u.id = p.user_id
WHERE (?1 = '' OR u.name = ?1) AND p.kind = ?2 AND (?3 = '' OR p.subject = ?3) ORDER BY u.name, p.subject

-- name: project_insert
INSERT INTO projects (name, created_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING RETURNING id

-- name: project_by_name
SELECT id FROM projects WHERE name = ?1

-- name: project_list
SELECT name FROM projects ORDER BY name

-- name: project_delete
DELETE FROM projects WHERE id = ?1

-- name: project_put
INSERT INTO project_members (project_id, kind, subject) VALUES (?1, ?2, ?3)
ON CONFLICT (kind, subject) DO UPDATE SET project_id = excluded.project_id

-- name: project_take_out
DELETE FROM project_members WHERE kind = ?1 AND subject = ?2

-- name: project_members
SELECT b.kind, b.subject FROM project_members b JOIN projects j ON j.id = b.project_id WHERE j.name = ?1
ORDER BY b.kind, b.subject
