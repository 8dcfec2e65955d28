// SPDX-License-Identifier: Apache-2.0
/* history.c: labels.jsonl. Lines are appended in one write and synced; nothing that was acknowledged is ever written
 * over. What a killed writer left behind the last whole line is cut off by the next one, unless it is whole but for its
 * line end. Threads: any, with the lock of the directory for writers; readers need none, because lines only come. */
#include "data/label/history.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "core/base/vec.h"
#include "core/doc/json.h"
#include "core/io/path.h"
#include "core/io/syscall.h"
#include "core/sys/clock.h"

enum { MOST_BYTES = 1 << 30, LINE_BYTES = 1 << 16, LOCK_SECONDS = 10, TEXT_BYTES = 4000 };

const char *const ag_label_kind_names[AG_LABEL_KIND_COUNT + 1] = {"auto", "expert", "undo", NULL};

/* ---- one event ---- */

static double thousandth(double value)
{
    return isnan(value) ? value : round(value * 1000) / 1000;
}

static int check_depth(double depth, const char *name, double *before, double deepest, ag_err *err)
{
    if (isnan(depth)) return AG_OK;
    if (!isfinite(depth) || depth <= 0)
        return ag_fail(err, AG_EINVAL, "the %s at %g mm is not inside the hole", name, depth);
    if (depth <= *before) {
        ag_fail(err, AG_EINVAL, "the %s at %.3f mm is not behind %.3f mm", name, depth, *before);
        return ag_err_hint(err, "entry, transitions, exit and full exit must grow in this order");
    }
    if (depth > deepest)
        return ag_fail(err, AG_EINVAL, "the %s at %.3f mm is deeper than the samples, which end at %.3f mm", name,
                       depth, deepest);
    *before = depth;
    return AG_OK;
}

static int check_outcome(const ag_label_event *event, ag_err *err)
{
    bool entry = !isnan(event->entry), exit = !isnan(event->exit), full = !isnan(event->full_exit);
    bool any = entry || exit || full || event->transition_count > 0;
    switch (event->outcome) {
    case AG_LABEL_FOUND:
        return entry && exit ? AG_OK : ag_fail(err, AG_EINVAL, "a hole that was found has an entry and an exit");
    case AG_LABEL_NO_EXIT:
        return exit || full ? ag_fail(err, AG_EINVAL, "a hole without exit has no number for it") : AG_OK;
    case AG_LABEL_NONE: return ag_fail(err, AG_EINVAL, "a label says what became of the hole");
    default: return any ? ag_fail(err, AG_EINVAL, "an empty hole has no depths") : AG_OK;
    }
}

int ag_label_event_check(ag_label_event *event, double deepest, ag_err *err)
{
    double before = 0;
    event->entry = thousandth(event->entry);
    event->exit = thousandth(event->exit);
    event->full_exit = thousandth(event->full_exit);
    if (event->transition_count > AG_LABEL_TRANSITIONS)
        return ag_fail(err, AG_EINVAL, "a hole has at most %d transitions", AG_LABEL_TRANSITIONS);
    int rc = check_outcome(event, err);
    if (rc == AG_OK) rc = check_depth(event->entry, "entry", &before, deepest, err);
    for (size_t i = 0; rc == AG_OK && i < event->transition_count; i++) {
        event->transition[i] = thousandth(event->transition[i]);
        if (isnan(event->transition[i])) return ag_fail(err, AG_EINVAL, "a transition is no number");
        rc = check_depth(event->transition[i], "transition", &before, deepest, err);
    }
    if (rc == AG_OK) rc = check_depth(event->exit, "exit", &before, deepest, err);
    /* where the full width leaves may be told from the point's length, behind the last sample */
    if (rc == AG_OK) rc = check_depth(event->full_exit, "full exit", &before, INFINITY, err);
    if (rc == AG_OK && (!event->author || !*event->author)) rc = ag_fail(err, AG_EINVAL, "a label needs an author");
    if (rc == AG_OK && (strlen(event->author) > 200 || strlen(event->comment) > TEXT_BYTES))
        rc = ag_fail(err, AG_ELIMIT, "an author has at most 200 bytes, a comment %d", TEXT_BYTES);
    return rc;
}

