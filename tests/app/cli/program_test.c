// SPDX-License-Identifier: Apache-2.0
#include "frame/test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/program.h"
#include "app/cli/sample.h"
#include "core/doc/json.h"

static ag_output out, err_out;

/* One whole call on kept outputs; its status. */
static int call_of(ag_command_table commands, const char *const *words)
{
    ag_output_deinit(&out);
    ag_output_deinit(&err_out);
    ag_output_init(&out, -1, "standard output");
    ag_output_init(&err_out, -1, "standard error");
    ag_program program = {
        .commands = commands, .profile = "test", .environment = sample_no_environment, .out = &out, .err = &err_out};
    return ag_program_run(&program, sample_count(words), words);
}

#define CALL(...) call_of(sample_commands(), SAMPLE_WORDS(__VA_ARGS__))
#define AUGER(...) call_of(ag_commands(), SAMPLE_WORDS(__VA_ARGS__))

static const char *printed(void)
{
    return ag_buf_str(&out.buf).data;
}

static const char *remarked(void)
{
    return ag_buf_str(&err_out.buf).data;
}

/* The output as one JSON document. */
static const ag_value *document(ag_arena *arena)
{
    ag_err err = {0};
    const ag_value *value = NULL;
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&out.buf), NULL, &value, &err));
    return value;
}

static const char *text_at(const ag_value *value, const char *path)
{
    static char text[4096];
    ag_str found;
    if (!ag_value_string(ag_value_at(value, path), &found)) fail_msg("no text at %s", path);
    ag_format(text, sizeof(text), "%.*s", AG_STR_ARG(found));
    return text;
}

AG_TEST(test_program__a_command_prints_its_result)
{
    assert_int_equal(CALL("data", "list"), 0);
    assert_string_equal(printed(), "did data list\n");
    assert_string_equal(remarked(), "");
}

AG_TEST(test_program__statuses)
{
    assert_int_equal(CALL("fail"), ag_code_exit_status(AG_EPARSE));
    assert_int_equal(CALL("status"), 1);
    assert_string_equal(remarked(), "a remark\n");
    assert_int_equal(CALL("status", "-q"), 1);
    assert_string_equal(remarked(), "");
    assert_int_equal(CALL("fial"), 2);
    assert_int_equal(CALL("data"), 2);
    assert_int_equal(CALL("runs", "--bogus"), 2);
    assert_int_equal(CALL("--help"), 0);
    assert_int_equal(call_of(sample_commands(), (const char *const[]){NULL}), 0);
}

AG_TEST(test_program__errors_are_text_on_stderr)
{
    CALL("fail");
    assert_string_equal(printed(), "");
    assert_string_equal(remarked(), "error: a.yaml:3:7: unknown key 'epocs' ?[31m\n  hint: did you mean 'epochs'?\n");
    CALL("fail", "--color", "always");
    assert_non_null(strstr(remarked(), "\033[31merror:\033[0m"));
}

AG_TEST(test_program__errors_are_json_on_stdout_when_asked)
{
    ag_arena *arena = ag_arena_new(0);
    CALL("fail", "--json");
    const ag_value *value = document(arena);
    assert_string_equal(text_at(value, "error.code"), ag_code_name(AG_EPARSE));
    assert_string_equal(text_at(value, "error.file"), "a.yaml");
    assert_string_equal(text_at(value, "error.hint"), "did you mean 'epochs'?");
    int64_t number;
    assert_true(ag_value_int(ag_value_at(value, "error.line"), &number) && number == 3);
    assert_true(ag_value_int(ag_value_at(value, "error.column"), &number) && number == 7);
    assert_string_equal(remarked(), "");
    assert_int_equal(CALL("trian", "--json"), 2);
    value = document(arena);
    assert_string_equal(text_at(value, "error.hint"), "did you mean 'auger train'?");
    assert_int_equal(ag_value_at(value, "error.file")->kind, AG_NULL);
    assert_int_equal(ag_value_at(value, "error.line")->kind, AG_NULL);
    ag_arena_free(arena);
}

static int flushing_run(ag_invocation *invocation, ag_err *err)
{
    ag_print(invocation, "a line\n");
    int rc = ag_output_flush(invocation->out, err);
    return rc < 0 && ag_option_flag(invocation, "quiet") ? ag_err_prefix(err, "results") : rc;
}

AG_TEST(test_program__a_full_output_is_told_once)
{
    static const ag_command flushing = {
        .path = "flush", .summary = "Flush", .doc = "Flushes.", .examples = sample_examples, .run = flushing_run};
    static const ag_command *const table[] = {&flushing};
    const char *const *const calls[] = {SAMPLE_WORDS("flush"), SAMPLE_WORDS("flush", "--json"),
                                        SAMPLE_WORDS("flush", "--quiet"), SAMPLE_WORDS("--help")};
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0) ag_test_skip("/dev/full is not there");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        ag_output full, said;
        ag_output_init(&full, fd, "standard output");
        ag_output_init(&said, -1, "standard error");
        ag_program program = {.commands = {table, 1},
                              .profile = "test",
                              .environment = sample_no_environment,
                              .out = &full,
                              .err = &said};
        assert_int_equal(ag_program_run(&program, sample_count(calls[i]), calls[i]), 1);
        const char *first = strstr(said.buf.data, "error: cannot write to standard output");
        assert_non_null(first);
        assert_null(strstr(first + 1, "error:"));
        ag_output_deinit(&full);
        ag_output_deinit(&said);
    }
    close(fd);
}

