// SPDX-License-Identifier: Apache-2.0
/* What is hidden, how it is scored, and classes. */
#include <math.h>
#include <string.h>

#include "learn/nn/check.h"
#include "learn/nn/ops/masking.h"

enum { CHANNELS = 3, PATCHES = 7, LENGTH = 2, GRID = CHANNELS * PATCHES, MOST = 12 };

static void build_masking(ag_graph *g, const void *config)
{
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(CHANNELS, PATCHES, LENGTH));
    ag_ref given = ag_graph_optional_input(g, "given", ag_shape_of(CHANNELS, PATCHES));
    ag_ref mask = ag_graph_apply2(g, &ag_op_mask_patches, "masking", x, given, config);
    ag_graph_output(g, "mask", mask);
    ag_graph_output(g, "masked", ag_graph_slot(g, mask, 1));
}

typedef struct drawn {
    ag_real mask[MOST * GRID], masked[MOST * GRID * LENGTH];
} drawn;

/* Masks of `samples` samples, of which the first is number `first` of step `step`. */
static void draw(const ag_masking *masking, int64_t samples, int64_t first, uint64_t step, const ag_real *given,
                 drawn *out)
{
    static ag_real x[MOST * GRID * LENGTH];
    ag_err err = {0};
    ag_exec *exec = NULL;
    ag_model *model = NULL;
    ag_graph *graph = NULL;
    for (int i = 0; i < MOST * GRID * LENGTH; i++) x[i] = (ag_real)(i + 1);
    AG_EXPECT_OK(ag_graph_new(&graph, &err));
    build_masking(graph, masking);
    AG_EXPECT_OK(ag_graph_finish(graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    ag_plan_options options = {.outputs = true, .training = true, .max_samples = samples, .chunk = 2};
    AG_EXPECT_OK(ag_exec_new(model->graph, &options, model->values, NULL, NULL, &exec, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "x", x, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "given", given, &err));
    AG_EXPECT_OK(ag_exec_output(exec, "mask", out->mask, &err));
    AG_EXPECT_OK(ag_exec_output(exec, "masked", out->masked, &err));
    ag_device_run run = {.samples = samples, .first_sample = first, .seed = 9, .step = step};
    AG_EXPECT_OK(ag_exec_run(exec, &run, &err));
    ag_exec_free(exec);
    ag_model_free(model);
}

static int hidden(const ag_real *line)
{
    int count = 0;
    for (int i = 0; i < PATCHES; i++) count += line[i] == 1;
    return count;
}

AG_TEST(test_masking__as_many_stay_as_the_ratio_says)
{
    assert_true(ag_masking_keeps(10, 0.5) == 5 && ag_masking_keeps(7, 0.5) == 3 && ag_masking_keeps(6, 0.0) == 6);
    assert_true(ag_masking_keeps(10, 0.9) == 0); /* 10 * (1 - 0.9) is 0.9999999999999998 */
}

AG_TEST(test_masking__random_ones_are_alike_in_all_channels_or_not)
{
    static drawn d;
    ag_masking m = {.ratio = 0.4, .fill = -5};
    int apart = 0, samples_apart = 0;
    draw(&m, MOST, 0, 1, NULL, &d);
    for (int s = 0; s < MOST; s++)
        for (int c = 0; c < CHANNELS; c++) {
            assert_int_equal(hidden(d.mask + (s * CHANNELS + c) * PATCHES), 3); /* 7 * 0.6 = 4.2: 4 stay */
            assert_memory_equal(d.mask + (s * CHANNELS + c) * PATCHES, d.mask + s * GRID, PATCHES * sizeof *d.mask);
            samples_apart += memcmp(d.mask + s * GRID, d.mask, PATCHES * sizeof *d.mask) != 0;
        }
    for (int i = 0; i < MOST * GRID * LENGTH; i++)
        assert_true(d.masked[i] == (d.mask[i / LENGTH] == 1 ? -5 : (ag_real)(i + 1)));
    assert_true(samples_apart > MOST);
    m.per_channel = true;
    draw(&m, MOST, 0, 1, NULL, &d);
    for (int i = 0; i < MOST * CHANNELS; i++) {
        assert_int_equal(hidden(d.mask + i * PATCHES), 3);
        apart += memcmp(d.mask + i * PATCHES, d.mask + i / CHANNELS * GRID, PATCHES * sizeof *d.mask) != 0;
    }
    assert_true(apart > MOST);
}

AG_TEST(test_masking__every_patch_is_hidden_as_often)
{
    static drawn d;
    int times[PATCHES] = {0};
    ag_masking m = {.ratio = 0.5, .per_channel = true};
    for (uint64_t step = 0; step < 100; step++) {
        draw(&m, MOST, 0, step, NULL, &d);
        for (int i = 0; i < MOST * GRID; i++) times[i % PATCHES] += d.mask[i] == 1;
    }
    for (int i = 0; i < PATCHES; i++) /* 3600 lines, 4 of 7 hidden: 2057 +- 30 */
        assert_true(times[i] > 1900 && times[i] < 2210);
}

AG_TEST(test_masking__a_resumed_run_and_other_chunks_hide_the_same)
{
    static drawn whole, part;
    static const int64_t counts[] = {1, 2, 4};
    const ag_masking cases[] = {{.ratio = 0.5, .per_channel = true}, {.forecast = true, .counts = counts, .count = 3}};
    for (int i = 0; i < 2; i++) {
        draw(&cases[i], MOST, 0, 7, NULL, &whole);
        draw(&cases[i], 5, 6, 7, NULL, &part);
        assert_memory_equal(part.mask, whole.mask + 6 * GRID, 5 * GRID * sizeof *part.mask);
        draw(&cases[i], MOST, 0, 8, NULL, &part);
        assert_memory_not_equal(part.mask, whole.mask, sizeof part.mask);
    }
}

AG_TEST(test_masking__forecast_masks_are_the_last_ones_and_shared_out_evenly)
{
    static drawn d;
    static const int64_t counts[] = {1, 2, 4}, spared[] = {1};
    int got[PATCHES + 1] = {0};
    ag_masking m = {.forecast = true, .counts = counts, .count = 3, .spared = spared, .spared_count = 1};
    draw(&m, MOST, 0, 1, NULL, &d);
    for (int s = 0; s < MOST; s++) {
        const ag_real *mask = d.mask + s * GRID;
        int many = hidden(mask);
        got[many]++;
        for (int i = 0; i < PATCHES; i++) assert_true(mask[i] == (i < PATCHES - many ? 0 : 1));
        assert_int_equal(hidden(mask + PATCHES), 0);
        assert_memory_equal(mask + 2 * PATCHES, mask, PATCHES * sizeof *mask);
    }
    assert_true(got[1] == 4 && got[2] == 4 && got[4] == 4);
}

AG_TEST(test_masking__a_given_mask_is_taken_as_it_is)
{
    static drawn d;
    static ag_real given[MOST * GRID];
    static const int64_t spared[] = {0};
    for (int i = 0; i < MOST * GRID; i++) given[i] = (ag_real)(i % 3);
    ag_masking m = {.ratio = 0.5, .spared = spared, .spared_count = 1, .fill = 7};
    draw(&m, MOST, 0, 1, given, &d);
    for (int i = 0; i < MOST * GRID; i++) assert_true(d.mask[i] == (i % 3 ? 1 : 0));
}

static void fill(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    bool mask = strcmp(input, "mask") == 0;
    for (int64_t i = 0; mask && i < samples * size; i++) values[i] = (ag_real)(i % 5 != 0);
    for (int64_t i = 0; strcmp(input, "class") == 0 && i < samples * size; i++)
        values[i] = i % 5 == 4 ? -100 : (ag_real)(i % 4);
}

static void build_masked(ag_graph *g, const void *config)
{
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(CHANNELS, PATCHES, LENGTH));
    ag_ref mask = ag_graph_apply1(g, &ag_op_mask_patches, "masking", x, config);
    ag_graph_output(g, "masked", ag_graph_slot(g, mask, 1));
}

static void build_score(ag_graph *g, const void *config)
{
    ag_shape shape = ag_shape_of(CHANNELS, PATCHES, LENGTH);
    ag_ref x = ag_graph_input(g, "x", shape), u = ag_graph_input(g, "u", shape);
    ag_ref mask = ag_graph_input(g, "mask", ag_shape_of(CHANNELS, PATCHES));
    ag_graph_loss(g, ag_graph_apply(g, &ag_op_patch_loss, "loss", (ag_ref[]){x, u, mask}, 3, config));
}

static void build_classes(ag_graph *g, const void *config)
{
    (void)config;
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(3, 4)), right = ag_graph_input(g, "class", ag_shape_of(3));
    ag_graph_loss(g, ag_graph_apply2(g, &ag_op_cross_entropy, "loss", x, right, NULL));
}

