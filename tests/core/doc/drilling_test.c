// SPDX-License-Identifier: Apache-2.0
/* drilling_test.c: the drilling configuration as users write it: described, read, overridden, written back, and broken
 * in twenty ways, each with the whole message that the user sees. */
#include <math.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/doc/describe.h"
#include "core/doc/yaml.h"
#include "frame/test.h"

typedef struct model_config {
    int architecture;
    int64_t input_channels, sequence_length, patch_length, num_classes;
} model_config;

typedef struct cross_validation {
    bool enabled;
    int64_t n_folds;
    int strategy;
} cross_validation;

typedef struct early_stopping {
    int64_t patience;
    const char *metric;
} early_stopping;

typedef struct training_config {
    cross_validation cross_validation;
    int64_t batch_size;
    double learning_rate, min_learning_rate;
    int64_t epochs;
    early_stopping *early_stopping;
    ag_list track_metrics;
} training_config;

typedef struct augmentation {
    double noise_injection, time_warping;
} augmentation;

typedef struct preprocessing {
    bool normalize_position, combine_torque_signals, sequence_windowing;
    augmentation augmentation;
} preprocessing;

typedef struct data_config {
    preprocessing preprocessing;
} data_config;

typedef struct configuration {
    const char *strategy;
    model_config model;
    training_config training;
    data_config data;
    int64_t seed;
} configuration;

static const char *const architectures[] = {"PatchTSMixer", "Transformer", "CNNLSTM", NULL};
static const char *const fold_strategies[] = {"stratified", "grouped", "random", NULL};

static const ag_field model_fields[] = {
    {.name = "architecture",
     .type = AG_FIELD_CHOICE,
     .offset = offsetof(model_config, architecture),
     .choices = architectures,
     .doc = "The network."},
    {.name = "input_channels",
     .type = AG_FIELD_INT,
     .offset = offsetof(model_config, input_channels),
     .fallback = "17",
     .min = 1,
     .max = 256,
     .doc = "Channels of a window."},
    {.name = "sequence_length",
     .type = AG_FIELD_INT,
     .offset = offsetof(model_config, sequence_length),
     .fallback = "512",
     .min = 16,
     .max = 65536,
     .doc = "Samples of a window."},
    {.name = "patch_length",
     .type = AG_FIELD_INT,
     .offset = offsetof(model_config, patch_length),
     .fallback = "16",
     .min = 1,
     .max = 1024,
     .doc = "Samples of a patch."},
    {.name = "num_classes",
     .type = AG_FIELD_INT,
     .offset = offsetof(model_config, num_classes),
     .fallback = "3",
     .min = 1,
     .max = 100,
     .doc = "Points that are looked for."},
};

static int check_model(const void *into, ag_err *err)
{
    const model_config *model = into;
    if (model->sequence_length % model->patch_length == 0) return AG_OK;
    (void)ag_fail(err, AG_EINVAL, "sequence_length %lld is not a multiple of patch_length %lld",
                  (long long)model->sequence_length, (long long)model->patch_length);
    return ag_err_hint(err, "use %lld",
                       (long long)(model->sequence_length / model->patch_length * model->patch_length));
}

static const ag_description model_description = {.name = "model_config",
                                                 .doc = "The network.",
                                                 .size = sizeof(model_config),
                                                 .fields = model_fields,
                                                 .count = 5,
                                                 .check = check_model};

static const ag_field fold_fields[] = {
    {.name = "enabled",
     .type = AG_FIELD_BOOL,
     .offset = offsetof(cross_validation, enabled),
     .fallback = "true",
     .doc = "Train one model per fold."},
    {.name = "n_folds",
     .type = AG_FIELD_INT,
     .offset = offsetof(cross_validation, n_folds),
     .fallback = "24",
     .min = 2,
     .max = 100,
     .doc = "Parts of the data."},
    {.name = "strategy",
     .type = AG_FIELD_CHOICE,
     .offset = offsetof(cross_validation, strategy),
     .choices = fold_strategies,
     .doc = "How holes are shared out."},
};
static const ag_description fold_description = {.name = "cross_validation",
                                                .doc = "The folds.",
                                                .size = sizeof(cross_validation),
                                                .fields = fold_fields,
                                                .count = 3};

