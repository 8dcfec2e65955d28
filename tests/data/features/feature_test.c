// SPDX-License-Identifier: Apache-2.0
#include "data/features/feature.h"

#include "data/features/holes.h"

enum { CELLS = 512, DEFAULT = 17 };

typedef struct bench {
    ag_arena *arena;
    ag_track track;
    ag_grid grid;
    const ag_feature *chosen[DEFAULT];
    double scratch[AG_FEATURE_SCRATCH * (CELLS + 1)];
    float *matrix;
} bench;

static void look(bench *b, const ag_hole *hole, const ag_feature_options *options)
{
    ag_err err = {0};
    size_t count;
    const ag_feature *all = ag_feature_all(&count);
    assert_int_equal(count, DEFAULT);
    for (size_t i = 0; i < count; i++) b->chosen[i] = &all[i];
    if (!b->arena) b->arena = ag_arena_new(0);
    b->matrix = ag_arena_array(b->arena, (size_t)CELLS * DEFAULT, sizeof(float));
    AG_EXPECT_OK(ag_track_make(hole, b->arena, &b->track, &err));
    AG_EXPECT_OK(ag_grid_new(CELLS, b->arena, &b->grid, &err));
    ag_grid_lay(&b->track, 0, 0.08, &b->grid);
    ag_feature_matrix(&b->grid, b->chosen, DEFAULT, options, b->scratch, b->matrix);
}

static size_t column(const char *name)
{
    size_t count;
    return (size_t)(ag_feature_find(name) - ag_feature_all(&count));
}

static double at(const bench *b, const char *name, size_t cell)
{
    return (double)b->matrix[cell * DEFAULT + column(name)];
}

static const ag_feature_options usual = {true, true, 0.4};

AG_TEST(test_feature__the_table_is_whole)
{
    size_t count;
    const ag_feature *all = ag_feature_all(&count);
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    ag_features_markdown(&text);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(all[i].fill);
        assert_true(strlen(all[i].doc) > 10);
        assert_ptr_equal(ag_feature_find(all[i].name), &all[i]);
        assert_true(ag_str_find(ag_buf_str(&text), ag_str_of(all[i].name), 0) != SIZE_MAX);
    }
    assert_null(ag_feature_find("torq"));
    for (int i = 0; i < AG_CONDITIONS; i++) assert_int_equal(ag_condition_find(ag_conditions[i].name), i);
    assert_true(ag_condition_find("age") < 0);
    ag_buf_deinit(&text);
}

AG_TEST(test_feature__of_every_regime_is_finite_and_says_where_it_was_seen)
{
    for (size_t r = 0; r < ag_sim_regime_count; r++) {
        bench b = {.arena = ag_arena_new(0)};
        ag_sim_plan plan;
        look(&b, simulated_hole(ag_sim_regimes[r].name, 11, r, 1, b.arena, &plan), &usual);
        for (size_t i = 0; i < (size_t)CELLS * DEFAULT; i++) assert_true(isfinite(b.matrix[i]));
        for (size_t i = 0; i < CELLS; i++) assert_true((at(&b, "quality", i) > 0) == b.grid.observed[i]);
        if (isnan(plan.entry)) assert_true(b.track.peak < 2);
        ag_arena_free(b.arena);
    }
}

