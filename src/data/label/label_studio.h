// SPDX-License-Identifier: Apache-2.0
#pragma once
/* label_studio.h: the names that the configuration of Label Studio gives to marks and answers, and reading its
 * exports. */
#include "data/label/exchange.h"

#define AG_STUDIO_ENTRY "Entry"
#define AG_STUDIO_TRANSITION "Transition"
#define AG_STUDIO_EXIT "Exit"
#define AG_STUDIO_FULL_EXIT "Full exit"
#define AG_STUDIO_EMPTY "Empty"
#define AG_STUDIO_NO_EXIT "No exit"

/* Exports of the kinds JSON and JSON_MIN: a list of tasks, or one. */
int ag_label_studio_read(ag_str text, const char *name, const ag_exchange_options *options, ag_arena *arena,
                         ag_exchange_rows *out, ag_err *err);
