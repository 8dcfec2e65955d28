// SPDX-License-Identifier: Apache-2.0
/* help.c: what the three printings of the tables share, and the one for terminals.
 * Widths are measured in terminal cells, so that docs may hold any UTF-8. Options stand in two columns: names, then
 * words; a name that is too long for its column gets a line of its own. */
#include "app/cli/help.h"

#include <string.h>

#include "app/cli/value.h"
#include "core/base/str.h"

#define MAX_NAMES 30 /* widest column of option names */
#define MAX_TEXT 65536

int ag_topic_find(ag_command_table commands, const char *path, ag_topic *out, ag_err *err)
{
    *out = (ag_topic){.path = path, .command = ag_command_find(commands, path), .commands = commands};
    if (out->command || !*path || ag_command_is_group(commands, path)) return AG_OK;
    const char *paths[256];
    size_t count = commands.count < 256 ? commands.count : 256;
    for (size_t i = 0; i < count; i++) paths[i] = commands.items[i]->path;
    const char *nearest = ag_nearest(ag_str_of(path), paths, count);
    int rc = ag_fail(err, AG_EINVAL, "there is no command '%s'", path);
    return nearest ? ag_err_hint(err, "did you mean '%s'?", nearest)
                   : (ag_err_hint(err, "'auger help' lists the commands"), rc);
}

bool ag_topic_covers(const ag_topic *topic, const ag_command *command)
{
    size_t size = strlen(topic->path);
    return size == 0 || (strncmp(command->path, topic->path, size) == 0 && command->path[size] == ' ');
}

void ag_help_usage(const ag_topic *topic, ag_buf *out)
{
    ag_buf_addf(out, "auger%s%s", *topic->path ? " " : "", topic->path);
    if (!topic->command) {
        ag_buf_add_text(out, " COMMAND [OPTIONS]");
        return;
    }
    ag_buf_add_text(out, " [OPTIONS]");
    for (size_t i = 0; i < topic->command->options.count; i++) {
        const ag_option *option = &topic->command->options.items[i];
        if (option->required) ag_buf_addf(out, " --%s %s", option->name, ag_option_value_name(option));
    }
    for (size_t i = 0; i < topic->command->positionals.count; i++) {
        const ag_option *positional = &topic->command->positionals.items[i];
        ag_buf_addf(out, positional->required ? " %s%s" : " [%s%s]", positional->name,
                    positional->repeated ? "..." : "");
    }
}

void ag_help_option_names(const ag_option *option, ag_buf *out)
{
    if (option->name[0] >= 'A' && option->name[0] <= 'Z') {
        ag_buf_addf(out, "%s%s", option->name, option->repeated ? "..." : "");
        return;
    }
    if (option->letter) ag_buf_addf(out, "-%c, ", option->letter);
    bool on_already = option->type == AG_OPTION_FLAG && option->fallback;
    ag_buf_addf(out, "--%s%s", on_already ? "no-" : "", option->name);
    const char *value = ag_option_value_name(option);
    if (value) ag_buf_addf(out, " %s", value);
}

static void add_remark(ag_buf *out, const char *before, const char *text)
{
    ag_buf_addf(out, "%s%s%s", out->size ? "; " : "", before, text);
}

void ag_help_option_remark(const ag_option *option, ag_buf *out)
{
    ag_buf range;
    ag_buf_init(&range, 1024);
    ag_option_range(option, &range);
    if (option->required) add_remark(out, "", "required");
    if (range.size) add_remark(out, "", range.data);
    if (option->environment) add_remark(out, "else $", option->environment);
    if (option->fallback && option->type != AG_OPTION_FLAG) add_remark(out, "default ", option->fallback);
    if (option->repeated) add_remark(out, "", "may be repeated");
    if (range.failed) out->failed = range.failed;
    ag_buf_deinit(&range);
}

void ag_help_wrap(ag_buf *out, const char *text, size_t indent, size_t at, size_t columns)
{
    ag_str rest = ag_str_of(text);
    bool first = true;
    ag_str word;
    while (rest.data && ag_str_next(&rest, ' ', &word)) {
        size_t width = ag_utf8_width(word);
        if (!first && at + 1 + width > columns) {
            ag_buf_add_char(out, '\n');
            ag_buf_add_fill(out, ' ', indent);
            at = indent;
        } else if (!first) {
            ag_buf_add_char(out, ' ');
            at++;
        }
        ag_buf_add_str(out, word);
        at += width;
        first = false;
    }
    ag_buf_add_char(out, '\n');
}

/* Every paragraph of a doc, wrapped; blank lines stay. */
static void add_paragraphs(ag_buf *out, const char *doc, size_t columns)
{
    ag_str rest = ag_str_of(doc);
    ag_str line;
    while (rest.data && ag_str_next(&rest, '\n', &line)) {
        char text[4096];
        ag_format(text, sizeof(text), "%.*s", AG_STR_ARG(line));
        ag_help_wrap(out, text, 0, 0, columns);
    }
}

