-- SPDX-License-Identifier: Apache-2.0
-- Versions of data sets: what is in them lies in the blob store under `digest`; here are their names and what came from
-- what. A run that reads one names it in `datasets` by (name, the first 32 digits of digest).

CREATE TABLE data_names (
    id {id},
    name {text} NOT NULL UNIQUE,
    last_version BIGINT NOT NULL DEFAULT 0, -- the highest number ever given; never goes back
    created_at BIGINT NOT NULL
);

CREATE TABLE data_versions (            -- never changed
    id {id},
    name_id BIGINT NOT NULL REFERENCES data_names (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    digest {text} NOT NULL,             -- SHA-256 of the manifest, 64 hex digits: the address of its content
    parent BIGINT,                      -- number of the version that it followed; NULL: the first
    source TEXT NOT NULL,               -- what was added, as the caller named it
    message TEXT NOT NULL,
    author TEXT,
    created_at BIGINT NOT NULL,
    files BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    holes BIGINT NOT NULL,
    labelled BIGINT NOT NULL,
    table_rows BIGINT NOT NULL,
    UNIQUE (name_id, number),
    UNIQUE (name_id, digest)            -- the same content again is the version that is there
);
CREATE INDEX data_versions_by_digest ON data_versions (digest);

CREATE TABLE data_tags (
    name_id BIGINT NOT NULL REFERENCES data_names (id) ON DELETE CASCADE,
    tag {text} NOT NULL,
    version_id BIGINT NOT NULL REFERENCES data_versions (id) ON DELETE CASCADE,
    PRIMARY KEY (name_id, tag)
);
CREATE INDEX data_tags_by_version ON data_tags (version_id);

CREATE TABLE data_splits (              -- never changed
    id {id},
    version_id BIGINT NOT NULL REFERENCES data_versions (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    digest {text} NOT NULL,             -- SHA-256 of the table of rows and parts, in the blob store
    options TEXT NOT NULL,              -- JSON: what makes it again
    report TEXT NOT NULL,               -- JSON: how well it came out
    author TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (version_id, name)
);
