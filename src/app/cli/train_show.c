// SPDX-License-Identifier: Apache-2.0
/* train_show.c: see train_show.h.
 * On a terminal the lower part of the screen is ours: `drawn` lines that are erased before anything is written, and
 * drawn again behind it. It is drawn at most ten times a second, for the training that reported last. One lock guards
 * all, as trainings may run at once; nothing here takes long. */
#include "app/cli/train_show.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/show/bar.h"
#include "core/show/spark.h"
#include "core/show/text.h"
#include "core/sys/clock.h"

enum { PLOT_HEIGHT = 12, MAX_TEXT = 1 << 18 };
#define DRAW_EVERY (AG_SECOND / 10)
#define PLAIN_EVERY (30 * AG_SECOND)
#define JSON_EVERY AG_SECOND

typedef struct course { /* of one training */
    const char *name;
    ag_vec epoch, train, validation; /* double, by epoch */
    int64_t begun;
} course;

struct ag_train_show {
    ag_invocation *invocation;
    ag_train_show_mode mode;
    pthread_mutex_t lock;
    ag_vec courses; /* course *, by index; NULL: not begun */
    int64_t count;
    unsigned drawn; /* lines of the terminal that are ours */
    int64_t last;   /* when something was drawn or said of steps */
    ag_train_progress now;
    int64_t index; /* of the training that it is of */
    bool moving;   /* `now` is something */
    ag_buf text;
};

int ag_train_show_new(ag_invocation *invocation, ag_train_show_mode mode, ag_train_show **out, ag_err *err)
{
    ag_train_show *show = ag_calloc(1, sizeof *show);
    if (!show) return ag_fail_memory(err, sizeof *show);
    const ag_output *to = invocation->err;
    if (mode == AG_TRAIN_SHOW_AUTO)
        mode = to->is_terminal && to->columns >= 40 ? AG_TRAIN_SHOW_TERMINAL : AG_TRAIN_SHOW_PLAIN;
    if (ag_option_flag(invocation, "quiet")) mode = AG_TRAIN_SHOW_OFF;
    show->invocation = invocation;
    show->mode = mode;
    pthread_mutex_init(&show->lock, NULL);
    ag_vec_init(&show->courses, sizeof(course *));
    ag_buf_init(&show->text, MAX_TEXT);
    *out = show;
    return 0;
}

/* ---- the lower part of the terminal ---- */

static void erase(ag_train_show *show)
{
    if (show->drawn > 1) ag_output_addf(show->invocation->err, "\r\033[%uA\033[J", show->drawn - 1);
    if (show->drawn == 1) ag_output_addf(show->invocation->err, "\r\033[J");
    show->drawn = 0;
}

static void flush(ag_train_show *show)
{
    (void)ag_output_flush(show->invocation->err, NULL);
}

static course *course_of(const ag_train_show *show, int64_t index)
{
    course *const *at = index < 0 ? NULL : ag_vec_at(&show->courses, (size_t)index);
    return at ? *at : NULL;
}

static void add_plot(ag_train_show *show)
{
    const course *c = course_of(show, show->index);
    const ag_output *to = show->invocation->err;
    if (!c || c->train.count < 2) return;
    const ag_series series[] = {
        {.name = "training", .x = c->epoch.items, .y = c->train.items, .count = c->train.count},
        {.name = "validation", .x = c->epoch.items, .y = c->validation.items, .count = c->train.count}};
    ag_plot plot = {.title = show->count > 1 ? c->name : NULL, .x_label = "epoch"};
    unsigned width = to->columns > 100 ? 100 : (unsigned)to->columns;
    (void)ag_spark_plot(&show->text, &plot, series, 2, width, PLOT_HEIGHT, to->color, NULL);
}

static void add_bar(ag_train_show *show)
{
    char stage[80];
    const ag_train_progress *now = &show->now;
    const ag_output *to = show->invocation->err;
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
    ag_bar_line(&state, (unsigned)to->columns - 1, to->color, &show->text);
}

