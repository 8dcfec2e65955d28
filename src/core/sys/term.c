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

bool ag_term_draws(int fd)
{
    const char *kind = getenv("TERM");
    return ag_term_is(fd) && !(kind && strcmp(kind, "dumb") == 0);
}

bool ag_term_colour(int fd)
{
    const char *plain = getenv("NO_COLOR");
    return ag_term_draws(fd) && !(plain && *plain) && getenv("TERM");
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
