// SPDX-License-Identifier: Apache-2.0
/* Looks at what must hold for any input: well-formed elements, clean text, bounded size, the same bytes twice. */
#include "core/show/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/base/str.h"
#include "core/show/html.h"
#include "frame/test.h"

/* Every tag is closed in order, quotes pair up, and nothing is a number that is none. */
static void expect_well_formed(const ag_buf *out)
{
    char open[64][16];
    size_t depth = 0;
    assert_int_equal(out->failed, AG_OK);
    assert_true(ag_utf8_valid(ag_buf_str(out)));
    assert_null(strstr(out->data, "nan"));
    assert_null(strstr(out->data, "inf"));
    for (const char *at = out->data; (at = strchr(at, '<')); at++) {
        const char *end = at;
        for (bool quoted = false; *end && (quoted || *end != '>'); end++) quoted ^= *end == '"';
        assert_int_equal(*end, '>');
        size_t size = strcspn(at + 1 + (at[1] == '/'), " />\n");
        assert_true(size > 0 && size < 16);
        if (at[1] == '/') {
            assert_true(depth > 0 && strncmp(open[--depth], at + 2, size) == 0 && open[depth][size] == '\0');
        } else if (end[-1] != '/') {
            assert_true(depth < 64);
            ag_format(open[depth++], 16, "%.*s", (int)size, at + 1);
        }
    }
    assert_int_equal(depth, 0);
}

static size_t count_of(const ag_buf *out, const char *part)
{
    size_t count = 0;
    for (const char *at = out->data; (at = strstr(at, part)); at++) count++;
    return count;
}

