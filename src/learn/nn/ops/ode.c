// SPDX-License-Identifier: Apache-2.0
/* ode.c: see ode.h. One sample at a time, as with an adaptive solver each has its own steps. Saved of each step: its
 * beginning, its size and the state there; backward makes the stages of a step again and goes back through them. Times
 * and sizes are rounded to the engine's real before they are used, so that both passes see the same.
 * Prepared: the weights transposed, one behind the other. */
#include "learn/nn/ops/ode.h"

#include <math.h>
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

enum { STATE, DRIVE, FIRST_WEIGHT, MOST_STAGES = 7 };

typedef struct tableau {
    int stages, made; /* in all, and without those that only tell the error */
    double node[MOST_STAGES], by[MOST_STAGES][MOST_STAGES - 1], weight[MOST_STAGES], error[MOST_STAGES];
} tableau;

static const tableau classical = {
    .stages = 4,
    .made = 4,
    .node = {0.0, 0.5, 0.5, 1.0},
    .by = {{0.0}, {0.5}, {0.0, 0.5}, {0.0, 0.0, 1.0}},
    .weight = {1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0},
};

static const tableau dormand_prince = {
    .stages = 7,
    .made = 6,
    .node = {0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0},
    .by = {{0.0},
           {1.0 / 5.0},
           {3.0 / 40.0, 9.0 / 40.0},
           {44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0},
           {19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0},
           {9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0},
           {35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0}},
    .weight = {35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0},
    .error = {71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339200.0, 22.0 / 525.0, -1.0 / 40.0},
};

/* ---- shape ---- */

static int check_layers(const ag_shaping *s, int64_t in, ag_err *err)
{
    int rc, layers = (s->inputs - FIRST_WEIGHT) / 2;
    if (layers < 1 || (s->inputs - FIRST_WEIGHT) % 2)
        return ag_fail(err, AG_EINVAL, "pairs of a weight and a bias are needed");
    for (int i = 0; i < layers; i++) {
        int weight = FIRST_WEIGHT + 2 * i;
        if ((rc = ag_need_parameter(s, weight, "a weight", err)) < 0 ||
            (rc = ag_need_axes(s, weight, "a weight", 2, err)) < 0)
            return rc;
        int64_t out = s->in[weight].at[0];
        bool timed = i == 0 && s->in[weight].at[1] == in + 1;
        ag_shape wanted = ag_shape_of(out, timed ? in + 1 : in);
        if ((rc = ag_need_shape(s, weight, "a weight", wanted, err)) < 0 ||
            (rc = ag_need_parameter(s, weight + 1, "a bias", err)) < 0 ||
            (rc = ag_need_shape(s, weight + 1, "a bias", ag_shape_of(out), err)) < 0)
            return rc;
        in = out;
    }
    if (in == s->in[STATE].at[0]) return 0;
    return ag_fail(err, AG_EINVAL, "the last layer gives %lld numbers, but the state has %lld", (long long)in,
                   (long long)s->in[STATE].at[0]);
}

static int check_attributes(const ag_ode *a, ag_err *err)
{
    const int64_t most = INT64_C(1) << 24;
    if (a->intervals < 1 || a->steps < 1 || a->intervals > most || a->steps > most)
        return ag_fail(err, AG_EINVAL, "%lld intervals of %lld steps cannot be", (long long)a->intervals,
                       (long long)a->steps);
    if (!(a->span > 0.0)) return ag_fail(err, AG_EINVAL, "a span of %g cannot be", a->span);
    if (a->solver == AG_SOLVER_DOPRI5 && !(a->relative >= 0.0 && a->absolute > 0.0))
        return ag_fail(err, AG_EINVAL, "tolerances of %g and %g cannot be", a->relative, a->absolute);
    return 0;
}

/* Inputs of all layers, one behind the other, and the widest of them. */
static int64_t inputs_size(const ag_shape *shapes, int inputs, int64_t *widest)
{
    int64_t sum = 0;
    *widest = 0;
    for (int i = FIRST_WEIGHT; i < inputs; i += 2) {
        sum += shapes[i].at[1];
        if (shapes[i].at[1] > *widest) *widest = shapes[i].at[1];
        if (shapes[i].at[0] > *widest) *widest = shapes[i].at[0];
    }
    return sum;
}

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_ode *a = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, STATE, "the state", err)) < 0 || (rc = check_attributes(a, err)) < 0) return rc;
    if (s->in[STATE].axes != 1) return ag_fail(err, AG_EINVAL, "the state must have one axis");
    int64_t width = s->in[STATE].at[0], drive = 0, widest;
    if (s->present[DRIVE]) {
        if ((rc = ag_need_sample(s, DRIVE, "the drive", err)) < 0) return rc;
        if (s->in[DRIVE].axes != 2 || s->in[DRIVE].at[0] != a->intervals)
            return ag_fail(err, AG_EINVAL, "the drive must have a row for each of %lld intervals",
                           (long long)a->intervals);
        drive = s->in[DRIVE].at[1];
    }
    if ((rc = check_layers(s, width + drive, err)) < 0) return rc;
    if (a->intervals * a->steps > AG_MAX_ELEMENTS / (width + 2))
        return ag_fail(err, AG_EINVAL, "%lld intervals of %lld steps are too many", (long long)a->intervals,
                       (long long)a->steps);
    int64_t kept = inputs_size(s->in, s->inputs, &widest);
    s->out[0] = ag_shape_of(a->intervals, width);
    s->saved = a->intervals * (1 + a->steps * (width + 2));
    s->scratch_fixed = MOST_STAGES * (2 * width + kept) + 3 * width + 2 * widest;
    for (int i = FIRST_WEIGHT; i < s->inputs; i += 2) s->prepared += ag_shape_size(&s->in[i]);
    return 0;
}

