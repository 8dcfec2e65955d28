// SPDX-License-Identifier: Apache-2.0
#include "learn/settings.h"

#include <string.h>

#include "core/doc/yaml.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "frame/test.h"
#include "learn/drilling/data.h"
#include "learn/nn/models/nlinear.h"
#include "learn/nn/models/patchtsmixer.h"
#include "learn/strategies/forecast.h"

static ag_arena *arena;

static const char *file_of(const char *text)
{
    ag_err err = {0};
    static char path[600];
    ag_format(path, sizeof path, "%s/config.yaml", ag_test_dir());
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
    return path;
}

static int read_with(const char *text, const char *set, ag_settings *out, ag_err *err)
{
    ag_str sets[] = {ag_str_of(set)};
    if (!arena) arena = ag_arena_new(0);
    return ag_settings_read(arena, text ? file_of(text) : NULL, sets, set ? 1 : 0, out, err);
}

static int read(const char *text, ag_settings *out, ag_err *err)
{
    return read_with(text, NULL, out, err);
}

static void end(void)
{
    ag_arena_free(arena);
    arena = NULL;
}

AG_TEST(test_settings__tables_are_sound_and_name_what_there_is)
{
    ag_err err = {0};
    size_t count;
    ag_settings settings;
    AG_EXPECT_OK(ag_describe_verify(&ag_settings_description, &err));
    AG_EXPECT_OK(ag_describe_verify(&ag_forecast_data_description, &err));
    const ag_optimizer *const *optimizers = ag_optimizer_all(&count);
    for (size_t i = 0; i < count; i++) {
        char set[64];
        ag_format(set, sizeof set, "optimizer=%s", optimizers[i]->name);
        AG_EXPECT_OK(read_with(NULL, set, &settings, &err));
        assert_string_equal(settings.optimizer.name, optimizers[i]->name);
        assert_true(settings.optimizer.beta1 == optimizers[i]->beta1);
        assert_true(settings.optimizer.weight_decay == optimizers[i]->weight_decay);
    }
    const ag_schedule *const *schedules = ag_schedule_all(&count);
    for (size_t i = 0; i < count; i++) {
        char set[64];
        ag_format(set, sizeof set, "scheduler.name=%s", schedules[i]->name);
        AG_EXPECT_OK(read_with(NULL, set, &settings, &err));
    }
    end();
}

AG_TEST(test_settings__defaults_and_options)
{
    ag_err err = {0};
    ag_settings settings;
    ag_train_options options;
    AG_EXPECT_OK(read(NULL, &settings, &err));
    assert_string_equal(settings.strategy, "patchtsmixer_24cv");
    AG_EXPECT_OK(ag_settings_options(&settings, 1000, arena, &options, &err));
    assert_true(options.epochs == 100 && options.batch_size == 32 && options.early.patience == 10);
    assert_true(options.restore_best && !options.keep_order && options.plateau.factor == 0.0);
    assert_string_equal(options.optim.optimizer->name, "adamw");
    AG_EXPECT_OK(read("scheduler: {name: plateau, factor: 0.1, warmup_ratio: 0.1}\n"
                      "training_config: {epochs: 10, batch_size: 10, accumulate: 2, clip_norm: 3}\n"
                      "freeze: ['*patcher*']\n"
                      "optimizer: {name: sgd, momentum: 0.5, groups: [{pattern: '*bias', rate_factor: 2}]}\n",
                      &settings, &err));
    AG_EXPECT_OK(ag_settings_options(&settings, 1001, arena, &options, &err));
    assert_true(options.plateau.factor == 0.1 && options.warmup == 51 && options.optim.clip_norm == 3.0);
    assert_true(options.optim.momentum == 0.5 && options.groups_count == 1 && options.groups[0].rate_factor == 2.0);
    assert_string_equal(options.freeze[0], "*patcher*");
    assert_null(options.freeze[1]);
    end();
}

