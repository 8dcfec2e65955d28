-- SPDX-License-Identifier: Apache-2.0
-- What the drivers ask about the whole database. Each is for one of them; the other's text is never run.

-- name: verify_checksum_failures
-- Pages that the server found damaged; null when it keeps no checksums.
-- sqlite:
SELECT 0
-- postgres:
SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()

-- name: verify_invalid_indexes
-- sqlite:
SELECT 0
-- postgres:
SELECT count(*) FROM pg_index WHERE NOT indisvalid

-- name: count_tables
-- Any read of the schema: it fixes the moment that a reading sees.
-- sqlite:
SELECT count(*) FROM sqlite_schema
-- postgres:
SELECT count(*) FROM pg_class