static bool same_number(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b;
}

bool ag_label_event_same(const ag_label_event *a, const ag_label_event *b)
{
    bool same = a->outcome == b->outcome && same_number(a->entry, b->entry) && same_number(a->exit, b->exit) &&
                same_number(a->full_exit, b->full_exit) && a->transition_count == b->transition_count;
    for (size_t i = 0; same && i < a->transition_count; i++) same = a->transition[i] == b->transition[i];
    return same;
}

static void put_depth(ag_json *json, const char *name, double value)
{
    ag_json_name(json, name);
    if (isnan(value))
        ag_json_null(json);
    else
        ag_json_real(json, value);
}

int ag_label_event_write(const ag_label_event *event, ag_buf *out, ag_err *err)
{
    char time[40];
    ag_instant_format(event->time, 6, time);
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "sha256", event->sha256);
    ag_json_put_text(&json, "path", event->path);
    ag_json_put_text(&json, "source", ag_label_kind_names[event->kind]);
    ag_json_put_text(&json, "author", event->author);
    ag_json_put_text(&json, "time", time);
    if (event->kind != AG_LABEL_UNDO) {
        ag_json_put_text(&json, "outcome", ag_label_outcome_name(event->outcome));
        put_depth(&json, "entry_mm", event->entry);
        ag_json_name(&json, "transitions_mm");
        ag_json_begin_array(&json);
        for (size_t i = 0; i < event->transition_count; i++) ag_json_real(&json, event->transition[i]);
        ag_json_end_array(&json);
        put_depth(&json, "exit_mm", event->exit);
        put_depth(&json, "full_exit_mm", event->full_exit);
    }
    if (event->kind == AG_LABEL_AUTO) put_depth(&json, "confidence", event->confidence);
    if (*event->comment) ag_json_put_text(&json, "comment", event->comment);
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, err);
    if (rc == AG_OK) ag_buf_add_char(out, '\n');
    return rc == AG_OK ? ag_buf_check(out, "a label", err) : rc;
}

static bool read_text(const ag_value *object, const char *name, ag_arena *arena, const char **out)
{
    ag_str text;
    const ag_value *value = ag_value_get(object, name);
    if (!value) {
        *out = "";
        return true;
    }
    if (!ag_value_string(value, &text)) return false;
    *out = ag_arena_strndup(arena, text.data, text.size);
    return *out != NULL;
}

static bool read_depth(const ag_value *object, const char *name, double *out)
{
    const ag_value *value = ag_value_get(object, name);
    *out = NAN;
    return !value || value->kind == AG_NULL || ag_value_real(value, out);
}

static bool read_choice(const char *text, const char *const *names, size_t count, int *out)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (int)i;
            return true;
        }
    return false;
}

static bool read_depths(const ag_value *root, ag_label_event *event)
{
    const ag_value *list = ag_value_get(root, "transitions_mm");
    if (!read_depth(root, "entry_mm", &event->entry) || !read_depth(root, "exit_mm", &event->exit) ||
        !read_depth(root, "full_exit_mm", &event->full_exit) || !read_depth(root, "confidence", &event->confidence))
        return false;
    if (!list) return true;
    if (list->kind != AG_ARRAY || list->array.count > AG_LABEL_TRANSITIONS) return false;
    for (size_t i = 0; i < list->array.count; i++)
        if (!ag_value_real(&list->array.items[i], &event->transition[event->transition_count++])) return false;
    return true;
}

