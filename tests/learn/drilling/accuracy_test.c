// SPDX-License-Identifier: Apache-2.0
/* What a model knows of holes of a seed that nobody has used, beside the automatic labels. By default only that it
 * works at all is looked at; AUGER_MODEL=DIR (and AUGER_SEED, AUGER_HOLES, AUGER_TOOL_HOLES) prints the table of
 * docs/drilling-results.md for a trained model and holds it to what is promised. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sys/thread.h"
#include "data/reader.h"
#include "data/simulate/simulate.h"
#include "data/validator.h"
#include "frame/test.h"
#include "learn/drilling/prediction.h"
#include "learn/drilling/score.h"

enum { FILE_BYTES = 64 << 20, GROUP = 64 };

typedef struct trial {
    uint64_t seed;
    unsigned series; /* holes per tool */
    size_t count;
    ag_predictor *predictor;
    ag_score_case *model, *labeller;
    ag_arena *arena;
} trial;

static ag_prediction of_label(const ag_label *label)
{
    double first = label->transition_count ? label->transition[0] : (double)NAN;
    return (ag_prediction){.outcome = label->outcome,
                           .points = {{.mm = label->entry, .low = NAN, .high = NAN},
                                      {.mm = first, .low = NAN, .high = NAN},
                                      {.mm = label->exit, .low = NAN, .high = NAN}},
                           .confidence = label->confidence};
}

static void set_known(const ag_sim_plan *plan, ag_score_case *out)
{
    double first = plan->transition_count ? plan->transition[0] : (double)NAN;
    ag_label_outcome outcome = plan->regime->outcome == AG_SIM_AIR      ? AG_LABEL_EMPTY
                               : plan->regime->outcome == AG_SIM_SEIZED ? AG_LABEL_NO_EXIT
                                                                        : AG_LABEL_FOUND;
    out->known = (ag_known){.outcome = outcome, .mm = {plan->entry, first, plan->exit}, .source = "truth", .weight = 1};
    out->text[AG_SCORE_BY_REGIME] = plan->regime->name;
    out->tool_age = plan->age;
    out->name = plan->regime->name;
}

static int look(trial *t, size_t from, size_t count, ag_err *err)
{
    const ag_hole *holes[GROUP];
    ag_prediction said[GROUP];
    ag_limits limits;
    ag_sim_options simulate = {.seed = t->seed, .series = t->series};
    ag_arena *arena = ag_arena_new(0);
    int rc = ag_limits_default(&limits, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        ag_sim_plan plan;
        ag_hole *hole;
        ag_verdict verdict;
        ag_label label;
        ag_buf file;
        ag_buf_init(&file, FILE_BYTES);
        rc = ag_sim_hole(&simulate, from + i, &plan, NULL, &file, err);
        ag_hole_source source = {.bytes = ag_buf_str(&file)};
        if (rc >= 0) rc = ag_hole_read(&source, arena, &hole, err);
        if (rc >= 0) rc = ag_validate(hole, &limits, arena, &verdict, err);
        if (rc >= 0) rc = ag_label_hole(hole, &verdict, arena, &label, err);
        ag_buf_deinit(&file);
        if (rc < 0) break;
        holes[i] = hole;
        set_known(&plan, &t->model[from + i]);
        t->labeller[from + i] = t->model[from + i];
        t->labeller[from + i].said = of_label(&label);
    }
    if (rc >= 0) rc = ag_predictor_ask(t->predictor, holes, count, arena, NULL, said, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        said[i].reason = NULL;
        t->model[from + i].said = said[i];
    }
    ag_arena_free(arena);
    return rc;
}

static void print_row(const ag_score *m, const ag_score *l)
{
    printf("%-16s %4zu", m->name, m->answered);
    for (int k = 0; k < AG_POINTS; k++) {
        bool worse = m->error[k].mae > l->error[k].mae;
        printf("  %.3f%c %.3f %.3f %4.1f", m->error[k].mae, worse ? '!' : ' ', l->error[k].mae, m->error[k].p95,
               100 * m->interval[k].covered);
    }
    printf("  %zu/%zu %zu\n", m->failed, l->failed, m->false_numbers);
}

/* Pairs of regime and point in which the model is better or worse than the labeller, and how many of these are not
 * chance: by the paired bootstrap over holes, at 5 %. Holes of one tool are no pairs of their own, so this is for a
 * tool per hole. */
typedef struct tally {
    size_t better, worse, surely_better, surely_worse;
} tally;

static void compare_group(const trial *t, const ag_score_group *group, tally *sum)
{
    ag_score_comparison c;
    ag_err err = {0};
    const ag_prediction **baseline = ag_arena_array(t->arena, group->count + 1, sizeof *baseline);
    for (size_t i = 0; i < group->count; i++) baseline[i] = &t->labeller[group->cases[i] - t->model].said;
    AG_EXPECT_OK(ag_score_compare(group->cases, baseline, group->count, &(ag_score_options){0}, t->arena, &c, &err));
    for (int k = 0; k < AG_POINTS; k++) {
        const ag_score_paired *d = &c.depth[k];
        sum->better += d->gain > 0;
        sum->worse += d->gain < 0;
        sum->surely_better += d->gain > 0 && d->p < 0.05;
        sum->surely_worse += d->gain < 0 && d->p < 0.05;
    }
}

