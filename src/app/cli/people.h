// SPDX-License-Identifier: Apache-2.0
#pragma once
/* people.h: what the commands on users share: reading a secret, and naming what a permission is for. */
#include "app/cli/invocation.h"
#include "ledger/user.h"

#define AG_OPTION_OF_PASSWORD                                                                                          \
    {.name = "password-file",                                                                                          \
     .type = AG_OPTION_PATH,                                                                                           \
     .doc = "a file whose first line is the password, '-' for standard input; without it, the terminal is asked"}

/* Rows for the options that name one thing. */
#define AG_OPTIONS_OF_RESOURCE                                                                                         \
    {.name = "experiment", .letter = 'e', .type = AG_OPTION_TEXT, .doc = "an experiment, by id or name"},              \
        {.name = "model", .letter = 'm', .type = AG_OPTION_TEXT, .doc = "a registered model"},                         \
    {                                                                                                                  \
        .name = "project", .letter = 'p', .type = AG_OPTION_TEXT, .doc = "a project"                                   \
    }

enum { AG_CLI_PASSWORD = AG_MAX_PASSWORD + 2 };
/* From --password-file, else typed twice at a terminal, unseen. Wipe it afterwards. */
int ag_cli_password(ag_invocation *invocation, char out[AG_CLI_PASSWORD], ag_err *err);

/* The one thing that --experiment, --model or --project names. */
int ag_cli_resource(ag_invocation *invocation, ag_ledger *ledger, ag_resource *kind, ag_str *id, ag_err *err);
const char *ag_cli_resource_name(ag_resource kind); /* "experiment" */
