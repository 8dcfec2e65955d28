// SPDX-License-Identifier: Apache-2.0
#pragma once
/* registration.h: the model of a run becomes a version of a registered model: key register of a configuration. */
#include "learn/settings.h"
#include "learn/tracker.h"

#define AG_REGISTRATION_TAG "auger.model.version" /* of a run: "depth/3" */

/* What can be refused before anything is trained: a name or an alias that no model can have, and no ledger (NULL) to
 * register in. Nothing to register is fine. */
int ag_registration_check(const ag_settings *settings, const ag_tracker *tracker, ag_err *err);
/* A version whose files are the artifact "model" of the run, with description, tags, stage and alias; the run is tagged
 * with it, "NAME/3", which is also *name in the arena. A run that has registered this model already does it no second
 * time. */
int ag_registration_make(ag_ledger *ledger, const ag_settings *settings, const char *run_id, ag_arena *arena,
                         const char **name, ag_err *err);
