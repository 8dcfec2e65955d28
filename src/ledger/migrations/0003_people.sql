-- SPDX-License-Identifier: Apache-2.0
-- Who may do what.

CREATE TABLE users (
    id {id},
    name {text} NOT NULL UNIQUE,
    password TEXT NOT NULL,             -- argon2id in libsodium's text form; '' : cannot log in with a password
    admin BIGINT NOT NULL DEFAULT 0,
    disabled BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

CREATE TABLE tokens (
    id {id},
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest {text} NOT NULL UNIQUE,      -- SHA-256 of the token, hex; the token itself is shown once
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT                   -- NULL: never
);
CREATE INDEX tokens_by_user ON tokens (user_id);

CREATE TABLE projects (                 -- a folder of experiments and models with permissions of its own
    id {id},
    name {text} NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE project_members (          -- which experiments and models a project holds
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    kind {text} NOT NULL,               -- experiment model
    subject {text} NOT NULL,            -- its id or name
    PRIMARY KEY (kind, subject)
);
CREATE INDEX project_members_by_project ON project_members (project_id);

CREATE TABLE permissions (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind {text} NOT NULL,               -- experiment model project
    subject {text} NOT NULL,            -- its id or name; follows a renamed model, goes with a deleted one
    role {text} NOT NULL,               -- none reader editor manager
    PRIMARY KEY (user_id, kind, subject)
);
CREATE INDEX permissions_by_subject ON permissions (kind, subject);
-- gc asks for what was deleted long ago, whatever it belongs to.
ALTER TABLE logged_models ADD COLUMN deleted_at BIGINT; -- NULL exactly while deleted = 0
ALTER TABLE experiments ADD COLUMN deleted_at BIGINT; -- likewise
