// SPDX-License-Identifier: Apache-2.0
/* complete_bash.c: completion for bash 4 and newer, without the bash-completion package.
 * The script is a fixed driver, the functions shared with zsh (complete.c), and what each path offers. Bash breaks
 * words at '='; the driver looks one or two words back to see --name=value. */
#include <string.h>

#include "app/cli/complete.h"
#include "app/cli/help.h"

typedef struct script {
    ag_command_table commands;
    ag_buf *out;
} script;

static const char driver[] =
    "# shellcheck shell=bash\n"
    "# Completion of auger for bash, printed by 'auger completion bash'.\n"
    "\n"
    "_auger()\n"
    "{\n"
    "    local at='' kind='' choices='' options='' words='' previous='' ended='' word i position=0\n"
    "    local current=${COMP_WORDS[COMP_CWORD]}\n"
    "    COMPREPLY=()\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [[ $word == = ]]; then continue; fi\n"
    "        if [[ -n $previous ]]; then previous=''; continue; fi\n"
    "        if [[ $word == -- ]]; then ended=1; continue; fi\n"
    "        if [[ -z $ended && $word == -* ]]; then\n"
    "            _auger_value\n"
    "            [[ -n $kind ]] && previous=$word\n"
    "            continue\n"
    "        fi\n"
    "        _auger_step || position=$((position + 1))\n"
    "    done\n"
    "    if [[ $current == = ]]; then current=''; fi\n"
    "    if [[ -n $previous ]]; then\n"
    "        word=$previous\n"
    "        _auger_value\n"
    "    elif [[ -z $ended && $current == -* ]]; then\n"
    "        _auger_offer\n"
    "        kind=choices choices=$options\n"
    "    else\n"
    "        _auger_offer\n"
    "        if [[ -n $words ]]; then kind=choices choices=$words; else _auger_position; fi\n"
    "    fi\n"
    "    case $kind in\n"
    "        choices) mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$current\") ;;\n"
    "        files)\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
    "    esac\n"
    "}\n"
    "\n";

static void add_offer(void *context, const char *path)
{
    script *s = context;
    const ag_command *command = ag_command_find(s->commands, path);
    ag_option_table tables[] = {ag_global_options(), command ? command->options : (ag_option_table){0}};
    ag_buf_addf(s->out, "        '%s')\n            words='", path);
    ag_complete_words(s->commands, path, s->out);
    ag_buf_add_text(s->out, "'\n            options='");
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < tables[t].count; i++) {
            const ag_option *option = &tables[t].items[i];
            bool inverse = option->type == AG_OPTION_FLAG && option->fallback;
            ag_buf_addf(s->out, "%s--%s%s", t || i ? " " : "", inverse ? "no-" : "", option->name);
        }
    ag_buf_add_text(s->out, "' ;;\n");
}

static void write_script(ag_command_table commands, ag_buf *out)
{
    script s = {commands, out};
    ag_buf_add_text(out, driver);
    ag_complete_functions(commands, out);
    ag_buf_add_text(out, "_auger_offer()\n{\n    case $at in\n");
    ag_complete_paths(commands, add_offer, &s);
    ag_buf_add_text(out, "    esac\n}\n\ncomplete -F _auger auger\n");
}

const ag_shell ag_shell_bash = {.name = "bash", .write = write_script};
