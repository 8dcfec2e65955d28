// SPDX-License-Identifier: Apache-2.0
/* str.c: slices of text: comparing, cutting, finding. Numbers are in str_number.c, UTF-8 in str_utf8.c, near words in
 * str_nearest.c. Invariant: no function reads beyond data + size, and data may be NULL when size is 0. */
#include "core/base/str.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool ag_str_equal(ag_str a, ag_str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool ag_str_equal_nocase(ag_str a, ag_str b)
{
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    }
    return true;
}

bool ag_str_is(ag_str a, const char *text)
{
    return ag_str_equal(a, ag_str_of(text));
}

int ag_str_compare(ag_str a, ag_str b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

bool ag_str_starts(ag_str text, ag_str prefix)
{
    return text.size >= prefix.size && (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}

bool ag_str_ends(ag_str text, ag_str suffix)
{
    return text.size >= suffix.size &&
           (suffix.size == 0 || memcmp(text.data + text.size - suffix.size, suffix.data, suffix.size) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

ag_str ag_str_trim(ag_str text)
{
    while (text.size && is_space(text.data[0])) text.data++, text.size--;
    while (text.size && is_space(text.data[text.size - 1])) text.size--;
    return text;
}

ag_str ag_str_slice(ag_str text, size_t from, size_t size)
{
    if (from > text.size) from = text.size;
    if (size > text.size - from) size = text.size - from;
    return (ag_str){text.data ? text.data + from : NULL, size};
}

size_t ag_str_find(ag_str text, ag_str part, size_t from)
{
    if (from > text.size) return SIZE_MAX;
    if (part.size == 0) return from;
    if (part.size > text.size - from) return SIZE_MAX; /* also an empty text, whose data may be NULL */
    const char *found = memmem(text.data + from, text.size - from, part.data, part.size);
    return found ? (size_t)(found - text.data) : SIZE_MAX;
}

size_t ag_str_find_char(ag_str text, char c, size_t from)
{
    if (from >= text.size) return SIZE_MAX;
    const char *found = memchr(text.data + from, c, text.size - from);
    return found ? (size_t)(found - text.data) : SIZE_MAX;
}

bool ag_str_next(ag_str *rest, char separator, ag_str *part)
{
    if (!rest->data) return false;
    size_t at = ag_str_find_char(*rest, separator, 0);
    if (at == SIZE_MAX) {
        *part = *rest;
        *rest = (ag_str){0};
    } else {
        *part = (ag_str){rest->data, at};
        *rest = (ag_str){rest->data + at + 1, rest->size - at - 1};
    }
    return true;
}

bool ag_format(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(out, size, format, arguments);
    va_end(arguments);
    if (wanted < 0 && size) out[0] = '\0';
    return wanted >= 0 && (size_t)wanted < size;
}
