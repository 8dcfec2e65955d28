// SPDX-License-Identifier: Apache-2.0
/* calibration_fit.c: three witnesses tell a depth: the heap of the heat map, the place where the shape of the tool's
 * point fits best, and the tip's step in thrust. How far to go from the first towards the others, and what all are off
 * by together, depends on how sure each of them is: a small linear model (blend), fitted by ridge regression in which
 * what lies far off the rest pulls no harder than what lies at its edge (Huber): among a hundred holes there are a few
 * whose heap is at another point, and their squares would bend the way of all others. A second one (scale) says how
 * large the error usually is; the interval is the multiple of it that held nine of ten holes (split conformal), and
 * confidence the share of holes with such an error or less that were right, forced to fall as the error grows. Both are
 * measured on holes that the linear models were not fitted on (ten rounds).
 *
 * Holes of one tool are off together, so what counts is how many tools there are. A round leaves out whole tools; each
 * tool weighs the same; the quantile allows for another tool, which may be the worst. And what few tools say is drawn
 * to what is usual of this point, as if so many tools had said that: twenty tools that are one of a kind each are
 * judged by models that know nothing of their kind, and tell rather how the luck of that draw was than how the ensemble
 * does. What is usual is what this very ensemble does with hundreds of simulated tools that it never saw, where it was
 * asked (ag_calibration_usual_of(), by usual.c), and believed more firmly then; else what was measured on other
 * trainings on simulated holes, tested on a thousand tools each (docs/drilling-notes.md). Nobody is held to it whose
 * holes contradict it: the way is drawn as far as left out tools bear it, and the level of errors, in which machines
 * differ most, only while it is near. The multiple is drawn to that of normal errors of this size. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/median.h"
#include "core/base/mem.h"
#include "learn/drilling/calibration_parts.h"

enum {
    TERMS = AG_CALIBRATION_TERMS,
    STAIRS = AG_CALIBRATION_STAIRS,
    ROUNDS = 10,
    FEWEST = 25,
    STAIR_LEAST = 15,
    REWEIGH = 5
};
static const double share = 0.9, tools_to_come = 0.5;
/* How stiff what is usual is, in tools. Of the way: the first of these that is not worse than another by more than
 * `bearable` on tools that were left out; its constant less. */
static const double stiff_way[] = {100, 20, 5}, bearable = 1.08, stiff_constant = 20;
/* Of the model of errors, of its level, and of the multiple: where errors are as usual, and where they are not. */
static const double stiff_error[2] = {150, 20}, stiff_level[2] = {150, 2}, stiff_width[2] = {100, 20};
/* So many times as stiff is what hundreds of tools have said of this very ensemble, where it holds. */
static const double firmer = 3;
/* A level is not as usual from two and a half times what the mean of so many tools is uncertain by (a tool's own
 * scatters by 0.6). */
static const double level_far = 1.5;
static const double deviation = 1.4826, edge = 1.345; /* of normal errors: in medians; Huber's, in deviations */

/* ---- the linear models ---- */

/* Rows of a fit, side by side. */
typedef struct regression {
    const double **rows; /* of TERMS */
    double *values, *weights, *sorted;
    size_t count, tools; /* rows; tools that they are of */
} regression;

typedef struct aim { /* what is drawn to, and how much, in tools: its constant and the others */
    const double *terms;
    double constant, others;
} aim;

