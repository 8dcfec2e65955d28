// SPDX-License-Identifier: Apache-2.0
/* strategy_swap_test.c: a file for one strategy under another: what is set aside, what is told, what stays an error. */
#include "learn/strategy_swap.h"

#include <string.h>

#include "core/doc/yaml.h"
#include "frame/test.h"
#include "learn/nn/models/cnn_lstm.h"

static ag_arena *arena;

/* As it stands in the drilling documents. */
static const char documents[] =
    "strategy: patchtsmixer_24cv\n"
    "model_config: {architecture: PatchTSMixer, input_channels: 17, sequence_length: 512, patch_length: 16, "
    "num_classes: 3}\n"
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

typedef struct swapped {
    ag_settings before;
    const ag_settings *after;
    const ag_strategy *strategy;
    const char *remark;
} swapped;

static int swap(const char *text, const char *const *sets, swapped *out, ag_err *err)
{
    ag_str assignments[8];
    size_t count = 0;
    if (!arena) arena = ag_arena_new(0);
    for (; sets && sets[count]; count++) assignments[count] = ag_str_of(sets[count]);
    *out = (swapped){0};
    int rc = ag_settings_parse(arena, ag_str_of(text), "c.yaml", assignments, count, &out->before, err);
    if (rc >= 0) rc = ag_strategy_find(&out->before, &out->strategy, err);
    return rc < 0 ? rc : ag_strategy_swap(out->strategy, &out->before, arena, &out->after, &out->remark, err);
}

static void swap_to(const char *text, const char *strategy, swapped *out)
{
    ag_err err = {0};
    char set[100];
    ag_format(set, sizeof set, "strategy=%s", strategy);
    const char *const sets[] = {set, NULL};
    AG_EXPECT_OK(swap(text, sets, out, &err));
}

static const ag_value *kept(const swapped *s, const char *path)
{
    return ag_value_at(s->after->root, path);
}

static void end(void)
{
    ag_arena_free(arena);
    arena = NULL;
}

AG_TEST(test_strategy_swap__every_built_in_strategy_takes_the_documents)
{
    static const struct {
        const char *strategy, *architecture, *remark;
    } all[] = {
        {"patchtsmixer_24cv", "patchtsmixer", NULL},
        {"patchtsmixer_single", "patchtsmixer", ": training_config.cross_validation"},
        {"legacy_patchtsmixer", "patchtsmixer", ": training_config.cross_validation, data_config.preprocessing"},
        {"transformer_attention", "patch_transformer",
         ": model_config.architecture (patchtsmixer, now patch_transformer)"},
        {"cnn_lstm", "cnn_lstm",
         "of c.yaml, strategy cnn_lstm sets aside what is another's: model_config.architecture (patchtsmixer, now "
         "cnn_lstm), model_config.patch_length"},
        {"neural_ode", "neural_ode", "(patchtsmixer, now neural_ode), model_config.patch_length"},
        {"ensemble_voting", "patchtsmixer", NULL},
        {"forecast", "patchtsmixer", ": training_config.cross_validation, data_config.preprocessing"},
    };
    size_t count;
    (void)ag_strategy_all(&count);
    assert_int_equal(count, sizeof all / sizeof *all + 1); /* and exec, which has no architecture */
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        swapped s;
        ag_err err = {0};
        ag_model_config model;
        swap_to(documents, all[i].strategy, &s);
        assert_string_equal(s.after->strategy, all[i].strategy);
        AG_EXPECT_OK(ag_settings_model(s.after, NULL, 0, arena, &model, &err));
        assert_string_equal(model.architecture->name, all[i].architecture);
        if (!all[i].remark)
            assert_null(s.remark);
        else if (!s.remark || !strstr(s.remark, all[i].remark) ||
                 strcmp(strstr(s.remark, all[i].remark), all[i].remark))
            fail_msg("%s: %s", all[i].strategy, s.remark ? s.remark : "no remark");
        bool data = s.strategy->data->fields == NULL || !strstr(all[i].remark ? all[i].remark : "", "preprocessing");
        assert_true((kept(&s, "data_config.preprocessing") != NULL) == data);
        assert_true(s.after->training.epochs == 100 && s.after->training.early_stopping.patience == 10);
        end();
    }
}

