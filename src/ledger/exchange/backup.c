// SPDX-License-Identifier: Apache-2.0
/* backup.c: a ledger into a directory and back. What is copied is read back and hashed before the backup counts as
 * whole. Restoring goes the other way round and ends with the one step that makes the ledger visible: the rename of the
 * database, or on PostgreSQL the rows. */
#include "ledger/exchange/backup.h"

#include "core/blob/tree_copy.h"
#include "core/doc/json_file.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "ledger/artifact.h"
#include "ledger/ledger_private.h"
#include "ledger_sql.h"

enum { LARGEST_LIST = 1 << 30 };
static const char database_name[] = "ledger.db", list_name[] = "files.sha256", facts_name[] = "backup.json";

typedef struct job {
    const ag_backup_options *options;
    ag_arena *arena;
    const char *directory; /* where the backup is or grows */
    ag_backup_result result;
    ag_buf list; /* of files.sha256 */
} job;

static const char *inside(const job *j, const char *name)
{
    return ag_path_join(j->arena, j->directory, name);
}

/* ---- the database ---- */

static int make_room(ag_tx *tx, void *context, ag_err *err)
{
    (void)context;
    return ag_tx_run(tx, &AG_SQL_BACKUP_MAKE_ROOM, AG_NO_BINDS, NULL, err);
}

/* A SQLite ledger of its own, filled with the rows of one on another database. */
static int copy_rows(job *j, ag_ledger *ledger, const char *path, ag_err *err)
{
    ag_ledger *copy = NULL;
    ag_err ignored;
    const char *growing = ag_arena_printf(j->arena, "%s.rows", path);
    if (!growing) return ag_fail_memory(err, strlen(path));
    ag_file_remove(growing, &ignored); /* of an attempt that was cut short */
    ag_ledger_options options = {
        .database = growing, .artifact_root = "mlflow-artifacts:/", .artifact_store = j->directory};
    int rc = ag_ledger_open(&options, &copy, err);
    if (rc >= 0) rc = ag_db_write(copy->db, make_room, NULL, err);
    if (rc >= 0) rc = ag_backup_rows(ledger->db, copy->db, j->options, &j->result.rows, err);
    if (rc >= 0) rc = ag_db_backup(copy->db, path, j->options->cancel, err);
    ag_ledger_close(copy);
    ag_file_remove(growing, &ignored);
    return rc;
}

static int copy_database(job *j, ag_ledger *ledger, ag_err *err)
{
    ag_db *copy = NULL;
    ag_db_options options = {.read_only = true, .must_exist = true};
    const char *path = inside(j, database_name);
    if (!path) return ag_fail_memory(err, 1);
    /* Looked at before: the copy of a damaged page would have a sum that fits. */
    int rc = ag_db_verify(ledger->db, j->options->cancel, err);
    if (rc >= 0) {
        rc = ag_db_dialect(ledger->db) == AG_DIALECT_SQLITE ? ag_db_backup(ledger->db, path, j->options->cancel, err)
                                                            : copy_rows(j, ledger, path, err);
    }
    if (rc >= 0) rc = ag_db_open(path, &options, &copy, err);
    if (rc >= 0) rc = ag_db_verify(copy, j->options->cancel, err);
    ag_db_close(copy);
    return rc;
}

/* ---- the files ---- */

static int copy_files(job *j, ag_tree *from, const char *from_path, ag_tree *to, ag_err *err)
{
    ag_tree_copy copy = {.cancel = j->options->cancel, .progress = j->options->progress};
    ag_progress_stage(j->options->progress, "files");
    int rc = ag_tree_copy_all(&copy, from, from_path, to, "", err);
    j->result.files += copy.files;
    j->result.bytes += copy.bytes;
    j->result.kept += copy.kept;
    return rc == AG_ENOTFOUND ? AG_OK : rc; /* a store in which nothing was put yet */
}