AG_TEST(test_settings__two_spellings_are_understood)
{
    ag_err err = {0};
    ag_settings settings;
    AG_EXPECT_OK(
        read("training_config:\n  optimizer: lion\n  scheduler: cosine\n  seed: 5\n  epochs: 3\n", &settings, &err));
    assert_true(settings.seed == 5 && settings.training.epochs == 3);
    assert_string_equal(settings.optimizer.name, "lion");
    assert_string_equal(settings.scheduler.name, "cosine");
    AG_EXPECT_OK(read_with("optimizer: lion\n", "training_config.optimizer=sgd", &settings, &err));
    assert_string_equal(settings.optimizer.name, "sgd");
    AG_EXPECT_OK(read_with("optimizer: lion\n", "optimizer.beta1=0.5", &settings, &err));
    assert_true(settings.optimizer.beta1 == 0.5);
    AG_EXPECT_ERROR(read("seed: 1\ntraining_config:\n  seed: 2\n", &settings, &err), AG_EINVAL,
                    "'seed' stands at the top");
    assert_int_equal(err.line, 3);
    end();
}

AG_TEST(test_settings__true_and_false_stand_for_sections)
{
    ag_err err = {0};
    ag_settings s;
    AG_EXPECT_OK(read("pretrain: true\nscheduler: false\nregister: false\ntraining_config:\n"
                      "  early_stopping: false\n  cross_validation: false\n",
                      &s, &err));
    assert_true(s.pretrain.enabled && s.pretrain.epochs == 20 && s.pretrain.method == AG_PRETRAIN_BOTH);
    assert_true(s.training.early_stopping.patience == 0 && s.training.early_stopping.restore_best);
    assert_true(!s.training.folds.enabled && s.training.folds.count == 24);
    assert_string_equal(s.scheduler.name, "constant");
    assert_null(s.registration.name);
    AG_EXPECT_OK(read("pretrain: false\ntraining_config: {early_stopping: true, cross_validation: true}\n", &s, &err));
    assert_true(!s.pretrain.enabled && s.training.early_stopping.patience == 10 && s.training.folds.enabled);
    AG_EXPECT_OK(read_with("pretrain: true\n", "pretrain.epochs=3", &s, &err));
    assert_true(s.pretrain.enabled && s.pretrain.epochs == 3);
    AG_EXPECT_OK(read_with("pretrain: {epochs: 3}\n", "pretrain=true", &s, &err));
    assert_true(s.pretrain.enabled && s.pretrain.epochs == 20);
    AG_EXPECT_OK(read_with("scheduler: cosine\n", "scheduler=false", &s, &err));
    assert_string_equal(s.scheduler.name, "constant");
    AG_EXPECT_OK(read_with("scheduler: false\n", "scheduler=cosine", &s, &err));
    assert_string_equal(s.scheduler.name, "cosine");
    AG_EXPECT_ERROR(read("seed: 1\npretrain: yes\n", &s, &err), AG_EINVAL, "expected a mapping");
    assert_int_equal(err.line, 2);
    assert_non_null(strstr(err.hint, "or true or false"));
    AG_EXPECT_ERROR(read("register: true\n", &s, &err), AG_EINVAL, "expected a mapping");
    AG_EXPECT_ERROR(read("optimizer: false\n", &s, &err), AG_EINVAL, "expected a mapping");
    end();
}

AG_TEST(test_settings__augmentation_goes_with_one_word)
{
    ag_err err = {0};
    ag_settings s;
    ag_drilling_data data;
    AG_EXPECT_OK(read("data_config: {preprocessing: {augmentation: false}, simulated: false}\n", &s, &err));
    AG_EXPECT_OK(ag_settings_data(&s, &ag_drilling_data_description, arena, &data, &err));
    static const ag_drilling_augmentation none = {0};
    assert_memory_equal(&data.preprocessing.augmentation, &none, sizeof none);
    AG_EXPECT_OK(read("data_config: {preprocessing: {augmentation: true}}\n", &s, &err));
    AG_EXPECT_OK(ag_settings_data(&s, &ag_drilling_data_description, arena, &data, &err));
    assert_true(data.preprocessing.augmentation.gain == 0.1 && data.simulated.holes == 0);
    AG_EXPECT_OK(read("data_config: {simulated: true}\n", &s, &err));
    AG_EXPECT_ERROR(ag_settings_data(&s, &ag_drilling_data_description, arena, &data, &err), AG_EINVAL, "simulated");
    assert_non_null(strstr(err.hint, "or false"));
    end();
}

