// SPDX-License-Identifier: Apache-2.0
/* Scores against numbers worked out by hand; the formulas stand beside them as NumPy would have them. */
#include "learn/drilling/score.h"

#include <math.h>
#include <string.h>

#include "frame/test.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static ag_known known(ag_label_outcome outcome, double entry, double transition, double exit)
{
    return (ag_known){.outcome = outcome, .mm = {entry, transition, exit}, .source = "truth", .weight = 1};
}

static ag_point point(double mm, double half, double confidence)
{
    return (ag_point){.mm = mm, .low = mm - half, .high = mm + half, .confidence = confidence};
}

static ag_prediction said(ag_label_outcome outcome, double entry, double transition, double exit, double confidence)
{
    return (ag_prediction){
        .outcome = outcome,
        .points = {point(entry, 0.1, confidence), point(transition, 0.2, confidence), point(exit, 0.3, confidence)},
        .confidence = confidence,
        .grip_code = isnan(entry) || isnan(exit) ? 0 : (int)ceil((exit - entry - 0.127) / 1.5875)};
}

/* Five holes: two good, one that is far off, air told as air, a seized tool told to have an exit. */
static void five(ag_score_case *c)
{
    memset(c, 0, 5 * sizeof *c);
    c[0].known = known(AG_LABEL_FOUND, 5, 10, 15);
    c[0].said = said(AG_LABEL_FOUND, 5.05, 9.9, 15.2, 0.95);
    c[1].known = known(AG_LABEL_FOUND, 6, 12, 17);
    c[1].said = said(AG_LABEL_FOUND, 5.9, 12.15, 17.25, 0.85);
    c[2].known = known(AG_LABEL_FOUND, 4, 9, 14);
    c[2].said = said(AG_LABEL_FOUND, 4.02, 9.3, 16, 0.85);
    c[3].known = known(AG_LABEL_EMPTY, NAN, NAN, NAN);
    c[3].said = said(AG_LABEL_EMPTY, NAN, NAN, NAN, 1.0);
    c[4].known = known(AG_LABEL_NO_EXIT, 5, NAN, NAN);
    c[4].said = said(AG_LABEL_FOUND, 5, NAN, 12, 0.4);
    for (int i = 0; i < 5; i++) c[i].tool_age = NAN;
}

static void score_of(ag_score_case *cases, size_t count, ag_arena *arena, ag_score *out)
{
    ag_err err = {0};
    const ag_score_case *list[64];
    for (size_t i = 0; i < count; i++) list[i] = &cases[i];
    AG_EXPECT_OK(ag_score_make(list, count, NULL, arena, out, &err));
}

AG_TEST(test_score__counts_are_those_of_the_header)
{
    ag_arena *arena = ag_arena_new(0);
    ag_score_case cases[5];
    ag_score s;
    five(cases);
    score_of(cases, 5, arena, &s);
    assert_int_equal(s.holes, 5);
    assert_int_equal(s.known, 5);
    assert_int_equal(s.answered, 5);
    assert_int_equal(s.abstained, 0);
    assert_int_equal(s.failed, 2); /* 2 mm off; an exit of a seized tool */
    assert_int_equal(s.right, 3);
    assert_int_equal(s.false_numbers, 1);
    assert_int_equal(s.wrong_outcome, 1);
    assert_int_equal(s.missing, 0);
    assert_int_equal(s.extra, 1);
    assert_int_equal(s.far, 1);
    assert_int_equal(s.air, 1);
    assert_int_equal(s.air_right, 1);
    assert_int_equal(s.seized, 1);
    assert_int_equal(s.seized_right, 0);
    ag_arena_free(arena);
}

