// SPDX-License-Identifier: Apache-2.0
#pragma once
/* term.h: what is known of the terminal behind a descriptor. */
#include <stdbool.h>

bool ag_term_is(int fd);
/* True on a terminal on which what was written can be written over; one of TERM=dumb only shows what comes. */
bool ag_term_draws(int fd);
/* True on a terminal that shows colours, unless the user set $NO_COLOR or TERM=dumb. */
bool ag_term_colour(int fd);
/* Cells per line, at least 20; $COLUMNS when the system does not tell; 0 when it is no terminal. */
unsigned ag_term_width(int fd);
/* Lines, at least 2; $LINES, else 24, when the system does not tell; 0 when it is no terminal. */
unsigned ag_term_height(int fd);
