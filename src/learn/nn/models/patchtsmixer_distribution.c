// SPDX-License-Identifier: Apache-2.0
/* patchtsmixer_distribution.c: heads that give the parameters of a distribution: which ones, in which order, how the
 * linear layers' numbers are brought into their domain, and the likelihood that training follows. */
#include <float.h>
#include <stdio.h>

#include "learn/nn/models/patchtsmixer_parts.h"
#include "learn/nn/ops/affine.h"

typedef enum domain { RAW, POSITIVE, NOT_TINY, ABOVE_TWO } domain;

static const struct {
    int parameters;
    domain domains[AG_MIXER_MAX_PARAMETERS];
    const ag_op *likelihood;
} distributions[] = {
    [AG_MIXER_STUDENT_T] = {3,
                            {ABOVE_TWO, RAW, NOT_TINY},
                            &ag_op_nll_student_t},               /* degrees of freedom, location, scale */
    [AG_MIXER_NORMAL] = {2, {RAW, NOT_TINY}, &ag_op_nll_normal}, /* location, scale */
    [AG_MIXER_NEGATIVE_BINOMIAL] = {2, {POSITIVE, RAW}, &ag_op_nll_negative_binomial}, /* failures, log-odds */
};

static ag_ref bring_into(const mixer_build *b, ag_ref x, domain into)
{
    /* The least scale is the float's epsilon, also where we compute in double: there it is their formula, not rounding.
     */
    static const ag_squareplus maps[] = {
        [POSITIVE] = {0.0, 0.0}, [NOT_TINY] = {FLT_EPSILON, 0.0}, [ABOVE_TWO] = {0.0, 2.0}};
    return into == RAW ? x : ag_graph_apply1(b->graph, &ag_op_squareplus, "domain", x, &maps[into]);
}

int ag_mixer_distribution(const mixer_build *b, ag_ref x, const char *name, int64_t out,
                          ag_ref parameters[AG_MIXER_MAX_PARAMETERS])
{
    int which = b->config->distribution_output, count = distributions[which].parameters;
    ag_graph_push(b->graph, "%s", name);
    for (int i = 0; i < count; i++) {
        char layer[24];
        snprintf(layer, sizeof layer, "proj.%d", i);
        parameters[i] = bring_into(b, ag_mixer_linear(b, x, layer, out), distributions[which].domains[i]);
    }
    ag_graph_pop(b->graph);
    return count;
}

void ag_mixer_show(const mixer_build *b, const char *name, const ag_ref *parameters, int count)
{
    for (int i = 0; i < count; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s.%d", name, i);
        ag_graph_output(b->graph, full, parameters[i]);
    }
}

void ag_mixer_likelihood(const mixer_build *b, const ag_ref *parameters, ag_ref target, ag_ref location, ag_ref scale)
{
    int which = b->config->distribution_output, count = distributions[which].parameters;
    ag_ref in[AG_MIXER_MAX_PARAMETERS + 3];
    for (int i = 0; i < count; i++) in[i] = parameters[i];
    in[count] = target;
    in[count + 1] = location;
    in[count + 2] = scale;
    int inputs = location.index ? count + 3 : count + 1;
    ag_graph_loss(b->graph, ag_graph_apply(b->graph, distributions[which].likelihood, "loss", in, inputs, NULL));
}
