// SPDX-License-Identifier: Apache-2.0
/* checks.c: the list of checks, in the order of the report, and what all of them share. A new check is one const struct
 * in the file of its room and one line here. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/cli/doctor/check.h"

#define CHECKS(ROW)                                                                                                    \
    ROW(processors)                                                                                                    \
    ROW(memory)                                                                                                        \
    ROW(descriptors)                                                                                                   \
    ROW(clock)                                                                                                         \
    ROW(locale)                                                                                                        \
    ROW(home)                                                                                                          \
    ROW(space)                                                                                                         \
    ROW(file_system)                                                                                                   \
    ROW(fsync)                                                                                                         \
    ROW(database)                                                                                                      \
    ROW(blobs)                                                                                                         \
    ROW(sqlite)                                                                                                        \
    ROW(openssl)                                                                                                       \
    ROW(curl)                                                                                                          \
    ROW(certificates)                                                                                                  \
    ROW(time_zones)                                                                                                    \
    ROW(libpq)                                                                                                         \
    ROW(postgresql)                                                                                                    \
    ROW(python)                                                                                                        \
    ROW(python_venv)                                                                                                   \
    ROW(chromium)

#define DECLARE(name) extern const ag_check ag_check_##name;
CHECKS(DECLARE)

#define REFER(name) &ag_check_##name,
static const ag_check *const checks[] = {CHECKS(REFER)};

ag_check_table ag_checks(void)
{
    return (ag_check_table){checks, sizeof(checks) / sizeof(checks[0])};
}

const char *ag_check_state_name(ag_check_state state)
{
    static const char *const names[] = {"ok", "absent", "warn", "fail"};
    return names[state];
}

void ag_finding_set(ag_finding *out, ag_check_state state, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->text, sizeof(out->text), format, arguments);
    va_end(arguments);
    out->state = state;
}

void ag_finding_advise(ag_finding *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->advice, sizeof(out->advice), format, arguments);
    va_end(arguments);
}

void ag_check_run(const ag_check *check, ag_doctor *doctor, ag_finding *out)
{
    ag_err err = {0};
    *out = (ag_finding){0};
    if (check->run(check, doctor, out, &err) >= 0) return;
    ag_finding_set(out, AG_CHECK_WARN, "could not be checked: %s", err.text);
    ag_finding_advise(out, "%s", *err.hint ? err.hint : "see what the message says");
}
