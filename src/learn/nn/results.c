// SPDX-License-Identifier: Apache-2.0
/* results.c: see results.h.
 * Owns an array for each output that computed results are made of; the exec writes there while such a result is bound,
 * unless the caller has bound that output to an array of his own, which is read then. One thread at a time, as exec. */
#include "learn/nn/results.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"

enum { LOCATION = AG_DISTRIBUTION_PARAMETERS, SCALE, PARTS };
enum { MOST_DRAWS = 1000000, MOST_NAME = 40 };

typedef struct part {          /* an output that results are computed from */
    const ag_graph_port *port; /* NULL: not needed */
    ag_real *own, *given;
} part;

typedef struct binding {
    char name[MOST_NAME]; /* a copy: the caller's may be gone */
    ag_result result;     /* its own name is not used */
    ag_real *values;
} binding;

struct ag_results {
    const ag_graph *graph;
    ag_predictive predictive;
    ag_exec *exec;
    part parts[PARTS];
    binding bindings[AG_RESULTS_MOST];
    int count;
    int64_t bytes;
};

ag_predictive ag_predictive_of(const ag_architecture *architecture, const void *configuration)
{
    return architecture->predictive ? architecture->predictive(configuration) : (ag_predictive){0};
}

/* ---- names ---- */

static const ag_graph_port *part_port(const ag_graph *graph, const ag_predictive *predictive, int index)
{
    char name[64];
    if (index >= LOCATION)
        snprintf(name, sizeof name, "%s", index == LOCATION ? "loc" : "scale");
    else
        snprintf(name, sizeof name, "%s.%d", predictive->outputs, index);
    bool needed = index < LOCATION ? index < predictive->distribution->parameters : predictive->scaled;
    int32_t at = needed ? ag_graph_output_find(graph, name) : -1;
    return at < 0 ? NULL : ag_graph_output_at(graph, at);
}

static int unknown(const ag_predictive *predictive, const char *name, ag_err *err)
{
    ag_fail(err, AG_ENOTFOUND, "the model has no output '%s'", name);
    if (!predictive->distribution) return ag_err_hint(err, "auger model inspect lists them");
    return ag_err_hint(err, "auger model inspect lists them; there are also mean, quantile:Q and samples:N");
}

static int computed(const ag_graph *graph, const ag_predictive *predictive, const char *name, ag_result *out,
                    ag_err *err)
{
    ag_str text = ag_str_of(name);
    const ag_graph_port *first = predictive->distribution ? part_port(graph, predictive, 0) : NULL;
    ag_result result = {.name = name, .draws = 1};
    if (!first) return unknown(predictive, name, err);
    if (strlen(name) >= MOST_NAME)
        return ag_fail(err, AG_EINVAL, "'%.60s' is longer than %d bytes", name, MOST_NAME - 1);
    if (ag_str_is(text, "mean")) {
        result.kind = AG_RESULT_MEAN;
    } else if (strncmp(name, "quantile:", 9) == 0) {
        result.kind = AG_RESULT_QUANTILE;
        if (!ag_str_to_double(ag_str_of(name + 9), &result.q) || !(result.q > 0.0 && result.q < 1.0))
            return ag_fail(err, AG_EINVAL, "'%s': a quantile stands between 0 and 1, as quantile:0.9", name);
    } else if (ag_str_is(text, "samples") || strncmp(name, "samples:", 8) == 0) {
        result.kind = AG_RESULT_SAMPLES;
        result.draws = predictive->samples;
        if (name[7] &&
            (!ag_str_to_int(ag_str_of(name + 8), &result.draws) || result.draws < 1 || result.draws > MOST_DRAWS))
            return ag_fail(err, AG_EINVAL, "'%s': 1 to %d samples can be drawn, as samples:100", name, MOST_DRAWS);
    } else {
        return unknown(predictive, name, err);
    }
    result.shape = first->shape;
    if (result.kind == AG_RESULT_SAMPLES) {
        memmove(result.shape.at + 1, first->shape.at, (size_t)first->shape.axes * sizeof first->shape.at[0]);
        result.shape.at[0] = result.draws;
        result.shape.axes++;
    }
    result.size = result.draws * first->size;
    *out = result;
    return 0;
}

int ag_result_find(const ag_graph *graph, const ag_predictive *predictive, const char *name, ag_result *out,
                   ag_err *err)
{
    if (!name && predictive->distribution) return computed(graph, predictive, "mean", out, err);
    int32_t at = name ? ag_graph_output_find(graph, name) : 0;
    if (at < 0) return computed(graph, predictive, name, out, err);
    const ag_graph_port *port = ag_graph_output_at(graph, at);
    *out = (ag_result){.kind = AG_RESULT_OUTPUT, .name = port->name, .shape = port->shape, .size = port->size};
    return 0;
}

/* ---- bindings ---- */

int ag_results_new(const ag_graph *graph, const ag_predictive *predictive, ag_exec *exec, ag_results **out, ag_err *err)
{
    int rc = 0;
    ag_results *results = ag_calloc(1, sizeof *results);
    if (!results) return ag_fail_memory(err, sizeof *results);
    *results = (ag_results){.graph = graph, .predictive = *predictive, .exec = exec};
    for (int i = 0; predictive->distribution && i < PARTS && rc >= 0; i++) {
        part *p = &results->parts[i];
        if (!(p->port = part_port(graph, predictive, i))) continue;
        size_t count = (size_t)(p->port->size * ag_exec_plan(exec)->options.max_samples);
        results->bytes += (int64_t)(count * sizeof *p->own);
        if (!(p->own = ag_alloc_array(count, sizeof *p->own))) rc = ag_fail_memory(err, count * sizeof *p->own);
    }
    if (rc >= 0)
        *out = results;
    else
        ag_results_free(results);
    return rc;
}

