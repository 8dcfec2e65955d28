// SPDX-License-Identifier: Apache-2.0
/* insert.c: see insert.h. Our own statements are what is looked at, so this is a check of their form and no parser. */
#include "core/db/insert.h"

#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

/* Whether `at` is "(?1, ?2, ... ?columns)"; returns what follows, or NULL. */
static const char *match_values(const char *at, size_t columns)
{
    char wanted[16];
    at = skip_blanks(at);
    for (size_t i = 1; i <= columns; i++) {
        if (*at++ != (i == 1 ? '(' : ',')) return NULL;
        at = skip_blanks(at);
        ag_format(wanted, sizeof(wanted), "?%zu", i);
        if (strncmp(at, wanted, strlen(wanted)) != 0) return NULL;
        at = skip_blanks(at + strlen(wanted));
    }
    return *at == ')' ? at + 1 : NULL;
}

bool ag_insert_match(const char *text, size_t columns, ag_insert *out)
{
    const char *values_at = strcasestr(text, "values");
    const char *rest = values_at ? match_values(values_at + 6, columns) : NULL;
    if (!rest || strncasecmp(skip_blanks(text), "insert", 6) != 0) return false;
    ag_str tail = ag_str_trim(ag_str_of(rest));
    bool nothing = tail.size > 7 && strncasecmp(tail.data + tail.size - 7, "nothing", 7) == 0;
    if ((tail.size != 0 && !nothing) || strchr(rest, '?')) return false;
    *out = (ag_insert){.head = {text, (size_t)(values_at - text)}, .rest = rest};
    return true;
}
