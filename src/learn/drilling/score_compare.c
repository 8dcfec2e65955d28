// SPDX-License-Identifier: Apache-2.0
/* score_compare.c: two sets of answers to the same holes. Pairs are holes, so what makes a hole hard for both does not
 * count as noise. A draw of the bootstrap takes as many pairs as there are, with repetition; word d of its stream and
 * place i are all it depends on. p is twice the smaller share of draws on either side of no difference, with one draw
 * added to both, so that it is never 0; and never less than what so few pairs can tell: that n of them all lie on one
 * side happens by chance once in 2^(n-1) times, but every draw of one pair is that pair. */
#include <math.h>

#include "core/base/median.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "learn/drilling/score_parts.h"

int ag_score_bootstrap(const double *a, const double *b, size_t count, uint64_t seed, size_t draws,
                       ag_score_paired *out, ag_err *err)
{
    ag_rng stream = ag_rng_stream(seed, "paired bootstrap");
    size_t above = 0, below = 0;
    double sum_a = 0, sum_b = 0;
    *out =
        (ag_score_paired){.pairs = count, .mae = NAN, .baseline = NAN, .gain = NAN, .low = NAN, .high = NAN, .p = NAN};
    if (count == 0 || draws == 0) return AG_OK;
    double *means = ag_alloc_array(draws, sizeof *means);
    if (!means) return ag_fail_memory(err, draws * sizeof *means);
    for (size_t i = 0; i < count; i++) {
        sum_a += a[i];
        sum_b += b[i];
        out->better += a[i] < b[i];
        out->worse += a[i] > b[i];
    }
    for (size_t d = 0; d < draws; d++) {
        ag_rng rng = ag_rng_child(&stream, d);
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            size_t k = (size_t)ag_rng_below(&rng, count);
            sum += b[k] - a[k];
        }
        means[d] = sum / (double)count;
        above += means[d] >= 0;
        below += means[d] <= 0;
    }
    ag_score_sort(means, draws);
    out->mae = sum_a / (double)count;
    out->baseline = sum_b / (double)count;
    out->gain = out->baseline - out->mae;
    out->low = ag_percentile(means, draws, 0.025);
    out->high = ag_percentile(means, draws, 0.975);
    out->p = fmin(1.0, 2.0 * (double)((above < below ? above : below) + 1) / (double)(draws + 1));
    out->p = fmax(out->p, exp2(1.0 - (double)count));
    ag_free(means);
    return AG_OK;
}

static void count_failures(const ag_known *known, const ag_prediction *said, const ag_score_options *options,
                           size_t *failed, size_t *abstained, size_t *false_numbers)
{
    ag_score_verdict v;
    ag_score_judge(known, said, options, &v);
    *failed += v.failed;
    *abstained += v.known && !v.answered;
    *false_numbers += v.false_number;
}

static size_t pair_up(const ag_score_case *const *cases, const ag_prediction *const *baseline, size_t count, int depth,
                      double *a, double *b)
{
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++) {
        ag_score_verdict mine, theirs;
        ag_score_judge(&cases[i]->known, &cases[i]->said, NULL, &mine);
        ag_score_judge(&cases[i]->known, baseline[i], NULL, &theirs);
        if (isnan(mine.error[depth]) || isnan(theirs.error[depth])) continue;
        a[pairs] = fabs(mine.error[depth]);
        b[pairs++] = fabs(theirs.error[depth]);
    }
    return pairs;
}

int ag_score_compare(const ag_score_case *const *cases, const ag_prediction *const *baseline, size_t count,
                     const ag_score_options *options, ag_arena *arena, ag_score_comparison *out, ag_err *err)
{
    ag_score_options o = ag_score_defaults(options);
    ag_score_comparison c = {.name = "all"};
    int rc = AG_OK;
    double *a = ag_arena_array(arena, count + 1, 2 * sizeof *a), *b = a ? a + count + 1 : NULL;
    if (!a) return ag_fail_memory(err, count * 2 * sizeof *a);
    for (size_t i = 0; i < count; i++) {
        c.known += cases[i]->known.outcome != AG_LABEL_NONE;
        count_failures(&cases[i]->known, &cases[i]->said, &o, &c.failed, &c.abstained, &c.false_numbers);
        ag_known held = ag_score_without(&cases[i]->known, o.silent);
        count_failures(&held, baseline[i], &o, &c.baseline_failed, &c.baseline_abstained, &c.baseline_false_numbers);
    }
    for (int depth = 0; rc == AG_OK && depth < AG_SCORE_DEPTHS; depth++) {
        size_t pairs = pair_up(cases, baseline, count, depth, a, b);
        rc = ag_score_bootstrap(a, b, pairs, o.seed, o.draws, &c.depth[depth], err);
    }
    if (rc == AG_OK) *out = c;
    return rc;
}
