// SPDX-License-Identifier: Apache-2.0
#include "learn/forecast/windows.h"

#include <math.h>
#include <string.h>

#include "core/sys/clock.h"
#include "frame/test.h"
#include "learn/forecast/score.h"

static const double shares[] = {0.7, 0.1, 0.2};

AG_TEST(test_borders__ett_protocol_is_the_published_one)
{
    ag_err err = {0};
    ag_borders b;
    AG_EXPECT_OK(ag_borders_find(AG_SPLIT_ETT_HOUR, shares, 17420, 512, 96, &b, &err));
    assert_true(b.to[0] == 8640 && b.to[1] == 11520 && b.to[2] == 14400 && b.from[1] == 8640);
    AG_EXPECT_OK(ag_borders_find(AG_SPLIT_ETT_MINUTE, shares, 69680, 512, 96, &b, &err));
    assert_true(b.to[0] == 34560 && b.to[2] == 57600);
    AG_EXPECT_ERROR(ag_borders_find(AG_SPLIT_ETT_HOUR, shares, 14399, 512, 96, &b, &err), AG_EINVAL, "14400 rows");
}

AG_TEST(test_borders__ratios_leave_no_row_out)
{
    ag_err err = {0};
    ag_borders b;
    AG_EXPECT_OK(ag_borders_find(AG_SPLIT_RATIO, shares, 1007, 10, 5, &b, &err));
    assert_true(b.to[0] == 704 && b.to[1] == 1007 - 201 && b.to[2] == 1007);
    AG_EXPECT_OK(ag_borders_find(AG_SPLIT_RATIO, (const double[]){0.5, 0.25, 0.0}, 1000, 10, 5, &b, &err));
    assert_true(b.to[0] == 500 && b.to[1] == 750 && b.to[2] == 750);
    AG_EXPECT_ERROR(ag_borders_find(AG_SPLIT_RATIO, (const double[]){0.8, 0.2, 0.2}, 1000, 10, 5, &b, &err), AG_EINVAL,
                    "add up to 1.2");
    AG_EXPECT_ERROR(ag_borders_find(AG_SPLIT_RATIO, (const double[]){700, 100, 200}, 1000, 10, 5, &b, &err), AG_EINVAL,
                    "between 0 and 1");
}

AG_TEST(test_borders__lengths)
{
    ag_err err = {0};
    ag_borders b;
    AG_EXPECT_OK(ag_borders_find(AG_SPLIT_LENGTHS, (const double[]){60, 20, 0}, 100, 10, 5, &b, &err));
    assert_true(b.to[0] == 60 && b.to[1] == 80 && b.to[2] == 100);
    AG_EXPECT_ERROR(ag_borders_find(AG_SPLIT_LENGTHS, (const double[]){60, 20, 30}, 100, 10, 5, &b, &err), AG_EINVAL,
                    "110 rows together, but the series has 100");
    AG_EXPECT_ERROR(ag_borders_find(AG_SPLIT_LENGTHS, (const double[]){0.6, 20, 30}, 100, 10, 5, &b, &err), AG_EINVAL,
                    "number of rows");
}

AG_TEST(test_borders__parts_too_short_for_a_window_are_refused)
{
    ag_err err = {0};
    ag_borders b;
    AG_EXPECT_ERROR(ag_borders_find(AG_SPLIT_LENGTHS, (const double[]){14, 20, 30}, 100, 10, 5, &b, &err), AG_EINVAL,
                    "training part has 14 rows, but 15");
    AG_EXPECT_ERROR(ag_borders_find(AG_SPLIT_LENGTHS, (const double[]){15, 4, 30}, 100, 10, 5, &b, &err), AG_EINVAL,
                    "validation part has 4 rows, but 5");
}

static ag_timeseries ramp(ag_arena *arena, int64_t rows)
{
    double *values = ag_arena_array(arena, (size_t)rows * 2, sizeof *values);
    for (int64_t i = 0; i < rows; i++) {
        values[2 * i] = (double)i;
        values[2 * i + 1] = 7.1; /* constant */
    }
    return (ag_timeseries){.rows = rows, .columns = 2, .values = values};
}

