// SPDX-License-Identifier: Apache-2.0
#pragma once
/* gate.h: who asks, and may they? Checked secrets are believed for a while (session cache); guessing is slowed down per
 * person and address. Thread-safe. */
#include "app/server/route.h"
#include "app/server/server.h"

typedef struct ag_gate ag_gate;

/* The options must outlive it. */
int ag_gate_new(const ag_server_options *options, ag_gate **out, ag_err *err);
void ag_gate_free(ag_gate *gate);

/* From the value of the Authorization line (data NULL: none). Without authentication: the nameless administrator.
 * AG_EAUTH when nobody was shown or the secret is wrong; AG_ELIMIT after too many wrong ones, *retry_after in seconds.
 */
int ag_gate_identify(ag_gate *gate, ag_str authorization, const char *peer, ag_arena *arena, ag_who *out,
                     int64_t *retry_after, ag_err *err);
/* By the route's rule, once the request is read: AG_EDENIED "Permission denied", AG_EAUTH, or what the scope says. */
int ag_gate_permit(ag_gate *gate, const ag_request *request, const ag_rule *rule, ag_err *err);
int ag_gate_may(ag_gate *gate, const ag_who *who, ag_resource kind, ag_str id, ag_role role, ag_err *err);
void ag_gate_forget(ag_gate *gate, ag_str user);
