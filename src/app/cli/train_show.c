// SPDX-License-Identifier: Apache-2.0
/* train_show.c: see train_show.h.
 * On a terminal the lower part of the screen is ours: the lines that were drawn last, which are erased before anything
 * is written, and drawn again behind it, at most ten times a second. No mode of the terminal is changed, so that
 * nothing need be put back, however the program ends. The size is asked for each time. A window that became narrower
 * has broken our lines into several: how many rows they take now is reckoned from their widths. One lock guards all, as
 * trainings may run at once; nothing here takes long. */
#include "app/cli/train_show.h"

#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/show/bar.h"
#include "core/sys/clock.h"
#include "core/sys/term.h"
#include "learn/monitor/lines.h"
#include "learn/monitor/screen.h"

enum { MAX_TEXT = 1 << 20, LINES_MOST = 200, LEAST_COLUMNS = 40 };
#define DRAW_EVERY (AG_SECOND / 10)
#define PLAIN_EVERY (30 * AG_SECOND)
#define PLAIN_WORK_EVERY (5 * AG_SECOND)
#define JSON_EVERY AG_SECOND

#define ASLEEP (10 * AG_SECOND) /* ticks come several times a second, unless the whole process stood */

struct ag_train_show {
    ag_invocation *invocation;
    ag_train_show_mode mode;
    pthread_mutex_t lock; /* of all below */
    ag_monitor monitor;
    unsigned drawn; /* lines of the terminal that are ours, and how wide each is */
    unsigned widths[LINES_MOST];
    int64_t last;      /* when something was drawn or said of steps */
    int64_t last_work; /* likewise of a phase's work */
    int64_t ticked;    /* when somebody looked; 0: not yet */
    ag_buf text;
};

int ag_train_show_new(ag_invocation *invocation, ag_train_show_mode mode, ag_train_show **out, ag_err *err)
{
    ag_train_show *show = ag_calloc(1, sizeof *show);
    if (!show) return ag_fail_memory(err, sizeof *show);
    const ag_output *to = invocation->err;
    if (mode == AG_TRAIN_SHOW_AUTO)
        mode = ag_term_draws(to->fd) && ag_term_width(to->fd) >= LEAST_COLUMNS ? AG_TRAIN_SHOW_TERMINAL
                                                                               : AG_TRAIN_SHOW_PLAIN;
    if (ag_option_flag(invocation, "quiet")) mode = AG_TRAIN_SHOW_OFF;
    show->invocation = invocation;
    show->mode = mode;
    pthread_mutex_init(&show->lock, NULL);
    ag_buf_init(&show->text, MAX_TEXT);
    int rc = ag_monitor_init(&show->monitor, ag_monotonic(), err);
    if (rc >= 0)
        *out = show;
    else
        ag_train_show_free(show);
    return rc;
}

/* ---- the lower part of the terminal ---- */

/* A terminal that has gone away in the meantime has neither width nor height. */
static unsigned columns_of(const ag_train_show *show)
{
    enum { USUAL = 80 };
    const ag_output *to = show->invocation->err;
    unsigned columns = to->is_terminal ? ag_term_width(to->fd) : (unsigned)to->columns;
    return columns ? columns : USUAL;
}

static unsigned lines_of(const ag_train_show *show)
{
    enum { USUAL = 24 };
    const ag_output *to = show->invocation->err;
    unsigned lines = to->is_terminal ? ag_term_height(to->fd) : USUAL;
    lines = lines > 1 ? lines - 1 : USUAL - 1;
    return lines > LINES_MOST ? LINES_MOST : lines;
}

static void erase(ag_train_show *show)
{
    unsigned columns = columns_of(show), rows = 0;
    for (unsigned i = 0; i < show->drawn; i++)
        rows += show->widths[i] > columns ? (show->widths[i] + columns - 1) / columns : 1;
    if (rows > 1) ag_output_addf(show->invocation->err, "\r\033[%uA\033[J", rows - 1);
    if (rows == 1) ag_output_addf(show->invocation->err, "\r\033[J");
    show->drawn = 0;
}

static void flush(ag_train_show *show)
{
    (void)ag_output_flush(show->invocation->err, NULL);
}

/* Cells of a line, without what sets colours. */
static unsigned width_of(ag_str line)
{
    size_t width = 0, from = 0;
    while (from < line.size) {
        size_t escape = ag_str_find_char(line, '\033', from);
        ag_str plain = ag_str_slice(line, from, escape == SIZE_MAX ? SIZE_MAX : escape - from);
        width += ag_utf8_valid(plain) ? ag_utf8_width(plain) : plain.size;
        if (escape == SIZE_MAX) break;
        size_t end = ag_str_find_char(line, 'm', escape);
        if (end == SIZE_MAX) break;
        from = end + 1;
    }
    return (unsigned)width;
}

static void remember_widths(ag_train_show *show, ag_str text)
{
    ag_str line;
    while (show->drawn < LINES_MOST && ag_str_next(&text, '\n', &line)) show->widths[show->drawn++] = width_of(line);
}

