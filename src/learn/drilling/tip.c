// SPDX-License-Identifier: Apache-2.0
/* tip.c: thrust is made by the chisel edge at the very tip, which meets a layer over a tenth or two of a millimetre,
 * and by the cone behind it. Around a place that is known to some hundredths of a millimetre the samples are laid out
 * as constant, slope, chisel and cone, as the firmware's smoothing would show them, for each place of the tip and each
 * length of the chisel edge; how likely each is follows from what is left, and from what is usual. Without the length
 * of the chisel edge nobody tells where its step begins to better than half of what lengths differ by, 0.02 mm: that is
 * what cells, and labellers that assume a length, are off by in metals. */
#include "learn/drilling/tip.h"

#include <math.h>

#include "data/label/fit.h"

enum { BINS = 140, DEPTHS = 57, CHISELS = 19, FEWEST = 10, FITTED = 6, AROUND = 4 };
static const double before_mm = 0.6, bin_mm = 0.01, depth_step = 0.005, chisel_least = 0.04, chisel_step = 0.02;
/* What is usual: mm around the known place; of the point's length, the deviation of the chisel edge's share. */
static const double usual_away = 0.04, usual_share = AG_FIT_CHISEL, share_deviation = 0.03;
/* Thrust changes slowly, too, so that neighbours err together; no sample is surer than its last bit. */
static const double together = 2, least_noise = 0.005; /* A */

typedef struct stretch { /* samples around the place, put together where they are many */
    size_t count;
    double x[BINS], thrust[BINS], weight[BINS]; /* mm from the place; A; samples */
    double kept[BINS];                          /* of what was felt in the bin before, by the firmware's smoothing */
} stretch;

/* mm/s around a node, inside its step. */
static double feed_around(const ag_track *t, size_t node)
{
    size_t from = node, to = node;
    while (from > 0 && node - from < AROUND && t->joined[from]) from--;
    while (to + 1 < t->count && to - node < AROUND && t->joined[to + 1]) to++;
    double time = t->time[to] - t->time[from];
    return time > 0 ? (t->depth[to] - t->depth[from]) / time : 0;
}

/* The first node from this depth on. */
static size_t node_at(const ag_track *t, double depth)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t->depth[mid] < depth)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void cut_out(const ag_track *t, double near, stretch *s)
{
    const double usual_time = 0.01, kept = ag_track_lag / (ag_track_lag + usual_time);
    double before = 0, last = -1;
    s->count = 0;
    for (size_t i = node_at(t, near - before_mm); i < t->count; i++) {
        double x = t->depth[i] - near, bin = floor((x + before_mm) / bin_mm);
        if (bin >= BINS) break;
        double samples = t->samples[i], felt = x + ag_track_lag * feed_around(t, i);
        if (bin > last || s->count == 0 || !t->joined[i]) {
            if (s->count == BINS) break;
            size_t k = s->count++;
            s->kept[k] = k && t->joined[i] ? pow(kept, (t->time[i] - before) / usual_time) : 0;
            s->x[k] = s->thrust[k] = s->weight[k] = 0;
            last = bin;
            before = t->time[i];
        }
        size_t k = s->count - 1;
        double weight = s->weight[k] + samples;
        s->x[k] += (felt - s->x[k]) * samples / weight;
        s->thrust[k] += (t->thrust[i] - s->thrust[k]) * samples / weight;
        s->weight[k] = weight;
    }
}

/* A ramp from `begin` on over `length` mm, as it is felt. */
static void lay(const stretch *s, double begin, double length, double *out)
{
    double felt = 0, inverse = 1 / length;
    for (size_t i = 0; i < s->count; i++) {
        double x = (s->x[i] - begin) * inverse;
        x = x > 0 ? x : 0;
        x = x < 1 ? x : 1;
        felt = x + s->kept[i] * (felt - x);
        out[i] = felt;
    }
}

static double product(const stretch *s, const double *a, const double *b)
{
    double part[4] = {0};
    size_t i = 0;
    for (; i + 4 <= s->count; i += 4)
        for (size_t k = 0; k < 4; k++) part[k] += s->weight[i + k] * a[i + k] * b[i + k];
    for (; i < s->count; i++) part[0] += s->weight[i] * a[i] * b[i];
    return (part[0] + part[1]) + (part[2] + part[3]);
}

/* Columns made normal to each other, one by one (Cholesky, row by row), and what of thrust is left behind them. */
enum { COLUMNS = 4 };
typedef struct columns {
    double values[COLUMNS][BINS];
    double root[COLUMNS][COLUMNS], side[COLUMNS];
    double left; /* squares */
} columns;

/* The next column, which is at values[k]; the amount that it takes from what is left. */
static double stand(const stretch *s, columns *c, int k)
{
    double own = product(s, c->values[k], c->values[k]), whole = own, side = product(s, c->values[k], s->thrust);
    for (int i = 0; i < k; i++) {
        double sum = product(s, c->values[k], c->values[i]);
        for (int m = 0; m < i; m++) sum -= c->root[k][m] * c->root[i][m];
        c->root[k][i] = sum / c->root[i][i];
        own -= c->root[k][i] * c->root[k][i];
        side -= c->root[k][i] * c->side[i];
    }
    c->root[k][k] = sqrt(fmax(own, 1e-9 * whole + 1e-12));
    c->side[k] = side / c->root[k][k];
    return c->side[k] * c->side[k];
}

/* What each place of the tip (outer) and length of the chisel edge leaves of thrust; the least. */
static double try_all(const stretch *s, double point, int sign, double left[DEPTHS][CHISELS])
{
    columns c;
    double least = INFINITY, whole = product(s, s->thrust, s->thrust);
    for (size_t i = 0; i < s->count; i++) {
        c.values[0][i] = 1;
        c.values[1][i] = s->x[i];
    }
    whole -= stand(s, &c, 0);
    whole -= stand(s, &c, 1);
    for (int d = 0; d < DEPTHS; d++) {
        double begin = depth_step * (d - DEPTHS / 2);
        lay(s, begin, point, c.values[2]);
        double rest = whole - stand(s, &c, 2);
        for (int k = 0; k < CHISELS; k++) {
            lay(s, begin, chisel_least + chisel_step * k, c.values[3]);
            double taken = stand(s, &c, 3);
            left[d][k] = fmax(rest - (c.side[3] * sign >= 0 ? taken : 0), 0);
            least = fmin(least, left[d][k]);
        }
    }
    return least;
}

static double square(double x)
{
    return x * x;
}

ag_tip ag_tip_find(const ag_track *track, double near, double point, int sign)
{
    stretch s;
    double left[DEPTHS][CHISELS], sum = 0, way = 0, squares = 0, chisel = 0;
    cut_out(track, near, &s);
    if (s.count < FEWEST) return (ag_tip){0, usual_away, usual_share * point};
    double least = try_all(&s, point, sign, left);
    double noise = together * least / (double)(s.count - FITTED) + square(least_noise);
    for (int d = 0; d < DEPTHS; d++)
        for (int k = 0; k < CHISELS; k++) {
            double away = depth_step * (d - DEPTHS / 2), length = chisel_least + chisel_step * k;
            double likely = exp(-0.5 * ((left[d][k] - least) / noise + square(away / usual_away) +
                                        square((length / point - usual_share) / share_deviation)));
            sum += likely;
            way += likely * away;
            squares += likely * square(away);
            chisel += likely * length;
        }
    way /= sum;
    return (ag_tip){.away = way,
                    .unsure = sqrt(fmax(squares / sum - way * way, 0) + square(0.5 * depth_step)),
                    .chisel = chisel / sum};
}
