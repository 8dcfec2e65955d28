// SPDX-License-Identifier: Apache-2.0
/* Strategies of several models as a whole, from a folder of files to an ensemble that answers: the same bits whatever
 * the threads, every architecture, and what a failing call leaves. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/drilling/folder.h"
#include "learn/drilling/folding.h"

enum { HOLES = 15 };

static const char *const lines[] = {
    "model_config={sequence_length: 32, patch_length: 8, d_model: 4, num_layers: 1}",
    "training_config={epochs: 1, batch_size: 8, cross_validation: {n_folds: 3}}",
    "data_config={preprocessing: {cell_mm: 1.2, channels: [torque, thrust]}}",
};
#define ONE_FOLD "training_config.cross_validation.folds=[1]" /* where folds are not looked at */
enum { LINES = sizeof lines / sizeof *lines, MORE = 5 };

typedef struct outcome { /* of a training */
    int phases;
    char order[300], remarks[4000];
    size_t trainings;
    int64_t parameters;
} outcome;

static const char *data_dir;
static char truth_table[900]; /* what the simulator knows of them */

static void on_phase(void *context, const char *phase)
{
    outcome *o = context;
    size_t used = strlen(o->order);
    ag_format(o->order + used, sizeof o->order - used, "%s%s", o->phases++ ? " " : "", phase);
}

static void on_remark(void *context, const char *text)
{
    outcome *o = context;
    size_t used = strlen(o->remarks);
    ag_format(o->remarks + used, sizeof o->remarks - used, "%s\n", text);
}

static int train(const char *const *more, const char *output, unsigned jobs, outcome *o, ag_err *err)
{
    ag_settings settings;
    const ag_strategy *strategy;
    ag_str sets[LINES + MORE];
    size_t count = 0;
    const ag_strategy_watch watch = {.context = o, .phase = on_phase, .remark = on_remark};
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    for (; count < LINES; count++) sets[count] = ag_str_of(lines[count]);
    for (; *more; more++) sets[count++] = ag_str_of(*more);
    *o = (outcome){0};
    ag_strategy_task task = {.settings = &settings,
                             .data_dir = data_dir,
                             .output_dir = output,
                             .jobs = jobs,
                             .watch = &watch,
                             .arena = arena};
    int rc = ag_settings_read(arena, NULL, sets, count, &settings, err);
    if (rc >= 0) rc = ag_strategy_find(&settings, &strategy, err);
    if (rc >= 0) rc = ag_strategy_run(strategy, &task, err);
    o->trainings = task.trainings.count;
    o->parameters = task.parameters;
    ag_strategy_task_deinit(&task);
    ag_arena_free(arena);
    return rc;
}

static void prepare_holes(ag_arena *arena)
{
    if (data_dir) return;
    const char *files = simulated(HOLES, 12);
    ag_format(truth_table, sizeof truth_table, "%s/truth.csv", files);
    data_dir = prepared(files, arena);
}

/* The bytes of a file below a directory; the caller frees them. */
static ag_buf bytes_of(const char *directory, const char *file)
{
    ag_buf text;
    ag_err err = {0};
    char path[900];
    ag_format(path, sizeof path, "%s/%s", directory, file);
    ag_buf_init(&text, (size_t)64 << 20);
    AG_EXPECT_OK(ag_file_read(path, (size_t)64 << 20, &text, &err));
    return text;
}

static void expect_same(const char *a, const char *b, const char *file)
{
    ag_buf x = bytes_of(a, file), y = bytes_of(b, file);
    assert_true(x.size > 0 && x.size == y.size);
    assert_memory_equal(x.data, y.data, x.size);
    ag_buf_deinit(&x);
    ag_buf_deinit(&y);
}

AG_TEST(test_folding_run__any_number_of_threads_gives_the_same_bits)
{
    static const char *const files[] = {"model/members/fold-01/model.safetensors",
                                        "model/members/fold-03/model.safetensors",
                                        "pretraining/model.safetensors",
                                        "pretraining-shapes/model.safetensors",
                                        "out_of_fold.csv",
                                        "confusion.csv",
                                        "metrics.json"};
    static const char *const more[] = {"pretrain={enabled: true, epochs: 1}", NULL};
    ag_err err = {0};
    outcome o;
    const char *one = ag_test_dir(), *four = ag_test_dir();
    ag_arena *arena = ag_arena_new(0);
    prepare_holes(arena);
    AG_EXPECT_OK(train(more, one, 1, &o, &err));
    assert_string_equal(o.order, "data pretraining folds ensemble validation export");
    assert_true(o.trainings == 5 && o.parameters > 100);
    AG_EXPECT_OK(train(more, four, 4, &o, &err));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) expect_same(one, four, files[i]);
    ag_arena_free(arena);
}