static int read_event(const ag_value *root, ag_arena *arena, ag_label_event *event, ag_err *err)
{
    static const char *const outcomes[] = {"none", "found", "no exit", "empty"};
    const char *kind = NULL, *outcome = NULL, *time = NULL;
    int choice;
    *event = (ag_label_event){.entry = NAN, .exit = NAN, .full_exit = NAN, .confidence = NAN};
    bool good = read_text(root, "sha256", arena, &event->sha256) && read_text(root, "path", arena, &event->path) &&
                read_text(root, "author", arena, &event->author) && read_text(root, "source", arena, &kind) &&
                read_text(root, "time", arena, &time) && read_text(root, "outcome", arena, &outcome) &&
                read_text(root, "comment", arena, &event->comment) && read_depths(root, event);
    if (!good || strlen(event->sha256) != 64) return ag_fail(err, AG_EPARSE, "this line is no label of a hole");
    if (!read_choice(kind, ag_label_kind_names, AG_LABEL_KIND_COUNT, &choice))
        return ag_fail(err, AG_EPARSE, "'%.40s' is no source of a label", kind);
    event->kind = (ag_label_kind)choice;
    int rc = ag_instant_parse(ag_str_of(time), &event->time, err);
    if (rc < 0) return rc;
    if (event->kind == AG_LABEL_UNDO) return AG_OK;
    if (!read_choice(outcome, outcomes, 4, &choice)) return ag_fail(err, AG_EPARSE, "'%.40s' is no outcome", outcome);
    event->outcome = (ag_label_outcome)choice;
    return event->kind == AG_LABEL_EXPERT ? ag_label_event_check(event, INFINITY, err) : AG_OK;
}

/* ---- the file ---- */

static int parse_line(ag_str line, ag_arena *arena, ag_label_event *event, ag_err *err)
{
    const ag_value *root;
    ag_json_options options = {.max_bytes = LINE_BYTES, .max_depth = 8, .max_values = 100};
    int rc = ag_json_parse(arena, line, &options, &root, err);
    return rc == AG_OK ? read_event(root, arena, event, err) : rc;
}

int ag_label_history_parse(ag_str text, const char *name, ag_arena *arena, ag_label_history *out, ag_err *err)
{
    ag_vec events;
    uint32_t number = 0;
    size_t torn = 0;
    int rc = AG_OK;
    ag_vec_init(&events, sizeof(ag_label_event));
    for (size_t at = 0; rc == AG_OK && at < text.size;) {
        size_t end = ag_str_find_char(text, '\n', at);
        bool whole = end != SIZE_MAX;
        ag_label_event event;
        ag_str line = ag_str_slice(text, at, (whole ? end : text.size) - at);
        number++;
        at += line.size + 1;
        if (ag_str_trim(line).size == 0) continue;
        rc = parse_line(line, arena, &event, err);
        if (rc == AG_OK) {
            rc = ag_vec_push(&events, &event, err);
        } else if (rc != AG_ENOMEM && !whole) {
            torn = line.size;
            rc = AG_OK;
        } else if (rc != AG_ENOMEM) {
            ag_err_place(err, name, number, err ? err->column : 0);
        }
    }
    ag_label_event *copy = rc == AG_OK ? ag_arena_array(arena, events.count + 1, sizeof(*copy)) : NULL;
    if (rc == AG_OK && !copy) rc = ag_fail_memory(err, events.count * sizeof(*copy));
    if (rc == AG_OK) {
        if (events.count > 0) memcpy(copy, events.items, events.count * sizeof(*copy));
        *out = (ag_label_history){copy, events.count, torn};
    }
    ag_vec_deinit(&events);
    return rc;
}

int ag_label_history_load(const char *dir, ag_arena *arena, ag_label_history *out, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, MOST_BYTES);
    char *path = ag_path_join(arena, dir, AG_LABEL_HISTORY_FILE);
    *out = (ag_label_history){0};
    if (!path) return ag_fail_memory(err, strlen(dir));
    int rc = ag_file_exists(path) ? ag_file_read(path, MOST_BYTES, &text, err) : AG_OK;
    if (rc == AG_OK) rc = ag_label_history_parse(ag_buf_str(&text), path, arena, out, err);
    ag_buf_deinit(&text);
    return rc;
}

