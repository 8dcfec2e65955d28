// SPDX-License-Identifier: Apache-2.0
/* The strategy patchtsmixer_single from a folder of files to a predictor, small enough for every run of the tests; and
 * the predictor by itself: threads, failing allocations, broken directories, the same hole from another reader. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "data/features/holes.h"
#include "learn/drilling/folder.h"
#include "learn/drilling/run.h"

enum { HOLES = 44, SMALL = 13 };

/* Trained once for all tests; and few holes, for trainings that only begin. */
static const char *model_dir, *small_dir;
static ag_arena *lasting;

static const char *const lines[] = {
    "strategy=patchtsmixer_single",
    "model_config={d_model: 8, num_layers: 2, dropout: 0, sequence_length: 128, patch_length: 8, num_classes: 3}",
    "training_config={epochs: 12, batch_size: 8, learning_rate: 0.01, validation_split: 0.3}",
    ("data_config={preprocessing: {cell_mm: 0.32, channels: [torque, torque_gradient, thrust, thrust_gradient, "
     "quality]}}"),
    "save_checkpoints=false",
};
enum { LINES = sizeof lines / sizeof *lines };

static int train(const char *data, const char *output, const char *more, ag_arena *arena, ag_err *err)
{
    ag_settings settings;
    const ag_strategy *strategy;
    ag_str sets[LINES + 2];
    size_t count = LINES;
    for (size_t i = 0; i < LINES; i++) sets[i] = ag_str_of(lines[i]);
    if (more) sets[count++] = ag_str_of(more);
    if (more) sets[count++] = AG_STR("training_config.epochs=1");
    ag_strategy_task task = {.settings = &settings, .data_dir = data, .output_dir = output, .jobs = 2, .arena = arena};
    int rc = ag_settings_read(arena, NULL, sets, count, &settings, err);
    if (rc >= 0) rc = ag_strategy_find(&settings, &strategy, err);
    if (rc >= 0) rc = ag_strategy_run(strategy, &task, err);
    if (rc >= 0)
        for (size_t i = 0; i < ag_findings_count(&task.metrics); i++)
            assert_true(isfinite(ag_finding_at(&task.metrics, i)->value));
    ag_strategy_task_deinit(&task);
    return rc;
}

static void free_lasting(void)
{
    ag_arena_free(lasting);
}

/* With the truth beside it. */
static const char *known_holes(uint64_t count)
{
    ag_err err = {0};
    const char *raw = simulated(count, 3), *dir = prepared(raw, lasting);
    char *truth = ag_path_join(lasting, raw, "truth.csv"), *copy = ag_path_join(lasting, dir, "truth.csv");
    ag_buf text;
    ag_buf_init(&text, 1 << 24);
    AG_EXPECT_OK(ag_file_read(truth, 1 << 24, &text, &err));
    AG_EXPECT_OK(ag_file_replace(copy, text.data, text.size, &err));
    ag_buf_deinit(&text);
    return dir;
}

static const char *trained(void)
{
    ag_err err = {0};
    if (model_dir) return model_dir;
    lasting = ag_arena_new(0);
    atexit(free_lasting);
    const char *output = ag_test_dir();
    AG_EXPECT_OK(train(known_holes(HOLES), output, NULL, lasting, &err));
    small_dir = known_holes(SMALL);
    return model_dir = output;
}

