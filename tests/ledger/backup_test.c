// SPDX-License-Identifier: Apache-2.0
/* Backup while others write, restoring on either database, and what damage is found. */
#include "ledger/both.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/io/file.h"
#include "ledger/artifact.h"
#include "ledger/audit.h"
#include "ledger/exchange/backup.h"
#include "ledger/model.h"
#include "ledger/user.h"
#include "ledger/verify.h"

static const ag_backup_options plain = {0};

static ag_ledger *open_at(const char *home, const char *database)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_ledger_options options = {.home = home, .database = database, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    return ledger;
}

static void put_file(ag_ledger *ledger, ag_arena *arena, const char *uri, const char *text)
{
    ag_err err = {0};
    ag_artifact_place place;
    ag_reader *reader = NULL;
    AG_EXPECT_OK(ag_artifact_resolve(ledger, uri, AG_STR("file.txt"), arena, &place, &err));
    AG_EXPECT_OK(ag_reader_of_memory(text, strlen(text), &reader, &err));
    AG_EXPECT_OK(ag_tree_put(place.tree, place.path, reader, NULL, &err));
    ag_reader_close(reader);
}

/* A bit of everything; the id of a run. */
static const char *fill(ag_ledger *ledger, ag_arena *arena)
{
    ag_err err = {0};
    ag_registered_model model;
    ag_user user;
    ag_actor actor = {.name = "ada"};
    const char *experiment = new_experiment(ledger, arena, "drill");
    ag_run run = new_run(ledger, arena, experiment);
    ag_metric points[] = {{.key = "loss", .value = 0.5, .at = 1, .step = 1},
                          {.key = "loss", .value = -1, .at = 2, .step = 2}};
    ag_pair param = pair_of("lr", "h\xc3\xb6he");
    ag_run_batch batch = {.metrics = points, .metric_count = 2, .params = {&param, 1}};
    ag_run_input input = {.name = "holes", .digest = "1", .source_type = "local", .source = "{}"};
    AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(run.id), &batch, &err));
    AG_EXPECT_OK(ag_run_log_inputs(ledger, ag_str_of(run.id), &input, 1, NULL, 0, &err));
    AG_EXPECT_OK(ag_model_create(ledger, &actor, AG_STR("depth"), AG_STR("deep"), (ag_pairs){0}, arena, &model, &err));
    AG_EXPECT_OK(ag_user_create(ledger, &actor, AG_STR("ada"), AG_STR(""), true, arena, &user, &err));
    put_file(ledger, arena, run.artifact_uri, "content");
    return run.id;
}

static void expect_filled(ag_ledger *ledger, ag_arena *arena, const char *id)
{
    ag_err err = {0};
    ag_run run;
    ag_registered_model model;
    ag_user user;
    ag_artifact_place place;
    ag_tree_entry entry;
    ag_verify_result found;
    AG_EXPECT_OK(ag_run_get(ledger, ag_str_of(id), arena, &run, &err));
    assert_int_equal(run.metric_count, 1);
    assert_true(run.metrics[0].value == -1);
    assert_true(ag_str_is(run.params.items[0].value, "h\xc3\xb6he"));
    assert_int_equal(run.input_count, 1);
    AG_EXPECT_OK(ag_model_get(ledger, AG_STR("depth"), arena, &model, &err));
    AG_EXPECT_OK(ag_user_get(ledger, AG_STR("ada"), arena, &user, &err));
    AG_EXPECT_OK(ag_artifact_resolve(ledger, run.artifact_uri, AG_STR("file.txt"), arena, &place, &err));
    AG_EXPECT_OK(ag_tree_stat(place.tree, place.path, &entry, &err));
    assert_int_equal(entry.size, 7);
    AG_EXPECT_OK(ag_ledger_verify(ledger, NULL, &found, &err));
    assert_int_equal(found.findings, 0);
    assert_true(found.audit_entries >= 3);
    /* and it can be written on */
    new_run(ledger, arena, new_experiment(ledger, arena, "afterwards"));
}

static void make_paths(char home[600], char target[600])
{
    static int round;
    ag_format(home, 600, "%s/home-%d", ag_test_dir(), ++round);
    ag_format(target, 600, "%s/backup-%d", ag_test_dir(), round);
}

static void there_and_back(const char *from, const char *to)
{
    ag_err err = {0};
    char home[600], target[600], other[700];
    ag_backup_result result;
    ag_arena *arena = ag_arena_new(0);
    make_paths(home, target);
    ag_ledger *ledger = open_at(home, from);
    const char *id = fill(ledger, arena);
    AG_EXPECT_OK(ag_ledger_backup(ledger, target, &plain, &result, &err));
    assert_int_equal(result.files, 1);
    AG_EXPECT_ERROR(ag_ledger_backup(ledger, target, &plain, &result, &err), AG_EEXISTS, "there already");
    ag_ledger_close(ledger);
    AG_EXPECT_OK(ag_backup_check(target, &plain, &err));
    ag_format(other, sizeof(other), "%s-restored", home);
    ag_ledger_options options = {.home = other, .database = to, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_restore(target, &options, &plain, &result, &err));
    AG_EXPECT_ERROR(ag_ledger_restore(target, &options, &plain, &result, &err), AG_ECONFLICT, "already");
    ledger = open_at(other, to);
    expect_filled(ledger, arena, id);
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}

