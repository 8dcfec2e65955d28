// SPDX-License-Identifier: Apache-2.0
/* The screen of a training, for terminals of any size: whole pictures, and what must hold for all. */
#include "learn/monitor/screen.h"

#include <string.h>

#include "frame/test.h"

#include "learn/monitor/sample.h"

static ag_monitor monitor;
static ag_buf text;

static int64_t set_up(bool folds)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_monitor_init(&monitor, 1000 * AG_SECOND, &err));
    ag_buf_init(&text, 1 << 20);
    return folds ? sample_folds(&monitor) : sample_train(&monitor, 1000 * AG_SECOND, 0, 1, 6, 12);
}

static void tear_down(void)
{
    ag_monitor_deinit(&monitor);
    ag_buf_deinit(&text);
}

static unsigned look(int64_t at, unsigned width, unsigned height, bool colour, bool last)
{
    ag_monitor_view view = {.width = width, .height = height, .colour = colour, .last = last};
    ag_buf_clear(&text);
    return ag_monitor_screen(&monitor, at, &view, &text);
}

static void expect_screen(const char *wanted)
{
    if (strcmp(ag_buf_str(&text).data, wanted) == 0) return;
    fprintf(stderr, "the screen is\n%s\nand not\n%s\n", ag_buf_str(&text).data, wanted);
    fail_msg("the screen is another one");
}

AG_TEST(test_screen__one_training)
{
    int64_t at = set_up(false);
    assert_int_equal(look(at, 60, 10, false, false), 10);
    expect_screen("     ━━ training   ╸╸ validation\n"
                  "1.5 ┤\n"
                  "1.0 ┤⠛⠓⠢⠶⠶⠤⢤⣤⣄⣀⣀⣀ ⢀⡀\n"
                  "0.5 ┤          ⠈⠉⠉⠉⠉⠉⠒⠛⠛⠒⠒⠲⠦⠤⠶⠤⠤⠤⠤⣄⣀⣤⣀⣀⣀⣀⣀⣀⣀⣀\n"
                  "0.0 ┤                                      ⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠓⠒⠛⠒\n"
                  "    └┬──────────┬─────────┬──────────┬─────────┬──────────┬\n"
                  "     1          2         3          4         5          6\n"
                  "                             epoch\n"
                  "rate 0.001   norm 0.5\n"
                  "epoch 7/10  loss 0… ███████████████████▊░░░░░░░░░░░░░  60 %");
    tear_down();
}

AG_TEST(test_screen__many_folds_with_an_alarm)
{
    int64_t at = set_up(true) + 35 * AG_SECOND;
    ag_monitor_tick(&monitor, at);
    assert_int_equal(look(at, 80, 14, false, false), 12);
    expect_screen("fold 1 ██████ 0.331     fold 2 ██████ 0.256     fold 3 ██████ 0.204\n"
                  "fold 4 ██████ 0.168     fold 5 ██████ 0.144     fold 6 ▊░░░░░ 1.16    !\n"
                  "fold 7 █▍░░░░ 0.881   ! fold 8 ██░░░░ 0.681     9      ░░░░░░\n"
                  "10     ░░░░░░           11     ░░░░░░           12     ░░░░░░\n"
                  "13     ░░░░░░           14     ░░░░░░           15     ░░░░░░\n"
                  "16     ░░░░░░           17     ░░░░░░           18     ░░░░░░\n"
                  "19     ░░░░░░           20     ░░░░░░           21     ░░░░░░\n"
                  "22     ░░░░░░           23     ░░░░░░           24     ░░░░░░\n"
                  "3 running, 16 waiting   best 0.1438 (fold 5)   960 samples/s   rate 0.001   no…\n"
                  "! fold 7: stalled: nothing was heard for 42 s\n"
                  "! fold 6: stalled: nothing was heard for 47 s\n"
                  "5/24 trained ████▊░░░░░░░░░░░░░░  25 %  841/3360 steps  12.2/s  3 min 26 s left");
    tear_down();
}

