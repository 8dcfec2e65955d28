// SPDX-License-Identifier: Apache-2.0
/* yaml_version.c: finds `%YAML 1.2` before the document. Threads: none, no state. */
#include "core/doc/yaml_version.h"

#include <stdint.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

/* The first byte from `at` on that is no blank, or the size. */
static size_t behind_blanks(ag_str text, size_t at)
{
    while (at < text.size && is_blank(text.data[at])) at++;
    return at;
}

/* The place of the 2 when the line at `at` is the directive. */
static size_t minor_of(ag_str text, size_t at)
{
    static const char name[] = "%YAML", version[] = "1.2";
    if (!ag_str_starts(ag_str_slice(text, at, SIZE_MAX), ag_str_of(name))) return SIZE_MAX;
    size_t number = behind_blanks(text, at + sizeof name - 1), end = number + sizeof version - 1;
    if (number == at + sizeof name - 1 || !ag_str_starts(ag_str_slice(text, number, SIZE_MAX), ag_str_of(version)))
        return SIZE_MAX;
    return end == text.size || is_blank(text.data[end]) || is_break(text.data[end]) ? end - 1 : SIZE_MAX;
}

size_t ag_yaml_version_minor(ag_str text)
{
    for (size_t at = 0; at < text.size; at++) {
        size_t first = behind_blanks(text, at);
        if (first < text.size && !is_break(text.data[first]) && text.data[first] != '#' && text.data[at] != '%')
            return SIZE_MAX; /* the document begins */
        size_t minor = minor_of(text, at);
        if (minor != SIZE_MAX) return minor;
        for (at = first; at < text.size && !is_break(text.data[at]);) at++;
    }
    return SIZE_MAX;
}
