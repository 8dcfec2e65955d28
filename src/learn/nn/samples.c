// SPDX-License-Identifier: Apache-2.0
/* samples.c: the order of an epoch, and the buffers between a source and a model. Numbers are checked where they enter:
 * one that is not finite would show itself as a broken loss many layers later, and nobody could tell which sample
 * brought it. */
#include "learn/nn/samples.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "learn/nn/exec.h"

void ag_samples_order(uint64_t seed, int64_t epoch, int64_t count, int64_t *order)
{
    ag_rng stream = ag_rng_stream(seed, "order of samples"), rng = ag_rng_child(&stream, (uint64_t)epoch);
    for (int64_t i = 0; i < count; i++) order[i] = i;
    ag_rng_shuffle(&rng, order, (size_t)count, sizeof *order);
}

static const ag_samples_port *port_of(const ag_samples *samples, const char *name)
{
    for (int i = 0; i < samples->ports_count; i++)
        if (strcmp(samples->ports[i].name, name) == 0) return &samples->ports[i];
    return NULL;
}

static int check_ports(const ag_samples *samples, const ag_graph *graph, ag_err *err)
{
    for (int32_t i = 0; i < ag_graph_inputs(graph); i++) {
        const ag_graph_port *input = ag_graph_input_at(graph, i);
        const ag_samples_port *port = port_of(samples, input->name);
        if (!port && input->optional) continue;
        if (!port)
            return ag_fail(err, AG_EINVAL, "the model wants an input '%s', which %s does not have", input->name,
                           samples->name);
        if (port->size != input->size)
            return ag_fail(err, AG_EINVAL, "input '%s' of the model has %lld numbers per sample, but %s has %lld",
                           input->name, (long long)input->size, samples->name, (long long)port->size);
    }
    return 0;
}

int ag_batch_buffers_init(ag_batch_buffers *buffers, const ag_samples *samples, const ag_graph *graph, int64_t most,
                          ag_err *err)
{
    int rc = check_ports(samples, graph, err);
    if (rc < 0) return rc;
    *buffers = (ag_batch_buffers){.ports = samples->ports_count};
    if (!(buffers->into = ag_calloc((size_t)buffers->ports, sizeof *buffers->into)))
        return ag_fail_memory(err, (size_t)buffers->ports * sizeof *buffers->into);
    for (int i = 0; i < buffers->ports; i++) {
        const ag_samples_port *port = &samples->ports[i];
        size_t bytes;
        if (ag_graph_input_find(graph, port->name) < 0) continue;
        if (__builtin_mul_overflow((size_t)most, (size_t)port->size * sizeof(ag_real), &bytes) ||
            !(buffers->into[i] = ag_alloc_aligned(64, bytes + 64))) {
            ag_batch_buffers_deinit(buffers);
            return ag_fail_memory(err, (size_t)most * (size_t)port->size * sizeof(ag_real));
        }
    }
    return 0;
}

void ag_batch_buffers_deinit(ag_batch_buffers *buffers)
{
    for (int i = 0; i < buffers->ports && buffers->into; i++) ag_free(buffers->into[i]);
    ag_free(buffers->into);
    *buffers = (ag_batch_buffers){0};
}

int ag_batch_buffers_bind(const ag_batch_buffers *buffers, const ag_samples *samples, ag_exec *exec, ag_err *err)
{
    int rc = 0;
    for (int i = 0; i < buffers->ports && rc >= 0; i++)
        if (buffers->into[i]) rc = ag_exec_input(exec, samples->ports[i].name, buffers->into[i], err);
    return rc;
}

/* Whether all are finite: a sum of zeroes unless one is not, which the compiler makes vectors of. */
static bool all_finite(const ag_real *values, int64_t count)
{
    ag_real sum[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (int k = 0; k < 16; k++) sum[k] += values[i + k] * AG_R(0.0);
    for (; i < count; i++) sum[0] += values[i] * AG_R(0.0);
    for (int k = 1; k < 16; k++) sum[0] += sum[k];
    return sum[0] == AG_R(0.0);
}

int ag_batch_fill(const ag_batch_buffers *buffers, const ag_samples *samples, const ag_batch *what, ag_err *err)
{
    ag_batch batch = *what;
    batch.into = buffers->into;
    int rc = samples->fill(samples->state, &batch, err);
    for (int p = 0; p < buffers->ports && rc >= 0; p++) {
        int64_t size = samples->ports[p].size;
        const ag_real *values = buffers->into[p];
        if (!values || all_finite(values, size * batch.count)) continue;
        int64_t i = 0;
        while (isfinite(values[i])) i++;
        rc = ag_fail(err, AG_EINVAL, "%s: sample %lld has a number in '%s' that is not finite", samples->name,
                     (long long)batch.index[i / size], samples->ports[p].name);
        ag_err_hint(err, "find and mend it in the data, or leave that sample out");
    }
    return rc;
}
