// SPDX-License-Identifier: Apache-2.0
/* The public C API of the ledger against our own server: away and back, restarted in the midst, with people and tokens,
 * with failing connections. */
#include "app/server/mlflow/talk.h"
#include "frame/port.h"
#include "ledger/client/with_client.h"
#include "ledger/model.h"
#include "ledger/user.h"

#include <stdatomic.h>

typedef struct site { /* a home, and a server on it that comes and goes on the same port */
    char home[512], spool[600], address[64];
    ag_ledger *ledger;
    ag_server *server;
    uint16_t port;
    bool authenticate;
} site;

static void serve(site *at)
{
    ag_err err = {0};
    ag_ledger_options place = {.home = at->home, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_open(&place, &at->ledger, &err));
    ag_server_options options = wire_options();
    options.ledger = at->ledger;
    options.groups = ag_route_groups_all();
    options.serve_artifacts = true;
    options.port = at->port;
    options.authenticate = at->authenticate;
    options.door = &ag_door_of_ledger;
    options.door_context = at->ledger;
    at->server = wire_start(&options);
    ag_format(at->address, sizeof(at->address), "http://127.0.0.1:%u", at->port);
}

static void go_away(site *at)
{
    ag_server_free(at->server);
    ag_ledger_close(at->ledger);
    at->server = NULL;
}

static void begin(site *at)
{
    new_home(at->home);
    ag_format(at->spool, sizeof(at->spool), "%s-spool", at->home);
    at->port = ag_test_reserve_port();
    serve(at);
}

static auger_ledger *open_at(const site *at)
{
    auger_ledger_options options = {.spool = at->spool, .experiment = "drills & holes", .flush_ms = 5};
    return open_client(at->address, &options);
}

static auger_ledger_status status_of(auger_ledger *ledger)
{
    auger_ledger_status status;
    auger_ledger_status_read(ledger, &status);
    return status;
}

AG_TEST(test_client__everything_arrives_at_a_server)
{
    site at = {0};
    auger_error error;
    int64_t version = 0;
    char id[33], child_id[33];
    begin(&at);
    auger_ledger *ledger = open_at(&at);
    auger_ledger_run *run = start(ledger, "first"), *child = NULL;
    ag_format(id, sizeof(id), "%s", auger_run_id(run));
    FINE(auger_log_param(run, "a", "äöü \"quoted\"\n", &error));
    auger_metric odd[] = {{"odd", NAN, 0, 1000}, {"odd", INFINITY, 1, 2000}, {"odd", -INFINITY, -2, 3000}};
    FINE(auger_log_metrics(run, odd, 3, &error));
    for (int i = 0; i < 3000; i++) FINE(auger_log_metric(run, "loss", 1.0 / (i + 1), i, &error));
    FINE(auger_log_bytes(run, "weights", 7, "model/the weights", &error));
    FINE(auger_log_bytes(run, NULL, 0, "empty", &error));
    auger_dataset set = {.name = "holes", .digest = "abc", .context = "training", .schema = "{\"a\": 1}"};
    FINE(auger_log_input(run, &set, &error));
    FINE(auger_register_model(run, "drill", "model", PATIENCE, &version, &error));
    assert_int_equal(version, 1);
    auger_run_options nested = {.parent = run};
    FINE(auger_run_start(ledger, &nested, &child, &error));
    ag_format(child_id, sizeof(child_id), "%s", auger_run_id(child));
    FINE(auger_run_finish(child, AUGER_RUN_KILLED, &error));
    FINE(auger_run_finish(run, AUGER_RUN_FINISHED, &error));
    auger_run_free(child);
    auger_run_free(run);
    FINE(auger_ledger_close(ledger, PATIENCE, &error));
    assert_int_equal(names_in(at.spool, ""), 0);
    go_away(&at);

    look inside = look_into(at.home);
    ag_run found = run_of(&inside, id);
    assert_int_equal(found.status, AG_RUN_FINISHED);
    assert_string_equal(value_of(found.params, "a"), "äöü \"quoted\"\n");
    assert_string_equal(value_of(found.tags, "auger.client_run"), id);
    assert_int_equal(history(&inside, id, "loss").count, 3000);
    assert_int_equal(history(&inside, id, "odd").count, 3);
    assert_true(isnan(history(&inside, id, "odd").items[0].value));
    assert_int_equal(found.input_count, 1);
    assert_string_equal(found.inputs[0].schema, "{\"a\": 1}");
    ag_run inner = run_of(&inside, child_id);
    assert_string_equal(value_of(inner.tags, "mlflow.parentRunId"), id);
    assert_int_equal(inner.status, AG_RUN_KILLED);
    look_away(&inside);
}

