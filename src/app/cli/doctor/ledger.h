// SPDX-License-Identifier: Apache-2.0
#pragma once
/* ledger.h: `auger doctor --ledger`: is the ledger what was written? */
#include "app/cli/invocation.h"

/* Looks through the ledger of --db and --home, with --artifacts also for the files, and prints what it finds. 1 when
 * there was something, 0 when all is well. */
int ag_doctor_ledger(ag_invocation *invocation, ag_err *err);