static int save_files(job *j, ag_ledger *ledger, ag_err *err)
{
    ag_artifact_place place;
    ag_tree *to = NULL;
    const char *path = inside(j, "artifacts");
    int rc = path ? ag_artifact_resolve(ledger, "mlflow-artifacts:/", AG_STR(""), j->arena, &place, err)
                  : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_tree_open(path, j->options->cancel, &to, err);
    if (rc >= 0) rc = copy_files(j, place.tree, place.path, to, err);
    ag_tree_close(to);
    return rc;
}

static int do_more(job *j, ag_err *err)
{
    return j->options->more ? j->options->more(j->options->context, j->directory, err) : AG_OK;
}

static int hash_file(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    job *j = context;
    ag_sha256 digest;
    char hex[65];
    (void)info;
    if (strcmp(relative, list_name) == 0 || strcmp(relative, facts_name) == 0) return AG_OK;
    const char *path = inside(j, relative);
    int rc = ag_cancel_check(j->options->cancel, err);
    if (rc >= 0) rc = path ? ag_sha256_of_file(path, &digest, NULL, err) : ag_fail_memory(err, 1);
    if (rc < 0) return rc;
    ag_sha256_format(&digest, hex);
    ag_buf_addf(&j->list, "%s  %s\n", hex, relative);
    return ag_buf_check(&j->list, list_name, err);
}

static int write_list(job *j, ag_err *err)
{
    const char *path = inside(j, list_name);
    ag_progress_stage(j->options->progress, "checking");
    int rc = path ? ag_dir_walk(j->directory, hash_file, j, err) : ag_fail_memory(err, 1);
    return rc < 0 ? rc : ag_file_replace(path, ag_buf_str(&j->list).data, j->list.size, err);
}

static int write_facts(job *j, const ag_ledger *ledger, ag_err *err)
{
    ag_buf text;
    ag_sha256 digest;
    char when[40], hex[65];
    const char *path = inside(j, facts_name);
    int rc = path ? ag_sha256_of(ag_buf_str(&j->list).data, j->list.size, &digest, err) : ag_fail_memory(err, 1);
    if (rc < 0) return rc;
    ag_buf_init(&text, 1 << 20);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_REFUSE_NONFINITE);
    ag_sha256_format(&digest, hex);
    ag_instant_format(ag_now(), 0, when);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "backup", 1);
    ag_json_put_text(&json, "created_at", when);
    ag_json_put_text(&json, "database", ag_db_label(ledger->db));
    ag_json_put_int(&json, "files", (int64_t)(j->result.files + j->result.kept));
    ag_json_put_text(&json, "list_sha256", hex);
    ag_json_end_object(&json);
    rc = ag_json_end_document(&json, err);
    if (rc >= 0) rc = ag_file_replace(path, text.data, text.size, err);
    ag_buf_deinit(&text);
    return rc;
}

static int count_elsewhere(ag_tx *tx, void *context, ag_err *err)
{
    int64_t *count = context;
    return ag_tx_get_int(tx, &AG_SQL_BACKUP_ELSEWHERE, AG_NO_BINDS, count, err);
}

int ag_ledger_backup(ag_ledger *ledger, const char *directory, const ag_backup_options *options, ag_backup_result *out,
                     ag_err *err)
{
    int64_t elsewhere = 0;
    job j = {.options = options, .arena = ag_arena_new(0)};
    ag_buf_init(&j.list, LARGEST_LIST);
    int rc = j.arena ? AG_OK : ag_fail_memory(err, 1);
    if (rc >= 0 && ag_file_exists(directory)) {
        ag_fail(err, AG_EEXISTS, "'%s' is there already", directory);
        rc = ag_err_hint(err, "each backup gets a directory of its own");
    }
    if (rc >= 0 && !(j.directory = ag_arena_printf(j.arena, "%s.partial", directory))) rc = ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_dir_make(j.directory, err);
    if (rc >= 0) rc = copy_database(&j, ledger, err);
    if (rc >= 0) rc = ag_db_read(ledger->db, NULL, count_elsewhere, &elsewhere, err);
    if (rc >= 0) rc = save_files(&j, ledger, err);
    if (rc >= 0) rc = do_more(&j, err);
    if (rc >= 0) rc = write_list(&j, err);
    if (rc >= 0) rc = write_facts(&j, ledger, err);
    if (rc >= 0) rc = ag_file_rename(j.directory, directory, err);
    j.result.elsewhere = (uint64_t)elsewhere;
    if (rc >= 0) *out = j.result;
    ag_buf_deinit(&j.list);
    ag_arena_free(j.arena);
    return rc < 0 ? rc : AG_OK;
}

