// SPDX-License-Identifier: Apache-2.0
#pragma once
/* sessions.h: secrets that were checked a moment ago, so that the slow hash of a password is not computed per request.
 * Neither the secret nor anything it could be found from is kept: entries are known by an HMAC under a key of this
 * process. Bounded; thread-safe. */
#include "app/server/request.h"
#include "core/hash/hash.h"

typedef struct ag_sessions ag_sessions;
int ag_sessions_new(ag_sessions **out, ag_err *err);
void ag_sessions_free(ag_sessions *sessions);
/* The entry's name for this Authorization line. */
int ag_sessions_key(const ag_sessions *sessions, ag_str authorization, ag_sha256 *out, ag_err *err);
/* True and *out (name from the arena) when there is one that is younger than its age. */
bool ag_sessions_find(ag_sessions *sessions, const ag_sha256 *key, ag_arena *arena, ag_who *out);
/* `generation` as ag_sessions_generation() gave it before the secret was checked: one that was forgotten meanwhile is
 * not kept. */
void ag_sessions_keep(ag_sessions *sessions, const ag_sha256 *key, const ag_who *who, int64_t age, uint64_t generation);
uint64_t ag_sessions_generation(ag_sessions *sessions);
void ag_sessions_forget(ag_sessions *sessions, ag_str user);
