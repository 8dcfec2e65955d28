// SPDX-License-Identifier: Apache-2.0
/* The strategy legacy_patchtsmixer: a small one trained by the old recipe, an existing checkpoint taken as it is, and
 * what is refused. */
#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/prepared.h"
#include "learn/drilling/answerer.h"
#include "learn/drilling/folder.h"
#include "learn/drilling/known.h"
#include "learn/drilling/legacy_settings.h"
#include "learn/strategy.h"
#include "learn/strategy_made.h"

static const char recipe[] =
    "strategy: legacy_patchtsmixer\n"
    "model_config:\n"
    "  architecture: PatchTSMixer\n"
    "  context_length: 512\n"
    "  prediction_length: 512\n"
    "  num_input_channels: 17\n"
    "  patch_length: 64\n"
    "  patch_stride: 64\n"
    "  d_model: 8\n"
    "  num_layers: 1\n"
    "  dropout: 0\n"
    "  head_dropout: 0\n"
    "  mode: mix_channel\n"
    "  head: stock\n"
    "  loss: focal_mse\n"
    "training_config: {epochs: 3, batch_size: 16, learning_rate: 0.003, validation_split: 0.3}\n"
    "data_config: {windows: 4}\n"
    "save_checkpoints: false\n";

/* Holes whose metal is drilled in step 2, as the old pipeline wants them. */
static const char *metal_in_step_two(uint64_t holes, uint64_t seed, ag_arena *arena)
{
    ag_err err = {0};
    ag_sim_totals totals;
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-ti-event");
    ag_sim_options options = {.seed = seed, .regimes = &regime, .regime_count = 1, .series = 2};
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_sim_batch(&options, dir, holes, 0, 2, NULL, NULL, &totals, &err));
    const char *data = prepared(dir, arena);
    ag_buf truth;
    ag_buf_init(&truth, 1 << 20);
    AG_EXPECT_OK(ag_file_read(ag_path_join(arena, dir, "truth.csv"), 1 << 20, &truth, &err));
    AG_EXPECT_OK(ag_file_replace(ag_path_join(arena, data, "truth.csv"), truth.data, truth.size, &err));
    ag_buf_deinit(&truth);
    return data;
}

typedef struct attempt {
    ag_arena *arena;
    const char *data, *output;
    char remarks[4096];
    ag_cancel *cancel;
    int64_t stop_at; /* step; 0: never */
    bool resume;     /* the output of before */
} attempt;

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    const attempt *a = context;
    (void)err;
    if (a->stop_at && now->step == a->stop_at) ag_cancel_request(a->cancel);
    return 0;
}

static int on_training(void *context, const char *name, int64_t index, int64_t count, ag_train_monitor *monitor,
                       ag_err *err)
{
    (void)name, (void)index, (void)count, (void)err;
    *monitor = (ag_train_monitor){.context = context, .step = on_step};
    return 0;
}

static void on_remark(void *context, const char *text)
{
    attempt *a = context;
    size_t used = strlen(a->remarks);
    ag_format(a->remarks + used, sizeof a->remarks - used, "%s\n", text);
}