/* Where the next line begins: behind the last whole one, and whether that still lacks its end. */
static int find_end(const char *path, ag_arena *arena, size_t *keep, bool *open, ag_err *err)
{
    ag_buf text;
    ag_label_event event;
    ag_buf_init(&text, MOST_BYTES);
    int rc = ag_file_exists(path) ? ag_file_read(path, MOST_BYTES, &text, err) : AG_OK;
    *keep = text.size;
    *open = false;
    if (rc == AG_OK && text.size > 0 && text.data[text.size - 1] != '\n') {
        size_t begin = text.size;
        while (begin > 0 && text.data[begin - 1] != '\n') begin--;
        rc = parse_line(ag_str_slice(ag_buf_str(&text), begin, text.size - begin), arena, &event, err);
        *open = rc == AG_OK;
        if (!*open) *keep = begin;
        if (rc != AG_ENOMEM) rc = AG_OK;
    }
    ag_buf_deinit(&text);
    return rc;
}

static int cut(int fd, size_t size)
{
    return ag_sys_fault() ? -1 : ftruncate(fd, (off_t)size);
}

static int append_bytes(const char *path, size_t keep, const ag_buf *lines, ag_err *err)
{
    int fd = ag_sys_open(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0644);
    if (fd < 0) return ag_fail_errno(err, errno, "cannot open '%s'", path);
    struct stat info;
    int rc = AG_OK;
    if (ag_sys_stat(fd, &info) < 0) rc = ag_fail_errno(err, errno, "cannot ask for the size of '%s'", path);
    if (rc == AG_OK && (size_t)info.st_size != keep && cut(fd, keep) < 0)
        rc = ag_fail_errno(err, errno, "cannot cut an unfinished line off '%s'", path);
    if (rc == AG_OK && (ag_sys_write(fd, lines->data, lines->size) < 0 || ag_sys_sync(fd) < 0)) {
        rc = ag_fail_errno(err, errno, "cannot write to '%s'", path);
        if (ftruncate(fd, (off_t)keep) < 0) ag_err_prefix(err, "a label may have been kept in part");
    }
    ag_sys_close(fd);
    return rc;
}

int ag_label_history_append(const char *dir, const ag_label_event *events, size_t count, ag_err *err)
{
    ag_buf lines;
    size_t keep = 0;
    bool open = false;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_buf_init(&lines, MOST_BYTES);
    char *path = ag_path_join(arena, dir, AG_LABEL_HISTORY_FILE);
    int rc = path ? find_end(path, arena, &keep, &open, err) : ag_fail_memory(err, strlen(dir));
    if (rc == AG_OK && open) ag_buf_add_char(&lines, '\n');
    for (size_t i = 0; rc == AG_OK && i < count; i++) rc = ag_label_event_write(&events[i], &lines, err);
    if (rc == AG_OK && lines.size > MOST_BYTES - keep)
        rc = ag_fail(err, AG_ELIMIT, "'%s' would be larger than a gigabyte", path);
    bool fresh = rc == AG_OK && !ag_file_exists(path);
    if (rc == AG_OK && count > 0) rc = append_bytes(path, keep, &lines, err);
    if (rc == AG_OK && fresh) rc = ag_dir_sync(dir, err);
    ag_buf_deinit(&lines);
    ag_arena_free(arena);
    return rc;
}

int ag_label_lock(const char *dir, ag_lock **out, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    char *work = arena ? ag_path_join(arena, dir, ".prepare") : NULL;
    char *path = work ? ag_path_join(arena, work, "labels.lock") : NULL;
    int rc = path ? ag_dir_make(work, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = ag_lock_take(path, LOCK_SECONDS * AG_SECOND, out, err);
    if (rc == AG_ECONFLICT) ag_err_hint(err, "another call is labelling '%s'; wait until it is done", dir);
    ag_arena_free(arena);
    return rc;
}
