// SPDX-License-Identifier: Apache-2.0
#pragma once
/* comparison.h: how a comparison is printed: a table, CSV with --csv, JSON with --json; without --all only the rows
 * that differ. The command has the options "all" and "csv". */
#include "app/cli/invocation.h"
#include "ledger/compare.h"

/* `columns` names what stands side by side, for JSON: "runs". */
int ag_cli_print_comparison(ag_invocation *invocation, const char *columns, const ag_comparison *found, ag_err *err);
