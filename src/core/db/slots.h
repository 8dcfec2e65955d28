// SPDX-License-Identifier: Apache-2.0
#pragma once
/* slots.h: a bounded number of connections, handed out in the order of asking. It holds the idle ones; making and
 * closing a connection is the caller's business. */
#include <stdint.h>

#include "core/base/err.h"
#include "core/sys/cancel.h"

typedef struct ag_slots ag_slots;

/* `what` names an item in messages ("connection to db.example"); borrowed. */
int ag_slots_new(unsigned most, const char *what, ag_slots **out, ag_err *err);
/* `drop` is called for each idle item. Nothing may be taken. NULL is fine. */
void ag_slots_free(ag_slots *slots, void (*drop)(void *item));

/* *out is an idle item, or NULL: the caller may make one. In both cases a slot is his until ag_slots_give(). Waits at
 * most `wait` microseconds (AG_ETIMEOUT), less when cancelled. */
int ag_slots_take(ag_slots *slots, int64_t wait, ag_cancel *cancel, void **out, ag_err *err);
/* How many wait for a slot just now. */
unsigned ag_slots_waiting(ag_slots *slots);
/* `item` NULL: the slot comes back empty. */
void ag_slots_give(ag_slots *slots, void *item);