static double cost(const ag_node *node)
{
    const ag_ode *a = node->attributes;
    double weights = 0.0, steps = (double)a->intervals * (a->solver == AG_SOLVER_RK4 ? 4.0 * (double)a->steps : 6.0);
    for (int i = FIRST_WEIGHT; i < node->inputs; i += 2) weights += (double)ag_shape_size(&node->in_shape[i]);
    return steps * 2.0 * weights; /* of an adaptive solver: the least */
}

static void prepare(const ag_kernels *kernels, const ag_node *node, const ag_real *const *in, ag_real *prepared)
{
    for (int i = FIRST_WEIGHT; i < node->inputs; i += 2) {
        const ag_shape *w = &node->in_shape[i];
        kernels->transpose(in[i], w->at[1], prepared, w->at[0], w->at[0], w->at[1]);
        prepared += ag_shape_size(w);
    }
}

/* ---- the right side ---- */

typedef struct path { /* one sample on its way */
    const ag_call *call;
    const ag_ode *ode;
    const tableau *rule;
    int64_t width, drive, kept, sample, interval;
    ag_real *slopes;                     /* [stages][width]: k */
    ag_real *inputs;                     /* [stages][kept]: what each layer was given */
    ag_real *back;                       /* [stages][width]: gradients by the state that a stage saw */
    ag_real *state, *next, *down, *wide; /* [width] twice and once; two of the widest */
} path;

static path path_of(const ag_call *c, int64_t sample)
{
    path s = {.call = c, .ode = c->attributes, .sample = sample, .width = c->node->in_shape[STATE].at[0]};
    int64_t widest;
    s.rule = s.ode->solver == AG_SOLVER_RK4 ? &classical : &dormand_prince;
    s.drive = c->in[DRIVE] ? c->node->in_shape[DRIVE].at[1] : 0;
    s.kept = inputs_size(c->node->in_shape, c->node->inputs, &widest);
    s.slopes = c->scratch;
    s.back = s.slopes + MOST_STAGES * s.width;
    s.inputs = s.back + MOST_STAGES * s.width;
    s.state = s.inputs + MOST_STAGES * s.kept;
    s.next = s.state + s.width;
    s.down = s.next + s.width;
    s.wide = s.down + s.width;
    return s;
}

/* Stage `stage` from the state in s->next at time `at` of the interval. */
static void evaluate(const path *s, int stage, ag_real at)
{
    const ag_call *c = s->call;
    const ag_real *weights = c->prepared;
    ag_real *x = s->inputs + stage * s->kept;
    int64_t first = c->node->in_shape[FIRST_WEIGHT].at[1];
    memcpy(x, s->next, (size_t)s->width * sizeof(ag_real));
    if (s->drive)
        memcpy(x + s->width, c->in[DRIVE] + (s->sample * s->ode->intervals + s->interval) * s->drive,
               (size_t)s->drive * sizeof(ag_real));
    if (first > s->width + s->drive) x[first - 1] = (ag_real)((double)s->interval * s->ode->span) + at;
    for (int i = FIRST_WEIGHT; i < c->node->inputs; i += 2) {
        const ag_shape *w = &c->node->in_shape[i];
        bool last = i + 2 == c->node->inputs;
        ag_real *y = last ? s->slopes + stage * s->width : x + w->at[1];
        c->kernels->matmul(&(ag_matmul){.m = 1,
                                        .n = w->at[0],
                                        .k = w->at[1],
                                        .a = x,
                                        .a_row = w->at[1],
                                        .a_column = 1,
                                        .b = weights,
                                        .b_row = w->at[0],
                                        .c = y,
                                        .c_row = w->at[0],
                                        .bias_n = c->in[i + 1]});
        if (!last) c->kernels->tanh(y, y, w->at[0]);
        weights += ag_shape_size(w);
        x = y;
    }
}

