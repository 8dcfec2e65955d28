// SPDX-License-Identifier: Apache-2.0
#pragma once
/* fault.h: injected failures. In a build with -Dfaults=true, every allocation, file call, network call and SQL call
 * asks here first, and the n-th one that is asked fails. Elsewhere ag_fault() is the constant false and costs nothing.
 */
#include <stdbool.h>
#include <stdint.h>

typedef enum ag_fault_kind {
    AG_FAULT_ALLOC = 1,
    AG_FAULT_FILE = 2,
    AG_FAULT_NET = 4,
    AG_FAULT_SQL = 8,
    AG_FAULT_ANY = 15,
    AG_FAULT_KILL = 16, /* beside others: the process ends there, as by kill -9, instead */
} ag_fault_kind;

#ifdef AG_FAULTS
/* True when this call must fail. $AUGER_FAIL_AT=n arms the counter at start for all kinds; $AUGER_FAIL_KIND is a comma
 * list of alloc, file, net, sql that narrows it; kill in it kills. */
bool ag_fault(ag_fault_kind kind);
#else
static inline bool ag_fault(ag_fault_kind kind)
{
    (void)kind;
    return false;
}
#endif

/* For tests: the n-th call (from 1) of the given kinds fails, then none; 0 disarms. Counting starts anew. Without
 * AG_FAULTS does nothing. Process-wide; one test at a time. */
void ag_fault_arm(uint64_t n, unsigned kinds);
/* True once the armed failure has happened. A failing-at-n loop ends when an operation succeeds and this is false. */
bool ag_fault_fired(void);
/* True in a build that can inject failures. */
bool ag_fault_available(void);
