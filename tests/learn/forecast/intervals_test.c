// SPDX-License-Identifier: Apache-2.0
/* Intervals: which error is the half width, what so few windows cannot give, how often they hold on errors of the same
 * kind, and files that lie. */
#include "learn/forecast/intervals.h"

#include <math.h>

#include "core/base/rng.h"
#include "frame/test.h"

static const char *const names[] = {"a", "b\"c"};

/* Windows of one step and column whose errors are 1, 2, 3 ... in a mixed order. */
static void fit_counted(int64_t windows, ag_arena *arena, ag_intervals *out)
{
    ag_err err = {0};
    ag_residuals r;
    AG_EXPECT_OK(ag_residuals_init(&r, windows, 1, 1, &err));
    for (int64_t i = 0; i < windows; i++) {
        ag_real truth = (ag_real)((i * 7) % windows + 1) * (i % 2 ? 1 : -1), forecast = 0;
        ag_residuals_add(&r, i, &forecast, &truth);
    }
    AG_EXPECT_OK(ag_intervals_fit(&r, arena, out, &err));
    ag_residuals_deinit(&r);
    ag_residuals_deinit(&r);
}

AG_TEST(test_intervals__are_the_conformal_rank_of_the_errors)
{
    ag_err err = {0};
    ag_intervals intervals;
    ag_arena *arena = ag_arena_new(0);
    fit_counted(99, arena, &intervals);
    assert_int_equal(intervals.levels, 9);
    assert_int_equal(intervals.windows, 99);
    assert_true(fabs(ag_intervals_at(&intervals, 0.9, &err)[0] - 90) < 1e-3); /* ceil(100 * 0.9) */
    assert_true(fabs(ag_intervals_at(&intervals, 0.5, &err)[0] - 50) < 1e-3);
    assert_true(fabs(ag_intervals_at(&intervals, 0.99, &err)[0] - 99) < 1e-3);
    assert_true(ag_intervals_at(&intervals, 0.9, &err)[0] >= 90);
    assert_null(ag_intervals_at(&intervals, 0.93, &err));
    assert_non_null(strstr(err.hint, "0.85, 0.9, 0.95"));
    fit_counted(98, arena, &intervals); /* 0.99 of 99 is the 99th of 98 */
    assert_int_equal(intervals.levels, 8);
    assert_null(ag_intervals_at(&intervals, 0.99, &err));
    fit_counted(9, arena, &intervals);
    assert_true(fabs(ag_intervals_at(&intervals, 0.9, &err)[0] - 9) < 1e-3);
    fit_counted(1, arena, &intervals);
    assert_int_equal(intervals.levels, 1);
    ag_arena_free(arena);
}

AG_TEST(test_intervals__hold_as_often_as_they_say_on_errors_of_the_same_kind)
{
    enum { WINDOWS = 2000, STEPS = 3, COLUMNS = 2, SIZE = STEPS * COLUMNS };
    ag_err err = {0};
    ag_rng rng = ag_rng_stream(11, "intervals");
    ag_residuals r;
    ag_intervals intervals;
    ag_covering covering;
    ag_arena *arena = ag_arena_new(0);
    ag_real forecast[SIZE] = {0}, truth[SIZE];
    AG_EXPECT_OK(ag_residuals_init(&r, WINDOWS, STEPS, COLUMNS, &err));
    for (int64_t i = 0; i < WINDOWS; i++) {
        for (int k = 0; k < SIZE; k++) truth[k] = (ag_real)(ag_rng_normal(&rng) * (1 + k));
        ag_residuals_add(&r, i, forecast, truth);
    }
    AG_EXPECT_OK(ag_intervals_fit(&r, arena, &intervals, &err));
    ag_residuals_deinit(&r);
    const double *half_width = ag_intervals_at(&intervals, 0.9, &err);
    for (int k = 0; k < SIZE; k++) assert_true(fabs(half_width[k] / (1 + k) - 1.645) < 0.12);
    AG_EXPECT_OK(ag_covering_init(&covering, half_width, STEPS, COLUMNS, arena, &err));
    for (int64_t i = 0; i < WINDOWS; i++) {
        for (int k = 0; k < SIZE; k++) truth[k] = (ag_real)(ag_rng_normal(&rng) * (1 + k));
        ag_covering_add(&covering, i, forecast, truth);
    }
    ag_covering_end(&covering);
    assert_true(fabs(covering.share - 0.9) < 0.015);
    double width = 0;
    for (int t = 0; t < STEPS; t++) {
        assert_true(fabs(covering.step_share[t] - 0.9) < 0.02);
        width += covering.step_width[t] / STEPS;
    }
    assert_true(fabs(width - covering.width) < 1e-9);
    assert_true(covering.column_width[1] > covering.column_width[0]);
    assert_true(fabs((covering.column_share[0] + covering.column_share[1]) / 2 - covering.share) < 1e-9);
    ag_arena_free(arena);
}