AG_TEST(test_score__outcomes_are_crossed)
{
    ag_arena *arena = ag_arena_new(0);
    ag_score_case cases[7] = {0};
    ag_score s;
    size_t holes = 0, failed = 0;
    five(cases);
    cases[5].known = known(AG_LABEL_EMPTY, NAN, NAN, NAN);
    cases[5].said = said(AG_LABEL_NONE, NAN, NAN, NAN, 0);
    cases[6].known = known(AG_LABEL_NONE, NAN, NAN, NAN); /* of which nothing is known */
    cases[6].said = said(AG_LABEL_FOUND, 5, NAN, 15, 0.9);
    score_of(cases, 7, arena, &s);
    const ag_score_confusion *c = &s.confusion;
    assert_int_equal(c->holes[AG_LABEL_FOUND][AG_LABEL_FOUND], 3);
    assert_int_equal(c->failed[AG_LABEL_FOUND][AG_LABEL_FOUND], 1); /* 2 mm off */
    assert_int_equal(c->holes[AG_LABEL_EMPTY][AG_LABEL_EMPTY], 1);
    assert_int_equal(c->failed[AG_LABEL_EMPTY][AG_LABEL_EMPTY], 0);
    assert_int_equal(c->holes[AG_LABEL_NO_EXIT][AG_LABEL_FOUND], 1);
    assert_int_equal(c->failed[AG_LABEL_NO_EXIT][AG_LABEL_FOUND], 1);
    assert_int_equal(c->holes[AG_LABEL_EMPTY][AG_LABEL_NONE], 1);
    assert_int_equal(c->failed[AG_LABEL_EMPTY][AG_LABEL_NONE], 0); /* abstaining is no failure */
    for (int is = 0; is < AG_SCORE_OUTCOMES; is++)
        for (int as = 0; as < AG_SCORE_OUTCOMES; as++) {
            holes += c->holes[is][as];
            failed += c->failed[is][as];
        }
    assert_true(holes == s.known && failed == s.failed);
    ag_arena_free(arena);
}

AG_TEST(test_score__errors_are_numpys)
{
    ag_arena *arena = ag_arena_new(0);
    ag_score_case cases[5];
    ag_score s;
    five(cases);
    score_of(cases, 5, arena, &s);
    const ag_score_error *e = &s.error[AG_SCORE_ENTRY]; /* e = [0.05, -0.1, 0.02, 0], y = [5, 6, 4, 5] */
    assert_int_equal(e->count, 4);
    NEAR(e->bias, (0.05 - 0.1 + 0.02) / 4);                           /* e.mean() */
    NEAR(e->mae, (0.05 + 0.1 + 0.02) / 4);                            /* abs(e).mean() */
    NEAR(e->rmse, sqrt((0.05 * 0.05 + 0.1 * 0.1 + 0.02 * 0.02) / 4)); /* sqrt((e**2).mean()) */
    NEAR(e->r2, 1 - (0.05 * 0.05 + 0.1 * 0.1 + 0.02 * 0.02) / 2);     /* 1 - (e**2).sum() / ((y - y.mean())**2).sum() */
    NEAR(e->median, 0.035);                                           /* percentile(abs(e), 50): [0 .02 .05 .1] */
    NEAR(e->p95, 0.05 + 0.85 * 0.05);                                 /* place 0.95 * 3 = 2.85 */
    NEAR(e->most, 0.1);
    NEAR(e->within[0], 1.0);
    e = &s.error[AG_SCORE_EXIT]; /* e = [0.2, 0.25, 2]: the failure is in it; the seized hole has no truth */
    assert_int_equal(e->count, 3);
    NEAR(e->mae, 2.45 / 3);
    NEAR(e->p95, 0.25 + 0.9 * 1.75);
    NEAR(e->within[0], 2.0 / 3);
    NEAR(e->within[1], 2.0 / 3);
    e = &s.error[AG_SCORE_TRANSITION];
    NEAR(e->mae, (0.1 + 0.15 + 0.3) / 3);
    NEAR(e->within[0], 2.0 / 3);
    NEAR(e->within[1], 1.0);
    e = &s.error[AG_SCORE_THICKNESS]; /* said [10.15, 11.35, 11.98], true [10, 11, 10] */
    NEAR(e->mae, (0.15 + 0.35 + 1.98) / 3);
    e = &s.error[AG_SCORE_FIRST_LAYER]; /* said [4.85, 6.25, 5.28], true [5, 6, 5] */
    NEAR(e->bias, (-0.15 + 0.25 + 0.28) / 3);
    e = &s.error[AG_SCORE_LAST_LAYER]; /* said [5.3, 5.1, 6.7], true [5, 5, 5] */
    NEAR(e->mae, (0.3 + 0.1 + 1.7) / 3);
    assert_true(isnan(e->r2)); /* all true values are the same */
    ag_arena_free(arena);
}

