// SPDX-License-Identifier: Apache-2.0
/* exec_predict.c: see exec_predict.h. A call starts the program, queues all of its holes and then reads as many
 * answers, so that a program may answer as it goes or at the end of its input. Its stderr goes to a file that is looked
 * at when something fails. */
#include "learn/strategies/exec_predict.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "learn/strategies/exec.h"

enum { MAX_LINE = 256 << 20, MAX_DEPTH = 8, MAX_VALUES = 10000, SHOWN = 60 };

typedef struct answering {
    ag_arena *arena;
    ag_exec_data data;
    const char *model_dir, *program;
    int64_t seed;
} answering;

/* ---- a hole as a line ---- */

static void put_channel(ag_json *json, const char *name, const ag_signal *signal, ag_channel_id id, double factor)
{
    const int32_t *values = signal->by_id[id];
    if (!values) return;
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < signal->rows; i++)
        if (values[i] == AG_SAMPLE_ABSENT)
            ag_json_null(json);
        else
            ag_json_real(json, (double)values[i] / 1000.0 * factor);
    ag_json_end_array(json);
}

void ag_exec_hole_write(const ag_hole *hole, ag_json *json)
{
    const ag_signal *signal = &hole->signal;
    ag_json_begin_object(json);
    ag_json_put_text(json, "file", hole->file);
    ag_json_put_real(json, "rate", signal->rate);
    put_channel(json, "depth", signal, AG_CHANNEL_POSITION, -1.0);
    put_channel(json, "torque", signal, AG_CHANNEL_TORQUE, 1.0);
    put_channel(json, "thrust", signal, AG_CHANNEL_THRUST, 1.0);
    put_channel(json, "step", signal, AG_CHANNEL_STEP, 1.0);
    ag_json_end_object(json);
}

/* ---- an answer ---- */

static int read_number(const ag_value *from, const char *what, double low, double high, double *out, ag_err *err)
{
    if (!from || from->kind == AG_NULL) return 0;
    if (!ag_value_real(from, out) || !(*out >= low && *out <= high))
        return ag_fail(err, AG_EPARSE, "%s must be a number from %g to %g", what, low, high);
    return 0;
}

static int read_point(const ag_value *from, const char *name, ag_point *out, ag_err *err)
{
    *out = (ag_point){.mm = NAN, .low = NAN, .high = NAN};
    const ag_value *mm = from && from->kind == AG_OBJECT ? ag_value_get(from, "mm") : from;
    int rc = read_number(mm, name, -1e4, 1e4, &out->mm, err);
    if (rc < 0 || isnan(out->mm)) return rc;
    out->low = out->high = out->mm;
    out->confidence = 0.5;
    if (from == mm) return 0; /* a number alone */
    rc = read_number(ag_value_get(from, "low_mm"), "low_mm", -1e4, out->mm, &out->low, err);
    if (rc >= 0) rc = read_number(ag_value_get(from, "high_mm"), "high_mm", out->mm, 1e4, &out->high, err);
    if (rc >= 0) rc = read_number(ag_value_get(from, "confidence"), "confidence", 0.0, 1.0, &out->confidence, err);
    return rc < 0 ? ag_err_prefix(err, "%s", name) : 0;
}

static int read_outcome(const ag_value *from, ag_label_outcome *out, ag_err *err)
{
    ag_str word = {0};
    (void)ag_value_string(from, &word);
    for (int i = AG_LABEL_NONE; i <= AG_LABEL_EMPTY; i++)
        if (ag_str_is(word, ag_label_outcome_name((ag_label_outcome)i))) return *out = (ag_label_outcome)i, 0;
    return ag_fail(err, AG_EPARSE, "outcome must be \"found\", \"no exit\", \"empty\" or \"none\"");
}

static int take_answer(const ag_value *from, ag_arena *arena, ag_prediction *out, ag_err *err)
{
    ag_str reason;
    double grip = 0.0;
    if (from->kind != AG_OBJECT) return ag_fail(err, AG_EPARSE, "it is no JSON object");
    *out = (ag_prediction){.voices = 1, .spread = NAN};
    int rc = read_outcome(ag_value_get(from, "outcome"), &out->outcome, err);
    for (int i = 0; i < AG_POINTS && rc >= 0; i++)
        rc = read_point(ag_value_get(from, ag_point_names[i]), ag_point_names[i], &out->points[i], err);
    out->confidence = out->outcome == AG_LABEL_NONE ? 0.0 : 1.0;
    for (int i = 0; i < AG_POINTS; i++)
        if (!isnan(out->points[i].mm)) out->confidence = fmin(out->confidence, out->points[i].confidence);
    if (rc >= 0) rc = read_number(ag_value_get(from, "confidence"), "confidence", 0.0, 1.0, &out->confidence, err);
    if (rc >= 0) rc = read_number(ag_value_get(from, "grip_code"), "grip_code", 0.0, 1000.0, &grip, err);
    out->grip_code = (int)grip;
    if (rc < 0 || !ag_value_string(ag_value_get(from, "reason"), &reason)) return rc;
    out->reason = ag_arena_strndup(arena, reason.data, reason.size);
    return out->reason ? 0 : ag_fail_memory(err, reason.size);
}

int ag_exec_answer_read(ag_str line, ag_arena *arena, ag_prediction *out, ag_err *err)
{
    const ag_value *value = NULL;
    const ag_json_options options = {.max_depth = MAX_DEPTH, .max_values = MAX_VALUES};
    ag_arena *scratch = ag_arena_new(0);
    int rc = scratch ? ag_json_parse(scratch, line, &options, &value, err) : ag_fail_memory(err, 64);
    if (rc == AG_EPARSE) ag_fail(err, AG_EPARSE, "it is no JSON: \"%.*s\"", (int)ag_utf8_cut(line, SHOWN), line.data);
    if (rc >= 0) rc = take_answer(value, arena, out, err);
    ag_arena_free(scratch);
    return rc < 0 ? rc : 0;
}

