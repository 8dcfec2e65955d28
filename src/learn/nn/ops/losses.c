// SPDX-License-Identifier: Apache-2.0
/* losses.c: see losses.h. */
#include "learn/nn/ops/losses.h"

#include "learn/nn/ops/shapes.h"

int ag_pair_shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the prediction", err)) < 0 || (rc = ag_need_sample(s, 1, "the target", err)) < 0)
        return rc;
    s->out[0] = ag_shape_of(2);
    return ag_need_shape(s, 1, "the target", s->in[0], err);
}

double ag_pair_cost(const ag_node *node)
{
    return 4.0 * (double)ag_in_size(node, 0);
}
