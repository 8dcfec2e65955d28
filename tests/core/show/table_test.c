// SPDX-License-Identifier: Apache-2.0
#include "core/show/table.h"

#include <string.h>
#include <unistd.h>

#include "core/base/str.h"
#include "core/show/bar.h"
#include "core/show/text.h"
#include "core/sys/clock.h"
#include "core/sys/term.h"
#include "frame/test.h"

static const ag_column columns[] = {{"run", AG_ALIGN_LEFT, 0, 0},
                                    {"note", AG_ALIGN_LEFT, 2, 6},
                                    {"loss", AG_ALIGN_RIGHT, 1, 0},
                                    {"mid", AG_ALIGN_CENTRE, 3, 0}};

static ag_table *new_table(void)
{
    ag_err err = {0};
    ag_table *table = NULL;
    AG_EXPECT_OK(ag_table_new(columns, 4, &table, &err));
    const char *const cells[] = {"a1",
                                 "gr\xc3\xb6\xc3\x9f"
                                 "er \xe6\xb7\xb1\xe3\x81\x95",
                                 "0.5",
                                 "x",
                                 "b2",
                                 "tab\there|\n\\",
                                 "10.25",
                                 NULL,
                                 "c3"};
    for (size_t i = 0; i < 8; i++) AG_EXPECT_OK(ag_table_add(table, AG_STYLE_PLAIN, cells[i], &err));
    AG_EXPECT_OK(ag_table_addf(table, AG_STYLE_BAD, &err, "c%d", 3));
    assert_int_equal(ag_table_rows(table), 3);
    return table;
}

static void expect_table(ag_table_format format, unsigned width, bool colour, const char *wanted)
{
    ag_err err = {0};
    ag_table *table = new_table();
    ag_buf out;
    ag_buf_init(&out, 100000);
    AG_EXPECT_OK(ag_table_write(table, format, width, colour, &out, &err));
    assert_string_equal(out.data, wanted);
    ag_buf_deinit(&out);
    ag_table_free(table);
}

AG_TEST(test_table__terminal)
{
    expect_table(AG_TABLE_TERMINAL, 0, false,
                 "run  note          loss  mid\n"
                 "───  ───────────  ─────  ───\n"
                 "a1   größer 深さ    0.5   x\n"
                 "b2   tab here| \\  10.25\n"
                 "c3\n");
}

AG_TEST(test_table__narrow_cuts_then_leaves_out)
{
    expect_table(AG_TABLE_TERMINAL, 23, false,
                 "run  note     loss  mid\n"
                 "───  ──────  ─────  ───\n"
                 "a1   größe…    0.5   x\n"
                 "b2   tab h…  10.25\n"
                 "c3\n");
    expect_table(AG_TABLE_TERMINAL, 12, false,
                 "run   loss\n"
                 "───  ─────\n"
                 "a1     0.5\n"
                 "b2   10.25\n"
                 "c3\n"
                 "not shown here: note, mid\n");
}

AG_TEST(test_table__hidden_columns_of_one_name_are_told_once)
{
    static const ag_column twins[] = {{"run", AG_ALIGN_LEFT, 0, 0},
                                      {"p95", AG_ALIGN_RIGHT, 1, 0},
                                      {"mid", AG_ALIGN_RIGHT, 1, 0},
                                      {"p95", AG_ALIGN_RIGHT, 1, 0}};
    ag_err err = {0};
    ag_buf out;
    ag_table *table = NULL;
    ag_buf_init(&out, 1000);
    AG_EXPECT_OK(ag_table_new(twins, 4, &table, &err));
    for (int i = 0; i < 4; i++) AG_EXPECT_OK(ag_table_add(table, AG_STYLE_PLAIN, "x", &err));
    AG_EXPECT_OK(ag_table_write(table, AG_TABLE_TERMINAL, 3, false, &out, &err));
    assert_non_null(strstr(out.data, "not shown here: p95, mid\n"));
    ag_buf_deinit(&out);
    ag_table_free(table);
}

AG_TEST(test_table__colours_only_when_asked)
{
    expect_table(AG_TABLE_TERMINAL, 3, true,
                 "\033[1mrun\033[0m\n\033[2m───\033[0m\na1\nb2\n\033[31mc3\033[0m\n"
                 "\033[2mnot shown here: note, loss, mid\033[0m\n");
}

AG_TEST(test_table__markdown_and_tsv)
{
    expect_table(AG_TABLE_MARKDOWN, 0, true,
                 "| run | note | loss | mid |\n"
                 "| --- | --- | ---: | :---: |\n"
                 "| a1 | größer 深さ | 0.5 | x |\n"
                 "| b2 | tab here\\| \\\\ | 10.25 |  |\n"
                 "| c3 |  |  |  |\n");
    expect_table(AG_TABLE_TSV, 5, true,
                 "run\tnote\tloss\tmid\n"
                 "a1\tgrößer 深さ\t0.5\tx\n"
                 "b2\ttab\\there|\\n\\\\\t10.25\t\n"
                 "c3\t\t\t\n");
}

static int make_and_write(void *context, ag_err *err)
{
    (void)context;
    ag_table *table = NULL;
    ag_buf out;
    ag_buf_init(&out, 10000);
    int rc = ag_table_new(columns, 4, &table, err);
    if (rc == AG_OK) rc = ag_table_addf(table, AG_STYLE_BAD, err, "%0100d", 7);
    if (rc == AG_OK) rc = ag_table_write(table, AG_TABLE_TERMINAL, 30, false, &out, err);
    ag_buf_deinit(&out);
    ag_table_free(table);
    return rc;
}