static const ag_field stop_fields[] = {
    {.name = "patience",
     .type = AG_FIELD_INT,
     .offset = offsetof(early_stopping, patience),
     .required = true,
     .min = 1,
     .max = 10000,
     .doc = "Epochs without progress."},
    {.name = "metric",
     .type = AG_FIELD_TEXT,
     .offset = offsetof(early_stopping, metric),
     .fallback = "val_loss",
     .doc = "What must progress."},
};
static const ag_description stop_description = {.name = "early_stopping",
                                                .doc = "When to stop.",
                                                .size = sizeof(early_stopping),
                                                .fields = stop_fields,
                                                .count = 2};

#define TRAINING(member) .offset = offsetof(training_config, member)
static const ag_field training_fields[] = {
    {.name = "cross_validation",
     .type = AG_FIELD_STRUCT,
     .inner = &fold_description,
     TRAINING(cross_validation),
     .doc = "The folds."},
    {.name = "batch_size",
     .type = AG_FIELD_INT,
     TRAINING(batch_size),
     .fallback = "32",
     .min = 1,
     .max = 65536,
     .doc = "Windows per step."},
    {.name = "learning_rate",
     .type = AG_FIELD_REAL,
     TRAINING(learning_rate),
     .fallback = "0.001",
     .min = 1e-9,
     .max = 10,
     .alias = "lr",
     .doc = "The step."},
    {.name = "min_learning_rate",
     .type = AG_FIELD_REAL,
     TRAINING(min_learning_rate),
     .fallback = "0",
     .min = 0,
     .max = 10,
     .doc = "The last step."},
    {.name = "epochs",
     .type = AG_FIELD_INT,
     TRAINING(epochs),
     .fallback = "100",
     .min = 1,
     .max = 1e6,
     .doc = "Passes over the data."},
    {.name = "early_stopping",
     .type = AG_FIELD_OPTIONAL,
     .inner = &stop_description,
     TRAINING(early_stopping),
     .doc = "When to stop."},
    {.name = "track_metrics",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_TEXT,
     TRAINING(track_metrics),
     .fallback = "[loss, val_loss]",
     .min = 0,
     .max = 8,
     .doc = "What is recorded."},
};
static int check_training(const void *into, ag_err *err)
{
    const training_config *training = into;
    if (training->min_learning_rate <= training->learning_rate) return AG_OK;
    return ag_fail(err, AG_EINVAL, "min_learning_rate must not be above learning_rate");
}
static const ag_description training_description = {.name = "training_config",
                                                    .doc = "The training.",
                                                    .size = sizeof(training_config),
                                                    .fields = training_fields,
                                                    .count = 7,
                                                    .check = check_training};

static const ag_field augmentation_fields[] = {
    {.name = "noise_injection",
     .type = AG_FIELD_REAL,
     .offset = offsetof(augmentation, noise_injection),
     .min = 0,
     .max = 1,
     .doc = "Noise, in standard deviations."},
    {.name = "time_warping",
     .type = AG_FIELD_REAL,
     .offset = offsetof(augmentation, time_warping),
     .min = 0,
     .max = 1,
     .doc = "Stretching, as a share."},
};
static const ag_description augmentation_description = {.name = "augmentation",
                                                        .doc = "Variations.",
                                                        .size = sizeof(augmentation),
                                                        .fields = augmentation_fields,
                                                        .count = 2};

static const ag_field preprocessing_fields[] = {
    {.name = "normalize_position",
     .type = AG_FIELD_BOOL,
     .offset = offsetof(preprocessing, normalize_position),
     .fallback = "true",
     .doc = "Start at 0."},
    {.name = "combine_torque_signals",
     .type = AG_FIELD_BOOL,
     .offset = offsetof(preprocessing, combine_torque_signals),
     .fallback = "true",
     .doc = "One torque."},
    {.name = "sequence_windowing",
     .type = AG_FIELD_BOOL,
     .offset = offsetof(preprocessing, sequence_windowing),
     .fallback = "true",
     .doc = "Cut windows."},
    {.name = "augmentation",
     .type = AG_FIELD_STRUCT,
     .inner = &augmentation_description,
     .offset = offsetof(preprocessing, augmentation),
     .doc = "Variations."},
};
static const ag_description preprocessing_description = {.name = "preprocessing",
                                                         .doc = "Before training.",
                                                         .size = sizeof(preprocessing),
                                                         .fields = preprocessing_fields,
                                                         .count = 4};

static const ag_field data_fields[] = {
    {.name = "preprocessing",
     .type = AG_FIELD_STRUCT,
     .inner = &preprocessing_description,
     .offset = offsetof(data_config, preprocessing),
     .doc = "Before training."},
};
static const ag_description data_description = {
    .name = "data_config", .doc = "The data.", .size = sizeof(data_config), .fields = data_fields, .count = 1};

