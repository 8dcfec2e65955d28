// SPDX-License-Identifier: Apache-2.0
/* screen.c: see screen.h. From the bottom upwards the parts are ordered by worth: the bar, alarms, numbers, trainings,
 * the plot; each gets what the ones below it leave. Trainings are laid out in columns as wide as the terminal allows,
 * then with shorter bars, then as one character each. */
#include "learn/monitor/screen.h"

#include <math.h>
#include <string.h>

#include "core/show/bar.h"
#include "core/show/spark.h"
#include "core/show/text.h"

enum {
    MAX_TEXT = 1 << 18,
    PLOT_MOST = 12,
    PLOT_LEAST = 6,
    PLOT_NARROWEST = 40,
    PLOT_WIDEST = 100,
    BAR_MOST = 12,
    BAR_LEAST = 3,
    NUMBER = 8
};

typedef struct screen {
    const ag_monitor *monitor;
    const ag_monitor_view *view;
    ag_monitor_summary summary;
    unsigned width; /* cells of a line: one less than the terminal, so that none wraps */
    unsigned free;  /* lines that are left */
} screen;

static const char *const colours[] = {
    [AG_MONITOR_WAITING] = "\033[2m",
    [AG_MONITOR_RUNNING] = "\033[36m",
    [AG_MONITOR_DONE] = "\033[32m",
    [AG_MONITOR_FAILED] = "\033[31m",
};

static void begin_colour(const screen *s, const char *colour, ag_buf *out)
{
    if (s->view->colour) ag_buf_add_text(out, colour);
}

static void end_colour(const screen *s, ag_buf *out)
{
    if (s->view->colour) ag_buf_add_text(out, "\033[0m");
}

static unsigned count_lines(const ag_buf *text)
{
    unsigned lines = text->size > 0;
    for (size_t i = 0; i < text->size; i++) lines += text->data[i] == '\n';
    return lines;
}

/* ---- the bar ---- */

static void add_work(const screen *s, ag_buf *out)
{
    ag_progress_state state = s->monitor->work;
    if (!state.stage) state.stage = s->monitor->phase;
    ag_bar_line(&state, s->width, s->view->colour, out);
}

static void add_one_training(const screen *s, const ag_monitor_training *t, ag_buf *out)
{
    char stage[80];
    const ag_train_progress *now = &t->now;
    ag_format(stage, sizeof stage, "epoch %lld/%lld", (long long)now->epoch + 1, (long long)now->epochs);
    if (!isnan(now->epoch_loss)) {
        size_t used = strlen(stage);
        ag_format(stage + used, sizeof stage - used, "  loss %.4g", now->epoch_loss);
    }
    ag_progress_state state = {.what = "samples",
                               .stage = stage,
                               .done = (uint64_t)now->sample,
                               .total = (uint64_t)now->samples,
                               .elapsed = (int64_t)(now->elapsed * 1e6),
                               .rate = now->samples_per_second,
                               .remaining = now->remaining < 0.0 ? -1 : (int64_t)(now->remaining * 1e6)};
    ag_bar_line(&state, s->width, s->view->colour, out);
}

static void add_all_trainings(const screen *s, ag_buf *out)
{
    char stage[80];
    const ag_monitor_summary *all = &s->summary;
    ag_format(stage, sizeof stage, "%lld/%lld trained", (long long)all->done + all->failed, (long long)all->count);
    ag_progress_state state = {.what = "steps",
                               .stage = stage,
                               .done = (uint64_t)all->steps,
                               .total = (uint64_t)fmax(all->expected, 1.0),
                               .elapsed = (int64_t)(all->elapsed * 1e6),
                               .rate = all->steps_per_second,
                               .remaining = all->remaining < 0.0 ? -1 : (int64_t)(all->remaining * 1e6)};
    ag_bar_line(&state, s->width, s->view->colour, out);
}

static void add_bar(const screen *s, ag_buf *out)
{
    const ag_monitor_training *one = ag_monitor_training_at(s->monitor, 0);
    if (s->monitor->working)
        add_work(s, out);
    else if (s->monitor->count > 1)
        add_all_trainings(s, out);
    else if (one && one->moving)
        add_one_training(s, one, out);
}

/* ---- numbers and alarms ---- */

static const ag_monitor_training *latest(const ag_monitor *m)
{
    const ag_monitor_training *found = NULL;
    for (size_t i = 0; i < m->trainings.count; i++) {
        const ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (t && t->moving && (!found || t->heard > found->heard)) found = t;
    }
    return found;
}

static void add_gpus(const ag_usage *u, ag_buf *line)
{
    for (size_t i = 0; i < u->gpu_count; i++) {
        if (isnan(u->gpus[i].utilization)) continue;
        ag_buf_addf(line, "   gpu %zu %.0f %%  ", i, u->gpus[i].utilization);
        ag_show_bytes(line, u->gpus[i].memory_used);
    }
}