AG_TEST(test_strategy_swap__keys_that_both_know_are_kept)
{
    swapped s;
    ag_err err = {0};
    ag_model_config model;
    swap_to("model_config: {architecture: patchtsmixer, sequence_length: 64, num_layers: 5, hidden_size: 12, "
            "mode: mix_channel, loss: focal_mse, head_dropout: 0.25}\n",
            "cnn_lstm", &s);
    AG_EXPECT_OK(ag_settings_model(s.after, NULL, 0, arena, &model, &err));
    const ag_cnn_lstm *values = model.values;
    assert_true(values->series.context_length == 64 && values->recurrence.layers == 5 &&
                values->recurrence.hidden == 12);
    assert_true(values->head.dropout == 0.25);
    assert_non_null(strstr(s.remark, "model_config.mode"));
    assert_non_null(strstr(s.remark, "model_config.loss")); /* of a value that only the mixer takes */
    assert_null(strstr(s.remark, "num_layers"));
    end();
}

AG_TEST(test_strategy_swap__an_architecture_that_nobody_wrote_is_the_strategys)
{
    swapped s;
    ag_err err = {0};
    ag_model_config model;
    swap_to("model_config: {patch_length: 8, sequence_length: 64}\n", "neural_ode", &s);
    AG_EXPECT_OK(ag_settings_model(s.after, NULL, 0, arena, &model, &err));
    assert_string_equal(model.architecture->name, "neural_ode");
    assert_string_equal(strstr(s.remark, ": ") + 2, "model_config.patch_length");
    swap_to("seed: 3\n", "neural_ode", &s);
    assert_null(s.remark);
    swap_to("model_config: {architecture: cnn_lstm, kernel_size: 3}\n", "patchtsmixer_single", &s);
    assert_null(s.remark); /* it trains any */
    assert_non_null(kept(&s, "model_config.kernel_size"));
    end();
}

AG_TEST(test_strategy_swap__sections_of_several_models_go_with_them)
{
    static const char voting[] = "strategy: ensemble_voting\n"
                                 "ensemble: {voting: stacked, members: [{architecture: cnn_lstm}]}\n"
                                 "pretrain: true\n"
                                 "training_config: {validation_split: 0.3}\n";
    swapped s;
    swap_to(voting, "cnn_lstm", &s);
    assert_string_equal(strstr(s.remark, ": ") + 2, "ensemble.voting, ensemble.members, pretrain");
    assert_true(s.after->ensemble.members.count == 0 && s.after->ensemble.voting == AG_VOTE_WEIGHTED);
    assert_true(!s.after->pretrain.enabled && s.after->training.validation_split == 0.3);
    swap_to(voting, "patchtsmixer_24cv", &s);
    assert_string_equal(strstr(s.remark, ": ") + 2, "ensemble.voting, ensemble.members");
    assert_true(s.after->pretrain.enabled);
    swap_to(voting, "patchtsmixer_single", &s);
    assert_string_equal(strstr(s.remark, ": ") + 2, "ensemble, pretrain");
    swap_to("strategy: patchtsmixer_24cv\npretrain: {enabled: true, method: simulated}\n", "cnn_lstm", &s);
    assert_null(s.remark); /* simulated holes teach any */
    assert_true(s.after->pretrain.enabled);
    swap_to(voting, "exec", &s);
    assert_null(s.remark); /* its program is told everything */
    assert_true(s.after->pretrain.enabled && s.after->ensemble.members.count == 1);
    end();
}

AG_TEST(test_strategy_swap__what_a_file_says_of_itself_stays)
{
    swapped s;
    ag_err err = {0};
    AG_EXPECT_OK(
        swap("strategy: cnn_lstm\nmodel_config: {architecture: PatchTSMixer, patch_length: 8}\n", NULL, &s, &err));
    assert_true(s.after == &s.before && !s.remark);
    const char *const other[] = {"seed=3", NULL};
    AG_EXPECT_OK(swap("strategy: cnn_lstm\nmodel_config: {architecture: PatchTSMixer}\n", other, &s, &err));
    assert_true(s.after == &s.before);
    end();
}

