// SPDX-License-Identifier: Apache-2.0
#pragma once
/* answers.h: what `auger evaluate` and `auger predict` share: a model as people name it, opened to be asked. */
#include "app/cli/invocation.h"
#include "learn/drilling/answerer.h"

/* A directory or file as it is; else NAME, NAME@alias or NAME/VERSION of the registry, whose files are brought to
 * HOME/models once. */
int ag_cli_model(ag_invocation *invocation, const char *text, const char **directory, ag_err *err);

/* Whoever is asked, with what he needs. */
typedef struct ag_cli_asking {
    const ag_device *device;
    ag_pool *pool; /* NULL: one job */
    ag_answerer who;
} ag_cli_asking;
/* By --device, --jobs, --config (AG_OPTION_OF_ANSWERS) and --strategy (AG_OPTION_OF_PLUGIN). "auto" as a directory is
 * the automatic labellers. Close it in any case. */
int ag_cli_asking_open(ag_invocation *invocation, const char *directory, ag_cli_asking *out, ag_err *err);
void ag_cli_asking_close(ag_cli_asking *asking);

#define AG_OPTION_OF_ANSWERS                                                                                           \
    {.name = "config",                                                                                                 \
     .letter = 'c',                                                                                                    \
     .type = AG_OPTION_PATH,                                                                                           \
     .doc = "Of models of strategy exec: the configuration whose data_config.predict answers for holes"}

#define AG_OPTION_OF_PLUGIN                                                                                            \
    {.name = "strategy",                                                                                               \
     .type = AG_OPTION_TEXT,                                                                                           \
     .value_name = "PLUG-IN",                                                                                          \
     .doc = "The plug-in that made the model, by its path; a model never loads code by itself"}

/* `auger evaluate` for models that answer for holes. */
int ag_cli_examine(ag_invocation *invocation, const char *directory, ag_err *err);
