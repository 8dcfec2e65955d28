// SPDX-License-Identifier: Apache-2.0
/* A training is killed at every call that it makes to the ledger and to files, one after the other, and goes on: it has
 * one run, one below it for each of its folds and one version of its model then, none of them left RUNNING. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "learn/journal.h"
#include "ledger/client/with_client.h"
#include "ledger/model.h"

enum { FOLDS = 2 };

typedef struct bench {
    char home[512], spool[600], output[600], experiment[40], model[40];
    bool spooled; /* as for a server: all goes through the spool, and is not asked back */
} bench;

static int open_tracker(const bench *b, ag_tracker *out, ag_err *err)
{
    const ag_ledger_options place = {.home = b->home, .artifact_root = "mlflow-artifacts:/"};
    const auger_ledger_options how = {.spool = b->spool, .without_system_tags = 1};
    *out = (ag_tracker){0};
    return b->spooled ? auger_ledger_open(b->home, &how, &out->client, NULL)
                      : ag_ledger_open(&place, &out->ledger, err);
}

static int train_folds(const ag_strategy_watch *watch, ag_err *err)
{
    static const char *const names[FOLDS] = {"fold-01", "fold-02"};
    const ag_train_result result = {.epochs = 1, .steps = 1, .best_metric = 2.0};
    int rc = 0;
    for (int i = 0; i < FOLDS && rc >= 0; i++) {
        ag_train_monitor monitor = {0};
        rc = watch->training(watch->context, names[i], i, FOLDS, &monitor, err);
        if (rc >= 0) rc = watch->trained(watch->context, i, &result, err);
    }
    return rc;
}

static int train(const bench *b, const ag_tracker *tracker, ag_err *err)
{
    static const ag_value nothing = {.kind = AG_OBJECT};
    const ag_settings settings = {.strategy = "test",
                                  .experiment_name = b->experiment,
                                  .registration = {.name = b->model, .stage = "Staging", .alias = "best"}};
    const ag_journal_options options = {
        .tracker = *tracker, .settings = &settings, .output_dir = b->output, .resume = true, .entry = "a test"};
    ag_journal *journal = NULL;
    int rc = ag_journal_new(&options, &journal, err);
    if (rc < 0) return rc;
    const ag_strategy_watch *watch = ag_journal_watch(journal);
    rc = watch->configured(watch->context, &nothing, 7, err);
    if (rc >= 0) rc = train_folds(watch, err);
    const int ended = ag_journal_finish(journal, rc, err, err);
    if (rc >= 0) rc = ended < 0 || ag_journal_unregistered(journal) ? -1 : 0;
    ag_journal_free(journal);
    return rc;
}

/* In a process of its own; true when it was killed. */
static bool run(const bench *b, uint64_t n)
{
    int status;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ag_err err = {0};
        ag_tracker tracker;
        int rc = open_tracker(b, &tracker, &err);
        ag_fault_arm(n, AG_FAULT_SQL | AG_FAULT_FILE | AG_FAULT_KILL);
        if (rc >= 0) rc = train(b, &tracker, &err);
        ag_fault_arm(0, 0);
        if (tracker.client && rc >= 0) rc = auger_ledger_sync(tracker.client, PATIENCE, NULL);
        if (rc < 0) (void)fprintf(stderr, "# %s\n", err.text);
        _exit(rc < 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return true;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return false;
}

static void expect_one_of_each(const bench *b, uint64_t n)
{
    ag_err err = {0};
    ag_experiment experiment;
    ag_runs runs;
    ag_versions versions;
    look at = look_into(b->home);
    AG_EXPECT_OK(ag_experiment_by_name(at.ledger, ag_str_of(b->experiment), at.arena, &experiment, &err));
    const ag_str id = ag_str_of(experiment.id);
    AG_EXPECT_OK(ag_run_search(at.ledger, &id, 1, AG_VIEW_ALL, &(ag_page_request){0}, at.arena, &runs, &err));
    if (runs.count != 1 + FOLDS) fail_msg("killed at %llu: %zu runs", (unsigned long long)n, runs.count);
    for (size_t i = 0; i < runs.count; i++)
        if (runs.items[i].status != AG_RUN_FINISHED)
            fail_msg("killed at %llu: a run is %s", (unsigned long long)n, ag_run_status_name(runs.items[i].status));
    const char *filter = ag_arena_printf(at.arena, "name = '%s'", b->model);
    const ag_page_request page = {.filter = ag_str_of(filter)};
    AG_EXPECT_OK(ag_version_search(at.ledger, &page, at.arena, &versions, &err));
    if (versions.count != 1) fail_msg("killed at %llu: %zu versions", (unsigned long long)n, versions.count);
    assert_int_equal(versions.items[0].stage, AG_STAGE_STAGING);
    assert_int_equal(versions.items[0].alias_count, 1);
    look_away(&at);
}

static void kill_everywhere(bool spooled)
{
    bench b = {.spooled = spooled};
    ag_err err = {0};
    char file[700];
    bool killed = true;
    if (!ag_fault_available()) ag_test_skip("built without fault injection");
    new_home(b.home);
    for (uint64_t n = 1; killed; n += ag_test_rounds(9, 1)) { /* a file that is replaced is more calls than that */
        ag_format(b.experiment, sizeof b.experiment, "kill-%llu", (unsigned long long)n);
        ag_format(b.model, sizeof b.model, "model-%llu", (unsigned long long)n);
        ag_format(b.spool, sizeof b.spool, "%s-spool", b.home);
        ag_format(b.output, sizeof b.output, "%s-out-%llu", b.home, (unsigned long long)n);
        ag_format(file, sizeof file, "%s/model", b.output);
        AG_EXPECT_OK(ag_dir_make(file, &err));
        ag_format(file, sizeof file, "%s/model/weights", b.output);
        AG_EXPECT_OK(ag_file_replace(file, "1", 1, &err));
        killed = run(&b, n);
        if (killed) assert_false(run(&b, 0));
        expect_one_of_each(&b, n);
    }
}

AG_TEST(test_journal__killed_anywhere_it_leaves_no_run_and_no_version_too_many)
{
    kill_everywhere(false);
}

AG_TEST(test_journal__killed_anywhere_it_starts_no_run_twice_on_a_server)
{
    kill_everywhere(true);
}