static void draw(ag_train_show *show)
{
    if (!show->moving) return;
    ag_buf_clear(&show->text);
    add_plot(show);
    add_bar(show);
    erase(show);
    show->drawn = 1;
    for (size_t i = 0; i < show->text.size; i++) show->drawn += show->text.data[i] == '\n';
    ag_output_add(show->invocation->err, ag_buf_str(&show->text));
    flush(show);
}

/* A line that stays, above what is drawn. */
static void say(ag_train_show *show, ag_str line)
{
    erase(show);
    ag_output_add(show->invocation->err, line);
    ag_output_add(show->invocation->err, AG_STR("\n"));
    if (show->mode == AG_TRAIN_SHOW_TERMINAL) draw(show);
    flush(show);
}

/* ---- JSON lines ---- */

static ag_json begin_event(ag_train_show *show, const char *event)
{
    ag_buf_clear(&show->text);
    ag_json json = ag_json_writer(&show->text, 0, AG_JSON_NONFINITE_NULL);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "event", event);
    return json;
}

static void end_event(ag_train_show *show, ag_json *json)
{
    ag_json_end_object(json);
    if (ag_json_end_document(json, NULL) >= 0) say(show, ag_buf_str(&show->text));
}

static void put_training(ag_train_show *show, ag_json *json, int64_t index)
{
    const course *c = course_of(show, index);
    if (c) ag_json_put_text(json, "training", c->name);
}

/* ---- what happens ---- */

void ag_train_show_free(ag_train_show *show)
{
    if (!show) return;
    erase(show);
    flush(show);
    for (size_t i = 0; i < show->courses.count; i++) {
        course *c = course_of(show, (int64_t)i);
        if (!c) continue;
        ag_vec_deinit(&c->epoch);
        ag_vec_deinit(&c->train);
        ag_vec_deinit(&c->validation);
        ag_free(c);
    }
    ag_vec_deinit(&show->courses);
    ag_buf_deinit(&show->text);
    pthread_mutex_destroy(&show->lock);
    ag_free(show);
}

void ag_train_show_phase(ag_train_show *show, const char *phase)
{
    pthread_mutex_lock(&show->lock);
    if (show->mode == AG_TRAIN_SHOW_JSON) {
        ag_json json = begin_event(show, "phase");
        ag_json_put_text(&json, "phase", phase);
        end_event(show, &json);
    }
    pthread_mutex_unlock(&show->lock);
}

void ag_train_show_remark(ag_train_show *show, const char *text)
{
    pthread_mutex_lock(&show->lock);
    if (show->mode == AG_TRAIN_SHOW_JSON) {
        ag_json json = begin_event(show, "remark");
        ag_json_put_text(&json, "text", text);
        end_event(show, &json);
    } else if (show->mode != AG_TRAIN_SHOW_OFF) {
        say(show, ag_str_of(text));
    }
    pthread_mutex_unlock(&show->lock);
}

static course *new_course(ag_train_show *show, const char *name)
{
    course *c = ag_calloc(1, sizeof *c);
    if (!c) return NULL;
    c->name = ag_arena_strdup(show->invocation->arena, name);
    c->begun = ag_monotonic();
    ag_vec_init(&c->epoch, sizeof(double));
    ag_vec_init(&c->train, sizeof(double));
    ag_vec_init(&c->validation, sizeof(double));
    return c;
}

void ag_train_show_begin(ag_train_show *show, const char *name, int64_t index, int64_t count)
{
    pthread_mutex_lock(&show->lock);
    show->count = count;
    while (index >= 0 && index < 100000 && show->courses.count <= (size_t)index)
        if (!ag_vec_add(&show->courses)) break;
    course **at = index < 0 ? NULL : ag_vec_at(&show->courses, (size_t)index);
    if (at && !*at) *at = new_course(show, name);
    pthread_mutex_unlock(&show->lock);
}

