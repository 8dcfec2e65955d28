-- SPDX-License-Identifier: Apache-2.0
-- Experiments, runs and what runs leave (parameters, metrics, tags, inputs, logged models), and the audit log.
-- Times are UTC microseconds. Texts that are compared or sorted are {text}: in byte order on every database.

CREATE TABLE experiments (
    id {id},                            -- shown to clients as text; 0 is "Default"
    name {text} NOT NULL UNIQUE,        -- a deleted one still owns its name
    artifact_location TEXT NOT NULL,    -- URI below which its runs put their files
    deleted BIGINT NOT NULL DEFAULT 0,  -- 1: deleted, can come back
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE experiment_tags (
    experiment_id BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (experiment_id, key)
);

CREATE TABLE runs (
    id {text} PRIMARY KEY,              -- 32 hex digits
    experiment_id BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    user_id {text},                     -- as the client said
    status {text} NOT NULL,             -- RUNNING SCHEDULED FINISHED FAILED KILLED
    artifact_uri TEXT NOT NULL,
    deleted BIGINT NOT NULL DEFAULT 0,  -- 1: by itself; 2: because its experiment was (comes back with it)
    started_at BIGINT,                  -- NULL: not said
    ended_at BIGINT,                    -- NULL: has not ended
    deleted_at BIGINT                   -- for gc: NULL exactly while deleted = 0
);
-- The list of an experiment, newest first, is what everybody looks at.
CREATE INDEX runs_newest ON runs (experiment_id, deleted, started_at DESC, id);

CREATE TABLE params (                   -- immutable
    run_id {text} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (run_id, key)
)
-- sqlite:
WITHOUT ROWID
-- both:
;
-- PostgreSQL refuses long index entries: there the beginning of a value is enough to find it.
-- sqlite:
CREATE INDEX params_by_value ON params (key, value, run_id);
-- postgres:
CREATE INDEX params_by_value ON params (key, substr(value, 1, 64), run_id);
-- both:

CREATE TABLE run_tags (
    run_id {text} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (run_id, key)
)
-- sqlite:
WITHOUT ROWID
-- both:
;

-- sqlite:
CREATE INDEX run_tags_by_value ON run_tags (key, value, run_id);
-- postgres:
CREATE INDEX run_tags_by_value ON run_tags (key, substr(value, 1, 64), run_id);
-- both:

-- One row per run and metric: the latest point beside the history, so that a search never reads histories.
CREATE TABLE metric_series (
    id {id},
    run_id {text} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    last_value DOUBLE PRECISION,        -- NULL: NaN. Of the largest (step, at, value)
    last_step BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    UNIQUE (run_id, key)
);
CREATE INDEX metric_series_by_value ON metric_series (key, last_value, run_id);

-- The histories, clustered by series. The same point twice is one row. NaN is value 0 with is_nan 1: a key must not be
-- NULL, and databases disagree about NaN in keys.
CREATE TABLE metric_points (
    series_id BIGINT NOT NULL REFERENCES metric_series (id) ON DELETE CASCADE,
    step BIGINT NOT NULL,
    at BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    is_nan BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (series_id, step, at, value, is_nan)
)
-- sqlite:
WITHOUT ROWID
-- both:
;

CREATE TABLE datasets (                 -- what runs read; once per experiment
    id {id},
    experiment_id BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    digest {text} NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    UNIQUE (experiment_id, name, digest)
);
CREATE INDEX datasets_by_digest ON datasets (name, digest);

CREATE TABLE run_inputs (
    id {id},
    run_id {text} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    dataset_id BIGINT NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    UNIQUE (run_id, dataset_id)
);
CREATE INDEX run_inputs_by_dataset ON run_inputs (dataset_id);

CREATE TABLE run_input_tags (
    input_id BIGINT NOT NULL REFERENCES run_inputs (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (input_id, key)
);

CREATE TABLE logged_models (
    id {text} PRIMARY KEY,              -- "m-" and 32 hex digits
    experiment_id BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    artifact_uri TEXT NOT NULL,
    model_type {text},
    run_id {text},                      -- which made it; no reference: the model may outlive the run
    user_id TEXT,
    status {text} NOT NULL,             -- LOGGED_MODEL_PENDING _READY _UPLOAD_FAILED
    status_message TEXT,
    deleted BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX logged_models_newest ON logged_models (experiment_id, deleted, created_at DESC, id);
CREATE INDEX logged_models_by_run ON logged_models (run_id);

CREATE TABLE logged_model_params (
    logged_model_id {text} NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (logged_model_id, key)
);

CREATE TABLE logged_model_tags (
    logged_model_id {text} NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (logged_model_id, key)
);

CREATE TABLE logged_model_metrics (     -- the latest of each metric and data set
    logged_model_id {text} NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    dataset_name {text} NOT NULL DEFAULT '',
    dataset_digest {text} NOT NULL DEFAULT '',
    run_id {text} NOT NULL,
    value DOUBLE PRECISION,             -- NULL: NaN
    step BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (logged_model_id, key, dataset_name, dataset_digest)
);

CREATE TABLE run_models (               -- edges between runs and logged models
    run_id {text} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    logged_model_id {text} NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
    is_output BIGINT NOT NULL,          -- 1: the run made it; 0: the run read it
    step BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, is_output, logged_model_id)
);
CREATE INDEX run_models_by_model ON run_models (logged_model_id);

-- Append-only; each row is chained to the one before it by its hash.
CREATE TABLE audit (
    id BIGINT PRIMARY KEY,              -- 1, 2, 3 ...: a missing number is a finding
    at BIGINT NOT NULL,
    actor TEXT,
    request TEXT,
    what TEXT NOT NULL,                 -- experiment.rename
    subject TEXT NOT NULL,
    detail TEXT,                        -- JSON
    hash TEXT NOT NULL                  -- SHA-256 of the previous hash and of this row's fields
);