/* ---- asking ---- */

static int send_holes(ag_process *process, const ag_hole *const *holes, size_t count, ag_err *err)
{
    ag_buf text;
    int rc = 0;
    ag_buf_init(&text, MAX_LINE);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        ag_buf_clear(&text);
        ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_NULL);
        ag_exec_hole_write(holes[i], &json);
        rc = ag_json_end_document(&json, err);
        ag_buf_add_char(&text, '\n');
        if (rc >= 0) rc = ag_buf_check(&text, "a hole", err);
        if (rc >= 0) rc = ag_process_send(process, ag_buf_str(&text), err);
    }
    ag_buf_deinit(&text);
    ag_process_send_end(process);
    return rc;
}

static int read_answers(const answering *a, ag_process *process, ag_cancel *cancel, size_t count, ag_arena *arena,
                        ag_prediction *out, const char *log, ag_err *err)
{
    ag_str line;
    char how[64];
    ag_process_end end;
    size_t got = 0;
    int rc;
    while ((rc = ag_process_line(process, cancel, a->data.silence, &line, err)) > 0) {
        if (ag_str_trim(line).size == 0) continue;
        if (got == count) return ag_fail(err, AG_EPARSE, "%s has answered more often than it was asked", a->program);
        rc = ag_exec_answer_read(line, arena, &out[got++], err);
        if (rc == AG_EPARSE) ag_err_prefix(err, "answer %zu of %s", got, a->program);
        if (rc < 0) return rc;
    }
    if (rc >= 0) rc = ag_process_wait(process, cancel, &end, err);
    if (rc < 0) return rc;
    ag_process_end_format(&end, how);
    if (end.code != 0) return ag_exec_fail(log, err, AG_EIO, "%s ended with %s", a->program, how);
    if (got == count) return 0;
    return ag_exec_fail(log, err, AG_EPARSE, "%s has answered for %zu of %zu holes", a->program, got, count);
}

static int converse(const answering *a, const char *log, const ag_hole *const *holes, size_t count, ag_arena *arena,
                    ag_cancel *outer, ag_prediction *out, ag_err *err)
{
    ag_cancel *cancel = NULL;
    ag_process *process = NULL;
    ag_arena *own = ag_arena_new(0);
    const ag_exec_places places = {.model_dir = a->model_dir, .log = log, .jobs = 1, .seed = a->seed};
    int rc = own ? ag_cancel_new(outer, &cancel, err) : ag_fail_memory(err, 64);
    if (rc >= 0 && a->data.timeout > 0) ag_cancel_deadline(cancel, ag_monotonic() + a->data.timeout);
    if (rc >= 0) rc = ag_exec_start(&a->data, &a->data.predict, &places, true, own, &process, err);
    if (rc >= 0) rc = send_holes(process, holes, count, err);
    if (rc >= 0) rc = read_answers(a, process, cancel, count, arena, out, log, err);
    ag_process_free(process);
    ag_cancel_free(cancel);
    ag_arena_free(own);
    return rc;
}

static int ask(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_cancel *cancel,
               ag_prediction *out, ag_err *err)
{
    const answering *a = context;
    char *directory = NULL;
    if (count == 0) return 0;
    int rc = ag_dir_temporary("auger-exec", &directory, err);
    if (rc < 0) return rc;
    const char *log = ag_path_join(arena, directory, "log");
    rc = log ? converse(a, log, holes, count, arena, cancel, out, err) : ag_fail_memory(err, 64);
    for (size_t i = 0; i < count && rc >= 0; i++)
        if (holes[i]->file && !(out[i].path = ag_arena_strdup(arena, holes[i]->file))) rc = ag_fail_memory(err, 64);
    if (rc < 0 && err && strstr(err->hint, directory)) err->hint[0] = '\0'; /* the log goes with its directory */
    (void)ag_dir_remove(directory, NULL);
    ag_free(directory);
    return rc < 0 ? rc : 0;
}

static void close_answering(void *context)
{
    answering *a = context;
    ag_arena_free(a->arena);
    ag_free(a);
}

static int read_configuration(answering *a, const ag_settings *settings, const char *model_dir, ag_err *err)
{
    char *absolute = NULL;
    if (strcmp(settings->strategy, "exec") != 0)
        return ag_fail(err, AG_EINVAL, "the configuration is for strategy %s, and the model was made by exec",
                       settings->strategy);
    int rc = ag_settings_data(settings, &ag_exec_data_description, a->arena, &a->data, err);
    if (rc >= 0 && a->data.predict.count == 0)
        rc = ag_fail(err, AG_EUNSUPPORTED, "the configuration names no program that predicts: data_config.predict");
    if (rc >= 0) rc = ag_path_absolute(a->arena, model_dir, &absolute, err);
    if (rc < 0) return rc;
    a->model_dir = absolute;
    a->program = ((const char *const *)a->data.predict.items)[0];
    a->seed = settings->seed;
    return 0;
}

int ag_exec_answerer(const ag_settings *settings, const char *model_dir, ag_answerer *out, ag_err *err)
{
    answering *a = ag_calloc(1, sizeof *a);
    if (!a) return ag_fail_memory(err, sizeof *a);
    a->arena = ag_arena_new(0);
    int rc = a->arena ? read_configuration(a, settings, model_dir, err) : ag_fail_memory(err, 64);
    if (rc >= 0)
        *out = (ag_answerer){.name = "exec", .context = a, .ask = ask, .close = close_answering};
    else
        close_answering(a);
    return rc < 0 ? rc : 0;
}
