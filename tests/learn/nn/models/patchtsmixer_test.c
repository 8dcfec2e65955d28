// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <string.h>

#include "learn/nn/golden.h"

static void expect_loss(double is, double should)
{
    if (!(fabs(is - should) <= GOLDEN_NEAR * should)) fail_msg("%.12g is not %.12g", is, should);
}

#define SLOPE_NEAR (AG_REAL_IS_DOUBLE ? 1e-7 : 1e-4)

#define EXPECT(is, ...) GOLDEN_EXPECT(is, GOLDEN_NEAR, __VA_ARGS__)
#define EXPECT_HIDDEN(is, ...) GOLDEN_EXPECT(is, GOLDEN_HIDDEN_NEAR, __VA_ARGS__)

AG_TEST(test_patchtsmixer__small_stacked_forecast)
{
    ag_patchtsmixer c = golden_small();
    for (int plain = 0; plain < 2; plain++) {
        golden_run r = golden_compute(&c, true, plain, NULL);
        const ag_real *y = golden_output(&r, "prediction_outputs"), *h = golden_output(&r, "last_hidden_state");
        EXPECT(golden_output(&r, "loc"), 0.53876010517, 0.65650214399, 0.76396480747);
        EXPECT(golden_output(&r, "scale"), 0.33414119726, 0.33224706725, 0.35170681424);
        EXPECT_HIDDEN(h, -0.14034081656, 1.90708550247, -0.76439057517, 0.08870321854);
        EXPECT_HIDDEN(h + (2 * 6 + 5) * 4, -0.69431305987, 0.10472843299, 1.51884807979, 0.24390020527);
        EXPECT(y, 0.58892696498, 0.65174868165, 0.70105251882);
        EXPECT(y + 27, 0.59673257214, 0.80466109909, 0.97081944359);
        expect_loss(r.loss, 0.34763700289);
        golden_run_free(&r);
    }
}

static double first_three(ag_patchtsmixer c, double a, double b, double d)
{
    golden_run r = golden_compute(&c, false, true, NULL);
    EXPECT(golden_output(&r, "prediction_outputs"), a, b, d);
    golden_run_free(&r);
    return a;
}

AG_TEST(test_patchtsmixer__every_switch)
{
    ag_patchtsmixer c = golden_small();
    c.head = 0;
    first_three(c, 0.35064957401, 0.62276303127, 1.20106645449);
    c = golden_small();
    c.self_attn = false;
    first_three(c, 0.51365010201, 0.64881993879, 0.75255381642);
    c = golden_small();
    c.gated_attn = false;
    first_three(c, 0.39174714799, 0.43893419279, 0.52168464465);
    c = golden_small();
    c.mode = 0;
    first_three(c, 0.52879192877, 0.68545760442, 0.79272035367);
    c = golden_small();
    c.use_positional_encoding = false;
    first_three(c, 0.58709011703, 0.64542861587, 0.71423066173);
    c = golden_small();
    c.self_attn_heads = 1;
    first_three(c, 0.60085548542, 0.71207192699, 0.78556558901);
    c = golden_small();
    c.patch_stride = 2;
    first_three(c, 0.59086736637, 0.70353254382, 0.68967222545);
    c = golden_small();
    c.context_length = 26;
    first_three(c, 0.48850346699, 0.66323071801, 0.87467762358);
}

typedef struct slope {
    const char *name;
    int64_t element;
    double mse, focal;
} slope;

#define MIXER "model.encoder.mlp_mixer_encoder.mixers."
static const slope slopes[] = {
    {"model.encoder.patcher.weight", 1 * 4 + 2, -0.042273729, -0.0176762478},
    {MIXER "0.channel_feature_mixer.gating_block.attn_layer.weight", 1, 0.000696841701, 0.000326365328},
    {MIXER "0.channel_feature_mixer.mlp.fc1.bias", 2, -0.00122733106, -0.000526283164},
    {MIXER "0.patch_mixer.self_attn_layer.q_proj.weight", 0, -0.00126806332, 3.20083791e-05},
    {MIXER "0.patch_mixer.self_attn_layer.k_proj.weight", 3 * 4 + 1, 0.0261552428, 0.0113336205},
    {MIXER "0.patch_mixer.self_attn_layer.v_proj.bias", 1, 0.04467676, 0.0196155926},
    {MIXER "0.patch_mixer.gating_block.attn_layer.weight", 2 * 6 + 3, 0.00430211446, 0.00175891144},
    {MIXER "0.patch_mixer.norm.norm.weight", 1, 0.0216785264, 0.00716765886},
    {MIXER "1.patch_mixer.norm_attn.norm.weight", 0, 0.0289713557, 0.0134756522},
    {MIXER "1.feature_mixer.gating_block.attn_layer.bias", 0, -0.000587720155, -0.000221531401},
    {MIXER "1.feature_mixer.mlp.fc2.weight", 3 * 8 + 7, -8.35670473e-05, -2.96592207e-05},
    {"head.base_forecast_block.weight", 4 * 24 + 11, -0.00229926818, -0.00221006693},
    {"head.base_forecast_block2.bias", 0, 0.043992752, 0.0103744823},
};