static const ag_field fields[] = {
    {.name = "strategy",
     .type = AG_FIELD_TEXT,
     .offset = offsetof(configuration, strategy),
     .required = true,
     .doc = "How the model is trained."},
    {.name = "model_config",
     .type = AG_FIELD_STRUCT,
     .inner = &model_description,
     .offset = offsetof(configuration, model),
     .doc = "The network."},
    {.name = "training_config",
     .type = AG_FIELD_STRUCT,
     .inner = &training_description,
     .offset = offsetof(configuration, training),
     .doc = "The training."},
    {.name = "data_config",
     .type = AG_FIELD_STRUCT,
     .inner = &data_description,
     .offset = offsetof(configuration, data),
     .doc = "The data."},
    {.name = "seed",
     .type = AG_FIELD_INT,
     .offset = offsetof(configuration, seed),
     .min = 0,
     .max = 9e15,
     .doc = "Of every random number."},
};
static const ag_description description = {
    .name = "configuration", .doc = "A training.", .size = sizeof(configuration), .fields = fields, .count = 5};

static const char whole[] = "strategy: patchtsmixer_24cv\n"
                            "model_config: {architecture: PatchTSMixer, input_channels: 17, sequence_length: 512, "
                            "patch_length: 16, num_classes: 3}\n"
                            "training_config:\n"
                            "  cross_validation: {enabled: true, n_folds: 24, strategy: stratified}\n"
                            "  batch_size: 32\n"
                            "  learning_rate: 0.001\n"
                            "  epochs: 100\n"
                            "  early_stopping: {patience: 10, metric: val_loss}\n"
                            "data_config:\n"
                            "  preprocessing:\n"
                            "    normalize_position: true\n"
                            "    combine_torque_signals: true\n"
                            "    sequence_windowing: true\n"
                            "    augmentation: {noise_injection: 0.05, time_warping: 0.1}\n";

static int read(ag_arena *arena, ag_str yaml, const ag_value **tree, configuration *out, ag_err *err)
{
    ag_yaml_options options = {.file = "drill.yaml"};
    int rc = ag_yaml_parse(arena, yaml, &options, tree, err);
    return rc < 0 ? rc : ag_describe_read(&description, arena, *tree, "drill.yaml", out, err);
}

AG_TEST(test_drilling__the_configuration_of_the_documents_is_read)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *tree;
    configuration c;
    ag_err err = {0};
    AG_EXPECT_OK(ag_describe_verify(&description, &err));
    AG_EXPECT_OK(read(arena, ag_str_of(whole), &tree, &c, &err));
    assert_string_equal(c.strategy, "patchtsmixer_24cv");
    assert_true(c.model.architecture == 0 && c.model.input_channels == 17 && c.model.sequence_length == 512);
    assert_true(c.training.cross_validation.enabled && c.training.cross_validation.n_folds == 24);
    assert_true(c.training.batch_size == 32 && c.training.learning_rate == 0.001 && c.training.epochs == 100);
    assert_true(c.training.early_stopping && c.training.early_stopping->patience == 10);
    assert_string_equal(c.training.early_stopping->metric, "val_loss");
    assert_int_equal(c.training.track_metrics.count, 2);
    assert_true(c.data.preprocessing.augmentation.noise_injection == 0.05);
    assert_true(c.data.preprocessing.augmentation.time_warping == 0.1);
    ag_arena_free(arena);
}

AG_TEST(test_drilling__overrides_reach_every_level)
{
    static const char *const assignments[] = {
        "training_config.epochs=20",
        "training_config.lr=1e-4",
        "training_config.early_stopping=null",
        "training_config.track_metrics[2]=mae",
        "data_config.preprocessing.augmentation.time_warping=0",
        "strategy=cnn_lstm",
        "model_config.architecture=CNNLSTM",
        "seed=7",
    };
    ag_arena *arena = ag_arena_new(0);
    const ag_value *tree;
    configuration c;
    ag_err err = {0};
    AG_EXPECT_OK(read(arena, ag_str_of(whole), &tree, &c, &err));
    for (size_t i = 0; i < sizeof assignments / sizeof *assignments; i++)
        AG_EXPECT_OK(ag_describe_override(&description, arena, tree, ag_str_of(assignments[i]), &tree, &err));
    AG_EXPECT_OK(ag_describe_read(&description, arena, tree, "drill.yaml", &c, &err));
    assert_true(c.training.epochs == 20 && c.training.learning_rate == 1e-4 && !c.training.early_stopping);
    assert_int_equal(c.training.track_metrics.count, 3);
    assert_string_equal(((const char *const *)c.training.track_metrics.items)[2], "mae");
    assert_true(c.data.preprocessing.augmentation.time_warping == 0.0 && c.model.architecture == 2 && c.seed == 7);
    assert_true(c.training.batch_size == 32 && c.data.preprocessing.augmentation.noise_injection == 0.05);
    ag_arena_free(arena);
}

