// SPDX-License-Identifier: Apache-2.0
/* What a training leaves on a terminal: a pseudo-terminal is read by a small model of one, which knows what we write
 * (text, new lines, returns, colours, up, and clearing to the end) and breaks lines that are too long when its window
 * gets narrower, as terminals do. */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE 1
#include "app/cli/train_show.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "frame/test.h"

#include "learn/monitor/sample.h"

/* ---- the terminal ---- */

enum { ROWS = 400, COLUMNS = 200 };

static struct {
    int master, slave;
    unsigned width;
    char cells[ROWS][COLUMNS][4]; /* a character each; "" is a blank */
    unsigned row, column, used;   /* used: rows that were ever written */
} term;

static void resize(unsigned width, unsigned height)
{
    struct winsize size = {.ws_row = (unsigned short)height, .ws_col = (unsigned short)width};
    assert_int_equal(ioctl(term.slave, TIOCSWINSZ, &size), 0);
    if (term.width && width < term.width) { /* what is too long goes on in the next row */
        static char old[ROWS][COLUMNS][4];
        memcpy(old, term.cells, sizeof old);
        memset(term.cells, 0, sizeof term.cells);
        unsigned to = 0, cursor = 0;
        for (unsigned r = 0; r <= term.used && to < ROWS - 8; r++) {
            unsigned long_as = 0;
            for (unsigned c = 0; c < COLUMNS; c++)
                if (old[r][c][0]) long_as = c + 1;
            for (unsigned c = 0; c < long_as; c++) memcpy(term.cells[to + c / width][c % width], old[r][c], 4);
            if (r == term.row) cursor = to + (long_as ? (long_as - 1) / width : 0);
            to += long_as > width ? (long_as + width - 1) / width : 1;
        }
        term.row = cursor;
        term.used = to;
    }
    term.width = width;
}

static void open_terminal(unsigned width, unsigned height)
{
    struct termios modes;
    memset(&term, 0, sizeof term);
    term.master = posix_openpt(O_RDWR | O_NOCTTY);
    if (term.master < 0 || grantpt(term.master) != 0 || unlockpt(term.master) != 0)
        ag_test_skip("there is no pseudo-terminal");
    term.slave = open(ptsname(term.master), O_RDWR | O_NOCTTY);
    assert_true(term.slave >= 0 && tcgetattr(term.slave, &modes) == 0);
    modes.c_oflag &= ~(tcflag_t)OPOST;
    assert_int_equal(tcsetattr(term.slave, TCSANOW, &modes), 0);
    assert_int_equal(fcntl(term.master, F_SETFL, O_NONBLOCK), 0);
    resize(width, height);
}

static void clear_from_here(void)
{
    memset(term.cells[term.row][term.column], 0, (COLUMNS - term.column) * 4);
    for (unsigned r = term.row + 1; r < ROWS; r++) memset(term.cells[r], 0, sizeof term.cells[r]);
}

static const char *take_escape(const char *at)
{
    unsigned number = 0;
    for (at += 2; *at >= '0' && *at <= '9'; at++) number = number * 10 + (unsigned)(*at - '0');
    if (*at == 'A') term.row -= number > term.row ? term.row : number;
    if (*at == 'J') clear_from_here();
    if (!strchr("AJm", *at)) fail_msg("an escape that is not known: %c", *at);
    return at + 1;
}

static void take(const char *at)
{
    while (*at) {
        if (*at == '\033') {
            at = take_escape(at);
        } else if (*at == '\n' || *at == '\r') {
            if (*at++ == '\n') term.row++;
            term.column = 0;
        } else {
            size_t size = 1;
            while ((at[size] & 0xc0) == 0x80) size++;
            if (term.column >= term.width) term.row++, term.column = 0;
            memcpy(term.cells[term.row][term.column], at, size < 4 ? size : 4);
            term.column++;
            at += size;
        }
        assert_true(term.row < ROWS - 1);
        if (term.row > term.used) term.used = term.row;
    }
}

static void drain(void)
{
    static char bytes[1 << 16];
    static size_t kept; /* of a character that was cut */
    ssize_t got;
    while ((got = read(term.master, bytes + kept, sizeof bytes - kept - 1)) > 0) {
        bytes[kept + (size_t)got] = '\0';
        take(bytes);
        kept = 0;
    }
}

/* Everything that stands on the terminal. */
static const char *screen(void)
{
    static char text[ROWS * (COLUMNS * 4 + 1) + 1];
    size_t size = 0;
    drain();
    for (unsigned r = 0; r <= term.used; r++) {
        size_t end = size;
        for (unsigned c = 0; c < COLUMNS; c++) {
            const char *cell = term.cells[r][c];
            if (*cell == '\0') text[size++] = ' ';
            for (int i = 0; i < 4 && cell[i]; i++) text[size++] = cell[i];
            if (*cell && *cell != ' ') end = size;
        }
        size = end;
        text[size++] = '\n';
    }
    text[size] = '\0';
    return text;
}

static int count_of(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++) count++;
    return count;
}

/* ---- a training on it ---- */

static ag_output to;
static ag_invocation invocation;

static ag_train_show *begin_show(ag_train_show_mode mode)
{
    ag_err err = {0};
    ag_train_show *show = NULL;
    static ag_option quiet = {.name = "quiet", .type = AG_OPTION_FLAG, .doc = "Quiet"};
    static ag_option_slot slot = {.option = &quiet};
    ag_output_init(&to, term.slave, "standard error");
    to.color = false;
    invocation = (ag_invocation){.err = &to, .slots = &slot, .slot_count = 1};
    AG_EXPECT_OK(ag_train_show_new(&invocation, mode, &show, &err));
    return show;
}

