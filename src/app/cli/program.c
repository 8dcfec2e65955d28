// SPDX-License-Identifier: Apache-2.0
/* program.c: the frame around every command: parse, set up colours and log, help or run, report, exit status.
 * Invariants: with --json standard output carries JSON only, and an error is its last document; without, an error is
 * text on standard error. A command that answered a positive status has said everything itself. Output that could not
 * be written turns success into failure; a reader that went away does not. */
#include "app/cli/program.h"

#include <string.h>

#include "app/cli/help.h"
#include "core/sys/log.h"

#define USAGE_STATUS 2

int ag_error_json(const ag_err *error, ag_buf *out)
{
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_name(&json, "error");
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "code", ag_code_name(error->code));
    ag_json_put_text(&json, "text", error->text);
    ag_json_put_text(&json, "file", *error->file ? error->file : NULL);
    ag_json_name(&json, "line");
    error->line ? ag_json_uint(&json, error->line) : ag_json_null(&json);
    ag_json_name(&json, "column");
    error->column ? ag_json_uint(&json, error->column) : ag_json_null(&json);
    ag_json_put_text(&json, "hint", *error->hint ? error->hint : NULL);
    ag_json_end_object(&json);
    ag_json_end_object(&json);
    return ag_json_end_document(&json, NULL);
}

static void add_clean(ag_output *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        bool control = ((unsigned char)*c < ' ' && *c != '\n' && *c != '\t') || *c == 127;
        ag_output_add(out, (ag_str){control ? "?" : c, 1});
    }
}

void ag_error_text(const ag_err *error, ag_output *out)
{
    ag_output_style(out, AG_STYLE_BAD, "error:");
    ag_output_add(out, AG_STR(" "));
    if (*error->file) {
        add_clean(out, error->file);
        if (error->line) ag_output_addf(out, ":%u", (unsigned)error->line);
        if (error->line && error->column) ag_output_addf(out, ":%u", (unsigned)error->column);
        ag_output_add(out, AG_STR(": "));
    } else if (error->line) {
        ag_output_addf(out, "line %u: ", (unsigned)error->line);
    }
    add_clean(out, error->text);
    ag_output_add(out, AG_STR("\n"));
    if (!*error->hint) return;
    ag_output_style(out, AG_STYLE_DIM, "  hint:");
    ag_output_add(out, AG_STR(" "));
    add_clean(out, error->hint);
    ag_output_add(out, AG_STR("\n"));
}

static void report(const ag_program *program, const ag_err *error, bool json)
{
    if (json) {
        ag_buf buf;
        ag_buf_init(&buf, 65536);
        if (ag_error_json(error, &buf) == AG_OK) {
            ag_buf_add_char(&buf, '\n');
            ag_output_add(program->out, ag_buf_str(&buf));
        } else {
            /* Not even memory for a kilobyte: the code alone, from constants. */
            ag_output_addf(program->out, "{\"error\":{\"code\":\"%s\"}}\n", ag_code_name(error->code));
        }
        ag_buf_deinit(&buf);
    } else {
        ag_output_flush(program->out, NULL); /* what came before the error stands before it */
        ag_error_text(error, program->err);
    }
}

/* A command that writes out as it goes hands on that nothing can be written: that is told at the end, once. */
static bool is_of_output(const ag_output *out, const ag_err *error)
{
    return out->failure.code != AG_OK && strstr(error->text, out->failure.text);
}

static void show_help(ag_invocation *invocation)
{
    ag_topic topic = {.path = invocation->path, .command = invocation->command, .commands = invocation->commands};
    ag_help_text(&topic, invocation->out);
}

static void set_up(ag_invocation *invocation)
{
    ag_output_set_color(invocation->out, ag_option_text(invocation, "color"));
    ag_output_set_color(invocation->err, ag_option_text(invocation, "color"));
    ag_log_level level = AG_LOG_INFO;
    ag_log_level_parse(ag_option_text(invocation, "log-level"), &level);
    ag_log_setup(level, AG_LOG_AUTO, 2);
}

static int run_command(ag_invocation *invocation, ag_err *err)
{
    set_up(invocation);
    if (!invocation->command || ag_option_flag(invocation, "help")) {
        show_help(invocation);
        return AG_OK;
    }
    int rc = invocation->command->run(invocation, err);
    if (rc >= 0 && invocation->misread)
        return ag_fail(err, AG_EINTERNAL, "the command '%s' read the option '%s', which it does not declare so",
                       invocation->command->path, invocation->misread);
    return rc;
}

/* Parses and runs; *usage tells whether a failure was the caller's. */
static int run(const ag_program *program, ag_arena *arena, int argc, const char *const *argv, bool *usage, ag_err *err)
{
    ag_invocation invocation = {.commands = program->commands,
                                .words = argv,
                                .word_count = argc,
                                .arena = arena,
                                .out = program->out,
                                .err = program->err,
                                .profile = program->profile,
                                .cancel = program->cancel};
    int rc = ag_parse(argc, argv, program->environment, &invocation, err);
    *usage = rc == AG_EINVAL;
    if (rc == AG_OK) rc = run_command(&invocation, err);
    ag_bar_free(invocation.bar);
    return rc;
}

int ag_program_run(const ag_program *program, int argc, const char *const *argv)
{
    ag_err err = {0};
    bool usage = false;
    /* The first word may be the version in the way that every program understands. */
    static const char *const version[] = {"version"};
    if (argc == 1 && strcmp(argv[0], "--version") == 0) argv = version;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? run(program, arena, argc, argv, &usage, &err) : ag_fail(&err, AG_ENOMEM, "out of memory");
    int status = usage ? USAGE_STATUS : rc < 0 ? ag_code_exit_status((ag_code)rc) : rc;
    bool gone = rc < 0 && program->out->hung_up; /* nobody reads any more: stopping early is right */
    if (rc < 0 && !gone && !is_of_output(program->out, &err)) report(program, &err, ag_parse_wants_json(argc, argv));
    if (gone) status = 0;
    ag_err written = {0};
    if (ag_output_flush(program->out, &written) < 0) {
        ag_error_text(&written, program->err);
        if (status == 0) status = 1;
    }
    ag_output_flush(program->err, NULL);
    ag_arena_free(arena);
    return status;
}
