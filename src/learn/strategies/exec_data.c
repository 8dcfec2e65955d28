// SPDX-License-Identifier: Apache-2.0
/* exec_data.c: data_config of the strategy "exec", and starting its programs: words, variables, log. Nothing goes
 * through a shell. A word that is no place of ours stays as it is. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/stream.h"
#include "learn/strategies/exec.h"

enum { TAIL = 240, MAX_WORD = 1 << 20 };

static const char *const data_choices[] = {"path", "copy", NULL};

#define AT(member) offsetof(ag_exec_data, member)
static const ag_field fields[] = {
    {.name = "command",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_TEXT,
     .offset = AT(command),
     .required = true,
     .min = 1,
     .max = 1000,
     .doc = "The program that trains, and its arguments, without a shell. {data_dir}, {config}, {model_dir} and "
            "{checkpoint_dir} stand for their paths."},
    {.name = "predict",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_TEXT,
     .offset = AT(predict),
     .max = 1000,
     .doc = "The program that answers for holes: one JSON object a line in, one a line out."},
    {.name = "environment",
     .type = AG_FIELD_VALUE,
     .offset = AT(environment),
     .doc = "Variables that the program gets beside ours: NAME: value."},
    {.name = "work_dir", .type = AG_FIELD_TEXT, .offset = AT(work_dir), .doc = "Where it begins; absent: here."},
    {.name = "data",
     .type = AG_FIELD_CHOICE,
     .offset = AT(data),
     .choices = data_choices,
     .fallback = "path",
     .doc = "path: it reads the data where they lie; copy: it gets a copy whose files cannot be written to."},
    {.name = "timeout",
     .type = AG_FIELD_DURATION,
     .offset = AT(timeout),
     .fallback = "0",
     .max = 1e9,
     .doc = "It is ended after this time; 0: never."},
    {.name = "silence",
     .type = AG_FIELD_DURATION,
     .offset = AT(silence),
     .fallback = "0",
     .max = 1e9,
     .doc = "It is ended when it prints nothing for this time; 0: never."},
    {.name = "grace",
     .type = AG_FIELD_DURATION,
     .offset = AT(grace),
     .fallback = "10s",
     .max = 1e6,
     .doc = "Time it has to end when it was asked to (SIGTERM), before it is ended (SIGKILL)."},
    {.name = "parameters",
     .type = AG_FIELD_VALUE,
     .offset = AT(parameters),
     .doc = "What the program itself wants to know, in any form."},
};
#undef AT

static int check_environment(const ag_value *environment, ag_err *err)
{
    if (!environment || environment->kind == AG_NULL) return 0;
    if (environment->kind != AG_OBJECT)
        return ag_fail(err, AG_EINVAL, "environment must be a mapping, not %s", ag_kind_name(environment->kind));
    for (size_t i = 0; i < environment->object.count; i++) {
        const ag_member *member = &environment->object.members[i];
        bool text = member->value.kind == AG_STRING || member->value.kind == AG_INT;
        if (!text || member->name.size == 0 || ag_str_find_char(member->name, '=', 0) != SIZE_MAX)
            return ag_fail(err, AG_EINVAL, "environment.%.*s must be a text", AG_STR_ARG(member->name));
        if (ag_str_starts(member->name, AG_STR("AUGER_")))
            return ag_fail(err, AG_EINVAL, "environment.%.*s: variables that begin with AUGER_ are ours",
                           AG_STR_ARG(member->name));
    }
    return 0;
}

static int check(const void *into, ag_err *err)
{
    const ag_exec_data *data = into;
    if (!**(const char *const *)data->command.items) return ag_fail(err, AG_EINVAL, "command names no program");
    return check_environment(data->environment, err);
}

const ag_description ag_exec_data_description = {.name = "data_config (exec)",
                                                 .doc = "A program of your own that trains.",
                                                 .size = sizeof(ag_exec_data),
                                                 .fields = fields,
                                                 .count = sizeof fields / sizeof *fields,
                                                 .check = check};

/* ---- starting ---- */

typedef struct place {
    const char *mark, *variable, *value;
} place;

/* "{data_dir}/holes.csv" -> "/d/holes.csv" */
static const char *fill_word(const char *word, const place *places, size_t count, ag_arena *arena)
{
    ag_buf text;
    ag_str rest = ag_str_of(word);
    ag_buf_init(&text, MAX_WORD);
    while (rest.size) {
        size_t k = 0;
        while (k < count && !(places[k].value && ag_str_starts(rest, ag_str_of(places[k].mark)))) k++;
        if (k < count)
            ag_buf_add_text(&text, places[k].value);
        else
            ag_buf_add_char(&text, *rest.data);
        rest = ag_str_slice(rest, k < count ? strlen(places[k].mark) : 1, SIZE_MAX);
    }
    const char *copy = text.failed ? NULL : ag_arena_strndup(arena, text.data ? text.data : "", text.size);
    ag_buf_deinit(&text);
    return copy;
}

