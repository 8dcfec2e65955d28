// SPDX-License-Identifier: Apache-2.0
/* embedding.c: rows of a table, chosen by numbers: x [..] of whole numbers, table [count, width] -> [.., width]. A
 * number that is not a row of the table gives NaN, so that the check of finite values names this layer: taking another
 * row instead would be a wrong answer without a word. */
#include <math.h>
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0 || (rc = ag_need_parameter(s, 1, "the table", err)) < 0)
        return rc;
    if (s->in[1].axes != 2) return ag_fail(err, AG_EINVAL, "the table must have two axes: rows and width");
    if (s->in[0].axes == AG_MAX_AXES) return ag_fail(err, AG_EINVAL, "there is no room for another axis");
    s->out[0] = s->in[0];
    s->out[0].at[s->out[0].axes++] = s->in[1].at[1];
    return 0;
}

static double cost(const ag_node *node)
{
    (void)node;
    return 0.0;
}

/* -1: none. */
static int64_t row_of(const ag_call *c, int64_t i)
{
    ag_real x = c->in[0][i];
    return x >= 0 && x < (ag_real)c->node->in_shape[1].at[0] && x == (ag_real)(int64_t)x ? (int64_t)x : -1;
}

static void forward(const ag_call *c)
{
    int64_t count = c->samples * ag_in_size(c->node, 0), width = c->node->in_shape[1].at[1];
    for (int64_t i = 0; i < count; i++) {
        int64_t row = row_of(c, i);
        if (row >= 0) memcpy(c->out[0] + i * width, c->in[1] + row * width, (size_t)width * sizeof(ag_real));
        for (int64_t k = 0; row < 0 && k < width; k++) c->out[0][i * width + k] = (ag_real)NAN;
    }
}

static void backward(const ag_call *c)
{
    int64_t count = c->samples * ag_in_size(c->node, 0), width = c->node->in_shape[1].at[1];
    for (int64_t i = 0; c->din[1] && i < count; i++) {
        int64_t row = row_of(c, i);
        if (row >= 0) c->kernels->add(c->dout[0] + i * width, c->din[1] + row * width, width);
    }
}

const ag_op ag_op_embedding = {
    .name = "embedding",
    .doc = "rows of a table, chosen by number",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