AG_TEST(test_feature__a_ramp_has_its_slope_and_its_work)
{
    bench b = {.arena = ag_arena_new(0)};
    made_row rows[800];
    for (size_t i = 0; i < 800; i++)
        rows[i] = (made_row){1 + 0.03 * (double)i, 0.03 * (double)i, 0.1, i < 400 ? 1 : 3, 0};
    look(&b, made_hole(rows, 800, 100, b.arena), &usual);
    size_t middle = 150;                                                         /* 12 mm */
    assert_true(fabs(0.5 * sinh(at(&b, "torque_gradient", middle)) - 1) < 0.05); /* an ampere per mm */
    assert_true(fabs(0.3 * sinh(at(&b, "torque", middle)) - 11.06) < 0.1);
    assert_true(fabs(sinh(at(&b, "velocity", middle)) - 3) < 0.1);
    assert_true(fabs(at(&b, "acceleration", middle)) < 0.2);
    assert_true(fabs(at(&b, "position", middle) - 12.04 / b.track.end) < 0.01);
    assert_true(fabs(5 * sinh(at(&b, "wear", middle)) - 0.5 * 11.06 * 11.06) < 2);
    assert_true(at(&b, "step", 20) == 0 && at(&b, "step", 250) == 1);
    assert_true(fabs(sinh(at(&b, "power", middle)) - 3 * 11.2) < 1);
    ag_arena_free(b.arena);
}

AG_TEST(test_feature__options_change_what_they_say)
{
    ag_sim_plan plan;
    bench b = {.arena = ag_arena_new(0)};
    ag_hole *hole = simulated_hole("cfrp-ti-event", 2, 0, 1, b.arena, &plan);
    look(&b, hole, &usual);
    double position = at(&b, "position", 200), power = at(&b, "power", 200), smooth = at(&b, "torque_smooth", 100);
    look(&b, hole, &(ag_feature_options){false, false, 2});
    assert_true(fabs(at(&b, "position", 200) - 16.04) < 1e-4);
    assert_true(fabs(position - 16.04 / b.track.end) < 1e-5);
    assert_true(at(&b, "power", 200) != power && at(&b, "torque_smooth", 100) != smooth);
    ag_arena_free(b.arena);
}

AG_TEST(test_condition__from_holes_csv_and_from_the_header_are_the_same)
{
    ag_arena *arena = ag_arena_new(0);
    ag_sim_plan plan;
    ag_hole *hole = simulated_hole("cfrp-ti-stroke", 2, 3, 1, arena, &plan);
    double a[AG_CONDITIONS], b[AG_CONDITIONS];
    ag_buf program;
    ag_buf_init(&program, 1 << 16);
    for (size_t i = 0; i < hole->program_count; i++)
        if (hole->program[i].enabled)
            ag_buf_addf(&program, "%s%g@%g/%g", program.size ? "|" : "", hole->program[i].value[AG_PROGRAM_STROKE],
                        hole->program[i].value[AG_PROGRAM_RPM], hole->program[i].value[AG_PROGRAM_FEED]);
    char counter[32];
    ag_format(counter, sizeof counter, "%u", plan.local_counter);
    hole->file = "a/E00_ST_1000_1.xls";
    ag_conditions_of(hole, a);
    ag_conditions_read(program.data, counter, hole->file, b);
    for (int i = 0; i < AG_CONDITIONS; i++) assert_true(a[i] == b[i]);
    assert_true(a[AG_CONDITION_STEPS] == 2 && a[AG_CONDITION_PREDRILLED] == 0);
    assert_true(a[AG_CONDITION_FEED] > 0 && a[AG_CONDITION_FEED] < 1);
    ag_buf_deinit(&program);
    ag_arena_free(arena);
}

AG_TEST(test_condition__what_is_not_told_is_not_known)
{
    static const char *const programs[] = {NULL, "", "abc", "@", "1@2", "|||", "x@y/z"};
    double out[AG_CONDITIONS];
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        ag_conditions_read(programs[i], i % 2 ? "" : "x", NULL, out);
        assert_true(isnan(out[AG_CONDITION_TOOL_AGE]) && isnan(out[AG_CONDITION_RPM]));
        assert_true(isnan(out[AG_CONDITION_PREDRILLED]));
    }
    ag_conditions_read("9@1000/0.75", "7", "E0_ST_1000_1_2.xls", out);
    assert_true(out[AG_CONDITION_TOOL_AGE] == 7 && out[AG_CONDITION_PREDRILLED] == 1 && out[AG_CONDITION_FEED] == 0.75);
}
