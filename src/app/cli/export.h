// SPDX-License-Identifier: Apache-2.0
#pragma once
/* export.h: what the export commands share: which runs, where to, and what is said at the end. */
#include "app/cli/ledger.h"
#include "ledger/exchange/export.h"

/* Rows for the options of every export. */
#define AG_OPTIONS_OF_EXPORT                                                                                           \
    {.name = "experiment",                                                                                             \
     .letter = 'e',                                                                                                    \
     .type = AG_OPTION_TEXT,                                                                                           \
     .repeated = true,                                                                                                 \
     .doc = "id or name of an experiment; without it, all"},                                                           \
        AG_OPTION_OF_FILTER, {.name = "no-artifacts", .type = AG_OPTION_FLAG, .doc = "leave the files out"},           \
        AG_OPTION_OF_DATABASE
#define AG_POSITIONAL_OF_EXPORT                                                                                        \
    {.name = "DIR", .type = AG_OPTION_PATH, .required = true, .doc = "A directory that is not there yet"}

typedef int (*ag_cli_export_fn)(ag_ledger *ledger, const char *directory, const ag_export_options *options,
                                ag_export_result *out, ag_err *err);
int ag_cli_export(ag_invocation *invocation, ag_cli_export_fn run, const char *project, ag_err *err);
