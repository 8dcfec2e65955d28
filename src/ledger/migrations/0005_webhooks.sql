-- SPDX-License-Identifier: Apache-2.0
-- Whom to tell of changes in the registry.

CREATE TABLE webhooks (
    id {text} NOT NULL PRIMARY KEY,     -- a UUID
    name {text} NOT NULL,
    description TEXT,
    url TEXT NOT NULL,
    secret TEXT,                        -- signs deliveries; never given out; NULL: they are not signed
    events TEXT NOT NULL,               -- "model_version.created model_version_tag.set", blanks between
    disabled BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
