// SPDX-License-Identifier: Apache-2.0
/* Logged models, on SQLite and on PostgreSQL. */
#include "ledger/both.h"

#include <math.h>

#include "ledger/logged_model.h"

static ag_logged_model make(ag_ledger *ledger, ag_arena *arena, const char *name, const char *run)
{
    ag_err err = {0};
    ag_logged_model model = {0};
    ag_logged_model_new wanted = {
        .experiment_id = AG_STR("0"), .name = ag_str_of(name), .run_id = ag_str_of(run), .model_type = AG_STR("net")};
    AG_EXPECT_OK(ag_logged_model_create(ledger, NULL, &wanted, arena, &model, &err));
    return model;
}

ON_BOTH(a_logged_model_lives)
{
    ag_err err = {0};
    ag_logged_model model;
    const ag_pair params[] = {pair_of("lr", "0.1")}, tags[] = {pair_of("a", "1"), pair_of("b", "2")};
    ag_logged_model_new wanted = {
        .experiment_id = AG_STR("0"), .params = {params, 1}, .tags = {tags, 2}, .run_id = AG_STR("r1")};
    ag_actor ada = {"ada", NULL};
    AG_EXPECT_OK(ag_logged_model_create(ledger, &ada, &wanted, arena, &model, &err));
    assert_int_equal(strlen(model.id), 34);
    assert_memory_equal(model.id, "m-", 2);
    assert_non_null(strchr(model.name, '-'));
    assert_int_equal(model.status, AG_LOGGED_PENDING);
    assert_string_equal(model.user_id, "ada");
    const char *end = ag_arena_printf(arena, "/0/models/%s/artifacts", model.id);
    assert_true(ag_str_ends(ag_str_of(model.artifact_uri), ag_str_of(end)));
    assert_int_equal(model.params.count, 1);
    ag_str id = ag_str_of(model.id);
    AG_EXPECT_OK(ag_logged_model_finish(ledger, NULL, id, AG_LOGGED_READY, arena, &model, &err));
    assert_int_equal(model.status, AG_LOGGED_READY);
    AG_EXPECT_ERROR(ag_logged_model_finish(ledger, NULL, id, AG_LOGGED_PENDING, arena, &model, &err), AG_EINVAL,
                    "Invalid model status");
    AG_EXPECT_OK(ag_logged_model_set_tags(ledger, NULL, id, (ag_pairs){(ag_pair[]){pair_of("a", "9")}, 1}, &err));
    AG_EXPECT_OK(ag_logged_model_delete_tag(ledger, NULL, id, AG_STR("b"), &err));
    AG_EXPECT_ERROR(ag_logged_model_delete_tag(ledger, NULL, id, AG_STR("b"), &err), AG_ENOTFOUND, "No tag with key");
    AG_EXPECT_OK(ag_logged_model_log_params(ledger, NULL, id, (ag_pairs){(ag_pair[]){pair_of("x", "1")}, 1}, &err));
    AG_EXPECT_OK(ag_logged_model_log_params(ledger, NULL, id, (ag_pairs){(ag_pair[]){pair_of("x", "1")}, 1}, &err));
    AG_EXPECT_ERROR(ag_logged_model_log_params(ledger, NULL, id, (ag_pairs){(ag_pair[]){pair_of("x", "2")}, 1}, &err),
                    AG_EINVAL, "Changing param values is not allowed");
    AG_EXPECT_OK(ag_logged_model_get(ledger, id, arena, &model, &err));
    assert_int_equal(model.tags.count, 1);
    assert_true(ag_str_is(model.tags.items[0].value, "9"));
    assert_int_equal(model.params.count, 2);
    AG_EXPECT_OK(ag_logged_model_delete(ledger, NULL, id, &err));
    AG_EXPECT_ERROR(ag_logged_model_get(ledger, id, arena, &model, &err), AG_ENOTFOUND, "not found");
    AG_EXPECT_ERROR(ag_logged_model_delete(ledger, NULL, id, &err), AG_ENOTFOUND, "not found");
}

ON_BOTH(bad_logged_models_are_refused)
{
    static const char *const bad[] = {"a/b", "a:b", "a.b", "a%b", "a\"b", "a'b", "a\nb", "\xff"};
    ag_err err = {0};
    ag_logged_model model;
    ag_logged_model_new wanted = {.experiment_id = AG_STR("77")};
    AG_EXPECT_ERROR(ag_logged_model_create(ledger, NULL, &wanted, arena, &model, &err), AG_ENOTFOUND,
                    "No Experiment with id=77 exists");
    wanted.experiment_id = AG_STR("x");
    AG_EXPECT_ERROR(ag_logged_model_create(ledger, NULL, &wanted, arena, &model, &err), AG_ENOTFOUND,
                    "No Experiment with id=x exists");
    wanted.experiment_id = AG_STR("0");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        wanted.name = ag_str_of(bad[i]);
        AG_EXPECT_ERROR(ag_logged_model_create(ledger, NULL, &wanted, arena, &model, &err), AG_EINVAL,
                        "Invalid model name");
    }
    const char *id = new_experiment(ledger, arena, "gone");
    AG_EXPECT_OK(ag_experiment_delete(ledger, NULL, ag_str_of(id), &err));
    wanted = (ag_logged_model_new){.experiment_id = ag_str_of(id)};
    AG_EXPECT_ERROR(ag_logged_model_create(ledger, NULL, &wanted, arena, &model, &err), AG_EINVAL, "active");
}