AG_TEST(test_single__learns_where_the_depths_are)
{
    ag_err err = {0};
    ag_predictor *p = NULL;
    ag_arena *arena = ag_arena_new(0);
    const ag_hole *holes[22];
    ag_sim_plan plans[22];
    ag_prediction said[22];
    AG_EXPECT_OK(ag_predictor_open(trained(), NULL, NULL, &p, &err));
    assert_string_equal(ag_predictor_strategy(p), "patchtsmixer_single");
    for (size_t i = 0; i < 22; i++)
        holes[i] = simulated_hole(ag_sim_regimes[i % ag_sim_regime_count].name, 99, i, 1, arena, &plans[i]);
    AG_EXPECT_OK(ag_predictor_ask(p, holes, 22, arena, NULL, said, &err));
    size_t near = 0;
    for (size_t i = 0; i < 22; i++) {
        if (plans[i].regime->outcome == AG_SIM_AIR) {
            assert_int_equal(said[i].outcome, AG_LABEL_EMPTY);
            assert_true(isnan(said[i].points[0].mm));
            continue;
        }
        if (plans[i].regime->outcome == AG_SIM_SEIZED) assert_true(isnan(said[i].points[AG_POINT_EXIT].mm));
        if (said[i].outcome == AG_LABEL_NONE) continue;
        near += fabs(said[i].points[0].mm - plans[i].entry) < 0.5;
        for (int k = 0; k < AG_POINTS; k++) {
            if (isnan(said[i].points[k].mm)) continue;
            assert_true(said[i].points[k].low < said[i].points[k].mm && said[i].points[k].high > said[i].points[k].mm);
        }
    }
    assert_true(near >= 15); /* of 20, after a few epochs */
    ag_predictor_free(p);
    ag_arena_free(arena);
}

AG_TEST(test_predictor__says_the_same_of_a_hole_alone_and_among_others)
{
    ag_err err = {0};
    ag_predictor *p = NULL;
    ag_arena *arena = ag_arena_new(0);
    const ag_hole *holes[70];
    ag_sim_plan plan;
    ag_prediction all[70], one;
    AG_EXPECT_OK(ag_predictor_open(trained(), NULL, NULL, &p, &err));
    for (size_t i = 0; i < 70; i++) {
        const char *regime = ag_sim_regimes[i % ag_sim_regime_count].name;
        holes[i] = i < 22 ? simulated_hole(regime, 5, i, 1, arena, &plan) : holes[i % 22];
    }
    AG_EXPECT_OK(ag_predictor_ask(p, holes, 70, arena, NULL, all, &err));
    for (size_t i = 0; i < 22; i += 5) {
        AG_EXPECT_OK(ag_predictor_ask(p, &holes[i], 1, arena, NULL, &one, &err));
        assert_memory_equal(one.points, all[i].points, sizeof one.points);
        assert_memory_equal(all[i + 22].points, all[i].points, sizeof one.points);
    }
    AG_EXPECT_OK(ag_predictor_ask(p, holes, 0, arena, NULL, all, &err));
    ag_predictor_free(p);
    ag_arena_free(arena);
}

typedef struct asker {
    ag_predictor *predictor;
    const ag_hole *hole;
    ag_prediction said;
} asker;

static void *ask_often(void *context)
{
    asker *a = context;
    for (int i = 0; i < 5; i++) {
        ag_err err = {0};
        ag_arena *arena = ag_arena_new(0);
        ag_prediction said;
        assert_true(ag_predictor_ask(a->predictor, &a->hole, 1, arena, NULL, &said, &err) >= 0);
        if (i > 0) assert_memory_equal(said.points, a->said.points, sizeof said.points);
        a->said = said;
        ag_arena_free(arena);
    }
    return NULL;
}