AG_TEST(test_intervals__of_very_many_numbers_stay_small)
{
    ag_err err = {0};
    ag_residuals r;
    ag_intervals intervals;
    ag_arena *arena = ag_arena_new(0);
    enum { STEPS = 1000, COLUMNS = 500 }; /* half a million numbers at each level */
    ag_real *truth = ag_arena_array(arena, (size_t)STEPS * COLUMNS, sizeof *truth);
    ag_real *forecast = ag_arena_array(arena, (size_t)STEPS * COLUMNS, sizeof *forecast);
    AG_EXPECT_OK(ag_residuals_init(&r, 1000, STEPS, COLUMNS, &err));
    assert_true(r.count < 200 && r.every > 1 && r.every * r.count >= 1000);
    for (int64_t i = 0; i < 1000; i += r.every) ag_residuals_add(&r, i, forecast, truth);
    ag_residuals_add(&r, 1, forecast, truth);
    AG_EXPECT_OK(ag_intervals_fit(&r, arena, &intervals, &err));
    ag_residuals_deinit(&r);
    assert_int_equal(intervals.levels, 1);
    assert_true(intervals.coverage[0] == 0.9 && ag_intervals_at(&intervals, 0.9, &err)[0] == 0.0);
    ag_arena_free(arena);
}

/* ---- the file ---- */

static const char good[] = "{\"format\":1,\"method\":\"conformal\",\"windows\":12,\"columns\":[\"a\",\"b\\\"c\"],"
                           "\"horizon\":2,\"levels\":[{\"coverage\":0.5,\"half_width\":[[1.0,2.0],[3.0,4.0]]},"
                           "{\"coverage\":0.9,\"half_width\":[[1.5,2.0],[3.0,8.25]]}]}\n";

AG_TEST(test_intervals__come_back_from_their_file)
{
    ag_err err = {0};
    ag_buf text;
    ag_intervals intervals;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_intervals_parse(ag_str_of(good), "f", names, 2, 2, arena, &intervals, &err));
    assert_int_equal(intervals.windows, 12);
    const double *at = ag_intervals_at(&intervals, 0.9, &err);
    assert_true(at[0] == 1.5 && at[3] == 8.25);
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_OK(ag_intervals_write(&intervals, names, &text, &err));
    assert_int_equal(text.size, strlen(good));
    assert_memory_equal(text.data, good, text.size);
    ag_buf_deinit(&text);
    ag_arena_free(arena);
}

