// SPDX-License-Identifier: Apache-2.0
/* help.c: the command: the help of a command or of all, as text, as a man page, as Markdown, as JSON. */
#include "app/cli/help.h"

#include "app/cli/invocation.h"
#include "auger/version.h"

#define MAX_PAGE ((size_t)4 << 20)

static const ag_option options[] = {
    {.name = "man", .type = AG_OPTION_FLAG, .doc = "Print the man page (roff) instead"},
    {.name = "markdown",
     .type = AG_OPTION_FLAG,
     .doc = "Print the reference of all commands in Markdown (docs/cli.md)"},
};

static const ag_option positionals[] = {
    {.name = "COMMAND", .type = AG_OPTION_TEXT, .repeated = true, .doc = "The words of a command or of a group"},
};

static const ag_example examples[] = {
    {"help doctor", "Show what 'auger doctor' does and takes"},
    {"help --man version | man -l -", "Read the man page of 'auger version'"},
    {"help --json | jq -r '.commands[].path'", "List the names of all commands"},
    {NULL, NULL},
};

static int join_words(ag_invocation *invocation, ag_buf *path, ag_err *err)
{
    size_t count;
    const ag_option_value *words = ag_option_values(invocation, "COMMAND", &count);
    for (size_t i = 0; i < count; i++) ag_buf_addf(path, "%s%s", i ? " " : "", words[i].text);
    return ag_buf_check(path, "the name of a command", err);
}

static void write_option(ag_json *json, const ag_option *option)
{
    static const char *const types[] = {"flag", "int", "real", "text", "path", "choice", "bytes", "duration", "pair"};
    const char letter[] = {option->letter, '\0'};
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", option->name);
    ag_json_put_text(json, "letter", option->letter ? letter : NULL);
    ag_json_put_text(json, "type", types[option->type]);
    ag_json_put_bool(json, "repeated", option->repeated);
    ag_json_put_bool(json, "required", option->required);
    ag_json_put_text(json, "default", option->fallback);
    ag_json_put_text(json, "environment", option->environment);
    ag_json_name(json, "choices");
    ag_json_begin_array(json);
    for (size_t i = 0; option->choices && option->choices[i]; i++) ag_json_text(json, option->choices[i]);
    ag_json_end_array(json);
    ag_json_put_text(json, "doc", option->doc);
    ag_json_end_object(json);
}

static void write_options(ag_json *json, const char *name, ag_option_table table)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < table.count; i++) write_option(json, &table.items[i]);
    ag_json_end_array(json);
}

static void write_command(ag_json *json, const ag_command *command)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "path", command->path);
    ag_json_put_text(json, "summary", command->summary);
    ag_json_put_text(json, "doc", command->doc);
    write_options(json, "options", command->options);
    write_options(json, "arguments", command->positionals);
    ag_json_name(json, "examples");
    ag_json_begin_array(json);
    for (const ag_example *example = command->examples; example->command; example++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "command", example->command);
        ag_json_put_text(json, "doc", example->doc);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static int print_json(ag_invocation *invocation, const ag_topic *topic, ag_buf *page, ag_err *err)
{
    ag_json json = ag_json_writer(page, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    write_options(&json, "global_options", ag_global_options());
    ag_json_name(&json, "commands");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < topic->commands.count; i++) {
        const ag_command *command = topic->commands.items[i];
        if (command == topic->command || ag_topic_covers(topic, command)) write_command(&json, command);
    }
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    return ag_print_json(invocation, &json, page, err);
}

static int print_topic(ag_invocation *invocation, const ag_topic *topic, ag_buf *page, ag_err *err)
{
    if (ag_wants_json(invocation)) return print_json(invocation, topic, page, err);
    if (ag_option_flag(invocation, "markdown"))
        ag_help_markdown(topic->commands, page);
    else if (ag_option_flag(invocation, "man"))
        ag_help_man(topic, auger_version(), page);
    else
        ag_help_text(topic, invocation->out);
    ag_print_str(invocation, ag_buf_str(page));
    return ag_buf_check(page, "help", err);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_buf path, page;
    ag_buf_init(&path, 4096);
    ag_buf_init(&page, MAX_PAGE);
    ag_topic topic;
    int rc = join_words(invocation, &path, err);
    if (rc == AG_OK) rc = ag_topic_find(invocation->commands, ag_buf_str(&path).data, &topic, err);
    if (rc == AG_OK) rc = print_topic(invocation, &topic, &page, err);
    ag_buf_deinit(&path);
    ag_buf_deinit(&page);
    return rc;
}

const ag_command ag_command_help = {
    .path = "help",
    .summary = "Explain a command, or list all of them",
    .doc = "Without words, lists the commands. With the words of a command, explains it: what it does, what it takes, "
           "with examples. The same as 'auger COMMAND --help'.\n"
           "\n"
           "The man pages, the completion of the shells and docs/cli.md are printed from the same tables.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