AG_TEST(test_predictor__answers_several_threads_at_once)
{
    enum { THREADS = 4 };
    ag_err err = {0};
    ag_pool *pool = NULL;
    ag_predictor *p = NULL;
    ag_arena *arena = ag_arena_new(0);
    asker askers[THREADS];
    pthread_t threads[THREADS];
    ag_sim_plan plan;
    AG_EXPECT_OK(ag_pool_new(2, &pool, &err));
    AG_EXPECT_OK(ag_predictor_open(trained(), NULL, pool, &p, &err));
    for (size_t i = 0; i < THREADS; i++) {
        askers[i] = (asker){p, simulated_hole("cfrp-ti-stroke", 8, i / 2, 1, arena, &plan), {0}};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &askers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_memory_equal(askers[0].said.points, askers[1].said.points, sizeof askers[0].said.points);
    ag_predictor_free(p);
    ag_pool_free(pool);
    ag_arena_free(arena);
}

/* Half the samples, and samples without header, program and stop codes, as from MQTT. */
AG_TEST(test_predictor__says_the_same_of_a_twin_and_nearly_so_at_half_the_rate)
{
    ag_err err = {0};
    ag_predictor *p = NULL;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_predictor_open(trained(), NULL, NULL, &p, &err));
    for (size_t r = 0; r < 4; r++) {
        ag_sim_plan plan;
        const char *regime = ag_sim_regimes[r].name;
        const ag_hole *holes[3] = {simulated_hole(regime, 21, r, 1, arena, &plan),
                                   simulated_hole(regime, 21, r, 2, arena, &plan), NULL};
        made_row *rows = ag_arena_array(arena, holes[0]->signal.rows, sizeof *rows);
        for (size_t i = 0; i < holes[0]->signal.rows; i++)
            rows[i] = (made_row){ag_signal_depth(&holes[0]->signal, i),
                                 ag_signal_value(&holes[0]->signal, AG_CHANNEL_TORQUE, i),
                                 ag_signal_value(&holes[0]->signal, AG_CHANNEL_THRUST, i),
                                 (int)ag_signal_value(&holes[0]->signal, AG_CHANNEL_STEP, i),
                                 (int)ag_signal_value(&holes[0]->signal, AG_CHANNEL_STOP_CODE, i)};
        holes[2] = made_hole(rows, holes[0]->signal.rows, 100, arena);
        ag_prediction said[3];
        AG_EXPECT_OK(ag_predictor_ask(p, holes, 3, arena, NULL, said, &err));
        assert_memory_equal(said[0].points, said[2].points, sizeof said[0].points);
        for (int k = 0; k < AG_POINTS; k++)
            if (!isnan(said[0].points[k].mm) && !isnan(said[1].points[k].mm))
                assert_true(fabs(said[0].points[k].mm - said[1].points[k].mm) < 0.5);
    }
    ag_predictor_free(p);
    ag_arena_free(arena);
}

AG_TEST(test_predictor__of_hardly_any_samples_abstains)
{
    ag_err err = {0};
    ag_predictor *p = NULL;
    ag_arena *arena = ag_arena_new(0);
    made_row rows[60];
    for (int i = 0; i < 60; i++) rows[i] = (made_row){2, 3, 0.1, 1, 0}; /* does not move */
    const ag_hole *holes[] = {made_hole(rows, 5, 100, arena), made_hole(rows, 60, 100, arena),
                              made_hole(rows, 0, 100, arena)};
    ag_prediction said[3];
    AG_EXPECT_OK(ag_predictor_open(trained(), NULL, NULL, &p, &err));
    AG_EXPECT_OK(ag_predictor_ask(p, holes, 3, arena, NULL, said, &err));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(said[i].outcome, AG_LABEL_NONE);
        assert_non_null(said[i].reason);
        assert_true(isnan(said[i].points[0].mm));
    }
    ag_predictor_free(p);
    ag_arena_free(arena);
}

static void spoil(const char *text, const char *part)
{
    ag_err err = {0};
    ag_predictor *p = NULL;
    ag_arena *arena = ag_arena_new(0);
    const char *dir = ag_test_dir();
    if (text) AG_EXPECT_OK(ag_file_replace(ag_path_join(arena, dir, "auger.json"), text, strlen(text), &err));
    int rc = ag_predictor_open(dir, NULL, NULL, &p, &err);
    assert_true(rc < 0 && !p);
    if (!strstr(err.text, part)) fail_msg("'%s' does not say '%s'", err.text, part);
    ag_arena_free(arena);
}

AG_TEST(test_predictor__refuses_a_directory_that_is_none)
{
    spoil(NULL, "there is no auger.json");
    spoil("{", "");
    spoil("{}", "format");
    spoil("{\"format\": 99}", "newer");
    spoil("{\"format\": 1}", "strategy");
    spoil("{\"format\": 1, \"strategy\": \"x\"}", "does not answer for holes");
    spoil("{\"format\": 1, \"strategy\": \"x\", \"view\": {}}", "fusion");
    spoil("{\"format\": 1, \"strategy\": \"x\", \"fusion\": \"vote\"}", "fusion");
    spoil("{\"format\": 1, \"strategy\": \"x\", \"fusion\": \"mean\"}", "grip");
}

