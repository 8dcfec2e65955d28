// SPDX-License-Identifier: Apache-2.0
/* Attention against its formula, written out, with masks, other keys and several groups; and by finite differences. */
#include <math.h>
#include <string.h>

#include "learn/nn/layers.h"
#include "learn/nn/ops/attention.h"
#include "learn/nn/probe.h"

enum { GROUPS = 2, QUERIES = 3, KEYS = 5, WIDTH = 6, HEADS = 2 };

typedef struct attention_case {
    ag_attention attributes;
    int mask_axes; /* 0: none */
    bool parameter;
} attention_case;

static void build(ag_graph *g, const void *config)
{
    const attention_case *k = config;
    ag_ref in[4] = {ag_graph_input(g, "q", ag_shape_of(GROUPS, QUERIES, WIDTH)),
                    ag_graph_input(g, "k", ag_shape_of(GROUPS, KEYS, WIDTH)),
                    ag_graph_input(g, "v", ag_shape_of(GROUPS, KEYS, WIDTH))};
    ag_shape mask = k->mask_axes == 1 ? ag_shape_of(KEYS) : ag_shape_of(QUERIES, KEYS);
    if (k->mask_axes && k->parameter) in[3] = ag_graph_frozen(g, "mask", mask, ag_init_constant(1));
    if (k->mask_axes && !k->parameter) in[3] = ag_graph_input(g, "mask", mask);
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_attention, "attention", in, 4, &k->attributes));
}

/* Hides everything from the second query of the first sample. */
static void fill(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    if (strcmp(input, "mask") != 0) return;
    for (int64_t i = 0; i < samples * size; i++) values[i] = (i * 7 % 3) != 0;
    for (int64_t i = KEYS; size > KEYS && i < 2 * KEYS; i++) values[i] = 0;
}

static bool seen(const probe *p, const attention_case *k, int64_t s, int64_t query, int64_t key)
{
    if (k->attributes.causal && key > query) return false;
    if (!k->mask_axes || k->parameter) return true;
    if (k->mask_axes == 1) return p->in[3][s * KEYS + key] != 0;
    return p->in[3][(s * QUERIES + query) * KEYS + key] != 0;
}

static double attend(const probe *p, const attention_case *k, int64_t group, int64_t query, int64_t feature)
{
    int64_t head = WIDTH / HEADS, first = feature / head * head;
    double total = 0.0, sum = 0.0;
    for (int64_t key = 0; key < KEYS; key++) {
        double score = 0.0;
        if (!seen(p, k, group / GROUPS, query, key)) continue;
        for (int64_t i = first; i < first + head; i++)
            score += (double)p->in[0][(group * QUERIES + query) * WIDTH + i] *
                     (double)p->in[1][(group * KEYS + key) * WIDTH + i];
        double weight = exp(score / sqrt((double)head));
        total += weight;
        sum += weight * (double)p->in[2][(group * KEYS + key) * WIDTH + feature];
    }
    return total > 0.0 ? sum / total : 0.0;
}

static const attention_case cases[] = {
    {{HEADS, 0.0, false}, 0, false}, {{HEADS, 0.0, true}, 0, false}, {{HEADS, 0.0, false}, 1, false},
    {{HEADS, 0.0, true}, 2, false},  {{HEADS, 0.0, false}, 1, true},
};

AG_TEST(test_attention__is_its_formula)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        probe p = probe_run(build, &cases[i], 3, fill);
        for (int64_t n = 0; n < (int64_t)3 * GROUPS * QUERIES * WIDTH; n++)
            ag_check_near((double)p.out[0][n],
                          attend(&p, &cases[i], n / (QUERIES * WIDTH), n / WIDTH % QUERIES, n % WIDTH), probe_near(),
                          "attention");
        probe_free(&p);
    }
}

AG_TEST(test_attention__gradients)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        attention_case k = cases[i];
        k.attributes.dropout = i % 2 ? 0.3 : 0.0;
        ag_check_graph(&(ag_check){.build = build, .config = &k, .fill = fill, .constant = "mask", .samples = 3});
    }
}

AG_TEST(test_attention__refusals_name_the_layer)
{
    attention_case k = {{4, 0.0, false}, 0, false};
    ag_check_refused(build, &k, "attention: a width of 6 cannot be shared by 4 heads");
    k = (attention_case){{2, 1.0, false}, 0, false};
    ag_check_refused(build, &k, "attention: dropout 1 is not in [0, 1)");
}