AG_TEST(test_program__undeclared_options_are_a_bug_that_shows)
{
    assert_int_not_equal(CALL("misread"), 0);
    assert_non_null(strstr(remarked(), "read the option 'jobz', which it does not declare"));
}

AG_TEST(test_program__hostile_words_do_not_reach_the_terminal)
{
    CALL("\033]0;title\a", "--json=\x7f");
    assert_null(strchr(remarked(), '\033'));
    assert_null(strchr(remarked(), '\a'));
    ag_arena *arena = ag_arena_new(0);
    CALL("--json", "\xff\xfe\033");
    document(arena);
    ag_arena_free(arena);
}

AG_TEST(test_commands__every_table_is_sound_and_sorted)
{
    ag_err err = {0};
    ag_command_table table = ag_commands();
    for (size_t i = 0; i < table.count; i++) {
        AG_EXPECT_OK(ag_command_verify(table.items[i], &err));
        if (i && strcmp(table.items[i - 1]->path, table.items[i]->path) >= 0)
            fail_msg("%s is not in its place", table.items[i]->path);
    }
    table = sample_commands();
    for (size_t i = 0; i < table.count; i++) AG_EXPECT_OK(ag_command_verify(table.items[i], &err));
}

static void unsound(ag_command command, const char *part)
{
    ag_err err = {0};
    AG_EXPECT_ERROR(ag_command_verify(&command, &err), AG_EINTERNAL, part);
}

AG_TEST(test_commands__unsound_tables_are_found)
{
    ag_command command = sample_train;
    command.path = "Train";
    unsound(command, "path is missing or malformed");
    command = sample_train;
    command.run = NULL;
    unsound(command, "summary, doc or run");
    command = sample_train;
    command.examples = &(ag_example){NULL, NULL};
    unsound(command, "no example");
    ag_option twice[] = {{.name = "json", .type = AG_OPTION_FLAG, .doc = "Again"}};
    command.examples = sample_examples;
    command.options = (ag_option_table){twice, 1};
    unsound(command, "there twice");
    twice[0] = (ag_option){.name = "other", .letter = 'h', .type = AG_OPTION_FLAG, .doc = "A letter that is taken"};
    unsound(command, "there twice");
    twice[0] = (ag_option){.name = "n", .type = AG_OPTION_INT, .fallback = "x", .doc = "A default that is no number"};
    unsound(command, "default");
    twice[0] = (ag_option){.name = "n", .type = AG_OPTION_CHOICE, .doc = "No choices"};
    unsound(command, "choices");
    twice[0] = (ag_option){.name = "n", .type = AG_OPTION_INT};
    unsound(command, "no doc");
    ag_option order[] = {{.name = "A", .type = AG_OPTION_TEXT, .doc = "Optional"},
                         {.name = "B", .type = AG_OPTION_TEXT, .required = true, .doc = "Required"}};
    command.options = (ag_option_table){0};
    command.positionals = (ag_option_table){order, 2};
    unsound(command, "required behind an optional");
    order[0].repeated = true;
    unsound(command, "only the last");
}

AG_TEST(test_commands__run_and_print_json)
{
    ag_arena *arena = ag_arena_new(0);
    assert_int_equal(AUGER("version", "--json"), 0);
    assert_string_equal(text_at(document(arena), "profile"), "test");
    text_at(document(arena), "libraries.sqlite");
    assert_int_equal(AUGER("help", "--json"), 0);
    assert_string_equal(text_at(document(arena), "commands[0].path"), ag_commands().items[0]->path);
    assert_int_equal(AUGER("completion", "bash", "--json"), 0);
    assert_string_equal(text_at(document(arena), "shell"), "bash");
    assert_int_equal(AUGER("version"), 0);
    assert_true(strncmp(printed(), "auger ", 6) == 0);
    assert_int_equal(AUGER("--version"), 0);
    assert_true(strncmp(printed(), "auger ", 6) == 0);
    ag_arena_free(arena);
}

AG_TEST(test_commands__help_of_every_command_shows_every_option)
{
    ag_command_table table = ag_commands();
    for (size_t i = 0; i < table.count; i++) {
        char first[64], *second, *third = NULL;
        ag_format(first, sizeof(first), "%s", table.items[i]->path);
        if ((second = strchr(first, ' '))) *second++ = '\0';
        if (second && (third = strchr(second, ' '))) *third++ = '\0';
        int status = third    ? AUGER(first, second, third, "--help")
                     : second ? AUGER(first, second, "--help")
                              : AUGER(first, "--help");
        assert_int_equal(status, 0);
        assert_non_null(strstr(printed(), table.items[i]->examples[0].command));
        for (size_t j = 0; j < table.items[i]->options.count; j++)
            assert_non_null(strstr(printed(), table.items[i]->options.items[j].name));
    }
    assert_int_equal(AUGER("help", "docter"), 2);
    assert_non_null(strstr(remarked(), "did you mean 'doctor'?"));
}

static int version_call(void *context, ag_err *err)
{
    (void)context;
    int status = AUGER("version", "--json");
    if (status == 0) return AG_OK;
    bool told = out.buf.size || err_out.buf.size || out.failure.code || err_out.failure.code;
    return ag_fail(err, AG_EIO, "%s", told ? "told" : "");
}

AG_TEST(test_program__every_failing_allocation_is_told)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC, version_call, NULL, NULL);
    ag_output_deinit(&out);
    ag_output_deinit(&err_out);
}
