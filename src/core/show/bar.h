// SPDX-License-Identifier: Apache-2.0
#pragma once
/* bar.h: a sink for ag_progress. On a terminal one line that is drawn again and again and at the end replaced by one
 * that stays; elsewhere a plain line every few seconds; for programs JSON lines. A failed write is ignored: showing
 * progress never stops work. */
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/sys/progress.h"

typedef enum ag_bar_mode { AG_BAR_AUTO, AG_BAR_TERMINAL, AG_BAR_PLAIN, AG_BAR_JSON, AG_BAR_OFF } ag_bar_mode;

typedef struct ag_bar ag_bar;
/* `fd` is borrowed (2: stderr). AG_BAR_AUTO: the terminal's bar on a terminal that draws, else plain lines. */
int ag_bar_new(int fd, ag_bar_mode mode, ag_bar **out, ag_err *err);
void ag_bar_free(ag_bar *bar);
/* An ag_progress_fn; the context is the ag_bar. One bar serves one progress after the other. */
void ag_bar_show(void *context, const ag_progress_state *state);

/* The pieces, also for others that show progress. Without line end; at most `width` cells. */
void ag_bar_line(const ag_progress_state *state, unsigned width, bool colour, ag_buf *out);
void ag_bar_plain(const ag_progress_state *state, ag_buf *out); /* "reading: 420 of 1000 files (42 %), ..." */
void ag_bar_json(const ag_progress_state *state, ag_buf *out);  /* one object */