static int add_variable(ag_vec *all, const char *text, ag_err *err)
{
    return text ? ag_vec_push(all, &text, err) : ag_fail_memory(err, 64);
}

static int make_environment(const ag_exec_data *data, const ag_exec_places *where, const place *places, size_t count,
                            ag_arena *arena, ag_vec *out, ag_err *err)
{
    const ag_value *said = data->environment;
    int rc = 0;
    for (size_t i = 0; said && said->kind == AG_OBJECT && i < said->object.count && rc >= 0; i++) {
        const ag_member *m = &said->object.members[i];
        rc = add_variable(out,
                          m->value.kind == AG_INT
                              ? ag_arena_printf(arena, "%.*s=%lld", AG_STR_ARG(m->name), (long long)m->value.integer)
                              : ag_arena_printf(arena, "%.*s=%.*s", AG_STR_ARG(m->name), AG_STR_ARG(m->value.string)),
                          err);
    }
    for (size_t i = 0; i < count && rc >= 0; i++)
        if (places[i].value)
            rc = add_variable(out, ag_arena_printf(arena, "%s=%s", places[i].variable, places[i].value), err);
    if (rc >= 0) rc = add_variable(out, ag_arena_printf(arena, "AUGER_JOBS=%u", where->jobs), err);
    if (rc >= 0) rc = add_variable(out, ag_arena_printf(arena, "AUGER_RESUME=%d", where->resume), err);
    if (rc >= 0) rc = add_variable(out, ag_arena_printf(arena, "AUGER_SEED=%lld", (long long)where->seed), err);
    const char *end = NULL;
    return rc < 0 ? rc : ag_vec_push(out, &end, err);
}

int ag_exec_start(const ag_exec_data *data, const ag_list *command, const ag_exec_places *where, bool input,
                  ag_arena *arena, ag_process **out, ag_err *err)
{
    const place places[] = {{"{data_dir}", "AUGER_DATA_DIR", where->data_dir},
                            {"{config}", "AUGER_CONFIG", where->config},
                            {"{model_dir}", "AUGER_MODEL_DIR", where->model_dir},
                            {"{checkpoint_dir}", "AUGER_CHECKPOINT_DIR", where->checkpoint_dir}};
    const size_t count = sizeof places / sizeof *places;
    ag_vec environment;
    ag_vec_init(&environment, sizeof(const char *));
    const char **words = ag_arena_array(arena, command->count + 1, sizeof *words);
    int rc = words ? 0 : ag_fail_memory(err, command->count * sizeof *words);
    for (size_t i = 0; i < command->count && rc >= 0; i++)
        if (!(words[i] = fill_word(((const char *const *)command->items)[i], places, count, arena)))
            rc = ag_fail_memory(err, 64);
    if (rc >= 0) rc = make_environment(data, where, places, count, arena, &environment, err);
    if (rc >= 0) {
        ag_process_options options = {.words = words,
                                      .environment = environment.items,
                                      .directory = data->work_dir,
                                      .error_file = where->log,
                                      .input = input,
                                      .grace = data->grace};
        rc = ag_process_start(&options, out, err);
    }
    ag_vec_deinit(&environment);
    return rc;
}

/* ---- failing ---- */

/* The last lines that fit, on one line. */
static void read_tail(const char *log, char out[TAIL + 1])
{
    ag_file_info info;
    ag_reader *reader = NULL;
    char bytes[TAIL];
    ptrdiff_t got = 0;
    out[0] = '\0';
    if (!log || ag_file_stat(log, &info, NULL) < 0) return;
    uint64_t from = info.size > TAIL ? info.size - TAIL : 0;
    if (ag_reader_of_range(log, from, info.size - from, &reader, NULL) >= 0)
        got = ag_read_full(reader, bytes, sizeof bytes, NULL);
    ag_reader_close(reader);
    ag_str tail = ag_str_trim((ag_str){bytes, got > 0 ? (size_t)got : 0});
    size_t line = ag_str_find_char(tail, '\n', 0);
    if (from && line != SIZE_MAX) tail = ag_str_slice(tail, line + 1, SIZE_MAX);
    for (size_t i = 0; i < tail.size; i++) out[i] = (char)(tail.data[i] == '\n' ? ' ' : tail.data[i]);
    out[tail.size] = '\0';
}

int ag_exec_fail(const char *log, ag_err *err, ag_code code, const char *format, ...)
{
    char what[400], tail[TAIL + 1];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    read_tail(log, tail);
    ag_fail(err, code, "%s%s%s", what, *tail ? ": " : "", tail);
    return *tail ? ag_err_hint(err, "all it said stands in %s", log) : code;
}
