// SPDX-License-Identifier: Apache-2.0
/* Failures of memory, files and SQL while the public C API opens, logs and delivers: a call that fails says why, and
 * what returned 0 arrives, once, with nothing refused. The thread that delivers counts along, so which of the two meets
 * the failure is left to chance. */
#include "ledger/client/with_client.h"

enum { POINTS = 20 };

typedef struct outcome {
    bool started;
    char run[33];
    int points;
    bool param, file;
} outcome;

static outcome log_something(auger_ledger *ledger, auger_error *error)
{
    outcome done = {0};
    auger_ledger_run *run = NULL;
    if (auger_run_start(ledger, NULL, &run, error) < 0) {
        assert_true(*error->text);
        return done;
    }
    done.started = true;
    ag_format(done.run, sizeof(done.run), "%s", auger_run_id(run));
    for (int i = 0; i < POINTS; i++) {
        int rc = auger_log_metric(run, "m", i, i, error);
        assert_true(rc == 0 || *error->text);
        done.points += rc == 0;
    }
    done.param = auger_log_param(run, "p", "v", error) == 0;
    done.file = auger_log_bytes(run, "bytes", 5, "a/b", error) == 0;
    auger_run_free(run);
    return done;
}

/* True when the failure has been met. */
static bool try_with(unsigned kind, uint64_t n)
{
    char home[512], spool[600];
    auger_error error;
    auger_ledger *ledger = NULL;
    outcome done = {0};
    new_home(home);
    ag_format(spool, sizeof(spool), "%s/spool", home);
    auger_ledger_options options = {.flush_ms = 1};
    ag_fault_arm(n, kind);
    int rc = auger_ledger_open(home, &options, &ledger, &error);
    if (rc >= 0) {
        done = log_something(ledger, &error);
        FINE(auger_ledger_sync(ledger, PATIENCE, &error));
    } else {
        assert_true(*error.text);
        assert_null(ledger);
    }
    bool fired = ag_fault_fired();
    ag_fault_arm(0, 0);
    FINE(auger_ledger_close(ledger, PATIENCE, &error));
    assert_int_equal(names_in(spool, "failed"), 0);
    if (!done.started) return fired;
    look at = look_into(home);
    ag_run run = run_of(&at, done.run);
    assert_int_equal(history(&at, done.run, "m").count, done.points);
    assert_true(!done.param || value_of(run.params, "p"));
    look_away(&at);
    return fired;
}

static void fail_each(unsigned kind)
{
    if (!ag_fault_available()) ag_test_skip("this build injects no failures");
    uint64_t most = ag_test_rounds(8, 500), step = ag_test_rounds(23, 1);
    for (uint64_t i = 0; i < most; i++) {
        if (!try_with(kind, 1 + i * step)) break;
    }
}

AG_TEST(test_client__failing_allocations)
{
    fail_each(AG_FAULT_ALLOC);
}

AG_TEST(test_client__failing_files)
{
    fail_each(AG_FAULT_FILE);
}

AG_TEST(test_client__failing_statements)
{
    fail_each(AG_FAULT_SQL);
}
