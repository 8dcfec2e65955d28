// SPDX-License-Identifier: Apache-2.0
#pragma once
/* value.h: the text of an option as its type wants it. */
#include <stdbool.h>

#include "app/cli/command.h"
#include "app/cli/invocation.h"
#include "core/base/buf.h"
#include "core/base/err.h"

/* `out` borrows `text` and the option's tables. A flag reads "true", "yes", "on", "1" and their opposites; a table's
 * own default (`is_default`) is not held to the range, so that "0" can mean "choose for me" outside of it. */
int ag_option_read(const ag_option *option, const char *text, bool is_default, ag_option_value *out, ag_err *err);

/* "--jobs" or "FILE", as messages name it. */
void ag_option_label(const ag_option *option, char out[80]);
/* "1 to 64", "one of auto, cpu", "at least 1"; nothing when anything goes. */
void ag_option_range(const ag_option *option, ag_buf *out);
