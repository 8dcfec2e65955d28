// SPDX-License-Identifier: Apache-2.0
/* fault.c: the counter behind injected failures.
 * Invariant: exactly one call fails (or kills) per arming, the n-th of the armed kinds. Threads: any; the counter is
 * atomic, so with several threads it is one of them that meets the n-th call. The environment is read once, before
 * main. */
#include "core/base/fault.h"

#ifdef AG_FAULTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_ullong remaining; /* 0: not armed */
static atomic_uint armed_kinds;
static atomic_bool fired;

bool ag_fault(ag_fault_kind kind)
{
    if (atomic_load_explicit(&remaining, memory_order_relaxed) == 0) return false;
    if (!(atomic_load_explicit(&armed_kinds, memory_order_relaxed) & (unsigned)kind)) return false;
    unsigned long long left = atomic_load(&remaining);
    while (left != 0) {
        if (!atomic_compare_exchange_weak(&remaining, &left, left - 1)) continue;
        if (left != 1) return false;
        if (atomic_load(&armed_kinds) & AG_FAULT_KILL) (void)raise(SIGKILL);
        atomic_store(&fired, true);
        return true;
    }
    return false;
}

void ag_fault_arm(uint64_t n, unsigned kinds)
{
    atomic_store(&remaining, 0);
    atomic_store(&fired, false);
    atomic_store(&armed_kinds, kinds);
    atomic_store(&remaining, n);
}

bool ag_fault_fired(void)
{
    return atomic_load(&fired);
}

bool ag_fault_available(void)
{
    return true;
}

static unsigned kinds_from_text(const char *text)
{
    static const struct {
        const char *name;
        ag_fault_kind kind;
    } names[] = {{"alloc", AG_FAULT_ALLOC}, {"file", AG_FAULT_FILE}, {"net", AG_FAULT_NET}, {"sql", AG_FAULT_SQL}};
    unsigned kinds = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strstr(text, names[i].name)) kinds |= names[i].kind;
    }
    if (!kinds) kinds = AG_FAULT_ANY;
    return strstr(text, "kill") ? kinds | AG_FAULT_KILL : kinds;
}

__attribute__((constructor)) static void arm_from_environment(void)
{
    const char *at = getenv("AUGER_FAIL_AT");
    const char *kinds = getenv("AUGER_FAIL_KIND");
    if (at) ag_fault_arm(strtoull(at, NULL, 10), kinds ? kinds_from_text(kinds) : AG_FAULT_ANY);
}

#else

void ag_fault_arm(uint64_t n, unsigned kinds)
{
    (void)n;
    (void)kinds;
}

bool ag_fault_fired(void)
{
    return false;
}

bool ag_fault_available(void)
{
    return false;
}

#endif
