// SPDX-License-Identifier: Apache-2.0
#pragma once
/* train_pulse.h: a thread beside a training that looks at the clock and at the machine, so that a training which has
 * stopped talking is noticed, the terminal goes on counting, and the ledger gets `system/...` as MLflow names it. */
#include "app/cli/train_show.h"
#include "learn/record.h"

typedef struct ag_train_pulse ag_train_pulse;

/* `record` (NULL: none) gets the numbers of the machine. Both outlive the pulse. Without memory or threads there is
 * none: NULL. `path` is on the disk to look at. */
ag_train_pulse *ag_train_pulse_start(ag_train_show *show, ag_record *record, const char *path);
void ag_train_pulse_stop(ag_train_pulse *pulse); /* after a last look; NULL is fine */
