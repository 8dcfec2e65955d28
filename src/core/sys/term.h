// SPDX-License-Identifier: Apache-2.0
#pragma once
/* term.h: what is known of the terminal behind a descriptor. */
#include <stdbool.h>

bool ag_term_is(int fd);
/* True on a terminal on which bars and curves can be drawn and written over: one of TERM=dumb only shows what comes,
 * and one whose locale names another character set than UTF-8 has none of their characters. */
bool ag_term_draws(int fd);
/* The locale of characters as the environment names it; "C" when it does not. */
const char *ag_term_locale(void);
bool ag_term_locale_is_utf8(const char *locale);
/* True on a terminal that shows colours, unless the user set $NO_COLOR or TERM=dumb. */
bool ag_term_colour(int fd);
/* Cells per line, at least 20; $COLUMNS when the system does not tell; 0 when it is no terminal. */
unsigned ag_term_width(int fd);
/* Lines, at least 2; $LINES, else 24, when the system does not tell; 0 when it is no terminal. */
unsigned ag_term_height(int fd);
