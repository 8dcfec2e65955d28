// SPDX-License-Identifier: Apache-2.0
/* manual.c: the tables as a man page: roff with the man(7) macros. Every text is escaped: a backslash, a dash (options
 * must be copyable as ASCII minus) and a control character at the beginning of a line. */
#include <string.h>

#include "app/cli/help.h"
#include "core/base/str.h"

static void add_escaped(ag_buf *out, const char *text)
{
    bool line_start = out->size == 0 || out->data[out->size - 1] == '\n';
    for (const char *c = text; *c; c++) {
        if (line_start && (*c == '.' || *c == '\'')) ag_buf_add_text(out, "\\&");
        if (*c == '\\')
            ag_buf_add_text(out, "\\e");
        else if (*c == '-')
            ag_buf_add_text(out, "\\-");
        else if (*c == '\'')
            ag_buf_add_text(out, "\\(aq");
        else if (*c == '\n' && c[1] == '\n')
            ag_buf_add_text(out, "\n.PP");
        else
            ag_buf_add_char(out, *c);
        line_start = *c == '\n';
    }
}

static void add_options(ag_buf *out, const char *heading, ag_option_table table)
{
    if (!table.count) return;
    ag_buf_addf(out, ".SH %s\n", heading);
    for (size_t i = 0; i < table.count; i++) {
        ag_buf names;
        ag_buf_init(&names, 4096);
        ag_help_option_names(&table.items[i], &names);
        ag_buf_add_text(out, ".TP\n.B ");
        add_escaped(out, names.data ? names.data : "");
        ag_buf_add_char(out, '\n');
        add_escaped(out, table.items[i].doc);
        ag_buf_clear(&names);
        ag_help_option_remark(&table.items[i], &names);
        if (names.size) {
            ag_buf_add_text(out, " (");
            add_escaped(out, names.data);
            ag_buf_add_char(out, ')');
        }
        ag_buf_add_text(out, ".\n");
        if (names.failed) out->failed = names.failed;
        ag_buf_deinit(&names);
    }
}

static void add_page_name(ag_buf *out, const char *path)
{
    ag_buf_add_text(out, "auger");
    for (const char *c = path; *c; c++) {
        if (c == path) ag_buf_add_text(out, "\\-");
        if (*c == ' ' || *c == '-')
            ag_buf_add_text(out, "\\-");
        else
            ag_buf_add_char(out, *c);
    }
}

static void add_commands(ag_buf *out, const ag_topic *topic)
{
    bool any = false;
    for (size_t i = 0; i < topic->commands.count; i++) {
        const ag_command *command = topic->commands.items[i];
        if (!ag_topic_covers(topic, command)) continue;
        if (!any) ag_buf_add_text(out, ".SH COMMANDS\n");
        any = true;
        ag_buf_add_text(out, ".TP\n.BR ");
        add_page_name(out, command->path);
        ag_buf_add_text(out, " (1)\n");
        add_escaped(out, command->summary);
        ag_buf_add_text(out, ".\n");
    }
}

static void add_head(ag_buf *out, const ag_topic *topic, const char *version)
{
    ag_buf_add_text(out, ".\\\" Printed by 'auger help --man' from the tables of the commands.\n.TH \"");
    size_t from = out->size;
    add_page_name(out, topic->path);
    for (size_t i = from; !out->failed && i < out->size; i++)
        if (out->data[i] >= 'a' && out->data[i] <= 'z') out->data[i] = (char)(out->data[i] - 'a' + 'A');
    ag_buf_addf(out, "\" 1 \"\" \"Auger %s\" \"Auger\"\n.SH NAME\n", version);
    add_page_name(out, topic->path);
    ag_buf_add_text(out, " \\- ");
    add_escaped(out, topic->command
                         ? topic->command->summary
                         : (*topic->path ? "a group of commands" : "the whole life of a machine-learning model"));
    ag_buf_add_text(out, "\n.SH SYNOPSIS\n");
    ag_buf usage;
    ag_buf_init(&usage, 4096);
    ag_help_usage(topic, &usage);
    ag_buf_add_text(out, ".B ");
    add_escaped(out, usage.data ? usage.data : "");
    ag_buf_add_char(out, '\n');
    if (usage.failed) out->failed = usage.failed;
    ag_buf_deinit(&usage);
}

void ag_help_man(const ag_topic *topic, const char *version, ag_buf *out)
{
    add_head(out, topic, version);
    if (topic->command) {
        ag_buf_add_text(out, ".SH DESCRIPTION\n");
        add_escaped(out, topic->command->doc);
        ag_buf_add_char(out, '\n');
    }
    add_commands(out, topic);
    if (topic->command) {
        add_options(out, "ARGUMENTS", topic->command->positionals);
        add_options(out, "OPTIONS", topic->command->options);
    }
    add_options(out, "OPTIONS OF EVERY COMMAND", ag_global_options());
    ag_buf_add_text(out, ".SH EXIT STATUS\n0 when the work is done, 1 when it failed, 2 when the call was wrong.\n");
    if (!topic->command) return;
    ag_buf_add_text(out, ".SH EXAMPLES\n");
    for (const ag_example *example = topic->command->examples; example->command; example++) {
        ag_buf_add_text(out, ".TP\n.B auger ");
        add_escaped(out, example->command);
        ag_buf_add_char(out, '\n');
        add_escaped(out, example->doc);
        ag_buf_add_text(out, ".\n");
    }
}