/* The stages [from, to) of a step of size h that begins at `at` with s->state. */
static void run_stages(const path *s, int from, int to, ag_real at, ag_real h)
{
    for (int i = from; i < to; i++) {
        memcpy(s->next, s->state, (size_t)s->width * sizeof(ag_real));
        for (int j = 0; j < i; j++)
            if (s->rule->by[i][j] != 0.0)
                s->call->kernels->scale_add(h * (ag_real)s->rule->by[i][j], s->slopes + j * s->width, s->next,
                                            s->width);
        evaluate(s, i, at + h * (ag_real)s->rule->node[i]);
    }
}

/* s->next = the state behind the step. */
static void combine(const path *s, ag_real h)
{
    memcpy(s->next, s->state, (size_t)s->width * sizeof(ag_real));
    for (int i = 0; i < s->rule->made; i++)
        if (s->rule->weight[i] != 0.0)
            s->call->kernels->scale_add(h * (ag_real)s->rule->weight[i], s->slopes + i * s->width, s->next, s->width);
}

/* ---- forward ---- */

/* Root of the mean square of the errors, in tolerances. */
static double error_of(const path *s, double h)
{
    double sum = 0.0;
    for (int64_t k = 0; k < s->width; k++) {
        double error = 0.0, a = fabs((double)s->state[k]), b = fabs((double)s->next[k]);
        for (int i = 0; i < s->rule->stages; i++) error += s->rule->error[i] * (double)s->slopes[i * s->width + k];
        error *= h / (s->ode->absolute + s->ode->relative * (a > b ? a : b));
        sum += error * error;
    }
    return sqrt(sum / (double)s->width);
}

/* Where an interval's steps are kept: their number, then beginning, size and state of each. NULL: nowhere. */
static ag_real *record_of(const path *s)
{
    int64_t each = 1 + s->ode->steps * (s->width + 2);
    return s->call->saved ? s->call->saved + (s->sample * s->ode->intervals + s->interval) * each : NULL;
}

static void keep_step(const path *s, int64_t step, ag_real at, ag_real h)
{
    ag_real *record = record_of(s);
    if (!record) return;
    record[0] = (ag_real)(step + 1);
    record += 1 + step * (s->width + 2);
    record[0] = at;
    record[1] = h;
    memcpy(record + 2, s->state, (size_t)s->width * sizeof(ag_real));
}

static void advance(const path *s, int64_t step, ag_real at, ag_real h)
{
    keep_step(s, step, at, h);
    combine(s, h);
    memcpy(s->state, s->next, (size_t)s->width * sizeof(ag_real));
}

static void run_equal(const path *s)
{
    ag_real h = (ag_real)(s->ode->span / (double)s->ode->steps);
    for (int64_t i = 0; i < s->ode->steps; i++) {
        run_stages(s, 0, 4, (ag_real)i * h, h);
        advance(s, i, (ag_real)i * h, h);
    }
}

/* *proposal: the size to try first; then that for the next interval. False: the steps did not suffice. */
static bool run_adaptive(const path *s, double *proposal)
{
    const int most = dormand_prince.stages;
    double at = 0.0;
    int64_t step = 0;
    bool fresh = true; /* the first slope must be computed: the state is not the one that a step ended with */
    for (int64_t tries = 0; tries < 8 * s->ode->steps; tries++) {
        bool last = at + *proposal * (1.0 + 1e-6) >= s->ode->span;
        ag_real h = (ag_real)(last ? s->ode->span - at : *proposal), begin = (ag_real)at;
        run_stages(s, fresh ? 0 : 1, most, begin, h);
        combine(s, h);
        double error = error_of(s, (double)h), factor = 0.9 * pow(error > 1e-10 ? error : 1e-10, -0.2);
        bool good = error <= 1.0; /* false for a NaN */
        if (!(factor > 0.2)) factor = 0.2;
        if (factor > (good ? 10.0 : 1.0)) factor = good ? 10.0 : 1.0;
        if (!last || !good || factor * (double)h > *proposal) *proposal = factor * (double)h;
        fresh = false;
        if (!good) continue;
        advance(s, step++, begin, h);
        if (last) return true;
        if (step == s->ode->steps) return false;
        at += (double)h;
        memcpy(s->slopes, s->slopes + (most - 1) * s->width, (size_t)s->width * sizeof(ag_real));
    }
    return false;
}

static void forward(const ag_call *c)
{
    for (int64_t i = 0; i < c->samples; i++) {
        path s = path_of(c, i);
        ag_real *y = c->out[0] + i * s.ode->intervals * s.width;
        double proposal = s.ode->span;
        bool good = true;
        memcpy(s.state, c->in[STATE] + i * s.width, (size_t)s.width * sizeof(ag_real));
        for (s.interval = 0; s.interval < s.ode->intervals; s.interval++) {
            if (record_of(&s)) *record_of(&s) = 0;
            if (s.ode->solver == AG_SOLVER_RK4)
                run_equal(&s);
            else if (good)
                good = run_adaptive(&s, &proposal);
            for (int64_t k = 0; k < s.width; k++) y[s.interval * s.width + k] = good ? s.state[k] : (ag_real)NAN;
        }
    }
}