AG_TEST(test_table__fails_cleanly_at_every_allocation)
{
    ag_err err = {0};
    ag_table *table = NULL;
    ag_test_fail_at_n(AG_FAULT_ALLOC, make_and_write, NULL, NULL);
    AG_EXPECT_ERROR(ag_table_new(columns, 0, &table, &err), AG_EINVAL, "columns");
    ag_table_free(NULL);
}

AG_TEST(test_table__print_to_a_pipe_has_no_colour)
{
    ag_err err = {0};
    int ends[2];
    char text[4096] = "";
    assert_int_equal(pipe(ends), 0);
    assert_false(ag_term_is(ends[1]) || ag_term_colour(ends[1]));
    assert_int_equal(ag_term_width(ends[1]), 0);
    ag_table *table = new_table();
    AG_EXPECT_OK(ag_table_print(table, ends[1], &err));
    close(ends[1]);
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    assert_null(strchr(text, '\033'));
    close(ends[0]);
    AG_EXPECT_ERROR(ag_table_print(table, ends[1], &err), AG_EIO, "table");
    ag_table_free(table);
}

AG_TEST(test_text__cut_never_splits_and_keeps_its_width)
{
    ag_str text = AG_STR("a\xe6\xb7\xb1"
                         "e\xcc\x81"
                         "b\xe6\xb7\xb1");
    for (size_t width = 0; width < 10; width++) {
        ag_buf out;
        ag_buf_init(&out, 1000);
        size_t used = ag_show_cut(&out, text, width);
        assert_true(used <= width && used == ag_utf8_width(ag_buf_str(&out)));
        assert_true(ag_utf8_valid(ag_buf_str(&out)));
        ag_buf_deinit(&out);
    }
}

AG_TEST(test_text__escape_holds_any_bytes)
{
    ag_buf out;
    ag_buf_init(&out, 10000);
    ag_show_escape(&out, AG_STR("<a href=\"x\" b='y'>&\n\x01\xff\xef\xbf\xbf"));
    assert_string_equal(out.data, "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\n"
                                  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    ag_buf_deinit(&out);
}

AG_TEST(test_text__numbers_for_people)
{
    const struct {
        double value;
        const char *count, *bytes;
    } known[] = {{0, "0", "0 B"},
                 {950, "950", "950 B"},
                 {999.6, "1.00k", "1.00 kB"},
                 {12345, "12.3k", "12.3 kB"},
                 {4.56e6, "4.56M", "4.56 MB"},
                 {-2500, "-2.50k", "-2.50 kB"},
                 {0.25, "0.25", "0.25 B"}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        ag_buf out;
        ag_buf_init(&out, 100);
        ag_show_count(&out, known[i].value);
        assert_string_equal(out.data, known[i].count);
        ag_buf_clear(&out);
        ag_show_bytes(&out, known[i].value);
        assert_string_equal(out.data, known[i].bytes);
        ag_buf_deinit(&out);
    }
}

static ag_progress_state state_now(void)
{
    return (ag_progress_state){.what = "files",
                               .stage = "reading",
                               .done = 420,
                               .total = 1000,
                               .bytes = 123456789,
                               .elapsed = 3 * AG_SECOND,
                               .rate = 140,
                               .bytes_rate = 41e6,
                               .remaining = 4200000};
}

AG_TEST(test_bar__line_fits_every_width)
{
    ag_progress_state states[] = {state_now(), state_now(), {.what = "x", .remaining = -1}};
    states[1].total = 0;
    states[1].stage = "\xff\033[2J a very long stage that does not fit";
    for (size_t i = 0; i < 3; i++) {
        for (unsigned width = 1; width < 150; width++) {
            ag_buf out;
            ag_buf_init(&out, 10000);
            ag_bar_line(&states[i], width, false, &out);
            assert_true(ag_utf8_width(ag_buf_str(&out)) <= width);
            assert_true(ag_utf8_valid(ag_buf_str(&out)));
            ag_buf_deinit(&out);
        }
    }
}

static const char *shown(ag_bar_mode mode, const ag_progress_state *states, size_t count)
{
    static char text[8192];
    ag_err err = {0};
    ag_bar *bar = NULL;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    AG_EXPECT_OK(ag_bar_new(ends[1], mode, &bar, &err));
    for (size_t i = 0; i < count; i++) ag_bar_show(bar, &states[i]);
    ag_bar_free(bar);
    close(ends[1]);
    ssize_t got = read(ends[0], text, sizeof(text) - 1);
    text[got > 0 ? got : 0] = '\0';
    close(ends[0]);
    return text;
}

AG_TEST(test_bar__plain_json_and_terminal)
{
    ag_progress_state states[] = {state_now(), state_now(), state_now(), state_now()};
    states[1].elapsed = 5 * AG_SECOND;
    states[2].elapsed = 6 * AG_SECOND; /* too soon after it for a plain line */
    states[3].finished = 1;
    states[3].done = 1000;
    assert_string_equal(shown(AG_BAR_AUTO, states, 4), "reading: 420 of 1000 files (42 %)  140/s  41.0 MB/s  4 s left\n"
                                                       "reading: 1000 files in 3 s  140/s  41.0 MB/s\n");
    assert_string_equal(shown(AG_BAR_JSON, states, 1),
                        "{\"event\":\"progress\",\"stage\":\"reading\",\"what\":\"files\",\"done\":420,\"total\":1000,"
                        "\"bytes\":123456789,\"elapsed_us\":3000000,\"rate\":140,\"remaining_us\":4200000,"
                        "\"finished\":false}\n");
    assert_string_equal(shown(AG_BAR_OFF, states, 4), "");
    const char *drawn = shown(AG_BAR_TERMINAL, states, 4);
    assert_int_equal(strncmp(drawn, "\r\033[Kreading ", 12), 0);
    assert_non_null(strstr(drawn, "\r\033[Kreading: 1000 files in 3 s  140/s  41.0 MB/s\n"));
}
