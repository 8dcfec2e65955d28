// SPDX-License-Identifier: Apache-2.0
/* Operations that move values, act element by element, normalise over a batch, or score: each by finite differences. */
#include <math.h>

#include "learn/nn/check.h"
#include "learn/nn/ops/affine.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/batch_norm.h"
#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/special.h"

typedef struct one {
    const ag_op *op;
    const void *attributes;
    int pairs; /* inputs of that shape; the last `parameters` of a loss among them */
} one;

static void build_one(ag_graph *g, const void *config)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    const one *o = config;
    ag_ref in[4];
    for (int i = 0; i < o->pairs; i++) in[i] = ag_graph_input(g, names[i], ag_shape_of(2, 3, 4));
    ag_ref y = ag_graph_apply(g, o->op, "node", in, o->pairs, o->attributes);
    if (o->op->flags & AG_OP_LOSS)
        ag_graph_loss(g, y);
    else
        ag_graph_output(g, "y", y);
}

AG_TEST(test_many__values_that_move_and_functions)
{
    static const ag_transpose turns[] = {{0, 2}, {1, 2}, {0, 1}};
    static const ag_concat along[] = {{0}, {1}, {2}};
    static const ag_reduce reduces[] = {{1, AG_REDUCE_MAX}, {0, AG_REDUCE_MEAN}, {2, AG_REDUCE_LAST}};
    const one cases[] = {
        {&ag_op_transpose, &turns[0], 1},
        {&ag_op_transpose, &turns[1], 1},
        {&ag_op_transpose, &turns[2], 1},
        {&ag_op_concat, &along[0], 3},
        {&ag_op_concat, &along[1], 2},
        {&ag_op_concat, &along[2], 2},
        {&ag_op_reduce, &reduces[0], 1},
        {&ag_op_reduce, &reduces[1], 1},
        {&ag_op_reduce, &reduces[2], 1},
        {&ag_op_slice, &(ag_slice){1, 1, 2}, 1},
        {&ag_op_repeat, &(ag_repeat){1, 3}, 1},
        {&ag_op_relu, NULL, 1},
        {&ag_op_sigmoid, NULL, 1},
        {&ag_op_tanh, NULL, 1},
        {&ag_op_silu, NULL, 1},
        {&ag_op_softplus, NULL, 1},
        {&ag_op_affine, &(ag_affine){3, -1}, 1},
        {&ag_op_squareplus, &(ag_squareplus){0.3, 2}, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ag_check_graph(&(ag_check){.build = build_one, .config = &cases[i]});
}

static void positive(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    (void)input;
    for (int64_t i = 0; i < samples * size; i++) values[i] = ag_fabs(values[i]) + AG_R(0.5);
}

AG_TEST(test_many__losses_and_likelihoods)
{
    const one cases[] = {{&ag_op_log, NULL, 1},
                         {&ag_op_mae, NULL, 2},
                         {&ag_op_huber, &(ag_huber){0.7}, 2},
                         {&ag_op_bce, NULL, 2},
                         {&ag_op_nll_student_t, NULL, 4},
                         {&ag_op_nll_normal, NULL, 3},
                         {&ag_op_nll_negative_binomial, NULL, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ag_check_graph(&(ag_check){.build = build_one, .config = &cases[i], .fill = positive});
}

static void build_norm(ag_graph *g, const void *config)
{
    (void)config;
    ag_ref in[6] = {ag_graph_input(g, "x", ag_shape_of(3, 4))};
    in[1] = ag_graph_parameter(g, "gain", ag_shape_of(4), ag_init_constant(1));
    in[2] = ag_graph_parameter(g, "shift", ag_shape_of(4), ag_init_constant(0));
    in[3] = ag_graph_state(g, "mean", ag_shape_of(4), ag_init_constant(0.2), AG_STORED_F32);
    in[4] = ag_graph_state(g, "variance", ag_shape_of(4), ag_init_constant(2), AG_STORED_F32);
    in[5] = ag_graph_state(g, "batches", ag_shape_scalar(), ag_init_constant(0), AG_STORED_I64);
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_batch_norm, "norm", in, 6, &(ag_batch_norm){1e-5, 0.1}));
}

AG_TEST(test_many__batch_norm_outside_and_in_training)
{
    ag_check_graph(&(ag_check){.build = build_norm, .not_training = true});
    if (AG_REAL_IS_DOUBLE) ag_check_graph(&(ag_check){.build = build_norm});
}

AG_TEST(test_many__digamma)
{
    assert_true(fabs(ag_digamma(1.0) + 0.57721566490153286) < 1e-13);
    assert_true(fabs(ag_digamma(0.5) + 1.96351002602142348) < 1e-13);
    assert_true(isnan(ag_digamma(0.0)));
}