static void end_show(ag_train_show *show)
{
    ag_train_show_free(show);
    ag_output_deinit(&to);
    close(term.slave);
    close(term.master);
}

static void tell_epoch(ag_train_show *show, int64_t index, int64_t e)
{
    ag_train_epoch epoch = sample_epoch(index, e);
    ag_train_progress now = sample_progress(e + 1, epoch.step);
    ag_train_show_epoch(show, index, &epoch, &now);
}

/* As if a tenth of a second had passed: a note draws at once. */
static void draw_now(ag_train_show *show)
{
    ag_train_show_remark(show, "a note");
}

AG_TEST(test_train_show__draws_over_itself_and_leaves_lines_and_curves)
{
    open_terminal(80, 24);
    ag_train_show *show = begin_show(AG_TRAIN_SHOW_AUTO);
    ag_train_show_begin(show, "model", 0, 1);
    for (int64_t e = 0; e < 4; e++) {
        tell_epoch(show, 0, e);
        draw_now(show);
    }
    const char *text = screen();
    assert_int_equal(count_of(text, "epoch 4 of 10: train_loss"), 1);
    assert_int_equal(count_of(text, "╸╸ validation"), 1); /* one plot, however often it was drawn */
    assert_int_equal(count_of(text, "epoch 5/10"), 1);    /* one bar */
    ag_train_result result = {.epochs = 4, .steps = 80, .best_epoch = 3, .best_metric = 0.4, .seconds = 2};
    ag_train_show_done(show, 0, &result);
    ag_train_show_end(show);
    text = screen();
    assert_int_equal(count_of(text, "╸╸ validation"), 1); /* stays */
    assert_int_equal(count_of(text, "epoch 5/10"), 0);
    assert_int_equal(count_of(text, "4 epochs in 2 s; the best was epoch 4 with 0.4"), 1);
    assert_int_equal(term.column, 0);
    end_show(show);
}

AG_TEST(test_train_show__a_window_that_changes_leaves_nothing_behind)
{
    open_terminal(100, 30);
    ag_train_show *show = begin_show(AG_TRAIN_SHOW_AUTO);
    for (int64_t i = 0; i < 8; i++) {
        char name[16];
        ag_format(name, sizeof name, "fold %d", (int)i + 1);
        ag_train_show_begin(show, name, i, 24);
        for (int64_t e = 0; e < 3; e++) tell_epoch(show, i, e);
    }
    static const unsigned sizes[][2] = {{100, 30}, {60, 20}, {45, 8}, {120, 40}, {41, 5}, {100, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        draw_now(show);
        drain();
        resize(sizes[i][0], sizes[i][1]);
        draw_now(show);
        const char *text = screen();
        if (count_of(text, "0/24 tra") != 1 || count_of(text, "╸╸ validation") > 1 || count_of(text, "fold 1 ") > 1)
            fail_msg("after %ux%u: %s", sizes[i][0], sizes[i][1], text);
    }
    ag_train_show_end(show);
    assert_int_equal(count_of(screen(), "0/24 tra"), 0);
    end_show(show);
}

/* Closing it, the end of a connection: from then on it has no width. */
AG_TEST(test_train_show__a_terminal_that_goes_away_ends_nothing)
{
    open_terminal(80, 24);
    ag_train_show *show = begin_show(AG_TRAIN_SHOW_AUTO);
    for (int64_t i = 0; i < 3; i++) {
        ag_train_show_begin(show, "fold", i, 3);
        tell_epoch(show, i, 0);
    }
    draw_now(show);
    drain();
    close(term.master);
    term.master = open("/dev/null", O_RDONLY);
    tell_epoch(show, 0, 1);
    draw_now(show);
    ag_train_show_tick(show);
    ag_train_result result = {.epochs = 2, .steps = 80, .best_epoch = 1, .best_metric = 0.4, .seconds = 2};
    ag_train_show_done(show, 0, &result);
    ag_train_show_end(show);
    end_show(show);
}

AG_TEST(test_train_show__work_of_a_phase_gets_a_bar_that_goes)
{
    open_terminal(80, 24);
    ag_train_show *show = begin_show(AG_TRAIN_SHOW_AUTO);
    ag_train_show_phase(show, "data");
    ag_progress *work = ag_train_show_progress(show, "files", 50);
    ag_progress_add(work, 20, 0);
    ag_sleep(120000);
    ag_progress_add(work, 1, 0);
    assert_int_equal(count_of(screen(), "data "), 1);
    ag_progress_free(work);
    assert_int_equal(count_of(screen(), "21 of 50 files"), 1);
    assert_int_equal(count_of(screen(), "░"), 0);
    end_show(show);
}

AG_TEST(test_train_show__a_window_that_is_too_narrow_gets_lines)
{
    open_terminal(30, 24);
    ag_train_show *show = begin_show(AG_TRAIN_SHOW_AUTO);
    ag_train_show_begin(show, "model", 0, 1);
    tell_epoch(show, 0, 0);
    tell_epoch(show, 0, 1);
    drain();
    assert_int_equal(count_of(screen(), "━━"), 0);
    end_show(show);
}

AG_TEST(test_train_show__thrown_away_in_the_middle_it_cleans_up)
{
    open_terminal(80, 24);
    ag_train_show *show = begin_show(AG_TRAIN_SHOW_AUTO);
    ag_train_show_begin(show, "model", 0, 1);
    tell_epoch(show, 0, 0);
    draw_now(show);
    assert_int_equal(count_of(screen(), "epoch 2/10"), 1);
    ag_train_show_free(show);
    assert_int_equal(count_of(screen(), "epoch 2/10"), 0);
    assert_int_equal(term.column, 0);
    end_show(NULL);
}