/* ---- and back ---- */

static int damaged(const job *j, const char *what, ag_err *err)
{
    ag_fail(err, AG_ECORRUPT, "the backup '%s' is damaged: %s", j->directory, what);
    return ag_err_hint(err, "see which files with: cd '%s' && sha256sum -c %s", j->directory, list_name);
}

static int check_line(job *j, ag_str line, ag_err *err)
{
    ag_sha256 wanted, found;
    char name[4200];
    if (line.size < 67 || line.data[64] != ' ' || line.data[65] != ' ' ||
        !ag_sha256_parse(ag_str_slice(line, 0, 64), &wanted)) {
        return damaged(j, "its list of files cannot be read", err);
    }
    ag_str relative = ag_str_slice(line, 66, line.size);
    int rc = ag_path_check(relative, err);
    if (rc < 0) return rc;
    ag_format(name, sizeof(name), "%.*s", AG_STR_ARG(relative));
    const char *path = inside(j, name);
    rc = ag_cancel_check(j->options->cancel, err);
    if (rc >= 0) rc = path ? ag_sha256_of_file(path, &found, NULL, err) : ag_fail_memory(err, 1);
    ag_progress_add(j->options->progress, 1, 0);
    if (rc == AG_ENOTFOUND || (rc >= 0 && !ag_sha256_equal(&wanted, &found))) return damaged(j, name, err);
    return rc;
}

/* What the list must be, from the facts. */
static int check_list(job *j, ag_err *err)
{
    const ag_json_options options = {.max_bytes = 1 << 20};
    ag_str hex;
    ag_sha256 wanted, found;
    const ag_value *value;
    const char *path = inside(j, facts_name);
    if (!path) return ag_fail_memory(err, 1);
    int rc = ag_json_file_read(j->arena, path, &options, &value, err);
    if (rc == AG_ENOTFOUND && ag_fail_broken_link(err, j->directory) >= 0) {
        ag_fail(err, AG_ENOTFOUND, "'%s' is no backup", j->directory);
        ag_err_hint(err, "a backup that was cut short is called DIRECTORY.partial; run 'auger backup' again");
    }
    if (rc >= 0) rc = ag_sha256_of(ag_buf_str(&j->list).data, j->list.size, &found, err);
    if (rc >= 0 && (!ag_value_string(ag_value_get(value, "list_sha256"), &hex) || !ag_sha256_parse(hex, &wanted) ||
                    !ag_sha256_equal(&wanted, &found))) {
        rc = damaged(j, list_name, err);
    }
    return rc;
}

static int check(job *j, ag_err *err)
{
    const char *path = inside(j, list_name);
    ag_progress_stage(j->options->progress, "checking");
    int rc = path ? ag_file_read(path, LARGEST_LIST, &j->list, err) : ag_fail_memory(err, 1);
    if (rc >= 0 || rc == AG_ENOTFOUND) rc = check_list(j, err);
    ag_str rest = ag_buf_str(&j->list), line;
    while (rc >= 0 && ag_str_next(&rest, '\n', &line)) {
        if (line.size) rc = check_line(j, line, err);
    }
    return rc;
}

int ag_backup_check(const char *directory, const ag_backup_options *options, ag_err *err)
{
    job j = {.options = options, .arena = ag_arena_new(0), .directory = directory};
    ag_buf_init(&j.list, LARGEST_LIST);
    int rc = j.arena ? check(&j, err) : ag_fail_memory(err, 1);
    ag_buf_deinit(&j.list);
    ag_arena_free(j.arena);
    return rc < 0 ? rc : AG_OK;
}

static int refuse_used(const char *label, ag_err *err)
{
    ag_fail(err, AG_ECONFLICT, "there is a ledger in '%s' already", label);
    return ag_err_hint(err, "restore into another home or database; nothing was changed");
}