static void measure(ag_ledger *ledger, const char *run, const char *model, const char *dataset, double value)
{
    ag_err err = {0};
    ag_metric metric = {.key = "f1",
                        .value = value,
                        .at = 1000,
                        .model_id = model,
                        .dataset_name = dataset,
                        .dataset_digest = dataset ? "d1" : NULL};
    ag_run_batch batch = {.metrics = &metric, .metric_count = 1};
    AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(run), &batch, &err));
}

#define NO_PAIR                                                                                                        \
    {                                                                                                                  \
        {NULL, 0},                                                                                                     \
        {                                                                                                              \
            NULL, 0                                                                                                    \
        }                                                                                                              \
    }

typedef struct query {
    const char *filter, *order;
    ag_pair dataset; /* narrowing; an empty key: none */
    ag_pair order_dataset;
    const char *expected; /* names, joined */
} query;

ON_BOTH(searches_narrow_metrics_to_data_sets)
{
    static const query queries[] = {
        {"", "name ASC", NO_PAIR, NO_PAIR, "abc"},
        {"metrics.f1 > 0.8", "name ASC", NO_PAIR, NO_PAIR, "ab"},
        {"metrics.f1 > 0.8", "name ASC", {{"train", 5}, {"", 0}}, NO_PAIR, "a"},
        {"metrics.f1 > 0.8", "name ASC", {{"test", 4}, {"d1", 2}}, NO_PAIR, "b"},
        {"metrics.f1 > 0.8", "name ASC", {{"test", 4}, {"d2", 2}}, NO_PAIR, ""},
        {"", "name DESC", {{"test", 4}, {"", 0}}, NO_PAIR, "ba"},
        {"name IN ('a', 'b')", "metrics.f1 ASC", NO_PAIR, {{"train", 5}, {"d1", 2}}, "ba"},
        {"name IN ('a', 'b')", "metrics.f1 DESC", NO_PAIR, {{"test", 4}, {"", 0}}, "ba"},
        {"", "metrics.f1 ASC", NO_PAIR, {{"train", 5}, {"", 0}}, "bac"},
        {"params.lr = '0.1' OR tags.t IS NOT NULL", "name ASC", NO_PAIR, NO_PAIR, ""},
        {"model_type = 'net' AND status = 'LOGGED_MODEL_PENDING'", "name ASC", NO_PAIR, NO_PAIR, "abc"},
    };
    ag_err err = {0};
    ag_run run = new_run(ledger, arena, "0");
    ag_logged_model a = make(ledger, arena, "a", run.id), b = make(ledger, arena, "b", run.id);
    make(ledger, arena, "c", run.id);
    measure(ledger, run.id, a.id, "train", 0.9);
    measure(ledger, run.id, a.id, "test", 0.5);
    measure(ledger, run.id, b.id, "train", 0.6);
    measure(ledger, run.id, b.id, "test", 0.85);
    ag_str ids[] = {AG_STR("0")};
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const query *q = &queries[i];
        ag_str order = ag_str_of(q->order);
        char names[16] = {0};
        ag_logged_models found;
        ag_page_request page = {.filter = ag_str_of(q->filter),
                                .order_by = &order,
                                .order_count = 1,
                                .order_datasets = q->order_dataset.key.size ? &q->order_dataset : NULL};
        AG_EXPECT_OK(ag_logged_model_search(ledger, ids, 1, q->dataset.key.size ? &q->dataset : NULL,
                                            q->dataset.key.size != 0, &page, arena, &found, &err));
        for (size_t k = 0; k < found.count && k < 15; k++) names[k] = found.items[k].name[0];
        if (strcmp(names, q->expected) != 0) fail_msg("query %zu gave '%s', not '%s'", i, names, q->expected);
    }
    AG_EXPECT_OK(ag_logged_model_get(ledger, ag_str_of(a.id), arena, &a, &err));
    assert_int_equal(a.metric_count, 2);
    assert_string_equal(a.metrics[0].dataset_name, "test");
    assert_string_equal(a.metrics[0].run_id, run.id);
}