AG_TEST(test_score__intervals_and_confidence)
{
    ag_arena *arena = ag_arena_new(0);
    ag_score_case cases[5];
    ag_score s;
    five(cases);
    score_of(cases, 5, arena, &s);
    assert_int_equal(s.interval[AG_POINT_ENTRY].count, 4);
    NEAR(s.interval[AG_POINT_ENTRY].covered, 1.0); /* +-0.1 holds 0.05, 0.1, 0.02, 0 */
    NEAR(s.interval[AG_POINT_ENTRY].width, 0.2);
    NEAR(s.interval[AG_POINT_TRANSITION].covered, 2.0 / 3);
    NEAR(s.interval[AG_POINT_EXIT].covered, 2.0 / 3);
    assert_int_equal(s.interval[AG_POINTS].count, 10);
    NEAR(s.interval[AG_POINTS].covered, 0.8);
    /* Points: hole 0 3 of 3 right at 0.95; hole 1 3 of 3 at 0.85; hole 2 1 of 3 at 0.85; air 3 of 3 at 1; seized: entry
     * and the absent transition right, the exit wrong, at 0.4 */
    assert_int_equal(s.points.count, 15);
    NEAR(s.points.right, 12.0 / 15);
    NEAR(s.points.confidence, (3 * 0.95 + 6 * 0.85 + 3 * 1.0 + 3 * 0.4) / 15);
    assert_int_equal(s.points.bins[9].count, 6);
    NEAR(s.points.bins[9].right, 1.0);
    NEAR(s.points.bins[9].confidence, 0.975);
    assert_int_equal(s.points.bins[8].count, 6);
    NEAR(s.points.bins[8].right, 4.0 / 6);
    assert_int_equal(s.points.bins[3].count, 3);
    assert_true(isnan(s.points.bins[0].right));
    NEAR(s.points.ece, (6 * fabs(1 - 0.975) + 6 * fabs(4.0 / 6 - 0.85) + 3 * fabs(2.0 / 3 - 0.4)) / 15);
    NEAR(s.points.brier, (3 * 0.0025 + 4 * 0.0225 + 2 * 0.7225 + 3 * 0.0 + 2 * 0.36 + 0.16) / 15);
    assert_int_equal(s.whole.count, 5);
    NEAR(s.whole.right, 0.6);
    NEAR(s.whole.ece, (fabs(2 - 1.95) + fabs(1 - 1.7) + 0.4) / 5);
    ag_arena_free(arena);
}

AG_TEST(test_score__grip_codes)
{
    ag_arena *arena = ag_arena_new(0);
    ag_score_case cases[5];
    ag_score s;
    five(cases);
    score_of(cases, 5, arena, &s);
    /* codes of 10, 11, 10: 7, 7, 7 (up to 11.2395); said 10.15 -> 7, 11.35 -> 8, 11.98 -> 8 */
    assert_int_equal(s.grip, 3);
    assert_int_equal(s.grip_right, 1);
    ag_arena_free(arena);
}

AG_TEST(test_score__abstaining_is_neither_right_nor_failed)
{
    ag_arena *arena = ag_arena_new(0);
    ag_score_case cases[3] = {0};
    ag_score s;
    cases[0].known = known(AG_LABEL_FOUND, 5, NAN, 15);
    cases[0].said = said(AG_LABEL_NONE, 5, NAN, 15, 0.9);
    cases[1].known = known(AG_LABEL_NONE, NAN, NAN, NAN);
    cases[1].said = said(AG_LABEL_FOUND, 5, NAN, 15, 0.9);
    cases[2].known = known(AG_LABEL_EMPTY, NAN, NAN, NAN);
    cases[2].said = said(AG_LABEL_NONE, NAN, NAN, NAN, 0);
    score_of(cases, 3, arena, &s);
    assert_int_equal(s.holes, 3);
    assert_int_equal(s.known, 2);
    assert_int_equal(s.abstained, 2);
    assert_int_equal(s.answered + s.failed + s.right + s.grip, 0);
    assert_int_equal(s.air_right, 0);
    assert_int_equal(s.error[AG_SCORE_ENTRY].count, 0);
    assert_true(isnan(s.error[AG_SCORE_ENTRY].mae) && isnan(s.points.ece) && isnan(s.interval[0].covered));
    ag_arena_free(arena);
}

