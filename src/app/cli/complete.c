// SPDX-License-Identifier: Apache-2.0
/* complete.c: what the scripts of all shells share. Paths are gathered from the commands' own: a group is a prefix. */
#include "app/cli/complete.h"

#include <string.h>

#include "core/base/str.h"

#define MAX_PATH 128

typedef struct script {
    ag_command_table commands;
    ag_buf *out;
} script;

/* True when an earlier command already has this prefix of `path`. */
static bool is_known(ag_command_table commands, size_t before, const char *path, size_t size)
{
    for (size_t i = 0; i < before; i++) {
        const char *other = commands.items[i]->path;
        if (strncmp(other, path, size) == 0 && (other[size] == ' ' || other[size] == '\0')) return true;
    }
    return false;
}

void ag_complete_paths(ag_command_table commands, ag_path_fn visit, void *context)
{
    visit(context, "");
    for (size_t i = 0; i < commands.count; i++) {
        const char *path = commands.items[i]->path;
        for (size_t size = strcspn(path, " ");; size += 1 + strcspn(path + size + 1, " ")) {
            char prefix[MAX_PATH];
            ag_format(prefix, sizeof(prefix), "%.*s", (int)size, path);
            if (!is_known(commands, i, path, size)) visit(context, prefix);
            if (!path[size]) break;
        }
    }
}

void ag_complete_words(ag_command_table commands, const char *path, ag_buf *out)
{
    size_t skipped = *path ? strlen(path) + 1 : 0;
    bool first = true;
    for (size_t i = 0; i < commands.count; i++) {
        const char *other = commands.items[i]->path;
        if (skipped && (strncmp(other, path, skipped - 1) != 0 || other[skipped - 1] != ' ')) continue;
        size_t size = strcspn(other + skipped, " ");
        if (is_known(commands, i, other, skipped + size)) continue;
        ag_buf_addf(out, "%s%.*s", first ? "" : " ", (int)size, other + skipped);
        first = false;
    }
}

ag_complete_kind ag_complete_kind_of(const ag_option *option)
{
    if (option->type == AG_OPTION_PATH) return AG_COMPLETE_FILES;
    if (option->choices) return AG_COMPLETE_CHOICES;
    return strcmp(option->name, "COMMAND") == 0 ? AG_COMPLETE_COMMANDS : AG_COMPLETE_NOTHING;
}

void ag_complete_quote(ag_buf *out, const char *text, bool fish)
{
    ag_buf_add_char(out, '\'');
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            ag_buf_add_text(out, fish ? "\\'" : "'\\''");
        else if (*c == '\\' && fish)
            ag_buf_add_text(out, "\\\\");
        else
            ag_buf_add_char(out, *c);
    }
    ag_buf_add_char(out, '\'');
}

static void add_step(void *context, const char *path)
{
    script *s = context;
    if (*path) ag_buf_addf(s->out, "        '%s') at='%s' ;;\n", path, path);
}

static void add_kind(const script *s, const ag_option *option)
{
    ag_complete_kind kind = ag_complete_kind_of(option);
    ag_buf_add_text(s->out, kind == AG_COMPLETE_FILES     ? "kind=files"
                            : kind == AG_COMPLETE_NOTHING ? "kind=nothing"
                                                          : "kind=choices");
    if (kind == AG_COMPLETE_NOTHING || kind == AG_COMPLETE_FILES) return;
    ag_buf_add_text(s->out, " choices='");
    for (size_t i = 0; option->choices && option->choices[i]; i++)
        ag_buf_addf(s->out, "%s%s", i ? " " : "", option->choices[i]);
    if (kind == AG_COMPLETE_COMMANDS) ag_complete_words(s->commands, "", s->out);
    ag_buf_add_char(s->out, '\'');
}

static void add_values(const script *s, const char *path, ag_option_table table)
{
    for (size_t i = 0; i < table.count; i++) {
        const ag_option *option = &table.items[i];
        if (option->type == AG_OPTION_FLAG) continue;
        const char *quote = path ? "'" : "";
        ag_buf_addf(s->out, "        %s%s%s' --%s'", quote, path ? path : "*", quote, option->name);
        if (option->letter) ag_buf_addf(s->out, " | %s%s%s' -%c'", quote, path ? path : "*", quote, option->letter);
        ag_buf_add_text(s->out, ") ");
        add_kind(s, option);
        ag_buf_add_text(s->out, " ;;\n");
    }
}

static void add_positions(const script *s, const ag_command *command)
{
    for (size_t i = 0; i < command->positionals.count; i++) {
        const ag_option *positional = &command->positionals.items[i];
        if (positional->repeated)
            ag_buf_addf(s->out, "        '%s '*) ", command->path);
        else
            ag_buf_addf(s->out, "        '%s %zu') ", command->path, i);
        add_kind(s, positional);
        ag_buf_add_text(s->out, " ;;\n");
    }
}

void ag_complete_functions(ag_command_table commands, ag_buf *out)
{
    script s = {commands, out};
    ag_buf_add_text(out, "_auger_step()\n{\n    case ${at:+$at }$word in\n");
    ag_complete_paths(commands, add_step, &s);
    ag_buf_add_text(
        out, "        *) return 1 ;;\n    esac\n}\n\n_auger_value()\n{\n    kind=''\n    case \"$at $word\" in\n");
    add_values(&s, NULL, ag_global_options());
    for (size_t i = 0; i < commands.count; i++) add_values(&s, commands.items[i]->path, commands.items[i]->options);
    ag_buf_add_text(out, "    esac\n}\n\n_auger_position()\n{\n    case \"$at $position\" in\n");
    for (size_t i = 0; i < commands.count; i++) add_positions(&s, commands.items[i]);
    ag_buf_add_text(out, "    esac\n}\n\n");
}