/* Simulated holes change the models, but who validates and is told of is the data's own. */
AG_TEST(test_folding_run__simulated_holes_are_learned_from_and_never_scored_on)
{
    static const char *const file = "model/members/fold-02/model.safetensors";
    static const char *const more[] = {"data_config.simulated={holes: 8, own_share: 0.5}", NULL}, *const none[] = {
                                                                                                      NULL};
    ag_err err = {0};
    outcome o;
    const char *plain = ag_test_dir(), *one = ag_test_dir(), *four = ag_test_dir();
    ag_arena *arena = ag_arena_new(0);
    prepare_holes(arena);
    AG_EXPECT_OK(train(none, plain, 4, &o, &err));
    AG_EXPECT_OK(train(more, one, 1, &o, &err));
    if (ag_test_rounds(0, 1)) { /* any number of threads is the test before this one */
        AG_EXPECT_OK(train(more, four, 4, &o, &err));
        expect_same(one, four, file);
        expect_same(one, four, "out_of_fold.csv");
    }
    ag_buf a = bytes_of(plain, file), b = bytes_of(one, file);
    assert_false(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
    ag_buf_deinit(&a);
    ag_buf_deinit(&b);
    a = bytes_of(plain, "out_of_fold.csv");
    b = bytes_of(one, "out_of_fold.csv");
    size_t rows[2] = {0};
    for (size_t i = 0; i < a.size; i++) rows[0] += a.data[i] == '\n';
    for (size_t i = 0; i < b.size; i++) rows[1] += b.data[i] == '\n';
    assert_int_equal(rows[0], rows[1]);
    ag_buf_deinit(&a);
    ag_buf_deinit(&b);
    ag_arena_free(arena);
}

/* Holes that nobody learned from tell what is usual: the models stay, their intervals do not. */
AG_TEST(test_folding_run__trained_models_are_asked_about_other_simulated_holes)
{
    static char labels[1000];
    const char *const more[] = {labels, "data_config.simulated.calibrate=60", NULL}, *const none[] = {labels, NULL};
    ag_err err = {0};
    outcome o;
    const char *plain = ag_test_dir(), *one = ag_test_dir(), *four = ag_test_dir(), *few = data_dir;
    const char *files = simulated(44, 13);
    ag_arena *arena = ag_arena_new(0);
    data_dir = prepared(files, arena);
    ag_format(labels, sizeof labels, "data_config.labels=%s/truth.csv", files);
    AG_EXPECT_OK(train(none, plain, 4, &o, &err));
    assert_null(strstr(o.remarks, "simulated"));
    AG_EXPECT_OK(train(more, one, 1, &o, &err));
    assert_non_null(strstr(o.remarks, "tools, drawn to what "));
    AG_EXPECT_OK(train(more, four, 4, &o, &err));
    data_dir = few;
    expect_same(one, four, "out_of_fold.csv");
    expect_same(one, plain, "model/members/fold-02/model.safetensors");
    ag_buf a = bytes_of(plain, "model/auger.json"), b = bytes_of(one, "model/auger.json");
    assert_null(strstr((const char *)a.data, "simulated_tools"));
    assert_non_null(strstr((const char *)b.data, "simulated_tools"));
    ag_buf_deinit(&a);
    ag_buf_deinit(&b);
    ag_arena_free(arena);
}

/* The ensemble in a directory answers for a hole that it may have seen. */
static void expect_answers(const char *directory, int voices)
{
    ag_err err = {0};
    ag_predictor *predictor = NULL;
    ag_prepared_set set;
    ag_hole *hole = NULL;
    ag_prediction answer;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_predictor_open(directory, NULL, NULL, &predictor, &err));
    AG_EXPECT_OK(ag_prepared_load(data_dir, arena, &set, &err));
    size_t at = 0; /* of air no model is asked */
    while (strcmp(set.holes[at].label_outcome, "found") != 0) at++;
    AG_EXPECT_OK(ag_prepared_samples(&set, &set.holes[at], arena, &hole, &err));
    AG_EXPECT_OK(ag_predictor_ask(predictor, (const ag_hole *const[]){hole}, 1, arena, NULL, &answer, &err));
    assert_int_equal(answer.voices, voices);
    ag_predictor_free(predictor);
    ag_arena_free(arena);
}

