// SPDX-License-Identifier: Apache-2.0
#pragma once
/* guard.h: against browsers that are led here by other sites: the Host must be one of ours (DNS rebinding), and what
 * changes something must not come from a foreign page (CORS). */
#include "app/server/head.h"
#include "app/server/server.h"

/* 0, or 403 with why. *allow_origin: the origin to name in the answer, data NULL when there is none. */
int ag_guard_check(const ag_server_options *options, const ag_head *head, ag_str *allow_origin, ag_err *err);
