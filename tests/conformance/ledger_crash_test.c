// SPDX-License-Identifier: Apache-2.0
/* A process that writes to a ledger with 8 threads is killed with SIGKILL, again and again: everything that was
 * acknowledged is there, nothing is there in halves, and verification finds nothing. Few rounds by default;
 * $AUGER_CRASH_ROUNDS sets more. */
#include "ledger/both.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/rng.h"
#include "core/sys/clock.h"
#include "ledger/model.h"
#include "ledger/verify.h"

enum { WRITERS = 8, DEFAULT_ROUNDS = 3, SESSION = 1000000 };

typedef struct ack { /* what one thread has been told is durable */
    int64_t writer, round, version;
} ack;

typedef struct victim {
    ag_ledger *ledger;
    int64_t writer, first;
    const char *run;
    int pipe;
} victim;

/* A metric, a parameter and a tag in one batch: all or nothing. */
static int log_round(const victim *self, int64_t round, ag_err *err)
{
    char key[32], value[32];
    snprintf(key, sizeof(key), "p%lld", (long long)round);
    snprintf(value, sizeof(value), "%lld", (long long)round);
    ag_metric metric = {.key = "m", .value = (double)round, .at = round, .step = round};
    ag_pair param = pair_of(key, value), tag = pair_of("last", value);
    ag_run_batch batch = {.metrics = &metric, .metric_count = 1, .params = {&param, 1}, .tags = {&tag, 1}};
    return ag_run_log(self->ledger, ag_str_of(self->run), &batch, err);
}

static void *write_until_killed(void *context)
{
    const victim *self = context;
    ag_err err = {0};
    for (int64_t round = self->first;; round++) {
        ack told = {.writer = self->writer, .round = round};
        if (log_round(self, round, &err) < 0) _exit(3);
        if (self->writer == 0) {
            ag_arena *arena = ag_arena_new(0);
            ag_version version;
            ag_version_new wanted = {.model = AG_STR("m"), .source = AG_STR("s3://b/m")};
            if (ag_version_create(self->ledger, NULL, &wanted, arena, &version, &err) < 0) _exit(4);
            told.version = version.number;
            if (ag_version_stage(self->ledger, NULL, AG_STR("m"), version.number, AG_STAGE_PRODUCTION, true, arena,
                                 &version, &err) < 0) {
                _exit(5);
            }
            ag_arena_free(arena);
        }
        if (write(self->pipe, &told, sizeof(told)) != (ssize_t)sizeof(told)) _exit(6);
    }
    return NULL;
}

static _Noreturn void be_victim(const ag_ledger_options *options, char runs[WRITERS][33], int64_t first, int pipe)
{
    static victim each[WRITERS];
    pthread_t threads[WRITERS];
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    if (ag_ledger_open(options, &ledger, &err) < 0) _exit(2);
    for (int i = 0; i < WRITERS; i++) {
        each[i] = (victim){.ledger = ledger, .writer = i, .first = first, .run = runs[i], .pipe = pipe};
        if (pthread_create(&threads[i], NULL, write_until_killed, &each[i]) != 0) _exit(7);
    }
    for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
    _exit(8);
}

/* Runs a victim, kills it after a while, and reads what it was told. */
static void run_session(const ag_ledger_options *options, char runs[WRITERS][33], int64_t first, ack last[WRITERS])
{
    int ends[2], status;
    uint32_t chance;
    ag_err err = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) be_victim(options, runs, first, ends[1]);
    close(ends[1]);
    AG_EXPECT_OK(ag_random_bytes(&chance, sizeof(chance), &err));
    int64_t until = 0;
    ack told;
    while (read(ends[0], &told, sizeof(told)) == (ssize_t)sizeof(told)) {
        last[told.writer] = told;
        if (!until) until = ag_monotonic() + 5000 + chance % 60000;
        if (ag_monotonic() >= until) kill(child, SIGKILL);
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status)) fail_msg("the writer ended by itself with %d", WEXITSTATUS(status));
}

typedef struct question {
    const char *sql, *run;
    int64_t first, last, answer;
} question;