void ag_results_free(ag_results *results)
{
    if (!results) return;
    for (int i = 0; i < PARTS; i++) ag_free(results->parts[i].own);
    ag_free(results);
}

int64_t ag_results_bytes(const ag_results *results)
{
    return results->bytes;
}

/* Tells the exec where the parts go. */
static int settle(ag_results *r, ag_err *err)
{
    int rc = 0;
    for (int i = 0; i < PARTS && rc >= 0; i++) {
        const part *p = &r->parts[i];
        if (!p->port) continue;
        rc = ag_exec_output(r->exec, p->port->name, p->given ? p->given : r->count ? p->own : NULL, err);
    }
    return rc;
}

static int bind_computed(ag_results *r, const ag_result *result, ag_real *values, ag_err *err)
{
    int at = 0;
    while (at < r->count && strcmp(r->bindings[at].name, result->name) != 0) at++;
    if (values && at == AG_RESULTS_MOST)
        return ag_fail(err, AG_ELIMIT, "more than %d computed results are bound", AG_RESULTS_MOST);
    if (values) {
        r->bindings[at] = (binding){.result = *result, .values = values};
        ag_format(r->bindings[at].name, MOST_NAME, "%s", result->name);
        if (at == r->count) r->count++;
    } else if (at < r->count) {
        r->bindings[at] = r->bindings[--r->count];
    }
    return settle(r, err);
}

/* The number of the part that is the output of that name; PARTS: none. */
static int part_named(const ag_results *r, const char *name)
{
    int i = 0;
    while (i < PARTS && !(r->parts[i].port && strcmp(r->parts[i].port->name, name) == 0)) i++;
    return i;
}

int ag_results_bind(ag_results *r, const char *name, ag_real *values, ag_err *err)
{
    ag_result result;
    int rc = ag_result_find(r->graph, &r->predictive, name, &result, err);
    if (rc < 0) return rc;
    if (result.kind != AG_RESULT_OUTPUT) return bind_computed(r, &result, values, err);
    int at = part_named(r, name);
    if (at == PARTS) return ag_exec_output(r->exec, name, values, err);
    r->parts[at].given = values;
    return settle(r, err);
}

ag_real *ag_results_bound(const ag_results *r, const char *name)
{
    for (int i = 0; i < r->count; i++)
        if (strcmp(r->bindings[i].name, name) == 0) return r->bindings[i].values;
    int number = part_named(r, name);
    if (number < PARTS) return r->parts[number].given;
    int32_t at = ag_graph_output_find(r->graph, name);
    return at < 0 ? NULL : ag_exec_output_bound(r->exec, at);
}

int ag_results_shift(ag_results *r, int64_t samples, ag_err *err)
{
    int rc = 0;
    for (int32_t i = 0; i < ag_graph_outputs(r->graph) && rc >= 0; i++) {
        const ag_graph_port *port = ag_graph_output_at(r->graph, i);
        ag_real *values = ag_results_bound(r, port->name);
        if (values) rc = ag_results_bind(r, port->name, values + samples * port->size, err);
    }
    for (int i = 0; i < r->count; i++) r->bindings[i].values += samples * r->bindings[i].result.size;
    return rc;
}

/* ---- computing ---- */

static const ag_real *data(const part *p)
{
    return p->given ? p->given : p->own;
}

/* One element of one sample. */
static double value(const ag_results *r, const ag_result *result, int64_t sample, int64_t element, ag_rng *rng)
{
    const ag_distribution *d = r->predictive.distribution;
    const part *location = &r->parts[LOCATION], *scale = &r->parts[SCALE];
    double p[AG_DISTRIBUTION_PARAMETERS], shift = 0.0, factor = 1.0;
    for (int i = 0; i < d->parameters; i++)
        p[i] = (double)data(&r->parts[i])[sample * r->parts[i].port->size + element];
    if (location->port && scale->port) {
        int64_t channel = sample * scale->port->size + element % scale->port->size;
        shift = (double)data(location)[channel];
        factor = (double)data(scale)[channel];
    }
    double own = result->kind == AG_RESULT_MEAN       ? d->mean(p)
                 : result->kind == AG_RESULT_QUANTILE ? d->quantile(p, result->q)
                                                      : d->draw(p, rng);
    return shift + factor * own;
}

static void compute(const ag_results *r, const binding *b, const ag_device_run *run)
{
    int64_t size = r->parts[0].port->size, draws = b->result.draws;
    ag_rng base = ag_rng_stream(run->seed, "samples"), step = ag_rng_child(&base, run->step);
    for (int64_t s = 0; s < run->samples; s++) {
        ag_rng own = ag_rng_child(&step, (uint64_t)(run->first_sample + s));
        for (int64_t n = 0; n < draws; n++) {
            ag_rng rng = ag_rng_child(&own, (uint64_t)n);
            for (int64_t i = 0; i < size; i++)
                b->values[(s * draws + n) * size + i] = (ag_real)value(r, &b->result, s, i, &rng);
        }
    }
}

int ag_results_run(ag_results *r, ag_device_run *run, ag_err *err)
{
    int rc = ag_exec_run(r->exec, run, err);
    for (int i = 0; i < r->count && rc >= 0; i++) compute(r, &r->bindings[i], run);
    return rc;
}
