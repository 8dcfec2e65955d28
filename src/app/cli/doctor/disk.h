// SPDX-License-Identifier: Apache-2.0
#pragma once
/* disk.h: the disk that the home lies on, or would lie on. */
#include <stddef.h>

#include "app/cli/doctor/check.h"
#include "core/base/err.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"

/* The home, or the nearest directory above it that exists. Fails where a part cannot be looked at or is no directory.
 */
int ag_disk_place(ag_doctor *doctor, char **out, ag_err *err);
/* Writes a little into a temporary file there and forces it to the disk, `rounds` times; how long each took.
 * `progress` and `cancel` may be NULL. */
int ag_disk_sync(ag_doctor *doctor, double *milliseconds, size_t rounds, ag_progress *progress, const ag_cancel *cancel,
                 ag_err *err);
