// SPDX-License-Identifier: Apache-2.0
/* commands.c: the list of commands, in alphabetical order. A new command is one file in commands/ and one line here. */
#include "app/cli/command.h"

#define COMMANDS(ROW)                                                                                                  \
    ROW(backup)                                                                                                        \
    ROW(compare)                                                                                                       \
    ROW(completion)                                                                                                    \
    ROW(data_add)                                                                                                      \
    ROW(data_checkout)                                                                                                 \
    ROW(data_diff)                                                                                                     \
    ROW(data_gc)                                                                                                       \
    ROW(data_lineage)                                                                                                  \
    ROW(data_list)                                                                                                     \
    ROW(data_show)                                                                                                     \
    ROW(data_split)                                                                                                    \
    ROW(data_tag)                                                                                                      \
    ROW(data_verify)                                                                                                   \
    ROW(demo)                                                                                                          \
    ROW(doctor)                                                                                                        \
    ROW(evaluate)                                                                                                      \
    ROW(experiments_create)                                                                                            \
    ROW(experiments_delete)                                                                                            \
    ROW(experiments_list)                                                                                              \
    ROW(experiments_rename)                                                                                            \
    ROW(experiments_restore)                                                                                           \
    ROW(export_mlflow)                                                                                                 \
    ROW(export_tensorboard)                                                                                            \
    ROW(export_wandb)                                                                                                  \
    ROW(gc)                                                                                                            \
    ROW(help)                                                                                                          \
    ROW(import_mlflow)                                                                                                 \
    ROW(inspect)                                                                                                       \
    ROW(label_agree)                                                                                                   \
    ROW(label_evaluate)                                                                                                \
    ROW(label_export)                                                                                                  \
    ROW(label_import)                                                                                                  \
    ROW(label_queue)                                                                                                   \
    ROW(label_set)                                                                                                     \
    ROW(label_show)                                                                                                    \
    ROW(model_diff)                                                                                                    \
    ROW(model_inspect)                                                                                                 \
    ROW(model_predict)                                                                                                 \
    ROW(models_alias)                                                                                                  \
    ROW(models_compare)                                                                                                \
    ROW(models_delete)                                                                                                 \
    ROW(models_download)                                                                                               \
    ROW(models_lineage)                                                                                                \
    ROW(models_list)                                                                                                   \
    ROW(models_register)                                                                                               \
    ROW(models_show)                                                                                                   \
    ROW(models_stage)                                                                                                  \
    ROW(models_tag)                                                                                                    \
    ROW(plot)                                                                                                          \
    ROW(predict)                                                                                                       \
    ROW(prepare)                                                                                                       \
    ROW(projects_create)                                                                                               \
    ROW(projects_delete)                                                                                               \
    ROW(projects_list)                                                                                                 \
    ROW(projects_put)                                                                                                  \
    ROW(replay)                                                                                                        \
    ROW(restore)                                                                                                       \
    ROW(runs_artifacts)                                                                                                \
    ROW(runs_compare)                                                                                                  \
    ROW(runs_delete)                                                                                                   \
    ROW(runs_deliver)                                                                                                  \
    ROW(runs_download)                                                                                                 \
    ROW(runs_list)                                                                                                     \
    ROW(runs_restore)                                                                                                  \
    ROW(runs_show)                                                                                                     \
    ROW(serve)                                                                                                         \
    ROW(simulate_drilling)                                                                                             \
    ROW(train)                                                                                                         \
    ROW(users_create)                                                                                                  \
    ROW(users_delete)                                                                                                  \
    ROW(users_list)                                                                                                    \
    ROW(users_password)                                                                                                \
    ROW(users_permissions_grant)                                                                                       \
    ROW(users_permissions_list)                                                                                        \
    ROW(users_permissions_revoke)                                                                                      \
    ROW(users_role)                                                                                                    \
    ROW(users_token_create)                                                                                            \
    ROW(users_token_list)                                                                                              \
    ROW(users_token_revoke)                                                                                            \
    ROW(version)

#define DECLARE(name) extern const ag_command ag_command_##name;
COMMANDS(DECLARE)

#define REFER(name) &ag_command_##name,
static const ag_command *const commands[] = {COMMANDS(REFER)};

ag_command_table ag_commands(void)
{
    return (ag_command_table){commands, sizeof(commands) / sizeof(commands[0])};
}
