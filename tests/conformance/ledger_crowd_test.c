// SPDX-License-Identifier: Apache-2.0
/* Many at once: 64 threads that write and read all the time see no lock error; two ledgers on one database agree; a
 * damaged file is found. */
#include "ledger/both.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/audit.h"
#include "ledger/model.h"
#include "ledger/verify.h"

enum { WRITERS = 64, READERS = 6, ROUNDS = 4 };

typedef struct crowd {
    ag_ledger *ledger[2]; /* the same database, perhaps the same handle */
    atomic_int next, failures, searches;
    atomic_bool done;
    pthread_mutex_t lock;
} crowd;

static void check(crowd *c, int rc, const ag_err *err)
{
    if (rc >= 0) return;
    atomic_fetch_add(&c->failures, 1);
    pthread_mutex_lock(&c->lock);
    print_error("%s\n", err->text);
    pthread_mutex_unlock(&c->lock);
}

static void *write_much(void *context)
{
    crowd *c = context;
    int number = atomic_fetch_add(&c->next, 1);
    ag_ledger *ledger = c->ledger[number % 2];
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *experiment = NULL, *name = ag_arena_printf(arena, "shared %d", number % 4);
    check(c, ag_experiment_ensure(ledger, NULL, ag_str_of(name), arena, &experiment, &err), &err);
    ag_run run = {0};
    ag_run_new wanted = {.experiment_id = ag_str_of(experiment)};
    check(c, ag_run_create(ledger, &wanted, arena, &run, &err), &err);
    for (int i = 0; i < ROUNDS && run.id; i++) {
        ag_metric metrics[3] = {{.key = "a", .value = i, .step = i},
                                {.key = "b", .value = number, .step = i},
                                {.key = "c", .value = -i, .step = i}};
        ag_pair tag = pair_of("round", i % 2 ? "odd" : "even");
        ag_run_batch batch = {.metrics = metrics, .metric_count = 3, .tags = {&tag, 1}};
        check(c, ag_run_log(ledger, ag_str_of(run.id), &batch, &err), &err);
        check(c, ag_experiment_set_tag(ledger, NULL, ag_str_of(experiment), pair_of("k", "v"), &err), &err);
    }
    ag_run_status status = AG_RUN_FINISHED;
    ag_run_change change = {.status = &status};
    if (run.id) check(c, ag_run_update(ledger, ag_str_of(run.id), &change, arena, &run, &err), &err);
    ag_arena_free(arena);
    return NULL;
}

static void *read_much(void *context)
{
    crowd *c = context;
    while (!atomic_load(&c->done)) {
        ag_err err = {0};
        ag_arena *arena = ag_arena_new(0);
        ag_ledger *ledger = c->ledger[atomic_fetch_add(&c->searches, 1) % 2];
        ag_experiments experiments;
        ag_page_request page = {0};
        check(c, ag_experiment_search(ledger, AG_VIEW_ALL, &page, arena, &experiments, &err), &err);
        ag_str ids[16];
        size_t count = experiments.count < 16 ? experiments.count : 16;
        for (size_t i = 0; i < count; i++) ids[i] = ag_str_of(experiments.items[i].id);
        ag_runs runs;
        ag_page_request filter = {.filter = AG_STR("metrics.a >= 0 AND tags.round != 'none'"), .max_results = 50};
        check(c, ag_run_search(ledger, ids, count, AG_VIEW_ALL, &filter, arena, &runs, &err), &err);
        ag_arena_free(arena);
    }
    return NULL;
}

static void run_crowd(ag_ledger *one, ag_ledger *other)
{
    ag_err err = {0};
    pthread_t writers[WRITERS], readers[READERS];
    crowd c = {.ledger = {one, other}};
    pthread_mutex_init(&c.lock, NULL);
    for (int i = 0; i < READERS; i++) assert_int_equal(pthread_create(&readers[i], NULL, read_much, &c), 0);
    for (int i = 0; i < WRITERS; i++) assert_int_equal(pthread_create(&writers[i], NULL, write_much, &c), 0);
    for (int i = 0; i < WRITERS; i++) pthread_join(writers[i], NULL);
    atomic_store(&c.done, true);
    for (int i = 0; i < READERS; i++) pthread_join(readers[i], NULL);
    pthread_mutex_destroy(&c.lock);
    assert_int_equal(c.failures, 0);
    ag_arena *arena = ag_arena_new(0);
    ag_experiments experiments;
    ag_page_request page = {0};
    AG_EXPECT_OK(ag_experiment_search(one, AG_VIEW_ACTIVE, &page, arena, &experiments, &err));
    assert_int_equal(experiments.count, 5);
    ag_str ids[5];
    for (int i = 0; i < 5; i++) ids[i] = ag_str_of(experiments.items[i].id);
    ag_runs runs;
    ag_page_request finished = {.filter = AG_STR("status = 'FINISHED' AND metrics.a = 3")};
    AG_EXPECT_OK(ag_run_search(other, ids, 5, AG_VIEW_ACTIVE, &finished, arena, &runs, &err));
    assert_int_equal(runs.count, WRITERS);
    ag_verify_result result;
    AG_EXPECT_OK(ag_ledger_verify(other, NULL, &result, &err));
    assert_int_equal(result.findings, 0);
    ag_arena_free(arena);
}

ON_BOTH(writers_and_readers_meet_no_lock_error)
{
    (void)arena;
    run_crowd(ledger, ledger);
}

static void two_handles(const char *database)
{
    ag_ledger *one = open_with(database, NULL), *other;
    const char *url = database;
    if (!url) url = ag_db_label(ag_ledger_db(one));
    other = open_with(url, ag_ledger_artifact_root(one));
    run_crowd(one, other);
    ag_ledger_close(other);
    ag_ledger_close(one);
}

