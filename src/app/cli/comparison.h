// SPDX-License-Identifier: Apache-2.0
#pragma once
/* comparison.h: how a comparison is printed: a table, CSV with --csv, JSON with --json; metrics in the order of
 * notable.h. Without --all only the rows that differ, and for people none of the machine. The command has the options
 * below. */
#include "app/cli/ledger.h"
#include "ledger/compare.h"

#define AG_OPTION_OF_COMPARISON                                                                                        \
    {.name = "all", .letter = 'a', .type = AG_OPTION_FLAG, .doc = "also what is the same in all, and the machine's"},  \
        AG_OPTION_OF_CSV

/* `columns` names what stands side by side, for JSON: "runs". */
int ag_cli_print_comparison(ag_invocation *invocation, const char *columns, ag_comparison *found, ag_err *err);
