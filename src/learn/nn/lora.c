// SPDX-License-Identifier: Apache-2.0
/* lora.c: see lora.h. The additions are summed in double and rounded once. */
#include "learn/nn/lora.h"

#include <string.h>

#include "core/base/str.h"

/* Where the parameter lies that has the name and shape of the row. */
static int counterpart(const ag_model *model, const ag_parameter *row, int64_t *out, ag_err *err)
{
    char is[AG_SHAPE_TEXT], wanted[AG_SHAPE_TEXT];
    int32_t at = ag_graph_parameter_find(model->graph, row->name);
    if (at < 0) return ag_fail(err, AG_EINVAL, "the other model has no parameter '%s'", row->name);
    const ag_parameter *other = ag_graph_parameter_at(model->graph, at);
    if (!ag_shape_equal(&other->shape, &row->shape))
        return ag_fail(err, AG_EINVAL, "parameter '%s' has shape %s here and %s in the other model", row->name,
                       ag_shape_format(&row->shape, is), ag_shape_format(&other->shape, wanted));
    *out = other->offset;
    return 0;
}

int ag_lora_begin(const ag_model *plain, ag_model *adapted, ag_err *err)
{
    for (int32_t i = 0; i < ag_graph_parameters(plain->graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(plain->graph, i);
        int64_t to = 0;
        int rc = counterpart(adapted, row, &to, err);
        if (rc < 0) return rc;
        memcpy(adapted->values + to, plain->values + row->offset, (size_t)row->size * sizeof(ag_real));
    }
    return 0;
}

/* weight += factor * B A */
static void add_product(ag_real *weight, const ag_real *b, const ag_real *a, const ag_shape *shape, int64_t rank,
                        double factor)
{
    int64_t out = shape->at[0], in = shape->at[1];
    for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < in; i++) {
            double sum = 0.0;
            for (int64_t r = 0; r < rank; r++) sum += (double)b[o * rank + r] * (double)a[r * in + i];
            weight[o * in + i] = (ag_real)((double)weight[o * in + i] + factor * sum);
        }
}

int ag_lora_merge(const ag_model *adapted, const ag_adaptation *adaptation, ag_model *plain, ag_err *err)
{
    for (int32_t i = 0; i < ag_graph_parameters(plain->graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(plain->graph, i);
        int64_t from = 0;
        int rc = counterpart(adapted, row, &from, err);
        if (rc < 0) return rc;
        memcpy(plain->values + row->offset, adapted->values + from, (size_t)row->size * sizeof(ag_real));
        char name[300];
        size_t size = strlen(row->name);
        if (row->shape.axes != 2 || size > 250 || !ag_str_ends(ag_str_of(row->name), AG_STR(".weight"))) continue;
        int layer = (int)(size - strlen("weight"));
        ag_format(name, sizeof name, "%.*slora_A.weight", layer, row->name);
        const ag_real *a = ag_model_parameter(adapted, name);
        ag_format(name, sizeof name, "%.*slora_B.weight", layer, row->name);
        const ag_real *b = ag_model_parameter(adapted, name);
        if (a && b)
            add_product(plain->values + row->offset, b, a, &row->shape, adaptation->rank,
                        adaptation->alpha / (double)adaptation->rank);
    }
    return 0;
}
