-- SPDX-License-Identifier: Apache-2.0
-- Registered models, their versions, tags and aliases, and where versions served.

CREATE TABLE models (
    id {id},
    name {text} NOT NULL UNIQUE,
    description TEXT,
    user_id TEXT,
    last_version BIGINT NOT NULL DEFAULT 0, -- the highest number ever given; never goes back
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE model_tags (
    model_id BIGINT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (model_id, key)
);

CREATE TABLE model_versions (
    id {id},
    model_id BIGINT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    source {text} NOT NULL,             -- as the client gave it
    storage TEXT NOT NULL,              -- where the files are: source with models:/ and runs:/ resolved
    run_id {text},
    run_link TEXT,
    logged_model_id {text},
    description TEXT,
    user_id TEXT,
    stage {text} NOT NULL DEFAULT 'None', -- None Staging Production Archived
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (model_id, number)
);
CREATE INDEX model_versions_by_run ON model_versions (run_id);
CREATE INDEX model_versions_newest ON model_versions (updated_at DESC);
CREATE INDEX model_versions_by_logged_model ON model_versions (logged_model_id);

CREATE TABLE version_tags (
    version_id BIGINT NOT NULL REFERENCES model_versions (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (version_id, key)
);

CREATE TABLE aliases (
    model_id BIGINT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    version_id BIGINT NOT NULL REFERENCES model_versions (id) ON DELETE CASCADE,
    PRIMARY KEY (model_id, name)
);
CREATE INDEX aliases_by_version ON aliases (version_id);

CREATE TABLE deployments (              -- which version served under which name; only ended_at ever changes
    id {id},
    target {text} NOT NULL,
    model {text} NOT NULL,              -- by name and number: the record outlives the version
    version BIGINT NOT NULL,
    mode {text} NOT NULL,               -- replace shadow ab
    percent BIGINT NOT NULL,
    user_id TEXT,
    started_at BIGINT NOT NULL,
    ended_at BIGINT                     -- NULL: serves now
);
CREATE INDEX deployments_by_target ON deployments (target, ended_at);
CREATE INDEX deployments_by_version ON deployments (model, version);
