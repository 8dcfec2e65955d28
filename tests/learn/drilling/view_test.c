// SPDX-License-Identifier: Apache-2.0
#include "learn/drilling/view.h"

#include "core/doc/json.h"
#include "data/features/holes.h"

enum { CELLS = 256 };

static void describe(ag_arena *arena, const char *preprocessing, ag_drilling_data *out)
{
    ag_err err = {0};
    const ag_value *tree;
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    ag_buf_addf(&text, "{\"preprocessing\": {%s}}", preprocessing);
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&text), NULL, &tree, &err));
    AG_EXPECT_OK(ag_describe_read(&ag_drilling_data_description, arena, tree, NULL, out, &err));
    ag_buf_deinit(&text);
}

static ag_view made_view(ag_arena *arena, const char *preprocessing)
{
    ag_err err = {0};
    ag_drilling_data data;
    ag_view view;
    describe(arena, preprocessing, &data);
    AG_EXPECT_OK(ag_view_init(&data, CELLS, &view, &err));
    return view;
}

static ag_example_set made_set(ag_arena *arena, size_t count)
{
    ag_err err = {0};
    ag_example_set set = {.items = ag_arena_array(arena, count, sizeof(ag_example)), .count = count};
    for (size_t i = 0; i < count; i++) {
        ag_sim_plan plan;
        ag_hole *hole = simulated_hole(ag_sim_regimes[i % ag_sim_regime_count].name, 4, i, 1, arena, &plan);
        AG_EXPECT_OK(ag_drilled_make(hole, NULL, arena, &set.items[i].drilled, &err));
    }
    return set;
}

AG_TEST(test_view__the_table_of_keys_is_whole)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_describe_verify(&ag_drilling_data_description, &err));
}

AG_TEST(test_view__takes_all_channels_or_some)
{
    ag_arena *arena = ag_arena_new(0);
    assert_int_equal(made_view(arena, "").channel_count, 17);
    ag_view some = made_view(arena, "\"channels\": [\"thrust\", \"torque\"], \"conditions\": [\"tool_age\"]");
    assert_int_equal(some.channel_count, 2);
    assert_string_equal(some.channels[0]->name, "thrust");
    assert_int_equal(some.condition_count, 1);
    ag_arena_free(arena);
}

AG_TEST(test_view__refuses_names_that_do_not_exist_and_doubles)
{
    static const char *const wrong[][2] = {
        {"\"channels\": [\"torqe\"]", "there is no 'torqe'"},
        {"\"channels\": [\"torque\", \"torque\"]", "twice"},
        {"\"conditions\": [\"tool_ages\"]", "there is no 'tool_ages'"},
        {"\"conditions\": [\"rpm\", \"rpm\"]", "twice"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ag_err err = {0};
        ag_drilling_data data;
        ag_view view;
        ag_arena *arena = ag_arena_new(0);
        describe(arena, wrong[i][0], &data);
        AG_EXPECT_ERROR(ag_view_init(&data, CELLS, &view, &err), AG_EINVAL, wrong[i][1]);
        ag_arena_free(arena);
    }
}

/* Every depth of the recording lies in some window, away from its first cell. */
AG_TEST(test_view__windows_cover_a_long_hole)
{
    ag_arena *arena = ag_arena_new(0);
    ag_view view = made_view(arena, "\"cell_mm\": 0.05");
    double ends[] = {0, 3, 12.6, 12.8, 12.81, 19, 25.6, 31, 77, 300};
    for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
        double nodes[2] = {0.5, ends[e]};
        ag_track track = {.count = 2, .depth = nodes, .end = ends[e]};
        ag_view_windows w;
        ag_view_cut(&view, &track, &w);
        assert_true(w.count >= 1 && w.cell_mm == 0.05);
        double covered = 0;
        for (size_t i = 0; i < w.count; i++) {
            assert_true(w.start[i] <= covered + 1e-9);
            covered = w.start[i] + CELLS * w.cell_mm;
        }
        assert_true(covered >= ends[e]);
    }
    view = made_view(arena, "\"sequence_windowing\": false, \"cell_mm\": 0.05");
    double nodes[2] = {0.5, 31};
    ag_track track = {.count = 2, .depth = nodes, .end = 31};
    ag_view_windows w;
    ag_view_cut(&view, &track, &w);
    assert_true(w.count == 1 && w.cell_mm * CELLS > 31);
    ag_arena_free(arena);
}

