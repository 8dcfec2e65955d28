// SPDX-License-Identifier: Apache-2.0
#pragma once
/* cpu.h: how many processors a control group grants; the pieces of ag_cpu_count() that read text, for its tests. */
#include "core/base/str.h"

/* Processors of a "cpu.max" text ("150000 100000" is 2, rounded up), 0 when it sets no limit or is not such a text. */
unsigned ag_cpu_quota(ag_str cpu_max);
/* The path of the process in the unified hierarchy from the text of /proc/self/cgroup ("0::/a/b"), empty when none. */
ag_str ag_cpu_group(ag_str text);
