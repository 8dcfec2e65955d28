// SPDX-License-Identifier: Apache-2.0
#pragma once
/* version.h: what this build was made from. The version itself is the public auger_version(). */

/* The git commit in 12 digits, with "-changed" when a tracked file differed; "unknown" when built without git. */
const char *ag_commit(void);