AG_TEST(test_masking__gradients)
{
    ag_check_graph(&(ag_check){.build = build_masked, .config = &(ag_masking){.ratio = 0.5, .per_channel = true}});
    for (int i = 0; i < 4; i++)
        ag_check_graph(&(ag_check){.build = build_score,
                                   .config = &(ag_patch_loss){i % 2 == 1, i / 2 == 1},
                                   .fill = fill,
                                   .constant = "mask"});
    ag_check_graph(&(ag_check){.build = build_classes, .fill = fill, .constant = "class"});
}

/* The loss of `classes` when the logits of three rows are 0, 1, 2, 3 each. */
static int score_classes(const ag_real *classes, bool check_finite, double *loss, ag_err *told)
{
    ag_err err = {0};
    static const ag_real x[12] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
    ag_exec *exec = NULL;
    ag_model *model = NULL;
    ag_graph *graph = ag_check_build(build_classes, NULL);
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    AG_EXPECT_OK(
        ag_exec_new(graph, &(ag_plan_options){.loss = true, .max_samples = 1}, model->values, NULL, NULL, &exec, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "x", x, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "class", classes, &err));
    ag_device_run run = {.samples = 1, .check_finite = check_finite};
    int rc = ag_exec_run(exec, &run, told);
    *loss = run.loss_sum / run.loss_weight;
    ag_exec_free(exec);
    ag_model_free(model);
    return rc;
}

