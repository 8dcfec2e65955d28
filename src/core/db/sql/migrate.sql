-- SPDX-License-Identifier: Apache-2.0
-- The port's own table: which migrations a database has had. One row per migration and room; never updated.

-- name: migrate_make_table
-- Harmless when it is there.
CREATE TABLE IF NOT EXISTS auger_migrations (
    room TEXT NOT NULL,         -- whose set: "ledger"
    number BIGINT NOT NULL,     -- from 1, without gaps
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,     -- SHA-256 of the text that was run
    applied_at BIGINT NOT NULL, -- UTC microseconds
    PRIMARY KEY (room, number)
)

-- name: migrate_has_table
SELECT
-- sqlite:
    count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'auger_migrations'
-- postgres:
    count(to_regclass('auger_migrations'))

-- name: migrate_applied
-- Number, name and checksum of what a room has had.
SELECT number, name, checksum FROM auger_migrations WHERE room = ?1 ORDER BY number

-- name: migrate_newest
SELECT max(number) FROM auger_migrations WHERE room = ?1

-- name: migrate_record
INSERT INTO auger_migrations (room, number, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4, ?5)
