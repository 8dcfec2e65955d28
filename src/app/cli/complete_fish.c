// SPDX-License-Identifier: Apache-2.0
/* complete_fish.c: completion for fish: one `complete` line per word and option, each with the condition that the
 * command line stands at its path. Fish knows options and their values itself. */
#include <string.h>

#include "app/cli/complete.h"

typedef struct script {
    ag_command_table commands;
    ag_buf *out;
} script;

static const char driver[] =
    "# Completion of auger for fish, printed by 'auger completion fish'.\n"
    "\n"
    "# True when the words before the cursor make exactly this path of commands; arguments behind it do not count.\n"
    "function __auger_at\n"
    "    set -l at ''\n"
    "    set -l skip 0\n"
    "    for word in (commandline -opc)[2..-1]\n"
    "        if test $skip = 1\n"
    "            set skip 0\n"
    "            continue\n"
    "        end\n"
    "        if string match -q -- '-*' $word\n"
    "            contains -- \"$at $word\" $__auger_valued; or contains -- \"* $word\" $__auger_valued; and set skip "
    "1\n"
    "            continue\n"
    "        end\n"
    "        set -l next (string trim -- \"$at $word\")\n"
    "        contains -- $next $__auger_paths; and set at $next\n"
    "    end\n"
    "    test \"$at\" = \"$argv[1]\"\n"
    "end\n"
    "\n"
    "complete -c auger -f\n";

static void add_path(void *context, const char *path)
{
    script *s = context;
    if (!*path) return;
    ag_buf_add_char(s->out, ' ');
    ag_complete_quote(s->out, path, true);
}

static void add_valued(const script *s, const char *path, ag_option_table table)
{
    for (size_t i = 0; i < table.count; i++) {
        const ag_option *option = &table.items[i];
        if (option->type == AG_OPTION_FLAG) continue;
        ag_buf_addf(s->out, " '%s --%s'", path, option->name);
        if (option->letter) ag_buf_addf(s->out, " '%s -%c'", path, option->letter);
    }
}

static void add_condition(const script *s, const char *path)
{
    ag_buf_addf(s->out, "complete -c auger -n '__auger_at \"%s\"'", path);
}

/* What may stand as a value: " -a '...'", or files. */
static void add_candidates(const script *s, const ag_option *option)
{
    ag_complete_kind kind = ag_complete_kind_of(option);
    if (kind == AG_COMPLETE_FILES) ag_buf_add_text(s->out, " -F");
    if (kind == AG_COMPLETE_NOTHING || kind == AG_COMPLETE_FILES) return;
    ag_buf_add_text(s->out, " -a '");
    for (size_t i = 0; option->choices && option->choices[i]; i++)
        ag_buf_addf(s->out, "%s%s", i ? " " : "", option->choices[i]);
    if (kind == AG_COMPLETE_COMMANDS) ag_complete_words(s->commands, "", s->out);
    ag_buf_add_char(s->out, '\'');
}

static void add_option(const script *s, const char *path, const ag_option *option)
{
    if (path)
        add_condition(s, path);
    else
        ag_buf_add_text(s->out, "complete -c auger");
    bool inverse = option->type == AG_OPTION_FLAG && option->fallback;
    ag_buf_addf(s->out, " -l %s%s", inverse ? "no-" : "", option->name);
    if (option->letter) ag_buf_addf(s->out, " -s %c", option->letter);
    bool files = ag_complete_kind_of(option) == AG_COMPLETE_FILES;
    if (option->type != AG_OPTION_FLAG) ag_buf_add_text(s->out, files ? " -r" : " -x"); /* x: and no files */
    add_candidates(s, option);
    ag_buf_add_text(s->out, " -d ");
    ag_complete_quote(s->out, option->doc, true);
    ag_buf_add_char(s->out, '\n');
}

static void add_words(void *context, const char *path)
{
    script *s = context;
    ag_buf all;
    ag_buf_init(&all, 65536);
    ag_complete_words(s->commands, path, &all);
    ag_str rest = ag_buf_str(&all), word;
    while (all.size && rest.data && ag_str_next(&rest, ' ', &word)) {
        char full[256];
        ag_format(full, sizeof(full), "%s%s%.*s", path, *path ? " " : "", AG_STR_ARG(word));
        const ag_command *command = ag_command_find(s->commands, full);
        add_condition(s, path);
        ag_buf_addf(s->out, " -a %.*s -d ", AG_STR_ARG(word));
        ag_complete_quote(s->out, command ? command->summary : "a group of commands", true);
        ag_buf_add_char(s->out, '\n');
    }
    if (all.failed) s->out->failed = all.failed;
    ag_buf_deinit(&all);
}

static void write_script(ag_command_table commands, ag_buf *out)
{
    script s = {commands, out};
    ag_buf_add_text(out, driver);
    ag_buf_add_text(out, "set -g __auger_paths");
    ag_complete_paths(commands, add_path, &s);
    ag_buf_add_text(out, "\nset -g __auger_valued");
    add_valued(&s, "*", ag_global_options());
    for (size_t i = 0; i < commands.count; i++) add_valued(&s, commands.items[i]->path, commands.items[i]->options);
    ag_buf_add_char(out, '\n');
    ag_complete_paths(commands, add_words, &s);
    for (size_t i = 0; i < ag_global_options().count; i++) add_option(&s, NULL, &ag_global_options().items[i]);
    for (size_t i = 0; i < commands.count; i++) {
        const ag_command *command = commands.items[i];
        for (size_t j = 0; j < command->options.count; j++) add_option(&s, command->path, &command->options.items[j]);
        for (size_t j = 0; j < command->positionals.count; j++) {
            if (ag_complete_kind_of(&command->positionals.items[j]) == AG_COMPLETE_NOTHING) continue;
            add_condition(&s, command->path);
            add_candidates(&s, &command->positionals.items[j]);
            ag_buf_add_char(out, '\n');
        }
    }
}

const ag_shell ag_shell_fish = {.name = "fish", .write = write_script};