static int run(attempt *a, const char *config, const char *set, ag_err *err)
{
    const ag_strategy *strategy = NULL;
    ag_settings settings;
    ag_str sets[1] = {ag_str_of(set)};
    char *path = ag_path_join(a->arena, ag_test_dir(), "config.yaml");
    ag_strategy_watch watch = {.context = a, .remark = on_remark, .training = on_training};
    if (!a->resume) a->output = ag_test_dir();
    *a->remarks = 0;
    ag_strategy_task task = {.settings = &settings,
                             .data_dir = a->data,
                             .output_dir = a->output,
                             .jobs = 2,
                             .resume = a->resume,
                             .cancel = a->cancel,
                             .watch = &watch,
                             .arena = a->arena};
    int rc = path ? ag_file_replace(path, config, strlen(config), err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_settings_read(a->arena, path, sets, set ? 1 : 0, &settings, err);
    if (rc >= 0) rc = ag_strategy_find(&settings, &strategy, err);
    if (rc >= 0) rc = ag_strategy_run(strategy, &task, err);
    ag_strategy_task_deinit(&task);
    return rc;
}

static double metric(attempt *a, const char *name)
{
    ag_err err = {0};
    ag_buf text;
    const ag_value *root;
    double value = NAN;
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_OK(ag_file_read(ag_path_join(a->arena, a->output, "metrics.json"), 1 << 20, &text, &err));
    AG_EXPECT_OK(ag_json_parse(a->arena, ag_buf_str(&text), NULL, &root, &err));
    (void)ag_value_real(ag_value_get(root, name), &value);
    ag_buf_deinit(&text);
    return value;
}

AG_TEST(test_legacy_patchtsmixer__trains_a_baseline_and_takes_a_checkpoint)
{
    ag_err err = {0};
    attempt a = {.arena = ag_arena_new(0)};
    ag_answerer trained = {0}, taken = {0};
    a.data = metal_in_step_two(10, 31, a.arena);
    AG_EXPECT_OK(run(&a, recipe, "data_config.reference.training_rows=false", &err)); /* or it would be lost below */
    assert_non_null(strstr(a.remarks, "10 holes: 10 with a truth, 0 labelled by experts, 0 automatically"));
    assert_non_null(strstr(a.remarks, "0 have no exit in their step 2"));
    assert_true(metric(&a, "val_mae_exit_mm") < 3.0);
    assert_true(metric(&a, "val_mae_entry_mm") > 0.01);
    const char *model = ag_path_join(a.arena, a.output, "model");
    AG_EXPECT_OK(ag_answerer_open(a.output, NULL, NULL, &trained, &err));
    assert_string_equal(trained.name, "legacy");
    assert_int_equal(trained.silent, 0);

    /* The same checkpoint as somebody else's: without auger.json, by its directory. */
    AG_EXPECT_OK(ag_file_remove(ag_path_join(a.arena, model, AG_STRATEGY_FILE), &err));
    char *config =
        ag_arena_printf(a.arena, "strategy: legacy_patchtsmixer\ndata_config: {model: %s, local: 12}\n", model);
    AG_EXPECT_OK(run(&a, config, NULL, &err));
    assert_non_null(strstr(a.remarks, "nothing is trained"));
    assert_true(metric(&a, "val_mae_exit_mm") < 3.0);
    AG_EXPECT_OK(ag_answerer_open(a.output, NULL, NULL, &taken, &err));
    ag_legacy_settings settings = {0};
    AG_EXPECT_OK(ag_legacy_settings_load(ag_path_join(a.arena, a.output, "model"), &settings, &err));
    assert_true(fabs(settings.local - 12) < 1e-12 && settings.predrilled);

    /* The age of the tool is erased by the model's scaler, so both say the same. */
    ag_prepared_set set;
    AG_EXPECT_OK(ag_prepared_load(a.data, a.arena, &set, &err));
    for (size_t i = 0; i < 3; i++) {
        ag_hole *hole;
        ag_prediction first, second;
        AG_EXPECT_OK(ag_prepared_samples(&set, &set.holes[i], a.arena, &hole, &err));
        AG_EXPECT_OK(ag_answerer_ask(&trained, (const ag_hole *[]){hole}, 1, a.arena, NULL, &first, &err));
        AG_EXPECT_OK(ag_answerer_ask(&taken, (const ag_hole *[]){hole}, 1, a.arena, NULL, &second, &err));
        assert_int_equal(first.outcome, AG_LABEL_FOUND);
        assert_true(fabs(first.points[AG_POINT_EXIT].mm - second.points[AG_POINT_EXIT].mm) < 1e-6);
    }
    /* As a predictor, like those of every other strategy: the output directory, its model, and a bare checkpoint. */
    const char *const places[] = {a.output, ag_path_join(a.arena, a.output, "model"), model};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        ag_hole *hole;
        ag_predictor *predictor = NULL;
        ag_prediction first, second;
        AG_EXPECT_OK(ag_predictor_open(places[i], NULL, NULL, &predictor, &err));
        assert_string_equal(ag_predictor_strategy(predictor), "legacy");
        AG_EXPECT_OK(ag_prepared_samples(&set, &set.holes[0], a.arena, &hole, &err));
        AG_EXPECT_OK(ag_predictor_ask(predictor, (const ag_hole *[]){hole}, 1, a.arena, NULL, &first, &err));
        AG_EXPECT_OK(ag_answerer_ask(&taken, (const ag_hole *[]){hole}, 1, a.arena, NULL, &second, &err));
        for (int k = 0; k < AG_POINTS; k++) assert_true(fabs(first.points[k].mm - second.points[k].mm) < 1e-6);
        ag_predictor_free(predictor);
    }
    ag_answerer_close(&trained);
    ag_answerer_close(&taken);
    ag_arena_free(a.arena);
}

