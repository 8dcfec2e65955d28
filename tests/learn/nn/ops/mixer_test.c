// SPDX-License-Identifier: Apache-2.0
/* The fused operations by themselves: gradients, kernels, threads, chunks (ag_check_graph), and refusals. That they are
 * what the single operations are is seen in tests/learn/nn/models/patchtsmixer_blocks_test.c. */
#include "learn/nn/ops/mixer.h"

#include "learn/nn/check.h"
#include "learn/nn/ops/self_attention.h"
#include "learn/nn/ops/sum_norm.h"

typedef struct block {
    int64_t channels, patches, features, hidden;
    ag_mixer mixer;
    bool normed, gated;
} block;

static ag_ref small(ag_graph *g, const char *name, ag_shape shape, double mean)
{
    return ag_graph_parameter(g, name, shape, ag_init_normal(mean, 0.4));
}

static void build_block(ag_graph *g, const void *config)
{
    const block *b = config;
    ag_shape shape = ag_shape_of(b->channels, b->patches, b->features);
    int64_t length = b->mixer.axis < 3 ? shape.at[b->mixer.axis] : 1;
    ag_ref in[AG_MIXER_INPUTS] = {ag_graph_input(g, "x", shape)};
    if (b->normed) {
        in[AG_MIXER_GAIN] = small(g, "gain", ag_shape_of(b->features), 1.0);
        in[AG_MIXER_SHIFT] = small(g, "shift", ag_shape_of(b->features), 0.0);
    }
    in[AG_MIXER_W1] = small(g, "w1", ag_shape_of(b->hidden, length), 0.0);
    in[AG_MIXER_B1] = small(g, "b1", ag_shape_of(b->hidden), 0.0);
    in[AG_MIXER_W2] = small(g, "w2", ag_shape_of(length, b->hidden), 0.0);
    in[AG_MIXER_B2] = small(g, "b2", ag_shape_of(length), 0.0);
    if (b->gated) {
        in[AG_MIXER_A] = small(g, "a", ag_shape_of(length, length), 0.0);
        in[AG_MIXER_A_BIAS] = small(g, "a_bias", ag_shape_of(length), 0.0);
    }
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_mixer, "mixer", in, AG_MIXER_INPUTS, &b->mixer));
}

static void check_block(block b)
{
    ag_check_graph(&(ag_check){.build = build_block, .config = &b, .samples = 3});
    ag_check_graph(&(ag_check){.build = build_block, .config = &b, .samples = 3, .not_training = true});
}

AG_TEST(test_mixer__channels_with_the_gate_first)
{
    check_block((block){3, 5, 4, 6, {0, true, true, 1e-5, 0.2}, true, true});
    check_block((block){5, 9, 8, 7, {0, false, false, 1e-5, 0.0}, false, true});
    check_block((block){2, 36, 8, 3, {0, true, true, 1e-5, 0.2}, true, true}); /* two tiles */
}

AG_TEST(test_mixer__patches_of_several_tiles)
{
    check_block((block){3, 5, 4, 10, {1, false, true, 1e-5, 0.2}, true, true});
    check_block((block){13, 5, 16, 6, {1, false, false, 1e-5, 0.3}, false, true});
    check_block((block){1, 7, 16, 9, {1, true, true, 1e-5, 0.0}, false, false});
}

AG_TEST(test_mixer__features_with_and_without_everything)
{
    check_block((block){3, 5, 4, 8, {2, false, true, 1e-5, 0.2}, true, true});
    check_block((block){9, 8, 16, 20, {2, false, true, 1e-5, 0.2}, true, true});
    check_block((block){2, 3, 5, 3, {2, true, false, 1e-5, 0.0}, false, false});
}

AG_TEST(test_mixer__what_does_not_fit_is_refused)
{
    block b = {3, 5, 4, 6, {3, true, true, 1e-5, 0.2}, true, true};
    ag_check_refused(build_block, &b, "axis 3 of [3, 5, 4] cannot be mixed");
    b.mixer.axis = 0;
    b.mixer.dropout = 1.0;
    ag_check_refused(build_block, &b, "dropout 1 is not in [0, 1)");
}

