// SPDX-License-Identifier: Apache-2.0
#pragma once
/* parse.h: from words to an invocation. A pure function of its arguments: no output, no environment of its own. */
#include <stdbool.h>

#include "app/cli/command.h"
#include "app/cli/invocation.h"
#include "core/base/err.h"

/* As getenv(). */
typedef const char *(*ag_environment_fn)(const char *name);

/* `argv` are the words behind the program's name. The caller has set arena and commands of `into`; this fills command,
 * path and slots, which borrow argv. Refusals are AG_EINVAL with a hint where there is one; what was understood until
 * then (the command, --json) stays in `into`. With --help, missing values are no failure and `command` may be NULL. */
int ag_parse(int argc, const char *const *argv, ag_environment_fn environment, ag_invocation *into, ag_err *err);

/* True when the words before "--" contain --json: how an error of the parsing itself is to be printed. */
bool ag_parse_wants_json(int argc, const char *const *argv);