AG_TEST(test_sqlite__two_ledgers_on_one_file_agree)
{
    two_handles(NULL);
}

AG_TEST(test_postgres__two_ledgers_on_one_server_agree)
{
    two_handles(ag_test_postgres_database());
}

/* What one has committed the other sees at once, and both number and chain as one. */
AG_TEST(test_postgres__what_one_commits_the_other_sees)
{
    ag_err err = {0};
    const char *database = ag_test_postgres_database();
    ag_ledger *one = open_with(database, "/tmp/x"), *other = open_with(database, "/tmp/x");
    ag_arena *arena = ag_arena_new(0);
    ag_registered_model model;
    AG_EXPECT_OK(ag_model_create(one, NULL, AG_STR("m"), AG_STR(""), (ag_pairs){0}, arena, &model, &err));
    for (int i = 1; i <= 10; i++) {
        ag_version version;
        ag_version_new wanted = {.model = AG_STR("m"), .source = AG_STR("s3://b/m")};
        AG_EXPECT_OK(ag_version_create(i % 2 ? one : other, NULL, &wanted, arena, &version, &err));
        assert_int_equal(version.number, i);
        AG_EXPECT_OK(ag_version_get(i % 2 ? other : one, AG_STR("m"), i, arena, &version, &err));
    }
    uint64_t entries = 0;
    AG_EXPECT_OK(ag_audit_verify(other, &entries, &err));
    assert_int_equal(entries, 11);
    AG_EXPECT_OK(ag_model_delete(other, NULL, AG_STR("m"), &err));
    AG_EXPECT_ERROR(ag_model_get(one, AG_STR("m"), arena, &model, &err), AG_ENOTFOUND, "not found");
    ag_arena_free(arena);
    ag_ledger_close(other);
    ag_ledger_close(one);
}

/* ---- damage ---- */

/* Values that compress badly and are as long as they may be: an index must not refuse them. */
ON_BOTH(the_longest_values_are_kept)
{
    ag_err err = {0};
    ag_run run = new_run(ledger, arena, "0");
    char *text = ag_arena_alloc(arena, AG_MAX_TAG_VALUE + 1);
    uint32_t state = 1;
    for (int i = 0; i < AG_MAX_TAG_VALUE; i++) {
        state = state * 1664525 + 1013904223;
        text[i] = (char)(' ' + 1 + (state >> 24) % 90);
    }
    text[AG_MAX_TAG_VALUE] = '\0';
    ag_pair param = {AG_STR("p"), {text, AG_MAX_PARAM_VALUE}}, tag = {AG_STR("t"), {text, AG_MAX_TAG_VALUE}};
    ag_run_batch batch = {.params = {&param, 1}, .tags = {&tag, 1}};
    AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(run.id), &batch, &err));
    AG_EXPECT_OK(ag_run_get(ledger, ag_str_of(run.id), arena, &run, &err));
    assert_int_equal(run.params.items[0].value.size, AG_MAX_PARAM_VALUE);
    ag_registered_model model;
    ag_version version;
    AG_EXPECT_OK(ag_model_create(ledger, NULL, AG_STR("m"), (ag_str){text, 5000}, (ag_pairs){0}, arena, &model, &err));
    char *source = ag_arena_printf(arena, "s3://b/%.*s", 4000, text);
    for (char *at = source + 7; *at; at++) {
        if (strchr("\\%/:?#&=;.", *at)) *at = 'x';
    }
    ag_version_new wanted = {.model = AG_STR("m"), .source = ag_str_of(source)};
    AG_EXPECT_OK(ag_version_create(ledger, NULL, &wanted, arena, &version, &err));
}

static uint64_t findings_of(const char *file)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_verify_result result = {0};
    ag_ledger_options options = {.home = ag_test_dir(), .database = file};
    if (ag_ledger_open(&options, &ledger, &err) < 0) return 1; /* found even earlier */
    int rc = ag_ledger_verify(ledger, NULL, &result, &err);
    ag_ledger_close(ledger);
    return rc < 0 ? 1 : result.findings;
}

/* A byte that is turned over in the middle of a page that is full of rows. */
AG_TEST(test_sqlite__a_flipped_byte_in_an_index_or_header_is_found)
{
    ag_err err = {0};
    ag_ledger *ledger = open_with(NULL, NULL);
    ag_arena *arena = ag_arena_new(0);
    ag_run run = new_run(ledger, arena, "0");
    for (int i = 0; i < 200; i++) {
        char key[32];
        snprintf(key, sizeof(key), "key %d", i);
        ag_pair param = pair_of(key, "some value");
        AG_EXPECT_OK(ag_run_log_param(ledger, ag_str_of(run.id), param, &err));
    }
    const char *file = ag_arena_strdup(arena, ag_db_label(ag_ledger_db(ledger)));
    ag_ledger_close(ledger);
    assert_int_equal(findings_of(file), 0);
    struct stat status;
    assert_int_equal(stat(file, &status), 0);
    size_t pages = (size_t)status.st_size / 4096, found = 0, tried = 0;
    int fd = open(file, O_RDWR);
    assert_true(fd >= 0);
    for (size_t page = 1; page < pages; page += 1 + pages / 24) {
        unsigned char byte, flipped;
        off_t at = (off_t)(page * 4096 + 3); /* the number of cells in the page's header */
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        flipped = (unsigned char)(byte ^ 0x10);
        assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
        found += findings_of(file) != 0;
        tried++;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
    assert_int_equal(findings_of(file), 0);
    if (found < tried) fail_msg("%zu of %zu damaged pages were found", found, tried);
    ag_arena_free(arena);
}
