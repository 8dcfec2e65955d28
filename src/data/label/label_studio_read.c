// SPDX-License-Identifier: Apache-2.0
/* label_studio_read.c: what Label Studio exports. JSON has tasks with `data` and `annotations`, each with a `result`;
 * JSON_MIN has one object per annotation with the fields of `data` beside `label`. A mark is an instant, or a region
 * whose start is meant: the tip is where a change begins. Predictions, cancelled and empty annotations are passed over.
 * An annotation that contradicts itself is refused with the line of the task. */
#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/sys/clock.h"
#include "data/label/label_studio.h"

enum { MOST_BYTES = 1 << 30, MOST_VALUES = 100 * 1000 * 1000, MOST_DEPTH = 24 };

typedef struct reading {
    const char *name;
    const ag_exchange_options *options;
    ag_arena *arena;
    ag_exchange_rows *out;
} reading;

static int refuse(const reading *r, const ag_value *at, ag_err *err, const char *what, const char *more)
{
    return ag_fail_at(err, AG_EPARSE, r->name, at->line, at->column, "%s%s", what, more ? more : "");
}

static const char *text_of(const reading *r, const ag_value *value)
{
    ag_str text;
    return ag_value_string(value, &text) ? ag_arena_strndup(r->arena, text.data, text.size) : "";
}

/* The one text of a list, or the text itself. */
static ag_str word_of(const ag_value *value)
{
    ag_str text = AG_STR("");
    if (value && value->kind == AG_ARRAY) value = ag_value_item(value, 0);
    ag_value_string(value, &text);
    return text;
}

typedef struct marks {
    ag_label_event *event;
    size_t count;
    bool empty, no_exit;
} marks;

static int set_once(const reading *r, const ag_value *at, double *depth, double value, ag_str label, ag_err *err)
{
    if (!isnan(*depth))
        return ag_fail_at(err, AG_EPARSE, r->name, at->line, at->column, "this annotation has two marks '%.*s'",
                          AG_STR_ARG(label));
    *depth = value;
    return AG_OK;
}

/* Transitions come in any order. */
static int add_transition(const reading *r, const ag_value *at, ag_label_event *event, double depth, ag_err *err)
{
    if (event->transition_count == AG_LABEL_TRANSITIONS)
        return refuse(r, at, err, "this annotation has too many transitions", NULL);
    size_t i = event->transition_count++;
    for (; i > 0 && event->transition[i - 1] > depth; i--) event->transition[i] = event->transition[i - 1];
    event->transition[i] = depth;
    return AG_OK;
}

static int read_mark(const reading *r, const ag_value *value, marks *m, ag_err *err)
{
    double start, end;
    ag_str label = word_of(ag_value_get(value, "timeserieslabels"));
    if (!ag_value_real(ag_value_get(value, "start"), &start)) return refuse(r, value, err, "a mark has no start", NULL);
    if (!ag_value_real(ag_value_get(value, "end"), &end)) end = start;
    start = fmin(start, end);
    m->count++;
    if (ag_str_is(label, AG_STUDIO_ENTRY)) return set_once(r, value, &m->event->entry, start, label, err);
    if (ag_str_is(label, AG_STUDIO_EXIT)) return set_once(r, value, &m->event->exit, start, label, err);
    if (ag_str_is(label, AG_STUDIO_FULL_EXIT)) return set_once(r, value, &m->event->full_exit, start, label, err);
    if (ag_str_is(label, AG_STUDIO_TRANSITION)) return add_transition(r, value, m->event, start, err);
    return ag_fail_at(err, AG_EPARSE, r->name, value->line, value->column,
                      "'%.*s' is no mark that is known here: Entry, Transition, Exit, Full exit",
                      AG_STR_ARG(ag_str_slice(label, 0, 60)));
}

static int read_choice(const reading *r, const ag_value *at, ag_str word, marks *m, ag_err *err)
{
    m->count++;
    m->empty |= ag_str_is(word, AG_STUDIO_EMPTY);
    m->no_exit |= ag_str_is(word, AG_STUDIO_NO_EXIT);
    if (ag_str_is(word, AG_STUDIO_EMPTY) || ag_str_is(word, AG_STUDIO_NO_EXIT)) return AG_OK;
    return refuse(r, at, err, "an answer is neither 'Empty' nor 'No exit'", NULL);
}