/* Until the first attempt to deliver has failed, however slow this machine is. */
static void until_away(auger_ledger *ledger)
{
    auger_error error;
    for (int tries = 0; !status_of(ledger).away && tries < PATIENCE / 10; tries++)
        (void)auger_ledger_sync(ledger, 10, &error);
}

AG_TEST(test_client__a_server_that_is_away_comes_back)
{
    site at = {0};
    auger_error error;
    int64_t version = -1;
    char id[33];
    begin(&at);
    go_away(&at);
    auger_ledger *ledger = open_at(&at);
    auger_ledger_run *run = start(ledger, "offline");
    ag_format(id, sizeof(id), "%s", auger_run_id(run));
    for (int i = 0; i < 100; i++) FINE(auger_log_metric(run, "m", i, i, &error));
    FINE(auger_log_bytes(run, "w", 1, "model/w", &error));
    FINE(auger_register_model(run, "drill", "model", 10, &version, &error));
    assert_int_equal(version, 0); /* pending, and it says so */
    until_away(ledger);
    REFUSED(auger_ledger_sync(ledger, 50, &error), AUGER_ETIMEOUT, "103 calls wait in the spool");
    assert_non_null(strstr(error.text, at.address));
    auger_ledger_status status = status_of(ledger);
    assert_int_equal(status.pending, 103);
    assert_int_equal(status.away, 1);
    assert_int_equal(status.delivered, 0);
    /* Closed meanwhile: it waits for the next one. */
    auger_run_free(run);
    REFUSED(auger_ledger_close(ledger, 0, &error), AUGER_ETIMEOUT, "wait in the spool");
    ledger = open_at(&at);
    run = start(ledger, "second");
    REFUSED(auger_ledger_sync(ledger, 0, &error), AUGER_ETIMEOUT, "104 calls");
    serve(&at);
    FINE(auger_ledger_sync(ledger, PATIENCE, &error));
    status = status_of(ledger);
    assert_int_equal(status.pending, 0);
    assert_int_equal(status.delivered, 104);
    assert_int_equal(status.away, 0);
    auger_run_free(run);
    FINE(auger_ledger_close(ledger, PATIENCE, &error));
    assert_int_equal(names_in(at.spool, ""), 0);
    go_away(&at);
    look inside = look_into(at.home);
    assert_int_equal(history(&inside, id, "m").count, 100);
    ag_version found;
    ag_err err = {0};
    AG_EXPECT_OK(ag_version_get(inside.ledger, AG_STR("drill"), 1, inside.arena, &found, &err));
    look_away(&inside);
}

AG_TEST(test_client__a_server_restarted_in_the_midst_misses_nothing)
{
    enum { PARTS = 4, EACH = 500 };
    site at = {0};
    auger_error error;
    char id[33];
    begin(&at);
    auger_ledger *ledger = open_at(&at);
    auger_ledger_run *run = start(ledger, "restarts");
    ag_format(id, sizeof(id), "%s", auger_run_id(run));
    for (int part = 0; part < PARTS; part++) {
        for (int i = 0; i < EACH; i++) FINE(auger_log_metric(run, "m", i, part * EACH + i, &error));
        go_away(&at);
        for (int i = 0; i < EACH; i++) FINE(auger_log_metric(run, "n", i, part * EACH + i, &error));
        serve(&at);
    }
    FINE(auger_ledger_sync(ledger, PATIENCE, &error));
    auger_run_free(run);
    FINE(auger_ledger_close(ledger, PATIENCE, &error));
    go_away(&at);
    look inside = look_into(at.home);
    assert_int_equal(history(&inside, id, "m").count, PARTS * EACH);
    assert_int_equal(history(&inside, id, "n").count, PARTS * EACH);
    look_away(&inside);
}