static void print_groups(const trial *t)
{
    const ag_score_case **mine = ag_arena_array(t->arena, t->count, sizeof *mine);
    const ag_score_case **theirs = ag_arena_array(t->arena, t->count, sizeof *theirs);
    ag_score_group *groups, *others;
    size_t count;
    tally sum = {0};
    ag_err err = {0};
    for (size_t i = 0; i < t->count; i++) {
        mine[i] = &t->model[i];
        theirs[i] = &t->labeller[i];
    }
    printf("%-16s %4s  %-22s  %-22s  %-22s\n", "regime", "n", "entry: mae auto p95 %", "transition", "exit");
    for (int pass = 0; pass < 2; pass++) {
        ag_score m, l;
        AG_EXPECT_OK(ag_score_groups(mine, t->count, AG_SCORE_BY_REGIME, t->arena, &groups, &count, &err));
        AG_EXPECT_OK(ag_score_groups(theirs, t->count, AG_SCORE_BY_REGIME, t->arena, &others, &count, &err));
        for (size_t g = 0; pass == 0 && g < count; g++) {
            AG_EXPECT_OK(ag_score_make(groups[g].cases, groups[g].count, &(ag_score_options){0}, t->arena, &m, &err));
            AG_EXPECT_OK(ag_score_make(others[g].cases, others[g].count, &(ag_score_options){0}, t->arena, &l, &err));
            m.name = groups[g].name;
            compare_group(t, &groups[g], &sum);
            print_row(&m, &l);
        }
        if (pass == 0) continue;
        AG_EXPECT_OK(ag_score_make(mine, t->count, &(ag_score_options){0}, t->arena, &m, &err));
        AG_EXPECT_OK(ag_score_make(theirs, t->count, &(ag_score_options){0}, t->arena, &l, &err));
        m.name = "all";
        print_row(&m, &l);
    }
    printf("better than automatic labels in %zu pairs of regime and point (%zu beyond chance), worse in %zu (%zu)\n",
           sum.better, sum.surely_better, sum.worse, sum.surely_worse);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Half of the intervals of points that are there are narrower; NaN: there are none. */
static double median_width(const trial *t, int point)
{
    size_t count = 0;
    double *widths = ag_arena_array(t->arena, t->count + 1, sizeof *widths);
    for (size_t i = 0; i < t->count; i++) {
        const ag_point *p = &t->model[i].said.points[point];
        if (!isnan(t->model[i].known.mm[point]) && !isnan(p->low) && !isnan(p->high))
            widths[count++] = p->high - p->low;
    }
    if (count) qsort(widths, count, sizeof *widths, by_size);
    return count ? widths[count / 2] : (double)NAN;
}

/* Whether intervals and confidence keep what they promise. */
static void print_calibration(const trial *t)
{
    ag_score s;
    ag_err err = {0};
    const ag_score_case **list = ag_arena_array(t->arena, t->count, sizeof *list);
    for (size_t i = 0; i < t->count; i++) list[i] = &t->model[i];
    AG_EXPECT_OK(ag_score_make(list, t->count, &(ag_score_options){0}, t->arena, &s, &err));
    printf("coverage %.1f %% of %zu; median width", 100 * s.interval[AG_POINTS].covered, s.interval[AG_POINTS].count);
    for (int k = 0; k < AG_POINTS; k++)
        printf(" %s %.3f (%.1f %%)", ag_point_names[k], median_width(t, k), 100 * s.interval[k].covered);
    printf("\nconfidence of points: mean %.4f, right %.4f, calibration error %.4f\n", s.points.confidence,
           s.points.right, s.points.ece);
    for (int b = 0; b < AG_SCORE_BINS; b++)
        if (s.points.bins[b].count)
            printf("  %.1f to %.1f: %5zu points, mean %.3f, right %.3f\n", b / 10.0, (b + 1) / 10.0,
                   s.points.bins[b].count, s.points.bins[b].confidence, s.points.bins[b].right);
}

static uint64_t number_of(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    uint64_t value = usual;
    if (text) (void)ag_str_to_uint(ag_str_of(text), &value);
    return value;
}

AG_TEST(test_accuracy__of_a_trained_model_on_holes_that_nobody_has_used)
{
    const char *model = getenv("AUGER_MODEL");
    ag_err err = {0};
    ag_pool *pool = NULL;
    if (!model) ag_test_skip("AUGER_MODEL names no trained model");
    trial t = {.seed = number_of("AUGER_SEED", 31), .count = number_of("AUGER_HOLES", 1000), .arena = ag_arena_new(0)};
    t.series = (unsigned)number_of("AUGER_TOOL_HOLES", AG_SIM_SERIES);
    t.model = ag_arena_array(t.arena, t.count, sizeof *t.model);
    t.labeller = ag_arena_array(t.arena, t.count, sizeof *t.labeller);
    AG_EXPECT_OK(ag_pool_new(2, &pool, &err));
    AG_EXPECT_OK(ag_predictor_open(model, NULL, pool, &t.predictor, &err));
    for (size_t i = 0; i < t.count; i += GROUP)
        AG_EXPECT_OK(look(&t, i, t.count - i < GROUP ? t.count - i : GROUP, &err));
    print_groups(&t);
    print_calibration(&t);
    ag_predictor_free(t.predictor);
    ag_pool_free(pool);
    ag_arena_free(t.arena);
}