static void draw(ag_train_show *show, bool last)
{
    ag_monitor_view view = {
        .width = columns_of(show), .height = lines_of(show), .colour = show->invocation->err->color, .last = last};
    ag_buf_clear(&show->text);
    unsigned lines = ag_monitor_screen(&show->monitor, ag_monotonic(), &view, &show->text);
    erase(show);
    if (lines && !show->text.failed) {
        ag_output_add(show->invocation->err, ag_buf_str(&show->text));
        if (last)
            ag_output_add(show->invocation->err, AG_STR("\n"));
        else
            remember_widths(show, ag_buf_str(&show->text));
    }
    flush(show);
    show->last = ag_monotonic();
}

/* A line that stays, above what is drawn. */
static void say(ag_train_show *show, ag_str line)
{
    erase(show);
    ag_output_add(show->invocation->err, line);
    ag_output_add(show->invocation->err, AG_STR("\n"));
    if (show->mode == AG_TRAIN_SHOW_TERMINAL)
        draw(show, false);
    else
        flush(show);
}

/* What stands in `text`: said, and the buffer is free for the drawing. */
static void say_text(ag_train_show *show)
{
    char *line = ag_buf_steal(&show->text);
    if (line) say(show, ag_str_of(line));
    ag_free(line);
}

static bool is_for_people(const ag_train_show *show)
{
    return show->mode == AG_TRAIN_SHOW_PLAIN || show->mode == AG_TRAIN_SHOW_TERMINAL;
}

/* ---- what happens ---- */

static void begin_event(ag_train_show *show)
{
    pthread_mutex_lock(&show->lock);
    ag_buf_clear(&show->text);
}

/* What the monitor has remarked on the way. */
static void end_event(ag_train_show *show)
{
    const ag_monitor_remark *remark;
    while ((remark = ag_monitor_next_remark(&show->monitor))) {
        ag_buf_clear(&show->text);
        if (show->mode == AG_TRAIN_SHOW_JSON) {
            if (ag_monitor_json_remark(&show->monitor, remark, &show->text) >= 0) say_text(show);
        } else if (show->mode != AG_TRAIN_SHOW_OFF) {
            say(show, ag_str_of(remark->text));
        }
    }
    pthread_mutex_unlock(&show->lock);
}

void ag_train_show_free(ag_train_show *show)
{
    if (!show) return;
    erase(show);
    flush(show);
    ag_monitor_deinit(&show->monitor);
    ag_buf_deinit(&show->text);
    pthread_mutex_destroy(&show->lock);
    ag_free(show);
}

void ag_train_show_phase(ag_train_show *show, const char *phase)
{
    begin_event(show);
    ag_monitor_phase(&show->monitor, phase);
    if (show->mode == AG_TRAIN_SHOW_JSON && ag_monitor_json_phase(phase, &show->text) >= 0) say_text(show);
    end_event(show);
}

void ag_train_show_remark(ag_train_show *show, const char *text)
{
    begin_event(show);
    ag_monitor_note(&show->monitor, ag_monotonic(), text);
    end_event(show);
}

void ag_train_show_value(ag_train_show *show, const char *name, double value)
{
    begin_event(show);
    ag_monitor_value_found(&show->monitor, name, value);
    end_event(show);
}

static void on_work(void *context, const ag_progress_state *state)
{
    ag_train_show *show = context;
    begin_event(show);
    int64_t now = ag_monotonic();
    int64_t every = show->mode == AG_TRAIN_SHOW_PLAIN ? PLAIN_WORK_EVERY : JSON_EVERY;
    ag_monitor_work(&show->monitor, state);
    if (show->mode == AG_TRAIN_SHOW_TERMINAL && !state->finished) {
        draw(show, false);
    } else if (state->finished || now - show->last_work >= every) {
        show->last_work = now;
        if (is_for_people(show)) ag_bar_plain(state, &show->text);
        if (show->mode == AG_TRAIN_SHOW_JSON) (void)ag_monitor_json_work(&show->monitor, &show->text);
        if (show->text.size) say_text(show);
    }
    end_event(show);
}

ag_progress *ag_train_show_progress(ag_train_show *show, const char *what, uint64_t total)
{
    if (show->mode == AG_TRAIN_SHOW_OFF) return NULL;
    pthread_mutex_lock(&show->lock);
    show->last_work = ag_monotonic();
    pthread_mutex_unlock(&show->lock);
    return ag_progress_new(what, total, on_work, show);
}

void ag_train_show_begin(ag_train_show *show, const char *name, int64_t index, int64_t count)
{
    begin_event(show);
    ag_monitor_begin(&show->monitor, ag_monotonic(), name, index, count);
    end_event(show);
}

