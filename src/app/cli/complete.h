// SPDX-License-Identifier: Apache-2.0
#pragma once
/* complete.h: completion scripts for shells, printed from the tables. A script is static text: completing never starts
 * the program. Add a shell: one file with one const struct, one line in commands/completion.c. */
#include "app/cli/command.h"
#include "core/base/buf.h"

typedef struct ag_shell {
    const char *name;
    void (*write)(ag_command_table commands, ag_buf *out);
} ag_shell;

extern const ag_shell ag_shell_bash;
extern const ag_shell ag_shell_zsh;
extern const ag_shell ag_shell_fish;

/* Calls visit with every path that words can make, groups before what is in them: "", "data", "data add". */
typedef void (*ag_path_fn)(void *context, const char *path);
void ag_complete_paths(ag_command_table commands, ag_path_fn visit, void *context);
/* The words that may follow a path, separated by blanks: "add list". */
void ag_complete_words(ag_command_table commands, const char *path, ag_buf *out);
/* "what a value is completed with", the same three in every script. */
typedef enum ag_complete_kind {
    AG_COMPLETE_NOTHING,
    AG_COMPLETE_FILES,
    AG_COMPLETE_CHOICES,
    AG_COMPLETE_COMMANDS
} ag_complete_kind;
/* COMMANDS for a positional that is called COMMAND. */
ag_complete_kind ag_complete_kind_of(const ag_option *option);
/* Shell functions that bash and zsh share: _auger_step (adds $word to the path $at), _auger_value (sets $kind and
 * $choices for the value of the option $word), _auger_position (the same for argument number $position). */
void ag_complete_functions(ag_command_table commands, ag_buf *out);
/* Text inside single quotes of a shell, with the quotes. */
void ag_complete_quote(ag_buf *out, const char *text, bool fish);