ON_BOTH(a_page_token_belongs_to_its_search)
{
    ag_err err = {0};
    ag_logged_models found;
    for (int i = 0; i < 7; i++) make(ledger, arena, "n", "");
    ag_str ids[] = {AG_STR("0")}, order = AG_STR("name ASC");
    ag_page_request page = {.max_results = 3};
    size_t seen = 0;
    do {
        AG_EXPECT_OK(ag_logged_model_search(ledger, ids, 1, NULL, 0, &page, arena, &found, &err));
        seen += found.count;
        if (found.next) page.token = ag_str_of(found.next);
    } while (found.next);
    assert_int_equal(seen, 7);
    ag_page_request other = page;
    other.filter = AG_STR("name = 'n'");
    AG_EXPECT_ERROR(ag_logged_model_search(ledger, ids, 1, NULL, 0, &other, arena, &found, &err), AG_EINVAL,
                    "Invalid page token");
    other = page;
    other.order_by = &order;
    other.order_count = 1;
    AG_EXPECT_ERROR(ag_logged_model_search(ledger, ids, 1, NULL, 0, &other, arena, &found, &err), AG_EINVAL,
                    "Invalid page token");
    ag_pair dataset = pair_of("train", "");
    AG_EXPECT_ERROR(ag_logged_model_search(ledger, ids, 1, &dataset, 1, &page, arena, &found, &err), AG_EINVAL,
                    "Invalid page token");
    other = (ag_page_request){.token = AG_STR("eyJvZmZzZXQiOiAxfQ==")};
    AG_EXPECT_ERROR(ag_logged_model_search(ledger, ids, 1, NULL, 0, &other, arena, &found, &err), AG_EINVAL,
                    "Invalid page token");
    other.token = AG_STR("!!");
    AG_EXPECT_ERROR(ag_logged_model_search(ledger, ids, 1, NULL, 0, &other, arena, &found, &err), AG_EINVAL,
                    "Invalid page token");
    other = (ag_page_request){.max_results = 1001};
    AG_EXPECT_ERROR(ag_logged_model_search(ledger, ids, 1, NULL, 0, &other, arena, &found, &err), AG_EINVAL, "1000");
}

typedef struct attempt {
    ag_ledger *ledger;
    ag_str id;
    int which;
    bool done;
} attempt;

static int change(void *context, ag_err *err)
{
    attempt *at = context;
    if (at->done) return AG_OK;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    const ag_pair pairs[] = {pair_of("k", "1"), pair_of("l", "2")};
    ag_logged_model model;
    ag_logged_model_new wanted = {
        .experiment_id = AG_STR("0"), .name = AG_STR("new"), .params = {pairs, 2}, .tags = {pairs, 2}};
    int rc = AG_OK;
    switch (at->which) {
    case 0: rc = ag_logged_model_create(at->ledger, NULL, &wanted, arena, &model, err); break;
    case 1: rc = ag_logged_model_set_tags(at->ledger, NULL, at->id, (ag_pairs){pairs, 2}, err); break;
    case 2: rc = ag_logged_model_log_params(at->ledger, NULL, at->id, (ag_pairs){pairs, 2}, err); break;
    case 3: rc = ag_logged_model_finish(at->ledger, NULL, at->id, AG_LOGGED_READY, arena, &model, err); break;
    default: rc = ag_logged_model_delete(at->ledger, NULL, at->id, err);
    }
    ag_arena_free(arena);
    at->done = rc >= 0;
    return rc;
}

static void nothing_half_done(void *context)
{
    attempt *at = context;
    ag_err err = {0};
    ag_logged_model model;
    ag_logged_models all;
    ag_page_request page = {.filter = AG_STR("name = 'new'")};
    ag_str ids[] = {AG_STR("0")};
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_logged_model_search(at->ledger, ids, 1, NULL, 0, &page, arena, &all, &err));
    if (at->which == 0) assert_int_equal(all.count, at->done);
    if (at->which == 1 || at->which == 2) {
        AG_EXPECT_OK(ag_logged_model_get(at->ledger, at->id, arena, &model, &err));
        assert_int_equal(at->which == 1 ? model.tags.count : model.params.count, at->done ? 2 : 0);
    }
    ag_arena_free(arena);
}

AG_TEST(test_sqlite__a_change_that_fails_anywhere_leaves_nothing)
{
    ag_ledger *ledger = open_with(NULL, NULL);
    ag_arena *arena = ag_arena_new(0);
    ag_logged_model model = make(ledger, arena, "m", "");
    for (int which = 0; which <= 4; which++) {
        attempt at = {ledger, ag_str_of(model.id), which, false};
        ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_SQL, change, nothing_half_done, &at);
    }
    ag_arena_free(arena);
    ag_ledger_close(ledger);
}