AG_TEST(test_patchtsmixer__gradients_of_both_losses)
{
    ag_patchtsmixer c = golden_small();
    golden_run mse = golden_compute(&c, true, true, NULL);
    c.loss = AG_MIXER_FOCAL;
    golden_run focal = golden_compute(&c, true, true, NULL);
    expect_loss(focal.loss, 0.05250078658);
    for (size_t i = 0; i < sizeof slopes / sizeof *slopes; i++) {
        const slope *s = &slopes[i];
        double a = golden_slope(&mse, s->name, s->element), b = golden_slope(&focal, s->name, s->element);
        if (!(fabs(a - s->mse) <= SLOPE_NEAR * fabs(s->mse) + 1e-9))
            fail_msg("%s: %.9g is not %.9g", s->name, a, s->mse);
        if (!(fabs(b - s->focal) <= SLOPE_NEAR * fabs(s->focal) + 1e-9))
            fail_msg("%s: %.9g is not %.9g (focal)", s->name, b, s->focal);
    }
    golden_run_free(&mse);
    golden_run_free(&focal);
}

AG_TEST(test_patchtsmixer__drilling)
{
    ag_patchtsmixer c = golden_drilling();
    static const int channels[] = {0, 7, 14, 15, 16};
    static const struct {
        int t;
        double y[5];
    } rows[] = {
        {0, {-0.25097135963, 0.65758822138, 1.53968943972, -1.70099091959, 0.68898014355}},
        {100, {-0.54248258825, -0.19789295658, 0.72482248371, -1.70358720263, 0.68638717471}},
        {511, {-0.43329219743, 0.27120386374, 0.88417028874, -1.70331961579, 0.68672001966}},
    };
    golden_run r = golden_compute(&c, true, false, NULL);
    const ag_real *h = golden_output(&r, "last_hidden_state"), *y = golden_output(&r, "prediction_outputs");
    EXPECT(golden_output(&r, "scale"), 0.73254394183);
    EXPECT(golden_output(&r, "scale") + 15, sqrt(1e-5));
    EXPECT_HIDDEN(h, 2.79124328958, -1.17577680829, 1.19408145163, 0.34219920452);
    EXPECT_HIDDEN(h + 17408 - 2, 0.89556977636, -5.48209589931);
    for (size_t i = 0; i < 3; i++) {
        ag_real row[5];
        for (int k = 0; k < 5; k++) row[k] = y[rows[i].t * 17 + channels[k]];
        golden_expect(row, 5, rows[i].y, GOLDEN_NEAR, "y");
    }
    expect_loss(r.loss, 0.95639074812);
    golden_run_free(&r);
    c.loss = AG_MIXER_FOCAL;
    r = golden_compute(&c, true, true, NULL);
    expect_loss(r.loss, 0.49061929621);
    golden_run_free(&r);
}

AG_TEST(test_patchtsmixer__drilling_finds_the_exit)
{
    ag_patchtsmixer c = golden_drilling();
    golden_run r = golden_compute(&c, false, true, NULL);
    const ag_real *y = golden_output(&r, "prediction_outputs");
    double top = 0;
    int where = -1;
    for (int t = 0; t < 512; t++) {
        double heat = 0;
        for (int k = 0; k < 15; k++) heat += y[t * 17 + k] < -1 ? 0 : (double)y[t * 17 + k];
        if (where >= 0 && heat <= top) continue;
        top = heat;
        where = t;
    }
    assert_int_equal(where, 99);
    expect_loss(top, 27.3357823374);
    golden_run_free(&r);
}