AG_TEST(test_backup__sqlite_to_sqlite)
{
    there_and_back(NULL, NULL);
}

AG_TEST(test_backup__sqlite_to_postgres)
{
    there_and_back(NULL, ag_test_postgres_database());
}

AG_TEST(test_backup__postgres_to_sqlite)
{
    there_and_back(ag_test_postgres_database(), NULL);
}

AG_TEST(test_backup__postgres_to_postgres)
{
    const char *from = ag_test_postgres_database();
    char copy[500];
    ag_format(copy, sizeof(copy), "%s", from);
    there_and_back(copy, ag_test_postgres_database());
}

AG_TEST(test_backup__damage_is_found_before_anything_is_restored)
{
    ag_err err = {0};
    char home[600], target[600], path[800], other[700];
    ag_backup_result result;
    ag_buf content;
    ag_arena *arena = ag_arena_new(0);
    make_paths(home, target);
    ag_ledger *ledger = open_at(home, NULL);
    const char *id = fill(ledger, arena);
    AG_EXPECT_OK(ag_ledger_backup(ledger, target, &plain, &result, &err));
    ag_ledger_close(ledger);
    ag_format(other, sizeof(other), "%s-restored", home);
    ag_ledger_options options = {.home = other, .artifact_root = "mlflow-artifacts:/"};
    const char *files[] = {"ledger.db", "files.sha256", "artifacts/1/%s/artifacts/file.txt"};
    for (size_t i = 0; i < 3; i++) {
        char name[200];
        ag_format(name, sizeof(name), i == 2 ? "artifacts/1/%s/artifacts/file.txt" : "%s", i == 2 ? id : files[i]);
        ag_format(path, sizeof(path), "%s/%s", target, name);
        ag_buf_init(&content, 64 << 20);
        AG_EXPECT_OK(ag_file_read(path, 64 << 20, &content, &err));
        content.data[content.size / 2] ^= 1;
        AG_EXPECT_OK(ag_file_replace(path, content.data, content.size, &err));
        AG_EXPECT_ERROR(ag_ledger_restore(target, &options, &plain, &result, &err), AG_ECORRUPT, "damaged");
        content.data[content.size / 2] ^= 1;
        AG_EXPECT_OK(ag_file_replace(path, content.data, content.size, &err));
        ag_buf_deinit(&content);
    }
    AG_EXPECT_OK(ag_file_remove(path, &err));
    AG_EXPECT_ERROR(ag_backup_check(target, &plain, &err), AG_ECORRUPT, "file.txt");
    ag_format(path, sizeof(path), "%s/auger.db", other);
    assert_false(ag_file_exists(path));
    ag_format(path, sizeof(path), "%s/backup.json", target);
    AG_EXPECT_OK(ag_file_remove(path, &err));
    AG_EXPECT_ERROR(ag_backup_check(target, &plain, &err), AG_ENOTFOUND, "no backup");
    ag_arena_free(arena);
}

typedef struct writer {
    ag_ledger *ledger;
    const char *run;
    atomic_bool stop;
    int64_t written;
} writer;

/* Points with a running number, and runs with a file that is there before the run knows it has ended. */
static void *write_on(void *context)
{
    writer *w = context;
    ag_err err;
    while (!atomic_load(&w->stop)) {
        ag_metric point = {.key = "count", .value = 1, .at = 1, .step = w->written + 1};
        ag_run_batch batch = {.metrics = &point, .metric_count = 1};
        if (ag_run_log(w->ledger, ag_str_of(w->run), &batch, &err) < 0) break;
        w->written++;
    }
    return NULL;
}

AG_TEST(test_backup__under_writers_is_one_moment_without_gaps)
{
    enum { WRITERS = 4 };
    ag_err err = {0};
    char home[600], target[600], other[700];
    pthread_t threads[WRITERS];
    writer writers[WRITERS];
    ag_backup_result result;
    ag_arena *arena = ag_arena_new(0);
    make_paths(home, target);
    ag_ledger *ledger = open_at(home, NULL);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (writer){.ledger = ledger, .run = new_run(ledger, arena, "0").id};
        pthread_create(&threads[i], NULL, write_on, &writers[i]);
    }
    for (size_t round = 0; round < ag_test_rounds(1, 8); round++) {
        ag_format(target, sizeof(target), "%s-under-%zu", home, round);
        AG_EXPECT_OK(ag_ledger_backup(ledger, target, &plain, &result, &err));
    }
    for (int i = 0; i < WRITERS; i++) {
        atomic_store(&writers[i].stop, true);
        pthread_join(threads[i], NULL);
    }
    ag_format(other, sizeof(other), "%s-restored", home);
    ag_ledger_options options = {.home = other, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_restore(target, &options, &plain, &result, &err));
    ag_ledger *copy = open_at(other, NULL);
    for (int i = 0; i < WRITERS; i++) {
        ag_points points;
        AG_EXPECT_OK(
            ag_metric_history(copy, ag_str_of(writers[i].run), AG_STR("count"), 0, AG_STR(""), arena, &points, &err));
        assert_true((int64_t)points.count <= writers[i].written);
        for (size_t p = 0; p < points.count; p++) assert_int_equal(points.items[p].step, p + 1);
    }
    ag_ledger_close(copy);
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}

