// SPDX-License-Identifier: Apache-2.0
#pragma once
/* computing.h: options of commands that compute: with how many threads, and where. */
#include "app/cli/invocation.h"

#define AG_OPTION_OF_JOBS AG_OPTION_OF_JOBS_WITH("Threads; all processors when not given")
#define AG_OPTION_OF_JOBS_WITH(text)                                                                                   \
    {.name = "jobs", .letter = 'j', .type = AG_OPTION_INT, .fallback = "0", .min = 1, .max = 1024, .doc = (text)}
#define AG_OPTION_OF_DEVICE                                                                                            \
    {.name = "device", .type = AG_OPTION_TEXT, .fallback = "auto", .value_name = "NAME", .doc = "Where to compute"}

/* The threads of --jobs: all processors when it is not given. (ag_option_int() gives 0 then, which much of what takes
 * jobs takes for the same.) */
unsigned ag_option_jobs(ag_invocation *invocation);
