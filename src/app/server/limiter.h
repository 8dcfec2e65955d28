// SPDX-License-Identifier: Apache-2.0
#pragma once
/* limiter.h: slows down who guesses secrets: a few tries are free, then each wrong one doubles the wait. Bounded
 * memory, thread-safe; time is given by the caller (monotonic microseconds). */
#include "core/base/str.h"

typedef struct ag_limiter ag_limiter;
int ag_limiter_new(ag_limiter **out, ag_err *err);
void ag_limiter_free(ag_limiter *limiter);

/* Microseconds until this person from this address may try again; 0: now. */
int64_t ag_limiter_wait(ag_limiter *limiter, ag_str user, const char *peer, int64_t now);
void ag_limiter_failed(ag_limiter *limiter, ag_str user, const char *peer, int64_t now);
void ag_limiter_succeeded(ag_limiter *limiter, ag_str user, const char *peer);