AG_TEST(test_settings__a_file_that_says_nothing_is_known)
{
    ag_err err = {0};
    ag_settings s;
    static const char *const nothing[] = {"", "\n", "# a remark\n", "---\n", "{}\n", "null\n"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        AG_EXPECT_OK(read_with(nothing[i], "seed=5", &s, &err));
        assert_true(s.empty && s.seed == 5 && !s.strategy_named);
    }
    AG_EXPECT_OK(read("seed: 1\n", &s, &err));
    assert_false(s.empty);
    AG_EXPECT_OK(read_with(NULL, "strategy=cnn_lstm", &s, &err));
    assert_true(!s.empty && s.strategy_named);
    end();
}

typedef struct refusal {
    const char *text;
    int line;
    const char *part; /* of text or hint */
} refusal;

static void expect_refused(const refusal *r, int rc, const ag_err *err)
{
    char whole[1200];
    (void)ag_err_format(err, whole, sizeof whole);
    if (rc >= 0 || !strstr(whole, r->part) || (int)err->line != r->line)
        fail_msg("%s\n-> %d, line %u: %s", r->text, rc, err->line, whole);
}

AG_TEST(test_settings__refuses_with_place_and_the_nearest_key)
{
    static const refusal refusals[] = {
        {"seed: 1\nstrateggy: forecast\n", 2, "strategy"},
        {"training_config:\n  epoch: 5\n", 2, "epochs"},
        {"training_config:\n  learning_rate: fast\n", 2, "learning_rate"},
        {"training_config:\n  learning_rate: -1\n", 2, "learning_rate"},
        {"training_config:\n  batch_size: 0\n", 2, "batch_size"},
        {"training_config: 5\n", 1, "training_config"},
        {"seed: 1\ntraining_config: [1\n", 3, "did not find expected"}, /* malformed is as wrong as a wrong value */
        {"optimizer: adamm\n", 1, "adam"},
        {"scheduler: {name: cosinus}\n", 1, "cosine"},
        {"training_config:\n  early_stopping:\n    patients: 3\n", 3, "patience"},
        {"seed: 1.5\n", 1, "seed"},
        {"freeze: 5\n", 1, "freeze"},
        {"save_checkpoints: yes\n", 1, "save_checkpoints"},
        {"seed: 1\nseed: 2\n", 2, "seed"},
        {"a: [1\n", 2, ""},
        {"seed: 1\nexperiment_name: \"a\\tb\"\n", 2, "experiment_name holds a control character"},
        {"experiment_name: '  '\n", 1, "experiment_name is empty"},
        {"run_name: \"a\\nb\"\n", 1, "run_name holds a control character"},
        {"[]\n", 1, ""},
    };
    ag_settings settings;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        ag_err err = {0};
        expect_refused(&refusals[i], read(refusals[i].text, &settings, &err), &err);
        assert_non_null(strstr(err.file, "config.yaml"));
    }
    ag_err err = {0};
    AG_EXPECT_ERROR(read_with(NULL, "training_config.epoch=5", &settings, &err), AG_EINVAL, "--set");
    AG_EXPECT_ERROR(read_with(NULL, "training_config.epochs=many", &settings, &err), AG_EINVAL, "epochs");
    AG_EXPECT_ERROR(read_with(NULL, "training_config.epochs=[1", &settings, &err), AG_EINVAL, "did not find expected");
    char long_name[600] = "experiment_name=";
    memset(long_name + strlen(long_name), 'x', 501);
    AG_EXPECT_ERROR(read_with(NULL, long_name, &settings, &err), AG_EINVAL, "501 characters, and at most 500 can be");
    AG_EXPECT_ERROR(ag_settings_read(arena, "/nowhere/at/all.yaml", NULL, 0, &settings, &err), AG_ENOTFOUND,
                    "all.yaml");
    end();
}

static const ag_model_fact facts[] = {{"context_length", 64, "the data say so"},
                                      {"num_input_channels", 3, "the series has 3 columns"},
                                      {"no_such_key", 3, ""}};