static int restore_files(job *j, const ag_ledger_options *to, ag_err *err)
{
    ag_tree *from = NULL, *store = NULL;
    const char *path = inside(j, "artifacts");
    const char *address = to->artifact_store ? to->artifact_store
                          : to->home         ? ag_path_join(j->arena, to->home, "artifacts")
                                             : NULL;
    if (!path || !address) return ag_fail(err, AG_EINVAL, "a ledger needs a home directory, or an artifact store");
    int rc = ag_tree_open(path, j->options->cancel, &from, err);
    if (rc >= 0) rc = ag_tree_open(address, j->options->cancel, &store, err);
    if (rc >= 0) rc = copy_files(j, from, "", store, err);
    ag_tree_close(from);
    ag_tree_close(store);
    return rc < 0 ? rc : do_more(j, err);
}

static int restore_file(job *j, const char *path, ag_err *err)
{
    ag_reader *reader = NULL;
    ag_writer *writer = NULL;
    const char *from = inside(j, database_name);
    int rc = from ? ag_reader_of_file(from, &reader, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_writer_to_file(path, &writer, err);
    if (rc >= 0) rc = ag_copy(reader, writer, NULL, err);
    if (rc >= 0) rc = ag_finish(writer, err);
    ag_writer_close(writer);
    ag_reader_close(reader);
    return rc;
}

static int read_used(ag_tx *tx, void *context, ag_err *err)
{
    int64_t *used = context;
    return ag_tx_get_int(tx, &AG_SQL_BACKUP_IS_EMPTY, AG_NO_BINDS, used, err);
}

static int restore_rows(job *j, const ag_ledger_options *to, bool only_look, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_db *from = NULL;
    int64_t used = 0;
    ag_db_options reading = {.read_only = true, .must_exist = true};
    const char *path = inside(j, database_name);
    int rc = path ? ag_ledger_open(to, &ledger, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_db_read(ledger->db, NULL, read_used, &used, err);
    if (rc >= 0 && used) rc = refuse_used(ag_db_label(ledger->db), err);
    if (rc >= 0 && !only_look) rc = ag_db_write(ledger->db, make_room, NULL, err);
    if (rc >= 0 && !only_look) rc = ag_db_open(path, &reading, &from, err);
    if (rc >= 0 && !only_look) rc = ag_backup_rows(from, ledger->db, j->options, &j->result.rows, err);
    if (rc >= 0 && !only_look) rc = ag_db_settle(ledger->db, err);
    ag_db_close(from);
    ag_ledger_close(ledger);
    return rc;
}

static bool is_server(const char *database)
{
    return database && (strncmp(database, "postgres", 8) == 0);
}

static int restore(job *j, const ag_ledger_options *to, ag_err *err)
{
    int rc;
    const char *file = to->database;
    if (is_server(file)) {
        rc = restore_rows(j, to, true, err);
        if (rc >= 0) rc = check(j, err);
        if (rc >= 0) rc = restore_files(j, to, err);
        return rc < 0 ? rc : restore_rows(j, to, false, err);
    }
    if (!file && !to->home) return ag_fail(err, AG_EINVAL, "a ledger needs a home directory or a database");
    if (!file && !(file = ag_path_join(j->arena, to->home, "auger.db"))) return ag_fail_memory(err, 1);
    if (ag_file_exists(file)) return refuse_used(file, err);
    rc = check(j, err);
    if (rc >= 0 && to->home) rc = ag_dir_make(to->home, err);
    if (rc >= 0) rc = restore_files(j, to, err);
    return rc < 0 ? rc : restore_file(j, file, err);
}

int ag_ledger_restore(const char *directory, const ag_ledger_options *to, const ag_backup_options *options,
                      ag_backup_result *out, ag_err *err)
{
    job j = {.options = options, .arena = ag_arena_new(0), .directory = directory};
    ag_buf_init(&j.list, LARGEST_LIST);
    int rc = j.arena ? restore(&j, to, err) : ag_fail_memory(err, 1);
    if (rc >= 0) *out = j.result;
    ag_buf_deinit(&j.list);
    ag_arena_free(j.arena);
    return rc < 0 ? rc : AG_OK;
}