AG_TEST(test_predictor__refuses_members_outside_of_its_directory)
{
    ag_err err = {0};
    ag_predictor *p = NULL;
    ag_arena *arena = ag_arena_new(0);
    const char *from = ag_path_join(arena, trained(), "model/auger.json"), *dir = ag_test_dir();
    ag_buf text, changed;
    ag_buf_init(&text, 1 << 20);
    ag_buf_init(&changed, 1 << 20);
    AG_EXPECT_OK(ag_file_read(from, 1 << 20, &text, &err));
    size_t at = ag_str_find(ag_buf_str(&text), AG_STR("\"path\": \".\""), 0);
    assert_true(at != SIZE_MAX);
    ag_buf_add(&changed, text.data, at);
    ag_buf_add_text(&changed, "\"path\": \"../other\"");
    ag_buf_add_text(&changed, text.data + at + strlen("\"path\": \".\""));
    AG_EXPECT_OK(ag_file_replace(ag_path_join(arena, dir, "auger.json"), changed.data, changed.size, &err));
    assert_int_equal(ag_predictor_open(dir, NULL, NULL, &p, &err), AG_EDENIED);
    ag_buf_deinit(&text);
    ag_buf_deinit(&changed);
    ag_arena_free(arena);
}

AG_TEST(test_single__tells_what_is_wrong_with_a_configuration)
{
    static const char *const wrong[][2] = {
        {"data_config.preprocessing.channels=[torqe]", "there is no 'torqe'"},
        {"model_config.num_classes=4", "must be 3"},
        {"model_config.input_channels=17", "must be 5"},
        {"model_config.patch_length=300", "greater than patch_length"},
        {"model_config.architecture=dlinear", ""},
        {"data_config.labels=nowhere.csv", "there is no table"},
        {"data_config.label_sources=[expert]", "0 holes in '"},
        {"training_config.cross_validation={enabled: true}", "does nothing with"},
    };
    (void)trained();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ag_err err = {0};
        ag_arena *arena = ag_arena_new(0);
        int rc = train(small_dir, ag_test_dir(), wrong[i][0], arena, &err);
        if (rc >= 0 || !strstr(err.text, wrong[i][1])) fail_msg("%s: '%s'", wrong[i][0], err.text);
        ag_arena_free(arena);
    }
}

/* Any architecture with heat maps, and conditions behind the scaler. */
AG_TEST(test_single__takes_other_architectures_and_conditions)
{
    static const char *const others[] = {
        "model_config={architecture: cnn_lstm, context_length: 128, hidden_size: 8, conv_channels: [8]}",
        "model_config={architecture: patch_transformer, context_length: 128, d_model: 8}",
        "data_config.preprocessing.conditions=[tool_age, feed]",
    };
    (void)trained();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ag_err err = {0};
        ag_predictor *p = NULL;
        ag_sim_plan plan;
        ag_prediction said;
        ag_arena *arena = ag_arena_new(0);
        const char *output = ag_test_dir();
        char more[300];
        ag_format(more, sizeof more, "%s", others[i]);

        AG_EXPECT_OK(train(small_dir, output, more, arena, &err));
        AG_EXPECT_OK(ag_predictor_open(output, NULL, NULL, &p, &err));
        const ag_hole *hole = simulated_hole("cfrp-ti-stroke", 2, 2, 1, arena, &plan);
        AG_EXPECT_OK(ag_predictor_ask(p, &hole, 1, arena, NULL, &said, &err));
        ag_predictor_free(p);
        ag_arena_free(arena);
    }
}

static int open_and_ask(void *context, ag_err *err)
{
    const asker *a = context;
    ag_predictor *p = NULL;
    ag_prediction said;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_predictor_open(trained(), NULL, NULL, &p, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_predictor_ask(p, &a->hole, 1, arena, NULL, &said, err);
    ag_predictor_free(p);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_predictor__bears_failing_allocations_and_files)
{
    ag_arena *arena = ag_arena_new(0);
    (void)trained();
    made_row rows[200]; /* few samples and no shape to fit: there are many rounds */
    for (int i = 0; i < 200; i++) rows[i] = (made_row){1 + 0.05 * i, i > 60 && i < 65 ? 3 : 0, 0.1, 1, 0};
    asker a = {.hole = made_hole(rows, 200, 100, arena)};
    ag_test_fail_at_n(AG_FAULT_ALLOC, open_and_ask, NULL, &a);
    ag_arena_free(arena);
}