AG_TEST(test_masking__classes_that_are_none)
{
    ag_err err = {0};
    double loss, all = log(1 + exp(-1) + exp(-2) + exp(-3));
    AG_EXPECT_OK(score_classes((ag_real[]){3, 1, -100}, true, &loss, &err));
    ag_check_near(loss, all + 1, 1e-6, "two rows");
    static const ag_real wrong[] = {4, -1, AG_R(1.5), NAN};
    for (int i = 0; i < 4; i++) {
        ag_real classes[] = {0, wrong[i], 0};
        AG_EXPECT_OK(score_classes(classes, false, &loss, &err));
        assert_true(isnan(loss));
        AG_EXPECT_ERROR(score_classes(classes, true, &loss, &err), AG_EDIVERGED, "loss: the output of cross_entropy");
    }
}

static void build_unfit(ag_graph *g, const void *config)
{
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(3, 4, 1));
    if (config)
        ag_graph_output(g, "y", ag_graph_apply1(g, &ag_op_mask_patches, "m", x, config));
    else
        ag_graph_output(g, "y",
                        ag_graph_apply(g, &ag_op_patch_loss, "m",
                                       (ag_ref[]){x, x, ag_graph_input(g, "mask", ag_shape_of(3, 4))}, 3,
                                       &(ag_patch_loss){true, true}));
}

AG_TEST(test_masking__what_cannot_be_hidden_is_refused)
{
    static const int64_t four[] = {4}, minus[] = {-4};
    ag_check_refused(build_unfit, &(ag_masking){.ratio = 1}, "a share of 1 of the patches cannot be hidden");
    ag_check_refused(build_unfit, &(ag_masking){.ratio = NAN}, "cannot be hidden");
    ag_check_refused(build_unfit, &(ag_masking){.forecast = true}, "how many last patches to hide");
    ag_check_refused(build_unfit, &(ag_masking){.forecast = true, .counts = four, .count = 1}, "the last 4 of 4");
    ag_check_refused(build_unfit, &(ag_masking){.spared = minus, .spared_count = 1}, "channel -4 is not one of");
    ag_check_refused(build_unfit, NULL, "patches of one row have no variance");
}