static int keep_comment(const reading *r, ag_str text, ag_label_event *event, ag_err *err)
{
    event->comment = ag_arena_strndup(r->arena, text.data ? text.data : "", text.size);
    return event->comment ? AG_OK : ag_fail_memory(err, text.size);
}

/* One item of `result`. */
static int read_result(const reading *r, const ag_value *item, marks *m, ag_err *err)
{
    ag_str type = AG_STR("");
    const ag_value *value = ag_value_get(item, "value");
    ag_value_string(ag_value_get(item, "type"), &type);
    if (!value || value->kind != AG_OBJECT) return refuse(r, item, err, "a result has no value", NULL);
    if (ag_str_is(type, "timeserieslabels")) return read_mark(r, value, m, err);
    if (ag_str_is(type, "choices")) return read_choice(r, value, word_of(ag_value_get(value, "choices")), m, err);
    if (ag_str_is(type, "textarea")) return keep_comment(r, word_of(ag_value_get(value, "text")), m->event, err);
    return AG_OK; /* what else the project asks for */
}

static int conclude(const reading *r, const ag_value *at, marks *m, ag_err *err)
{
    ag_label_event *event = m->event;
    event->outcome = m->empty ? AG_LABEL_EMPTY : m->no_exit ? AG_LABEL_NO_EXIT : AG_LABEL_FOUND;
    if (m->empty && m->no_exit) return refuse(r, at, err, "an annotation says both 'Empty' and 'No exit'", NULL);
    if (event->outcome == AG_LABEL_FOUND && (isnan(event->entry) || isnan(event->exit))) {
        refuse(r, at, err, "an annotation lacks the mark ", isnan(event->entry) ? "'Entry'" : "'Exit'");
        return ag_err_hint(err, "set it in Label Studio, or answer 'No exit' or 'Empty' there");
    }
    int rc = ag_label_event_check(event, INFINITY, err);
    return rc < 0 ? ag_err_place(err, r->name, at->line, at->column) : AG_OK;
}

/* A number, an address, or an object with one of them. */
static int read_person(const reading *r, const ag_value *at, const ag_value *value, ag_label_event *event, ag_err *err)
{
    int64_t number;
    const char *name = NULL;
    if (value && value->kind == AG_OBJECT) {
        const ag_value *mail = ag_value_get(value, "email");
        value = mail && mail->kind == AG_STRING ? mail : ag_value_get(value, "id");
    }
    if (ag_value_int(value, &number)) {
        name = ag_arena_printf(r->arena, "%lld", (long long)number);
        event->author = name ? ag_annotator_author(r->options, name) : NULL;
        if (event->author == name) event->author = ag_arena_printf(r->arena, "label-studio:%s", name);
    } else if (value && value->kind == AG_STRING) {
        name = text_of(r, value);
        event->author = name ? ag_annotator_author(r->options, name) : NULL;
    } else {
        event->author = r->options->author;
        if (!event->author) return refuse(r, at, err, "nobody is named as the author of an annotation", NULL);
    }
    return event->author ? AG_OK : ag_fail_memory(err, 64);
}

static void read_time(const ag_value *annotation, ag_label_event *event)
{
    static const char *const names[] = {"updated_at", "created_at"};
    ag_str text;
    for (size_t i = 0; i < 2; i++)
        if (ag_value_string(ag_value_get(annotation, names[i]), &text) &&
            ag_instant_parse(text, &event->time, NULL) == AG_OK)
            return;
}

static int begin_row(const reading *r, const ag_value *task, const ag_value *data, ag_exchange_row *row, ag_err *err)
{
    *row = (ag_exchange_row){.line = task->line,
                             .event = {.kind = AG_LABEL_EXPERT,
                                       .time = r->options->time,
                                       .entry = NAN,
                                       .exit = NAN,
                                       .full_exit = NAN,
                                       .confidence = NAN,
                                       .comment = "",
                                       .path = text_of(r, ag_value_get(data, "path")),
                                       .sha256 = text_of(r, ag_value_get(data, "sha256"))}};
    if (!row->event.path || !row->event.sha256) return ag_fail_memory(err, 256);
    if (!*row->event.path && !*row->event.sha256)
        return refuse(r, task, err, "a task has neither 'path' nor 'sha256' in its data", NULL);
    return AG_OK;
}

