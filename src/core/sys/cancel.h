// SPDX-License-Identifier: Apache-2.0
#pragma once
/* cancel.h: asking long work to stop: by hand, by a deadline, or by Ctrl-C. Work looks often and cheaply; who is asked
 * to stop leaves things whole and returns AG_ECANCELLED (or AG_ETIMEOUT for a deadline). Thread-safe. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

typedef struct ag_cancel ag_cancel;

/* `parent` (may be NULL) is borrowed; cancelling it cancels the child. */
int ag_cancel_new(ag_cancel *parent, ag_cancel **out, ag_err *err);
void ag_cancel_free(ag_cancel *cancel);
void ag_cancel_request(ag_cancel *cancel);
void ag_cancel_deadline(ag_cancel *cancel, int64_t monotonic); /* an ag_monotonic() time; 0 takes it away */
/* NULL is never cancelled. One atomic load, and a clock read if there is a deadline. */
bool ag_cancelled(const ag_cancel *cancel);
/* 0, or fails with AG_ECANCELLED or AG_ETIMEOUT and a text to show. */
int ag_cancel_check(const ag_cancel *cancel, ag_err *err);
/* Whether a call failed because it was asked to stop, by hand or by a deadline: nothing is wrong then. */
static inline bool ag_was_stopped(int rc)
{
    return rc == AG_ECANCELLED || rc == AG_ETIMEOUT;
}
/* Sleeps, less when cancelled meanwhile. Returns as ag_cancel_check(). */
int ag_cancel_sleep(ag_cancel *cancel, int64_t microseconds, ag_err *err);

/* Microseconds until the nearest deadline of it and its parents, INT64_MAX when there is none. */
int64_t ag_cancel_remaining(const ag_cancel *cancel);

/* The process-wide one that SIGINT, SIGTERM and SIGHUP request, NULL until installed. The first signal asks, the second
 * ends the process at once as the signal would, but for SIGHUP, which comes in numbers and only asks (and not at all
 * where it was ignored: nohup). System calls are restarted, so what waits for input polls the descriptor
 * too.
 */
int ag_cancel_on_signals(ag_err *err);
ag_cancel *ag_cancel_process(void);
/* A file descriptor that becomes readable when the process-wide one is requested by a signal; -1 until installed. */
int ag_cancel_signal_fd(void);