AG_TEST(test_drilling__an_override_that_is_wrong_names_the_nearest_key)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *tree;
    configuration c;
    ag_err err = {0};
    AG_EXPECT_OK(read(arena, ag_str_of(whole), &tree, &c, &err));
    AG_EXPECT_ERROR(ag_describe_override(&description, arena, tree, AG_STR("training_config.epoch=20"), &tree, &err),
                    AG_EINVAL, "training_config.epoch: unknown key");
    assert_string_equal(err.hint, "did you mean 'epochs'?");
    AG_EXPECT_ERROR(ag_describe_override(&description, arena, tree, AG_STR("epochs=20"), &tree, &err), AG_EINVAL,
                    "epochs: unknown key");
    assert_string_equal(err.hint, "'epochs' belongs under 'training_config'");
    ag_arena_free(arena);
}

AG_TEST(test_drilling__the_effective_configuration_is_complete_and_reads_back)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *tree, *effective, *again;
    configuration c;
    ag_err err = {0};
    ag_buf json_text, yaml_text;
    ag_buf_init(&json_text, 1 << 16);
    ag_buf_init(&yaml_text, 1 << 16);
    AG_EXPECT_OK(read(arena, AG_STR("strategy: neural_ode\n"), &tree, &c, &err));
    ag_json json = ag_json_writer(&json_text, 0, AG_JSON_REFUSE_NONFINITE);
    assert_int_equal(ag_describe_write(&description, &c, &json), AG_OK);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&json_text), NULL, &effective, &err));
    assert_int_equal(ag_value_at(effective, "training_config.cross_validation.n_folds")->integer, 24);
    assert_int_equal(ag_value_at(effective, "training_config.early_stopping")->kind, AG_NULL);
    AG_EXPECT_OK(ag_yaml_write(effective, &yaml_text, &err));
    AG_EXPECT_OK(read(arena, ag_buf_str(&yaml_text), &again, &c, &err));
    assert_true(ag_value_equal(effective, again));
    ag_buf_deinit(&json_text);
    ag_buf_deinit(&yaml_text);
    ag_arena_free(arena);
}

/* `from` in the configuration becomes `to`; the whole message must be `want`. */
typedef struct breakage {
    const char *from, *to, *want;
} breakage;

static void expect_message(const breakage *b)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *tree;
    configuration c;
    ag_err err = {0};
    char message[1100];
    ag_buf text;
    const char *at = strstr(whole, b->from);
    assert_non_null(at);
    ag_buf_init(&text, 10000);
    ag_buf_add(&text, whole, (size_t)(at - whole));
    ag_buf_add_text(&text, b->to);
    ag_buf_add_text(&text, at + strlen(b->from));
    int rc = read(arena, ag_buf_str(&text), &tree, &c, &err);
    (void)ag_err_format(&err, message, sizeof message);
    if (rc >= 0 || strcmp(message, b->want) != 0)
        fail_msg("%s -> %s\n gave %s\n not  %s", b->from, b->to, message, b->want);
    ag_buf_deinit(&text);
    ag_arena_free(arena);
}

