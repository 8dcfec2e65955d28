// SPDX-License-Identifier: Apache-2.0
/* ema.c: see ema.h. */
#include "learn/nn/optim/ema.h"

#include <string.h>

#include "core/base/mem.h"

struct ag_ema {
    const ag_graph *graph;
    double decay;
    int64_t updates;
    ag_real *values;
};

int ag_ema_new(const ag_graph *graph, double decay, ag_ema **out, ag_err *err)
{
    if (!(decay >= 0.0 && decay < 1.0)) return ag_fail(err, AG_EINVAL, "the decay %g is not in [0, 1)", decay);
    size_t bytes = (size_t)(ag_graph_flat_size(graph) + AG_REAL_ALIGN) * sizeof(ag_real);
    ag_ema *ema = ag_calloc(1, sizeof *ema);
    ag_real *values = ag_alloc_aligned(64, bytes);
    if (!ema || !values) {
        ag_free(ema);
        ag_free(values);
        return ag_fail_memory(err, bytes);
    }
    memset(values, 0, bytes);
    *ema = (ag_ema){graph, decay, 0, values};
    *out = ema;
    return 0;
}

void ag_ema_free(ag_ema *ema)
{
    if (!ema) return;
    ag_free(ema->values);
    ag_free(ema);
}

void ag_ema_update(ag_ema *ema, const ag_real *values)
{
    ag_real rest = (ag_real)(ema->updates ? 1.0 - ema->decay : 1.0);
    for (int32_t p = 0; p < ag_graph_parameters(ema->graph); p++) {
        const ag_parameter *row = ag_graph_parameter_at(ema->graph, p);
        ag_real *to = ema->values + row->offset;
        const ag_real *from = values + row->offset;
        if (!row->trainable)
            memcpy(to, from, (size_t)row->size * sizeof *to);
        else
            for (int64_t i = 0; i < row->size; i++) to[i] += rest * (from[i] - to[i]); /* equal ones stay as they are */
    }
    ema->updates++;
}

ag_real *ag_ema_values(ag_ema *ema)
{
    return ema->values;
}

int64_t ag_ema_updates(const ag_ema *ema)
{
    return ema->updates;
}

void ag_ema_set_updates(ag_ema *ema, int64_t updates)
{
    ema->updates = updates;
}