static void say_plain_step(ag_train_show *show, int64_t index, const ag_train_progress *now)
{
    char left[32] = "";
    const course *c = course_of(show, index);
    ag_buf_clear(&show->text);
    if (show->count > 1 && c && c->name) ag_buf_addf(&show->text, "%s: ", c->name);
    ag_buf_addf(&show->text, "epoch %lld of %lld: %lld of %lld samples, loss %.5g, %.0f/s", (long long)now->epoch + 1,
                (long long)now->epochs, (long long)now->sample, (long long)now->samples, now->epoch_loss,
                now->samples_per_second);
    if (now->remaining >= 0.0) {
        ag_duration_format((int64_t)now->remaining * AG_SECOND, left);
        ag_buf_addf(&show->text, ", at most %s left", left);
    }
    say(show, ag_buf_str(&show->text));
}

static void say_json_step(ag_train_show *show, int64_t index, const ag_train_progress *now)
{
    ag_json json = begin_event(show, "step");
    put_training(show, &json, index);
    ag_json_put_int(&json, "epoch", now->epoch + 1);
    ag_json_put_int(&json, "epochs", now->epochs);
    ag_json_put_int(&json, "step", now->step);
    ag_json_put_int(&json, "steps", now->steps);
    ag_json_put_real(&json, "loss", now->loss);
    ag_json_put_real(&json, "learning_rate", now->learning_rate);
    ag_json_put_real(&json, "gradient_norm", now->gradient_norm);
    ag_json_put_real(&json, "samples_per_second", now->samples_per_second);
    ag_json_put_real(&json, "elapsed", now->elapsed);
    if (now->remaining >= 0.0) ag_json_put_real(&json, "remaining", now->remaining);
    end_event(show, &json);
}

void ag_train_show_step(ag_train_show *show, int64_t index, const ag_train_progress *now)
{
    pthread_mutex_lock(&show->lock);
    int64_t time = ag_monotonic(), every = show->mode == AG_TRAIN_SHOW_TERMINAL ? DRAW_EVERY
                                           : show->mode == AG_TRAIN_SHOW_JSON   ? JSON_EVERY
                                                                                : PLAIN_EVERY;
    show->now = *now;
    show->index = index;
    show->moving = true;
    if (show->last == 0 && show->mode == AG_TRAIN_SHOW_PLAIN) show->last = time;
    if (time - show->last >= every) {
        show->last = time;
        if (show->mode == AG_TRAIN_SHOW_TERMINAL) draw(show);
        if (show->mode == AG_TRAIN_SHOW_PLAIN) say_plain_step(show, index, now);
        if (show->mode == AG_TRAIN_SHOW_JSON) say_json_step(show, index, now);
    }
    pthread_mutex_unlock(&show->lock);
}

static void say_epoch(ag_train_show *show, int64_t index, const ag_train_epoch *e, const ag_train_progress *now)
{
    char took[32];
    const course *c = course_of(show, index);
    ag_buf_clear(&show->text);
    if (show->count > 1 && c && c->name) ag_buf_addf(&show->text, "%s: ", c->name);
    ag_buf_addf(&show->text, "epoch %lld of %lld: train_loss %.5g", (long long)e->epoch + 1, (long long)now->epochs,
                e->train_loss);
    if (!isnan(e->val_loss)) ag_buf_addf(&show->text, ", val_loss %.5g%s", e->val_loss, e->best ? " (best)" : "");
    for (int i = 0; i < e->metrics_count; i++)
        ag_buf_addf(&show->text, ", %s %.5g", e->metrics[i].name, e->metrics[i].value);
    ag_duration_format((int64_t)(e->seconds * 1e6), took);
    ag_buf_addf(&show->text, ", rate %.3g, norm %.3g, %s", e->learning_rate, e->gradient_norm, took);
    char *line = ag_buf_steal(&show->text);
    say(show, ag_str_of(line));
    ag_free(line);
}

