// SPDX-License-Identifier: Apache-2.0
/* distillation.c: what a teacher's logits say of a student's, both [.., classes], at temperature T: T^2 times the
 * Kullback-Leibler divergence of softmax(student / T) from softmax(teacher / T), averaged over the rows. */
#include <math.h>

#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    double temperature = ((const ag_distillation *)s->attributes)->temperature;
    if ((rc = ag_pair_shape(s, err)) < 0 || (rc = ag_need_axes(s, 0, "the prediction", 1, err)) < 0) return rc;
    if (!(temperature > 0.0 && temperature < 1e6))
        return ag_fail(err, AG_EINVAL, "temperature %g is not in (0, 1e6)", temperature);
    return 0;
}

static double cost(const ag_node *node)
{
    return 6.0 * (double)ag_in_size(node, 0);
}

static double log_sum(const ag_real *y, int64_t classes, double temperature)
{
    double top = (double)y[0], sum = 0.0;
    for (int64_t k = 1; k < classes; k++)
        if ((double)y[k] > top) top = (double)y[k];
    for (int64_t k = 0; k < classes; k++) sum += exp(((double)y[k] - top) / temperature);
    return top / temperature + log(sum);
}

typedef struct row {
    const ag_real *student, *teacher;
    double log_student, log_teacher, divergence;
} row;

static row row_of(const ag_call *c, int64_t i, double temperature)
{
    int64_t classes = ag_shape_last(&c->node->in_shape[0]);
    row r = {.student = c->in[0] + i * classes, .teacher = c->in[1] + i * classes};
    r.log_student = log_sum(r.student, classes, temperature);
    r.log_teacher = log_sum(r.teacher, classes, temperature);
    for (int64_t k = 0; k < classes; k++) {
        double q = (double)r.student[k] / temperature - r.log_student;
        double p = (double)r.teacher[k] / temperature - r.log_teacher;
        r.divergence += exp(p) * (p - q);
    }
    return r;
}

static void forward(const ag_call *c)
{
    double temperature = ((const ag_distillation *)c->attributes)->temperature;
    int64_t rows = ag_shape_rows(&c->node->in_shape[0]);
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0;
        for (int64_t i = s * rows; i < (s + 1) * rows; i++) sum += row_of(c, i, temperature).divergence;
        c->out[0][2 * s] = (ag_real)(temperature * temperature * sum);
        c->out[0][2 * s + 1] = (ag_real)rows;
    }
}

static void backward(const ag_call *c)
{
    double temperature = ((const ag_distillation *)c->attributes)->temperature;
    int64_t rows = ag_shape_rows(&c->node->in_shape[0]), classes = ag_shape_last(&c->node->in_shape[0]);
    for (int64_t i = 0; i < c->samples * rows; i++) {
        row r = row_of(c, i, temperature);
        double factor = temperature * (double)c->dout[0][2 * (i / rows)];
        for (int64_t k = 0; k < classes; k++) {
            double q = (double)r.student[k] / temperature - r.log_student;
            double p = (double)r.teacher[k] / temperature - r.log_teacher;
            if (c->din[0]) c->din[0][i * classes + k] += (ag_real)(factor * (exp(q) - exp(p)));
            if (c->din[1]) c->din[1][i * classes + k] += (ag_real)(factor * exp(p) * (p - q - r.divergence));
        }
    }
}

const ag_op ag_op_distillation = {
    .name = "distillation",
    .doc = "divergence of a student's logits from a teacher's at a temperature",
    .attributes_size = sizeof(ag_distillation),
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