AG_TEST(test_strategy_swap__what_the_command_line_says_too_stays)
{
    swapped s;
    ag_err err = {0};
    const char *const named[] = {"strategy=cnn_lstm", "model_config.architecture=PatchTSMixer", NULL};
    AG_EXPECT_OK(swap(documents, named, &s, &err));
    assert_null(s.remark);
    assert_non_null(kept(&s, "model_config.patch_length"));
    const char *const key[] = {"model_config.patch_length=8", "strategy=cnn_lstm", "pretrain=true",
                               "training_config.cross_validation.n_folds=5", NULL};
    AG_EXPECT_OK(swap(documents, key, &s, &err));
    assert_non_null(kept(&s, "model_config.patch_length"));
    assert_true(s.after->pretrain.enabled);
    const char *const folds[] = {"strategy=patchtsmixer_single", "training_config.cross_validation.n_folds=5", NULL};
    AG_EXPECT_OK(swap(documents, folds, &s, &err));
    assert_non_null(kept(&s, "training_config.cross_validation")); /* and is refused */
    end();
}

AG_TEST(test_strategy_swap__mistakes_are_left_to_be_refused)
{
    static const char *const texts[] = {
        "model_config: {architecture: patchtsmixer, patch_lenght: 8}\n", /* nobody's key */
        "model_config: {architecture: PatchTSMixr}\n",
        "model_config: {architecture: [1]}\n",
        "model_config: {architecture: patchtsmixer, patch_length: -8}\n", /* nobody's value */
        "model_config: 7\n",
        "model_config: [architecture, patchtsmixer]\n",
        "model_config: {architecture: patchtsmixer, sequence_length: many}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        swapped s;
        ag_err err = {0};
        ag_model_config model;
        swap_to(texts[i], "cnn_lstm", &s);
        if (ag_settings_model(s.after, NULL, 0, arena, &model, &err) >= 0) fail_msg("%s was taken", texts[i]);
        assert_string_equal(err.file, "c.yaml");
        assert_int_equal(err.line, 1);
    }
    swapped s;
    ag_err err = {0};
    const char *const sets[] = {"strategy=cnn_lstm", NULL};
    AG_EXPECT_ERROR(swap("training_config: 3\n", sets, &s, &err), AG_EINVAL, "training_config");
    AG_EXPECT_ERROR(swap("[1, 2]\n", sets, &s, &err), AG_EINVAL, "");
    swap_to("data_config: {preprocesing: {}}\n", "forecast", &s);
    assert_non_null(kept(&s, "data_config.preprocesing"));
    end();
}

typedef struct heard {
    int count;
    char last[400];
} heard;

static void on_remark(void *context, const char *text)
{
    heard *h = context;
    h->count++;
    ag_format(h->last, sizeof h->last, "%s", text);
}

static void settle(const char *text, const char *const *sets, heard *out)
{
    swapped s;
    ag_err err = {0};
    const ag_strategy_watch watch = {.context = out, .remark = on_remark};
    *out = (heard){0};
    AG_EXPECT_OK(swap(text, sets, &s, &err));
    ag_strategy_task task = {.settings = &s.before, .watch = &watch, .arena = arena};
    AG_EXPECT_OK(ag_strategy_settle(s.strategy, &task, &err));
    assert_string_equal(task.settings->strategy, s.before.strategy);
}

AG_TEST(test_strategy_swap__what_changes_nothing_or_goes_is_told_once)
{
    heard h;
    static const char *const named[] = {"strategy=cnn_lstm", NULL};
    settle(documents, NULL, &h);
    assert_int_equal(h.count, 0);
    settle(documents, named, &h);
    assert_true(h.count == 1 && strstr(h.last, "sets aside"));
    settle("# nothing\n", NULL, &h);
    assert_true(h.count == 1 && strstr(h.last, "c.yaml says nothing") && strstr(h.last, "patchtsmixer_24cv"));
    end();
}

static int swap_all(void *context, ag_err *err)
{
    swapped s;
    static const char *const sets[] = {"strategy=cnn_lstm", NULL};
    (void)context;
    arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    int rc = swap(documents, sets, &s, err);
    if (rc >= 0 && !strstr(s.remark, "model_config.patch_length")) fail_msg("%s", s.remark);
    if (rc >= 0) assert_null(kept(&s, "model_config.patch_length"));
    end();
    return rc;
}

AG_TEST(test_strategy_swap__failing_memory_is_reported)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC, swap_all, NULL, NULL);
}