/* Least squares with a pull towards what is usual, by Cholesky. */
static void regress(const regression *r, aim to, double out[TERMS])
{
    double a[TERMS][TERMS] = {{0}}, b[TERMS] = {0};
    for (size_t n = 0; n < r->count; n++) {
        double left = r->values[n] - ag_witness_product(r->rows[n], to.terms);
        for (int i = 0; i < TERMS; i++) {
            b[i] += r->weights[n] * r->rows[n][i] * left;
            for (int k = 0; k <= i; k++) a[i][k] += r->weights[n] * r->rows[n][i] * r->rows[n][k];
        }
    }
    for (int i = 0; i < TERMS; i++) {
        double pull = i ? to.others : to.constant, of_tool = (double)r->count / (double)(r->tools ? r->tools : 1);
        a[i][i] += 1e-4 + pull * of_tool * a[i][i] / ((double)r->count + 1);
        for (int k = 0; k <= i; k++) {
            double sum = a[i][k];
            for (int m = 0; m < k; m++) sum -= a[i][m] * a[k][m];
            a[i][k] = i == k ? sqrt(fmax(sum, 1e-12)) : sum / a[k][k];
        }
    }
    for (int i = 0; i < TERMS; i++) {
        for (int k = 0; k < i; k++) b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (int i = TERMS; i-- > 0;) {
        for (int k = i + 1; k < TERMS; k++) b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
    for (int i = 0; i < TERMS; i++) out[i] = to.terms[i] + b[i];
}

/* The same, where what is left beyond the edge of the usual pulls as if it lay there: weighed anew by what the fit
 * before leaves. */
static void regress_robustly(const regression *r, aim to, double out[TERMS])
{
    regress(r, to, out);
    for (int round = 0; round < REWEIGH && r->count > 0; round++) {
        for (size_t n = 0; n < r->count; n++) r->sorted[n] = fabs(r->values[n] - ag_witness_product(r->rows[n], out));
        qsort(r->sorted, r->count, sizeof *r->sorted, ag_by_size);
        double reach = edge * (deviation * r->sorted[r->count / 2] + AG_CALIBRATION_FLOOR);
        for (size_t n = 0; n < r->count; n++)
            r->weights[n] = reach / fmax(fabs(r->values[n] - ag_witness_product(r->rows[n], out)), reach);
        regress(r, to, out);
    }
}

/* What few tools are drawn to where nobody has asked the ensemble itself: what 2,000 tools said of a small ensemble and
 * of a large one, in the middle. */
static const ag_calibration_usual usual_elsewhere = {
    .blend = {{0, 0.40, 0.28, -0.10, 0, 0, 0, 0.08, -0.03, 0.99, -0.03, 0.15, -0.07, -0.12, 0.08},
              {0, 0.66, 0.76, -0.15, 0, 0, 0, -0.18, -0.06, 0.86, -0.05, 0.10, -0.12, -0.06, 0.14},
              {0, 0.38, 0.47, -0.08, 0, 0, 0, 0, -0.02, 0.93, 0.06, 0.02, -0.12, -0.07, -0.01}},
    .scale = {{-4.21, 0.53, 0.06, 0.07, 0.06, 0.13, 0.36, 0.13, 0.34, -0.19, 0.04},
              {-3.58, 0.27, 0.37, 0.20, 0.08, 0.27, 0.47, 0.06, 0.19, -0.14, -0.07},
              {-4.07, 0.39, 0.02, 0.18, 0.03, 0.19, 0.24, 0.03, 0.22, -0.21, 0.30}},
    .of_normal = {1.12, 0.99, 1.01}};

/* Room for one point's fit. */
typedef struct fitting {
    int point;
    const ag_calibration_usual *wont; /* what is usual */
    double stiff;                     /* of the way */
    double trust;                     /* in what is usual of errors, 0 to 1 */
    ag_witness *all;
    size_t count, tools;
    regression fit;        /* room for all holes */
    double *error, *usual; /* of each hole, judged by models that did not see it */
    double *tool_error;    /* of each tool, summed */
    size_t *of_tool;       /* holes of each tool */
    struct measured *sorted;
} fitting;

/* Whole tools are left out. */
static bool in_round(const fitting *f, size_t hole, int round)
{
    return (int)(f->all[hole].tool % ROUNDS) == round;
}

static void add_row(regression *r, const double *row, double value)
{
    r->rows[r->count] = row;
    r->weights[r->count] = 1;
    r->values[r->count++] = value;
}

/* Holes of the other rounds; round < 0: of all. */
static void fit_blend(const fitting *f, int round, double blend[TERMS])
{
    regression r = f->fit;
    for (size_t t = 0; t < f->tools; t++) r.tools += (int)(t % ROUNDS) != round;
    for (size_t i = 0; i < f->count; i++) {
        if (in_round(f, i, round)) continue;
        double off = f->all[i].truth - f->all[i].heap;
        add_row(
            &r, f->all[i].x,
            fmax(-AG_CALIBRATION_FAR, fmin(AG_CALIBRATION_FAR, off))); /* beyond, the shape is not looked at either */
    }
    regress_robustly(&r, (aim){f->wont->blend[f->point], fmin(f->stiff, stiff_constant), f->stiff}, blend);
}

static double firmness(const fitting *f)
{
    return f->wont->tools ? firmer : 1;
}

static double by_trust(const fitting *f, const double stiff[2])
{
    return stiff[1] + (stiff[0] * firmness(f) - stiff[1]) * f->trust;
}

static void fit_scale(const fitting *f, int round, const double blend[TERMS], double scale[TERMS])
{
    regression r = f->fit;
    for (size_t t = 0; t < f->tools; t++) r.tools += (int)(t % ROUNDS) != round;
    for (size_t i = 0; i < f->count; i++) {
        if (in_round(f, i, round)) continue;
        add_row(&r, f->all[i].z,
                log(fabs(f->all[i].truth - ag_witness_blended(blend, &f->all[i])) + AG_CALIBRATION_FLOOR));
    }
    regress(&r, (aim){f->wont->scale[f->point], by_trust(f, stiff_level), by_trust(f, stiff_error)}, scale);
}

/* What is usual of errors was measured where heap and shape speak, on machines of one kind: it is believed of holes of
 * which both speak and whose errors are as large, as far as their tools can tell. */
static double trust_usual_errors(fitting *f)
{
    double blend[TERMS], scale[TERMS], both = 0, above = 0;
    f->trust = 0;
    fit_blend(f, -1, blend);
    fit_scale(f, -1, blend, scale);
    for (size_t i = 0; i < f->count; i++) {
        both += !isnan(f->all[i].shape);
        above += ag_witness_product(scale, f->all[i].z) - ag_witness_product(f->wont->scale[f->point], f->all[i].z);
    }
    double away = above / (double)f->count * sqrt((double)f->tools) / level_far;
    return both / (double)f->count / (1 + away * away * away * away);
}

/* Errors of tools that the way was not fitted on, in the middle of all: the mean of logarithms, in which a few tools
 * gone astray do not outweigh the others. */
static double left_out_error(const fitting *f)
{
    double sum = 0, blend[TERMS];
    for (size_t t = 0; t < f->tools; t++) f->tool_error[t] = 0;
    for (int round = 0; round < ROUNDS; round++) {
        fit_blend(f, round, blend);
        for (size_t i = 0; i < f->count; i++)
            if (in_round(f, i, round))
                f->tool_error[f->all[i].tool] +=
                    fmin(fabs(f->all[i].truth - ag_witness_blended(blend, &f->all[i])), AG_CALIBRATION_FAR);
    }
    for (size_t t = 0; t < f->tools; t++) sum += log(f->tool_error[t] / (double)f->of_tool[t] + AG_CALIBRATION_FLOOR);
    return exp(sum / (double)f->tools);
}

static void choose_stiffness(fitting *f)
{
    enum { WAYS = sizeof stiff_way / sizeof *stiff_way };
    double errors[WAYS], least = INFINITY;
    for (size_t i = 0; i < WAYS; i++) {
        f->stiff = stiff_way[i] * (i ? 1 : firmness(f));
        errors[i] = left_out_error(f);
        least = fmin(least, errors[i]);
    }
    size_t chosen = 0;
    while (chosen + 1 < WAYS && errors[chosen] > bearable * least) chosen++;
    f->stiff = stiff_way[chosen] * (chosen ? 1 : firmness(f));
}

/* ---- intervals and confidence ---- */

typedef struct measured { /* a hole's error in usual errors, and how much of all holes to come it stands for */
    double ratio, weight;
} measured;

static int by_ratio(const void *a, const void *b)
{
    const measured *x = a, *y = b;
    return (x->ratio > y->ratio) - (x->ratio < y->ratio);
}

/* The ratio below which lie nine of ten holes of the tools that were seen and of another, of which nothing is known. It
 * counts half: a whole one would be right if the models had seen as much as the ensemble, but each lacks some tools. */
static double conformal(const fitting *f)
{
    double tools = (double)f->tools, sum = 0;
    for (size_t i = 0; i < f->count; i++)
        f->sorted[i] = (measured){.ratio = f->error[i] / f->usual[i],
                                  .weight = 1 / ((tools + tools_to_come) * (double)f->of_tool[f->all[i].tool])};
    qsort(f->sorted, f->count, sizeof *f->sorted, by_ratio);
    for (size_t i = 0; i < f->count; i++)
        if ((sum += f->sorted[i].weight) >= share - 1e-9) return f->sorted[i].ratio;
    return f->sorted[f->count - 1].ratio;
}

/* What the multiple is where errors are normal: nine of ten lie within 1.645 deviations, and the usual error, a mean of
 * logarithms of |error| + AG_CALIBRATION_FLOOR, is 0.53 deviations and some floors: more of them, the smaller the floor
 * is beside it. (Within 1 % of the integral from 2.5 floors on.) */
static double normal_width(const fitting *f)
{
    double sum = 0;
    for (size_t i = 0; i < f->count; i++) sum += log(f->usual[i] / AG_CALIBRATION_FLOOR);
    double in_floors = sum / (double)f->count; /* its logarithm */
    return fmax(AG_POINT_NINE_OF_TEN / 0.53 * (1 - (0.96 + 0.36 * in_floors) * exp(-in_floors)), 0.1);
}

static double drawn_to_normal(const fitting *f, double width)
{
    double tools = (double)f->tools;
    double stiff = by_trust(f, stiff_width);
    double usual = fmax(f->wont->of_normal[f->point] * normal_width(f), 0.8);
    return exp((tools * log(fmax(width, 0.1)) + stiff * log(usual)) / (tools + stiff));
}

typedef struct judged {
    double usual;
    bool right;
} judged;

static int by_usual(const void *a, const void *b)
{
    const judged *x = a, *y = b;
    return (x->usual > y->usual) - (x->usual < y->usual);
}

/* Stairs of equal numbers of holes, then neighbours that rise are put together (pool adjacent violators). */
static void make_stairs(const judged *sorted, size_t count, ag_point_calibration *out)
{
    size_t stairs = count / STAIR_LEAST < STAIRS ? count / STAIR_LEAST : STAIRS, at = 0;
    double holes[STAIRS];
    if (stairs == 0) stairs = 1;
    out->stairs = 0;
    for (size_t s = 0; s < stairs; s++) {
        size_t end = count * (s + 1) / stairs, right = 0, n = end - at;
        for (size_t i = at; i < end; i++) right += sorted[i].right;
        size_t k = out->stairs++;
        out->error[k] = sorted[end - 1].usual;
        out->confidence[k] = ((double)right + 0.5) / ((double)n + 1);
        holes[k] = (double)n;
        at = end;
        while (k > 0 && out->confidence[k] >= out->confidence[k - 1]) {
            double sum = holes[k] + holes[k - 1];
            out->confidence[k - 1] = (out->confidence[k] * holes[k] + out->confidence[k - 1] * holes[k - 1]) / sum;
            out->error[k - 1] = out->error[k];
            holes[k - 1] = sum;
            out->stairs = k--;
        }
    }
}

static int fit_confidence(const fitting *f, ag_point_calibration *out, ag_err *err)
{
    judged *sorted = ag_alloc_array(f->count, sizeof *sorted);
    if (!sorted) return ag_fail_memory(err, f->count * sizeof *sorted);
    for (size_t i = 0; i < f->count; i++) sorted[i] = (judged){f->usual[i], f->error[i] <= AG_CALIBRATION_RIGHT};
    qsort(sorted, f->count, sizeof *sorted, by_usual);
    make_stairs(sorted, f->count, out);
    ag_free(sorted);
    return 0;
}

/* ---- fitting ---- */

/* Fills error and usual: each tool is judged by models that did not see it. */
static void leave_out(fitting *f)
{
    for (int round = 0; round < ROUNDS; round++) {
        double blend[TERMS], scale[TERMS];
        fit_blend(f, round, blend);
        fit_scale(f, round, blend, scale);
        for (size_t i = 0; i < f->count; i++) {
            if (!in_round(f, i, round)) continue;
            f->error[i] = fabs(f->all[i].truth - ag_witness_blended(blend, &f->all[i]));
            f->usual[i] = ag_witness_usual_error(scale, &f->all[i]);
        }
    }
}

static int fit_point(fitting *f, void *context, ag_err *err)
{
    ag_calibration *calibration = context;
    ag_point_calibration *out = &calibration->point[f->point];
    out->count = f->count;
    out->tools = f->tools;
    if (f->count < FEWEST) return 0;
    out->simulated = f->wont->tools;
    choose_stiffness(f);
    f->trust = trust_usual_errors(f);
    leave_out(f);
    fit_blend(f, -1, out->blend);
    fit_scale(f, -1, out->blend, out->scale);
    ag_signs_fit(f->all, f->count, f->fit.sorted, &out->signs);
    out->width = drawn_to_normal(f, conformal(f));
    return fit_confidence(f, out, err);
}

/* Many tools tell it: what was usual elsewhere has hardly a say. */
static int fit_usual(fitting *f, void *context, ag_err *err)
{
    ag_calibration_usual *out = context;
    (void)err;
    if (f->count < FEWEST) return 0;
    f->stiff = stiff_way[sizeof stiff_way / sizeof *stiff_way - 1];
    f->trust = 0;
    leave_out(f);
    fit_blend(f, -1, out->blend[f->point]);
    fit_scale(f, -1, out->blend[f->point], out->scale[f->point]);
    out->of_normal[f->point] = conformal(f) / normal_width(f);
    if (f->tools > out->tools) out->tools = f->tools;
    return 0;
}

/* Numbers the tools of the holes that count, from 0 and without gaps. A single tool tells nothing of others: there,
 * holes stand for themselves. `numbers` [most]. */
static void number_tools(fitting *f, size_t *numbers, size_t most)
{
    f->tools = 0;
    for (size_t i = 0; i < most; i++) numbers[i] = SIZE_MAX;
    for (size_t i = 0; i < f->count; i++) {
        size_t *number = &numbers[f->all[i].tool];
        if (*number == SIZE_MAX) *number = f->tools++;
        f->all[i].tool = *number;
    }
    for (size_t i = 0; i < f->count && f->tools == 1; i++) f->all[i].tool = i;
    if (f->tools == 1) f->tools = f->count;
    for (size_t t = 0; t < f->tools; t++) f->of_tool[t] = 0;
    for (size_t i = 0; i < f->count; i++) f->of_tool[f->all[i].tool]++;
}

static bool make_room(fitting *f, size_t count)
{
    *f = (fitting){.all = ag_alloc_array(count + 1, sizeof *f->all),
                   .fit = {.rows = ag_alloc_array(count + 1, sizeof *f->fit.rows),
                           .values = ag_alloc_array(3 * count + 1, sizeof(double))},
                   .error = ag_alloc_array(count + 1, sizeof(double)),
                   .usual = ag_alloc_array(count + 1, sizeof(double)),
                   .tool_error = ag_alloc_array(count + 1, sizeof(double)),
                   .of_tool = ag_alloc_array(count + 1, sizeof(size_t)),
                   .sorted = ag_alloc_array(count + 1, sizeof *f->sorted)};
    if (f->fit.values) {
        f->fit.weights = f->fit.values + count;
        f->fit.sorted = f->fit.weights + count;
    }
    return f->all && f->fit.rows && f->fit.values && f->error && f->usual && f->tool_error && f->of_tool && f->sorted;
}

static void free_room(fitting *f)
{
    ag_free(f->all);
    ag_free(f->fit.rows);
    ag_free(f->fit.values);
    ag_free(f->error);
    ag_free(f->usual);
    ag_free(f->tool_error);
    ag_free(f->of_tool);
    ag_free(f->sorted);
}

static bool counts(const ag_known *known, int point)
{
    return known->outcome != AG_LABEL_NONE && !isnan(known->mm[point]) && !ag_known_by_labeller(known);
}

bool ag_calibration_can_fit(const ag_known *const *known, size_t count)
{
    size_t most = 0;
    for (int point = 0; point < AG_POINTS; point++) {
        size_t some = 0;
        for (size_t i = 0; i < count; i++) some += counts(known[i], point);
        most = some > most ? some : most;
    }
    return most >= FEWEST;
}

static void take_holes(fitting *f, const ag_calibration_told *t, size_t *numbers, size_t most)
{
    f->count = 0;
    for (size_t i = 0; i < t->count; i++) {
        const ag_known *known = t->known[i];
        if (!counts(known, f->point) || isnan(t->readings[i].mm[f->point])) continue;
        ag_witness *w = &f->all[f->count++];
        *w = ag_witness_of(t->drilled[i], &t->readings[i], f->point, t->refine);
        w->tool = t->tools ? t->tools[i] : i;
        w->truth = known->mm[f->point];
    }
    number_tools(f, numbers, most);
}

typedef int fit_fn(fitting *f, void *context, ag_err *err);

static int fit_points(const ag_calibration_told *t, fit_fn *function, void *context, ag_err *err)
{
    fitting f;
    size_t most = t->count;
    for (size_t i = 0; i < t->count && t->tools; i++)
        if (t->tools[i] >= most) most = (size_t)t->tools[i] + 1;
    size_t *numbers = ag_alloc_array(most + 1, sizeof *numbers);
    int rc = make_room(&f, t->count) && numbers ? 0 : ag_fail_memory(err, t->count * sizeof *f.all);
    f.wont = t->usual ? t->usual : &usual_elsewhere;
    for (f.point = 0; f.point < AG_POINTS && rc >= 0; f.point++) {
        take_holes(&f, t, numbers, most);
        rc = function(&f, context, err);
    }
    free_room(&f);
    ag_free(numbers);
    return rc;
}

int ag_calibration_fit(const ag_calibration_told *told, ag_calibration *out, ag_err *err)
{
    ag_calibration c;
    ag_calibration_default(told->refine, &c);
    int rc = fit_points(told, fit_point, &c, err);
    if (rc >= 0) *out = c;
    return rc;
}

int ag_calibration_usual_of(const ag_calibration_told *told, ag_calibration_usual *out, ag_err *err)
{
    ag_calibration_usual found = told->usual ? *told->usual : usual_elsewhere;
    found.tools = 0;
    int rc = fit_points(told, fit_usual, &found, err);
    if (rc >= 0) *out = found;
    return rc;
}

/* The share of all that lies below a quantile of so many scatters by this, whatever their distribution is. */
double ag_calibration_give(const ag_point_calibration *point)
{
    if (point->count < FEWEST || point->tools == 0) return (double)NAN;
    return sqrt(share * (1 - share) / (double)point->tools);
}
