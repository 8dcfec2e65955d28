// SPDX-License-Identifier: Apache-2.0
/* cross_entropy.c: logits [.., classes] and the number of the right class [..] -> -ln softmax(logits)[class], averaged
 * over the rows. A class of -100 leaves its row out, as PyTorch's does; any other number that is no class makes the
 * loss not finite, so that a check for that names the layer. */
#include <math.h>

#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/shapes.h"

#define LEFT_OUT (-100)

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the logits", err)) < 0 || (rc = ag_need_axes(s, 0, "the logits", 1, err)) < 0 ||
        (rc = ag_need_sample(s, 1, "the class", err)) < 0)
        return rc;
    ag_shape rows = s->in[0];
    rows.axes--;
    s->out[0] = ag_shape_of(2);
    return ag_need_shape(s, 1, "the class", rows, err);
}

static double cost(const ag_node *node)
{
    return 3.0 * (double)ag_in_size(node, 0);
}

/* ln of the sum of the exponentials. */
static double log_sum(const ag_real *logits, int64_t classes)
{
    double top = (double)logits[0], sum = 0.0;
    for (int64_t k = 1; k < classes; k++)
        if ((double)logits[k] > top) top = (double)logits[k];
    for (int64_t k = 0; k < classes; k++) sum += exp((double)logits[k] - top);
    return top + log(sum);
}

/* Number of the class; -1: left out, -2: no class. */
static int64_t class_of(ag_real number, int64_t classes)
{
    if (number == LEFT_OUT) return -1;
    if (!(number >= 0 && number < (ag_real)classes) || number != (ag_real)(int64_t)number) return -2;
    return (int64_t)number;
}

static void forward(const ag_call *c)
{
    int64_t classes = ag_shape_last(&c->node->in_shape[0]), rows = ag_shape_rows(&c->node->in_shape[0]);
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0, weight = 0.0;
        for (int64_t i = s * rows; i < (s + 1) * rows; i++) {
            const ag_real *logits = c->in[0] + i * classes;
            int64_t right = class_of(c->in[1][i], classes);
            if (right == -1) continue;
            sum += right < 0 ? (double)NAN : log_sum(logits, classes) - (double)logits[right];
            weight += 1.0;
        }
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)weight;
    }
}

static void backward(const ag_call *c)
{
    int64_t classes = ag_shape_last(&c->node->in_shape[0]), rows = ag_shape_rows(&c->node->in_shape[0]);
    for (int64_t i = 0; c->din[0] && i < c->samples * rows; i++) {
        const ag_real *logits = c->in[0] + i * classes;
        int64_t right = class_of(c->in[1][i], classes);
        double total = log_sum(logits, classes), factor = (double)c->dout[0][2 * (i / rows)];
        for (int64_t k = 0; right != -1 && k < classes; k++)
            c->din[0][i * classes + k] += (ag_real)(factor * (exp((double)logits[k] - total) - (k == right)));
    }
}

const ag_op ag_op_cross_entropy = {
    .name = "cross_entropy",
    .doc = "-ln of the softmax at the right class",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = AG_OP_LOSS,
    .reads_in = 3,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
