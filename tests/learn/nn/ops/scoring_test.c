// SPDX-License-Identifier: Apache-2.0
/* Losses of quantiles, heat maps and distillation: against their formulas, written out, and by finite differences. */
#include <math.h>
#include <string.h>

#include "learn/nn/ops/losses.h"
#include "learn/nn/probe.h"

enum { POSITIONS = 6, MAPS = 3 };

typedef struct loss_case {
    const ag_op *op;
    const void *attributes;
    int dropped; /* axes that the target lacks */
} loss_case;

static void add(ag_graph *g, const loss_case *k, bool as_output)
{
    ag_ref y = ag_graph_input(g, "y", ag_shape_of(POSITIONS, MAPS));
    ag_ref t = ag_graph_input(g, "t", k->dropped ? ag_shape_of(POSITIONS) : ag_shape_of(POSITIONS, MAPS));
    ag_ref loss = ag_graph_apply2(g, k->op, "loss", y, t, k->attributes);
    if (as_output)
        ag_graph_output(g, "loss", loss);
    else
        ag_graph_loss(g, loss);
}

static void build(ag_graph *g, const void *config)
{
    add(g, config, false);
}

static void build_output(ag_graph *g, const void *config)
{
    add(g, config, true);
}

static const double levels[] = {0.1, 0.5, 0.9};
static const loss_case quantile = {&ag_op_quantile, &(ag_quantile){levels, 3}, 1};
static const loss_case entropy = {&ag_op_heatmap_entropy, NULL, 0};
static const loss_case focal = {&ag_op_heatmap_focal, &(ag_heatmap_focal){2.0, 4.0}, 0};
static const loss_case distillation = {&ag_op_distillation, &(ag_distillation){3.0}, 0};

/* Heat maps: the second map of every sample has no target, the others one peak of 1. */
static void fill_maps(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    if (strcmp(input, "t") != 0) return;
    for (int64_t i = 0; i < samples * size; i++) {
        int64_t p = i / MAPS % POSITIONS, peak = (i / size + i % MAPS) % POSITIONS;
        values[i] = i % MAPS == 1 ? 0 : ag_exp(-(ag_real)((p - peak) * (p - peak)) / 2);
    }
}

AG_TEST(test_scoring__gradients)
{
    ag_check_graph(&(ag_check){.build = build, .config = &quantile, .most = 40});
    ag_check_graph(&(ag_check){.build = build, .config = &distillation, .most = 40});
    ag_check_graph(&(ag_check){.build = build, .config = &entropy, .fill = fill_maps, .constant = "t", .most = 40});
    ag_check_graph(&(ag_check){.build = build, .config = &focal, .fill = fill_maps, .constant = "t", .most = 40});
}

static void positive(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    (void)input;
    for (int64_t i = 0; i < samples * size; i++) values[i] = ag_fabs(values[i]) + AG_R(0.1);
}

AG_TEST(test_scoring__targets_of_maps_have_gradients)
{
    ag_check_graph(&(ag_check){.build = build, .config = &entropy, .fill = positive, .most = 40});
}

AG_TEST(test_scoring__quantile_is_its_formula)
{
    probe p = probe_run(build_output, &quantile, 2, NULL);
    for (int s = 0; s < 2; s++) {
        double sum = 0.0;
        for (int i = 0; i < POSITIONS * MAPS; i++) {
            double d = (double)p.in[1][s * POSITIONS + i / MAPS] - (double)p.in[0][s * POSITIONS * MAPS + i];
            sum += fmax(levels[i % MAPS] * d, (levels[i % MAPS] - 1.0) * d);
        }
        ag_check_near((double)p.out[0][2 * s], sum, probe_near(), "quantile");
        assert_true(p.out[0][2 * s + 1] == POSITIONS * MAPS);
    }
    probe_free(&p);
}

/* ln of the probability of position `at` of a map, at a temperature. */
static double log_softmax(const ag_real *y, int count, int step, int at, double temperature)
{
    double sum = 0.0;
    for (int p = 0; p < count; p++) sum += exp((double)y[p * step] / temperature);
    return (double)y[at * step] / temperature - log(sum);
}