AG_TEST(test_patchtsmixer__the_table_of_positions)
{
    ag_patchtsmixer c = golden_drilling();
    ag_model *model = golden_model(&c, false, true);
    const ag_real *table = ag_model_parameter(model, "model.encoder.positional_encoder.position_enc");
    double near = 1e-7; /* what is printed has 9 decimals */
    GOLDEN_EXPECT(table, near, -0.05769759, 0.105515438, -0.05769759, 0.105515438);
    GOLDEN_EXPECT(table + 16, near, 0.079641437, 0.030486785, -0.006941016, 0.097422566);
    GOLDEN_EXPECT(table + 63 * 16, near, -0.03038296, 0.103213576, 0.085691295, 0.02026471);
    GOLDEN_EXPECT(table + 64 * 16 - 2, near, -0.054446218, 0.105483049);
    ag_model_free(model);
}

static void fill_mask(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    if (strcmp(input, "observed_mask") != 0) return;
    for (int64_t i = 0; i < samples * size; i++) values[i] = golden_number(3, (uint64_t)i) > -0.5 ? 1 : 0;
}

static void build_small(ag_graph *graph, const void *config)
{
    ag_architecture_patchtsmixer.build(graph, config, &(ag_building){.loss = true, .plain = true});
}

AG_TEST(test_patchtsmixer__gradients_agree_with_differences)
{
    ag_patchtsmixer c = golden_small();
    c.num_layers = 1;
    c.dropout = 0.2;
    c.head_dropout = 0.3;
    ag_check_graph(&(ag_check){.build = build_small,
                               .config = &c,
                               .fill = fill_mask,
                               .constant = "observed_mask",
                               .samples = 3,
                               .most = 4,
                               .float_tolerance = 1e-3});
    c.loss = AG_MIXER_FOCAL;
    c.scaling = AG_MIXER_MEAN;
    ag_check_graph(&(ag_check){.build = build_small,
                               .config = &c,
                               .fill = fill_mask,
                               .constant = "observed_mask",
                               .samples = 3,
                               .most = 4,
                               .float_tolerance = 1e-3});
}

AG_TEST(test_patchtsmixer__configurations_that_cannot_be_are_refused)
{
    ag_patchtsmixer c = golden_small();
    c.patch_length = 24;
    ag_check_refused(build_small, &c, "context_length 24 must be greater than patch_length 24");
    c = golden_small();
    c.num_patches = 7;
    ag_check_refused(build_small, &c, "num_patches is 7, but this context, patch length and stride give 6");
    c = golden_small();
    c.self_attn_heads = 3;
    ag_check_refused(build_small, &c, "d_model 4 is not divisible by self_attn_heads 3");
}

AG_TEST(test_patchtsmixer__what_no_reference_can_compute_is_refused)
{
    static const double three[] = {0, 1, 2};
    static const int64_t sixth[] = {6}, third[] = {3};
    ag_patchtsmixer c = golden_small();
    c.task = AG_MIXER_BACKBONE;
    ag_check_refused(build_small, &c, "task backbone has no head");
    c = golden_small();
    c.loss = AG_MIXER_NLL;
    ag_check_refused(build_small, &c, "the stacked head forecasts values");
    c.head = 0;
    c.prediction_length = 1;
    ag_check_refused(build_small, &c, "loss nll needs a prediction_length of 2 or more");
    c = golden_small();
    c.task = AG_MIXER_REGRESSION;
    c.output_range = (ag_list){three, 3};
    ag_check_refused(build_small, &c, "output_range has 3 numbers");
    c = golden_small();
    c.task = AG_MIXER_PRETRAINING;
    c.mask_type = 1;
    ag_check_refused(build_small, &c, "it does not say how many last patches to hide");
    c.num_forecast_mask_patches = (ag_list){sixth, 1};
    ag_check_refused(build_small, &c, "the last 6 of 6 patches cannot be hidden");
    c.mask_type = 0;
    c.unmasked_channel_indices = (ag_list){third, 1};
    ag_check_refused(build_small, &c, "unmasked_channel_indices: channel 3 is not one of 0 to 2");
    c = golden_small();
    c.prediction_channel_indices = (ag_list){third, 1};
    ag_check_refused(build_small, &c, "prediction_channel_indices: channel 3 is not one of 0 to 2");
}