/* ---- backward ---- */

/* s->wide holds the gradient by a layer's result; makes that by its input, and gives to weight and bias. */
static void layer_back(const path *s, int input, const ag_real *x, ag_real *from, ag_real *to)
{
    const ag_call *c = s->call;
    const ag_shape *w = &c->node->in_shape[input];
    ag_matmul outer = {.m = w->at[0],
                       .n = w->at[1],
                       .k = 1,
                       .a = from,
                       .a_row = 1,
                       .a_column = 1,
                       .b = x,
                       .b_row = w->at[1],
                       .c = c->din[input],
                       .c_row = w->at[1],
                       .add = true};
    if (c->din[input]) c->kernels->matmul(&outer);
    if (c->din[input + 1]) c->kernels->add(from, c->din[input + 1], w->at[0]);
    c->kernels->matmul(&(ag_matmul){.m = 1,
                                    .n = w->at[1],
                                    .k = w->at[0],
                                    .a = from,
                                    .a_row = w->at[0],
                                    .a_column = 1,
                                    .b = c->in[input],
                                    .b_row = w->at[1],
                                    .c = to,
                                    .c_row = w->at[1]});
}

/* s->wide begins with the gradient by the slope of `stage`; s->back gets that by the state it saw. */
static void stage_back(const path *s, int stage)
{
    const ag_call *c = s->call;
    int64_t widest;
    (void)inputs_size(c->node->in_shape, c->node->inputs, &widest);
    ag_real *from = s->wide, *to = s->wide + widest;
    const ag_real *x = s->inputs + (stage + 1) * s->kept;
    for (int i = c->node->inputs - 2; i >= FIRST_WEIGHT; i -= 2) {
        int64_t in = c->node->in_shape[i].at[1];
        x -= in;
        layer_back(s, i, x, from, to);
        for (int64_t k = 0; i > FIRST_WEIGHT && k < in; k++) to[k] *= 1 - x[k] * x[k];
        ag_real *other = from;
        from = to;
        to = other;
    }
    memcpy(s->back + stage * s->width, from, (size_t)s->width * sizeof(ag_real));
    if (s->drive && c->din[DRIVE])
        c->kernels->add(from + s->width, c->din[DRIVE] + (s->sample * s->ode->intervals + s->interval) * s->drive,
                        s->drive);
}

/* s->down: the gradient by the state behind the step, then by the one before it. */
static void step_back(const path *s, const ag_real *record)
{
    const ag_kernels *kernels = s->call->kernels;
    ag_real at = record[0], h = record[1];
    memcpy(s->state, record + 2, (size_t)s->width * sizeof(ag_real));
    run_stages(s, 0, s->rule->made, at, h);
    for (int i = s->rule->made; i-- > 0;) {
        memset(s->wide, 0, (size_t)s->width * sizeof(ag_real));
        kernels->scale_add(h * (ag_real)s->rule->weight[i], s->down, s->wide, s->width);
        for (int j = i + 1; j < s->rule->made; j++)
            if (s->rule->by[j][i] != 0.0)
                kernels->scale_add(h * (ag_real)s->rule->by[j][i], s->back + j * s->width, s->wide, s->width);
        stage_back(s, i);
    }
    for (int i = 0; i < s->rule->made; i++) kernels->add(s->back + i * s->width, s->down, s->width);
}

static void backward(const ag_call *c)
{
    for (int64_t i = 0; i < c->samples; i++) {
        path s = path_of(c, i);
        memset(s.down, 0, (size_t)s.width * sizeof(ag_real));
        for (s.interval = s.ode->intervals; s.interval-- > 0;) {
            const ag_real *record = record_of(&s);
            c->kernels->add(c->dout[0] + (i * s.ode->intervals + s.interval) * s.width, s.down, s.width);
            for (int64_t step = (int64_t)record[0]; step-- > 0;) step_back(&s, record + 1 + step * (s.width + 2));
        }
        if (c->din[STATE]) c->kernels->add(s.down, c->din[STATE] + i * s.width, s.width);
    }
}

const ag_op ag_op_ode = {
    .name = "ode",
    .doc = "a state that follows a differential equation whose right side is a network",
    .attributes_size = sizeof(ag_ode),
    .min_inputs = FIRST_WEIGHT + 2,
    .max_inputs = 16,
    .outputs = 1,
    .reads_in = 1 << STATE | 1 << DRIVE,
    .shape = shape,
    .cost = cost,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