AG_TEST(test_intervals__files_that_lie_are_refused)
{
    static const char *const rows[][3] = {
        {"\"format\":1", "\"format\":2", "format 2 is newer"},
        {"\"format\":1", "\"format\":0", "format is missing"},
        {"\"windows\":12", "\"windows\":0", "windows"},
        {"\"windows\":12", "\"windows\":\"12\"", "windows"},
        {"\"a\",", "", "columns"},
        {"\"a\"", "\"x\"", "columns"},
        {"\"a\"", "7", "columns"},
        {"\"horizon\":2", "\"horizon\":3", "horizon"},
        {"\"horizon\":2", "\"horizon\":1e99", "horizon"},
        {"\"levels\":[", "\"levels\":[],\"x\":[", "levels must be a list"},
        {"\"levels\":[", "\"levels\":7,\"x\":[", "levels must be a list"},
        {"\"coverage\":0.5", "\"coverage\":0.9", "coverages must grow"},
        {"\"coverage\":0.5", "\"coverage\":0", "coverages must grow"},
        {"\"coverage\":0.9", "\"coverage\":1", "coverages must grow"},
        {"\"coverage\":0.9", "\"coverage\":null", "coverages must grow"},
        {"[1.0,2.0]", "[1.0]", "a number for each column"},
        {"[1.0,2.0]", "[1.0,2.0,3.0]", "a number for each column"},
        {"[1.0,2.0],", "", "a row for each step"},
        {"[1.0,2.0]", "7", "a number for each column"},
        {"[1.0,2.0]", "[1.0,-2.0]", "can be a width"},
        {"[1.0,2.0]", "[1.0,1e300]", "can be a width"},
        {"[1.0,2.0]", "[1.0,null]", "can be a width"},
        {"[1.0,2.0]", "[1.0,NaN]", ""},
        {"[1.5,2.0]", "[0.5,2.0]", "narrower"},
        {"}]}", "}]", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ag_err err = {0};
        ag_buf text;
        ag_intervals intervals;
        ag_arena *arena = ag_arena_new(0);
        const char *at = strstr(good, rows[i][0]);
        assert_non_null(at);
        ag_buf_init(&text, 1 << 20);
        ag_buf_add(&text, good, (size_t)(at - good));
        ag_buf_add_text(&text, rows[i][1]);
        ag_buf_add_text(&text, at + strlen(rows[i][0]));
        int rc = ag_intervals_parse(ag_buf_str(&text), "f", names, 2, 2, arena, &intervals, &err);
        if (rc >= 0 || !strstr(err.text, rows[i][2])) fail_msg("row %zu: %d %s", i, rc, err.text);
        ag_buf_deinit(&text);
        ag_arena_free(arena);
    }
}

AG_TEST(test_intervals__a_short_file_takes_no_memory_for_a_large_model)
{
    ag_err err = {0};
    ag_intervals intervals;
    ag_arena *arena = ag_arena_new(1 << 20);
    static const char text[] = "{\"format\":1,\"windows\":12,\"columns\":[\"a\",\"b\\\"c\"],\"horizon\":1000000,"
                               "\"levels\":[{},{},{}]}";
    AG_EXPECT_ERROR(ag_intervals_parse(ag_str_of(text), "f", names, 2, 1000000, arena, &intervals, &err), AG_EPARSE,
                    "fewer numbers");
    ag_arena_free(arena);
}

static int make_and_read(void *context, ag_err *err)
{
    ag_residuals r = {0};
    ag_intervals intervals, again;
    ag_buf text;
    ag_real zero[4] = {0}, truth[4] = {1, 2, 3, 4};
    (void)context;
    ag_buf_init(&text, 1 << 20);
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_residuals_init(&r, 20, 2, 2, err) : ag_fail_memory(err, 1);
    for (int64_t i = 0; i < 20 && rc >= 0; i++) ag_residuals_add(&r, i, zero, truth);
    if (rc >= 0) rc = ag_intervals_fit(&r, arena, &intervals, err);
    if (rc >= 0) rc = ag_intervals_write(&intervals, names, &text, err);
    if (rc >= 0) rc = ag_intervals_parse(ag_buf_str(&text), "f", names, 2, 2, arena, &again, err);
    if (rc >= 0 && (again.levels != intervals.levels || again.half_width[3] != intervals.half_width[3]))
        rc = ag_fail(err, AG_EINTERNAL, "not the same");
    ag_residuals_deinit(&r);
    ag_buf_deinit(&text);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_intervals__every_failing_call_is_told)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC, make_and_read, NULL, NULL);
}