static int read_annotation(const reading *r, const ag_value *task, const ag_value *data, const ag_value *annotation,
                           ag_err *err)
{
    ag_exchange_row row;
    bool cancelled = false;
    const ag_value *result = ag_value_get(annotation, "result");
    ag_value_bool(ag_value_get(annotation, "was_cancelled"), &cancelled);
    if (cancelled || !result || result->kind != AG_ARRAY || result->array.count == 0) {
        r->out->skipped++;
        return AG_OK;
    }
    int rc = begin_row(r, task, data, &row, err);
    marks m = {.event = &row.event};
    for (size_t i = 0; rc == AG_OK && i < result->array.count; i++)
        rc = read_result(r, &result->array.items[i], &m, err);
    if (rc == AG_OK && m.count == 0) {
        r->out->skipped++;
        return AG_OK;
    }
    if (rc == AG_OK) rc = read_person(r, annotation, ag_value_get(annotation, "completed_by"), &row.event, err);
    if (rc == AG_OK) read_time(annotation, &row.event);
    if (rc == AG_OK) rc = conclude(r, annotation, &m, err);
    return rc == AG_OK ? ag_vec_push(&r->out->rows, &row, err) : rc;
}

/* An object of JSON_MIN. */
static int read_minimal(const reading *r, const ag_value *task, ag_err *err)
{
    ag_exchange_row row;
    const ag_value *list = ag_value_get(task, "label"), *outcome = ag_value_get(task, "outcome");
    size_t count = list && list->kind == AG_ARRAY ? list->array.count : 0;
    if (outcome && outcome->kind == AG_OBJECT) outcome = ag_value_get(outcome, "choices");
    if (count == 0 && word_of(outcome).size == 0) {
        r->out->skipped++;
        return AG_OK;
    }
    int rc = begin_row(r, task, task, &row, err);
    marks m = {.event = &row.event};
    for (size_t i = 0; rc == AG_OK && i < count; i++) rc = read_mark(r, &list->array.items[i], &m, err);
    if (rc == AG_OK && word_of(outcome).size > 0) rc = read_choice(r, task, word_of(outcome), &m, err);
    if (rc == AG_OK) rc = keep_comment(r, word_of(ag_value_get(task, "comment")), &row.event, err);
    if (rc == AG_OK) rc = read_person(r, task, ag_value_get(task, "annotator"), &row.event, err);
    if (rc == AG_OK) read_time(task, &row.event);
    if (rc == AG_OK) rc = conclude(r, task, &m, err);
    return rc == AG_OK ? ag_vec_push(&r->out->rows, &row, err) : rc;
}

static int read_task(const reading *r, const ag_value *task, ag_err *err)
{
    if (task->kind != AG_OBJECT) return refuse(r, task, err, "a task is no object", NULL);
    const ag_value *data = ag_value_get(task, "data"), *list = ag_value_get(task, "annotations");
    if (!list) list = ag_value_get(task, "completions"); /* before version 1.0 */
    if (!data && !list) return read_minimal(r, task, err);
    if (!data || data->kind != AG_OBJECT) return refuse(r, task, err, "a task has no data", NULL);
    if (!list) return AG_OK;
    if (list->kind != AG_ARRAY) return refuse(r, list, err, "the annotations are no list", NULL);
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < list->array.count; i++)
        rc = read_annotation(r, task, data, &list->array.items[i], err);
    return rc;
}

int ag_label_studio_read(ag_str text, const char *name, const ag_exchange_options *options, ag_arena *arena,
                         ag_exchange_rows *out, ag_err *err)
{
    const ag_value *root;
    reading r = {.name = name, .options = options, .arena = arena, .out = out};
    ag_json_options json = {.file = name, .max_bytes = MOST_BYTES, .max_values = MOST_VALUES, .max_depth = MOST_DEPTH};
    ag_arena *tree = ag_arena_new(0);
    int rc = tree ? ag_json_parse(tree, text, &json, &root, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK && root->kind != AG_ARRAY)
        rc = read_task(&r, root, err);
    else
        for (size_t i = 0; rc == AG_OK && i < root->array.count; i++) rc = read_task(&r, &root->array.items[i], err);
    ag_arena_free(tree);
    return rc;
}