AG_TEST(test_folding_run__every_architecture_and_vote_makes_an_ensemble_that_answers)
{
    static const struct {
        const char *more[MORE];
        int voices;
    } cases[] = {
        {{"strategy=patchtsmixer_24cv", "ensemble.voting=median"}, 3},
        {{"strategy=transformer_attention", "training_config.cross_validation.folds=[1]"}, 1},
        {{"strategy=cnn_lstm", "model_config={sequence_length: 32, hidden_size: 4, conv_channels: [4]}",
          "ensemble.voting=mean", "training_config.cross_validation.folds=[1, 2]"},
         2},
        {{"strategy=neural_ode", "model_config={sequence_length: 32}",
          "training_config.cross_validation.enabled=false"},
         1},
        {{"strategy=ensemble_voting",
          "ensemble={voting: stacked, members: [{sequence_length: 32, patch_length: 8, "
          "d_model: 4, num_layers: 1}, {architecture: cnn_lstm, sequence_length: 32, "
          "hidden_size: 4, conv_channels: [4]}]}",
          "training_config.cross_validation.folds=[1, 3]"},
         4},
    };
    ag_err err = {0};
    outcome o;
    ag_arena *arena = ag_arena_new(0);
    prepare_holes(arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *output = ag_test_dir();
        AG_EXPECT_OK(train(cases[i].more, output, 2, &o, &err));
        assert_int_equal(o.trainings, cases[i].voices);
        expect_answers(output, cases[i].voices);
    }
    ag_arena_free(arena);
}

/* data_config of labels from the simulator's table. */
static const char *by_truth(double min_confidence)
{
    static char text[1200];
    ag_format(text, sizeof text,
              "data_config={label_sources: [truth], labels: \"%s\", min_confidence: %g, preprocessing: "
              "{cell_mm: 1.2, channels: [torque, thrust]}}",
              truth_table, min_confidence);
    return text;
}

/* What is pretrained on is the labeller's word alone: other labels leave the same bits, and every way its own files. */
AG_TEST(test_folding_run__labels_play_no_part_in_pretraining)
{
    static const char *const automatic[] = {"pretrain={enabled: true, epochs: 1}", ONE_FOLD, NULL};
    static const char *const masked[] = {"pretrain={enabled: true, epochs: 1, method: masked}", ONE_FOLD, NULL};
    static const char *const shapes[] = {"pretrain={enabled: true, epochs: 1, method: shapes}", ONE_FOLD, NULL};
    ag_err err = {0};
    outcome o;
    char path[900];
    const char *a = ag_test_dir(), *b = ag_test_dir(), *c = ag_test_dir(), *d = ag_test_dir();
    ag_arena *arena = ag_arena_new(0);
    prepare_holes(arena);
    const char *const truth[] = {automatic[0], ONE_FOLD, by_truth(0.5), NULL};
    AG_EXPECT_OK(train(truth, a, 2, &o, &err));
    AG_EXPECT_OK(train(automatic, b, 2, &o, &err));
    expect_same(a, b, "pretraining/model.safetensors");
    expect_same(a, b, "pretraining-shapes/model.safetensors");
    AG_EXPECT_OK(train(masked, c, 2, &o, &err));
    assert_int_equal(o.trainings, 2);
    expect_same(a, c, "pretraining/model.safetensors");
    ag_format(path, sizeof path, "%s/pretraining-shapes", c);
    assert_false(ag_file_exists(path));
    AG_EXPECT_OK(train(shapes, d, 2, &o, &err));
    assert_int_equal(o.trainings, 2);
    ag_format(path, sizeof path, "%s/pretraining", d);
    assert_false(ag_file_exists(path));
    ag_arena_free(arena);
}

