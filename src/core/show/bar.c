// SPDX-License-Identifier: Apache-2.0
/* bar.c: shows ag_progress. The line of the terminal is built from parts that are left out, the least important first,
 * until it fits the window; the bar itself gets what is left. The reports come from one thread at a time (progress.h),
 * so there is no lock here. */
#include "core/show/bar.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/show/spark.h"
#include "core/show/text.h"
#include "core/sys/clock.h"
#include "core/sys/term.h"

#define MAX_LINE ((size_t)16 * 1024)
#define PLAIN_EVERY (5 * AG_SECOND)
#define JSON_EVERY AG_SECOND
#define BAR_MOST 40
#define BAR_LEAST 8

struct ag_bar {
    int fd;
    ag_bar_mode mode;
    bool colour;
    int64_t last; /* elapsed time of the last line that was written, -1 before the first */
};

int ag_bar_new(int fd, ag_bar_mode mode, ag_bar **out, ag_err *err)
{
    ag_bar *bar = ag_calloc(1, sizeof(*bar));
    if (!bar) return ag_fail_memory(err, sizeof(*bar));
    if (mode == AG_BAR_AUTO) mode = ag_term_draws(fd) ? AG_BAR_TERMINAL : AG_BAR_PLAIN;
    *bar = (ag_bar){.fd = fd, .mode = mode, .colour = ag_term_colour(fd), .last = -1};
    *out = bar;
    return AG_OK;
}

void ag_bar_free(ag_bar *bar)
{
    ag_free(bar);
}

static double fraction_of(const ag_progress_state *state)
{
    if (state->total == 0) return 0;
    return state->done >= state->total ? 1 : (double)state->done / (double)state->total;
}

static void add_rates(const ag_progress_state *state, bool items, bool bytes, ag_buf *out)
{
    if (items && state->rate > 0) {
        ag_buf_add_text(out, "  ");
        ag_show_count(out, state->rate);
        ag_buf_add_text(out, "/s");
    }
    if (bytes && state->bytes > 0) {
        ag_buf_add_text(out, "  ");
        ag_show_bytes(out, state->bytes_rate);
        ag_buf_add_text(out, "/s");
    }
}

/* What stands behind the bar; `detail` from 4 (all) to 0 (the least). */
static void add_numbers(const ag_progress_state *state, int detail, ag_buf *out)
{
    char time[32];
    if (state->total > 0) ag_buf_addf(out, " %3d %%", (int)(fraction_of(state) * 100));
    if (detail >= 1 || state->total == 0) {
        ag_buf_addf(out, "  %llu", (unsigned long long)state->done);
        if (state->total > 0 && detail >= 2) ag_buf_addf(out, "/%llu", (unsigned long long)state->total);
        ag_buf_add_char(out, ' ');
        ag_show_clean(out, ag_str_of(state->what));
    }
    add_rates(state, detail >= 3, detail >= 4, out);
    if (detail < 1) return;
    if (state->remaining >= 0) {
        ag_duration_format(state->remaining / AG_SECOND * AG_SECOND, time);
        ag_buf_addf(out, "  %s left", time);
    } else {
        ag_duration_format(state->elapsed / AG_SECOND * AG_SECOND, time);
        ag_buf_addf(out, "  %s", time);
    }
}

void ag_bar_line(const ag_progress_state *state, unsigned width, bool colour, ag_buf *out)
{
    ag_buf label, numbers, cut;
    ag_buf_init(&label, MAX_LINE);
    ag_buf_init(&numbers, MAX_LINE);
    ag_buf_init(&cut, MAX_LINE);
    if (state->stage) ag_show_clean(&label, ag_str_of(state->stage));
    size_t used = ag_show_cut(&cut, ag_buf_str(&label), width / 3);
    if (used > 0) ag_buf_add_char(&cut, ' '), used++;
    size_t least = state->total > 0 ? BAR_LEAST : 0, taken = 0;
    for (int detail = 4; detail >= 0; detail--) {
        ag_buf_clear(&numbers);
        add_numbers(state, detail, &numbers);
        taken = ag_utf8_width(ag_buf_str(&numbers));
        if (used + taken + least <= width) break;
    }
    ag_buf_add_str(out, ag_buf_str(&cut));
    if (state->total > 0 && used + taken + least <= width) {
        size_t space = width - used - taken;
        if (colour) ag_buf_add_text(out, "\033[36m");
        ag_spark_bar(out, fraction_of(state), space > BAR_MOST ? BAR_MOST : (unsigned)space);
        if (colour) ag_buf_add_text(out, "\033[0m");
    }
    if (used + taken <= width)
        ag_buf_add_str(out, ag_buf_str(&numbers));
    else if (width > used)
        ag_show_cut(out, ag_buf_str(&numbers), width - used);
    ag_buf_deinit(&label);
    ag_buf_deinit(&numbers);
    ag_buf_deinit(&cut);
}