AG_TEST(test_backup__one_that_was_cut_short_is_gone_on_with)
{
    ag_err err = {0};
    char home[600], target[600], path[800];
    ag_backup_result result;
    ag_cancel *cancel = NULL;
    ag_arena *arena = ag_arena_new(0);
    make_paths(home, target);
    ag_ledger *ledger = open_at(home, NULL);
    fill(ledger, arena);
    AG_EXPECT_OK(ag_cancel_new(NULL, &cancel, &err));
    ag_cancel_request(cancel);
    ag_backup_options stopped = {.cancel = cancel};
    AG_EXPECT_ERROR(ag_ledger_backup(ledger, target, &stopped, &result, &err), AG_ECANCELLED, "");
    assert_false(ag_file_exists(target));
    AG_EXPECT_OK(ag_ledger_backup(ledger, target, &plain, &result, &err));
    AG_EXPECT_OK(ag_backup_check(target, &plain, &err));
    ag_format(path, sizeof(path), "%s.partial", target);
    assert_false(ag_file_exists(path));
    ag_cancel_free(cancel);
    ag_ledger_close(ledger);
    ag_arena_free(arena);
}

typedef struct addition {
    const char *database; /* of the restore: not there while this runs */
    int calls;
    bool fail;
} addition;

static int add_file(void *context, const char *directory, ag_err *err)
{
    addition *a = context;
    char path[900];
    a->calls++;
    ag_format(path, sizeof(path), "%s/more/thing", directory);
    if (a->database) {
        assert_true(ag_file_exists(path));
        assert_false(ag_file_exists(a->database));
    }
    if (a->fail) return ag_fail(err, AG_EFULL, "no room for more");
    if (a->database) return AG_OK;
    ag_format(path, sizeof(path), "%s/more", directory);
    int rc = ag_dir_make(path, err);
    ag_format(path, sizeof(path), "%s/more/thing", directory);
    return rc < 0 ? rc : ag_file_replace(path, "more", 4, err);
}

AG_TEST(test_backup__what_else_belongs_to_it_is_hashed_and_can_fail)
{
    ag_err err = {0};
    char home[600], target[600], other[700], path[800];
    ag_backup_result result;
    ag_arena *arena = ag_arena_new(0);
    addition more = {.fail = true};
    const ag_backup_options wanted = {.more = add_file, .context = &more};
    make_paths(home, target);
    ag_ledger *ledger = open_at(home, NULL);
    fill(ledger, arena);
    AG_EXPECT_ERROR(ag_ledger_backup(ledger, target, &wanted, &result, &err), AG_EFULL, "no room for more");
    assert_false(ag_file_exists(target));
    more.fail = false;
    AG_EXPECT_OK(ag_ledger_backup(ledger, target, &wanted, &result, &err));
    assert_int_equal(more.calls, 2);
    ag_ledger_close(ledger);
    ag_format(other, sizeof(other), "%s-restored", home);
    ag_format(path, sizeof(path), "%s/auger.db", other);
    ag_ledger_options options = {.home = other, .artifact_root = "mlflow-artifacts:/"};
    more = (addition){.database = path, .fail = true};
    AG_EXPECT_ERROR(ag_ledger_restore(target, &options, &wanted, &result, &err), AG_EFULL, "no room for more");
    assert_false(ag_file_exists(path));
    more.fail = false;
    AG_EXPECT_OK(ag_ledger_restore(target, &options, &wanted, &result, &err));
    assert_true(ag_file_exists(path));
    ag_format(path, sizeof(path), "%s/more/thing", target);
    AG_EXPECT_OK(ag_file_replace(path, "less", 4, &err));
    AG_EXPECT_ERROR(ag_backup_check(target, &plain, &err), AG_ECORRUPT, "more/thing");
    ag_arena_free(arena);
}

static int alter(ag_tx *tx, void *context, ag_err *err)
{
    ag_sql sql = ag_sql_text("alter", context);
    return ag_tx_run(tx, &sql, AG_NO_BINDS, NULL, err);
}

ON_BOTH(an_altered_row_of_the_audit_log_is_found)
{
    ag_err err = {0};
    uint64_t entries;
    fill(ledger, arena);
    AG_EXPECT_OK(ag_audit_verify(ledger, &entries, &err));
    char change[] = "UPDATE audit SET actor = 'eve' WHERE id = 2";
    AG_EXPECT_OK(ag_db_write(ag_ledger_db(ledger), alter, change, &err));
    AG_EXPECT_ERROR(ag_audit_verify(ledger, &entries, &err), AG_ECORRUPT, "2");
}
