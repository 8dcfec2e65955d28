// SPDX-License-Identifier: Apache-2.0
/* computing.c: see computing.h. */
#include "app/cli/computing.h"

#include "core/sys/thread.h"

unsigned ag_option_jobs(ag_invocation *invocation)
{
    int64_t jobs = ag_option_int(invocation, "jobs");
    return jobs ? (unsigned)jobs : ag_cpu_count();
}
