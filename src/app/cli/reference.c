// SPDX-License-Identifier: Apache-2.0
/* reference.c: the tables as Markdown: docs/cli.md, which a test compares with what this prints. */
#include <string.h>

#include "app/cli/help.h"
#include "core/base/str.h"

/* Text inside a table's cell or a paragraph: what Markdown would take as its own is escaped. */
static void add_escaped(ag_buf *out, const char *text, bool cell)
{
    for (const char *c = text; *c; c++) {
        if (strchr("\\`*_<>|[]", *c)) ag_buf_add_char(out, '\\');
        ag_buf_add_char(out, cell && *c == '\n' ? ' ' : *c);
    }
}

static void add_options(ag_buf *out, const char *heading, ag_option_table table)
{
    if (!table.count) return;
    ag_buf_addf(out, "\n| %s | meaning | |\n|---|---|---|\n", heading);
    for (size_t i = 0; i < table.count; i++) {
        ag_buf text;
        ag_buf_init(&text, 4096);
        ag_help_option_names(&table.items[i], &text);
        ag_buf_addf(out, "| `%s` | ", text.data ? text.data : "");
        add_escaped(out, table.items[i].doc, true);
        ag_buf_clear(&text);
        ag_help_option_remark(&table.items[i], &text);
        ag_buf_add_text(out, " | ");
        add_escaped(out, text.data ? text.data : "", true);
        ag_buf_add_text(out, " |\n");
        if (text.failed) out->failed = text.failed;
        ag_buf_deinit(&text);
    }
}

static void add_command(ag_buf *out, ag_command_table commands, const ag_command *command)
{
    ag_topic topic = {.path = command->path, .command = command, .commands = commands};
    ag_buf_addf(out, "\n## auger %s\n\n", command->path);
    add_escaped(out, command->doc, false);
    ag_buf_add_text(out, "\n\n```\n");
    ag_help_usage(&topic, out);
    ag_buf_add_text(out, "\n```\n");
    add_options(out, "argument", command->positionals);
    add_options(out, "option", command->options);
    ag_buf_add_text(out, "\nExamples:\n\n");
    for (const ag_example *example = command->examples; example->command; example++) {
        ag_buf_addf(out, "- `auger %s`: ", example->command);
        add_escaped(out, example->doc, true);
        ag_buf_add_char(out, '\n');
    }
}

void ag_help_markdown(ag_command_table commands, ag_buf *out)
{
    ag_buf_add_text(out, "<!-- Printed by 'auger help --markdown' from the tables of the commands; do not edit. -->\n"
                         "# The command line\n\n"
                         "Results go to standard output, messages and progress to standard error. With `--json` a "
                         "command prints one JSON object (or one per\nline where it streams), also for errors: "
                         "`{\"error\": {\"code\", \"text\", \"file\", \"line\", \"column\", \"hint\"}}`.\n\n"
                         "The exit status is 0 when the work is done, 1 when it failed (a file is missing or damaged, "
                         "the disk is full, a training diverged, somebody\nstopped it), 2 when what was asked for "
                         "cannot be (an option, a configuration, data that do not go together): the same call fails "
                         "again.\nWhere 1 says more than that, the command tells it.\n\n"
                         "| command | |\n|---|---|\n");
    for (size_t i = 0; i < commands.count; i++) {
        const char *path = commands.items[i]->path;
        ag_buf_addf(out, "| [`auger %s`](#auger-", path);
        for (const char *c = path; *c; c++) ag_buf_add_char(out, *c == ' ' ? '-' : *c);
        ag_buf_add_text(out, ") | ");
        add_escaped(out, commands.items[i]->summary, true);
        ag_buf_add_text(out, " |\n");
    }
    ag_buf_add_text(out, "\n## Options of every command\n");
    add_options(out, "option", ag_global_options());
    for (size_t i = 0; i < commands.count; i++) add_command(out, commands, commands.items[i]);
}