static void add_best(const screen *s, ag_buf *line)
{
    const ag_monitor_summary *all = &s->summary;
    const ag_monitor_training *best = ag_monitor_training_at(s->monitor, all->best);
    ag_buf_addf(line, "   %lld running", (long long)all->running);
    if (all->waiting) ag_buf_addf(line, ", %lld waiting", (long long)all->waiting);
    if (all->failed) ag_buf_addf(line, ", %lld stopped", (long long)all->failed);
    if (best) ag_buf_addf(line, "   best %.4g (%s)", best->best_metric, best->name ? best->name : "?");
    if (all->samples_per_second > 0.0) ag_buf_addf(line, "   %.0f samples/s", all->samples_per_second);
}

static void add_numbers(const screen *s, ag_buf *out)
{
    ag_buf line;
    const ag_usage *u = &s->monitor->usage;
    const ag_monitor_training *now = latest(s->monitor);
    ag_buf_init(&line, MAX_TEXT);
    if (s->monitor->count > 1) add_best(s, &line);
    if (now && !isnan(now->now.learning_rate)) ag_buf_addf(&line, "   rate %.3g", now->now.learning_rate);
    if (now && !isnan(now->now.gradient_norm)) ag_buf_addf(&line, "   norm %.3g", now->now.gradient_norm);
    if (s->monitor->measured && !isnan(u->process_cpu)) ag_buf_addf(&line, "   cpu %.0f %%", u->process_cpu);
    if (s->monitor->measured && !isnan(u->process_memory)) {
        ag_buf_add_text(&line, "   memory ");
        ag_show_bytes(&line, u->process_memory);
    }
    if (s->monitor->measured) add_gpus(u, &line);
    ag_str text = ag_str_trim(ag_buf_str(&line));
    if (text.size) {
        begin_colour(s, "\033[2m", out);
        (void)ag_show_cut(out, text, s->width);
        end_colour(s, out);
    }
    ag_buf_deinit(&line);
}

/* Those that stand now, the newest two. */
static void add_alarms(const screen *s, ag_buf *out)
{
    int shown = 0;
    for (size_t i = s->monitor->remarks.count; i-- > 0 && shown < 2;) {
        const ag_monitor_remark *r = ag_vec_at(&s->monitor->remarks, i);
        const ag_monitor_training *t = ag_monitor_training_at(s->monitor, r->index);
        if (r->level != AG_MONITOR_ALARM || !t || !(t->alarms & r->alarm) || t->state != AG_MONITOR_RUNNING) continue;
        ag_buf line;
        ag_buf_init(&line, MAX_TEXT);
        ag_buf_add_text(&line, "! ");
        ag_show_clean(&line, ag_str_of(r->text));
        if (shown++) ag_buf_add_char(out, '\n');
        begin_colour(s, "\033[33m", out);
        (void)ag_show_cut(out, ag_buf_str(&line), s->width);
        end_colour(s, out);
        ag_buf_deinit(&line);
    }
}

/* ---- trainings ---- */

static double fraction_of(const ag_monitor_training *t)
{
    if (!t) return 0.0;
    if (t->state == AG_MONITOR_DONE) return 1.0;
    return t->now.steps > 0 ? (double)t->steps / (double)t->now.steps : 0.0;
}

static ag_monitor_state state_of(const ag_monitor_training *t)
{
    return t ? t->state : AG_MONITOR_WAITING;
}

/* "fold 3 ████▌░░░ 0.0123 !" in `name` + `bar` + NUMBER + 4 cells. */
static void add_cell(const screen *s, int64_t index, unsigned name, unsigned bar, ag_buf *out)
{
    char number[32] = "";
    const ag_monitor_training *t = ag_monitor_training_at(s->monitor, index);
    ag_buf title;
    ag_buf_init(&title, MAX_TEXT);
    if (t && t->name)
        ag_show_clean(&title, ag_str_of(t->name));
    else
        ag_buf_addf(&title, "%lld", (long long)index + 1);
    size_t used = ag_show_cut(out, ag_buf_str(&title), name);
    ag_buf_deinit(&title);
    ag_buf_add_fill(out, ' ', name - used + 1);
    begin_colour(s, colours[state_of(t)], out);
    ag_spark_bar(out, fraction_of(t), bar);
    end_colour(s, out);
    double loss = !t ? NAN : !isnan(t->best_metric) ? t->best_metric : t->moving ? t->now.epoch_loss : NAN;
    if (!isnan(loss)) ag_format(number, sizeof number, "%.3g", loss);
    const char *mark = t && t->state == AG_MONITOR_FAILED ? "x" : t && t->alarms ? "!" : " ";
    ag_buf_addf(out, " %-*.*s%s ", NUMBER, NUMBER, number, mark);
}

static unsigned widest_name(const ag_monitor *m)
{
    size_t widest = 1;
    for (size_t i = 0; i < m->trainings.count; i++) {
        const ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        size_t width = t && t->name && ag_utf8_valid(ag_str_of(t->name)) ? ag_utf8_width(ag_str_of(t->name)) : 1;
        if (width > widest) widest = width;
    }
    return widest > 16 ? 16 : (unsigned)widest;
}