AG_TEST(test_screen__folds_on_a_small_terminal_are_a_character_each)
{
    int64_t at = set_up(true);
    ag_train_progress bad = sample_progress(1, 30);
    bad.loss = NAN;
    ag_monitor_step(&monitor, at, 6, &bad);
    assert_int_equal(look(at, 40, 5, false, false), 4);
    expect_screen("█████▁!▃................\n"
                  "3 running, 16 waiting   best 0.1438 (f…\n"
                  "! fold 7: the loss is not a finite num…\n"
                  "5/24 trained ████▉░░░░░░░░░░░░░░░  24 %");
    ag_monitor_end(&monitor, at);
    (void)look(at, 40, 5, false, false);
    assert_non_null(strstr(text.data, "█████xxx......"));
    tear_down();
}

AG_TEST(test_screen__work_of_a_phase_is_a_bar)
{
    int64_t at = set_up(false);
    ag_progress_state work = {.what = "windows", .done = 300, .total = 1200, .rate = 100, .remaining = 9 * AG_SECOND};
    ag_monitor_phase(&monitor, "validation");
    ag_monitor_work(&monitor, &work);
    assert_int_equal(look(at, 60, 3, false, false), 1);
    expect_screen("validation ███▌░░░░░░░░░░  25 %  300/1200 windows  9 s left");
    work.finished = 1;
    ag_monitor_work(&monitor, &work);
    (void)look(at, 60, 3, false, false);
    assert_null(strstr(text.data, "windows"));
    tear_down();
}

AG_TEST(test_screen__what_stays_has_no_bars)
{
    int64_t at = set_up(false);
    assert_true(look(at, 80, 24, false, true) >= 6);
    assert_non_null(strstr(text.data, "validation"));
    assert_null(strstr(text.data, "epoch 7/10"));
    tear_down();
    at = set_up(true);
    (void)look(at, 80, 24, false, true);
    assert_non_null(strstr(text.data, "fold 3 ██"));
    assert_null(strstr(text.data, "trained"));
    tear_down();
}

/* Cells of a line without what sets colours. */
static size_t cells(ag_str line)
{
    size_t width = 0;
    while (line.size) {
        size_t escape = ag_str_find_char(line, '\033', 0), end = ag_str_find_char(line, 'm', escape);
        width += ag_utf8_width(ag_str_slice(line, 0, escape));
        line = escape == SIZE_MAX ? (ag_str){0} : ag_str_slice(line, end + 1, SIZE_MAX);
    }
    return width;
}

AG_TEST(test_screen__fits_every_terminal)
{
    for (int folds = 0; folds < 2; folds++) {
        int64_t at = set_up(folds);
        ag_monitor_tick(&monitor, at + 60 * AG_SECOND);
        for (unsigned width = 20; width <= 140; width += 3) {
            for (unsigned height = 1; height <= 40; height++) {
                ag_str line;
                unsigned lines = look(at, width, height, height % 2, false), count = 0;
                ag_str rest = ag_buf_str(&text);
                while (ag_str_next(&rest, '\n', &line)) {
                    count++;
                    if (cells(line) >= width) fail_msg("%ux%u: too wide: %.*s", width, height, AG_STR_ARG(line));
                }
                if (lines > height || lines != count) fail_msg("%ux%u has %u lines", width, height, lines);
            }
        }
        tear_down();
    }
}

AG_TEST(test_screen__colours_only_when_wanted)
{
    int64_t at = set_up(true);
    (void)look(at, 80, 24, false, false);
    assert_null(strchr(text.data, '\033'));
    (void)look(at, 80, 24, true, false);
    assert_non_null(strstr(text.data, "\033[32m██"));
    tear_down();
}

AG_TEST(test_screen__nothing_told_nothing_shown)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_monitor_init(&monitor, 0, &err));
    ag_buf_init(&text, 1 << 20);
    assert_int_equal(look(0, 80, 24, false, false), 0);
    assert_int_equal(text.size, 0);
    ag_monitor_begin(&monitor, 0, "model", 0, 1);
    assert_int_equal(look(0, 80, 24, false, false), 0);
    tear_down();
}