/* How far answers and a constant lie from the truth of holes that nobody has learned from. */
static void exit_errors(attempt *a, const char *data, double *model, double *constant)
{
    ag_err err = {0};
    ag_known_set set;
    ag_answerer who = {0};
    double sum = 0, mean = 0, away = 0;
    size_t count = 0;
    AG_EXPECT_OK(ag_known_load(data, NULL, a->arena, &set, &err));
    AG_EXPECT_OK(ag_answerer_open(a->output, NULL, NULL, &who, &err));
    for (size_t i = 0; i < set.count; i++) mean += set.holes[i].known.mm[AG_POINT_EXIT] / (double)set.count;
    for (size_t i = 0; i < set.count; i++) {
        ag_hole *hole;
        ag_prediction said;
        AG_EXPECT_OK(ag_known_samples(&set, &set.holes[i], a->arena, &hole, &err));
        AG_EXPECT_OK(ag_answerer_ask(&who, (const ag_hole *[]){hole}, 1, a->arena, NULL, &said, &err));
        away += fabs(set.holes[i].known.mm[AG_POINT_EXIT] - mean) / (double)set.count;
        if (said.outcome != AG_LABEL_FOUND) continue;
        sum += fabs(said.points[AG_POINT_EXIT].mm - set.holes[i].known.mm[AG_POINT_EXIT]);
        count++;
    }
    ag_answerer_close(&who);
    assert_true(count > set.count / 2);
    *model = sum / (double)count;
    *constant = away;
}

AG_TEST(test_legacy_patchtsmixer__learns_where_the_exit_is)
{
    ag_err err = {0};
    attempt a = {.arena = ag_arena_new(0)};
    double model, constant;
    const bool some = AG_TEST_WATCHED; /* epochs, in which nothing is learned */
    a.data = metal_in_step_two(some ? 6 : 40, 31, a.arena);
    const char *set =
        ag_arena_printf(a.arena, "training_config={epochs: %d, batch_size: 16, learning_rate: 0.005}", some ? 2 : 40);
    AG_EXPECT_OK(run(&a, recipe, set, &err));
    assert_non_null(strstr(a.remarks, some ? " windows, at most 2 epochs (" : " windows, at most 40 epochs ("));
    exit_errors(&a, metal_in_step_two(some ? 2 : 12, 32, a.arena), &model, &constant);
    if (!some && !(model < 0.4 * constant)) fail_msg("%.3f mm, a constant answer %.3f mm", model, constant);
    ag_arena_free(a.arena);
}

static void read_weights(attempt *a, ag_buf *out)
{
    ag_err err = {0};
    ag_buf_init(out, 64 << 20);
    AG_EXPECT_OK(ag_file_read(ag_path_join(a->arena, a->output, "model/model.safetensors"), 64 << 20, out, &err));
}

AG_TEST(test_legacy_patchtsmixer__stops_and_goes_on_to_the_same_bits)
{
    static const char set[] = "save_checkpoints=true";
    ag_err err = {0};
    attempt a = {.arena = ag_arena_new(0)};
    ag_buf whole, stopped;
    a.data = metal_in_step_two(AG_TEST_WATCHED ? 4 : 8, 31, a.arena);
    AG_EXPECT_OK(run(&a, recipe, set, &err));
    read_weights(&a, &whole);
    a.stop_at = 3;
    AG_EXPECT_OK(ag_cancel_new(NULL, &a.cancel, &err));
    AG_EXPECT_ERROR(run(&a, recipe, set, &err), AG_ECANCELLED, "");
    assert_false(ag_file_exists(ag_path_join(a.arena, a.output, "model/" AG_STRATEGY_FILE)));
    ag_cancel_free(a.cancel);
    a.cancel = NULL;
    a.stop_at = 0;
    a.resume = true;
    AG_EXPECT_OK(run(&a, recipe, set, &err));
    assert_null(strstr(a.remarks, "at most")); /* nobody is told anew how long all of it takes */
    read_weights(&a, &stopped);
    assert_true(whole.size == stopped.size && memcmp(whole.data, stopped.data, whole.size) == 0);
    ag_buf_deinit(&whole);
    ag_buf_deinit(&stopped);
    ag_arena_free(a.arena);
}

