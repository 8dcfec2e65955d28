// SPDX-License-Identifier: Apache-2.0
/* complete_zsh.c: completion for zsh: works as a file _auger on $fpath and when sourced after compinit.
 * The same driver as for bash, but words come with their descriptions (_describe) and zsh keeps --name=value whole.
 * "at" holds the path: the name "path" belongs to the shell. */
#include <string.h>

#include "app/cli/complete.h"

typedef struct script {
    ag_command_table commands;
    ag_buf *out;
} script;

static const char driver[] =
    "#compdef auger\n"
    "# Completion of auger for zsh, printed by 'auger completion zsh'.\n"
    "\n"
    "_auger() {\n"
    "    local at='' kind='' choices='' word='' previous='' ended='' current=${words[CURRENT]}\n"
    "    local -i i position=0\n"
    "    local -a options commands\n"
    "    for ((i = 2; i < CURRENT; i++)); do\n"
    "        word=${words[i]}\n"
    "        if [[ -n $previous ]]; then previous=''; continue; fi\n"
    "        if [[ $word == -- ]]; then ended=1; continue; fi\n"
    "        if [[ -z $ended && $word == -* ]]; then\n"
    "            _auger_value\n"
    "            [[ -n $kind ]] && previous=$word\n"
    "            continue\n"
    "        fi\n"
    "        _auger_step || position+=1\n"
    "    done\n"
    "    kind=''\n"
    "    if [[ -n $previous ]]; then\n"
    "        word=$previous\n"
    "        _auger_value\n"
    "    elif [[ -z $ended && $current == --*=* ]]; then\n"
    "        word=${current%%=*}\n"
    "        _auger_value\n"
    "        compset -P '*='\n"
    "    elif [[ -z $ended && $current == -* ]]; then\n"
    "        _auger_offer\n"
    "        _describe -o option options\n"
    "        return\n"
    "    else\n"
    "        _auger_offer\n"
    "        if (( $#commands )); then _describe command commands; return; fi\n"
    "        _auger_position\n"
    "    fi\n"
    "    case $kind in\n"
    "        choices) compadd -- ${=choices} ;;\n"
    "        files) _files ;;\n"
    "    esac\n"
    "}\n"
    "\n";

/* 'name:words', where a colon inside the name would need an escape; names have none. */
static void add_described(ag_buf *out, const char *before, const char *name, const char *doc)
{
    ag_buf text;
    ag_buf_init(&text, 4096);
    ag_buf_addf(&text, "%s%s:%s", before, name, doc);
    ag_buf_add_char(out, ' ');
    ag_complete_quote(out, text.data ? text.data : "", false);
    if (text.failed) out->failed = text.failed;
    ag_buf_deinit(&text);
}

/* The words behind `path`, each with the summary of its command (none for a group). */
static void add_commands(const script *s, const char *path)
{
    ag_buf all;
    ag_buf_init(&all, 65536);
    ag_complete_words(s->commands, path, &all);
    ag_str rest = ag_buf_str(&all), word;
    while (all.size && rest.data && ag_str_next(&rest, ' ', &word)) {
        char name[128], full[256];
        ag_format(name, sizeof(name), "%.*s", AG_STR_ARG(word));
        ag_format(full, sizeof(full), "%s%s%s", path, *path ? " " : "", name);
        const ag_command *command = ag_command_find(s->commands, full);
        add_described(s->out, "", name, command ? command->summary : "a group of commands");
    }
    if (all.failed) s->out->failed = all.failed;
    ag_buf_deinit(&all);
}

static void add_offer(void *context, const char *path)
{
    script *s = context;
    const ag_command *command = ag_command_find(s->commands, path);
    ag_option_table tables[] = {ag_global_options(), command ? command->options : (ag_option_table){0}};
    ag_buf_addf(s->out, "        '%s')\n            commands=(", path);
    add_commands(s, path);
    ag_buf_add_text(s->out, ")\n            options=(");
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < tables[t].count; i++) {
            const ag_option *option = &tables[t].items[i];
            bool inverse = option->type == AG_OPTION_FLAG && option->fallback;
            add_described(s->out, inverse ? "--no-" : "--", option->name, option->doc);
        }
    ag_buf_add_text(s->out, ") ;;\n");
}

static void write_script(ag_command_table commands, ag_buf *out)
{
    script s = {commands, out};
    ag_buf_add_text(out, driver);
    ag_complete_functions(commands, out);
    ag_buf_add_text(out, "_auger_offer()\n{\n    case $at in\n");
    ag_complete_paths(commands, add_offer, &s);
    /* Autoloaded as _auger the file is the function's body and must run it; sourced, it registers it. */
    ag_buf_add_text(out, "    esac\n}\n\nif [[ $funcstack[1] == _auger ]]; then\n    _auger \"$@\"\nelse\n"
                         "    compdef _auger auger\nfi\n");
}

const ag_shell ag_shell_zsh = {.name = "zsh", .write = write_script};