void ag_bar_plain(const ag_progress_state *state, ag_buf *out)
{
    char time[32];
    if (state->stage) {
        ag_show_clean(out, ag_str_of(state->stage));
        ag_buf_add_text(out, ": ");
    }
    ag_buf_addf(out, "%llu ", (unsigned long long)state->done);
    bool partly = state->total > 0 && !(state->finished && state->done == state->total);
    if (partly) ag_buf_addf(out, "of %llu ", (unsigned long long)state->total);
    ag_show_clean(out, ag_str_of(state->what));
    if (partly) ag_buf_addf(out, " (%d %%)", (int)(fraction_of(state) * 100));
    if (state->finished) {
        ag_duration_format(state->elapsed, time);
        ag_buf_addf(out, " in %s", time);
    }
    add_rates(state, true, true, out);
    if (state->finished || state->remaining < 0) return;
    ag_duration_format(state->remaining / AG_SECOND * AG_SECOND, time);
    ag_buf_addf(out, "  %s left", time);
}

static void add_json_text(ag_buf *out, const char *key, const char *text)
{
    ag_buf_addf(out, "\"%s\":\"", key);
    ag_buf clean;
    ag_buf_init(&clean, MAX_LINE);
    ag_show_clean(&clean, ag_str_of(text));
    for (size_t i = 0; i < clean.size; i++) {
        if (clean.data[i] == '"' || clean.data[i] == '\\') ag_buf_add_char(out, '\\');
        ag_buf_add_char(out, clean.data[i]);
    }
    ag_buf_deinit(&clean);
    ag_buf_add_text(out, "\",");
}

void ag_bar_json(const ag_progress_state *state, ag_buf *out)
{
    ag_buf_add_text(out, "{\"event\":\"progress\",");
    if (state->stage) add_json_text(out, "stage", state->stage);
    add_json_text(out, "what", state->what);
    ag_buf_addf(out, "\"done\":%llu,", (unsigned long long)state->done);
    if (state->total > 0) ag_buf_addf(out, "\"total\":%llu,", (unsigned long long)state->total);
    if (state->bytes > 0) ag_buf_addf(out, "\"bytes\":%llu,", (unsigned long long)state->bytes);
    char rate[32];
    ag_double_format(state->rate, rate);
    ag_buf_addf(out, "\"elapsed_us\":%lld,\"rate\":%s,", (long long)state->elapsed, rate);
    if (state->remaining >= 0) ag_buf_addf(out, "\"remaining_us\":%lld,", (long long)state->remaining);
    ag_buf_addf(out, "\"finished\":%s}", state->finished ? "true" : "false");
}

static void write_all(int fd, ag_str bytes)
{
    int saved = errno;
    while (bytes.size > 0) {
        ssize_t written = write(fd, bytes.data, bytes.size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        bytes = ag_str_slice(bytes, (size_t)written, SIZE_MAX);
    }
    errno = saved;
}

/* A line that wraps could not be wiped again, so one cell stays free. */
static void show_terminal(ag_bar *bar, const ag_progress_state *state, ag_buf *out)
{
    unsigned width = ag_term_width(bar->fd);
    ag_buf_add_text(out, "\r\033[K");
    if (!state->finished) {
        ag_bar_line(state, width > 0 ? width - 1 : 79, bar->colour, out);
        return;
    }
    ag_bar_plain(state, out);
    ag_buf_add_char(out, '\n');
}

void ag_bar_show(void *context, const ag_progress_state *state)
{
    ag_bar *bar = context;
    int64_t every = bar->mode == AG_BAR_PLAIN ? PLAIN_EVERY : bar->mode == AG_BAR_JSON ? JSON_EVERY : 0;
    if (bar->mode == AG_BAR_OFF) return;
    if (!state->finished && state->elapsed - (bar->last < 0 ? 0 : bar->last) < every) return;
    bar->last = state->finished ? -1 : state->elapsed;
    ag_buf out;
    ag_buf_init(&out, MAX_LINE);
    if (bar->mode == AG_BAR_TERMINAL)
        show_terminal(bar, state, &out);
    else {
        (bar->mode == AG_BAR_JSON ? ag_bar_json : ag_bar_plain)(state, &out);
        ag_buf_add_char(&out, '\n');
    }
    if (!out.failed) write_all(bar->fd, ag_buf_str(&out));
    ag_buf_deinit(&out);
}