AG_TEST(test_client__a_wrong_token_loses_nothing_and_is_told)
{
    site at = {.authenticate = true};
    auger_error error;
    ag_err err = {0};
    char id[33], with_password[128];
    const char *secret = NULL;
    begin(&at);
    ag_arena *arena = ag_arena_new(0);
    ag_user user;
    AG_EXPECT_OK(ag_user_create(at.ledger, NULL, AG_STR("ada"), AG_STR("a long password"), true, arena, &user, &err));
    AG_EXPECT_OK(ag_token_create(at.ledger, NULL, AG_STR("ada"), AG_STR("test"), 0, arena, &secret, &err));
    auger_ledger_options options = {.spool = at.spool, .token = "wrong"};
    auger_ledger *ledger = open_client(at.address, &options);
    auger_ledger_run *run = start(ledger, "locked out");
    ag_format(id, sizeof(id), "%s", auger_run_id(run));
    until_away(ledger);
    REFUSED(auger_ledger_sync(ledger, 50, &error), AUGER_ETIMEOUT, "401");
    assert_int_equal(status_of(ledger).refused, 0);
    auger_run_free(run);
    (void)auger_ledger_close(ledger, 0, NULL);
    options.token = secret;
    ledger = open_client(at.address, &options);
    FINE(auger_ledger_close(ledger, PATIENCE, &error));
    /* A user and a password in the address; neither may be seen in the spool. */
    ag_format(with_password, sizeof(with_password), "http://ada:a%%20long%%20password@127.0.0.1:%u/", at.port);
    options.token = NULL;
    ledger = open_client(with_password, &options);
    run = start(ledger, "by password");
    FINE(auger_ledger_sync(ledger, PATIENCE, &error));
    auger_run_free(run);
    FINE(auger_ledger_close(ledger, PATIENCE, &error));
    ag_arena_free(arena);
    go_away(&at);
    look inside = look_into(at.home);
    assert_string_equal(run_of(&inside, id).name, "locked out");
    look_away(&inside);
}

AG_TEST(test_client__failing_connections_double_nothing)
{
    if (!ag_fault_available()) ag_test_skip("this build injects no failures");
    site at = {0};
    auger_error error;
    ag_err err = {0};
    begin(&at);
    for (uint64_t n = 1; n <= ag_test_rounds(6, 40); n++) {
        char model[32], id[33];
        int64_t version = 0;
        ag_format(model, sizeof(model), "model-%llu", (unsigned long long)n);
        auger_ledger *ledger = open_at(&at);
        ag_fault_arm(n, AG_FAULT_NET);
        auger_ledger_run *run = start(ledger, model);
        ag_format(id, sizeof(id), "%s", auger_run_id(run));
        for (int i = 0; i < 10; i++) FINE(auger_log_metric(run, "m", i, i, &error));
        FINE(auger_log_bytes(run, "w", 1, "model/w", &error));
        FINE(auger_register_model(run, model, "model", PATIENCE, &version, &error));
        ag_fault_arm(0, 0);
        assert_int_equal(version, 1);
        auger_run_free(run);
        FINE(auger_ledger_close(ledger, PATIENCE, &error));
        ag_version found;
        ag_arena *arena = ag_arena_new(0);
        assert_int_equal(ag_version_get(at.ledger, ag_str_of(model), 2, arena, &found, &err), AG_ENOTFOUND);
        ag_arena_free(arena);
    }
    go_away(&at);
}

AG_TEST(test_client__two_processes_worth_of_clients_share_a_spool)
{
    site at = {0};
    auger_error error;
    char ids[2][33];
    begin(&at);
    auger_ledger *ledgers[2] = {open_at(&at), open_at(&at)};
    for (int i = 0; i < 2; i++) {
        auger_ledger_run *run = start(ledgers[i], "shared");
        ag_format(ids[i], 33, "%s", auger_run_id(run));
        for (int k = 0; k < 100; k++) FINE(auger_log_metric(run, "m", k, k, &error));
        auger_run_free(run);
    }
    assert_int_equal(names_in(at.spool, "queue-"), 4); /* two directories, two locks */
    for (int i = 0; i < 2; i++) FINE(auger_ledger_close(ledgers[i], PATIENCE, &error));
    assert_int_equal(names_in(at.spool, ""), 0);
    go_away(&at);
    look inside = look_into(at.home);
    for (int i = 0; i < 2; i++) assert_int_equal(history(&inside, ids[i], "m").count, 100);
    look_away(&inside);
}