AG_TEST(test_score__wrong_outcomes_fail)
{
    static const struct {
        ag_label_outcome known, said;
        double truth[3], mm[3];
        bool failed, false_number;
    } rows[] = {
        {AG_LABEL_EMPTY, AG_LABEL_FOUND, {NAN, NAN, NAN}, {5, NAN, 9}, true, true},
        {AG_LABEL_EMPTY, AG_LABEL_NO_EXIT, {NAN, NAN, NAN}, {5, NAN, NAN}, true, true},
        {AG_LABEL_EMPTY, AG_LABEL_NO_EXIT, {NAN, NAN, NAN}, {NAN, NAN, NAN}, true, false},
        {AG_LABEL_FOUND, AG_LABEL_EMPTY, {5, NAN, 9}, {NAN, NAN, NAN}, true, false},
        {AG_LABEL_NO_EXIT, AG_LABEL_NO_EXIT, {5, NAN, NAN}, {5.2, NAN, NAN}, false, false},
        {AG_LABEL_NO_EXIT, AG_LABEL_NO_EXIT, {5, NAN, NAN}, {5.2, NAN, 9}, true, true},
        {AG_LABEL_NO_EXIT, AG_LABEL_FOUND, {5, NAN, NAN}, {5, NAN, 9}, true, true},
        {AG_LABEL_FOUND, AG_LABEL_FOUND, {5, 7, 9}, {5, NAN, 9}, true, false},
        {AG_LABEL_FOUND, AG_LABEL_FOUND, {5, NAN, 9}, {5, 7, 9}, true, false},
        {AG_LABEL_FOUND, AG_LABEL_FOUND, {5, 7, 9}, {6, 7, 9}, false, false}, /* a millimetre is not more than one */
        {AG_LABEL_FOUND, AG_LABEL_FOUND, {5, 7, 9}, {6.001, 7, 9}, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ag_known k = known(rows[i].known, rows[i].truth[0], rows[i].truth[1], rows[i].truth[2]);
        ag_prediction p = said(rows[i].said, rows[i].mm[0], rows[i].mm[1], rows[i].mm[2], 0.5);
        ag_score_verdict v;
        ag_score_judge(&k, &p, NULL, &v);
        if (v.failed != rows[i].failed || v.false_number != rows[i].false_number) fail_msg("row %zu", i);
        assert_true(!v.failed || !v.right);
    }
}

AG_TEST(test_score__groups_of_texts_and_of_ages)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_score_case cases[9] = {0};
    const ag_score_case *list[9];
    static const double ages[9] = {0, 1, 2, 3, 3, 3, 8, 9, NAN};
    static const char *const materials[9] = {"Ti", "Al", "Ti", NULL, "", "Al", "CFRP", "Ti", "Al"};
    ag_score_group *groups;
    size_t count;
    for (int i = 0; i < 9; i++) {
        cases[i].tool_age = ages[i];
        cases[i].text[AG_SCORE_BY_MATERIAL] = materials[i];
        list[i] = &cases[i];
    }
    AG_EXPECT_OK(ag_score_groups(list, 9, AG_SCORE_BY_MATERIAL, arena, &groups, &count, &err));
    assert_int_equal(count, 4);
    assert_string_equal(groups[0].name, "Al");
    assert_int_equal(groups[0].count, 3);
    assert_ptr_equal(groups[0].cases[0], &cases[1]);
    assert_ptr_equal(groups[0].cases[2], &cases[8]);
    assert_string_equal(groups[2].name, "Ti");
    assert_string_equal(groups[3].name, "not known");
    assert_int_equal(groups[3].count, 2);
    AG_EXPECT_OK(ag_score_groups(list, 9, AG_SCORE_BY_TOOL_AGE, arena, &groups, &count, &err));
    assert_int_equal(count, 4); /* 0 1 | 2 3 3 3 (equal ages stay together) | 8 9 | none */
    assert_string_equal(groups[0].name, "0 to 1");
    assert_string_equal(groups[1].name, "2 to 3");
    assert_int_equal(groups[1].count, 4);
    assert_string_equal(groups[2].name, "8 to 9");
    assert_string_equal(groups[3].name, "not known");
    AG_EXPECT_OK(ag_score_groups(list, 0, AG_SCORE_BY_TOOL_AGE, arena, &groups, &count, &err));
    assert_int_equal(count, 0);
    ag_arena_free(arena);
}

AG_TEST(test_score__bootstrap_is_deterministic_and_fair)
{
    ag_err err = {0};
    double a[200], b[200];
    ag_score_paired first, again, other;
    for (int i = 0; i < 200; i++) {
        a[i] = 0.1 + 0.001 * (i % 7);
        b[i] = a[i] + 0.02 * ((i * 37) % 11 - 5); /* no difference in the long run */
    }
    AG_EXPECT_OK(ag_score_bootstrap(a, b, 200, 7, 1000, &first, &err));
    AG_EXPECT_OK(ag_score_bootstrap(a, b, 200, 7, 1000, &again, &err));
    AG_EXPECT_OK(ag_score_bootstrap(a, b, 200, 8, 1000, &other, &err));
    assert_memory_equal(&first, &again, sizeof first);
    assert_true(fabs(first.low - other.low) > 0 && fabs(first.low - other.low) < 0.005);
    assert_true(first.low < 0 && first.high > 0 && first.p > 0.05);
    /* The interval of a mean: about 1.96 standard errors to either side. */
    double mean = 0, square = 0;
    for (int i = 0; i < 200; i++) mean += (b[i] - a[i]) / 200;
    for (int i = 0; i < 200; i++) square += (b[i] - a[i] - mean) * (b[i] - a[i] - mean) / 200;
    NEAR(first.gain, mean);
    assert_true(fabs((first.high - first.low) / (2 * 1.96 * sqrt(square / 200)) - 1) < 0.1);
    for (int i = 0; i < 200; i++) b[i] = a[i] + 0.01 + 0.001 * (i % 5);
    AG_EXPECT_OK(ag_score_bootstrap(a, b, 200, 7, 1000, &first, &err));
    assert_int_equal(first.better, 200);
    assert_true(first.low > 0.0115 && first.high < 0.0125);
    NEAR(first.p, 2.0 / 1001);
    AG_EXPECT_OK(ag_score_bootstrap(a, a, 200, 7, 100, &first, &err));
    NEAR(first.p, 1.0);
    AG_EXPECT_OK(ag_score_bootstrap(a, b, 0, 7, 100, &first, &err));
    assert_true(isnan(first.p) && first.pairs == 0);
}

