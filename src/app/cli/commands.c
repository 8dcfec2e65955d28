// SPDX-License-Identifier: Apache-2.0
/* commands.c: the list of commands, in alphabetical order. A new command is one file in commands/ and one line here. */
#include "app/cli/command.h"

#define COMMANDS(ROW)                                                                                                  \
    ROW(completion)                                                                                                    \
    ROW(doctor)                                                                                                        \
    ROW(experiments_create)                                                                                            \
    ROW(experiments_delete)                                                                                            \
    ROW(experiments_list)                                                                                              \
    ROW(experiments_rename)                                                                                            \
    ROW(experiments_restore)                                                                                           \
    ROW(help)                                                                                                          \
    ROW(inspect)                                                                                                       \
    ROW(model_diff)                                                                                                    \
    ROW(model_inspect)                                                                                                 \
    ROW(model_predict)                                                                                                 \
    ROW(prepare)                                                                                                       \
    ROW(runs_compare)                                                                                                  \
    ROW(runs_delete)                                                                                                   \
    ROW(runs_list)                                                                                                     \
    ROW(runs_show)                                                                                                     \
    ROW(serve)                                                                                                         \
    ROW(simulate_drilling)                                                                                             \
    ROW(version)

#define DECLARE(name) extern const ag_command ag_command_##name;
COMMANDS(DECLARE)

#define REFER(name) &ag_command_##name,
static const ag_command *const commands[] = {COMMANDS(REFER)};

ag_command_table ag_commands(void)
{
    return (ag_command_table){commands, sizeof(commands) / sizeof(commands[0])};
}