/* What simulated holes teach knows nothing of the data's labels, is for any architecture, and is where folds begin. */
AG_TEST(test_folding_run__simulated_holes_can_be_learned_from_before_the_folds)
{
    static const char *const lesson = "pretrain={enabled: true, epochs: 1, method: simulated}";
    static const char *const simulated = "data_config.simulated={holes: 14, own_share: 1}";
    static const char *const file = "pretraining-simulated/model.safetensors";
    static const char *const fold = "model/members/fold-01/model.safetensors";
    const char *const automatic[] = {lesson, simulated, ONE_FOLD, NULL};
    const char *const longer[] = {"pretrain={enabled: true, epochs: 2, method: simulated}", simulated, ONE_FOLD, NULL};
    const char *const other[] = {"strategy=transformer_attention", lesson, simulated, ONE_FOLD, NULL};
    ag_err err = {0};
    outcome o;
    const char *a = ag_test_dir(), *b = ag_test_dir(), *c = ag_test_dir(), *d = ag_test_dir();
    ag_arena *arena = ag_arena_new(0);
    prepare_holes(arena);
    const char *const truth[] = {by_truth(0.5), lesson, simulated, ONE_FOLD, NULL};
    AG_EXPECT_OK(train(automatic, a, 3, &o, &err));
    assert_int_equal(o.trainings, 2);
    assert_string_equal(o.order, "data pretraining folds ensemble validation export");
    AG_EXPECT_OK(train(truth, b, 1, &o, &err));
    expect_same(a, b, file);
    AG_EXPECT_OK(train(longer, c, 2, &o, &err));
    ag_buf x = bytes_of(a, fold), y = bytes_of(c, fold);
    assert_false(x.size == y.size && memcmp(x.data, y.data, x.size) == 0);
    ag_buf_deinit(&x);
    ag_buf_deinit(&y);
    AG_EXPECT_OK(train(other, d, 2, &o, &err));
    assert_int_equal(o.trainings, 2);
    expect_answers(d, 1);
    ag_arena_free(arena);
}

AG_TEST(test_folding_run__simulated_holes_are_for_something)
{
    static const struct {
        const char *more[MORE], *said; /* NULL: trained without them */
    } cases[] = {
        {{"pretrain={enabled: true, method: simulated}"}, "there are none"},
        {{"pretrain={enabled: true, method: simulated}", "data_config.simulated.holes=6"}, "there are only"},
        {{"data_config.simulated={holes: 8, own_share: 1}", ONE_FOLD}, NULL},
        {{"strategy=patchtsmixer_single", "data_config.simulated={holes: 8, own_share: 1}",
          "training_config={epochs: 1, batch_size: 8}"},
         NULL},
    };
    outcome o;
    ag_arena *arena = ag_arena_new(0);
    prepare_holes(arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ag_err err = {0};
        int rc = train(cases[i].more, ag_test_dir(), 2, &o, &err);
        if (cases[i].said) {
            AG_EXPECT_ERROR(rc, AG_EINVAL, cases[i].said);
            assert_true(*err.hint);
        } else {
            AG_EXPECT_OK(rc);
            assert_non_null(strstr(o.remarks, "no simulated holes"));
        }
    }
    ag_arena_free(arena);
}

AG_TEST(test_folding_run__a_labeller_that_is_never_sure_teaches_nothing)
{
    ag_err err = {0};
    outcome o;
    ag_arena *arena = ag_arena_new(0);
    prepare_holes(arena);
    const char *const unsure[] = {"pretrain={enabled: true, epochs: 1}", by_truth(1), NULL};
    AG_EXPECT_ERROR(train(unsure, ag_test_dir(), 1, &o, &err), AG_EINVAL, "the change-point labeller is sure of only");
    ag_arena_free(arena);
}

AG_TEST(test_folding_run__fails_cleanly_at_allocations)
{
    static const char *const more[] = {"pretrain={enabled: true, epochs: 1}", "save_checkpoints=false", NULL};
    ag_err err = {0};
    outcome o;
    const char *output = ag_test_dir();
    ag_arena *arena = ag_arena_new(0);
    prepare_holes(arena);
    for (uint64_t n = 1, step = ag_test_rounds(9000, 97); ag_fault_available(); n += step) {
        ag_fault_arm(n, AG_FAULT_ALLOC);
        int rc = train(more, output, 1, &o, &err);
        bool fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        if (rc >= 0 && !fired) break;
        assert_true(rc >= 0 || *err.text);
    }
    ag_arena_free(arena);
}