AG_TEST(test_score__a_handful_of_pairs_cannot_exclude_chance)
{
    ag_err err = {0};
    ag_score_paired said;
    const double a[] = {0.1, 0.2, 0.1, 0.3, 0.1, 0.2}, b[] = {0.3, 0.5, 0.2, 0.4, 0.6, 0.3};
    for (size_t count = 1; count <= 6; count++) {
        AG_EXPECT_OK(ag_score_bootstrap(a, b, count, 7, 2000, &said, &err));
        assert_int_equal(said.better, count);
        NEAR(said.p, 1.0 / (double)(1 << (count - 1)));
    }
}

AG_TEST(test_score__comparison_pairs_what_both_have_said)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_score_case cases[5];
    ag_prediction other[5];
    const ag_score_case *list[5];
    const ag_prediction *baseline[5];
    ag_score_comparison c;
    five(cases);
    for (int i = 0; i < 5; i++) {
        other[i] = cases[i].said;
        list[i] = &cases[i];
        baseline[i] = &other[i];
    }
    other[0] = said(AG_LABEL_FOUND, 5.2, NAN, 15.2, 0.5);
    other[1] = said(AG_LABEL_NONE, NAN, NAN, NAN, 0);
    other[3] = said(AG_LABEL_FOUND, 1, NAN, 2, 0.5);
    AG_EXPECT_OK(ag_score_compare(list, baseline, 5, &(ag_score_options){.seed = 3, .draws = 200}, arena, &c, &err));
    assert_int_equal(c.known, 5);
    assert_int_equal(c.failed, 2);
    assert_int_equal(c.baseline_failed, 4); /* no transition, far off, a number for air, an exit of a seized tool */
    assert_int_equal(c.baseline_abstained, 1);
    assert_int_equal(c.false_numbers, 1);
    assert_int_equal(c.baseline_false_numbers, 2);
    assert_int_equal(c.depth[AG_SCORE_ENTRY].pairs, 3); /* 0, 2 and 4 */
    assert_int_equal(c.depth[AG_SCORE_ENTRY].better, 1);
    NEAR(c.depth[AG_SCORE_ENTRY].mae, 0.07 / 3);
    NEAR(c.depth[AG_SCORE_ENTRY].baseline, 0.22 / 3);
    assert_int_equal(c.depth[AG_SCORE_TRANSITION].pairs, 1);
    ag_arena_free(arena);
}

static int make_all(void *context, ag_err *err)
{
    const ag_score_case *const *list = context;
    ag_arena *arena = ag_arena_new(0);
    ag_score s;
    ag_score_group *groups;
    ag_score_comparison c;
    const ag_prediction *baseline[5];
    size_t count;
    for (int i = 0; i < 5; i++) baseline[i] = &list[i]->said;
    int rc = arena ? ag_score_make(list, 5, NULL, arena, &s, err) : ag_fail_memory(err, 1);
    for (int a = 0; rc == AG_OK && a < AG_SCORE_ATTRIBUTES; a++)
        rc = ag_score_groups(list, 5, (ag_score_attribute)a, arena, &groups, &count, err);
    if (rc == AG_OK) rc = ag_score_compare(list, baseline, 5, &(ag_score_options){.draws = 10}, arena, &c, err);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_score__every_allocation_may_fail)
{
    ag_score_case cases[5];
    const ag_score_case *list[5];
    five(cases);
    for (int i = 0; i < 5; i++) {
        cases[i].tool_age = i;
        list[i] = &cases[i];
    }
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, make_all, NULL, (void *)(uintptr_t)list) >= 1);
}