static void say_json_epoch(ag_train_show *show, int64_t index, const ag_train_epoch *e, const ag_train_progress *now)
{
    ag_json json = begin_event(show, "epoch");
    put_training(show, &json, index);
    ag_json_put_int(&json, "epoch", e->epoch + 1);
    ag_json_put_int(&json, "epochs", now->epochs);
    ag_json_put_int(&json, "step", e->step);
    ag_json_put_real(&json, "train_loss", e->train_loss);
    if (!isnan(e->val_loss)) ag_json_put_real(&json, "val_loss", e->val_loss);
    ag_json_put_real(&json, "learning_rate", e->learning_rate);
    ag_json_put_real(&json, "gradient_norm", e->gradient_norm);
    ag_json_put_real(&json, "seconds", e->seconds);
    ag_json_put_bool(&json, "best", e->best);
    for (int i = 0; i < e->metrics_count; i++) ag_json_put_real(&json, e->metrics[i].name, e->metrics[i].value);
    end_event(show, &json);
}

static void note_losses(course *c, const ag_train_epoch *e)
{
    double number = (double)e->epoch + 1.0;
    if (ag_vec_push(&c->epoch, &number, NULL) < 0 || ag_vec_push(&c->validation, &e->val_loss, NULL) < 0) return;
    (void)ag_vec_push(&c->train, &e->train_loss, NULL); /* the last: its count is the others' */
}

void ag_train_show_epoch(ag_train_show *show, int64_t index, const ag_train_epoch *epoch, const ag_train_progress *now)
{
    pthread_mutex_lock(&show->lock);
    course *c = course_of(show, index);
    if (c) note_losses(c, epoch);
    show->now = *now;
    show->index = index;
    show->moving = now->epoch < now->epochs;
    if (show->mode == AG_TRAIN_SHOW_JSON) say_json_epoch(show, index, epoch, now);
    if (show->mode == AG_TRAIN_SHOW_PLAIN || show->mode == AG_TRAIN_SHOW_TERMINAL) say_epoch(show, index, epoch, now);
    show->last = ag_monotonic();
    pthread_mutex_unlock(&show->lock);
}

void ag_train_show_resumed(ag_train_show *show, int64_t index, const ag_train_epoch *epochs, size_t count, int64_t step)
{
    pthread_mutex_lock(&show->lock);
    course *c = course_of(show, index);
    for (size_t i = 0; c && i < count; i++) note_losses(c, &epochs[i]);
    if (show->mode == AG_TRAIN_SHOW_JSON) {
        ag_json json = begin_event(show, "resumed");
        put_training(show, &json, index);
        ag_json_put_int(&json, "epochs", (int64_t)count);
        ag_json_put_int(&json, "step", step);
        end_event(show, &json);
    } else if (show->mode != AG_TRAIN_SHOW_OFF) {
        char line[160];
        ag_format(line, sizeof line, "%s%sgoing on after step %lld, %zu epochs done",
                  show->count > 1 && c && c->name ? c->name : "", show->count > 1 ? ": " : "", (long long)step, count);
        say(show, ag_str_of(line));
    }
    pthread_mutex_unlock(&show->lock);
}

void ag_train_show_done(ag_train_show *show, int64_t index, const ag_train_result *result)
{
    char line[240], took[32];
    pthread_mutex_lock(&show->lock);
    const course *c = course_of(show, index);
    ag_duration_format((int64_t)(result->seconds * 1e6), took);
    ag_format(line, sizeof line, "%s%s%lld epochs in %s%s; the best was epoch %lld with %.5g",
              show->count > 1 && c && c->name ? c->name : "", show->count > 1 ? ": " : "", (long long)result->epochs,
              took, result->stopped_early ? ", stopped early" : "", (long long)result->best_epoch + 1,
              result->best_metric);
    if (show->mode == AG_TRAIN_SHOW_TERMINAL) { /* the course of the losses stays on the screen */
        erase(show);
        ag_buf_clear(&show->text);
        show->index = index;
        add_plot(show);
        ag_output_add(show->invocation->err, ag_buf_str(&show->text));
    }
    show->moving = false;
    if (show->mode == AG_TRAIN_SHOW_PLAIN || show->mode == AG_TRAIN_SHOW_TERMINAL) say(show, ag_str_of(line));
    pthread_mutex_unlock(&show->lock);
}