AG_TEST(test_scoring__heat_maps_are_their_formulas)
{
    probe p = probe_run(build_output, &entropy, 2, fill_maps), q = probe_run(build_output, &focal, 2, fill_maps);
    for (int s = 0; s < 2; s++) {
        const ag_real *y = p.in[0] + s * POSITIONS * MAPS, *t = p.in[1] + s * POSITIONS * MAPS;
        double soft = 0.0, points = 0.0;
        for (int i = 0; i < POSITIONS * MAPS; i++) {
            double total = 0.0, probability = 1.0 / (1.0 + exp(-(double)y[i]));
            for (int k = 0; k < POSITIONS; k++) total += (double)t[k * MAPS + i % MAPS];
            if (total > 0.0) soft -= (double)t[i] / total * log_softmax(y + i % MAPS, POSITIONS, MAPS, i / MAPS, 1.0);
            points -= t[i] >= 1 ? pow(1.0 - probability, 2.0) * log(probability)
                                : pow(1.0 - (double)t[i], 4.0) * pow(probability, 2.0) * log(1.0 - probability);
        }
        ag_check_near((double)p.out[0][2 * s], soft, probe_near(), "entropy");
        ag_check_near((double)q.out[0][2 * s], points, probe_near(), "focal");
        assert_true(p.out[0][2 * s + 1] == 2 && q.out[0][2 * s + 1] == 2);
    }
    probe_free(&p);
    probe_free(&q);
}

AG_TEST(test_scoring__distillation_is_its_formula)
{
    probe p = probe_run(build_output, &distillation, 2, NULL);
    for (int s = 0; s < 2; s++) {
        double sum = 0.0;
        for (int i = 0; i < POSITIONS * MAPS; i++) {
            int row = (s * POSITIONS + i / MAPS) * MAPS;
            double student = log_softmax(p.in[0] + row, MAPS, 1, i % MAPS, 3.0);
            double teacher = log_softmax(p.in[1] + row, MAPS, 1, i % MAPS, 3.0);
            sum += 9.0 * exp(teacher) * (teacher - student);
        }
        ag_check_near((double)p.out[0][2 * s], sum, probe_near(), "distillation");
        assert_true(p.out[0][2 * s + 1] == POSITIONS);
    }
    probe_free(&p);
}

static void build_argmax(ag_graph *g, const void *config)
{
    ag_ref y = ag_graph_input(g, "y", ag_shape_of(POSITIONS, MAPS));
    ag_graph_output(g, "at", ag_graph_apply1(g, &ag_op_soft_argmax, "argmax", y, config));
}

AG_TEST(test_scoring__soft_argmax)
{
    ag_soft_argmax a = {10.0, 0.5};
    probe p = probe_run(build_argmax, &a, 2, NULL);
    for (int i = 0; i < 2 * MAPS; i++) {
        const ag_real *y = p.in[0] + i / MAPS * POSITIONS * MAPS + i % MAPS;
        double mean = 10.0;
        for (int k = 0; k < POSITIONS; k++) mean += 0.5 * k * exp(log_softmax(y, POSITIONS, MAPS, k, 1.0));
        ag_check_near((double)p.out[0][i], mean, probe_near(), "soft argmax");
    }
    probe_free(&p);
    ag_check_graph(&(ag_check){.build = build_argmax, .config = &a, .most = 40});
}

AG_TEST(test_scoring__what_cannot_be_is_refused)
{
    static const double wrong[] = {0.1, 1.0, 0.9};
    loss_case k = {&ag_op_quantile, &(ag_quantile){wrong, 3}, 1};
    ag_check_refused(build, &k, "loss: level 1 is not in (0, 1)");
    k.attributes = &(ag_quantile){wrong, 2};
    ag_check_refused(build, &k, "loss: 3 predictions do not fit 2 levels");
    k = (loss_case){&ag_op_distillation, &(ag_distillation){0.0}, 0};
    ag_check_refused(build, &k, "loss: temperature 0 is not in");
    k = (loss_case){&ag_op_heatmap_focal, &(ag_heatmap_focal){-1.0, 4.0}, 0};
    ag_check_refused(build, &k, "loss: alpha and beta must not be negative");
    k = (loss_case){&ag_op_heatmap_entropy, NULL, 1};
    ag_check_refused(build, &k, "loss: the target has shape [6], but [6, 3] is needed");
}