AG_TEST(test_view__scaled_channels_have_mean_0_and_deviation_1_and_padding_is_0)
{
    enum { HOLES = 22 };
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_view view = made_view(arena, "\"cell_mm\": 0.16");
    ag_example_set set = made_set(arena, HOLES);
    size_t chosen[HOLES], count = view.channel_count;
    for (size_t i = 0; i < HOLES; i++) chosen[i] = i;
    AG_EXPECT_OK(ag_view_fit(&view, &set, chosen, HOLES, &err));
    ag_viewer *viewer;
    AG_EXPECT_OK(ag_viewer_new(&view, arena, &viewer, &err));
    double sum[AG_VIEW_CHANNELS] = {0}, squares[AG_VIEW_CHANNELS] = {0}, n = 0;
    ag_real *values = ag_arena_array(arena, CELLS * count, sizeof *values);
    ag_real *observed = ag_arena_array(arena, CELLS * count, sizeof *observed);
    for (size_t i = 0; i < HOLES; i++) {
        const ag_grid *g = ag_viewer_look(viewer, &set.items[i].drilled.track, 0, 0.16, values, observed);
        for (size_t k = 0; k < CELLS; k++) {
            bool inside = k >= g->first && k < g->last;
            assert_true((observed[k * count] != 0) == (inside && g->observed[k]));
            n += observed[k * count] != 0;
            for (size_t c = 0; c < count; c++) {
                double z = (double)values[k * count + c];
                if (!inside) assert_true(z == 0);
                if (observed[k * count] == 0) continue;
                sum[c] += z;
                squares[c] += z * z;
            }
        }
    }
    for (size_t c = 0; c < count; c++) {
        assert_true(fabs(sum[c] / n) < 0.1);
        assert_true(sqrt(squares[c] / n) < 1.1);
    }
    ag_arena_free(arena);
}

AG_TEST(test_view__conditions_are_scaled_and_unknown_ones_0)
{
    ag_arena *arena = ag_arena_new(0);
    ag_view view = made_view(arena, "\"conditions\": [\"tool_age\", \"feed\", \"rpm\"]");
    double conditions[AG_CONDITIONS] = {40, NAN, NAN, 1e9, NAN};
    ag_real out[3];
    ag_view_conditions(&view, conditions, out);
    assert_true(out[0] == 1 && out[1] == 0 && out[2] == 8);
    ag_arena_free(arena);
}

AG_TEST(test_view__is_the_same_when_read_back)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_view view = made_view(arena, "\"channels\": [\"torque\", \"ratio\"], \"conditions\": [\"steps\"], "
                                    "\"normalize_position\": false"),
            again;
    view.mean[0] = 1.0 / 3;
    view.deviation[1] = 7;
    ag_buf text;
    const ag_value *tree;
    ag_buf_init(&text, 1 << 16);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_view_write(&view, &json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&text), NULL, &tree, &err));
    AG_EXPECT_OK(ag_view_read(tree, "auger.json", &again, &err));
    assert_true(again.cells == CELLS && again.channels[1] == view.channels[1] && again.mean[0] == view.mean[0]);
    assert_true(again.deviation[1] == 7 && again.condition_count == 1 && !again.options.normalize_position);
    ag_buf_deinit(&text);
    ag_arena_free(arena);
}

AG_TEST(test_view__refuses_what_is_no_view)
{
    static const char *const wrong[] = {
        "[]",
        "{}",
        "{\"cells\": 512}",
        "{\"cells\": 512, \"cell_mm\": -1, \"sequence_windowing\": true}",
        "{\"cells\": 8, \"cell_mm\": 1, \"sequence_windowing\": true, \"refine\": true, \"normalize_position\": true, "
        "\"combine_torque_signals\": true, \"smoothing_mm\": 0.4, \"channels\": [\"future\"], \"conditions\": []}",
        "{\"cells\": 8, \"cell_mm\": 1, \"sequence_windowing\": true, \"refine\": true, \"normalize_position\": true, "
        "\"combine_torque_signals\": true, \"smoothing_mm\": 0.4, \"channels\": [\"torque\"], \"conditions\": [], "
        "\"mean\": [0], \"deviation\": [0]}",
        "{\"cells\": 8, \"cell_mm\": 1, \"sequence_windowing\": true, \"refine\": true, \"normalize_position\": true, "
        "\"combine_torque_signals\": true, \"smoothing_mm\": 0.4, \"channels\": [\"torque\"], \"conditions\": [], "
        "\"mean\": [0, 1], \"deviation\": [1]}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ag_err err = {0};
        ag_view view;
        const ag_value *tree;
        ag_arena *arena = ag_arena_new(0);
        AG_EXPECT_OK(ag_json_parse(arena, ag_str_of(wrong[i]), NULL, &tree, &err));
        assert_true(ag_view_read(tree, "auger.json", &view, &err) < 0);
        assert_true(strlen(err.text) > 5);
        ag_arena_free(arena);
    }
}
