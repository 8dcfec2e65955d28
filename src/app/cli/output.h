// SPDX-License-Identifier: Apache-2.0
#pragma once
/* output.h: buffered text to a descriptor. The first failed write sticks, later ones do nothing, so that a command
 * prints without asking; the frame asks once at the end. A reader that went away (EPIPE) is not a failure but silence.
 */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/show/table.h"

typedef struct ag_output {
    int fd;           /* -1: all is kept in `buf`, for tests */
    const char *name; /* "standard output", for messages */
    ag_buf buf;
    ag_err failure; /* code 0: none */
    bool hung_up;   /* the reader went away */
    bool is_terminal;
    bool color;
    size_t columns; /* width to wrap at: the terminal's, else $COLUMNS, else 80 */
} ag_output;

void ag_output_init(ag_output *output, int fd, const char *name);
void ag_output_deinit(ag_output *output); /* drops what was not flushed */
/* mode: "auto" (a terminal, unless $NO_COLOR or TERM=dumb), "always", "never". */
void ag_output_set_color(ag_output *output, const char *mode);

void ag_output_add(ag_output *output, ag_str text);
void ag_output_addf(ag_output *output, const char *format, ...) AG_PRINTF(2, 3);
/* Text in a style when `color` is on, as it is otherwise. */
void ag_output_style(ag_output *output, ag_style style, const char *text);
/* Writes what is buffered. Fails with the sticky failure. */
int ag_output_flush(ag_output *output, ag_err *err);
