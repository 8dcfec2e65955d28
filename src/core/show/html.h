// SPDX-License-Identifier: Apache-2.0
#pragma once
/* html.h: one report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere (its own
 * policy forbids all of them). Readable on paper, on a phone, light and dark. Pieces are added in order to a buffer,
 * whose failure sticks; all text is escaped here. The same input gives the same bytes. */
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/show/table.h"

/* `subtitle` may be NULL: when, by whom, of what. */
void ag_html_begin(ag_buf *out, const char *title, const char *subtitle);
int ag_html_end(ag_buf *out, ag_err *err); /* and asks whether all of it was written */

/* A heading; what follows belongs to it until the next. */
void ag_html_section(ag_buf *out, const char *title);
void ag_html_text(ag_buf *out, const char *text);                 /* a paragraph; an empty line begins the next */
void ag_html_code(ag_buf *out, const char *text);                 /* as it is, in fixed width */
void ag_html_note(ag_buf *out, ag_style style, const char *text); /* a box: good, warn, bad or plain */

/* The numbers that matter most, large, side by side: begin, facts, end. */
void ag_html_facts_begin(ag_buf *out);
void ag_html_fact(ag_buf *out, const char *name, const char *value, ag_style style);
void ag_html_facts_end(ag_buf *out);

int ag_html_table(ag_buf *out, const ag_table *table, ag_err *err);
/* `svg` is the output of svg.h, taken as it is. Figures that follow each other stand side by side where there is room.
 * `caption` may be NULL. */
void ag_html_figure(ag_buf *out, ag_str svg, const char *caption);