typedef struct turned {
    int64_t groups, tokens, width;
    ag_self_attention attention;
    int64_t wrong; /* added to the rows of q's weight */
} turned;

static void build_attention(ag_graph *g, const void *config)
{
    static const char *const names[] = {"k", "v", "q", "out"};
    const turned *t = config;
    ag_ref in[AG_SELF_INPUTS] = {ag_graph_input(g, "x", ag_shape_of(t->groups, t->tokens, t->width))};
    for (int i = 0; i < 4; i++) {
        ag_graph_push(g, "%s", names[i]);
        in[1 + 2 * i] = small(g, "weight", ag_shape_of(t->width + (i == 2 ? t->wrong : 0), t->width), 0.0);
        in[2 + 2 * i] = small(g, "bias", ag_shape_of(t->width), 0.0);
        ag_graph_pop(g);
    }
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_self_attention, "attention", in, AG_SELF_INPUTS, &t->attention));
}

AG_TEST(test_self_attention__gradients_kernels_threads_and_chunks)
{
    static const turned all[] = {{3, 5, 4, {2, 0.2}, 0}, {2, 9, 8, {1, 0.2}, 0}, {1, 7, 6, {3, 0.0}, 0}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ag_check_graph(&(ag_check){.build = build_attention, .config = &all[i], .samples = 3, .tolerance = 1e-5});
        ag_check_graph(&(ag_check){
            .build = build_attention, .config = &all[i], .samples = 3, .tolerance = 1e-5, .not_training = true});
    }
}

AG_TEST(test_self_attention__what_does_not_fit_is_refused)
{
    turned t = {3, 5, 4, {3, 0.2}, 0};
    ag_check_refused(build_attention, &t, "a width of 4 cannot be shared by 3 heads");
    t.attention.heads = 2;
    t.wrong = 1;
    ag_check_refused(build_attention, &t, "q_proj's weight has shape [5, 4], but [4, 4] is needed");
}

typedef struct summed {
    int64_t rows, width;
    bool third, wrong;
} summed;

static void build_sum(ag_graph *g, const void *config)
{
    const summed *s = config;
    ag_shape shape = ag_shape_of(3, s->rows, s->width);
    ag_ref in[AG_SUM_NORM_INPUTS] = {ag_graph_input(g, "a", shape)};
    in[AG_SUM_NORM_B] = ag_graph_input(g, "b", s->wrong ? ag_shape_of(s->rows, s->width) : shape);
    if (s->third) in[AG_SUM_NORM_C] = ag_graph_input(g, "c", shape);
    in[AG_SUM_NORM_GAIN] = small(g, "gain", ag_shape_of(s->width), 1.0);
    in[AG_SUM_NORM_SHIFT] = small(g, "shift", ag_shape_of(s->width), 0.0);
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_sum_norm, "sum", in, AG_SUM_NORM_INPUTS, &(ag_sum_norm){1e-5}));
}

AG_TEST(test_sum_norm__gradients_kernels_threads_and_chunks)
{
    static const summed all[] = {{5, 4, true, false}, {43, 16, true, false}, {9, 7, false, false}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ag_check_graph(&(ag_check){.build = build_sum, .config = &all[i], .samples = 3});
}

static void build_same(ag_graph *g, const void *config)
{
    (void)config;
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(5, 4));
    ag_ref in[AG_SUM_NORM_INPUTS] = {x, x, x, small(g, "gain", ag_shape_of(4), 1.0),
                                     small(g, "shift", ag_shape_of(4), 0)};
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_sum_norm, "sum", in, AG_SUM_NORM_INPUTS, &(ag_sum_norm){1e-5}));
}

AG_TEST(test_sum_norm__one_value_in_three_places_gets_all_its_gradients)
{
    ag_check_graph(&(ag_check){.build = build_same});
}

AG_TEST(test_sum_norm__what_does_not_fit_is_refused)
{
    ag_check_refused(build_sum, &(summed){5, 4, true, true}, "the second input has shape [5, 4]");
}
