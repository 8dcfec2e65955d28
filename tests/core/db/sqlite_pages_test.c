// SPDX-License-Identifier: Apache-2.0
/* A flipped byte anywhere in a database file is found. */
#include "frame/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/db/db.h"
#include "core/io/file.h"

#include <sqlite3.h>

static char path[600];

static int fill(ag_tx *tx, void *context, ag_err *err)
{
    ag_sql insert = ag_sql_text("insert", "INSERT INTO things (name, weight, bytes) VALUES (?1, ?2, ?3)");
    char name[32], bytes[600];
    memset(bytes, 'x', sizeof(bytes));
    int rc = ag_tx_script(
        tx, "CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY, name TEXT, weight REAL, bytes TEXT)", err);
    for (int i = 0; i < *(int *)context && rc >= 0; i++) {
        ag_format(name, sizeof(name), "thing %d", i);
        ag_str text = {bytes, (size_t)(i % (int)sizeof(bytes))};
        rc = ag_tx_run(tx, &insert, AG_BINDS(ag_cell_text(name), ag_cell_real(i * 0.5), ag_cell_str(text)), NULL, err);
    }
    return rc;
}

static void make(const char *name, int rows)
{
    ag_err err = {0};
    ag_db *db = NULL;
    ag_format(path, sizeof(path), "%s/%s", ag_test_dir(), name);
    AG_EXPECT_OK(ag_db_open(path, NULL, &db, &err));
    AG_EXPECT_OK(ag_db_write(db, fill, &rows, &err));
    AG_EXPECT_OK(ag_db_verify(db, NULL, &err)); /* with most of it in the log yet */
    ag_db_close(db);
}

/* Opened and looked through: AG_OK, or what was said. */
static int look(ag_err *err)
{
    ag_db *db = NULL;
    ag_db_options options = {.read_only = true, .must_exist = true};
    int rc = ag_db_open(path, &options, &db, err);
    if (rc >= 0) rc = ag_db_verify(db, NULL, err);
    ag_db_close(db);
    return rc;
}

static void flip(ag_buf *content, size_t at)
{
    ag_err err = {0};
    content->data[at] ^= 0x10;
    AG_EXPECT_OK(ag_file_replace(path, content->data, content->size, &err));
    if (look(&err) >= 0) fail_msg("byte %zu was flipped, and nothing said", at);
    content->data[at] ^= 0x10;
}

AG_TEST(test_sqlite_pages__a_flipped_byte_is_found_wherever_it_is)
{
    ag_err err = {0};
    ag_buf content;
    make("flipped.db", 120);
    AG_EXPECT_OK(look(&err));
    ag_buf_init(&content, 64 << 20);
    AG_EXPECT_OK(ag_file_read(path, 64 << 20, &content, &err));
    assert_int_equal(content.data[20], 8);
    size_t step = ag_test_rounds(997, 13);
    for (size_t at = 100; at < content.size; at += step) flip(&content, at);
    for (size_t page = 4096; page < content.size; page += 4096) flip(&content, page - 1); /* the sums themselves */
    AG_EXPECT_OK(ag_file_replace(path, content.data, content.size, &err));
    AG_EXPECT_OK(look(&err));
    ag_buf_deinit(&content);
}

AG_TEST(test_sqlite_pages__two_pages_that_changed_places_are_found)
{
    ag_err err = {0};
    ag_buf content;
    char page[4096];
    make("swapped.db", 120);
    ag_buf_init(&content, 64 << 20);
    AG_EXPECT_OK(ag_file_read(path, 64 << 20, &content, &err));
    memcpy(page, content.data + 3 * 4096, 4096);
    memcpy(content.data + 3 * 4096, content.data + 4 * 4096, 4096);
    memcpy(content.data + 4 * 4096, page, 4096);
    AG_EXPECT_OK(ag_file_replace(path, content.data, content.size, &err));
    AG_EXPECT_ERROR(look(&err), AG_ECORRUPT, "page 4");
    ag_buf_deinit(&content);
}

AG_TEST(test_sqlite_pages__a_backup_has_them_too)
{
    ag_err err = {0};
    ag_db *db = NULL;
    ag_buf content;
    char copy[700];
    int more = 200;
    make("source.db", 50);
    AG_EXPECT_OK(ag_db_open(path, NULL, &db, &err));
    AG_EXPECT_OK(ag_db_write(db, fill, &more, &err)); /* these are in the log only */
    ag_format(copy, sizeof(copy), "%s.copy", path);
    AG_EXPECT_OK(ag_db_backup(db, copy, NULL, &err));
    ag_db_close(db);
    ag_format(path, sizeof(path), "%s", copy);
    AG_EXPECT_OK(look(&err));
    ag_format(copy, sizeof(copy), "%s-wal", path);
    assert_false(ag_file_exists(copy));
    ag_buf_init(&content, 64 << 20);
    AG_EXPECT_OK(ag_file_read(path, 64 << 20, &content, &err));
    for (size_t at = 5000; at < content.size; at += 9973) flip(&content, at);
    ag_buf_deinit(&content);
}

/* A database that was made without: it is used as it is. */
AG_TEST(test_sqlite_pages__a_file_without_them_is_fine)
{
    ag_err err = {0};
    ag_db *db = NULL;
    int rows = 30;
    sqlite3 *plain = NULL;
    ag_format(path, sizeof(path), "%s/plain.db", ag_test_dir());
    assert_int_equal(sqlite3_open(path, &plain), SQLITE_OK);
    assert_int_equal(sqlite3_exec(plain, "CREATE TABLE other (a)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(plain);
    AG_EXPECT_OK(ag_db_open(path, NULL, &db, &err));
    AG_EXPECT_OK(ag_db_write(db, fill, &rows, &err));
    AG_EXPECT_OK(ag_db_verify(db, NULL, &err));
    char copy[700];
    ag_format(copy, sizeof(copy), "%s.copy", path);
    AG_EXPECT_OK(ag_db_backup(db, copy, NULL, &err));
    ag_db_close(db);
    AG_EXPECT_OK(look(&err));
    ag_format(path, sizeof(path), "%s", copy);
    AG_EXPECT_OK(look(&err));
}

/* Another program that knows nothing of them reads and writes the file. */
AG_TEST(test_sqlite_pages__other_programs_can_read_the_file)
{
    sqlite3 *plain = NULL;
    make("shared.db", 30);
    assert_int_equal(sqlite3_open(path, &plain), SQLITE_OK);
    assert_int_equal(sqlite3_exec(plain, "SELECT count(*) FROM things; PRAGMA integrity_check", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(plain);
    ag_err err = {0};
    AG_EXPECT_OK(look(&err));
}