/* One character each: how far it is, 'x' for what failed, '!' for an alarm, '.' for what waits. */
static void add_strip(const screen *s, unsigned lines, ag_buf *out)
{
    int64_t room = (int64_t)s->width * lines, count = s->summary.count;
    for (int64_t i = 0; i < count && i < room; i++) {
        const ag_monitor_training *t = ag_monitor_training_at(s->monitor, i);
        double fraction[] = {0.0, fraction_of(t), 1.0};
        if (i && i % s->width == 0) ag_buf_add_char(out, '\n');
        if (room < count && i == room - 1) {
            ag_buf_add_char(out, '+');
        } else if (!t || t->state == AG_MONITOR_FAILED || t->alarms) {
            ag_buf_add_char(out, !t ? '.' : t->state == AG_MONITOR_FAILED ? 'x' : '!');
        } else {
            const char block[] = {'\xe2', '\x96', (char)('\x81' + (int)(fraction[1] * 7)), '\0'};
            begin_colour(s, colours[t->state], out);
            ag_buf_add_text(out, block);
            end_colour(s, out);
        }
    }
}

static void add_trainings(const screen *s, ag_buf *out)
{
    unsigned name = widest_name(s->monitor), bar = BAR_MOST, columns = 1;
    int64_t count = s->summary.count;
    /* Half of the lines, so that the plot has some too where there are enough. */
    unsigned most = s->free > 2 * PLOT_LEAST ? s->free - PLOT_LEAST : s->free, rows = 0;
    for (;; bar = bar > BAR_LEAST + 3 ? bar - 3 : BAR_LEAST) {
        columns = s->width / (name + bar + NUMBER + 4);
        rows = columns ? (unsigned)((count + columns - 1) / columns) : most + 1;
        if (rows <= most || bar == BAR_LEAST) break;
    }
    if (rows > most) {
        add_strip(s, most, out);
        return;
    }
    for (unsigned r = 0; r < rows; r++) {
        if (r) ag_buf_add_char(out, '\n');
        for (unsigned c = 0; c < columns && (int64_t)r * columns + c < count; c++)
            add_cell(s, (int64_t)r * columns + c, name, bar, out);
        while (out->size && out->data[out->size - 1] == ' ') out->data[--out->size] = '\0';
    }
}

/* ---- the plot ---- */

static void add_plot(const screen *s, ag_buf *out)
{
    char title[60];
    ag_monitor_course course;
    ag_monitor_course_init(&course);
    ag_monitor_course_of(s->monitor, &course);
    unsigned height = s->free > PLOT_MOST ? PLOT_MOST : s->free,
             width = s->width > PLOT_WIDEST ? PLOT_WIDEST : s->width;
    if (course.train.count >= 2 && height >= PLOT_LEAST && width >= PLOT_NARROWEST) {
        const ag_series series[] = {
            {.name = "training", .x = course.epoch.items, .y = course.train.items, .count = course.train.count},
            {.name = "validation", .x = course.epoch.items, .y = course.validation.items, .count = course.train.count}};
        ag_format(title, sizeof title, "mean of %lld trainings",
                  (long long)s->summary.running + s->summary.done + s->summary.failed);
        ag_plot plot = {.title = s->summary.count > 1 ? title : NULL, .x_label = "epoch"};
        (void)ag_spark_plot(out, &plot, series, 2, width, height, s->view->colour, NULL);
        if (out->size && out->data[out->size - 1] == '\n') out->data[--out->size] = '\0';
    }
    ag_monitor_course_deinit(&course);
}

/* ---- all of it ---- */

typedef void (*part_fn)(const screen *s, ag_buf *out);

unsigned ag_monitor_screen(const ag_monitor *monitor, int64_t at, const ag_monitor_view *view, ag_buf *out)
{
    static const part_fn parts[] = {add_bar, add_alarms, add_numbers, add_trainings, add_plot};
    enum { COUNT = sizeof parts / sizeof *parts, BAR = 0, ALARMS, NUMBERS, TRAININGS };
    ag_buf texts[COUNT];
    unsigned lines = 0;
    screen s = {.monitor = monitor,
                .view = view,
                .summary = ag_monitor_summarise(monitor, at),
                .width = view->width > 1 ? view->width - 1 : 1,
                .free = view->height};
    for (int i = 0; i < COUNT; i++) {
        ag_buf_init(&texts[i], MAX_TEXT);
        bool left_out = view->last ? i < TRAININGS : i == NUMBERS && view->height < 4;
        left_out |= i == TRAININGS && s.summary.count < 2;
        if (!left_out && s.free) parts[i](&s, &texts[i]);
        unsigned used = count_lines(&texts[i]);
        if (used > s.free || texts[i].failed) {
            ag_buf_clear(&texts[i]);
            used = 0;
        }
        s.free -= used;
        lines += used;
    }
    bool first = true;
    for (int i = COUNT; i-- > 0;) {
        if (texts[i].size) {
            if (!first) ag_buf_add_char(out, '\n');
            ag_buf_add_str(out, ag_buf_str(&texts[i]));
            first = false;
        }
        ag_buf_deinit(&texts[i]);
    }
    return lines;
}