static void add_option(ag_output *out, ag_buf *text, const ag_option *option, size_t column)
{
    ag_buf names, words;
    ag_buf_init(&names, MAX_TEXT);
    ag_buf_init(&words, MAX_TEXT);
    if (!option->letter && option->name[0] >= 'a') ag_buf_add_fill(&names, ' ', 4);
    ag_help_option_names(option, &names);
    size_t width = 2 + ag_utf8_width(ag_buf_str(&names));
    ag_buf_add_fill(text, ' ', 2);
    ag_buf_add_str(text, ag_buf_str(&names));
    if (width + 2 > column) {
        ag_buf_add_char(text, '\n');
        width = 0;
    }
    ag_buf_add_fill(text, ' ', column - width);
    ag_buf_clear(&names);
    ag_help_option_remark(option, &names);
    ag_buf_addf(&words, names.size ? "%s (%s)" : "%s%s", option->doc, names.size ? names.data : "");
    ag_help_wrap(text, words.data ? words.data : "", column, column, out->columns);
    if (names.failed || words.failed) text->failed = AG_ENOMEM;
    ag_buf_deinit(&names);
    ag_buf_deinit(&words);
}

static size_t names_width(ag_option_table table)
{
    size_t widest = 0;
    for (size_t i = 0; i < table.count; i++) {
        ag_buf names;
        ag_buf_init(&names, MAX_TEXT);
        ag_help_option_names(&table.items[i], &names);
        bool unlettered = !table.items[i].letter && table.items[i].name[0] >= 'a';
        size_t width = ag_utf8_width(ag_buf_str(&names)) + (unlettered ? 4 : 0);
        if (width > widest && width <= MAX_NAMES) widest = width;
        ag_buf_deinit(&names);
    }
    return widest;
}

/* Hands what has been gathered to the output, and starts anew. */
static void flush_text(ag_output *out, ag_buf *text)
{
    ag_output_add(out, ag_buf_str(text));
    if (text->failed && out->failure.code == AG_OK) ag_buf_check(text, "help", &out->failure);
    ag_buf_clear(text);
}

static void add_heading(ag_output *out, ag_buf *text, const char *heading)
{
    flush_text(out, text);
    ag_output_add(out, AG_STR("\n"));
    ag_output_style(out, AG_STYLE_STRONG, heading);
    ag_output_add(out, AG_STR("\n"));
}

static void add_options(ag_output *out, ag_buf *text, const char *heading, ag_option_table table, size_t column)
{
    if (!table.count) return;
    add_heading(out, text, heading);
    for (size_t i = 0; i < table.count; i++) add_option(out, text, &table.items[i], column);
}

static void add_commands(ag_output *out, ag_buf *text, const ag_topic *topic)
{
    size_t widest = 0;
    size_t skipped = *topic->path ? strlen(topic->path) + 1 : 0;
    for (size_t i = 0; i < topic->commands.count; i++) {
        const ag_command *command = topic->commands.items[i];
        if (ag_topic_covers(topic, command) && strlen(command->path) - skipped > widest)
            widest = strlen(command->path) - skipped;
    }
    if (!widest) return;
    add_heading(out, text, "Commands:");
    for (size_t i = 0; i < topic->commands.count; i++) {
        const ag_command *command = topic->commands.items[i];
        if (!ag_topic_covers(topic, command)) continue;
        ag_buf_addf(text, "  %-*s  ", (int)widest, command->path + skipped);
        ag_help_wrap(text, command->summary, widest + 4, widest + 4, out->columns);
    }
}

static void add_examples(ag_output *out, ag_buf *text, const ag_command *command)
{
    add_heading(out, text, "Examples:");
    for (const ag_example *example = command->examples; example->command; example++) {
        ag_buf_addf(text, "  auger %s\n      ", example->command);
        ag_help_wrap(text, example->doc, 6, 6, out->columns);
    }
}

static void add_about(ag_output *out, ag_buf *text)
{
    ag_help_wrap(
        text,
        "Auger carries a machine-learning model through its whole life in one program: data, labels, training, "
        "records, deployment.",
        0, 0, out->columns);
}

void ag_help_text(const ag_topic *topic, ag_output *out)
{
    ag_buf text;
    ag_buf_init(&text, MAX_TEXT);
    ag_output_style(out, AG_STYLE_STRONG, "Usage:");
    ag_buf_add_char(&text, ' ');
    ag_help_usage(topic, &text);
    ag_buf_add_text(&text, "\n\n");
    if (topic->command)
        add_paragraphs(&text, topic->command->doc, out->columns);
    else if (!*topic->path)
        add_about(out, &text);
    add_commands(out, &text, topic);
    ag_option_table none = {0};
    ag_option_table options = topic->command ? topic->command->options : none;
    ag_option_table positionals = topic->command ? topic->command->positionals : none;
    size_t column = names_width(ag_global_options());
    if (names_width(options) > column) column = names_width(options);
    if (names_width(positionals) > column) column = names_width(positionals);
    add_options(out, &text, "Arguments:", positionals, column + 4);
    add_options(out, &text, "Options:", options, column + 4);
    add_options(out, &text, "Options of every command:", ag_global_options(), column + 4);
    if (topic->command) {
        add_examples(out, &text, topic->command);
    } else {
        ag_buf_addf(&text, "\n'auger help%s%s COMMAND' explains a command.\n", *topic->path ? " " : "", topic->path);
    }
    flush_text(out, &text);
    ag_buf_deinit(&text);
}