void ag_train_show_step(ag_train_show *show, int64_t index, const ag_train_progress *now)
{
    begin_event(show);
    int64_t at = ag_monotonic(), every = show->mode == AG_TRAIN_SHOW_TERMINAL ? DRAW_EVERY
                                         : show->mode == AG_TRAIN_SHOW_JSON   ? JSON_EVERY
                                                                              : PLAIN_EVERY;
    ag_monitor_step(&show->monitor, at, index, now);
    if (show->last == 0 && show->mode == AG_TRAIN_SHOW_PLAIN) show->last = at;
    if (at - show->last >= every) {
        show->last = at;
        if (show->mode == AG_TRAIN_SHOW_TERMINAL) draw(show, false);
        if (show->mode == AG_TRAIN_SHOW_PLAIN) ag_monitor_line_step(&show->monitor, at, index, &show->text);
        if (show->mode == AG_TRAIN_SHOW_JSON) (void)ag_monitor_json_step(&show->monitor, at, index, &show->text);
        if (show->mode != AG_TRAIN_SHOW_TERMINAL && show->text.size) say_text(show);
    }
    end_event(show);
}

void ag_train_show_alive(ag_train_show *show, int64_t index)
{
    begin_event(show);
    ag_monitor_alive(&show->monitor, ag_monotonic(), index);
    end_event(show);
}

void ag_train_show_epoch(ag_train_show *show, int64_t index, const ag_train_epoch *epoch, const ag_train_progress *now)
{
    begin_event(show);
    ag_monitor_epoch(&show->monitor, ag_monotonic(), index, epoch, now);
    /* On a terminal the curves of many trainings tell more than thousands of lines. */
    bool line = show->mode == AG_TRAIN_SHOW_PLAIN || (show->mode == AG_TRAIN_SHOW_TERMINAL && show->monitor.count <= 1);
    if (show->mode == AG_TRAIN_SHOW_JSON) (void)ag_monitor_json_epoch(&show->monitor, index, epoch, &show->text);
    if (line) ag_monitor_line_epoch(&show->monitor, index, epoch, &show->text);
    if (show->text.size) say_text(show);
    show->last = ag_monotonic();
    end_event(show);
}

void ag_train_show_resumed(ag_train_show *show, int64_t index, const ag_train_epoch *epochs, size_t count, int64_t step)
{
    begin_event(show);
    ag_monitor_resumed(&show->monitor, ag_monotonic(), index, epochs, count, step);
    if (show->mode == AG_TRAIN_SHOW_JSON)
        (void)ag_monitor_json_resumed(&show->monitor, index, count, step, &show->text);
    else if (show->mode != AG_TRAIN_SHOW_OFF)
        ag_monitor_line_resumed(&show->monitor, index, count, step, &show->text);
    if (show->text.size) say_text(show);
    end_event(show);
}

void ag_train_show_done(ag_train_show *show, int64_t index, const ag_train_result *result)
{
    begin_event(show);
    ag_monitor_done(&show->monitor, ag_monotonic(), index, result);
    if (show->mode == AG_TRAIN_SHOW_TERMINAL && show->monitor.count <= 1) draw(show, true); /* the curves stay */
    ag_buf_clear(&show->text);
    if (show->mode == AG_TRAIN_SHOW_JSON) (void)ag_monitor_json_done(&show->monitor, index, result, &show->text);
    if (is_for_people(show)) ag_monitor_line_done(&show->monitor, index, result, &show->text);
    if (show->text.size) say_text(show);
    end_event(show);
}

void ag_train_show_usage(ag_train_show *show, const ag_usage *usage)
{
    begin_event(show);
    ag_monitor_usage(&show->monitor, ag_monotonic(), usage);
    if (show->mode == AG_TRAIN_SHOW_JSON && ag_monitor_json_usage(&show->monitor, &show->text) >= 0) say_text(show);
    end_event(show);
}

void ag_train_show_tick(ag_train_show *show)
{
    begin_event(show);
    int64_t now = ag_monotonic();
    if (show->ticked && now - show->ticked > ASLEEP) ag_monitor_slept(&show->monitor, now, now - show->ticked);
    show->ticked = now;
    ag_monitor_tick(&show->monitor, now);
    if (show->mode == AG_TRAIN_SHOW_TERMINAL && show->drawn && now - show->last >= DRAW_EVERY) draw(show, false);
    end_event(show);
}

void ag_train_show_end(ag_train_show *show)
{
    begin_event(show);
    ag_monitor_end(&show->monitor, ag_monotonic());
    if (show->mode == AG_TRAIN_SHOW_TERMINAL) {
        if (show->monitor.count > 1)
            draw(show, true);
        else
            erase(show);
        flush(show);
        show->mode = AG_TRAIN_SHOW_PLAIN; /* nothing is drawn any more */
    }
    end_event(show);
}

int ag_train_show_report(ag_train_show *show, const ag_monitor_about *about, ag_buf *out, ag_err *err)
{
    pthread_mutex_lock(&show->lock);
    int rc = ag_monitor_report(&show->monitor, ag_monotonic(), about, out, err);
    pthread_mutex_unlock(&show->lock);
    return rc;
}