static const double odd[] = {0, 1e300, -1e300, NAN, 3, INFINITY, 1e-300, -INFINITY, 5, NAN};
static const double plain[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static int draw_series(void *context, ag_err *err)
{
    ag_buf *out = context;
    ag_series series[5] = {{.name = "</svg><script>\"'&", .y = odd, .count = 10},
                           {.name = "step", .mark = AG_MARK_STEP, .x = odd, .y = plain, .count = 10},
                           {.mark = AG_MARK_SCATTER, .x = plain, .y = odd, .count = 10},
                           {.name = "band", .mark = AG_MARK_BAND, .y = odd, .high = plain, .count = 10, .colour = 1},
                           {.name = "none", .y = NULL, .count = 0}};
    ag_plot plot = {.title = "a < b & \x01\xff", .x_label = "<x>", .y_label = "\"y\""};
    ag_buf_clear(out);
    return ag_svg_plot(out, &plot, series, 5, err);
}

AG_TEST(test_svg__odd_values_and_hostile_text_stay_well_formed)
{
    ag_err err = {0};
    ag_buf out;
    ag_buf_init(&out, 1 << 20);
    AG_EXPECT_OK(draw_series(&out, &err));
    expect_well_formed(&out);
    assert_null(strstr(out.data, "<script"));
    char *first = strdup(out.data);
    AG_EXPECT_OK(draw_series(&out, &err));
    assert_string_equal(out.data, first);
    free(first);
    ag_buf_deinit(&out);
}

AG_TEST(test_svg__every_scale_and_size_is_well_formed)
{
    ag_err err = {0};
    ag_series series = {.name = "s", .x = plain, .y = odd, .count = 10};
    for (int kind = 0; kind < 16; kind++) {
        ag_plot plot = {.x_time = kind & 1, .x_log = kind & 2, .y_log = kind & 4, .width = kind & 8 ? 1 : 99999};
        if (kind & 8) plot.y_low = 5, plot.y_high = -5, plot.x_low = 3, plot.x_high = 4;
        ag_buf out;
        ag_buf_init(&out, 1 << 20);
        AG_EXPECT_OK(ag_svg_plot(&out, &plot, &series, 1, &err));
        expect_well_formed(&out);
        ag_buf_deinit(&out);
    }
}

AG_TEST(test_svg__long_series_are_thinned_and_keep_their_extremes)
{
    ag_err err = {0};
    size_t count = 300000;
    double *y = calloc(count, sizeof(double)), *high = calloc(count, sizeof(double));
    ag_rng rng = ag_rng_stream(1, "svg");
    for (size_t i = 0; i < count; i++) y[i] = ag_rng_double(&rng), high[i] = y[i] + 1;
    y[123456] = 100; /* a single spike must be seen: it makes the axis, and the line must reach it */
    for (int mark = 0; mark < 4; mark++) {
        ag_series series = {.mark = (ag_mark)mark, .y = y, .high = high, .count = count};
        ag_plot plot = {.y_low = 0, .y_high = 100};
        ag_buf out;
        ag_buf_init(&out, 1 << 24);
        AG_EXPECT_OK(ag_svg_plot(&out, &plot, &series, 1, &err));
        assert_true(out.size < 120000);
        if (mark == AG_MARK_LINE) assert_non_null(strstr(out.data, " 0L")); /* the upper edge */
        expect_well_formed(&out);
        ag_buf_deinit(&out);
    }
    free(y);
    free(high);
}

AG_TEST(test_svg__gaps_break_the_line_and_single_points_are_dots)
{
    ag_err err = {0};
    const double y[] = {1, 2, NAN, 3, NAN, 4, 5};
    ag_series series = {.y = y, .count = 7};
    ag_buf out;
    ag_buf_init(&out, 1 << 20);
    AG_EXPECT_OK(ag_svg_plot(&out, &(ag_plot){0}, &series, 1, &err));
    const char *path = strstr(out.data, "<path class=\"l s1\" d=\"");
    assert_non_null(path);
    size_t moves = 0, dots = 0;
    for (; *path && *path != '>'; path++) moves += *path == 'M', dots += strncmp(path, "h.01", 4) == 0;
    assert_int_equal(moves, 3);
    assert_int_equal(dots, 1);
    ag_buf_deinit(&out);
}

AG_TEST(test_svg__bars_and_histograms)
{
    ag_err err = {0};
    const char *const categories[] = {"a<b", "a very long category that is turned", "c"}, *const names[] = {"s", "t"};
    const double values[] = {1, -2, NAN, 3, 0, 5};
    for (int stacked = 0; stacked < 2; stacked++) {
        ag_buf out;
        ag_buf_init(&out, 1 << 20);
        ag_bars bars = {categories, 3, stacked ? names : NULL, 2, values, stacked};
        AG_EXPECT_OK(ag_svg_bars(&out, &(ag_plot){.width = 200}, &bars, &err));
        expect_well_formed(&out);
        assert_int_equal(count_of(&out, "<title>"), 4); /* neither the gap nor the zero */
        ag_buf_clear(&out);
        bars.category_count = bars.series_count = 0;
        AG_EXPECT_OK(ag_svg_bars(&out, &(ag_plot){0}, &bars, &err));
        expect_well_formed(&out);
        ag_buf_deinit(&out);
    }
}

AG_TEST(test_svg__histogram_counts_every_finite_value)
{
    ag_err err = {0};
    const struct {
        const double *values;
        size_t count;
        unsigned bins;
        size_t total;
    } known[] = {{plain, 10, 0, 10}, {plain, 10, 5, 10}, {odd, 10, 0, 6}, {odd, 10, 999, 6},
                 {plain, 1, 0, 1},   {odd + 3, 1, 0, 0}, {NULL, 0, 0, 0}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        ag_buf out;
        ag_buf_init(&out, 1 << 20);
        AG_EXPECT_OK(ag_svg_histogram(&out, &(ag_plot){0}, known[i].values, known[i].count, known[i].bins, &err));
        expect_well_formed(&out);
        size_t total = 0;
        for (const char *at = out.data; (at = strstr(at, "</title>")); at++) {
            const char *number = at;
            while (number[-1] != ' ') number--;
            total += strtoul(number, NULL, 10);
        }
        assert_int_equal(total, known[i].total);
        ag_buf_deinit(&out);
    }
}

AG_TEST(test_svg__heat_maps)
{
    ag_err err = {0};
    const char *const names[] = {"a", "<b>"};
    const double values[] = {1, NAN, -3, INFINITY};
    ag_buf out;
    ag_buf_init(&out, 1 << 22);
    for (int kind = 0; kind < 4; kind++) {
        ag_heat heat = {2, 2, values, kind & 1 ? names : NULL, kind & 1 ? names : NULL, 0, 0, kind & 2, true};
        ag_buf_clear(&out);
        AG_EXPECT_OK(ag_svg_heat(&out, &(ag_plot){.title = "heat"}, &heat, &err));
        expect_well_formed(&out);
        assert_int_equal(count_of(&out, ": none</title>"), 2);
    }
    double *many = calloc(1000 * 1500, sizeof(double));
    for (size_t i = 0; i < 1000 * 1500; i++) {
        size_t row = i / 1500;
        many[i] = i % 1500 < 750 ? NAN : (double)row;
    }
    ag_buf_clear(&out);
    AG_EXPECT_OK(ag_svg_heat(&out, &(ag_plot){0}, &(ag_heat){.rows = 1000, .columns = 1500, .values = many}, &err));
    expect_well_formed(&out);
    assert_true(out.size < 200000);
    free(many);
    AG_EXPECT_ERROR(ag_svg_heat(&out, &(ag_plot){0}, &(ag_heat){0}, &err), AG_EINVAL, "cell");
    ag_buf_deinit(&out);
}

static int draw_boxes(void *context, ag_err *err)
{
    const double values[] = {1, 2, 2, 3, 3, 3, 4, 4, 5, 100, NAN};
    ag_box boxes[] = {{"a & b", values, 11}, {"empty", NULL, 0}, {"gap", values + 10, 1}, {"one", values, 1}};
    ag_buf *out = context;
    ag_buf_clear(out);
    return ag_svg_boxes(out, &(ag_plot){.title = "boxes"}, boxes, 4, err);
}

AG_TEST(test_svg__boxes)
{
    ag_err err = {0};
    ag_buf out;
    ag_buf_init(&out, 1 << 20);
    AG_EXPECT_OK(draw_boxes(&out, &err));
    expect_well_formed(&out);
    AG_EXPECT_ERROR(ag_svg_boxes(&out, &(ag_plot){0}, NULL, 0, &err), AG_EINVAL, "group");
    ag_buf_deinit(&out);
}

AG_TEST(test_svg__fails_cleanly_at_every_allocation_and_at_the_limit)
{
    ag_err err = {0};
    ag_buf out;
    ag_buf_init(&out, 1 << 20);
    ag_test_fail_at_n(AG_FAULT_ALLOC, draw_boxes, NULL, &out);
    ag_test_fail_at_n(AG_FAULT_ALLOC, draw_series, NULL, &out);
    ag_buf_deinit(&out);
    ag_buf_init(&out, 1000);
    AG_EXPECT_ERROR(draw_series(&out, &err), AG_ELIMIT, "plot");
    ag_buf_deinit(&out);
}

AG_TEST(test_html__a_report_is_whole_and_loads_nothing)
{
    ag_err err = {0};
    ag_buf out, svg;
    ag_buf_init(&out, 1 << 20);
    ag_buf_init(&svg, 1 << 20);
    AG_EXPECT_OK(draw_boxes(&svg, &err));
    ag_table *table = NULL;
    AG_EXPECT_OK(ag_table_new((ag_column[]){{"run", 0, 0, 0}, {"loss", AG_ALIGN_RIGHT, 0, 0}}, 2, &table, &err));
    AG_EXPECT_OK(ag_table_add(table, AG_STYLE_STRONG, "<script>alert(1)</script>", &err));
    AG_EXPECT_OK(ag_table_add(table, AG_STYLE_BAD, "0.5", &err));
    ag_html_begin(&out, "Report <1>", "by \"me\"");
    ag_html_facts_begin(&out);
    ag_html_fact(&out, "holes", "1 200", AG_STYLE_GOOD);
    ag_html_facts_end(&out);
    ag_html_section(&out, "Loss & more");
    ag_html_text(&out, "one\n\ntwo <b>\n\n\n");
    ag_html_code(&out, "a < b\n  c");
    ag_html_note(&out, AG_STYLE_WARN, "mind <this>");
    AG_EXPECT_OK(ag_html_table(&out, table, &err));
    ag_html_figure(&out, ag_buf_str(&svg), "a & b");
    AG_EXPECT_OK(ag_html_end(&out, &err));
    assert_null(strstr(out.data, "<script"));
    assert_int_equal(count_of(&out, "<p>"), 2);
    assert_int_equal(count_of(&out, "<section>"), count_of(&out, "</section>"));
    assert_non_null(strstr(out.data, "<td class=\"r bad\">0.5</td>"));
    assert_non_null(strstr(out.data, "default-src 'none'"));
    assert_int_equal(count_of(&out, "http"), 2 + 0); /* http-equiv and the name space of SVG */
    ag_table_free(table);
    ag_buf_deinit(&svg);
    ag_buf_deinit(&out);
}