AG_TEST(test_drilling__broken_in_twenty_ways_it_gives_twenty_good_messages)
{
    static const breakage ways[] = {
        {"epochs: 100", "epoch: 100", "drill.yaml:7:3: training_config.epoch: unknown key (did you mean 'epochs'?)"},
        {"strategy: patch", "strategie: patch", "drill.yaml:1:1: strategie: unknown key (did you mean 'strategy'?)"},
        {"strategy: patchtsmixer_24cv\n", "",
         "drill.yaml:1:1: the key 'strategy' is missing (strategy: How the model is trained.)"},
        {"data_config:\n", "batch_size: 8\ndata_config:\n",
         "drill.yaml:9:1: batch_size: unknown key ('batch_size' belongs under 'training_config')"},
        {"batch_size: 32", "batch_size: many",
         "drill.yaml:5:15: training_config.batch_size: expected an integer (1 to 65536), found the string 'many'"},
        {"batch_size: 32", "batch_size: '32'",
         "drill.yaml:5:15: training_config.batch_size: expected an integer (1 to 65536), found the string '32' (write "
         "it without quotes)"},
        {"batch_size: 32", "batch_size: 0", "drill.yaml:5:15: training_config.batch_size: must be 1 to 65536, found 0"},
        {"batch_size: 32", "batch_size: 32.5",
         "drill.yaml:5:15: training_config.batch_size: expected an integer (1 to 65536), found the number 32.5"},
        {"0.001", "0,001",
         "drill.yaml:6:18: training_config.learning_rate: expected a number (1e-09 to 10), found the string '0,001' "
         "(write it as 0.001)"},
        {"0.001", ".nan", "drill.yaml:6:18: training_config.learning_rate: must be a number, found NaN"},
        {"0.001", "0.001\n  lr: 0.1",
         "drill.yaml:7:7: training_config: 'learning_rate' and 'lr' mean the same: write one of them"},
        {"0.001", "0.001\n  min_learning_rate: 0.1",
         "drill.yaml:4:3: training_config: min_learning_rate must not be above learning_rate"},
        {"enabled: true", "enabled: yes",
         "drill.yaml:4:31: training_config.cross_validation.enabled: expected true or false, found the string 'yes' "
         "(write true; yes, no, on and off are plain words in YAML 1.2)"},
        {"strategy: stratified", "strategy: stratifed",
         "drill.yaml:4:60: training_config.cross_validation.strategy: 'stratifed' is not one of: stratified, grouped, "
         "random (did you mean 'stratified'?)"},
        {"{patience: 10, metric: val_loss}", "{metric: val_loss}",
         "drill.yaml:8:19: training_config.early_stopping: the key 'patience' is missing (patience: Epochs without "
         "progress.)"},
        {"{patience: 10, metric: val_loss}", "true",
         "drill.yaml:8:19: training_config.early_stopping: expected a mapping of keys, found a boolean (known keys: "
         "patience, metric)"},
        {"patch_length: 16", "patch_length: 15",
         "drill.yaml:2:15: model_config: sequence_length 512 is not a multiple of patch_length 15 (use 510)"},
        {"architecture: PatchTSMixer", "architecture: patchTSmixer",
         "drill.yaml:2:30: model_config.architecture: 'patchTSmixer' is not one of: PatchTSMixer, Transformer, CNNLSTM "
         "(did you mean 'PatchTSMixer'?)"},
        {"noise_injection: 0.05", "noise_injection: 5",
         "drill.yaml:14:37: data_config.preprocessing.augmentation.noise_injection: must be 0 to 1, found 5"},
        {"  epochs: 100", "  epochs: 100\n  track_metrics: loss",
         "drill.yaml:8:18: training_config.track_metrics: expected a list, found a string (a list of one is written "
         "[x])"},
        {"  epochs: 100", "  batch_size: 64",
         "drill.yaml:7:3: the key 'batch_size' stands twice in one mapping (first in line 5)"},
        {"  epochs: 100", "\tepochs: 100",
         "drill.yaml:7:1: found a tab character that violates indentation while scanning a plain scalar (indent with "
         "spaces, not with tabs)"},
        {"  epochs: 100", "   epochs: 100", "drill.yaml:7:10: mapping values are not allowed in this context"},
        {"time_warping: 0.1}", "time_warping: 0.1",
         "drill.yaml:15:1: did not find expected ',' or '}' while parsing a flow mapping"},
        {"epochs: 100", "<<: {epochs: 100}",
         "drill.yaml:7:3: merge keys ('<<') are not part of YAML 1.2 (write the keys out, or alias the whole mapping)"},
    };
    assert_true(sizeof ways / sizeof *ways >= 20);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) expect_message(&ways[i]);
}

AG_TEST(test_drilling__no_cut_of_the_file_crashes)
{
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        ag_arena *arena = ag_arena_new(0);
        const ag_value *tree;
        configuration c;
        ag_err err = {0};
        int rc = read(arena, (ag_str){whole, size}, &tree, &c, &err);
        assert_true(rc == AG_OK || (err.text[0] && err.code == (ag_code)rc));
        ag_arena_free(arena);
    }
}