/* What a model was scaled with goes where it goes: taken as it is, it says the same. */
AG_TEST(test_legacy_patchtsmixer__a_checkpoint_keeps_its_scaling)
{
    ag_err err = {0};
    attempt a = {.arena = ag_arena_new(0)};
    ag_legacy_settings first = {0}, second = {0}, third = {0};
    a.data = metal_in_step_two(AG_TEST_WATCHED ? 3 : 6, 31, a.arena);
    AG_EXPECT_OK(run(&a, recipe, NULL, &err));
    const char *model = ag_path_join(a.arena, a.output, "model");
    AG_EXPECT_OK(ag_legacy_settings_load(model, &first, &err));
    assert_true(first.reference.rows > 0);
    char *config = ag_arena_printf(a.arena, "strategy: legacy_patchtsmixer\ndata_config: {model: %s}\n", model);
    AG_EXPECT_OK(run(&a, config, NULL, &err));
    AG_EXPECT_OK(ag_legacy_settings_load(ag_path_join(a.arena, a.output, "model"), &second, &err));
    assert_memory_equal(&first.reference, &second.reference, sizeof first.reference);
    AG_EXPECT_OK(run(&a, recipe, "data_config.reference.training_rows=false", &err));
    AG_EXPECT_OK(ag_legacy_settings_load(ag_path_join(a.arena, a.output, "model"), &third, &err));
    assert_int_equal(third.reference.rows, 0);
    ag_arena_free(a.arena);
}

AG_TEST(test_legacy_patchtsmixer__says_what_is_wrong)
{
    static const struct {
        const char *set, *part;
    } rows[] = {
        {"data_config.model=/nowhere/model", "data_config.model"},
        {"data_config.reference={rows: 3, mean: [1, 2]}", "needs 15 numbers as mean"},
        {"data_config.reference.file=/nowhere.csv", "data_config.reference.file"},
        {"data_config.truth=/nowhere.csv", "/nowhere.csv"},
        {"data_config.windows=41", "windows"},
        {"data_config.target_rows=0", "target_rows"},
        {"data_config.group_by=drill", "group_by"},
        {"data_config.reference.training_rows=some", "training_rows"},
        {"training_config.cross_validation.n_folds=4", "cross_validation"},
        {"model_config.context_length=256", "context_length"},
        {"model_config.num_input_channels=15", "num_input_channels"},
        {"model_config.loss=nll", "likelihood model (loss nll)"},
    };
    ag_err err = {0};
    attempt a = {.arena = ag_arena_new(0)};
    a.data = metal_in_step_two(2, 31, a.arena);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int rc = run(&a, recipe, rows[i].set, &err);
        if (rc >= 0 || !strstr(err.text, rows[i].part)) fail_msg("%s: %d %s", rows[i].set, rc, err.text);
    }
    ag_arena_free(a.arena);
}

/* Every call is too much for a test that trains each time: they lie closer at the beginning, where files are read. */
AG_TEST(test_legacy_patchtsmixer__failing_calls_are_told_and_leave_no_half_model)
{
    if (!ag_fault_available()) return;
    attempt a = {.arena = ag_arena_new(0)};
    a.data = metal_in_step_two(3, 31, a.arena);
    size_t failed = 0;
    for (uint64_t n = 1;; n += 1 + n / 3) {
        ag_err err = {0};
        ag_arena *arena = ag_arena_new(0);
        attempt one = {.arena = arena, .data = a.data};
        const char *sets = "training_config={epochs: 1, validation_split: 0}";
        ag_test_dir(); /* made before anything fails */
        ag_fault_arm(n, AG_FAULT_ALLOC | AG_FAULT_FILE);
        int rc = run(&one, recipe, sets, &err);
        bool fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        if (fired && rc < 0 && !*err.text) fail_msg("call %llu failed without a text", (unsigned long long)n);
        if (rc < 0 && one.output) {
            char path[800];
            ag_answerer who;
            ag_format(path, sizeof path, "%s/model/" AG_STRATEGY_FILE, one.output);
            if (ag_file_exists(path)) { /* it is written last: what failed comes behind the model */
                ag_err none = {0};
                AG_EXPECT_OK(ag_answerer_open(one.output, NULL, NULL, &who, &none));
                ag_answerer_close(&who);
            }
        }
        if (!fired) AG_EXPECT_OK(rc);
        failed += rc < 0;
        ag_arena_free(arena);
        if (!fired) break;
    }
    assert_true(failed > 10);
    ag_arena_free(a.arena);
}

AG_TEST(test_legacy_patchtsmixer__needs_an_exit_in_step_two)
{
    ag_err err = {0};
    attempt a = {.arena = ag_arena_new(0)};
    ag_sim_totals totals;
    const ag_sim_regime *regime = ag_sim_regime_find("ti-stroke"); /* one step, which is another one */
    ag_sim_options options = {.seed = 31, .regimes = &regime, .regime_count = 1};
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_sim_batch(&options, dir, 2, 0, 1, NULL, NULL, &totals, &err));
    a.data = prepared(dir, a.arena);
    AG_EXPECT_ERROR(run(&a, recipe, NULL, &err), AG_EINVAL, "there is no hole to learn from");
    assert_non_null(strstr(err.hint, "data_config.truth"));
    ag_arena_free(a.arena);
}