AG_TEST(test_scaling__is_that_of_the_training_part)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_timeseries s = ramp(arena, 10);
    ag_scaling scaling;
    ag_real *values = NULL;
    AG_EXPECT_OK(ag_scaling_fit(&s, 0, 5, arena, &scaling, &err));
    assert_true(fabs(scaling.mean[0] - 2.0) < 1e-15 && fabs(scaling.deviation[0] - sqrt(2.0)) < 1e-15);
    assert_true(fabs(scaling.mean[1] - 7.1) < 1e-14 && scaling.deviation[1] == 1.0);
    AG_EXPECT_OK(ag_scaling_apply(&scaling, &s, arena, &values, &err));
    assert_true(fabsf(values[18] - (float)(7.0 / sqrt(2.0))) < 1e-6F && fabsf(values[1]) < 1e-6F);
    AG_EXPECT_OK(ag_scaling_none(2, arena, &scaling, &err));
    AG_EXPECT_OK(ag_scaling_apply(&scaling, &s, arena, &values, &err));
    assert_true(values[18] == 9.0F && values[19] == 7.1F);
    ag_arena_free(arena);
}

AG_TEST(test_windows__slide_over_their_part)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_timeseries s = ramp(arena, 20);
    ag_scaling none;
    ag_real *values = NULL, past[2 * 3 * 2], future[2 * 2 * 2];
    ag_windows w;
    AG_EXPECT_OK(ag_scaling_none(2, arena, &none, &err));
    AG_EXPECT_OK(ag_scaling_apply(&none, &s, arena, &values, &err));
    ag_windows_init(&w, "x", values, 2, 4, 14, 3, 2, 1);
    assert_int_equal(w.samples.count, 6);
    ag_batch batch = {.index = (const int64_t[]){5, 0}, .count = 2, .into = (ag_real *const[]){past, future}};
    AG_EXPECT_OK(w.samples.fill(w.samples.state, &batch, &err));
    assert_true(past[0] == 9.0F && past[4] == 11.0F && future[0] == 12.0F && future[2] == 13.0F);
    assert_true(past[6] == 4.0F && future[4] == 7.0F && past[7] == 7.1F);
    ag_windows_init(&w, "x", values, 2, 0, 14, 3, 2, 4);
    assert_int_equal(w.samples.count, 3);
    ag_windows_init(&w, "x", values, 2, 0, 4, 3, 2, 1);
    assert_int_equal(w.samples.count, 0);
    ag_arena_free(arena);
}

AG_TEST(test_score__of_the_seasonal_baseline)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_real values[40];
    ag_windows w;
    ag_forecast_score score;
    for (int i = 0; i < 40; i++) values[i] = (ag_real)(i % 4); /* a season of 4 */
    ag_windows_init(&w, "x", values, 1, 0, 40, 8, 6, 1);
    ag_forecast_scoring scoring = {.windows = &w, .batch_size = 4};
    AG_EXPECT_OK(ag_forecast_score_naive(&scoring, 4, arena, &score, &err));
    assert_true(score.windows == 27 && score.mse == 0.0 && score.mae == 0.0);
    AG_EXPECT_OK(ag_forecast_score_naive(&scoring, 1, arena, &score, &err));
    assert_true(score.mse > 1.0 && score.steps == 6 && score.step_mse[3] == 0.0 && score.step_mse[0] > 1.0);
    assert_true(fabs(score.column_mse[0] - score.mse) < 1e-12);
    AG_EXPECT_ERROR(ag_forecast_score_naive(&scoring, 9, arena, &score, &err), AG_EINVAL, "does not fit");
    ag_windows_init(&w, "x", values, 1, 0, 10, 8, 6, 1);
    AG_EXPECT_ERROR(ag_forecast_score_naive(&scoring, 1, arena, &score, &err), AG_EINVAL, "no windows");
    ag_arena_free(arena);
}

AG_TEST(test_score__season_follows_from_the_interval)
{
    int64_t hour = 3600 * AG_SECOND, day = 24 * hour;
    assert_int_equal(ag_forecast_season(hour, 512), 24);
    assert_int_equal(ag_forecast_season(hour / 4, 512), 96);
    assert_int_equal(ag_forecast_season(day, 512), 7);
    assert_int_equal(ag_forecast_season(7 * day, 512), 52);
    assert_int_equal(ag_forecast_season(30 * day, 512), 12);
    assert_int_equal(ag_forecast_season(hour, 23), 1);
    assert_int_equal(ag_forecast_season(0, 512), 1);
}
