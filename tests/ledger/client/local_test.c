// SPDX-License-Identifier: Apache-2.0
/* The public C API on a ledger of this machine. */
#include "ledger/client/with_client.h"

#include <pthread.h>
#include <unistd.h>

#include "core/blob/tree.h"
#include "core/io/path.h"
#include "ledger/artifact.h"
#include "ledger/model.h"

static void close_client(auger_ledger *ledger)
{
    auger_error error;
    FINE(auger_ledger_close(ledger, PATIENCE, &error));
}

AG_TEST(test_local__everything_that_is_logged_arrives)
{
    char home[512];
    auger_error error;
    auger_ledger_options options = {.experiment = "drills"};
    auger_ledger *ledger = open_client(new_home(home), &options);
    auger_ledger_run *run = start(ledger, "first");
    char id[33];
    ag_format(id, sizeof(id), "%s", auger_run_id(run));
    FINE(auger_log_param(run, "learning_rate", "0.001", &error));
    auger_pair params[] = {{"epochs", "20"}, {"name/with.all-of these_1:x", "grün"}};
    FINE(auger_log_params(run, params, 2, &error));
    FINE(auger_set_tag(run, "stage", "early", &error));
    FINE(auger_set_tag(run, "stage", "late", &error));
    for (int step = 0; step < 10; step++) FINE(auger_log_metric(run, "loss", 1.0 / (step + 1), step, &error));
    auger_metric odd[] = {{"odd", NAN, 0, 1000}, {"odd", INFINITY, 1, 2000}, {"odd", -INFINITY, -2, 3000}};
    FINE(auger_log_metrics(run, odd, 3, &error));
    FINE(auger_run_finish(run, AUGER_RUN_FAILED, &error));
    auger_run_free(run);
    close_client(ledger);

    look at = look_into(home);
    ag_run found = run_of(&at, id);
    ag_experiment experiment;
    ag_err err = {0};
    AG_EXPECT_OK(ag_experiment_get(at.ledger, ag_str_of(found.experiment_id), at.arena, &experiment, &err));
    assert_string_equal(experiment.name, "drills");
    assert_string_equal(found.name, "first");
    assert_int_equal(found.status, AG_RUN_FAILED);
    assert_true(found.ended_at >= found.started_at && found.started_at > 0);
    assert_int_equal(found.params.count, 3);
    assert_string_equal(value_of(found.params, "learning_rate"), "0.001");
    assert_string_equal(value_of(found.params, "name/with.all-of these_1:x"), "grün");
    assert_string_equal(value_of(found.tags, "stage"), "late");
    assert_non_null(value_of(found.tags, "auger.host"));
    assert_int_equal(history(&at, id, "loss").count, 10);
    ag_points points = history(&at, id, "odd");
    assert_int_equal(points.count, 3);
    assert_true(isnan(points.items[0].value) && points.items[0].at == 1000000);
    assert_true(isinf(points.items[1].value) && points.items[1].value > 0);
    assert_true(isinf(points.items[2].value) && points.items[2].step == -2);
    look_away(&at);

    char spool[600];
    ag_format(spool, sizeof(spool), "%s/spool", home);
    assert_int_equal(names_in(spool, ""), 0); /* nothing is left behind */
}

AG_TEST(test_local__nested_runs_in_other_experiments_with_their_own_tags)
{
    char home[512], ids[2][33];
    auger_error error;
    auger_ledger_options options = {.without_system_tags = 1};
    auger_ledger *ledger = open_client(new_home(home), &options);
    auger_ledger_run *parent = start(ledger, NULL), *child = NULL;
    auger_pair tag = {"kind", "fold"};
    auger_run_options nested = {.parent = parent, .experiment = "folds", .tags = &tag, .tag_count = 1};
    FINE(auger_run_start(ledger, &nested, &child, &error));
    ag_format(ids[0], 33, "%s", auger_run_id(parent));
    ag_format(ids[1], 33, "%s", auger_run_id(child));
    auger_run_free(child);
    auger_run_free(parent);
    close_client(ledger);
    look at = look_into(home);
    ag_run found = run_of(&at, ids[1]);
    assert_string_equal(value_of(found.tags, "mlflow.parentRunId"), ids[0]);
    assert_string_equal(value_of(found.tags, "kind"), "fold");
    assert_string_not_equal(found.experiment_id, run_of(&at, ids[0]).experiment_id);
    assert_int_equal(found.status, AG_RUN_RUNNING);
    assert_null(value_of(found.tags, "auger.host"));
    look_away(&at);
}

