// SPDX-License-Identifier: Apache-2.0
#pragma once
/* text.h: small pieces that everything which shows something needs. All write to a buffer, whose failure sticks. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/str.h"

/* The text made safe for one line of a terminal: control characters become blanks, bytes that are not UTF-8 U+FFFD. */
void ag_show_clean(ag_buf *out, ag_str text);
/* Valid UTF-8 text cut to at most `width` cells, with an ellipsis when something is missing. Returns the cells used. */
size_t ag_show_cut(ag_buf *out, ag_str text, size_t width);
/* Text for XML and HTML, in content and in quoted attributes. What XML cannot hold becomes U+FFFD. */
void ag_show_escape(ag_buf *out, ag_str text);

/* "950", "12.3k", "4.56M": three digits or so, for people. */
void ag_show_count(ag_buf *out, double count);
/* "950 B", "1.23 MB" (powers of 1000). */
void ag_show_bytes(ag_buf *out, double bytes);