AG_TEST(test_settings__model_follows_from_facts)
{
    ag_err err = {0};
    ag_settings settings;
    ag_model_config model;
    AG_EXPECT_OK(read("model_config:\n  architecture: NLinear\n  individual: true\n", &settings, &err));
    AG_EXPECT_OK(ag_settings_model(&settings, facts, 3, arena, &model, &err));
    const ag_nlinear *values = model.values;
    assert_true(values->context_length == 64 && values->num_input_channels == 3 && values->individual);
    AG_EXPECT_OK(read("model_config: {architecture: nlinear, num_input_channels: 3}\n", &settings, &err));
    AG_EXPECT_OK(ag_settings_model(&settings, facts, 3, arena, &model, &err));
    static const refusal refusals[] = {
        {"model_config: {architecture: nlinear, num_input_channels: 4}\n", 1, "the series has 3 columns"},
        {"model_config:\n  architecture: nlinaer\n", 2, "nlinear"},
        {"model_config:\n  architecture: nlinear\n  individuell: true\n", 3, "individual"},
        {"model_config:\n  individual: true\n", 2, "architecture"},
        {"model_config:\n  architecture: [1]\n", 2, "must be a name"},
        {"model_config: 7\n", 1, "must be a mapping"},
        {"seed: 1\n", 0, "does not say its architecture"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        AG_EXPECT_OK(read(refusals[i].text, &settings, &err));
        expect_refused(&refusals[i], ag_settings_model(&settings, facts, 3, arena, &model, &err), &err);
    }
    end();
}

/* Keys of a model are those of config.json, and so are the ways to write a value; but a word that nobody knows is a
 * slip here, whatever transformers makes of it. */
AG_TEST(test_settings__a_model_may_be_written_as_in_its_file)
{
    static const struct {
        const char *scaling;
        int means;
    } rows[] = {
        {"true", AG_MIXER_STD}, {"false", AG_MIXER_UNSCALED}, {"null", AG_MIXER_UNSCALED}, {"mean", AG_MIXER_MEAN}};
    ag_err err = {0};
    ag_settings settings;
    ag_model_config model;
    char text[300];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ag_format(text, sizeof text,
                  "model_config: {architecture: patchtsmixer, scaling: %s, head_aggregation: null, "
                  "num_forecast_mask_patches: 3}\n",
                  rows[i].scaling);
        AG_EXPECT_OK(read(text, &settings, &err));
        AG_EXPECT_OK(ag_settings_model(&settings, NULL, 0, arena, &model, &err));
        const ag_patchtsmixer *c = model.values;
        assert_true(c->scaling == rows[i].means && c->head_aggregation == 0 && c->num_forecast_mask_patches.count == 1);
    }
    static const refusal slips[] = {
        {"model_config: {architecture: patchtsmixer, scaling: stdd}\n", 1, "'stdd' is not one of"},
        {"model_config: {architecture: patchtsmixer, mode: mixed}\n", 1, "'mixed' is not one of"},
    };
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        AG_EXPECT_OK(read(slips[i].text, &settings, &err));
        expect_refused(&slips[i], ag_settings_model(&settings, NULL, 0, arena, &model, &err), &err);
    }
    end();
}

AG_TEST(test_settings__the_effective_configuration_reads_back_as_itself)
{
    ag_err err = {0};
    ag_settings settings;
    ag_model_config model;
    ag_forecast_data data;
    const ag_value *first = NULL, *second = NULL;
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_OK(read("model_config: {architecture: DLinear}\ndata_config: {horizon: 12, split: {train: 0.5}}\n"
                      "optimizer: lion\n",
                      &settings, &err));
    for (int i = 0; i < 2; i++) {
        AG_EXPECT_OK(ag_settings_model(&settings, facts, 2, arena, &model, &err));
        AG_EXPECT_OK(ag_settings_data(&settings, &ag_forecast_data_description, arena, &data, &err));
        assert_true(data.horizon == 12 && data.split.train == 0.5);
        AG_EXPECT_OK(ag_settings_effective(&settings, &model, &ag_forecast_data_description, &data, arena,
                                           i ? &second : &first, &err));
        if (i) break;
        AG_EXPECT_OK(ag_yaml_write(first, &text, &err));
        AG_EXPECT_OK(read(text.data, &settings, &err));
    }
    assert_true(ag_value_equal(first, second));
    ag_buf_deinit(&text);
    end();
}

AG_TEST(test_settings__data_config_is_refused_with_its_place)
{
    ag_err err = {0};
    ag_settings settings;
    ag_forecast_data data;
    AG_EXPECT_OK(read("data_config:\n  horizont: 5\n", &settings, &err));
    AG_EXPECT_ERROR(ag_settings_data(&settings, &ag_forecast_data_description, arena, &data, &err), AG_EINVAL,
                    "data_config");
    assert_int_equal(err.line, 2);
    assert_non_null(strstr(err.hint, "horizon"));
    end();
}