static int ask(ag_tx *tx, void *context, ag_err *err)
{
    question *q = context;
    ag_sql sql = ag_sql_text("question", q->sql);
    return ag_tx_get_int(tx, &sql, AG_BINDS(ag_cell_text(q->run), ag_cell_int(q->first), ag_cell_int(q->last)),
                         &q->answer, err);
}

static int64_t count(ag_ledger *ledger, const char *sql, const char *run, int64_t first, int64_t last)
{
    ag_err err = {0};
    question q = {sql, run, first, last, 0};
    AG_EXPECT_OK(ag_db_read(ag_ledger_db(ledger), NULL, ask, &q, &err));
    return q.answer;
}

static const char points[] = "SELECT count(*) FROM metric_series s JOIN metric_points p ON p.series_id = s.id "
                             "WHERE s.run_id = ?1 AND p.step >= ?2 AND p.step <= ?3";
static const char params[] = "SELECT count(*) FROM params WHERE run_id = ?1 AND CAST(value AS BIGINT) >= ?2 AND "
                             "CAST(value AS BIGINT) <= ?3";

static void check_session(const ag_ledger_options *options, char runs[WRITERS][33], int64_t first,
                          const ack last[WRITERS])
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_verify_result result;
    AG_EXPECT_OK(ag_ledger_open(options, &ledger, &err));
    for (int i = 0; i < WRITERS; i++) {
        int64_t acknowledged = last[i].round >= first ? last[i].round - first + 1 : 0;
        int64_t there = count(ledger, points, runs[i], first, first + SESSION - 1);
        if (there < acknowledged) fail_msg("writer %d: %d of %d points", i, (int)there, (int)acknowledged);
        assert_int_equal(count(ledger, params, runs[i], first, first + SESSION - 1), there);
        assert_int_equal(count(ledger, points, runs[i], first, first + acknowledged - 1), acknowledged);
    }
    ag_arena *arena = ag_arena_new(0);
    ag_version version;
    if (last[0].version) {
        AG_EXPECT_OK(ag_version_get(ledger, AG_STR("m"), last[0].version, arena, &version, &err));
        ag_stage live = AG_STAGE_PRODUCTION;
        ag_versions latest;
        AG_EXPECT_OK(ag_model_latest(ledger, AG_STR("m"), &live, 1, arena, &latest, &err));
        assert_int_equal(latest.count, 1);
        assert_true(latest.items[0].number >= last[0].version);
    }
    AG_EXPECT_OK(ag_ledger_verify(ledger, NULL, &result, &err));
    assert_int_equal(result.findings, 0);
    ag_arena_free(arena);
    ag_ledger_close(ledger);
}

static void kill_again_and_again(const char *database)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_registered_model model;
    char runs[WRITERS][33];
    const char *wanted = getenv("AUGER_CRASH_ROUNDS");
    int64_t rounds = wanted ? strtoll(wanted, NULL, 10) : DEFAULT_ROUNDS, total = 0;
    ag_ledger_options options = {.home = ag_test_dir(), .database = database};
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    for (int i = 0; i < WRITERS; i++) memcpy(runs[i], new_run(ledger, arena, "0").id, 33);
    AG_EXPECT_OK(ag_model_create(ledger, NULL, AG_STR("m"), AG_STR(""), (ag_pairs){0}, arena, &model, &err));
    ag_ledger_close(ledger); /* before the first fork */
    for (int64_t round = 0; round < rounds; round++) {
        ack last[WRITERS];
        int64_t first = round * SESSION;
        for (int i = 0; i < WRITERS; i++) last[i] = (ack){.round = first - 1};
        run_session(&options, runs, first, last);
        check_session(&options, runs, first, last);
        for (int i = 0; i < WRITERS; i++) total += last[i].round - first + 1;
    }
    print_message("# %lld kills, %lld acknowledged batches, none lost\n", (long long)rounds, (long long)total);
    ag_arena_free(arena);
}

AG_TEST(test_sqlite__what_was_acknowledged_survives_a_kill)
{
    kill_again_and_again(NULL);
}

AG_TEST(test_postgres__what_was_acknowledged_survives_a_kill)
{
    kill_again_and_again(ag_test_postgres_database());
}
