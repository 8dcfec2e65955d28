// SPDX-License-Identifier: Apache-2.0
/* shapes.c: see shapes.h. */
#include "learn/nn/ops/shapes.h"

int ag_need_sample(const ag_shaping *shaping, int index, const char *what, ag_err *err)
{
    if (index >= shaping->inputs || !shaping->present[index]) return ag_fail(err, AG_EINVAL, "%s is missing", what);
    if (!shaping->per_sample[index]) return ag_fail(err, AG_EINVAL, "%s must be a value, not a parameter", what);
    return 0;
}

int ag_need_parameter(const ag_shaping *shaping, int index, const char *what, ag_err *err)
{
    if (index >= shaping->inputs || !shaping->present[index]) return ag_fail(err, AG_EINVAL, "%s is missing", what);
    if (shaping->per_sample[index]) return ag_fail(err, AG_EINVAL, "%s must be a parameter", what);
    return 0;
}

int ag_need_shape(const ag_shaping *shaping, int index, const char *what, ag_shape wanted, ag_err *err)
{
    char is[AG_SHAPE_TEXT], should[AG_SHAPE_TEXT];
    if (index >= shaping->inputs || !shaping->present[index]) return ag_fail(err, AG_EINVAL, "%s is missing", what);
    if (ag_shape_equal(&shaping->in[index], &wanted)) return 0;
    return ag_fail(err, AG_EINVAL, "%s has shape %s, but %s is needed", what, ag_shape_format(&shaping->in[index], is),
                   ag_shape_format(&wanted, should));
}

int ag_need_axes(const ag_shaping *shaping, int index, const char *what, int least, ag_err *err)
{
    char is[AG_SHAPE_TEXT];
    if (index >= shaping->inputs || !shaping->present[index]) return ag_fail(err, AG_EINVAL, "%s is missing", what);
    if (shaping->in[index].axes >= least) return 0;
    return ag_fail(err, AG_EINVAL, "%s has shape %s, but at least %d axes are needed", what,
                   ag_shape_format(&shaping->in[index], is), least);
}

int64_t ag_in_size(const ag_node *node, int index)
{
    return ag_shape_size(&node->in_shape[index]);
}

int64_t ag_out_size(const ag_node *node, int index)
{
    return ag_shape_size(&node->out_shape[index]);
}

int64_t ag_shape_last(const ag_shape *shape)
{
    return shape->axes ? shape->at[shape->axes - 1] : 1;
}

int64_t ag_shape_rows(const ag_shape *shape)
{
    return ag_shape_span(shape, 0, shape->axes ? shape->axes - 1 : 0);
}