static void expect_artifact(const look *at, const ag_run *run, const char *path, const char *bytes)
{
    ag_err err = {0};
    ag_artifact_place place;
    ag_reader *reader = NULL;
    ag_buf got;
    ag_buf_init(&got, 1 << 20);
    AG_EXPECT_OK(ag_artifact_resolve(at->ledger, run->artifact_uri, ag_str_of(path), at->arena, &place, &err));
    AG_EXPECT_OK(ag_tree_get(place.tree, place.path, 0, UINT64_MAX, &reader, &err));
    AG_EXPECT_OK(ag_read_all(reader, &got, &err));
    ag_reader_close(reader);
    assert_true(ag_str_is(ag_buf_str(&got), bytes));
    ag_buf_deinit(&got);
}

static void write_file(const char *path, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

AG_TEST(test_local__files_directories_bytes_and_data_sets)
{
    char home[512], folder[600], path[700];
    auger_error error;
    ag_err err = {0};
    auger_ledger *ledger = open_client(new_home(home), NULL);
    auger_ledger_run *run = start(ledger, "files");
    char id[33];
    ag_format(id, sizeof(id), "%s", auger_run_id(run));
    const char *base = ag_test_dir();
    ag_format(folder, sizeof(folder), "%s/model/sub", base);
    AG_EXPECT_OK(ag_dir_make(folder, &err));
    ag_format(path, sizeof(path), "%s/a.txt", folder);
    write_file(path, "inner");
    FINE(auger_log_file(run, path, NULL, &error));
    write_file(path, "changed"); /* what was logged stays as it was */
    ag_format(folder, sizeof(folder), "%s/model", base);
    FINE(auger_log_file(run, folder, NULL, &error));
    FINE(auger_log_bytes(run, "bytes", 5, "notes/b.txt", &error));
    FINE(auger_log_bytes(run, NULL, 0, "empty", &error));
    auger_dataset set = {.name = "holes", .digest = "abc", .context = "training"};
    FINE(auger_log_input(run, &set, &error));
    auger_run_free(run);
    close_client(ledger);
    look at = look_into(home);
    ag_run found = run_of(&at, id);
    expect_artifact(&at, &found, "a.txt", "inner");
    expect_artifact(&at, &found, "model/sub/a.txt", "changed");
    expect_artifact(&at, &found, "notes/b.txt", "bytes");
    expect_artifact(&at, &found, "empty", "");
    assert_int_equal(found.input_count, 1);
    assert_string_equal(found.inputs[0].name, "holes");
    assert_string_equal(value_of(found.inputs[0].tags, "mlflow.data.context"), "training");
    look_away(&at);
}

AG_TEST(test_local__versions_are_numbered_and_a_pending_one_says_so)
{
    char home[512];
    auger_error error;
    int64_t version = -1;
    auger_ledger *ledger = open_client(new_home(home), NULL);
    auger_ledger_run *run = start(ledger, "model");
    FINE(auger_log_bytes(run, "weights", 7, "model/w", &error));
    FINE(auger_register_model(run, "drill", "model", PATIENCE, &version, &error));
    assert_int_equal(version, 1);
    FINE(auger_register_model(run, "drill", "model", PATIENCE, &version, &error));
    assert_int_equal(version, 2);
    FINE(auger_register_model(run, "drill", "model", 0, &version, &error));
    assert_true(version == 0 || version == 3);
    REFUSED(auger_register_model(run, "drill", "../model", 0, &version, &error), AUGER_EDENIED, "");
    auger_run_free(run);
    close_client(ledger);
    look at = look_into(home);
    ag_err err = {0};
    ag_version found;
    AG_EXPECT_OK(ag_version_get(at.ledger, AG_STR("drill"), 3, at.arena, &found, &err));
    assert_true(ag_str_ends(ag_str_of(found.source), AG_STR("/artifacts/model")));
    look_away(&at);
}

AG_TEST(test_local__what_is_refused_stands_in_failed_jsonl_and_holds_nothing_up)
{
    char home[512], spool[600];
    auger_error error;
    auger_ledger *ledger = open_client(new_home(home), NULL);
    auger_ledger_run *run = start(ledger, "refusals");
    char id[33];
    ag_format(id, sizeof(id), "%s", auger_run_id(run));
    FINE(auger_log_param(run, "a", "1", &error));
    for (int i = 0; i < 500; i++) FINE(auger_log_metric(run, "m", i, i, &error));
    FINE(auger_log_param(run, "a", "2", &error)); /* a parameter has one value for ever */
    FINE(auger_log_param(run, "a", "1", &error));
    for (int i = 500; i < 1000; i++) FINE(auger_log_metric(run, "m", i, i, &error));
    FINE(auger_ledger_sync(ledger, PATIENCE, &error));
    auger_ledger_status status;
    auger_ledger_status_read(ledger, &status);
    assert_int_equal(status.refused, 1);
    assert_int_equal(status.pending, 0);
    assert_int_equal(status.away, 0);
    assert_true(status.delivered >= 1004 && status.delivered_at_ms > 0);
    assert_true(*status.last_error);
    auger_run_free(run);
    close_client(ledger);
    ag_format(spool, sizeof(spool), "%s/spool", home);
    char *failed = text_of(spool, "failed.jsonl");
    assert_non_null(strstr(failed, "\"kind\":\"parameter\""));
    assert_non_null(strstr(failed, "\"key\":\"a\""));
    assert_non_null(strstr(failed, "\"value\":\"2\""));
    assert_null(strstr(failed, "\"metric\""));
    ag_free(failed);
    look at = look_into(home);
    assert_int_equal(history(&at, id, "m").count, 1000);
    assert_string_equal(value_of(run_of(&at, id).params, "a"), "1");
    look_away(&at);
}

AG_TEST(test_local__a_run_that_is_deleted_refuses_the_rest_at_once)
{
    char home[512];
    auger_error error;
    ag_err err = {0};
    auger_ledger *ledger = open_client(new_home(home), NULL);
    auger_ledger_run *run = start(ledger, "deleted");
    FINE(auger_ledger_sync(ledger, PATIENCE, &error));
    look at = look_into(home);
    AG_EXPECT_OK(ag_run_delete(at.ledger, NULL, ag_str_of(auger_run_id(run)), &err));
    for (int i = 0; i < 200; i++) FINE(auger_log_metric(run, "m", i, i, &error));
    FINE(auger_ledger_sync(ledger, PATIENCE, &error));
    auger_ledger_status status;
    auger_ledger_status_read(ledger, &status);
    assert_int_equal(status.refused, 200);
    look_away(&at);
    auger_run_free(run);
    close_client(ledger);
}

AG_TEST(test_local__a_refused_start_refuses_its_run_and_keeps_contents)
{
    char home[512], spool[600], kept[700];
    auger_error error;
    ag_err err = {0};
    new_home(home);
    look at = look_into(home);
    const char *experiment = NULL;
    AG_EXPECT_OK(ag_experiment_ensure(at.ledger, NULL, AG_STR("gone"), at.arena, &experiment, &err));
    AG_EXPECT_OK(ag_experiment_delete(at.ledger, NULL, ag_str_of(experiment), &err));
    look_away(&at);
    auger_ledger_options options = {.experiment = "gone"};
    auger_ledger *ledger = open_client(home, &options);
    auger_ledger_run *run = start(ledger, "lost");
    FINE(auger_log_metric(run, "m", 1, 1, &error));
    FINE(auger_log_bytes(run, "precious", 8, "p.txt", &error));
    int64_t version;
    assert_true(auger_register_model(run, "drill", "p.txt", PATIENCE, &version, &error) < 0);
    assert_non_null(strstr(error.text, "its run was refused"));
    auger_run_free(run);
    close_client(ledger);
    ag_format(spool, sizeof(spool), "%s/spool", home);
    char *failed = text_of(spool, "failed.jsonl");
    assert_non_null(strstr(failed, "\"kind\":\"start\""));
    const char *content = strstr(failed, "\"content\":\"");
    assert_non_null(content);
    ag_format(kept, sizeof(kept), "%.*s", (int)strcspn(content + 11, "\""), content + 11);
    ag_buf text;
    ag_buf_init(&text, 100);
    AG_EXPECT_OK(ag_file_read(kept, 100, &text, &err));
    assert_true(ag_str_is(ag_buf_str(&text), "precious"));
    ag_buf_deinit(&text);
    ag_free(failed);
}

AG_TEST(test_local__wrong_arguments_are_told_at_once)
{
    char home[512], longer[7000];
    auger_error error;
    auger_ledger *ledger = open_client(new_home(home), NULL);
    auger_ledger_run *run = start(ledger, "wrong"), *other = NULL;
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    REFUSED(auger_log_metric(run, "a/../b", 1, 1, &error), AUGER_EINVAL, "must not resolve");
    REFUSED(auger_log_metric(run, NULL, 1, 1, &error), AUGER_EINVAL, "NULL");
    REFUSED(auger_log_metric(run, "", 1, 1, &error), AUGER_EINVAL, "Missing value");
    REFUSED(auger_log_param(run, "a", NULL, &error), AUGER_EINVAL, "the value of param 'a' is NULL");
    REFUSED(auger_log_param(run, "a", longer, &error), AUGER_EINVAL, "6999 characters, more than 6000");
    REFUSED(auger_set_tag(run, "a", "\xff", &error), AUGER_EINVAL, "not valid UTF-8");
    auger_metric early = {"m", 1, 1, -5};
    REFUSED(auger_log_metrics(run, &early, 1, &error), AUGER_EINVAL, "out of range");
    REFUSED(auger_log_metrics(run, NULL, 1, &error), AUGER_EINVAL, "NULL");
    REFUSED(auger_log_bytes(run, "x", 1, "/etc/x", &error), AUGER_EDENIED, "");
    REFUSED(auger_log_bytes(run, "x", 1, NULL, &error), AUGER_EINVAL, "a path");
    REFUSED(auger_log_file(run, "/nowhere/at/all", NULL, &error), AUGER_ENOTFOUND, "");
    REFUSED(auger_log_file(run, "/dev/null", NULL, &error), AUGER_EINVAL, "neither a file nor a directory");
    REFUSED(auger_log_input(run, &(auger_dataset){.name = "x"}, &error), AUGER_EINVAL, "NULL");
    REFUSED(auger_run_finish(run, (auger_run_status)1, &error), AUGER_EINVAL, "no status");
    auger_run_options nameless = {.experiment = ""};
    REFUSED(auger_run_start(ledger, &nameless, &other, &error), AUGER_EINVAL, "empty");
    assert_null(other);
    assert_int_equal(auger_log_metric(run, "", 1, 1, NULL), AUGER_EINVAL); /* nobody asks for the text */
    auger_run_free(run);
    close_client(ledger);
    REFUSED(auger_ledger_open("postgresql://x/y", NULL, &ledger, &error), AUGER_EINVAL, "neither a directory nor");
    REFUSED(auger_ledger_open("http://h/?a=b", NULL, &ledger, &error), AUGER_EINVAL, "without '?'");
    auger_ledger_options small = {.spool_bytes = 10};
    REFUSED(auger_ledger_open(home, &small, &ledger, &error), AUGER_EINVAL, "spool_bytes");
    FINE(auger_ledger_close(NULL, 0, &error));
}

AG_TEST(test_local__an_unwritable_spool_is_told_when_opening)
{
    char home[512], file[600];
    auger_error error;
    auger_ledger *ledger = NULL;
    ag_format(file, sizeof(file), "%s/a-file", ag_test_dir());
    write_file(file, "in the way");
    auger_ledger_options options = {.spool = file};
    assert_true(auger_ledger_open(new_home(home), &options, &ledger, &error) < 0);
    assert_non_null(strstr(error.text, "a-file"));
    assert_null(ledger);
}

enum { THREADS = 8, EACH = 2000 };
typedef struct logger {
    auger_ledger_run *run;
    int number;
} logger;

static void *log_many(void *context)
{
    const logger *self = context;
    char key[32];
    ag_format(key, sizeof(key), "m%d", self->number);
    for (int i = 0; i < EACH; i++) {
        if (auger_log_metric(self->run, key, i, i, NULL) < 0) return (void *)self;
        if (i % 500 == 0 && auger_set_tag(self->run, key, "at work", NULL) < 0) return (void *)self;
    }
    return NULL;
}

AG_TEST(test_local__many_threads_log_into_one_run)
{
    char home[512], id[33];
    auger_ledger_options options = {.flush_ms = 1};
    auger_ledger *ledger = open_client(new_home(home), &options);
    auger_ledger_run *run = start(ledger, "threads");
    ag_format(id, sizeof(id), "%s", auger_run_id(run));
    pthread_t threads[THREADS];
    logger each[THREADS];
    for (int i = 0; i < THREADS; i++) {
        each[i] = (logger){run, i};
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, &each[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    auger_ledger_status status;
    auger_ledger_status_read(ledger, &status);
    auger_run_free(run);
    close_client(ledger);
    look at = look_into(home);
    for (int i = 0; i < THREADS; i++) {
        char key[32];
        ag_format(key, sizeof(key), "m%d", i);
        assert_int_equal(history(&at, id, key).count, EACH);
    }
    look_away(&at);
}

AG_TEST(test_local__a_small_spool_lets_callers_wait_and_loses_nothing)
{
    enum { COUNT = 60000 };
    char home[512], id[33];
    auger_error error;
    auger_ledger_options options = {.spool_bytes = 1 << 20, .block_ms = PATIENCE};
    auger_ledger *ledger = open_client(new_home(home), &options);
    auger_ledger_run *run = start(ledger, "crowded");
    ag_format(id, sizeof(id), "%s", auger_run_id(run));
    for (int i = 0; i < COUNT; i++) FINE(auger_log_metric(run, "m", i, i, &error));
    auger_ledger_status status;
    auger_ledger_status_read(ledger, &status);
    assert_true(status.spool_bytes <= 1 << 20);
    auger_run_free(run);
    close_client(ledger);
    look at = look_into(home);
    assert_int_equal(history(&at, id, "m").count, COUNT);
    look_away(&at);
}
