// SPDX-License-Identifier: Apache-2.0
/* term.c: asks the system each time, since a window can be resized at any moment. No state. */
#include "core/sys/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/str.h"

bool ag_term_is(int fd)
{
    return isatty(fd) == 1;
}

const char *ag_term_locale(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value) return value;
    }
    return "C";
}

bool ag_term_locale_is_utf8(const char *locale)
{
    ag_str text = ag_str_of(locale);
    for (size_t i = 0; i < text.size; i++)
        if (ag_str_equal_nocase(ag_str_slice(text, i, 5), AG_STR("utf-8")) ||
            ag_str_equal_nocase(ag_str_slice(text, i, 4), AG_STR("utf8")))
            return true;
    return false;
}

/* "C" and a language alone name no character set, and are what a container or a bare login has: most of their terminals
 * show UTF-8. */
static bool shows_utf8(void)
{
    const char *locale = ag_term_locale();
    return !strchr(locale, '.') || ag_term_locale_is_utf8(locale);
}

bool ag_term_draws(int fd)
{
    const char *kind = getenv("TERM");
    return ag_term_is(fd) && !(kind && strcmp(kind, "dumb") == 0) && shows_utf8();
}

bool ag_term_colour(int fd)
{
    const char *plain = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    return ag_term_is(fd) && kind && strcmp(kind, "dumb") != 0 && !(plain && *plain);
}

unsigned ag_term_width(int fd)
{
    if (!ag_term_is(fd)) return 0;
    struct winsize size = {0};
    uint64_t width = 0;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0) width = size.ws_col;
    if (width == 0 && !ag_str_to_uint(ag_str_of(getenv("COLUMNS")), &width)) width = 80;
    if (width > 1000) width = 1000;
    return width < 20 ? 20 : (unsigned)width;
}

unsigned ag_term_height(int fd)
{
    if (!ag_term_is(fd)) return 0;
    struct winsize size = {0};
    uint64_t height = 0;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0) height = size.ws_row;
    if (height == 0 && !ag_str_to_uint(ag_str_of(getenv("LINES")), &height)) height = 24;
    if (height > 1000) height = 1000;
    return height < 2 ? 2 : (unsigned)height;
}
